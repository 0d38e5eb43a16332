/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Normalization Form C, and that counting by a grammar that asks for it counts the normalised text. */
#include "tokens_support.h"

#include "tokens_class.h"
#include "tokens_private.h"
#include "tokens_text.h"

#define CODES_MAX 48

struct form {
    uint32_t from[6];
    uint32_t to[6];
};

static const struct form forms[] = {
    {{'e', 0x301}, {0xE9}},
    {{'e', 0x302, 0x301}, {0x1EBF}},
    {{'e', 0x301, 0x302}, {0xE9, 0x302}},   /* of one class: the first stays first */
    {{'a', 0x301, 0x323}, {0x1EA1, 0x301}}, /* put in order */
    {{'a', 0x345, 0x301}, {0xE1, 0x345}},
    {{'e', 0x327, 0x327, 0x301}, {0x229, 0x327, 0x301}}, /* one between */
    {{'q', 0x307, 0x323}, {'q', 0x323, 0x307}},          /* in order, nothing to compose */
    {{'x', 'e', 0x301, 'x'}, {'x', 0xE9, 'x'}},
    {{0x301, 'e'}, {0x301, 'e'}}, /* nothing before it */
    {{0x212B}, {0xC5}},           /* singletons */
    {{0x2126, 0x301}, {0x38F}},
    {{0x1F71}, {0x3AC}},
    {{0x344}, {0x308, 0x301}},
    {{0x958}, {0x915, 0x93C}}, /* not composed again */
    {{0xFB2C}, {0x5E9, 0x5BC, 0x5C1}},
    {{0x2ADC}, {0x2ADD, 0x338}},
    {{0x1112, 0x1161, 0x11AB}, {0xD55C}}, /* Hangul */
    {{0xD558, 0x11AB}, {0xD55C}},
    {{0xD55C, 0x11AB}, {0xD55C, 0x11AB}},
    {{0x1112, 0x11AB}, {0x1112, 0x11AB}},
    {{0xD558, 0x11A7}, {0xD558, 0x11A7}}, /* no tail */
    {{0xCC6, 0xCC2, 0xCD5}, {0xCCB}},     /* seconds that are no marks of a class */
    {{0x16D67, 0x16D67}, {0x16D68}},      /* a letter, new in Unicode 16 */
    {{0x1D157, 0x1D165}, {0x1D157, 0x1D165}},
    {{0x1D15E}, {0x1D157, 0x1D165}},
    {{0xE9, 'z', 0x4E2D, 0xAC00}, {0xE9, 'z', 0x4E2D, 0xAC00}},
    {{'e', 0x1D167, 0x301}, {0xE9, 0x1D167}}, /* a lower class does not stand between */
};

static struct span encode(const uint32_t codes[6], char *out)
{
    size_t len = 0;
    for (int i = 0; i < 6 && codes[i] != 0; i++)
        len += put_code(out + len, codes[i]);
    return span_make(out, len);
}

static void forms_are_composed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char from[32];
        char to[32];
        struct span text = encode(forms[i].from, from);
        struct span expected = encode(forms[i].to, to);
        struct span got = nfc_normalize(text);
        assert_non_null(got.ptr);
        if (!span_equal(got, expected))
            fail_msg("form %zu: <%.*s>", i, SPAN_ARG(got));
        if (!span_equal(text, expected))
            assert_false(nfc_is_certain(text));
        free((char *)(uintptr_t)got.ptr);
    }
    assert_true(nfc_is_certain(SPAN("plain text, d\xC3\xA9j\xC3\xA0 vu \xE4\xB8\xAD\xED\x95\x9C")));
    assert_true(nfc_is_certain(SPAN("")));
}

/* Many marks in a row are sorted as few are: stable, by class. */
static void many_marks_are_sorted(void **state)
{
    (void)state;
    char text[2 + 200 * 2];
    size_t len = put_code(text, 'q');
    for (int i = 0; i < 100; i++) {
        len += put_code(text + len, i % 2 == 0 ? 0x301 : 0x300); /* 230 */
        len += put_code(text + len, 0x327);                      /* 202 */
    }
    struct span got = nfc_normalize(span_make(text, len));
    assert_int_equal(got.len, len);
    for (size_t i = 0; i < 100; i++) {
        assert_memory_equal(got.ptr + 1 + i * 2, "\xCC\xA7", 2);
        assert_memory_equal(got.ptr + 201 + i * 2, i % 2 == 0 ? "\xCC\x81" : "\xCC\x80", 2);
    }
    free((char *)(uintptr_t)got.ptr);
}

/* What is normalised stays as it is, and what is certain is. */
static void normalising_twice_changes_nothing(void **state)
{
    (void)state;
    struct chance chance = {81};
    const uint32_t firsts[] = {'a',    0xC0,   0x300,  0x5B0,  0x900,
                               0x1100, 0x1E00, 0xAC00, 0x3040, 0x1D150};
    for (int i = 0; i < 20000; i++) {
        char room[CODES_MAX * 4];
        size_t len = 0;
        for (uint64_t k = chance_below(&chance, CODES_MAX); k > 0; k--)
            len += put_code(room + len, firsts[chance_below(&chance, 10)] +
                                            (uint32_t)chance_below(&chance, 112));
        struct span text = span_make(room, len);
        struct span once = nfc_normalize(text);
        struct span twice = nfc_normalize(once);
        assert_true(span_equal(once, twice));
        if (nfc_is_certain(text))
            assert_true(span_equal(text, once));
        free((char *)(uintptr_t)once.ptr);
        free((char *)(uintptr_t)twice.ptr);
    }
}

static void qwen_counts_the_normalised_text(void **state)
{
    (void)state;
    uint32_t ids[64];
    uint32_t expected[64];
    struct tokenizer tokenizer = *tokenizer_builtin(ENCODING_O200K_BASE);
    tokenizer.grammar = GRAMMAR_QWEN;
    struct span text = SPAN("re\xCC\x81sume\xCC\x81 \xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB \xFF!");
    struct span composed = SPAN("r\xC3\xA9sum\xC3\xA9 \xED\x95\x9C \xEF\xBF\xBD!");
    size_t count = tokens_encode(&tokenizer, composed, expected, 64);
    assert_int_equal(tokens_encode(&tokenizer, text, ids, 64), count);
    assert_memory_equal(ids, expected, count * sizeof(ids[0]));
    assert_int_equal(tokens_count(&tokenizer, NULL, text), count);
    /* Others count what is there. */
    assert_true(tokens_count(tokenizer_builtin(ENCODING_O200K_BASE), NULL, text) > (int64_t)count);
}

int test_tokens_nfc(void);

int test_tokens_nfc(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_composed),
        cmocka_unit_test(many_marks_are_sorted),
        cmocka_unit_test(normalising_twice_changes_nothing),
        cmocka_unit_test(qwen_counts_the_normalised_text),
    };
    return cmocka_run_group_tests_name("llm/tokens_nfc", tests, NULL, NULL);
}
