/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subject was granted for one exchange: a place under each rate and concurrency limit on its
 * path, and one reservation for the attempt under way. Opened once, closed exactly once (asserted),
 * whatever happens between. Embedded in the exchange; one thread, but for what its waiter's wake() does.
 */
#ifndef POLICY_LEASE_H
#define POLICY_LEASE_H

#include "base/err.h"
#include "policy/subject.h"

#include <stdbool.h>
#include <stdint.h>

struct lease {
    const struct key *key;
    struct budget_facts
        facts;             /* lease_open gives the key; the rest is the caller's, and may change */
    struct rate_view rate; /* the passed limit with the least remaining, or the one that refused;
                            * limit 0: none */
    struct rate_view token_rate; /* the same of tokens a minute */
    struct ladder_view ladder;   /* of the budget with the highest state, or the one that refused */
    struct rate_view throttle;   /* what a ladder leaves of requests a minute; limit 0: all */
    int64_t tokens_taken;        /* from each limit of tokens on the path */
    bool tokens_open;            /* lease_settle_tokens is still to come */
    struct reservation reservation;
    struct budget_waiter waiter;
    struct budget_cell *busy; /* what lease_wait would wait for, with a reference */
    bool open;
};

/* Takes from every rate and enters every gauge of the path, all or nothing. ERR_NONE,
 * RATE_LIMITED (rate.retry_ns says how long) or CONCURRENCY_LIMITED; then the lease is not open. */
enum err lease_open(struct lease *lease, const struct key *key, int64_t now_ns);

/* Takes what the request is expected to use from every limit of tokens a minute on the path, all or
 * nothing. ERR_NONE, or TOKENS_LIMITED (token_rate.retry_ns says how long). Once a lease. */
enum err lease_take_tokens(struct lease *lease, int64_t tokens, int64_t now_ns);
/* What it came to. Does nothing when nothing is taken. */
void lease_settle_tokens(struct lease *lease, int64_t used);

/* Asks the ladders of the budgets over such a request (facts: the model as asked for), and takes a
 * place in each that throttles, all or nothing. Fills `ladder`. ERR_NONE, or BUDGET_THROTTLED with
 * the budget in *by (throttle.retry_ns says how long). `observe`, if not NULL, hears of each budget in
 * mode observe that would have acted. */
enum err lease_climb(struct lease *lease, struct ladder_now now, const struct budget **by,
                     void (*observe)(void *argument, const struct budget *budget,
                                     const struct ladder_view *view),
                     void *argument);

/* Holds for one attempt; the wish's facts and waiter are the lease's. ERR_NONE, BUDGET_EXCEEDED (or
 * _429, by the budget's status), BURN_RATE, BUDGET_CROWDED or BUDGET_BUSY, with the deciding budget in
 * *by. The lease is open and no reservation is (asserted). */
enum err lease_reserve(struct lease *lease, const struct budget_wish *wish, int64_t wall_ns,
                       const struct budget **by);
/* After BUDGET_BUSY: stands in the queue of what was busy. True: it had to go there first, so try
 * again at once; false: wait for wake(argument), see struct budget_waiter. */
bool lease_wait(struct lease *lease, void (*wake)(void *argument), void *argument);
/* Whether it was woken since it last tried. */
bool lease_is_woken(const struct lease *lease);
/* Leaves the queue. Does nothing when it stands in none; done by a try that ends in anything but
 * BUDGET_BUSY, and by lease_close. */
void lease_stop_waiting(struct lease *lease);

/* Ends the attempt's reservation, if one is open: see budget_settle. */
void lease_settle(struct lease *lease, const struct budget_charge *charge);

/* Leaves the gauges, and gives back tokens that were not settled. The reservation must have been
 * settled (asserted). Does nothing when not open. */
void lease_close(struct lease *lease);

#endif
