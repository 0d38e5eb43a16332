/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The strict pass: the texts it lets through, and what it refuses where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json_verdict.h"

int test_json_scan(void);

static void values_of_all_kinds_pass(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "\"\"",
        "[]",
        "{}",
        " \t\r\n1 \t\r\n",
        "[ ]",
        "{ }",
        "[1,2 , 3]",
        "[[],{},[[]]]",
        "{\"a\":1}",
        "{ \"a\" : 1 , \"b\" : [ ] }",
        "{\"\":0,\"a\":{\"\":1}}",
        "[null,true,false,\"x\",-1.5e-3]",
        "{\"a\":{\"a\":{\"a\":[{\"a\":1},{\"a\":2}]}}}",
    };
    for (size_t i = 0; i < COUNT(valid); i++)
        accept(span_from_string(valid[i]));
    /* Keys that only look alike. */
    accept(SPAN("{\"a\":1,\"A\":2,\"a \":3,\"\":4,\" a\":5,\"aa\":6}"));
}

static void grammar_is_kept(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"", "unexpected end", 0},
        {"  ", "unexpected end", 2},
        {"[", "unexpected end", 1},
        {"[1", "unexpected end", 2},
        {"[1,", "unexpected end", 3},
        {"{", "unexpected end", 1},
        {"{\"a\":", "unexpected end", 5},
        {"{\"a\":1", "unexpected end", 6},
        {"{\"a\":1,", "unexpected end", 7},
        {"{\"a\"", "a colon is missing", 4},
        {"{\"a\" 1}", "a colon is missing", 5},
        {"{\"a\",1}", "a colon is missing", 4},
        {"{\"a\"::1}", "unexpected character", 5},
        {"{\"a\":}", "unexpected character", 5},
        {"{a:1}", "a key is missing", 1},
        {"{'a':1}", "a key is missing", 1},
        {"{1:1}", "a key is missing", 1},
        {"{,}", "a key is missing", 1},
        {"{\"a\":1,}", "a key is missing", 7},
        {"{\"a\":1,,\"b\":2}", "a key is missing", 7},
        {"{[]:1}", "a key is missing", 1},
        {"{\"a\":1 \"b\":2}", "a comma or bracket is missing", 7},
        {"{\"a\":1]", "a comma or bracket is missing", 6},
        {"[1}", "a comma or bracket is missing", 2},
        {"[1 2]", "a comma or bracket is missing", 3},
        {"[1:2]", "a comma or bracket is missing", 2},
        {"[,1]", "unexpected character", 1},
        {"[1,]", "unexpected character", 3},
        {"[1,,2]", "unexpected character", 3},
    };
    refuse_each(cases, COUNT(cases));
}

static void nothing_else_is_a_value(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"]", "unexpected character", 0},
        {"}", "unexpected character", 0},
        {",", "unexpected character", 0},
        {"[}", "unexpected character", 1},
        {"1 2", "something follows the value", 2},
        {"{} x", "something follows the value", 3},
        {"[]]", "something follows the value", 2},
        {"{}{}", "something follows the value", 2},
        {"1,", "something follows the value", 1},
        {"\"a\"\"b\"", "something follows the value", 3},
        {"tru", "unexpected character", 0},
        {"truE", "unexpected character", 0},
        {"True", "unexpected character", 0},
        {"truex", "something follows the value", 4},
        {"[nul]", "unexpected character", 1},
        {"[falsy]", "unexpected character", 1},
        {"NaN", "unexpected character", 0},
        {"Infinity", "unexpected character", 0},
        {"undefined", "unexpected character", 0},
        {"'a'", "unexpected character", 0},
        {"// c\n1", "unexpected character", 0},
        {"/**/1", "unexpected character", 0},
        {"1 # c", "something follows the value", 2},
        {"\f1", "unexpected character", 0},
        {"\v1", "unexpected character", 0},
        {"\xc2\xa0"
         "1",
         "unexpected character", 0},
        {"\xe2\x80\xa8"
         "1",
         "unexpected character", 0},
        {"\xef\xbb\xbf{}", "byte order mark", 0},
        {"\xfe\xff", "unexpected character", 0},
    };
    refuse_each(cases, COUNT(cases));
    refuse(SPAN("1\0"), "something follows the value", 1);
    refuse(SPAN("\0"), "unexpected character", 0);
    /* Offsets have 32 bits; nothing of such a text is read. */
    struct json_object object;
    struct json_fault fault = {0};
    assert_false(json_scan(span_make("1", (size_t)UINT32_MAX + 1), NULL, &object, &fault));
    assert_string_equal(fault.what, "too long");
    refuse(SPAN_NONE, "unexpected end", 0);
}

