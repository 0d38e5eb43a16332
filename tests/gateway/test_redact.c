/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Providers that repeat the key they were given, which is "provider-secret" here. */
#include "exchange_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int test_redact(void);

#define ERROR_OF(words) "{\"error\":{\"message\":\"" words "\",\"type\":\"invalid\"}}"

/* Each on a connection of its own, so that each plays its own script. */
static void expect_body(struct gateway_fixture *fixture, int status, const char *from,
                        const char *to)
{
    static char bytes[2048];
    static const struct script_step request = SCRIPT_REQUEST;
    static const struct script_step close = SCRIPT_CLOSE;
    int size = snprintf(bytes, sizeof bytes,
                        "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                        status, strlen(from), from);
    struct script_step script[] = {
        request, {SCRIPT_KIND_SEND, bytes, (size_t)size, SIZE_MAX}, close};
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":50"), &reply);
    assert_int_equal(reply.status, status);
    assert_span(buf_span(&reply.body), to);
    raw_reply_fini(&reply);
}

/* An error that calls itself an answer gets the status that it should have had. */
static void an_error_under_200_does_not_either(void **state)
{
    static char bytes[512];
    struct script_step script[] = {
        SCRIPT_REQUEST, http_json(bytes, 200, ERROR_OF("provider-secret")), SCRIPT_AGAIN};
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":50"), &reply);
    assert_int_equal(reply.status, 502);
    assert_span(buf_span(&reply.body), ERROR_OF("[redacted]"));
    raw_reply_fini(&reply);
    assert_budget(fixture, 0, 0, 0);
}

static void an_error_does_not_show_our_key(void **state)
{
    expect_body(*state, 401, ERROR_OF("Incorrect API key provided: provider-secret."),
                ERROR_OF("Incorrect API key provided: [redacted]."));
    expect_body(*state, 500, "provider-secretprovider-secret, provider-secre provider-secret",
                "[redacted][redacted], provider-secre [redacted]");
    expect_body(*state, 400, "provider-secret", "[redacted]");
    expect_body(*state, 404, ERROR_OF("nothing here"), ERROR_OF("nothing here"));
    expect_body(*state, 404, "", "");
}

#define WITH_KEY(key)                                                             \
    "listen: 127.0.0.1:0\nadmin: off\nworkers: 1\n"                               \
    "providers: {scripted: {kind: openai, base_url: '%s', api_key: '" key "'}}\n" \
    "models: {small: {targets: [{provider: scripted, model: m}]}}\n"              \
    "tenants:\n  t:\n" CONFIG_KEY

static void short_keys_are_cut_and_placeholders_stay(void **state)
{
    struct gateway_fixture *fixture = *state;
    gateway_fixture_reload(fixture, WITH_KEY("8letters"));
    expect_body(fixture, 401, "key 8letters is bad", "key [redacte is bad");
    gateway_fixture_reload(fixture, WITH_KEY("none"));
    expect_body(fixture, 401, "you have none", "you have none");
}

/* Longer than what is held back of a good answer: an error is kept whole all the same. */
static void a_long_error_is_redacted_to_its_end(void **state)
{
    static const char head[] = "HTTP/1.1 500 X\r\nContent-Length: 3000015\r\n\r\n";
    static const struct script_step script[] = {SCRIPT_REQUEST,
                                                {SCRIPT_KIND_SEND, head, sizeof head - 1, SIZE_MAX},
                                                SCRIPT_FLOOD(3000000),
                                                SCRIPT_SEND("provider-secret")};
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":50"), &reply);
    assert_int_equal(reply.status, 500);
    assert_int_equal(buf_len(&reply.body), 3000010);
    assert_span(span_from(buf_span(&reply.body), 3000000), "[redacted]");
    raw_reply_fini(&reply);
}

/* And one that is larger than any error is no answer. */
static void an_endless_error_is_a_broken_answer(void **state)
{
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 500 X\r\nContent-Length: 20000000\r\n\r\n"),
        SCRIPT_FLOOD(20000000)};
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":50"), &reply);
    assert_int_equal(reply.status, 502);
    assert_contains(buf_span(&reply.body), "upstream_broken");
    raw_reply_fini(&reply);
}

static void an_error_in_a_stream_does_not_show_it(void **state)
{
    static const struct script_step script[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"
                    "data: {\"error\":{\"message\":\"provider-secret\"}}\n\n"
                    "data: [DONE]\n\n"),
        SCRIPT_CLOSE};
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"stream\":true"), &reply);
    assert_contains(buf_span(&reply.body),
                    "data: {\"error\":{\"message\":\"[redacted]\"}}\n\ndata: [DONE]\n\n");
    raw_reply_fini(&reply);
}

int test_redact(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(an_error_does_not_show_our_key),
        WITH_GATEWAY(an_error_under_200_does_not_either),
        WITH_GATEWAY(short_keys_are_cut_and_placeholders_stay),
        WITH_GATEWAY(a_long_error_is_redacted_to_its_end),
        WITH_GATEWAY(an_endless_error_is_a_broken_answer),
        WITH_GATEWAY(an_error_in_a_stream_does_not_show_it),
    };
    return cmocka_run_group_tests_name("gateway/redact", tests, NULL, NULL);
}
