/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Spans: every function, with empty and NULL spans among the inputs. */
#include "base/span.h"

#include "helpers.h"

#include <stdio.h>

static const struct span empty_literal = {"", 0};

static void from_string(void **state)
{
    (void)state;
    assert_span(span_from_string("abc"), "abc");
    assert_span(span_from_string(""), "");
    assert_int_equal(span_from_string(NULL).len, 0);
    assert_int_equal(SPAN("a\0b").len, 3);
    char text[16];
    snprintf(text, sizeof(text), "%.*s|%.*s", SPAN_ARG(SPAN("ab")), SPAN_ARG(SPAN_NONE));
    assert_string_equal(text, "ab|");
}

static void equal(void **state)
{
    (void)state;
    assert_true(span_equal(SPAN("abc"), SPAN("abc")));
    assert_false(span_equal(SPAN("abc"), SPAN("abd")));
    assert_false(span_equal(SPAN("abc"), SPAN("ab")));
    assert_false(span_equal(SPAN("a\0b"), SPAN("a\0c")));
    assert_true(span_equal(SPAN_NONE, empty_literal));
    assert_true(span_equal(SPAN_NONE, SPAN_NONE));
    assert_false(span_equal(SPAN_NONE, SPAN("a")));
}

static void equal_nocase(void **state)
{
    (void)state;
    assert_true(span_equal_nocase(SPAN("Content-TYPE"), SPAN("content-type")));
    assert_false(span_equal_nocase(SPAN("abc"), SPAN("ab")));
    assert_true(span_equal_nocase(SPAN_NONE, empty_literal));
    /* Only letters fold: '@' and '`', '[' and '{' differ by the same bit. */
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char x = (char)a;
            char y = (char)b;
            bool letters = (a | 0x20) >= 'a' && (a | 0x20) <= 'z' && (a | 0x20) == (b | 0x20);
            assert_int_equal(span_equal_nocase(span_make(&x, 1), span_make(&y, 1)),
                             a == b || letters);
        }
}

static void prefixes_and_suffixes(void **state)
{
    (void)state;
    assert_true(span_starts_with(SPAN("Bearer x"), SPAN("Bearer ")));
    assert_false(span_starts_with(SPAN("bearer x"), SPAN("Bearer ")));
    assert_false(span_starts_with(SPAN("Bear"), SPAN("Bearer")));
    assert_true(span_starts_with(SPAN("a"), SPAN_NONE));
    assert_true(span_starts_with(SPAN_NONE, SPAN_NONE));
    assert_false(span_starts_with(SPAN_NONE, SPAN("a")));
    assert_true(span_starts_with_nocase(SPAN("bEARER x"), SPAN("Bearer ")));
    assert_false(span_starts_with_nocase(SPAN("Bear"), SPAN("Bearer")));
    assert_false(span_starts_with_nocase(SPAN("Basic x"), SPAN("Bearer ")));
    assert_true(span_ends_with(SPAN("a.json"), SPAN(".json")));
    assert_true(span_ends_with(SPAN(".json"), SPAN(".json")));
    assert_false(span_ends_with(SPAN("json"), SPAN(".json")));
    assert_false(span_ends_with(SPAN("a.yaml"), SPAN(".json")));
    assert_true(span_ends_with(SPAN_NONE, SPAN_NONE));
    assert_true(span_ends_with(SPAN("a"), SPAN_NONE));
}

