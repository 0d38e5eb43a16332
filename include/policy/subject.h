/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: a key, its tenant, and every tenant above. All immutable parts of a snapshot (config
 * builds them); what changes lives in the cells they point to.
 */
#ifndef POLICY_SUBJECT_H
#define POLICY_SUBJECT_H

#include "base/span.h"
#include "crypto/digest.h"
#include "policy/budget.h"
#include "policy/limit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits and budgets of one node: a tenant or a key. */
struct allowance {
    struct rate_cell *rate;   /* requests; NULL: no limit here, as with the next two */
    struct rate_cell *tokens; /* tokens a minute */
    struct gauge_cell *gauge; /* requests in flight */
    int64_t max_input_tokens; /* of one request; 0: no limit here */
    const struct budget *budgets;
    size_t budget_count;
};

struct tenant {
    const char *path; /* "acme/search" */
    const struct tenant *parent;
    struct allowance allowance;
    const struct span *models; /* NULL: all; else the names this tenant may ask for */
    size_t model_count;
};

enum user_source { USER_FROM_HEADER, USER_FROM_BODY, USER_FROM_NONE };

struct key {
    const char *id;
    uint8_t digest[SHA256_SIZE];
    const struct tenant *tenant;
    struct allowance allowance;
    int64_t expires_wall_ns; /* 0: never */
    enum user_source user_from;
};

/* The node lists a request passes: the key, its tenant, the parents. Call with *at = NULL first;
 * returns NULL at the end. */
struct subject_walk {
    const struct key *key; /* not yet visited */
    const struct tenant *tenant;
};
struct subject_walk subject_walk(const struct key *key);
const struct allowance *subject_next(struct subject_walk *walk);

/* Whether the tenant and each above that has a list names the model. */
bool subject_may_use(const struct key *key, struct span model);
/* The least of `max_input_tokens` on the path; 0: none. */
int64_t subject_max_input_tokens(const struct key *key);
/* Whether some node of the path limits tokens a minute. */
bool subject_has_token_limit(const struct key *key);
/* Every budget over this key that is about such a request, into `path`; returns how many
 * (≤ BUDGET_MAX_PATH, config's promise). */
size_t subject_budgets(const struct key *key, const struct budget_facts *facts,
                       const struct budget *path[BUDGET_MAX_PATH]);

/* What of a kind lies over the key: whatever it asks for, or with `facts` over such a request. */
enum subject_has {
    SUBJECT_HAS_BUDGET, /* any */
    SUBJECT_HAS_LIMIT,  /* one that refuses: what the request may use must be bounded */
    SUBJECT_HAS_MONEY,  /* one that refuses by dollars: it must have a price */
    SUBJECT_HAS_TOKENS, /* one that refuses by tokens: nothing it cannot see into, free or not */
    SUBJECT_HAS_BOUND, /* one with `hold: bound`, which a target that broke its bound may not use */
    SUBJECT_HAS_LEARNED, /* one with `hold: learned` */
};
bool subject_has(const struct key *key, const struct budget_facts *facts, enum subject_has what);
static inline bool subject_has_budget(const struct key *key)
{
    return subject_has(key, NULL, SUBJECT_HAS_BUDGET);
}

#endif
