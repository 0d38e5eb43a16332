/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The strict pass: what it lets through, what it refuses and where, and what it finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int test_json_scan(void);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Scans a copy of exactly that size: a read past the end is seen. */
static bool scan_copy(struct span text, struct json_fault *fault)
{
    struct arena arena;
    struct json_object object;
    char *copy = malloc(text.len > 0 ? text.len : 1);
    assert_non_null(copy);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    arena_init(&arena, 1 << 20);
    *fault = (struct json_fault){0};
    bool valid = json_scan(span_make(copy, text.len), &arena, &object, fault);
    arena_fini(&arena);
    free(copy);
    return valid;
}

static void accept(struct span text)
{
    struct json_fault fault;
    if (!scan_copy(text, &fault))
        print_error("refused (%s at %zu): %.*s\n", fault.what, fault.offset, SPAN_ARG(text));
    assert_true(scan_copy(text, &fault));
}

static void refuse(struct span text, const char *what, size_t offset)
{
    struct json_fault fault;
    bool valid = scan_copy(text, &fault);
    if (valid || strcmp(fault.what, what) != 0 || fault.offset != offset)
        print_error("%s at %zu instead of %s at %zu: %.*s\n", valid ? "accepted" : fault.what,
                    fault.offset, what, offset, SPAN_ARG(text));
    assert_false(valid);
    assert_string_equal(fault.what, what);
    assert_int_equal(fault.offset, offset);
}

struct refused {
    const char *text;
    const char *what;
    size_t offset;
};

static void refuse_each(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        refuse(span_from_string(cases[i].text), cases[i].what, cases[i].offset);
}

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
    for (size_t i = 0; i < COUNT(valid); i++)
        accept(span_from_string(valid[i]));
    refuse_each(cases, COUNT(cases));
    refuse(SPAN("\"a\0b\""), "control character in a string", 2);
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

static void duplicate_keys_are_refused(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"{\"a\":1,\"a\":2}", "duplicate key", 7},
        {"{\"a\":1,\"b\":2,\"a\":3}", "duplicate key", 13},
        {"{\"\":1,\"\":2}", "duplicate key", 6},
        {"[{\"a\":1,\"a\":1}]", "duplicate key", 8},
        {"{\"x\":[{\"b\":{\"a\":1,\"a\":2}}]}", "duplicate key", 18},
        {"{\"model\":1,\"mod\\u0065l\":2}", "duplicate key", 11},
        {"{\"mod\\u0065l\":1,\"model\":2}", "duplicate key", 16},
        {"{\"\\u0061\\u0062\":1,\"a\\u0062\":2}", "duplicate key", 18},
        {"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "duplicate key", 18},
        {"{\"\\/\":1,\"/\":2}", "duplicate key", 8},
        /* the outer object goes on after an inner one */
        {"{\"a\":{\"a\":1,\"b\":2},\"b\":3,\"a\":4}", "duplicate key", 25},
        {"{\"\\u0061\":{\"\\u0061\":1,\"\\u0062\":2},\"\\u0062\":3,\"a\":4}", "duplicate key", 45},
    };
    refuse_each(cases, COUNT(cases));
    accept(SPAN("{\"a\":{\"a\":1,\"b\":2},\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":2}]}"));
    accept(SPAN("{\"\\u0061\":{\"\\u0061\":1,\"\\u0062\":2},\"\\u0062\":3}"));
}

/* An object of `count` keys, some with escapes, in which key `again` comes a second time as the last
 * (or no key does). Sets *offset to where that is. */
static char *many_keys(size_t count, size_t again, size_t *offset)
{
    char *text = malloc(count * 32 + 64);
    assert_non_null(text);
    size_t len = 0;
    text[len++] = '{';
    for (size_t i = 0; i < count; i++)
        len += (size_t)sprintf(text + len, i % 3 == 0 ? "\"\\u006b%zu\":0," : "\"k%zu\":0,", i);
    *offset = len;
    if (again < count)
        len += (size_t)sprintf(text + len, "\"k%zu\":0}", again);
    else
        memcpy(text + len - 1, "}", 2);
    return text;
}

static void duplicate_keys_of_any_number_are_refused(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 300; count += count < 40 ? 1 : 37) {
        size_t offset;
        char *text = many_keys(count, SIZE_MAX, &offset);
        accept(span_from_string(text));
        free(text);
        for (size_t again = 0; again < count; again++) {
            text = many_keys(count, again, &offset);
            refuse(span_from_string(text), "duplicate key", offset);
            free(text);
        }
    }
}

/* A million keys: comparing each pair would take hours. */
static void a_million_keys_are_not_quadratic(void **state)
{
    (void)state;
    size_t offset;
    struct json_fault fault;
    struct json_object object;
    struct arena arena;
    char *text = many_keys(1000000, 999999, &offset);
    arena_init(&arena, 1 << 20);
    assert_false(json_scan(span_from_string(text), &arena, &object, &fault));
    assert_string_equal(fault.what, "duplicate key");
    assert_int_equal(fault.offset, offset);
    assert_int_equal(arena_bytes(&arena), 0);
    free(text);
    /* Valid, but more members than the arena has room for. */
    text = many_keys(1000000, SIZE_MAX, &offset);
    assert_false(json_scan(span_from_string(text), &arena, &object, &fault));
    assert_string_equal(fault.what, "too many members");
    assert_int_equal(object.count, 0);
    free(text);
    arena_fini(&arena);
}

