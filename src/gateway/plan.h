/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ROUTE's answer: what to try, in order. A model's targets come by weight and health, again and
 * again until the model's tries could be used up; then those of its fallback, and so on. What rests
 * when its turn comes is passed over, and counts as no try.
 */
#ifndef GATEWAY_PLAN_H
#define GATEWAY_PLAN_H

#include "config/snapshot.h"

#define PLAN_MAX_TARGETS 32 /* what would come after is left out */

struct exchange;

struct plan_entry {
    const struct model *model;
    const struct target *target;
};

struct plan {
    struct plan_entry entries[PLAN_MAX_TARGETS];
    size_t count;
    size_t next;                /* the one that RESERVE looks at */
    const struct model *trying; /* the model of the last try */
    int64_t tries;              /* of that model so far */
};

/* The price at a target as of when the request began, for all that is asked of it; NULL: none. */
const struct price *plan_price(const struct exchange *exchange, const struct target *target);

/* Fills exchange->plan. Without an entry every target has been billed above its bound (COUNT has
 * refused what has no price). */
void plan_make(struct exchange *exchange);
/* The next entry that may be tried now, with a permit for its target; NULL: there is none. */
const struct plan_entry *plan_take(struct exchange *exchange);
/* After a failed attempt: moves on to an entry that may well be tried, and says how long to wait
 * first. False: there is none. */
bool plan_advance(struct exchange *exchange, int64_t *wait_ms);
/* Whether the model's tries and the plan leave another entry, resting or not. */
bool plan_left(const struct exchange *exchange);
/* Until the first of the plan's targets may be asked again, at least a second. */
int64_t plan_rest_ms(const struct exchange *exchange);

#endif
