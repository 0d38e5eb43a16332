/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The shared parts of exchange_support.h; its one test is that the fixture comes and goes. */
#include "exchange_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int gateway_setup(void **state)
{
    struct gateway_fixture *fixture = calloc(1, sizeof *fixture);
    gateway_fixture_init(fixture, CONFIG);
    *state = fixture;
    return 0;
}

int gateway_teardown(void **state)
{
    gateway_fixture_fini(*state);
    free(*state);
    return 0;
}

struct script_step http_json(char *room, int status, const char *body)
{
    int size = sprintf(room,
                       "HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: "
                       "%zu\r\n\r\n%s",
                       status, strlen(body), body);
    return (struct script_step){SCRIPT_KIND_SEND, room, (size_t)size, SIZE_MAX};
}

void get(struct gateway_fixture *fixture, const char *path, struct raw_reply *reply)
{
    char head[256];
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    snprintf(head, sizeof head,
             "GET %s HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer " FIXTURE_KEY "\r\n\r\n",
             path);
    raw_client_send_text(client, head);
    raw_client_read_reply(client, false, reply);
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
}

void assert_span(struct span actual, const char *expected)
{
    if (!span_equal(actual, span_from_string(expected)))
        fail_msg("got      \"%.*s\"\nexpected \"%s\"", SPAN_ARG(actual), expected);
}

void assert_contains(struct span actual, const char *part)
{
    if (span_search(actual, span_from_string(part)) == actual.len)
        fail_msg("\"%.*s\"\nhas no \"%s\"", SPAN_ARG(actual), part);
}

void assert_budget(struct gateway_fixture *fixture, int64_t spent, int64_t uncertain, int64_t held)
{
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_int_equal(view.spent_nusd, spent);
    assert_int_equal(view.uncertain_nusd, uncertain);
    assert_int_equal(view.held_nusd, held);
}

static void the_fixture_comes_and_goes(void **state)
{
    struct gateway_fixture *fixture = *state;
    assert_int_not_equal(fixture->port, 0);
    assert_int_equal(gateway_worker_active(fixture->worker), 0);
    assert_budget(fixture, 0, 0, 0);
}

int test_support(void);
int test_support(void)
{
    const struct CMUnitTest tests[] = {WITH_GATEWAY(the_fixture_comes_and_goes)};
    return cmocka_run_group_tests_name("gateway/support", tests, NULL, NULL);
}
