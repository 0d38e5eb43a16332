/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into texts that have passed: walks, decoded strings, whole numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/json.h"

#include <string.h>

int test_json_walk(void);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_walk(const char *container, const char *expected)
{
    struct buf out;
    size_t at = 0;
    struct span key;
    struct span value;
    enum json_type type;
    buf_init(&out, 1000, 0);
    while (json_walk(span_from_string(container), &at, &key, &value, &type))
        buf_printf(&out, "%.*s=%.*s:%d;", SPAN_ARG(key), SPAN_ARG(value), (int)type);
    if (!span_equal(buf_span(&out), span_from_string(expected)))
        print_error("%s: %.*s\n", container, SPAN_ARG(buf_span(&out)));
    assert_true(span_equal(buf_span(&out), span_from_string(expected)));
    /* At the end it stays at the end. */
    assert_false(json_walk(span_from_string(container), &at, &key, &value, &type));
    buf_fini(&out);
}

static void containers_are_walked(void **state)
{
    (void)state;
    _Static_assert(JSON_NUMBER == 3 && JSON_OBJECT == 6, "types as printed below");
    assert_walk("[]", "");
    assert_walk("{}", "");
    assert_walk("[ \n]", "");
    assert_walk("{ \n}", "");
    assert_walk("[1]", "=1:3;");
    assert_walk("[null,true,false,-1.5,\"a\",[1,[2]],{\"b\":3}]",
                "=null:0;=true:2;=false:1;=-1.5:3;=\"a\":4;=[1,[2]]:5;={\"b\":3}:6;");
    assert_walk("[ 1 , [ ] ,\t\"x\"\n]", "=1:3;=[ ]:5;=\"x\":4;");
    assert_walk("{\"a\":1,\"b\":{\"c\":[2]},\"d\":\"e\"}", "a=1:3;b={\"c\":[2]}:6;d=\"e\":4;");
    assert_walk("{ \"a\" : 1 , \"b\" : [ ] }", "a=1:3;b=[ ]:5;");
    assert_walk("{\"\":0,\"k\\u0065y\":0}", "=0:3;k\\u0065y=0:3;");
    /* brackets, quotes and commas inside strings */
    assert_walk("[\"]\",\"\\\"],\",\"\\\\\",[\"}]\\\"\"],{\"]}\\\\\":\",\"}]",
                "=\"]\":4;=\"\\\"],\":4;=\"\\\\\":4;=[\"}]\\\"\"]:5;={\"]}\\\\\":\",\"}:6;");
    assert_walk("{\"a\\\",:}\":1,\"b\":\"a long string of plain text, longer than one stride\"}",
                "a\\\",:}=1:3;b=\"a long string of plain text, longer than one stride\":4;");
}

/* Not promised, but nothing bad may come of it either. */
static void other_texts_do_no_harm(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",     "1",         "[",      "{",  "[1",      "[\"",       "[[",
        "{\"",  "{\"a",      "{\"a\"", "[}", "{\"a\":", "{\"a\":\"", "[\"\\",
        "[[\"", "{\"a\":[{", "[,,1",   "{,", "[1 2",    "\"ab\"",    "[]]]"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t at = 0;
        struct span key;
        struct span value;
        enum json_type type;
        struct span text = span_from_string(texts[i]);
        size_t steps = 0;
        while (json_walk(text, &at, &key, &value, &type)) {
            assert_in_range(at, 0, text.len);
            assert_in_range(++steps, 1, 10);
        }
    }
    static const char *const strings[] = {"\"\\\"",      "\"\\u\"",     "\"\\u12\"",
                                          "\"\\uzzzz\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
                                          "\"\\x\""};
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < COUNT(strings); i++) {
        struct span value = span_from_string(strings[i]);
        assert_in_range(json_decode_string(value, &arena).len, 0, value.len);
    }
    arena_fini(&arena);
    size_t at = 0;
    assert_false(json_walk(SPAN_NONE, &at, &(struct span){0}, &(struct span){0},
                           &(enum json_type){JSON_NULL}));
}

static void strings_are_decoded(void **state)
{
    (void)state;
    static const struct {
        struct span value;
        struct span decoded;
    } cases[] = {
        {SPAN("\"\""), SPAN("")},
        {SPAN("\"plain\""), SPAN("plain")},
        {SPAN("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), SPAN("\"\\/\b\f\n\r\t")},
        {SPAN("\"a\\nb\\nc\""), SPAN("a\nb\nc")},
        {SPAN("\"\\u0041\\u007f\\u0080\\u07ff\\u0800\\uffff\""),
         SPAN("A\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
        {SPAN("\"\\ud800\\udc00\\uDBFF\\uDFFF\\ud83d\\uDE00\""),
         SPAN("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xf0\x9f\x98\x80")},
        {SPAN("\"\xe4\xbd\xa0\\u597d\""), SPAN("\xe4\xbd\xa0\xe5\xa5\xbd")},
        {SPAN("\"\\\\u0041\""), SPAN("\\u0041")},
    };
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(span_equal(json_decode_string(cases[i].value, &arena), cases[i].decoded));
    arena_fini(&arena);
}

static void only_escapes_cost_memory(void **state)
{
    (void)state;
    struct arena arena;
    struct span value = SPAN("\"plain\"");
    arena_init(&arena, 0);
    assert_ptr_equal(json_decode_string(value, &arena).ptr, value.ptr + 1);
    assert_false(arena_failed(&arena));
    assert_int_equal(json_decode_string(SPAN("\"\\n\""), &arena).len, 0);
    assert_true(arena_failed(&arena));
    assert_int_equal(json_decode_string(SPAN("\""), &arena).len, 0);
    arena_fini(&arena);
}

static void whole_numbers_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } valid[] = {
        {"0", 0},
        {"-0", 0},
        {"1", 1},
        {"-1", -1},
        {"9007199254740993", 9007199254740993},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775807", -INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const wrong[] = {"",
                                        "-",
                                        "1.0",
                                        "1e0",
                                        "1.9999999999999999",
                                        "9223372036854775808",
                                        "-9223372036854775809",
                                        "18446744073709551616",
                                        "\"1\"",
                                        "true",
                                        "null",
                                        "[1]",
                                        "--1",
                                        "+1",
                                        " 1",
                                        "1 "};
    for (size_t i = 0; i < COUNT(valid); i++) {
        int64_t value = 77;
        assert_true(json_value_to_i64(span_from_string(valid[i].text), &value));
        assert_true(value == valid[i].value);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int64_t value = 77;
        assert_false(json_value_to_i64(span_from_string(wrong[i]), &value));
        assert_int_equal(value, 77);
    }
}

int test_json_walk(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers_are_walked),   cmocka_unit_test(other_texts_do_no_harm),
        cmocka_unit_test(strings_are_decoded),     cmocka_unit_test(only_escapes_cost_memory),
        cmocka_unit_test(whole_numbers_are_exact),
    };
    return cmocka_run_group_tests_name("wire/json_walk", tests, NULL, NULL);
}
