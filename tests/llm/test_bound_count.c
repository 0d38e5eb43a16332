/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bound against the count, on bodies made to be dear: texts of which every byte is a token, tools
 * whose rendering is longer than their JSON, history of calls, many tiny messages and prompts. The
 * count is the family's own formula with the model's own tokenizer (llm/chat_count.h), so for these
 * families it stands for the provider's bill.
 */
#include "support.h"

#include "llm/bound.h"
#include "llm/chat_count.h"

#define ROUNDS          4000
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct maker {
    struct chance chance;
    struct buf out;
};

static uint64_t below(struct maker *maker, uint64_t count)
{
    return chance_below(&maker->chance, count);
}

static void put(struct maker *maker, const char *text)
{
    buf_append(&maker->out, span_from_string(text));
}

/* ---- texts ---- */

/* Pieces that tokenizers join badly: most are a token for each byte, or for each two. */
static const char *const pieces[] = {
    "a",
    "Z",
    "7",
    " ",
    "  ",
    "\\n",
    "\\t",
    "\\\"",
    "\\\\",
    "!",
    "~}",
    "a1",
    ",",
    "'s",
    "zq",
    "\xC3\xA9",
    "\xCC\x81",
    "\xD7\x90",
    "\xE0\xB8\x81",
    "\xE4\xBD\xA0",
    "\xEA\xB0\x80",
    "\xEF\xB7\xBA",
    "\xF0\x90\x80\x80",
    "\xF0\x9F\x91\xA9\xE2\x80\x8D",
    "\xF0\x9D\x85\xA0",
    "\xF3\xA0\x81\xA7",
    "word ",
    "\\u0001",
    "\\ufdfa",
    "<|endoftext|>",
    "<|im_start|>",
};

static void put_text(struct maker *maker, size_t most)
{
    size_t count = below(maker, most + 1);
    size_t same = below(maker, 3);
    size_t piece = below(maker, COUNT_OF(pieces));
    put(maker, "\"");
    for (size_t i = 0; i < count; i++)
        put(maker, pieces[same == 0 ? piece : below(maker, COUNT_OF(pieces))]);
    put(maker, "\"");
}

/* ---- tools ---- */

static void put_schema(struct maker *maker, int depth);

static void put_values(struct maker *maker)
{
    size_t count = 1 + below(maker, 60);
    for (size_t i = 0; i < count; i++) {
        static const char *const values[] = {"1", "22", "\"a\"", "\"b c\"", "null", "-1.5", "true"};
        put(maker, i > 0 ? "," : "");
        put(maker, values[below(maker, COUNT_OF(values))]);
    }
}

static void put_properties(struct maker *maker, int depth)
{
    size_t count = below(maker, 5);
    for (size_t i = 0; i < count; i++) {
        char name[8];
        snprintf(name, sizeof(name), "%s\"%c\":", i > 0 ? "," : "", 'a' + (int)i);
        put(maker, name);
        put_schema(maker, depth - 1);
    }
}

static void put_schema(struct maker *maker, int depth)
{
    switch (depth == 0 ? below(maker, 4) : below(maker, 7)) {
    case 0:
        put(maker, "{}");
        return;
    case 1:
        put(maker, "{\"enum\":[");
        put_values(maker);
        put(maker, "]}");
        return;
    case 2:
        put(maker, "{\"type\":[\"string\",\"null\"],\"description\":");
        put_text(maker, 20);
        put(maker, "}");
        return;
    case 3:
        put(maker, "{\"type\":\"integer\",\"default\":1}");
        return;
    case 4:
        put(maker, "{\"type\":\"array\",\"items\":");
        put_schema(maker, depth - 1);
        put(maker, "}");
        return;
    case 5:
        put(maker, "{\"anyOf\":[{},");
        put_schema(maker, depth - 1);
        put(maker, "]}");
        return;
    default:
        put(maker, "{\"type\":\"object\",\"properties\":{");
        put_properties(maker, depth);
        put(maker, "}}");
    }
}

static void put_tools(struct maker *maker)
{
    size_t count = 1 + below(maker, 8);
    put(maker, ",\"tools\":[");
    for (size_t i = 0; i < count; i++) {
        put(maker, i > 0 ? ",{\"type\":\"function\",\"function\":{\"name\":\"f\""
                         : "{\"type\":\"function\",\"function\":{\"name\":\"f\"");
        if (below(maker, 2) == 0) {
            put(maker, ",\"description\":");
            put_text(maker, 30);
        }
        if (below(maker, 4) != 0) {
            put(maker, ",\"parameters\":{\"type\":\"object\",\"properties\":{");
            put_properties(maker, 4);
            put(maker, "}}");
        }
        put(maker, "}}");
    }
    put(maker, "]");
    if (below(maker, 4) == 0)
        put(maker, ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}");
}

