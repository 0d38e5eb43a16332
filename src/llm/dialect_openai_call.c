/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a chat completions body: its members, and those that bring in what the body's bytes
 * say nothing of.
 */
#include "dialect_openai.h"

static enum err read_input(struct openai_reading *reading, const struct json_member *member)
{
    (void)member;
    reading->has_input = true;
    return ERR_NONE;
}

/* The older form of tools: always the client's own. */
static enum err read_functions(struct openai_reading *reading, const struct json_member *member)
{
    if (member->type != JSON_NULL)
        reading->call->has_tools = true;
    reading->call->structured_bytes += member->value.len;
    return ERR_NONE;
}

/* reasoning_effort, and what other hosts call it. Models that reason unasked have that in their own
 * figure (model.c). */
static enum err read_reasoning(struct openai_reading *reading, const struct json_member *member)
{
    if (openai_says_more(member, SPAN("none"), SPAN("none")))
        reading->call->has_reasoning = true;
    return ERR_NONE;
}

/* {"type":"json_schema"} and whatever else is not plain text. */
static enum err read_response_format(struct openai_reading *reading,
                                     const struct json_member *member)
{
    struct openai_walk walk = {.inside = member->value};
    if (member->type != JSON_OBJECT)
        return ERR_NONE;
    reading->call->structured_bytes += member->value.len;
    while (openai_walk_next(&walk))
        if (openai_text_is(walk.key, SPAN("type")) &&
            !openai_value_is(walk.value, walk.type, SPAN("text")))
            reading->call->has_schema = true;
    return ERR_NONE;
}

/* What an answer in sound or pictures costs beside its text is not given by rates alone. */
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
            openai_unprice(reading, "modalities");
    return ERR_NONE;
}

/* ---- the form ---- */

static const struct openai_member members[] = {
    {SPAN_INIT("model"), openai_read_model},
    {SPAN_INIT("messages"), openai_read_messages},
    {SPAN_INIT("input"), read_input},
    {SPAN_INIT("stream"), openai_read_stream},
    {SPAN_INIT("stream_options"), openai_read_stream_options},
    {SPAN_INIT("max_tokens"), openai_read_max_tokens},
    {SPAN_INIT("max_completion_tokens"), openai_read_max_completion_tokens},
    {SPAN_INIT("n"), openai_read_n},
    {SPAN_INIT("best_of"), openai_read_best_of}, /* vLLM: choices generated and thrown away */
    {SPAN_INIT("tools"), openai_read_tools},
    {SPAN_INIT("functions"), read_functions},
    {SPAN_INIT("reasoning_effort"), read_reasoning},
    {SPAN_INIT("reasoning"), read_reasoning}, /* OpenRouter */
    {SPAN_INIT("thinking"), read_reasoning},  /* DeepSeek, Z.ai, Moonshot */
    {SPAN_INIT("service_tier"), openai_read_service_tier},
    {SPAN_INIT("modalities"), read_modalities},
    {SPAN_INIT("response_format"), read_response_format},
    {SPAN_INIT("user"), openai_read_user},
};

/* For a search, the provider's fee a call too. */
static void mark_search(struct openai_reading *reading, const char *name)
{
    reading->call->has_searches = true;
    openai_unbound(reading, name);
}

static const struct openai_mark marks[] = {
    {SPAN_INIT("audio"), openai_unprice},      /* a voice */
    {SPAN_INIT("models"), openai_unprice},     /* OpenRouter: other models at other prices */
    {SPAN_INIT("moderation"), openai_unprice}, /* another model's work */
    {SPAN_INIT("prediction"), openai_unprice}, /* output that is billed though it was thrown away */
    {SPAN_INIT("web_search_options"), mark_search},
    {SPAN_INIT("plugins"), mark_search},           /* OpenRouter: web search and files */
    {SPAN_INIT("search_parameters"), mark_search}, /* xAI: live search */
    {SPAN_INIT("chat_template"), openai_unbound},  /* vLLM: a program that writes the prompt */
    {SPAN_INIT("data_sources"), openai_unbound},   /* Azure: documents put into the prompt */
    {SPAN_INIT("extra_body"), openai_unbound},     /* Gemini: a cached prompt by its id */
};

/* A body of the Responses API comes to this endpoint from clients that were given one base URL for
 * both (seen from Cursor): it gets a sentence that helps. */
static enum err check(struct openai_reading *reading)
{
    if (!reading->has_messages && reading->has_input)
        return openai_refuse(reading, ERR_FIELD_MISSING, "messages",
                             "'messages' is missing. A body with 'input' is of the Responses API, "
                             "which this endpoint does not speak: send chat completions.");
    if (!reading->has_messages)
        return openai_refuse(reading, ERR_FIELD_MISSING, "messages", "'messages' is missing.");
    return ERR_NONE;
}

static const struct openai_form form = {
    .kind = CALL_CHAT,
    .members = members,
    .member_count = COUNT_OF(members),
    .marks = marks,
    .mark_count = COUNT_OF(marks),
    .check = check,
};

enum err openai_read_chat(struct span body, struct arena *arena, struct call *out,
                          struct complaint *why)
{
    return openai_read_form(&form, body, arena, out, why);
}
