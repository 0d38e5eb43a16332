/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* ROUTE: which targets, in which order? */
#include "exchange.h"
#include "plan.h"

enum step step_route(struct exchange *exchange)
{
    plan_make(exchange);
    if (exchange->plan.count == 0)
        return exchange_refuse(exchange, ERR_TARGETS_BREACHED, NULL, NULL);
    return STEP_RESERVE;
}
