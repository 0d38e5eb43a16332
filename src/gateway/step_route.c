/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* ROUTE: which targets, in which order? */
#include "exchange.h"
#include "plan.h"

enum step step_route(struct exchange *exchange)
{
    plan_make(exchange);
    return STEP_RESERVE;
}
