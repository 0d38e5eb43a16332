/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of tokenizers share: vectors, a line of JSON each ("encoding", "mode", "text",
 * "ids"), and texts by chance. tokens/fixtures.jsonl has texts on which splitters go wrong, with the
 * ids that tiktoken 0.14.0 gives for them.
 */
#ifndef TESTS_LLM_TOKENS_SUPPORT_H
#define TESTS_LLM_TOKENS_SUPPORT_H

#include "support.h"

#include "llm/tokens.h"
#include "wire/json.h"

#define FIXTURES WEIR_SOURCE_DIR "/tests/llm/tokens/fixtures.jsonl"

struct vector {
    const struct tokenizer *tokenizer;
    enum encoding encoding;
    struct span mode;
    struct span text;
    struct span ids; /* an array */
};

/* By the walk: the tree ends strings at a NUL, and there are some. */
static inline struct vector read_vector(struct span line, struct arena *arena)
{
    struct vector vector = {.text = SPAN_NONE};
    struct span encoding = SPAN_NONE;
    struct span key;
    struct span value;
    enum json_type type;
    for (size_t at = 0; json_walk(line, &at, &key, &value, &type);) {
        if (span_equal(key, SPAN("encoding")))
            encoding = json_decode_string(value, arena);
        else if (span_equal(key, SPAN("mode")))
            vector.mode = json_decode_string(value, arena);
        else if (span_equal(key, SPAN("text")))
            vector.text = json_decode_string(value, arena);
        else if (span_equal(key, SPAN("ids")))
            vector.ids = value;
    }
    assert_non_null(vector.text.ptr);
    assert_true(encoding_find(encoding, &vector.encoding));
    vector.tokenizer = tokenizer_builtin(vector.encoding);
    return vector;
}

/* Calls `check` for each vector of ordinary text; returns how many. */
static inline int each_vector(struct span lines,
                              void (*check)(const struct vector *vector, void *argument),
                              void *argument)
{
    struct arena arena;
    int count = 0;
    arena_init(&arena, 8 << 20);
    while (lines.len > 0) {
        struct span line;
        lines = span_cut(lines, '\n', &line);
        struct vector vector = read_vector(line, &arena);
        if (span_equal(vector.mode, SPAN("ordinary"))) {
            check(&vector, argument);
            count++;
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return count;
}

static inline void each_fixture(void (*check)(const struct vector *vector, void *argument),
                                void *argument)
{
    size_t len;
    char *text = read_file(FIXTURES, &len);
    assert_non_null(text);
    assert_true(each_vector(span_make(text, len), check, argument) > 100);
    free(text);
}

/* ---- texts by chance ---- */

static inline size_t put_code(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 63));
    out[0] = (char)((0xF00 >> len) | code);
    return len;
}

/* Characters that grammars tell apart: a text of these meets all of their branches. */
static const char *const chance_parts[] = {"a",
                                           "b",
                                           "s",
                                           "t",
                                           "ll",
                                           "re",
                                           "VE",
                                           "A",
                                           "B",
                                           "Word",
                                           "word",
                                           "'",
                                           "'s",
                                           "'T",
                                           "'ll",
                                           "'Re",
                                           "\xC5\xBF",
                                           " ",
                                           " ",
                                           "  ",
                                           "\t",
                                           "\n",
                                           "\r\n",
                                           "\n\n",
                                           "\x0B",
                                           "\xC2\x85",
                                           "\xC2\xA0",
                                           "\xE3\x80\x80",
                                           "\xE2\x80\xA8",
                                           "1",
                                           "22",
                                           "333",
                                           "55555",
                                           "\xC2\xBD",
                                           "\xD9\xA3",
                                           "!",
                                           "?!",
                                           "/",
                                           "//",
                                           ".",
                                           "(",
                                           "\"",
                                           "-",
                                           "_",
                                           "\xE2\x82\xAC",
                                           "\xE3\x80\x82",
                                           "\xE2\x80\x99",
                                           "\xCC\x81",
                                           "\xE2\x80\x8D",
                                           "\xEF\xBB\xBF",
                                           "\x01",
                                           "\x1C",
                                           "\xEE\x80\x80",
                                           "\xC7\x85",
                                           "\xCA\xB0",
                                           "\xE4\xB8\xAD",
                                           "\xE6\x96\x87",
                                           "\xE3\x81\x82",
                                           "\xE3\x83\xBB",
                                           "\xED\x95\x9C",
                                           "\xC3\xA9",
                                           "\xC3\x89",
                                           "\xD0\x96",
                                           "\xF0\x9F\x98\x80",
                                           "\xF0\x90\xB5\x90"};

/* UTF-8 of about `parts` parts, into `out`, which has room for eight bytes a part. Half of them are
 * ASCII runs, so that blocks are met, too. */
static inline struct span chance_text(struct chance *chance, char *out, size_t parts)
{
    size_t len = 0;
    bool plain = chance_below(chance, 2) == 0;
    for (size_t i = 0; i < parts; i++) {
        if (chance_below(chance, 16) == 0) {
            uint32_t code =
                (uint32_t)chance_below(chance, chance_below(chance, 2) ? 0x110000 : 0x3000);
            len += put_code(out + len, code - 0xD800 < 0x800 || plain ? '$' : code);
            continue;
        }
        const char *part =
            chance_parts[chance_below(chance, sizeof(chance_parts) / sizeof(chance_parts[0]))];
        if (plain && (unsigned char)part[0] >= 0x80)
            continue;
        memcpy(out + len, part, strlen(part));
        len += strlen(part);
    }
    return span_make(out, len);
}

#endif
