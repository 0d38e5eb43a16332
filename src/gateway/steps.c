/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The real step table: the functions of steps.def, and what the driver asks of an exchange. */
#include "exchange.h"
#include "worker.h"

/* The driver knows pipelines, the steps know exchanges. */
#define STEP(name, function, after)                        \
    static enum step run_##name(struct pipeline *pipeline) \
    {                                                      \
        return function(exchange_of(pipeline));            \
    }
#include "gateway/steps.def"
#undef STEP

static bool may_refuse(const struct pipeline *pipeline)
{
    const struct exchange *exchange =
        (const struct exchange *)(const void *)((const char *)pipeline -
                                                offsetof(struct exchange, pipeline));
    return exchange->conn != NULL && !exchange->reply_begun;
}

const struct pipeline_table gateway_pipeline = {
    .run =
        {
#define STEP(name, function, after) [STEP_##name] = run_##name,
#include "gateway/steps.def"
#undef STEP
        },
    .may_refuse = may_refuse,
    .ended = exchange_ended,
};
