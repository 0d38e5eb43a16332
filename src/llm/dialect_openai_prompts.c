/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of legacy completions and of embeddings. Both take their text in four shapes: a string,
 * strings, the token ids of one text, lists of token ids. How many texts there are decides how many
 * outputs are billed, so the shape is read strictly: numbers stand alone or not at all.
 */
#include "dialect_openai.h"

#include <stdio.h>

/* Over all prompts: more would be no request but a batch. */
#define OUTPUTS_MAX INT64_C(65536)

/* ---- the four shapes ---- */

static enum err refuse_shape(struct openai_reading *reading, const char *param)
{
    return openai_refuse(reading, ERR_FIELD_INVALID, param,
                         "'%s' must be a string, an array of strings, an array of token ids or an "
                         "array of arrays of token ids.",
                         param);
}

static bool holds_only_numbers(struct span array)
{
    struct openai_walk walk = {.inside = array};
    while (openai_walk_next(&walk))
        if (walk.type != JSON_NUMBER)
            return false;
    return true;
}

/* Other things than texts (Jina: {"image": …}) are forwarded, but have no bound. */
static bool is_text(struct openai_reading *reading, const struct openai_walk *item,
                    const char *param)
{
    if (item->type == JSON_OBJECT)
        openai_unbound(reading, param);
    return item->type == JSON_STRING || item->type == JSON_OBJECT ||
           (item->type == JSON_ARRAY && holds_only_numbers(item->value));
}

static enum err read_list(struct openai_reading *reading, struct span list, const char *param)
{
    int64_t texts = 0;
    int64_t numbers = 0;
    struct openai_walk walk = {.inside = list};
    while (openai_walk_next(&walk)) {
        if (walk.type == JSON_NUMBER)
            numbers++;
        else if (is_text(reading, &walk, param))
            texts++;
        else
            return refuse_shape(reading, param);
    }
    if (numbers == 0 && texts == 0)
        return openai_refuse(reading, ERR_FIELD_INVALID, param, "'%s' must not be empty.", param);
    if (numbers > 0 && texts > 0)
        return refuse_shape(reading, param);
    reading->call->prompts = numbers > 0 ? 1 : texts;
    return ERR_NONE;
}

static enum err read_texts(struct openai_reading *reading, const struct json_member *member,
                           const char *param)
{
    if (member->type == JSON_ARRAY)
        return read_list(reading, member->value, param);
    return member->type == JSON_STRING ? ERR_NONE : refuse_shape(reading, param);
}

/* ---- completions ---- */

/* None at all means the empty text to OpenAI. */
static enum err read_prompt(struct openai_reading *reading, const struct json_member *member)
{
    return member->type == JSON_NULL ? ERR_NONE : read_texts(reading, member, "prompt");
}

/* A chat's body goes to a chat's endpoint. */
static enum err read_stray_messages(struct openai_reading *reading,
                                    const struct json_member *member)
{
    (void)member;
    return openai_refuse(reading, ERR_FIELD_INVALID, "messages",
                         "'messages' is not of this endpoint: send it to /v1/chat/completions.");
}

static enum err check_completions(struct openai_reading *reading)
{
    int64_t each = reading->best_of > reading->n ? reading->best_of : reading->n;
    if (reading->call->prompts > OUTPUTS_MAX / each)
        return openai_refuse(reading, ERR_FIELD_INVALID, "prompt",
                             "'prompt' asks for more than %lld outputs.", (long long)OUTPUTS_MAX);
    return ERR_NONE;
}

static const struct openai_member completions_members[] = {
    {SPAN_INIT("model"), openai_read_model},
    {SPAN_INIT("prompt"), read_prompt},
    {SPAN_INIT("messages"), read_stray_messages},
    {SPAN_INIT("stream"), openai_read_stream},
    {SPAN_INIT("stream_options"), openai_read_stream_options},
    {SPAN_INIT("max_tokens"), openai_read_max_tokens},
    {SPAN_INIT("n"), openai_read_n},
    {SPAN_INIT("best_of"), openai_read_best_of},
    {SPAN_INIT("service_tier"), openai_read_service_tier},
    {SPAN_INIT("user"), openai_read_user},
};

static const struct openai_mark completions_marks[] = {
    {SPAN_INIT("prompt_embeds"),
     openai_unprice},                      /* vLLM: further prompts and outputs, as tensors */
    {SPAN_INIT("models"), openai_unprice}, /* OpenRouter: other models at other prices */
};

static const struct openai_form completions_form = {
    .kind = CALL_COMPLETIONS,
    .members = completions_members,
    .member_count = COUNT_OF(completions_members),
    .marks = completions_marks,
    .mark_count = COUNT_OF(completions_marks),
    .check = check_completions,
};

enum err openai_read_completions(struct span body, struct arena *arena, struct call *out,
                                 struct complaint *why)
{
    return openai_read_form(&completions_form, body, arena, out, why);
}

/* ---- embeddings ---- */

static enum err read_input(struct openai_reading *reading, const struct json_member *member)
{
    reading->has_input = true;
    return read_texts(reading, member, "input");
}

/* Nothing here could meter a stream of vectors. */
static enum err refuse_stream(struct openai_reading *reading, const struct json_member *member)
{
    if (member->type == JSON_NULL || member->type == JSON_FALSE)
        return ERR_NONE;
    return openai_refuse(reading, ERR_FIELD_INVALID, "stream", "Embeddings are not streamed.");
}

static enum err check_embeddings(struct openai_reading *reading)
{
    if (!reading->has_input)
        return openai_refuse(reading, ERR_FIELD_MISSING, "input", "'input' is missing.");
    return ERR_NONE;
}

static const struct openai_member embeddings_members[] = {
    {SPAN_INIT("model"), openai_read_model}, {SPAN_INIT("input"), read_input},
    {SPAN_INIT("stream"), refuse_stream},    {SPAN_INIT("service_tier"), openai_read_service_tier},
    {SPAN_INIT("user"), openai_read_user},
};

static const struct openai_form embeddings_form = {
    .kind = CALL_EMBEDDINGS,
    .members = embeddings_members,
    .member_count = COUNT_OF(embeddings_members),
    .check = check_embeddings,
};

enum err openai_read_embeddings(struct span body, struct arena *arena, struct call *out,
                                struct complaint *why)
{
    return openai_read_form(&embeddings_form, body, arena, out, why);
}
