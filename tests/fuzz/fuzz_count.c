/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input counter on any body that the strict pass lets through, as each kind and by a model of
 * each template: a figure that adds up, the same twice, of a size that goes with the body's, and one
 * without scratch memory too. What an estimate is taught by it can be written and read again.
 */
#include "fuzz.h"

#include "llm/chat_count.h"
#include "llm/estimate.h"
#include "wire/json.h"

/* Tokens that a template can add for a byte (an empty object may be a message, an image). */
#define A_BYTE         ((int64_t)64)
#define A_BODY         ((int64_t)200000)
#define MODELS         (sizeof(models) / sizeof(models[0]))
#define LINE_MAX_BYTES ((size_t)4096)

static const struct span models[] = {
    SPAN_INIT("gpt-4o"),
    SPAN_INIT("gpt-5.4"),
    SPAN_INIT("gpt-3.5-turbo-0301"),
    SPAN_INIT("claude-haiku-4-5"),
    SPAN_INIT("gemini-2.5-flash"),
    SPAN_INIT("mistral-small"),
    SPAN_INIT("grok-4.3"),
    SPAN_INIT("gpt-4o-search-preview"),
    SPAN_INIT("unheard-of"),
};

static struct input_count count_once(struct span body, enum body_kind kind, struct span model,
                                     size_t room)
{
    struct arena scratch;
    struct input_count out;
    struct count_request request = {
        .kind = kind, .body = body, .model = model, .scratch = &scratch};
    arena_init(&scratch, room);
    request.tokenizer = tokenizer_builtin(model_encoding(model, &request.tokenizer_is_exact));
    input_count(&request, &out);
    FUZZ_CHECK(!arena_failed(&scratch)); /* all was given back */
    arena_fini(&scratch);
    return out;
}

static void check_count(const struct input_count *count, struct span body)
{
    const struct tokens_by_role *roles = &count->by_role;
    FUZZ_CHECK(roles->system >= 0 && roles->user >= 0 && roles->assistant >= 0 && roles->tool >= 0);
    FUZZ_CHECK(roles->system + roles->user + roles->assistant + roles->tool <= count->tokens);
    FUZZ_CHECK(count->media_tokens >= 0 && count->media_tokens <= count->tokens);
    FUZZ_CHECK(count->tokens <= (int64_t)body.len * A_BYTE + A_BODY);
    FUZZ_CHECK(count->quality >= COUNT_EXACT && count->quality <= COUNT_ESTIMATE);
    FUZZ_CHECK(count->features.text_tokens >= 0 && count->features.messages >= 0);
    FUZZ_CHECK(count->features.has_media || count->media_tokens == 0);
}

static void check_estimate(const struct input_count *count, struct span model)
{
    struct estimate estimate;
    struct estimate again;
    struct buf line;
    estimate_init(&estimate, SPAN("provider"), model);
    for (int i = 0; i < 3; i++)
        estimate_learn(&estimate, &count->features, count->tokens + i);
    int64_t tokens = estimate_tokens(&estimate, &count->features);
    FUZZ_CHECK(tokens >= 1 && estimate_high(&estimate, &count->features) >= tokens);
    buf_init(&line, LINE_MAX_BYTES, 0);
    estimate_write(&estimate, &line);
    FUZZ_CHECK(!buf_failed(&line) && estimate_read(buf_span(&line), &again));
    FUZZ_CHECK(memcmp(&estimate, &again, offsetof(struct estimate, memory)) == 0);
    buf_fini(&line);
}

void fuzz_count(struct span input)
{
    struct arena arena;
    struct json_object object;
    struct json_fault fault;
    struct estimate never;
    arena_init(&arena, FUZZ_ROOM);
    estimate_read(input, &never);
    bool good = json_scan(input, &arena, &object, &fault);
    arena_fini(&arena);
    if (!good)
        return;
    for (enum body_kind kind = BODY_CHAT; kind <= BODY_GEMINI; kind++)
        for (size_t i = 0; i < MODELS; i++) {
            struct input_count count = count_once(input, kind, models[i], FUZZ_ROOM);
            struct input_count again = count_once(input, kind, models[i], FUZZ_ROOM);
            struct input_count bare = count_once(input, kind, models[i], 0);
            check_count(&count, input);
            check_count(&bare, input);
            check_estimate(&count, models[i]);
            FUZZ_CHECK(count.tokens == again.tokens && count.quality == again.quality);
        }
}
