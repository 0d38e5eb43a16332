/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling of what all exchanges hold together: new ones are turned away, until there is room. */
#include "exchange_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int test_memory(void);

#define CEILING(memory)                                                                 \
    "listen: 127.0.0.1:0\nadmin: off\nworkers: 1\nmax_body: 8MiB\nmemory: " memory "\n" \
    "providers: {scripted: {kind: openai, base_url: '%s', api_key: none}}\n"            \
    "models: {small: {targets: [{provider: scripted, model: m}]}}\n"                    \
    "tenants:\n  t:\n" CONFIG_KEY
#define POST_8M                                                                           \
    "POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer " FIXTURE_KEY \
    "\r\nContent-Type: application/json\r\nContent-Length: 8000000\r\n\r\n"

static void send_spaces(struct raw_client *client, size_t size)
{
    char *spaces = malloc(size);
    assert_non_null(spaces);
    memset(spaces, ' ', size);
    raw_client_send(client, span_make(spaces, size));
    free(spaces);
}

static void expect_status(struct gateway_fixture *fixture, int status)
{
    struct raw_reply reply;
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    raw_client_send_text(client,
                         "GET /v1/models HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer " FIXTURE_KEY
                         "\r\n\r\n");
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, status);
    if (status == 503) {
        assert_contains(buf_span(&reply.body), "\"code\":\"overloaded\"");
        assert_span(raw_reply_field(&reply, SPAN("retry-after")), "1");
    }
    raw_reply_fini(&reply);
    raw_client_free(&client);
}

static void refused_while_others_hold_it_all(void **state)
{
    struct gateway_fixture *fixture = *state;
    gateway_fixture_reload(fixture, CEILING("16MiB"));
    struct raw_client *large = raw_client_connect(fixture->loop, fixture->port);
    raw_client_send_text(large, POST_8M);
    send_spaces(large, 6000000);
    expect_status(fixture, 200);
    /* The one that was let in stays; it is new ones that wait. */
    gateway_fixture_reload(fixture, CEILING("1MiB"));
    expect_status(fixture, 503);
    raw_client_free(&large);
    gateway_fixture_settle(fixture);
    expect_status(fixture, 200);
}

static void a_body_that_grows_over_it_is_refused(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    gateway_fixture_reload(fixture, CEILING("2MiB"));
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    raw_client_send_text(client, POST_8M);
    send_spaces(client, 4000000);
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, 503);
    assert_contains(buf_span(&reply.body), "\"code\":\"overloaded\"");
    raw_reply_fini(&reply);
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
    expect_status(fixture, 200);
}

/* What an answer held is given back, too: one after the other fits. */
static void answers_are_given_back(void **state)
{
    static const struct script_step script[] = {
        SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 700008\r\n\r\n{\"x\":\""),
        SCRIPT_FLOOD(700000), SCRIPT_SEND("\"}"), SCRIPT_AGAIN};
    struct gateway_fixture *fixture = *state;
    gateway_fixture_reload(fixture, CEILING("1MiB"));
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    for (int i = 0; i < 5; i++) {
        struct raw_reply reply;
        gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
        assert_int_equal(reply.status, 200);
        assert_int_equal(buf_len(&reply.body), 700008);
        raw_reply_fini(&reply);
        gateway_fixture_settle(fixture);
    }
}

int test_memory(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(refused_while_others_hold_it_all),
        WITH_GATEWAY(a_body_that_grows_over_it_is_refused),
        WITH_GATEWAY(answers_are_given_back),
    };
    return cmocka_run_group_tests_name("gateway/memory", tests, NULL, NULL);
}
