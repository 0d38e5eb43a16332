/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subject was granted for one exchange: a place under each rate and concurrency limit on its
 * path, and one reservation for the attempt under way. Opened once, closed exactly once (asserted),
 * whatever happens between. Embedded in the exchange; one thread.
 */
#ifndef POLICY_LEASE_H
#define POLICY_LEASE_H

#include "base/err.h"
#include "policy/subject.h"

#include <stdbool.h>
#include <stdint.h>

struct lease {
    const struct key *key;
    struct rate_view rate; /* the passed limit with the least remaining, or the one that refused;
                            * limit 0: none */
    struct rate_view token_rate; /* the same of tokens a minute */
    int64_t tokens_taken;        /* from each limit of tokens on the path */
    bool tokens_open;            /* lease_settle_tokens is still to come */
    struct reservation reservation;
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

/* Holds for one attempt. ERR_NONE, BUDGET_EXCEEDED (or _429, by the budget's status) or
 * BUDGET_BUSY, with the deciding budget in *by. The lease is open and no reservation is (asserted).
 * */
enum err lease_reserve(struct lease *lease, const struct budget_wish *wish, int64_t wall_ns,
                       const struct budget **by);
/* Ends the attempt's reservation, if one is open: see budget_settle. */
void lease_settle(struct lease *lease, int64_t cost_nusd, int64_t uncertain_nusd);

/* Leaves the gauges, and gives back tokens that were not settled. The reservation must have been
 * settled (asserted). Does nothing when not open. */
void lease_close(struct lease *lease);

#endif
