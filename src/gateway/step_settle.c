/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SETTLE: every hold ends here, and the lease is closed, however the exchange ended: served, refused,
 * broken, or left. Passed exactly once.
 */
#include "attempts.h"
#include "exchange.h"
#include "relay.h"

#include "base/assert.h"

/* Of all attempts: those before this one are in the receipt already. */
static int64_t used_tokens(const struct exchange *exchange)
{
    const struct usage *before = &exchange->receipt.usage, *last = &exchange->bill.usage;
    return before->input + before->output + last->input + last->output;
}

enum step step_settle(struct exchange *exchange)
{
    ASSERT(!exchange->settled);
    exchange->settled = true;
    waiting_end(exchange);
    attempts_stop(exchange);
    attempts_settle(exchange);
    lease_settle_tokens(&exchange->lease, used_tokens(exchange));
    lease_close(&exchange->lease);
    if (exchange->conn != NULL && exchange->reply_begun && !exchange->reply_ended)
        relay_break(exchange, exchange->pipeline.outcome.cause);
    return STEP_RECORD;
}
