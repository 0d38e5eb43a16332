/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COUNT: how many input tokens is this, may the key send so many, and can their cost be bounded? Under
 * a money budget a request must have a price and only parts that we can bound.
 */
#include "counting.h"
#include "exchange.h"

#include "llm/bound.h"

/* What bars every target that has a price, of which there is one; NULL where one is left. */
static const char *obstacle(const struct exchange *exchange, const struct model *model)
{
    const char *part = NULL;
    for (size_t i = 0; i < model->target_count; i++) {
        const struct price *price = plan_price(exchange, &model->targets[i]);
        if (price == NULL)
            continue;
        part = bound_obstacle(&exchange->call, price, model->max_input_bound);
        if (part == NULL)
            return NULL;
    }
    return part;
}

/* Before anything is counted: it costs nothing to know. */
static enum step check_bound(struct exchange *exchange)
{
    const struct model *model = exchange->model;
    const char *unseen = exchange->call.unboundable;
    if (unseen != NULL && model->max_input_bound == 0 &&
        subject_has(exchange->key, NULL, SUBJECT_HAS_TOKENS))
        return exchange_refuse(exchange, ERR_NOT_BOUNDABLE, unseen,
                               "The tokens of '%s' cannot be bounded by this gateway, and this key "
                               "is under a budget of tokens.",
                               unseen);
    if (!subject_has(exchange->key, NULL, SUBJECT_HAS_MONEY))
        return STEP_LOOKUP;
    if (!model_is_priced(model))
        return exchange_refuse(exchange, ERR_MODEL_UNPRICED, "model",
                               "The model '%.*s' has no price here, and this key is under a money "
                               "budget.",
                               SPAN_ARG(model->name));
    const char *part = obstacle(exchange, model);
    if (part != NULL)
        return exchange_refuse(exchange, ERR_NOT_BOUNDABLE, part,
                               "The cost of '%s' cannot be bounded by this gateway, and this key "
                               "is under a money budget.",
                               part);
    return STEP_LOOKUP;
}

static enum step check_length(struct exchange *exchange)
{
    int64_t most = subject_max_input_tokens(exchange->key);
    int64_t tokens = exchange->counted.tokens;
    if (most == 0 || tokens <= most)
        return STEP_LOOKUP;
    return exchange_refuse(
        exchange, ERR_INPUT_TOO_LONG, "messages",
        "The prompt has %s%lld tokens; this key may send %lld in one request (max_input_tokens).",
        exchange->counted.input.quality == COUNT_ESTIMATE ? "about " : "", (long long)tokens,
        (long long)most);
}

enum step step_count(struct exchange *exchange)
{
    if (!exchange->counted.made) {
        enum step step = check_bound(exchange);
        if (step != STEP_LOOKUP)
            return step;
        if (!counting_make(exchange))
            return STEP_WAIT;
    }
    return check_length(exchange);
}
