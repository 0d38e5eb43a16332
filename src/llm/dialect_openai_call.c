/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a chat completions body into a call. One strict pass over all of it (json_scan), then one
 * look at each member of the root by the table below; what the table does not name is left alone
 * and forwarded as it came.
 *
 * Strict where money hangs on it: a limit that the provider might read in another way than we do,
 * or a part whose cost no byte count bounds, never passes unnoticed. Everything else is for the
 * provider to judge.
 */
#include "dialect_openai.h"

#include <stdarg.h>
#include <stdio.h>

#define MODEL_MAX   256
#define LIMIT_MAX   INT32_MAX
#define CHOICES_MAX 128

enum err openai_refuse(struct openai_reading *reading, enum err err, const char *param,
                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->why->message, sizeof(reading->why->message), format, arguments);
    va_end(arguments);
    snprintf(reading->why->param, sizeof(reading->why->param), "%s", param);
    return err;
}

void openai_unbound(struct openai_reading *reading, const char *name)
{
    if (reading->call->unboundable == NULL)
        reading->call->unboundable = name;
}

/* ---- one reader a member ---- */

static enum err read_model(struct openai_reading *reading, const struct json_member *member)
{
    if (member->type != JSON_STRING)
        return openai_refuse(reading, ERR_FIELD_INVALID, "model", "'model' must be a string.");
    struct span model = json_decode_string(member->value, reading->arena);
    if (model.len == 0 || model.len > MODEL_MAX)
        return openai_refuse(reading, ERR_FIELD_INVALID, "model",
                             "'model' must have 1 to %d bytes.", MODEL_MAX);
    reading->call->model = model;
    return ERR_NONE;
}

static enum err read_input(struct openai_reading *reading, const struct json_member *member)
{
    (void)member;
    reading->has_input = true;
    return ERR_NONE;
}

/* A Boolean that may be null. Were "false" or 0 let through, the provider might stream where we
 * wait for a whole answer. */
static enum err read_bool(struct openai_reading *reading, const char *param, enum json_type type,
                          bool *out)
{
    if (type != JSON_TRUE && type != JSON_FALSE && type != JSON_NULL)
        return openai_refuse(reading, ERR_FIELD_INVALID, param, "'%s' must be true or false.",
                             param);
    *out = type == JSON_TRUE;
    return ERR_NONE;
}

static enum err read_stream(struct openai_reading *reading, const struct json_member *member)
{
    return read_bool(reading, "stream", member->type, &reading->call->stream);
}

static enum err read_stream_options(struct openai_reading *reading,
                                    const struct json_member *member)
{
    if (member->type == JSON_NULL)
        return ERR_NONE;
    if (member->type != JSON_OBJECT)
        return openai_refuse(reading, ERR_FIELD_INVALID, "stream_options",
                             "'stream_options' must be an object.");
    reading->has_stream_options = true;
    struct openai_walk walk = {.inside = member->value};
    while (openai_walk_next(&walk))
        if (openai_text_is(walk.key, SPAN("include_usage")))
            return read_bool(reading, "stream_options.include_usage", walk.type,
                             &reading->call->wants_usage);
    return ERR_NONE;
}

/* A whole number from 1 to `most`, or null, which leaves *out. Written as such: 1e2, 100.0 and
 * "100" are one hundred to some providers, an error to others, and no limit at all to the worst. */
static enum err read_count(struct openai_reading *reading, const struct json_member *member,
                           const char *param, int64_t most, int64_t *out)
{
    if (member->type == JSON_NULL)
        return ERR_NONE;
    int64_t value;
    if (member->type != JSON_NUMBER || !json_value_to_i64(member->value, &value) || value < 1 ||
        value > most)
        return openai_refuse(reading, ERR_FIELD_INVALID, param,
                             "'%s' must be a whole number from 1 to %lld.", param, (long long)most);
    *out = value;
    return ERR_NONE;
}

