/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each token of a text is at least one byte of what the tokenizer sees, so bytes bound tokens; the
 * rest is what the tokenizer sees beside the bytes that are sent.
 */
#include "llm/bound.h"

#include "bound_private.h"
#include "llm/model.h"

/* An absent limit of legacy completions means this (OpenAI's reference, vLLM); were the model's
 * maximum written into it, a client under a budget would get longer answers than one without. */
#define COMPLETION_LIMIT 16

/* By models that search unasked of us: more than any recorded request made. */
#define WEB_SEARCHES 32

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Sums of what a peer can size: they stop at the largest number. */
static int64_t sum(int64_t a, int64_t b)
{
    int64_t both;
    return __builtin_add_overflow(a, b, &both) ? INT64_MAX : both;
}

static int64_t product(int64_t a, int64_t b)
{
    int64_t both;
    return __builtin_mul_overflow(a, b, &both) ? INT64_MAX : both;
}

/* What structured parts may grow by when they are written for the model: [1,1] has two bytes a value,
 * and as "1 | 1" or "1, 1" three tokens; with a line for each value five. */
static int64_t rewritten(const struct call *call, const struct model_family *family)
{
    if ((family->traits & MODEL_LITERAL) != 0)
        return 0;
    return product((int64_t)call->structured_bytes, (family->traits & MODEL_INDENTS) != 0 ? 2 : 1);
}

/* Bytes of text, as the family's tokenizer and template may make them. Where it is not known that the
 * model sees images, their data may be shown to it as text. */
static int64_t text_bound(const struct bound_request *request, const struct model_family *family)
{
    const struct call *call = request->call;
    int64_t bytes = sum((int64_t)call->body.text.len, (int64_t)request->added_bytes);
    if ((family->traits & MODEL_SEES) != 0)
        bytes -= (int64_t)call->media_bytes;
    if ((family->traits & MODEL_SAME_BYTES) == 0)
        bytes = sum(bytes, (int64_t)bound_text_growth(call->body.text));
    return sum(bytes, rewritten(call, family));
}

/* Each prompt has the window to itself. */
int64_t bound_input(const struct bound_request *request)
{
    const struct call *call = request->call;
    const struct model_family *family = model_family(request->model);
    int64_t hidden = request->hidden_input >= 0 ? request->hidden_input
                                                : model_hidden_input(request->model, call);
    int64_t media = sum(product(call->images, family->image), call->audio_tokens);
    int64_t bound = sum(text_bound(request, family), sum(hidden, media));
    if (call->unboundable != NULL && bound < request->max_input_bound)
        bound = request->max_input_bound;
    if (request->context_window == 0)
        return bound;
    return smaller(bound, product(request->context_window, call->prompts));
}

const char *bound_obstacle(const struct call *call, const struct price *price,
                           int64_t max_input_bound)
{
    if (price_is_free(price))
        return NULL;
    if (call->unpriced != NULL)
        return call->unpriced;
    if (call->tier != SERVICE_TIER_STANDARD && !price_knows_tier(price, call->tier))
        return "service_tier";
    return max_input_bound > 0 ? NULL : call->unboundable;
}

/* Models may draw or speak by themselves, and the tier is what the account is set to, whatever the
 * request says. Behind a part that cannot be seen into may be anything. */
struct price_scope bound_scope(const struct call *call)
{
    bool unseen = call->unboundable != NULL;
    return (struct price_scope){.audio_input = unseen || call->has_audio,
                                .image_input = unseen || call->has_images,
                                .audio_output = true,
                                .image_output = true,
                                .any_tier = true,
                                .web_searches = call->has_searches ? WEB_SEARCHES : 0};
}

int64_t bound_output_wish(const struct call *call, int64_t max_output_tokens)
{
    if (call->kind == CALL_EMBEDDINGS)
        return 0;
    if (call->limit_field != LIMIT_FIELD_NONE)
        return smaller(call->output_limit, max_output_tokens);
    return call->kind == CALL_COMPLETIONS ? smaller(COMPLETION_LIMIT, max_output_tokens)
                                          : max_output_tokens;
}
