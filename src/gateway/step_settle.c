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

enum step step_settle(struct exchange *exchange)
{
    ASSERT(!exchange->settled);
    exchange->settled = true;
    attempts_stop(exchange);
    attempts_settle(exchange);
    lease_close(&exchange->lease);
    if (exchange->conn != NULL && exchange->reply_begun && !exchange->reply_ended)
        relay_break(exchange, exchange->pipeline.outcome.cause);
    return STEP_RECORD;
}
