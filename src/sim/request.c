/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what matters of a request and decides what the answer will be.
 *
 * The prompt's own count: 3 tokens, and for each message 4 and one for every 4 bytes begun of its
 * text. It is never above the bytes of the body, which is what a bound of ours relies on: a message
 * with the role that we insist on takes more than 4 bytes of JSON.
 */
#include "request.h"

#include "answer.h"

#define NO_LIMIT       INT64_MAX
#define LIMIT_MAX      INT64_C(1000000000)
#define CHOICES_MAX    128
#define MODEL_BYTES    256
#define FUNCTION_BYTES 64
/* Over all choices: about 20 MB of whole answer. */
#define ANSWER_TOKENS_MAX INT64_C(4000000)

#define COMPLETION_LIMIT INT64_C(16)
#define DIMENSIONS       INT64_C(256)
#define DIMENSIONS_MAX   INT64_C(8192)
#define NUMBERS_MAX      INT64_C(2000000) /* about 26 MB */

#define PROMPT_TOKENS   3
#define MESSAGE_TOKENS  4
#define BYTES_PER_TOKEN 4

/* Null is as good as absent, as with OpenAI. */
static bool is_given(const struct json *node)
{
    return json_type(node) != JSON_NULL;
}

/* Leaves *out alone when the parameter is not given. */
static bool read_number(const struct json *root, const char *key, int64_t least, int64_t most,
                        int64_t *out, struct refusal *refusal)
{
    int64_t value;
    const struct json *node = json_get(root, key);
    if (!is_given(node))
        return true;
    if (!json_integer(node, &value) || value < least || value > most)
        return refusal_set_param(refusal, key, "invalid_value",
                                 "Invalid '%s': expected a whole number from %lld to %lld.", key,
                                 (long long)least, (long long)most);
    *out = value;
    return true;
}

static bool read_count(const struct json *root, const char *key, int64_t most, int64_t *out,
                       struct refusal *refusal)
{
    return read_number(root, key, 1, most, out, refusal);
}

static bool read_model(const struct json *root, const struct behaviour *fault, struct request *out,
                       struct refusal *refusal)
{
    struct span unknown;
    out->model = json_string(json_get(root, "model"));
    if (out->model.len == 0)
        return refusal_set_param(refusal, NULL, NULL, "you must provide a model parameter");
    if (out->model.len > MODEL_BYTES) {
        refusal_set(refusal, 404, "The name of the model is too long.");
        return false;
    }
    if (fault != NULL) {
        out->behaviour = *fault;
    } else if (!behaviour_parse(out->model, &out->behaviour, &unknown)) {
        refusal_set(refusal, 404,
                    "The model does not exist: '%.*s' is not an option of the simulation.",
                    SPAN_ARG(unknown));
        return false;
    }
    return true;
}