static void members_of_the_root_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *whole;
        const char *value;
        enum json_type type;
    } expected[] = {
        {"model", "\"model\" : \"gpt\\n\"", "\"gpt\\n\"", JSON_STRING},
        {"n\"", "\"\\u006e\\\"\":-1.5e3", "-1.5e3", JSON_NUMBER},
        {"", "\"\":null", "null", JSON_NULL},
        {"t", "\"t\":true", "true", JSON_TRUE},
        {"f", "\"f\":\n false", "false", JSON_FALSE},
        {"a", "\"a\":[ {\"model\":1}, [] ]", "[ {\"model\":1}, [] ]", JSON_ARRAY},
        {"o", "\"o\":{\"t\":{\"x\":[1]}}", "{\"t\":{\"x\":[1]}}", JSON_OBJECT},
        {"\xc3\xa9", "\"\xc3\xa9\":0", "0", JSON_NUMBER},
    };
    struct span text =
        SPAN(" {\"model\" : \"gpt\\n\" , \"\\u006e\\\"\":-1.5e3,\"\":null,\"t\":true,"
             "\"f\":\n false,\"a\":[ {\"model\":1}, [] ],\"o\":{\"t\":{\"x\":[1]}},"
             "\"\xc3\xa9\":0 }\r\n");
    struct arena arena;
    struct json_object object;
    struct json_fault fault;
    arena_init(&arena, 1 << 16);
    assert_true(json_scan(text, &arena, &object, &fault));
    assert_int_equal(object.type, JSON_OBJECT);
    assert_ptr_equal(object.text.ptr, text.ptr + 1);
    assert_int_equal(object.text.len, text.len - 3);
    assert_int_equal(object.count, COUNT(expected));
    for (size_t i = 0; i < object.count; i++) {
        const struct json_member *member = &object.members[i];
        assert_true(span_equal(member->key, span_from_string(expected[i].key)));
        assert_true(span_equal(member->whole, span_from_string(expected[i].whole)));
        assert_true(span_equal(member->value, span_from_string(expected[i].value)));
        assert_int_equal(member->type, expected[i].type);
        assert_ptr_equal(json_member(&object, span_from_string(expected[i].key)), member);
    }
    assert_ptr_equal(object.members[0].key.ptr, text.ptr + 3);
    assert_null(json_member(&object, SPAN("Model")));
    assert_null(json_member(&object, SPAN("x")));
    arena_fini(&arena);
}

static void roots_that_are_no_object_have_no_members(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum json_type type;
    } cases[] = {{"[{\"a\":1}]", JSON_ARRAY}, {"\"{}\"", JSON_STRING}, {"-1", JSON_NUMBER},
                 {"null", JSON_NULL},         {"true", JSON_TRUE},     {"false", JSON_FALSE},
                 {"{}", JSON_OBJECT}};
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_object object;
        struct json_fault fault;
        assert_true(json_scan(span_from_string(cases[i].text), &arena, &object, &fault));
        assert_int_equal(object.type, cases[i].type);
        assert_int_equal(object.count, 0);
        assert_null(json_member(&object, SPAN("a")));
        assert_true(span_equal(object.text, span_from_string(cases[i].text)));
    }
    assert_int_equal(arena_bytes(&arena), 0);
    arena_fini(&arena);
}

static void many_members_are_found(void **state)
{
    (void)state;
    enum { MEMBERS = 2000 };
    size_t offset;
    char *text = many_keys(MEMBERS, SIZE_MAX, &offset);
    struct arena arena;
    struct json_object object;
    struct json_fault fault;
    arena_init(&arena, 1 << 20);
    assert_true(json_scan(span_from_string(text), &arena, &object, &fault));
    assert_int_equal(object.count, MEMBERS);
    for (size_t i = 0; i < MEMBERS; i++) {
        char key[32];
        snprintf(key, sizeof(key), "k%zu", i);
        assert_true(span_equal(object.members[i].key, span_from_string(key)));
        assert_true(span_equal(object.members[i].value, SPAN("0")));
    }
    arena_fini(&arena);
    /* No room for the decoded keys, at each size up to enough. */
    bool room = false;
    for (size_t cap = 0; !room; cap += 4000) {
        arena_init(&arena, cap);
        room = json_scan(span_from_string(text), &arena, &object, &fault);
        assert_true(room || strcmp(fault.what, "too many members") == 0);
        assert_int_equal(object.count, room ? MEMBERS : 0);
        arena_fini(&arena);
    }
    free(text);
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
        cmocka_unit_test(numbers_are_checked),
        cmocka_unit_test(long_numbers_are_checked),
        cmocka_unit_test(strings_are_checked),
        cmocka_unit_test(every_place_of_a_string_is_looked_at),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(duplicate_keys_are_refused),
        cmocka_unit_test(duplicate_keys_of_any_number_are_refused),
        cmocka_unit_test(a_million_keys_are_not_quadratic),
        cmocka_unit_test(members_of_the_root_are_found),
        cmocka_unit_test(roots_that_are_no_object_have_no_members),
        cmocka_unit_test(many_members_are_found),
        cmocka_unit_test(damaged_texts_do_no_harm),
    };
    return cmocka_run_group_tests_name("wire/json_scan", tests, NULL, NULL);
}
