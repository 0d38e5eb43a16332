/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Looking fields up, and taking media types apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/headers.h"

#include <string.h>

int test_headers(void);

static void assert_span(struct span actual, const char *expected)
{
    assert_int_equal(actual.len, strlen(expected));
    assert_memory_equal(actual.len > 0 ? actual.ptr : "", expected, actual.len);
}

static void fields_are_found_without_case(void **state)
{
    (void)state;
    const struct header items[] = {
        {SPAN("Host"), SPAN("a")},
        {SPAN("X-Id"), SPAN("1")},
        {SPAN("x-ID"), SPAN("2")},
        {SPAN("Empty"), SPAN("")},
    };
    const struct headers headers = {items, 4};
    assert_ptr_equal(headers_find(&headers, SPAN("hOST")), &items[0]);
    assert_ptr_equal(headers_find(&headers, SPAN("x-id")), &items[1]);
    assert_null(headers_find(&headers, SPAN("Hos")));
    assert_null(headers_find(&headers, SPAN("Host ")));
    assert_null(headers_find(&headers, SPAN_NONE));
    assert_span(headers_get(&headers, SPAN("X-ID")), "1");
    assert_span(headers_get(&headers, SPAN("empty")), "");
    assert_span(headers_get(&headers, SPAN("absent")), "");
    assert_int_equal(headers_count(&headers, SPAN("x-id")), 2);
    assert_int_equal(headers_count(&headers, SPAN("host")), 1);
    assert_int_equal(headers_count(&headers, SPAN("absent")), 0);
}

static void an_empty_list_has_nothing(void **state)
{
    (void)state;
    const struct headers none = {NULL, 0};
    assert_null(headers_find(&none, SPAN("Host")));
    assert_span(headers_get(&none, SPAN("Host")), "");
    assert_int_equal(headers_count(&none, SPAN("Host")), 0);
}

static void media_types_compare_without_parameters(void **state)
{
    (void)state;
    static const char *const json[] = {"application/json", "APPLICATION/JSON",
                                       "application/json; charset=utf-8", "application/json;",
                                       " application/json\t ;x=y"};
    static const char *const other[] = {"",
                                        ";",
                                        "application/jsonx",
                                        "application/jso",
                                        "text/plain; application/json",
                                        "application/json, text/plain",
                                        "application /json"};
    for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
        assert_true(media_type_is(span_from_string(json[i]), SPAN("application/json")));
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        assert_false(media_type_is(span_from_string(other[i]), SPAN("application/json")));
    assert_false(media_type_is(SPAN_NONE, SPAN("application/json")));
}

static void parameters_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *charset;
    } cases[] = {
        {"application/json; charset=utf-8", "utf-8"},
        {"application/json;CHARSET=\"utf-8\"", "utf-8"},
        {"a/b ; x=y ; charset = utf-16 ", "utf-16"},
        {"a/b; x=\"; charset=no\"; charset=yes", "yes"},
        {"a/b; x=\"\\\"; charset=no\"; charset=yes", "yes"},
        {"a/b; charset=one; charset=two", "one"},
        {"a/b; charset=\"a;b\"", "a;b"},
        {"a/b; charset=\"\"", ""},
        {"a/b; charset", ""},
        {"a/b; charset=", ""},
        {"a/b; xcharset=no", ""},
        {"a/b", ""},
        {"charset=no", ""},
        {"a/b;;;", ""},
        {"a/b; x=\"unclosed; charset=no", ""},
        {"a/b; x=\"ends in a backslash\\", ""},
        {"a/b; charset=\"", "\""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_span(media_type_parameter(span_from_string(cases[i].value), SPAN("charset")),
                    cases[i].charset);
    assert_span(media_type_parameter(SPAN_NONE, SPAN("charset")), "");
}

static void bearer_tokens(void **state)
{
    (void)state;
    assert_true(span_equal(bearer_token(SPAN("Bearer abc")), SPAN("abc")));
    assert_true(span_equal(bearer_token(SPAN("bEARER  abc ")), SPAN("abc")));
    assert_int_equal(bearer_token(SPAN("Basic abc")).len, 0);
    assert_int_equal(bearer_token(SPAN("Bearerabc")).len, 0);
    assert_int_equal(bearer_token(SPAN("Bearer")).len, 0);
    assert_int_equal(bearer_token(SPAN_NONE).len, 0);
}

int test_headers(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bearer_tokens),
        cmocka_unit_test(fields_are_found_without_case),
        cmocka_unit_test(an_empty_list_has_nothing),
        cmocka_unit_test(media_types_compare_without_parameters),
        cmocka_unit_test(parameters_are_found),
    };
    return cmocka_run_group_tests_name("wire/headers", tests, NULL, NULL);
}
