/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* ROUTE: which targets, in which order? One a model in this version. */
#include "exchange.h"

enum step step_route(struct exchange *exchange)
{
    exchange->plan = (struct plan){.models = {exchange->model}, .count = 1};
    return STEP_RESERVE;
}