/* ---- bodies ---- */

static void put_calls(struct maker *maker)
{
    size_t count = 1 + below(maker, 4);
    put(maker, "{\"role\":\"assistant\",\"tool_calls\":[");
    for (size_t i = 0; i < count; i++)
        put(maker, i > 0 ? ",{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
                           "\"arguments\":\"{}\"}}"
                         : "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
                           "\"arguments\":\"{}\"}}");
    put(maker, "]},{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":");
    put_text(maker, 40);
    put(maker, "}");
}

static void put_message(struct maker *maker)
{
    static const char *const roles[] = {"system", "user", "assistant", "developer"};
    if (below(maker, 6) == 0) {
        put_calls(maker);
        return;
    }
    put(maker, "{\"role\":\"");
    put(maker, roles[below(maker, COUNT_OF(roles))]);
    put(maker, "\"");
    if (below(maker, 5) == 0)
        put(maker, ",\"name\":\"n\"");
    if (below(maker, 6) != 0) {
        put(maker, ",\"content\":");
        put_text(maker, below(maker, 3) == 0 ? 400 : 10);
    }
    put(maker, "}");
}

static void put_chat(struct maker *maker)
{
    size_t count = 1 + below(maker, below(maker, 8) == 0 ? 200 : 6);
    put(maker, "{\"model\":\"m\",\"messages\":[");
    for (size_t i = 0; i < count; i++) {
        put(maker, i > 0 ? "," : "");
        put_message(maker);
    }
    put(maker, "]");
    if (below(maker, 2) == 0)
        put_tools(maker);
    if (below(maker, 8) == 0) {
        put(maker, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"r\","
                   "\"schema\":");
        put_schema(maker, 4);
        put(maker, "}}");
    }
    put(maker, "}");
}

static void put_prompts(struct maker *maker, const char *key)
{
    size_t count = 1 + below(maker, 100);
    put(maker, "{\"model\":\"m\",\"");
    put(maker, key);
    put(maker, "\":[");
    bool ids = below(maker, 3) == 0;
    for (size_t i = 0; i < count; i++) {
        put(maker, i > 0 ? "," : "");
        if (ids)
            put(maker, "[1,2,3]");
        else
            put_text(maker, 3);
    }
    put(maker, "]}");
}

/* ---- the two figures ---- */

static const struct {
    enum call_kind kind;
    enum body_kind body;
    const struct dialect *dialect;
} kinds[] = {{CALL_CHAT, BODY_CHAT, &dialect_openai},
             {CALL_CHAT, BODY_CHAT, &dialect_openai},
             {CALL_COMPLETIONS, BODY_COMPLETIONS, &dialect_openai_completions},
             {CALL_EMBEDDINGS, BODY_EMBEDDINGS, &dialect_openai_embeddings}};

static const char *const chat_models[] = {
    "gpt-3.5-turbo", "gpt-4", "gpt-4o", "gpt-4.1-mini", "o3", "o4-mini", "gpt-5", "gpt-5.2-nano"};

static const char *model_for(struct maker *maker, enum call_kind kind)
{
    if (kind == CALL_COMPLETIONS)
        return "davinci-002";
    if (kind == CALL_EMBEDDINGS)
        return "text-embedding-3-small";
    return chat_models[below(maker, COUNT_OF(chat_models))];
}

static int64_t count_of(struct span body, enum body_kind kind, struct span model,
                        struct arena *scratch)
{
    struct count_request request = {.kind = kind, .body = body, .model = model, .scratch = scratch};
    struct input_count counted;
    request.tokenizer = tokenizer_builtin(model_encoding(model, &request.tokenizer_is_exact));
    assert_true(request.tokenizer_is_exact);
    input_count(&request, &counted);
    return counted.tokens;
}

static double check(struct maker *maker, struct arena *arena)
{
    size_t which = below(maker, COUNT_OF(kinds));
    struct call call;
    struct complaint why;
    buf_reset(&maker->out, 1 << 20);
    if (kinds[which].kind == CALL_CHAT)
        put_chat(maker);
    else
        put_prompts(maker, kinds[which].kind == CALL_EMBEDDINGS ? "input" : "prompt");
    struct span body = buf_span(&maker->out);
    if (kinds[which].dialect->read_call(body, arena, &call, &why) != ERR_NONE)
        fail_msg("%.*s: %s", SPAN_ARG(body), why.message);
    struct span model = span_from_string(model_for(maker, kinds[which].kind));
    struct bound_request request = {.call = &call, .model = model, .hidden_input = -1};
    int64_t bound = bound_input(&request);
    int64_t counted = count_of(body, kinds[which].body, model, arena);
    if (counted > bound)
        fail_msg("%.*s: %lld counted, bound %lld: %.*s", SPAN_ARG(model), (long long)counted,
                 (long long)bound, SPAN_ARG(body));
    return (double)bound / (double)counted;
}

static void no_count_is_above_the_bound(void **state)
{
    (void)state;
    struct maker maker = {.chance = {.state = 20261124}};
    struct arena arena;
    double least = 1e9;
    buf_init(&maker.out, 16 << 20, 0);
    arena_init(&arena, 64 << 20);
    for (int i = 0; i < ROUNDS; i++) {
        double ratio = check(&maker, &arena);
        least = ratio < least ? ratio : least;
        arena_reset(&arena);
    }
    arena_fini(&arena);
    buf_fini(&maker.out);
    print_message("    %d bodies; the nearest count is 1/%.2f of its bound\n", ROUNDS, least);
}

/* ---- images ---- */

/* The head of a PNG of that size, which is all that a count looks at. */
static void write_png(uint32_t width, uint32_t height, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char png[33] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    for (int i = 0; i < 4; i++) {
        png[16 + i] = (unsigned char)(width >> (24 - 8 * i));
        png[20 + i] = (unsigned char)(height >> (24 - 8 * i));
    }
    for (size_t i = 0; i < sizeof(png); i += 3) {
        unsigned bits = (unsigned)png[i] << 16 | (unsigned)png[i + 1] << 8 | png[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = digits[bits >> shift & 63];
    }
    *out = '\0';
}

static void check_image(const char *name, uint32_t width, uint32_t height, const char *detail)
{
    struct arena arena;
    struct call call;
    struct complaint why;
    char data[64];
    arena_init(&arena, 1 << 20);
    write_png(width, height, data);
    struct span body =
        arena_printf(&arena,
                     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":["
                     "{\"type\":\"image_url\",\"image_url\":{\"detail\":\"%s\","
                     "\"url\":\"data:image/png;base64,%s\"}}]}]}",
                     detail, data);
    assert_int_equal(dialect_openai.read_call(body, &arena, &call, &why), ERR_NONE);
    struct span model = span_from_string(name);
    struct bound_request request = {.call = &call, .model = model, .hidden_input = -1};
    int64_t counted = count_of(body, BODY_CHAT, model, &arena);
    if (bound_input(&request) < counted)
        fail_msg("%s %u × %u %s: %lld counted, bound %lld", name, width, height, detail,
                 (long long)counted, (long long)bound_input(&request));
    arena_fini(&arena);
}

static void no_image_counts_more_than_its_most(void **state)
{
    (void)state;
    static const char *const models[] = {
        "gpt-4-turbo",  "gpt-4o",     "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano",
        "gpt-5",        "gpt-5-mini", "gpt-5-nano",  "gpt-5.1", "gpt-5.2",      "gpt-5.4",
        "gpt-5.4-mini", "gpt-5.5",    "gpt-5.6",     "o1",      "o3",           "o4-mini"};
    static const char *const details[] = {"low", "high", "auto", "original"};
    static const uint32_t sides[] = {1, 32, 513, 768, 1025, 2048, 3000, 6000, 20000, 65535};
    for (size_t m = 0; m < COUNT_OF(models); m++)
        for (size_t d = 0; d < COUNT_OF(details); d++)
            for (size_t w = 0; w < COUNT_OF(sides); w++)
                for (size_t h = 0; h < COUNT_OF(sides); h++)
                    check_image(models[m], sides[w], sides[h], details[d]);
}

int test_bound_count(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_image_counts_more_than_its_most),
        cmocka_unit_test(no_count_is_above_the_bound),
    };
    return cmocka_run_group_tests_name("llm/bound_count", tests, NULL, NULL);
}
