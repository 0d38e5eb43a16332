/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bound: the most that a request can cost, before it is sent. Tokens here, their prices in
 * llm/price.h; docs/internals/bound.md has the argument, and what was measured.
 *
 *   input tokens ≤ min(prompts × context window,
 *                      bytes of text + hidden + images × the family's dearest + audio)
 *   output tokens ≤ call.choices × the limit that is written into the request
 */
#ifndef LLM_BOUND_H
#define LLM_BOUND_H

#include "base/span.h"
#include "llm/call.h"
#include "llm/price.h"

#include <stdint.h>

struct bound_request {
    const struct call *call;
    struct span model;    /* its name at the provider */
    uint64_t added_bytes; /* that write_call may add to the client's, at most */
    int64_t hidden_input; /* the operator's figure; -1: the one of the model's family */
    int64_t
        max_input_bound; /* the operator's figure for the whole input of a request with parts that
                              * cannot be seen into; 0: none */
    int64_t context_window; /* 0: unknown */
};

/* The most input tokens that the request can be billed. Where it has parts that cannot be seen into,
 * the operator's figure, but never less than what can be seen. */
int64_t bound_input(const struct bound_request *request);

/* The part that keeps the request from being bounded at this price (`max_input_bound` as above), for
 * a refusal; NULL: it has a bound. */
const char *bound_obstacle(const struct call *call, const struct price *price,
                           int64_t max_input_bound);

/* The kinds of tokens and tiers that the request may make the provider bill. */
struct price_scope bound_scope(const struct call *call);

/* What a choice is to get at most, before money is looked at: the client's own limit, else what an
 * absent one means, within what the model can give. 0 for embeddings. */
int64_t bound_output_wish(const struct call *call, int64_t max_output_tokens);

#endif
