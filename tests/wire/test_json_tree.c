/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/json.h"

#include <string.h>

int test_json_tree(void);

static void assert_span(struct span actual, const char *expected)
{
    assert_true(span_equal(actual, span_from_string(expected)));
}

static void a_tree_is_looked_into(void **state)
{
    (void)state;
    struct json *root =
        json_parse(SPAN(" {\"MODEL\":\"cheap\",\"model\":\"dear\",\"n\":3,\"x\":1.5,"
                        "\"on\":true,\"off\":false,\"none\":null,"
                        "\"list\":[1,\"two\",{\"k\":\"v\"}],\"\":\"e\\u00e9\\n\"} "));
    int64_t whole = 0;
    double number = 0;
    assert_non_null(root);
    assert_int_equal(json_type(root), JSON_OBJECT);
    assert_span(json_string(json_get(root, "model")), "dear");
    assert_span(json_string(json_get(root, "MODEL")), "cheap");
    assert_null(json_get(root, "Model"));
    assert_span(json_string(json_get(root, "")), "e\xc3\xa9\n");
    assert_true(json_integer(json_get(root, "n"), &whole));
    assert_int_equal(whole, 3);
    assert_true(json_number(json_get(root, "x"), &number));
    assert_true(number == 1.5);
    assert_false(json_integer(json_get(root, "x"), &whole));
    assert_true(json_is_true(json_get(root, "on")));
    assert_false(json_is_true(json_get(root, "off")));
    assert_false(json_is_true(json_get(root, "n")));
    assert_int_equal(json_type(json_get(root, "on")), JSON_TRUE);
    assert_int_equal(json_type(json_get(root, "off")), JSON_FALSE);
    assert_int_equal(json_type(json_get(root, "none")), JSON_NULL);
    assert_int_equal(json_type(json_get(root, "n")), JSON_NUMBER);
    assert_int_equal(json_type(json_get(root, "model")), JSON_STRING);

    const struct json *list = json_get(root, "list");
    assert_int_equal(json_type(list), JSON_ARRAY);
    assert_null(json_get(list, "k"));
    const struct json *element = json_first(list);
    assert_true(json_integer(element, &whole));
    assert_span(json_key(element), "");
    element = json_next(element);
    assert_span(json_string(element), "two");
    element = json_next(element);
    assert_span(json_key(json_first(element)), "k");
    assert_span(json_string(json_first(element)), "v");
    assert_null(json_next(element));
    json_free(&root);
    assert_null(root);
    json_free(&root);
}

static void what_is_absent_is_nothing(void **state)
{
    (void)state;
    int64_t whole = 7;
    double number = 7;
    assert_int_equal(json_type(NULL), JSON_NULL);
    assert_null(json_get(NULL, "a"));
    assert_null(json_first(NULL));
    assert_null(json_next(NULL));
    assert_int_equal(json_string(NULL).len, 0);
    assert_int_equal(json_key(NULL).len, 0);
    assert_false(json_integer(NULL, &whole));
    assert_false(json_number(NULL, &number));
    assert_false(json_is_true(NULL));
    assert_int_equal(whole, 7);
    assert_true(number == 7);
    struct json *root = json_parse(SPAN("[]"));
    assert_null(json_first(root));
    assert_int_equal(json_string(root).len, 0);
    json_free(&root);
}

static void malformed_texts_give_no_tree(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",    " ",    "{",    "[1,]", "{\"a\"}",
                                        "1 2", "{} x", "[] ]", "nul",  "\"a"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_null(json_parse(span_from_string(wrong[i])));
    assert_null(json_parse(SPAN_NONE));
}

static void integers_are_whole_and_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool whole;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-5", true, -5},
        {"1e3", true, 1000},
        {"2.0", true, 2},
        {"9007199254740991", true, 9007199254740991},
        {"-9007199254740991", true, -9007199254740991},
        {"9007199254740992", false, 0},
        {"9007199254740993", false, 0},
        {"-9007199254740992", false, 0},
        {"0.5", false, 0},
        {"1e300", false, 0},
        {"1e999", false, 0},
        {"-1e999", false, 0},
        {"\"1\"", false, 0},
        {"true", false, 0},
        {"null", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json *root = json_parse(span_from_string(cases[i].text));
        int64_t value = 0;
        assert_non_null(root);
        assert_int_equal(json_integer(root, &value), cases[i].whole);
        assert_true(value == cases[i].value);
        json_free(&root);
    }
    struct json *huge = json_parse(SPAN("1e999"));
    double number;
    assert_false(json_number(huge, &number));
    json_free(&huge);
}

int test_json_tree(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_is_looked_into),
        cmocka_unit_test(what_is_absent_is_nothing),
        cmocka_unit_test(malformed_texts_give_no_tree),
        cmocka_unit_test(integers_are_whole_and_exact),
    };
    return cmocka_run_group_tests_name("wire/json_tree", tests, NULL, NULL);
}