static bool read_stream(const struct json *root, struct request *out, struct refusal *refusal)
{
    const struct json *node = json_get(root, "stream");
    const struct json *options = json_get(root, "stream_options");
    out->stream = json_is_true(node);
    if (is_given(node) && !out->stream && json_type(node) != JSON_FALSE)
        return refusal_set_param(refusal, "stream", "invalid_type",
                                 "Invalid type for 'stream': expected a boolean.");
    if (is_given(options) && !out->stream)
        return refusal_set_param(
            refusal, "stream_options", NULL,
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
    out->include_usage = json_is_true(json_get(options, "include_usage"));
    return true;
}

/* ---- messages ---- */

/* Parts other than text count nothing: their bound is somebody else's subject. */
static int64_t text_bytes(const struct json *content)
{
    int64_t bytes = (int64_t)json_string(content).len;
    if (json_type(content) != JSON_ARRAY)
        return bytes;
    for (const struct json *part = json_first(content); part != NULL; part = json_next(part))
        bytes += (int64_t)json_string(json_get(part, "text")).len;
    return bytes;
}

static bool read_messages(const struct json *root, struct request *out, bool *user_is_last,
                          struct refusal *refusal)
{
    const struct json *messages = json_get(root, "messages");
    if (json_type(messages) != JSON_ARRAY || json_first(messages) == NULL)
        return refusal_set_param(refusal, "messages", "empty_array",
                                 "Invalid 'messages': expected an array with minimum length 1.");
    out->prompt = PROMPT_TOKENS;
    for (const struct json *node = json_first(messages); node != NULL; node = json_next(node)) {
        struct span role = json_string(json_get(node, "role"));
        if (role.len == 0)
            return refusal_set_param(refusal, "messages", "missing_required_parameter",
                                     "Missing required parameter: 'messages[].role'.");
        int64_t bytes = text_bytes(json_get(node, "content"));
        out->prompt += MESSAGE_TOKENS + (bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
        *user_is_last = span_equal(role, SPAN("user"));
    }
    return true;
}

/* The first function that the request offers, or one of ours. */
static bool choose_tool(const struct json *root, struct request *out, bool user_is_last,
                        struct refusal *refusal)
{
    bool forbidden = span_equal(json_string(json_get(root, "tool_choice")), SPAN("none"));
    if (out->behaviour.tools == 0 || forbidden || !user_is_last)
        return true;
    const struct json *first = json_first(json_get(root, "tools"));
    out->tool = json_string(json_get(json_get(first, "function"), "name"));
    if (out->tool.len > FUNCTION_BYTES)
        return refusal_set_param(refusal, "tools", "string_above_max_length",
                                 "Invalid 'tools[0].function.name': string too long.");
    if (out->tool.len == 0)
        out->tool = SPAN("get_weather");
    return true;
}

/* ---- completions and embeddings ---- */

/* Of all prompts. OpenAI's own limit without one is 16 tokens. */
static bool read_completion(const struct json *root, struct request *out, struct refusal *refusal)
{
    int64_t best_of = 0;
    if (!request_read_texts(root, "prompt", out, refusal) || !read_stream(root, out, refusal) ||
        !read_count(root, "n", CHOICES_MAX, &out->choices, refusal) ||
        !read_count(root, "best_of", CHOICES_MAX, &best_of, refusal))
        return false;
    if (best_of != 0 && best_of < out->choices)
        return refusal_set_param(refusal, "best_of", "invalid_value",
                                 "Invalid 'best_of': it must not be less than 'n'.");
    if (best_of > out->choices && out->stream)
        return refusal_set_param(refusal, "best_of", "invalid_value",
                                 "Results of 'best_of' cannot be streamed.");
    if (best_of > out->choices)
        out->discarded = (best_of - out->choices) * out->texts;
    out->choices *= out->texts;
    return true;
}

static bool read_embedding(const struct json *root, struct request *out, struct refusal *refusal)
{
    const struct json *format = json_get(root, "encoding_format");
    out->base64 = span_equal(json_string(format), SPAN("base64"));
    out->dimensions = DIMENSIONS;
    if (is_given(format) && !out->base64 && !span_equal(json_string(format), SPAN("float")))
        return refusal_set_param(refusal, "encoding_format", "invalid_value",
                                 "Invalid 'encoding_format': expected 'float' or 'base64'.");
    if (!request_read_texts(root, "input", out, refusal) ||
        !read_count(root, "dimensions", DIMENSIONS_MAX, &out->dimensions, refusal))
        return false;
    if (out->texts * out->dimensions > NUMBERS_MAX)
        return refusal_set_param(refusal, "dimensions", "invalid_value",
                                 "More than %lld numbers in one answer are not simulated.",
                                 (long long)NUMBERS_MAX);
    out->input = json_get(root, "input");
    return true;
}

static bool read_chat(const struct json *root, struct request *out, struct refusal *refusal)
{
    bool user_is_last = false;
    return read_messages(root, out, &user_is_last, refusal) && read_stream(root, out, refusal) &&
           read_count(root, "n", CHOICES_MAX, &out->choices, refusal) &&
           choose_tool(root, out, user_is_last, refusal);
}

/* ---- how much ---- */

/* The smaller one where there are two. */
static bool read_limit(const struct json *root, const struct request *request, int64_t *limit,
                       struct refusal *refusal)
{
    if (request->kind == REQUEST_COMPLETION) {
        *limit = COMPLETION_LIMIT;
        return read_number(root, "max_tokens", 0, LIMIT_MAX, limit, refusal);
    }
    int64_t old_limit = NO_LIMIT;
    *limit = NO_LIMIT;
    if (!read_count(root, "max_completion_tokens", LIMIT_MAX, limit, refusal) ||
        !read_count(root, "max_tokens", LIMIT_MAX, &old_limit, refusal))
        return false;
    *limit = *limit < old_limit ? *limit : old_limit;
    return true;
}

/* Reasoning is output under the limit too, and comes first. With `over` the limit is passed even by
 * an answer that would have stayed below it: a test that asks for a breach gets one. */
static bool choose_length(const struct json *root, struct request *out, struct refusal *refusal)
{
    int64_t limit;
    if (!read_limit(root, out, &limit, refusal))
        return false;
    out->reasoning = out->behaviour.reasoning;
    int64_t wish = out->tool.len > 0 ? ANSWER_TOOL_TOKENS : out->behaviour.output;
    int64_t all = out->reasoning + wish;
    if (limit < NO_LIMIT && (all > limit || out->behaviour.over > 0)) {
        out->cut_short = true;
        all = limit + out->behaviour.over;
    }
    if (out->reasoning > all)
        out->reasoning = all;
    out->tokens = all - out->reasoning;
    if (all > ANSWER_TOKENS_MAX / (out->choices + out->discarded))
        return refusal_set_param(refusal, NULL, "invalid_value",
                                 "More than %lld tokens in one answer are not simulated.",
                                 (long long)ANSWER_TOKENS_MAX);
    return true;
}

static void choose_prompt(struct request *out)
{
    const struct behaviour *behaviour = &out->behaviour;
    if (behaviour->prompt >= 0)
        out->prompt = behaviour->prompt;
    out->cached = behaviour->cached < out->prompt ? behaviour->cached : out->prompt;
    int64_t rest = out->prompt - out->cached;
    out->written = behaviour->written < rest ? behaviour->written : rest;
}

bool request_read(enum request_kind kind, const struct json *root, const struct behaviour *fault,
                  struct request *out, struct refusal *refusal)
{
    static bool (*const readers[])(const struct json *root, struct request *out,
                                   struct refusal *refusal) = {
        [REQUEST_CHAT] = read_chat,
        [REQUEST_COMPLETION] = read_completion,
        [REQUEST_EMBEDDING] = read_embedding,
    };
    *out = (struct request){.kind = kind, .choices = 1};
    if (!read_model(root, fault, out, refusal) || !readers[kind](root, out, refusal))
        return false;
    if (kind != REQUEST_EMBEDDING && !choose_length(root, out, refusal))
        return false;
    choose_prompt(out);
    return true;
}
