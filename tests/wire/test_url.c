/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of providers, addresses to listen on, and targets of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/url.h"

#include <stdlib.h>
#include <string.h>

int test_url(void);

static void assert_span(struct span actual, const char *expected)
{
    if (!span_equal(actual, span_from_string(expected)))
        print_error("%.*s is not %s\n", SPAN_ARG(actual), expected);
    assert_true(span_equal(actual, span_from_string(expected)));
}

static void urls_come_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *scheme;
        const char *host;
        uint16_t port;
        const char *path;
    } cases[] = {
        {"https://api.openai.com/v1", "https", "api.openai.com", 443, "/v1"},
        {"https://api.openai.com/v1/", "https", "api.openai.com", 443, "/v1"},
        {"http://localhost", "http", "localhost", 80, ""},
        {"http://localhost/", "http", "localhost", 80, ""},
        {"http://localhost//", "http", "localhost", 80, ""},
        {"HTTP://Local_Host:8080/a/b", "http", "Local_Host", 8080, "/a/b"},
        {"https://[2001:db8::1]:8443/x", "https", "2001:db8::1", 8443, "/x"},
        {"https://[::1]", "https", "::1", 443, ""},
        {"http://127.0.0.1:65535/a%2Fb:c@d", "http", "127.0.0.1", 65535, "/a%2Fb:c@d"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct url url;
        assert_true(url_parse(span_from_string(cases[i].text), &url));
        assert_span(url.scheme, cases[i].scheme);
        assert_span(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_span(url.path, cases[i].path);
    }
}

static void other_urls_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "http",
        "http:",
        "http:/a",
        "http://",
        "http:///path",
        "https://:443",
        "https:/host",
        "ftp://a/",
        "httpss://a",
        "xhttp://a",
        "//a/b",
        "/a",
        "a.b/c",
        "https://user@a/",
        "https://user:pass@a/",
        "https://a/?q",
        "https://a?q",
        "https://a/#f",
        "https://a#f",
        "https://a:",
        "https://a:0",
        "https://a:65536",
        "https://a:99999999999",
        "https://a:+1",
        "https://a:8o",
        "https://a:1:2",
        "https://::1/",
        "https://[::1",
        "https://[::1]x",
        "https://[]",
        "https://[a.b]",
        "https://[::1%25eth0]",
        "https://a b/",
        "https://a/b c",
        "https://a/\\",
        "https://a/\xc3\xa9",
        "https://a\xc3\xa9/",
        "https://a%2e/",
        " https://a",
        "https://a\n",
    };
    struct url url;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (url_parse(span_from_string(wrong[i]), &url))
            print_error("accepted: %s\n", wrong[i]);
        assert_false(url_parse(span_from_string(wrong[i]), &url));
    }
    assert_false(url_parse(SPAN("https://a\0b/"), &url));
    assert_false(url_parse(SPAN_NONE, &url));
}

static void addresses_have_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
    } cases[] = {
        {"127.0.0.1:8080", "127.0.0.1", 8080}, {"[::1]:8080", "::1", 8080}, {"host:1", "host", 1},
        {"0.0.0.0:0", "0.0.0.0", 0},           {"[::]:65535", "::", 65535},
    };
    static const char *const wrong[] = {
        "",    "host",  "host:",      ":80",    "host:x",  "host:-1", "host: 1", "host:1 ",
        "::1", "[::1]", "host:65536", "[::1]:", "[::1]80", "a:b:1",   "a/b:1",   "host:000080"};
    struct span host;
    uint16_t port;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(address_parse(span_from_string(cases[i].text), &host, &port));
        assert_span(host, cases[i].host);
        assert_int_equal(port, cases[i].port);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(address_parse(span_from_string(wrong[i]), &host, &port));
}

static void targets_are_decoded_once(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *path;
        const char *query;
    } cases[] = {
        {"/", "/", ""},
        {"/v1/models", "/v1/models", ""},
        {"/v1/models?x=1&y=%20?", "/v1/models", "x=1&y=%20?"},
        {"/a?", "/a", ""},
        {"/v1/%6dodels", "/v1/models", ""},
        {"/v1/%2e%2e/admin", "/v1/../admin", ""},
        {"/%252f%253F", "/%2f%3F", ""},
        {"/a%3Fb?c", "/a?b", "c"},
        {"/%e2%9C%94%5c", "/\xe2\x9c\x94\\", ""},
        {"//a//", "//a//", ""},
        {"http://a", "/", ""},
        {"http://a?x", "/", "x"},
        {"https://a:8080/v1/models?x", "/v1/models", "x"},
        {"HTTP://[::1]/%61", "/a", ""},
    };
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span path;
        struct span query;
        assert_true(target_path(span_from_string(cases[i].target), &arena, &path, &query));
        assert_span(path, cases[i].path);
        assert_span(query, cases[i].query);
    }
    arena_fini(&arena);
}

static void plain_targets_are_borrowed(void **state)
{
    (void)state;
    struct arena arena;
    struct span target = SPAN("/v1/models?x");
    struct span path;
    struct span query;
    arena_init(&arena, 1 << 16);
    assert_true(target_path(target, &arena, &path, &query));
    assert_ptr_equal(path.ptr, target.ptr);
    assert_int_equal(arena_bytes(&arena), 0);
    arena_fini(&arena);
}

static void other_targets_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "*",
        "a",
        "a:443",
        "?x",
        "v1/models",
        "ftp://a/",
        "http://",
        "http:///",
        "http://u@a/",
        "http://a:x/",
        "http:/a",
        "/a#b",
        "/a?b#c",
        "http://a?x#y",
        "/%",
        "/%2",
        "/%zz",
        "/%2g",
        "/a%",
        "/%00",
        "/%2f",
        "/%2F",
        "/%0d%0a",
        "/%7f",
        "/%1f",
        "/a b",
        "/a\\b",
        "/\xc3\xa9",
        "/\x01",
        "/?\x01",
        "http://a?\x01",
    };
    struct arena arena;
    struct span path;
    struct span query;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (target_path(span_from_string(wrong[i]), &arena, &path, &query))
            print_error("accepted: %s\n", wrong[i]);
        assert_false(target_path(span_from_string(wrong[i]), &arena, &path, &query));
    }
    arena_fini(&arena);
    /* No room to decode. */
    arena_init(&arena, 16);
    assert_false(target_path(SPAN("/%61"), &arena, &path, &query));
    arena_fini(&arena);
}

int test_url(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_come_apart),
        cmocka_unit_test(other_urls_are_refused),
        cmocka_unit_test(addresses_have_host_and_port),
        cmocka_unit_test(targets_are_decoded_once),
        cmocka_unit_test(plain_targets_are_borrowed),
        cmocka_unit_test(other_targets_are_refused),
    };
    return cmocka_run_group_tests_name("wire/url", tests, NULL, NULL);
}
