/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-pair encoding in linear time against its definition: in the built-in vocabularies, in small
 * ones that are trained by chance, and in ones that no training gives.
 */
#include "tokens_support.h"

#include "tokens_private.h"

#define PIECE_MAX 400

static void check_piece(const struct vocabulary *vocabulary, struct span piece)
{
    uint32_t got[PIECE_MAX];
    uint32_t expected[PIECE_MAX];
    size_t count = bpe_merge(vocabulary, piece, expected);
    assert_int_equal(bpe_encode(vocabulary, piece, got), count);
    assert_memory_equal(got, expected, count * sizeof(got[0]));
    assert_int_equal(bpe_count(vocabulary, piece), count);
    if (vocabulary->all_made && piece.len <= PIECE_KEY_MAX)
        assert_int_equal(bpe_count_short(vocabulary, piece), count);
}

static void built_in_vocabularies(void **state)
{
    (void)state;
    char room[PIECE_MAX];
    struct chance chance = {51};
    for (int i = 0; i < 4000; i++) {
        enum encoding encoding = i % 2 == 0 ? ENCODING_CL100K_BASE : ENCODING_O200K_BASE;
        size_t len = 0;
        size_t want = 1 + chance_below(&chance, 60);
        /* Letters of one kind: words, ideographs, kana, Cyrillic. */
        const uint32_t firsts[] = {'a', 0x4E00, 0x3041, 0x430};
        const uint32_t counts[] = {26, 3000, 86, 32};
        size_t kind = chance_below(&chance, 4);
        for (size_t k = 0; k < want; k++)
            len +=
                put_code(room + len, firsts[kind] + (uint32_t)chance_below(&chance, counts[kind]));
        check_piece(&tokenizer_builtin(encoding)->vocabulary, span_make(room, len));
    }
}

/* ---- small vocabularies ---- */

struct packed {
    unsigned char bytes[64 * 1024];
    size_t len;
    uint32_t count;
};

static void add(struct packed *packed, struct span token)
{
    packed->bytes[packed->len] = (unsigned char)token.len;
    memcpy(packed->bytes + packed->len + 1, token.ptr, token.len);
    packed->len += 1 + token.len;
    packed->count++;
}

static bool has(const struct packed *packed, struct span token)
{
    for (size_t at = 0; at < packed->len; at += 1U + packed->bytes[at])
        if (span_equal(token, span_make((const char *)packed->bytes + at + 1, packed->bytes[at])))
            return true;
    return false;
}

static struct span token_at(const struct packed *packed, uint64_t index)
{
    size_t at = 0;
    while (index-- > 0)
        at += 1U + packed->bytes[at];
    return span_make((const char *)packed->bytes + at + 1, packed->bytes[at]);
}

static void add_bytes(struct packed *packed)
{
    packed->len = packed->count = 0;
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        add(packed, span_make(&c, 1));
    }
}

/* Tokens of three letters, each put together from two that are there, or any letters; whether merging
 * makes a token from these two, from others or never is chance. */
static void add_chance_tokens(struct packed *packed, struct chance *chance, int count)
{
    for (int i = 0; i < count; i++) {
        char room[64];
        size_t len = 0;
        uint64_t parts = chance_below(chance, 4) == 0 ? 3 : 2;
        for (uint64_t part = 0; part < parts; part++) {
            uint64_t pick = chance_below(chance, 3 + packed->count - 256);
            struct span token = token_at(packed, pick < 3 ? 'a' + pick : pick - 3 + 256);
            memcpy(room + len, token.ptr, token.len);
            len += token.len;
        }
        if (len <= 16 && !has(packed, span_make(room, len)))
            add(packed, span_make(room, len));
    }
}

/* What kind of vocabulary it is. */
struct kind {
    bool regular;
    bool all_made;
    bool odd;
};

static struct kind check_vocabulary(const struct packed *packed, struct chance *chance)
{
    struct vocabulary vocabulary;
    vocabulary_init(&vocabulary, packed->bytes, packed->count, false);
    for (int i = 0; i < 60; i++) {
        char room[64];
        size_t len = 1 + chance_below(chance, sizeof(room) - 1);
        for (size_t k = 0; k < len; k++)
            room[k] = (char)('a' + chance_below(chance, 3));
        check_piece(&vocabulary, span_make(room, len));
    }
    for (uint32_t token = 0; token < packed->count; token++)
        assert_int_equal(vocabulary_find(&vocabulary, token_at(packed, token)), token);
    assert_int_equal(vocabulary_find(&vocabulary, SPAN("no token")), TOKEN_NONE);
    assert_int_equal(vocabulary_find(&vocabulary, SPAN_NONE), TOKEN_NONE);
    struct kind kind = {vocabulary.regular, vocabulary.all_made, vocabulary.odd.nodes != NULL};
    vocabulary_fini(&vocabulary);
    return kind;
}

static void chance_vocabularies(void **state)
{
    (void)state;
    struct packed *packed = memory_new(sizeof(*packed));
    struct chance chance = {61};
    int complete = 0;
    int odd = 0;
    for (int i = 0; i < 600; i++) {
        add_bytes(packed);
        add_chance_tokens(packed, &chance, 1 + i % 30);
        struct kind kind = check_vocabulary(packed, &chance);
        assert_true(kind.regular);
        complete += kind.all_made ? 1 : 0;
        odd += kind.odd ? 1 : 0;
    }
    /* Chance has met each kind: all made, some never, some odd. */
    print_message("%d of 600 complete, %d with odd tokens\n", complete, odd);
    assert_true(complete > 20 && odd > 20 && complete + odd < 580);
    free(packed);
}

static void odd_tokens(void **state)
{
    (void)state;
    struct packed *packed = memory_new(sizeof(*packed));
    struct chance chance = {71};
    add_bytes(packed);
    add(packed, SPAN("abc")); /* before what it is merged from */
    add(packed, SPAN("ab"));
    add(packed, SPAN("bc"));
    struct kind kind = check_vocabulary(packed, &chance);
    assert_true(kind.regular && kind.odd && !kind.all_made);

    add_bytes(packed);
    add(packed, SPAN("abc"));
    add(packed, SPAN("ca"));
    add(packed, SPAN("abcca")); /* nothing merges to "ab" or "bc": never made */
    kind = check_vocabulary(packed, &chance);
    assert_true(kind.regular && !kind.odd && !kind.all_made);
    free(packed);
}

static void single_bytes_that_are_not_first(void **state)
{
    (void)state;
    struct packed *packed = memory_new(sizeof(*packed));
    struct chance chance = {73};
    add(packed, SPAN("ab"));
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        add(packed, span_make(&c, 1));
    }
    add(packed, SPAN("bc"));
    struct kind kind = check_vocabulary(packed, &chance);
    assert_true(!kind.regular && !kind.all_made);
    free(packed);
}

int test_tokens_bpe(void);

int test_tokens_bpe(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_vocabularies),
        cmocka_unit_test(chance_vocabularies),
        cmocka_unit_test(odd_tokens),
        cmocka_unit_test(single_bytes_that_are_not_first),
    };
    return cmocka_run_group_tests_name("llm/tokens_bpe", tests, NULL, NULL);
}
