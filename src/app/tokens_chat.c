/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A body says by its members which API it is for; the gateway knows it by the path. */
#include "tokens_chat.h"

#include "llm/estimate.h"
#include "wire/json.h"

/* `input` belongs to two APIs; who embeds says so in the model's name. */
static bool is_embedder(struct span model)
{
    return span_search(model, SPAN("embed")) < model.len;
}

/* Anthropic's bodies are like OpenAI's but for a system prompt of their own. */
static bool is_anthropic(const struct json_object *root, struct span model)
{
    return json_member(root, SPAN("system")) != NULL ||
           span_search(model, SPAN("claude")) < model.len;
}

static bool find_kind(const struct json_object *root, struct span model, enum body_kind *kind)
{
    if (json_member(root, SPAN("messages")) != NULL)
        *kind = is_anthropic(root, model) ? BODY_MESSAGES : BODY_CHAT;
    else if (json_member(root, SPAN("input")) != NULL)
        *kind = is_embedder(model) ? BODY_EMBEDDINGS : BODY_RESPONSES;
    else if (json_member(root, SPAN("prompt")) != NULL)
        *kind = BODY_COMPLETIONS;
    else if (json_member(root, SPAN("contents")) != NULL)
        *kind = BODY_GEMINI;
    else
        return false;
    return true;
}

/* The command line's model, else the body's; empty: none. */
static struct span find_model(struct chat_counter *counter, const struct json_object *root)
{
    if (counter->model != NULL)
        return span_from_string(counter->model);
    const struct json_member *member = json_member(root, SPAN("model"));
    if (member == NULL || member->type != JSON_STRING)
        return SPAN_NONE;
    return json_decode_string(member->value, &counter->scratch);
}

/* An estimate is what the gateway would make of it that has learned nothing yet. */
static void count_body(struct chat_counter *counter, struct count_request *request, int64_t *tokens)
{
    bool exact = counter->tokenizer_is_exact;
    request->tokenizer = counter->tokenizer;
    if (request->tokenizer == NULL)
        request->tokenizer = tokenizer_builtin(model_encoding(request->model, &exact));
    request->tokenizer_is_exact = exact;
    request->cache = counter->cache;
    request->scratch = &counter->scratch;
    struct input_count count;
    input_count(request, &count);
    *tokens = count.tokens;
    if (count.quality == COUNT_ESTIMATE) {
        struct estimate estimate;
        estimate_init(&estimate, SPAN_NONE, request->model);
        *tokens = estimate_tokens(&estimate, &count.features);
    }
    if (count.quality > counter->worst)
        counter->worst = count.quality;
}

bool chat_counter_count(struct chat_counter *counter, struct span body, int64_t *tokens,
                        struct chat_fault *fault)
{
    struct json_object root;
    struct json_fault bad;
    *fault = (struct chat_fault){0};
    arena_reset(&counter->scratch);
    if (!json_scan(body, &counter->scratch, &root, &bad)) {
        *fault = (struct chat_fault){bad.what, bad.offset};
        return false;
    }
    struct count_request request = {.body = body};
    if (root.type != JSON_OBJECT)
        fault->what = "a request body is an object";
    else if ((request.model = find_model(counter, &root)).len == 0)
        fault->what = "the body names no model: give --model";
    else if (!find_kind(&root, request.model, &request.kind))
        fault->what = "the body has no messages (nor input, prompt or contents)";
    else
        count_body(counter, &request, tokens);
    return fault->what == NULL;
}
