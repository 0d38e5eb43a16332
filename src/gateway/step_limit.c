/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIMIT: limits that need the call to be known: tokens a minute. Takes what the request is expected to
 * use, input as counted and output to its limit; SETTLE puts it right. (Throttling by a budget's
 * ladder and the loop guard are not built into this version; requests a minute and concurrency were
 * taken by ADMIT.)
 */
#include "exchange.h"

/* As RESERVE will wish for, whether there is a budget or not. */
static int64_t expected_tokens(const struct exchange *exchange)
{
    const struct call *call = &exchange->call;
    int64_t output =
        call->output_limit > 0 ? call->output_limit : exchange->model->max_output_tokens;
    int64_t tokens;
    if (call->kind == CALL_EMBEDDINGS)
        output = 0;
    if (__builtin_mul_overflow(output, call->choices, &tokens) ||
        __builtin_add_overflow(tokens, exchange->counted.tokens, &tokens))
        return INT64_MAX;
    return tokens;
}

enum step step_limit(struct exchange *exchange)
{
    struct lease *lease = &exchange->lease;
    if (!subject_has_token_limit(exchange->key))
        return STEP_ROUTE;
    int64_t tokens = expected_tokens(exchange);
    enum err err = lease_take_tokens(lease, tokens, exchange->begun_ns);
    if (err == ERR_NONE)
        return STEP_ROUTE;
    return exchange_refuse(exchange, err, NULL,
                           "Rate limit reached for tokens per minute: limit %lld, remaining %lld, "
                           "requested %lld.",
                           (long long)lease->token_rate.limit,
                           (long long)lease->token_rate.remaining, (long long)tokens);
}