static enum err read_max_tokens(struct openai_reading *reading, const struct json_member *member)
{
    return read_count(reading, member, "max_tokens", LIMIT_MAX, &reading->max_tokens);
}

static enum err read_max_completion_tokens(struct openai_reading *reading,
                                           const struct json_member *member)
{
    return read_count(reading, member, "max_completion_tokens", LIMIT_MAX,
                      &reading->max_completion_tokens);
}

static enum err read_n(struct openai_reading *reading, const struct json_member *member)
{
    return read_count(reading, member, "n", CHOICES_MAX, &reading->call->choices);
}

/* The older form of tools: always the client's own. */
static enum err read_functions(struct openai_reading *reading, const struct json_member *member)
{
    if (member->type != JSON_NULL)
        reading->call->has_tools = true;
    return ERR_NONE;
}

/* Whether a member says more than null or one of these words. */
static bool says_more(const struct json_member *member, struct span a, struct span b)
{
    return member->type != JSON_NULL && !openai_value_is(member->value, member->type, a) &&
           !openai_value_is(member->value, member->type, b);
}

/* reasoning_effort, and what other hosts call it. Models that reason unasked have that in their own
 * figure (model.c). */
static enum err read_reasoning(struct openai_reading *reading, const struct json_member *member)
{
    if (says_more(member, SPAN("none"), SPAN("none")))
        reading->call->has_reasoning = true;
    return ERR_NONE;
}

/* A tier has prices of its own, which the operator has not given. */
static enum err read_service_tier(struct openai_reading *reading, const struct json_member *member)
{
    if (says_more(member, SPAN("auto"), SPAN("default")))
        openai_unbound(reading, "service_tier");
    return ERR_NONE;
}

/* Only text has a price a token that we know. */
static enum err read_modalities(struct openai_reading *reading, const struct json_member *member)
{
    if (member->type == JSON_NULL)
        return ERR_NONE;
    if (member->type != JSON_ARRAY)
        return openai_refuse(reading, ERR_FIELD_INVALID, "modalities",
                             "'modalities' must be an array.");
    struct openai_walk walk = {.inside = member->value};
    while (openai_walk_next(&walk))
        if (!openai_value_is(walk.value, walk.type, SPAN("text")))
            openai_unbound(reading, "modalities");
    return ERR_NONE;
}

/* For attribution only: what is no string is the provider's to refuse. */
static enum err read_user(struct openai_reading *reading, const struct json_member *member)
{
    if (member->type == JSON_STRING)
        reading->call->user = json_decode_string(member->value, reading->arena);
    return ERR_NONE;
}

/* ---- the members ---- */

static const struct {
    struct span key;
    enum err (*read)(struct openai_reading *reading, const struct json_member *member);
} readers[] = {
    {SPAN("model"), read_model},
    {SPAN("messages"), openai_read_messages},
    {SPAN("input"), read_input},
    {SPAN("stream"), read_stream},
    {SPAN("stream_options"), read_stream_options},
    {SPAN("max_tokens"), read_max_tokens},
    {SPAN("max_completion_tokens"), read_max_completion_tokens},
    {SPAN("n"), read_n},
    {SPAN("tools"), openai_read_tools},
    {SPAN("functions"), read_functions},
    {SPAN("reasoning_effort"), read_reasoning},
    {SPAN("reasoning"), read_reasoning}, /* OpenRouter */
    {SPAN("thinking"), read_reasoning},  /* DeepSeek, Z.ai, Moonshot */
    {SPAN("service_tier"), read_service_tier},
    {SPAN("modalities"), read_modalities},
    {SPAN("user"), read_user},
};

/* Members that bring in tokens, prices or models that the body's bytes say nothing of. */
static const struct span unbounded[] = {
    SPAN("audio"),
    SPAN("web_search_options"),
    SPAN("prediction"),
    SPAN("moderation"),
    SPAN("best_of"),           /* vLLM: choices generated and thrown away */
    SPAN("chat_template"),     /* vLLM: a program that writes the prompt */
    SPAN("data_sources"),      /* Azure: documents put into the prompt */
    SPAN("extra_body"),        /* Gemini: a cached prompt by its id */
    SPAN("models"),            /* OpenRouter: other models at other prices */
    SPAN("plugins"),           /* OpenRouter: web search and files */
    SPAN("search_parameters"), /* xAI: live search */
};