static void numbers_are_checked(void **state)
{
    (void)state;
    static const char *const valid[] = {"0",
                                        "-0",
                                        "10",
                                        "1234567890",
                                        "-1",
                                        "0.0",
                                        "0.5",
                                        "-0.5e1",
                                        "1e0",
                                        "1E+2",
                                        "1e-2",
                                        "1e00",
                                        "9007199254740993",
                                        "123456789012345678901234567890",
                                        "0e999999999999999999999",
                                        "0.000e99999",
                                        "1e-999999999999999999999",
                                        "1.7976931348623157e308",
                                        "-1.7976931348623157e308",
                                        "17976931348623157e292",
                                        "0.00017976931348623157e312",
                                        "1.797693134862315807e308",
                                        "1.797693134862315807937288e308",
                                        "1e308",
                                        "9.999e307",
                                        "0.1e309",
                                        "5e-324"};
    static const struct refused cases[] = {
        {"-", "malformed number", 0},
        {"--1", "malformed number", 0},
        {"-x", "malformed number", 0},
        {"-01", "malformed number", 0},
        {"00", "malformed number", 0},
        {"012", "malformed number", 0},
        {"+1", "unexpected character", 0},
        {".5", "unexpected character", 0},
        {"-.5", "malformed number", 0},
        {"1.", "malformed number", 0},
        {"1.e1", "malformed number", 0},
        {"1e", "malformed number", 0},
        {"1e+", "malformed number", 0},
        {"1e-", "malformed number", 0},
        {"1ex", "malformed number", 0},
        {"1e1.5", "something follows the value", 3},
        {"1.2.3", "something follows the value", 3},
        {"0x10", "something follows the value", 1},
        {"1_0", "something follows the value", 1},
        {"1e309", "number out of range", 0},
        {"[-1e309]", "number out of range", 1},
        {"1e999999999999999999999", "number out of range", 0},
        {"-1e99999", "number out of range", 0},
        {"10e308", "number out of range", 0},
        {"0.01e311", "number out of range", 0},
        {"1.8e308", "number out of range", 0},
        {"1.797693134862315808e308", "number out of range", 0},
        {"1.797693134862315807937289e308", "number out of range", 0},
        {"1.797693134862315807937290e308", "number out of range", 0},
        {"179769313486231581e291", "number out of range", 0},
        {"0.0000000001e319", "number out of range", 0},
    };
    for (size_t i = 0; i < COUNT(valid); i++)
        accept(span_from_string(valid[i]));
    refuse_each(cases, COUNT(cases));
}

/* Whole numbers of many digits: the largest that fits begins with 1797..., and has 309. */
static void long_numbers_are_checked(void **state)
{
    (void)state;
    static char digits[100001];
    memset(digits, '0', sizeof(digits));
    digits[0] = '1';
    accept(span_make(digits, 309));
    refuse(span_make(digits, 310), "number out of range", 0);
    refuse(span_make(digits, sizeof(digits)), "number out of range", 0);
    digits[0] = '2';
    accept(span_make(digits, 308));
    refuse(span_make(digits, 309), "number out of range", 0);
    memcpy(digits, "0.", 2);
    accept(span_make(digits, sizeof(digits)));
    memcpy(digits + 400, "1e707", 5); /* 10^-399 times 10^707 */
    accept(span_make(digits, 404));
    accept(span_make(digits, 405));
    digits[404] = '8';
    refuse(span_make(digits, 405), "number out of range", 0);
}

static void strings_are_checked(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0041\\u00e9\\u20AC\\uFFFF\"",
        "\"\\ud83d\\ude00\"",
        "\"\\uDBFF\\uDFFF\"",
        "\"\\u0001\"",
        "\"\x7f\"",
        "\"\xc2\x80\xdf\xbf\"",
        "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
        "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
        "\"a\xc3\xa9z\\n\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80\""};
    static const struct refused cases[] = {
        {"\"", "unterminated string", 1},
        {"\"abc", "unterminated string", 4},
        {"\"a\\\"", "unterminated string", 4},
        {"\"a\\", "malformed escape", 2},
        {"\"\\x41\"", "malformed escape", 1},
        {"\"\\'\"", "malformed escape", 1},
        {"\"\\0\"", "malformed escape", 1},
        {"\"\\N\"", "malformed escape", 1},
        {"\"\\U0041\"", "malformed escape", 1},
        {"\"\\u\"", "malformed escape", 1},
        {"\"\\u004\"", "malformed escape", 1},
        {"\"\\u004g\"", "malformed escape", 1},
        {"\"\\u00\\n\"", "malformed escape", 1},
        {"\"\\u 041\"", "malformed escape", 1},
        {"\"\\u+041\"", "malformed escape", 1},
        {"\"\\u12", "malformed escape", 1},
        {"\"\\u0000\"", "NUL in a string", 1},
        {"\"abc\\u0000\"", "NUL in a string", 4},
        {"{\"a\\u0000\":1}", "NUL in a string", 3},
        {"\"\\ud800\"", "lone surrogate", 1},
        {"\"\\ud83d\\u0041\"", "lone surrogate", 1},
        {"\"\\ud83dxxxxxxx\"", "lone surrogate", 1},
        {"\"\\ud83d\\n12345\"", "lone surrogate", 1},
        {"\"\\ud83d\\ud83d\"", "lone surrogate", 1},
        {"\"\\udc00\"", "lone surrogate", 1},
        {"\"\\udc00\\ud800\"", "lone surrogate", 1},
        {"{\"\\udfff\":1}", "lone surrogate", 2},
        {"\"\n\"", "control character in a string", 1},
        {"\"a\tb\"", "control character in a string", 2},
        {"\"\x01\"", "control character in a string", 1},
        {"\"\x1f\"", "control character in a string", 1},
    };
    for (size_t i = 0; i < COUNT(valid); i++)
        accept(span_from_string(valid[i]));
    refuse_each(cases, COUNT(cases));
    refuse(SPAN("\"a\0b\""), "control character in a string", 2);
}

