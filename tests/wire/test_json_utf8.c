/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bytes are UTF-8 inside strings, and where it ends, against a slow decoder by the book
 * (RFC 3629): every sequence, at the places where blocks of bytes that are looked at together meet.
 */
#include "base/arena.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* ---- the decoder by the book ---- */

/* The bytes of the character at `at`, of which `left` are there; 0: it is none. */
static size_t character(const unsigned char *at, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = at[0];
    size_t size = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (size < 2 || first >= 0xF8)
        return size == 1 ? 1 : 0;
    uint32_t code = first & (0x7FU >> size);
    for (size_t i = 1; i < size; i++) {
        if (i >= left || (at[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3FU);
    }
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < least[size] || code > 0x10FFFF || surrogate ? 0 : size;
}

/* Where the first byte that begins no character is; `len` when there is none. */
static size_t first_bad(const unsigned char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t size = character(text + at, len - at);
        if (size == 0)
            return at;
        at += size;
    }
    return len;
}

/* ---- what the tests share ---- */

/* A string in a buffer of exactly its size, so that reading past it is seen. */
struct text {
    unsigned char *bytes; /* with the quotes */
    size_t len;
};

static struct text text_new(size_t len)
{
    struct text text = {malloc(len), len};
    assert_non_null(text.bytes);
    memset(text.bytes, 'x', len);
    text.bytes[0] = text.bytes[len - 1] = '"';
    return text;
}

static void compare(const struct text *text)
{
    static struct arena arena;
    struct json_object root;
    struct json_fault fault;
    if (arena.cap == 0)
        arena_init(&arena, 1 << 16);
    arena_reset(&arena);
    size_t bad = first_bad(text->bytes + 1, text->len - 2) + 1;
    bool good = json_scan(span_make((const char *)text->bytes, text->len), &arena, &root, &fault);
    if (good && bad + 1 == text->len)
        return;
    if (good || strcmp(fault.what, "malformed UTF-8") != 0 || fault.offset != bad)
        fail_msg("%s at %zu, and not at %zu of %zu", good ? "let through" : fault.what,
                 fault.offset, bad, text->len);
}

/* Two bytes a character, from `from` on; blocks begin with the first of them. */
static void fill_cyrillic(struct text *text, size_t from, size_t to)
{
    for (size_t at = from; at + 1 < to; at += 2) {
        text->bytes[at] = 0xD0;
        text->bytes[at + 1] = 0xB6;
    }
}

/* ---- each sequence ---- */

/* A place for a sequence: so many bytes behind the beginning of a block, so many before the end. */
struct place {
    size_t before;
    size_t after;
};

static const struct place places[] = {{0, 0},   {0, 3},   {0, 30},  {12, 30}, {13, 30},
                                      {14, 30}, {15, 30}, {16, 30}, {28, 1},  {29, 0},
                                      {30, 0},  {31, 3},  {29, 12}, {30, 12}, {31, 13}};
#define PLACES (sizeof(places) / sizeof(places[0]))

static struct text text_at(const struct place *place, size_t size, unsigned char **sequence)
{
    struct text text = text_new(1 + place->before + size + place->after + 1);
    /* An odd one more: the character before the others has three bytes. */
    size_t from = 1;
    if (place->before % 2 == 1) {
        memcpy(text.bytes + 1, "\xE4\xBD\xA0", 3);
        from = 4;
    }
    fill_cyrillic(&text, from, 1 + place->before);
    *sequence = text.bytes + 1 + place->before;
    return text;
}

/* ASCII once, then every byte that is not. */
static unsigned char letter(unsigned index)
{
    return index == 0 ? 'a' : (unsigned char)(0x7F + index);
}
#define LETTERS 129U

static void every_sequence_of_two_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        unsigned char *sequence;
        struct text text = text_at(&places[i], 2, &sequence);
        for (unsigned j = 0; j < LETTERS * LETTERS; j++) {
            sequence[0] = letter(j / LETTERS);
            sequence[1] = letter(j % LETTERS);
            compare(&text);
        }
        free(text.bytes);
    }
}