static enum err read_member(struct openai_reading *reading, const struct json_member *member)
{
    for (size_t i = 0; i < COUNT_OF(readers); i++)
        if (span_equal(member->key, readers[i].key))
            return readers[i].read(reading, member);
    if (member->type == JSON_NULL)
        return ERR_NONE;
    for (size_t i = 0; i < COUNT_OF(unbounded); i++)
        if (span_equal(member->key, unbounded[i]))
            openai_unbound(reading, unbounded[i].ptr);
    return ERR_NONE;
}

/* ---- what concerns several members ---- */

/* A body of the Responses API comes to this endpoint from clients that were given one base URL for
 * both (seen from Cursor): it gets a sentence that helps. */
static enum err check_present(struct openai_reading *reading)
{
    if (!reading->has_messages && reading->has_input)
        return openai_refuse(reading, ERR_FIELD_MISSING, "messages",
                             "'messages' is missing. A body with 'input' is of the Responses API, "
                             "which this endpoint does not speak: send chat completions.");
    if (!reading->has_messages)
        return openai_refuse(reading, ERR_FIELD_MISSING, "messages", "'messages' is missing.");
    if (reading->call->model.len == 0)
        return openai_refuse(reading, ERR_FIELD_MISSING, "model", "'model' is missing.");
    if (reading->has_stream_options && !reading->call->stream)
        return openai_refuse(reading, ERR_FIELD_INVALID, "stream_options",
                             "'stream_options' is only allowed where 'stream' is true.");
    return ERR_NONE;
}

/* A provider that knows both fields takes one of them, which one we do not know. */
static enum err settle_limit(struct openai_reading *reading)
{
    int64_t old = reading->max_tokens;
    int64_t new = reading->max_completion_tokens;
    if (old != 0 && new != 0 && old != new)
        return openai_refuse(reading, ERR_FIELD_INVALID, "max_tokens",
                             "'max_tokens' and 'max_completion_tokens' differ.");
    reading->call->output_limit = old != 0 ? old : new;
    reading->call->limit_field = old != 0 && new != 0 ? LIMIT_FIELD_BOTH
                                 : old != 0           ? LIMIT_FIELD_MAX_TOKENS
                                 : new != 0           ? LIMIT_FIELD_MAX_COMPLETION_TOKENS
                                                      : LIMIT_FIELD_NONE;
    return ERR_NONE;
}

static enum err scan(struct openai_reading *reading, struct span body)
{
    struct json_fault fault;
    if (!json_scan(body, reading->arena, &reading->call->body, &fault))
        return openai_refuse(reading, ERR_JSON_INVALID, "",
                             "The request body is not valid JSON: %s at byte %zu.", fault.what,
                             fault.offset);
    if (reading->call->body.type != JSON_OBJECT)
        return openai_refuse(reading, ERR_JSON_INVALID, "",
                             "The request body must be a JSON object.");
    return ERR_NONE;
}

enum err openai_read_call(struct span body, struct arena *arena, struct call *out,
                          struct complaint *why)
{
    *out = (struct call){.choices = 1};
    struct openai_reading reading = {.call = out, .arena = arena, .why = why};
    enum err err = scan(&reading, body);
    for (size_t i = 0; err == ERR_NONE && i < out->body.count; i++)
        err = read_member(&reading, &out->body.members[i]);
    if (err == ERR_NONE)
        err = check_present(&reading);
    if (err == ERR_NONE)
        err = settle_limit(&reading);
    if (arena_failed(arena)) /* whatever was found: what was read is not all there */
        return openai_refuse(&reading, ERR_OVERLOADED, "",
                             "The gateway has no room for a body with so many members.");
    return err;
}