static void only_utf8_is_let_through(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"\"\x80\"", "malformed UTF-8", 1},
        {"\"\xbf\"", "malformed UTF-8", 1},
        {"\"\xc0\xaf\"", "malformed UTF-8", 1},
        {"\"\xc1\xbf\"", "malformed UTF-8", 1},
        {"\"\xc2\"", "malformed UTF-8", 1},
        {"\"\xc3\x28\"", "malformed UTF-8", 1},
        {"\"\xe0\x9f\xbf\"", "malformed UTF-8", 1},
        {"\"\xe4\xbd\"", "malformed UTF-8", 1},
        {"\"\xe4\xbd\xe4\"", "malformed UTF-8", 1},
        {"\"\xed\xa0\x80\"", "malformed UTF-8", 1},
        {"\"\xf0\x8f\xbf\xbf\"", "malformed UTF-8", 1},
        {"\"\xf0\x9f\x98\"", "malformed UTF-8", 1},
        {"\"\xf4\x90\x80\x80\"", "malformed UTF-8", 1},
        {"\"\xf5\x80\x80\x80\"", "malformed UTF-8", 1},
        {"\"\xf8\x88\x80\x80\x80\"", "malformed UTF-8", 1},
        {"\"\xff\"", "malformed UTF-8", 1},
        {"\"\xe4", "malformed UTF-8", 1},
        {"\"\xe4\xbd", "malformed UTF-8", 1},
        {"\"\xf0\x9f\x98", "malformed UTF-8", 1},
    };
    refuse_each(cases, COUNT(cases));
}

/* Each kind of byte at each place of strings of each length around the widths that are read at
 * once. */
static void every_place_of_a_string_is_looked_at(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 70; len++) {
        char text[80];
        memset(text, 'x', sizeof(text));
        text[0] = text[len + 1] = '"';
        accept(span_make(text, len + 2));
        refuse(span_make(text, len + 1), "unterminated string", len + 1);
        for (size_t i = 1; i <= len; i++) {
            struct span all = span_make(text, len + 2);
            text[i] = '\x1f';
            refuse(all, "control character in a string", i);
            text[i] = '\x80';
            refuse(all, "malformed UTF-8", i);
            text[i] = '\\';
            refuse(all, i < len ? "malformed escape" : "unterminated string",
                   i < len ? i : len + 2);
            text[i] = '"';
            refuse(all, "something follows the value", i + 1);
            text[i] = '\x7f';
            accept(all);
            text[i] = 'x';
        }
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    static char text[200000];
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    accept(span_make(text, 128));
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    refuse(span_make(text, 130), "nested too deeply", 64);
    memset(text, '[', sizeof(text));
    refuse(span_make(text, sizeof(text)), "nested too deeply", 64);
    for (size_t i = 0; i + 5 <= sizeof(text); i += 5)
        memcpy(text + i, "{\"a\":", 5);
    refuse(span_make(text, sizeof(text)), "nested too deeply", 320);
}

/* Every prefix and every single changed byte of a text: no report from the sanitizers, and a prefix
 * is never valid. */
static void damaged_texts_do_no_harm(void **state)
{
    (void)state;
    struct span text = SPAN("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
                            "\"a\\ud83d\\ude00\\n\xe4\xbd\xa0 \xc3\xa9\"}],\"n\":-1.5e+10,"
                            "\"\\u0073\":[true,false,null,{}]}");
    struct json_fault fault;
    char copy[200];
    for (size_t len = 0; len < text.len; len++)
        assert_false(scan_copy(span_make(text.ptr, len), &fault));
    for (size_t i = 0; i < text.len; i++) {
        memcpy(copy, text.ptr, text.len);
        for (int byte = 0; byte < 256; byte++) {
            copy[i] = (char)byte;
            if (!scan_copy(span_make(copy, text.len), &fault))
                assert_in_range(fault.offset, 0, text.len);
        }
    }
}

int test_json_scan(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_all_kinds_pass),
        cmocka_unit_test(grammar_is_kept),
        cmocka_unit_test(nothing_else_is_a_value),
        cmocka_unit_test(numbers_are_checked),
        cmocka_unit_test(long_numbers_are_checked),
        cmocka_unit_test(strings_are_checked),
        cmocka_unit_test(only_utf8_is_let_through),
        cmocka_unit_test(every_place_of_a_string_is_looked_at),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(damaged_texts_do_no_harm),
    };
    return cmocka_run_group_tests_name("wire/json_scan", tests, NULL, NULL);
}
