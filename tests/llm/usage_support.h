/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of a few events, read by a usage reader; each test has its arena. */
#ifndef TESTS_LLM_USAGE_SUPPORT_H
#define TESTS_LLM_USAGE_SUPPORT_H

#include "support.h"
#include "usage_same.h"

#include "llm/usage.h"

#define MOST 8

static const struct usage_limits no_limits = {0, 0};

/* NULL ends the events. */
struct stream {
    enum usage_dialect dialect;
    const char *events[MOST];
};

static struct usage_reader reader;
static struct arena arena;

static inline int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static inline enum usage_verdict read_within(const struct stream *stream,
                                             const struct usage_limits *limits, struct usage *out)
{
    usage_reader_init(&reader, stream->dialect, limits, &arena);
    for (size_t i = 0; i < MOST && stream->events[i] != NULL; i++)
        usage_reader_event(&reader, span_from_string(stream->events[i]));
    return usage_reader_result(&reader, out);
}

static inline void check(const struct stream *stream, enum usage_verdict verdict,
                         struct usage expected)
{
    struct usage usage = {.input = 7};
    if (read_within(stream, &no_limits, &usage) != verdict)
        fail_msg("wrong verdict: %s", stream->events[0]);
    if (!usage_same(&usage, &expected))
        fail_msg("input %lld, cached %lld, written %lld (%lld), audio %lld (%lld), image %lld, "
                 "output %lld, reasoning %lld, searches %lld, tier %d: %s",
                 (long long)usage.input, (long long)usage.cached_input,
                 (long long)usage.cache_write, (long long)usage.cache_write_1h,
                 (long long)usage.audio_input, (long long)usage.cached_audio,
                 (long long)usage.image_input, (long long)usage.output, (long long)usage.reasoning,
                 (long long)usage.web_searches, (int)usage.service_tier, stream->events[0]);
}

#define GOOD(DIALECT, USAGE, ...) \
    check(&(struct stream){USAGE_DIALECT_##DIALECT, {__VA_ARGS__}}, USAGE_GOOD, (struct usage)USAGE)
#define PARTIAL(DIALECT, USAGE, ...)                                               \
    check(&(struct stream){USAGE_DIALECT_##DIALECT, {__VA_ARGS__}}, USAGE_PARTIAL, \
          (struct usage)USAGE)
/* The result is left alone. */
#define NONE(DIALECT, VERDICT, ...)                                                  \
    check(&(struct stream){USAGE_DIALECT_##DIALECT, {__VA_ARGS__}}, USAGE_##VERDICT, \
          (struct usage){.input = 7})
#define U(...)      \
    {               \
        __VA_ARGS__ \
    }

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* ---- events of Anthropic and of Gemini ---- */

#define START(usage) \
    "{\"type\":\"message_start\",\"message\":{\"type\":\"message\",\"usage\":" usage "}}"
#define DELTA(usage) "{\"type\":\"message_delta\",\"delta\":{},\"usage\":" usage "}"
#define PASS(type, input, read, output)                                                     \
    "{\"type\":\"" type "\",\"input_tokens\":" #input ",\"cache_read_input_tokens\":" #read \
    ",\"cache_creation_input_tokens\":0,\"output_tokens\":" #output "}"
#define TOP           "\"input_tokens\":181,\"cache_read_input_tokens\":0,\"output_tokens\":8"
#define CHUNK(usage)  "{\"candidates\":[{\"content\":{}}],\"usageMetadata\":" usage "}"
#define FINISH(usage) "{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":" usage "}"

#endif