static void compare(void **state)
{
    (void)state;
    /* In order; each pair both ways. */
    const struct span sorted[] = {SPAN_NONE,  SPAN("\0"), SPAN("a"),    SPAN("a\0"),
                                  SPAN("ab"), SPAN("b"),  SPAN("\x7f"), SPAN("\xff")};
    const size_t count = sizeof(sorted) / sizeof(sorted[0]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            int order = span_compare(sorted[i], sorted[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    assert_int_equal(span_compare(SPAN_NONE, empty_literal), 0);
}

static void trim(void **state)
{
    (void)state;
    assert_span(span_trim(SPAN(" \t a b\t ")), "a b");
    assert_span(span_trim(SPAN("a")), "a");
    assert_span(span_trim(SPAN(" \t ")), "");
    assert_span(span_trim(SPAN_NONE), "");
    assert_span(span_trim(SPAN("\na\r")), "\na\r");
}

static void from(void **state)
{
    (void)state;
    assert_span(span_from(SPAN("abc"), 0), "abc");
    assert_span(span_from(SPAN("abc"), 1), "bc");
    assert_span(span_from(SPAN("abc"), 3), "");
    assert_span(span_from(SPAN("abc"), SIZE_MAX), "");
    assert_span(span_from(SPAN_NONE, 0), "");
    assert_span(span_from(SPAN_NONE, 5), "");
}

static void find_and_search(void **state)
{
    (void)state;
    assert_int_equal(span_find(SPAN("abcb"), 'b'), 1);
    assert_int_equal(span_find(SPAN("abc"), 'x'), 3);
    assert_int_equal(span_find(SPAN("a\0b"), '\0'), 1);
    assert_int_equal(span_find(SPAN("a\xff"), '\xff'), 1);
    assert_int_equal(span_find(SPAN_NONE, 'x'), 0);
    assert_int_equal(span_search(SPAN("abcabd"), SPAN("abd")), 3);
    assert_int_equal(span_search(SPAN("aaab"), SPAN("aab")), 1);
    assert_int_equal(span_search(SPAN("abc"), SPAN("abc")), 0);
    assert_int_equal(span_search(SPAN("abc"), SPAN("abcd")), 3);
    assert_int_equal(span_search(SPAN("abc"), SPAN("x")), 3);
    assert_int_equal(span_search(SPAN("a\0b\0c"), SPAN("\0c")), 3);
    assert_int_equal(span_search(SPAN("abc"), SPAN_NONE), 0);
    assert_int_equal(span_search(SPAN_NONE, SPAN_NONE), 0);
    assert_int_equal(span_search(SPAN_NONE, SPAN("a")), 0);
}

static void cut(void **state)
{
    (void)state;
    struct span head;
    struct span rest = span_cut(SPAN("a,,b"), ',', &head);
    assert_span(head, "a");
    assert_span(rest, ",b");
    rest = span_cut(rest, ',', &head);
    assert_span(head, "");
    assert_span(rest, "b");
    rest = span_cut(rest, ',', &head);
    assert_span(head, "b");
    assert_span(rest, "");
    rest = span_cut(SPAN("a,"), ',', &head);
    assert_span(head, "a");
    assert_span(rest, "");
    rest = span_cut(SPAN_NONE, ',', &head);
    assert_span(head, "");
    assert_span(rest, "");
    /* The head may be the span that is cut. */
    struct span s = SPAN("x=y");
    assert_span(span_cut(s, '=', &s), "y");
    assert_span(s, "x");
}

static void to_u64(void **state)
{
    (void)state;
    uint64_t value = 77;
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "-1",
                                      "+1",
                                      "1.0",
                                      "0x1",
                                      "a",
                                      "1a",
                                      "/",
                                      ":",
                                      "18446744073709551616",
                                      "18446744073709551620",
                                      "99999999999999999999",
                                      "100000000000000000000",
                                      "\xb1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (span_to_u64(span_from_string(bad[i]), &value))
            fail_msg("accepted '%s'", bad[i]);
    assert_false(span_to_u64(SPAN_NONE, &value));
    assert_false(span_to_u64(SPAN("1\0"), &value));
    assert_int_equal(value, 77);
    assert_true(span_to_u64(SPAN("18446744073709551615"), &value));
    assert_true(value == UINT64_MAX);
    assert_true(span_to_u64(SPAN("0"), &value));
    assert_int_equal(value, 0);
    assert_true(span_to_u64(SPAN("0000000000000000000000000000042"), &value));
    assert_int_equal(value, 42);
}

static void from_u64(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 9, 10, 429, 1ULL << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char room[SPAN_U64_SIZE];
        char expected[32];
        snprintf(expected, sizeof(expected), "%llu", (unsigned long long)values[i]);
        assert_true(span_equal(span_from_u64(values[i], room), span_from_string(expected)));
    }
}

int test_span(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_string),  cmocka_unit_test(equal),
        cmocka_unit_test(equal_nocase), cmocka_unit_test(prefixes_and_suffixes),
        cmocka_unit_test(compare),      cmocka_unit_test(trim),
        cmocka_unit_test(from),         cmocka_unit_test(find_and_search),
        cmocka_unit_test(cut),          cmocka_unit_test(to_u64),
        cmocka_unit_test(from_u64),
    };
    return cmocka_run_group_tests_name("base/span", tests, NULL, NULL);
}