static void every_sequence_of_three_bytes(void **state)
{
    (void)state;
    static const struct place where[] = {{0, 30}, {14, 30}};
    for (size_t i = 0; i < 2; i++) {
        unsigned char *sequence;
        struct text text = text_at(&where[i], 3, &sequence);
        for (unsigned j = 0; j < LETTERS * LETTERS * LETTERS; j++) {
            sequence[0] = letter(j / (LETTERS * LETTERS));
            sequence[1] = letter(j / LETTERS % LETTERS);
            sequence[2] = letter(j % LETTERS);
            compare(&text);
        }
        free(text.bytes);
    }
}

/* The first and the last byte of each kind: what lies between is treated alike, as the sequences of
 * three bytes show. */
static void every_kind_of_four_bytes(void **state)
{
    (void)state;
    static const unsigned char kinds[] = {'a',  0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                          0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                          0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    const unsigned count = sizeof(kinds);
    for (size_t i = 0; i < PLACES; i++) {
        unsigned char *sequence;
        struct text text = text_at(&places[i], 4, &sequence);
        for (unsigned j = 0; j < count * count * count * count; j++) {
            for (unsigned k = 0, rest = j; k < 4; k++, rest /= count)
                sequence[k] = kinds[rest % count];
            compare(&text);
        }
        free(text.bytes);
    }
}

/* ---- texts ---- */

static size_t below(uint64_t *chance, size_t limit)
{
    *chance = *chance * 6364136223846793005U + 1442695040888963407U;
    return (size_t)(*chance >> 33) % limit;
}

/* Characters of every length at any place, and in most texts one byte that is wrong there. */
static void random_texts(void **state)
{
    (void)state;
    static const char *const characters[] = {
        "a", " ", "\xC3\xA9", "\xD0\xB6", "\xE4\xBD\xA0", "\xEF\xBF\xBF", "\xF0\x9F\x98\x80"};
    uint64_t chance = 20261124;
    for (int i = 0; i < 200000; i++) {
        size_t len = 2 + below(&chance, 120), at = 1;
        size_t kinds = 1 + below(&chance, 7);
        struct text text = text_new(len);
        for (;;) {
            const char *next = characters[7 - 1 - below(&chance, kinds)];
            if (at + strlen(next) > len - 1)
                break;
            memcpy(text.bytes + at, next, strlen(next));
            at += strlen(next);
        }
        if (len > 2 && below(&chance, 4) > 0)
            text.bytes[1 + below(&chance, len - 2)] = letter((unsigned)below(&chance, LETTERS));
        compare(&text);
        free(text.bytes);
    }
}

/* A block that is looked at whole goes over the end of its string, where anything may stand. */
static void what_is_behind_a_string_is_not_its_own(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t len = 2; len < 40; len += 2) {
        struct text text = text_new(len + 22);
        struct json_object root;
        struct json_fault fault;
        fill_cyrillic(&text, 1, len + 1);
        text.bytes[len + 1] = '"';
        memset(text.bytes + len + 2, 0xFF, 20);
        assert_false(
            json_scan(span_make((const char *)text.bytes, text.len), &arena, &root, &fault));
        assert_string_equal(fault.what, "something follows the value");
        assert_int_equal(fault.offset, len + 2);
        free(text.bytes);
    }
    arena_fini(&arena);
}

/* The same texts, but the last character never ends, and nothing comes after it. */
static void a_text_may_end_in_a_character(void **state)
{
    (void)state;
    static const char cut[] = "\xF0\x9F\x98";
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t len = 0; len < 40; len += 2) {
        for (size_t size = 1; size < sizeof(cut); size++) {
            struct json_object root;
            struct json_fault fault;
            struct text text = text_new(1 + len + size);
            fill_cyrillic(&text, 1, len + 1);
            memcpy(text.bytes + 1 + len, cut, size);
            assert_false(
                json_scan(span_make((const char *)text.bytes, text.len), &arena, &root, &fault));
            assert_string_equal(fault.what, "malformed UTF-8");
            assert_int_equal(fault.offset, 1 + len);
            free(text.bytes);
        }
    }
    arena_fini(&arena);
}

int test_json_utf8(void);
int test_json_utf8(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_of_two_bytes),
        cmocka_unit_test(every_sequence_of_three_bytes),
        cmocka_unit_test(every_kind_of_four_bytes),
        cmocka_unit_test(random_texts),
        cmocka_unit_test(what_is_behind_a_string_is_not_its_own),
        cmocka_unit_test(a_text_may_end_in_a_character),
    };
    return cmocka_run_group_tests_name("wire/json_utf8", tests, NULL, NULL);
}
