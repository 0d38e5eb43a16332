/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COUNT: can the cost of this request be bounded? Under a money budget a request must have a price
 * and only parts that we can bound. Counting itself is by bytes until the tokenizer comes
 * (llm/model.h: a token is at least one byte).
 */
#include "exchange.h"

enum step step_count(struct exchange *exchange)
{
    if (!subject_has_budget(exchange->key))
        return STEP_LOOKUP;
    const struct model *model = exchange->model;
    if (!model->price.known)
        return exchange_refuse(exchange, ERR_MODEL_UNPRICED, "model",
                               "The model '%.*s' has no price here, and this key is under a money "
                               "budget.",
                               SPAN_ARG(model->name));
    const char *part = exchange->call.unboundable;
    if (part != NULL && !price_is_free(&model->price))
        return exchange_refuse(exchange, ERR_NOT_BOUNDABLE, part,
                               "The cost of '%s' cannot be bounded by this gateway, and this key "
                               "is under a money budget.",
                               part);
    return STEP_LOOKUP;
}
