/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of upstream share: a loop with a client and a scripted upstream on it, and a record
 * of what an attempt said, with a hook for each of its callbacks.
 */
#ifndef TESTS_UPSTREAM_FIXTURE_H
#define TESTS_UPSTREAM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "loop/loop.h"
#include "support/scripted_upstream.h"
#include "upstream/attempt.h"
#include "upstream/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEADLINE_MS = 20000 };

struct fixture {
    struct loop *loop;
    struct upstream_client *client;
    struct scripted_upstream *upstream;
    struct upstream_route *route; /* to the upstream, with one header */
};

struct record {
    struct fixture *fixture;
    struct attempt *attempt; /* NULL once it is gone */
    char head[8192];         /* "name=value|" for each field */
    struct buf body;
    int heads;
    int status;
    int bodies;
    int dones;
    enum err err;
    struct attempt_facts facts;
    void (*head_hook)(struct record *record);
    void (*body_hook)(struct record *record);
    void (*done_hook)(struct record *record);
    struct record *other; /* for the hooks */
};

static inline int64_t now_ms(void)
{
    return clock_monotonic_ns() / NS_PER_MS;
}

/* Turns the loop until `condition`; fails the test when that takes too long. */
#define TURN_UNTIL(fixture, condition)                     \
    do {                                                   \
        int64_t turn_end_ms = now_ms() + DEADLINE_MS;      \
        while (!(condition) && now_ms() < turn_end_ms)     \
            loop_run_once((fixture)->loop, 100);           \
        if (!(condition))                                  \
            fail_msg("waited in vain for %s", #condition); \
    } while (0)

static inline void turn_for(struct fixture *fixture, int64_t duration_ms)
{
    int64_t end_ms = now_ms() + duration_ms;
    for (int64_t left_ms; (left_ms = end_ms - now_ms()) > 0;)
        loop_run_once(fixture->loop, left_ms);
}

static inline struct upstream_route *make_route(const char *base, const char *path)
{
    char url[256];
    const struct header type = {SPAN("Content-Type"), SPAN("application/json")};
    snprintf(url, sizeof(url), "%s%s", base, path);
    struct upstream_route *route = upstream_route_new(&(struct upstream_route_settings){
        .url = span_from_string(url),
        .headers = &type,
        .header_count = 1,
        .connect_timeout_ms = 5000,
    });
    assert_non_null(route);
    return route;
}

static inline int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    upstream_global_init();
    fixture->loop = loop_new();
    fixture->client = upstream_client_new(fixture->loop);
    fixture->upstream = scripted_upstream_new(fixture->loop);
    fixture->route = make_route(scripted_upstream_base(fixture->upstream), "/v1/chat/completions");
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(upstream_client_active(fixture->client), 0);
    upstream_route_unref(&fixture->route);
    upstream_client_free(&fixture->client);
    scripted_upstream_free(&fixture->upstream);
    loop_free(&fixture->loop);
    free(fixture);
    return 0;
}

static inline void record_head(void *argument, int status, const struct headers *headers)
{
    struct record *record = argument;
    size_t len = 0;
    record->heads++;
    record->status = status;
    assert_int_equal(record->bodies, 0);
    assert_int_equal(record->dones, 0);
    for (size_t i = 0; i < headers->count; i++) {
        const struct header *item = &headers->items[i];
        int added = snprintf(record->head + len, sizeof(record->head) - len, "%.*s=%.*s|",
                             SPAN_ARG(item->name), SPAN_ARG(item->value));
        len += (size_t)added;
        assert_true(len < sizeof(record->head));
    }
    if (record->head_hook != NULL)
        record->head_hook(record);
}

static inline void record_body(void *argument, struct span bytes)
{
    struct record *record = argument;
    record->bodies++;
    assert_int_equal(record->heads, 1);
    assert_int_equal(record->dones, 0);
    assert_true(buf_append(&record->body, bytes));
    if (record->body_hook != NULL)
        record->body_hook(record);
}

static inline void record_done(void *argument, enum err err, const struct attempt_facts *facts)
{
    struct record *record = argument;
    record->dones++;
    record->err = err;
    record->facts = *facts;
    record->attempt = NULL;
    if (record->done_hook != NULL)
        record->done_hook(record);
}

static const struct attempt_events record_events = {record_head, record_body, record_done};

static inline void record_init(struct record *record, struct fixture *fixture)
{
    *record = (struct record){.fixture = fixture};
    buf_init(&record->body, (size_t)64 * 1024 * 1024, 0);
}

static inline void record_fini(struct record *record)
{
    buf_fini(&record->body);
}

static inline struct attempt_spec spec_of(struct fixture *fixture, struct span body)
{
    return (struct attempt_spec){
        .route = fixture->route,
        .body = body,
        .first_byte_timeout_ms = DEADLINE_MS,
        .idle_timeout_ms = DEADLINE_MS,
        .total_timeout_ms = DEADLINE_MS,
    };
}

static inline void start(struct record *record, const struct attempt_spec *spec)
{
    record->attempt = attempt_start(record->fixture->client, spec, &record_events, record);
    assert_non_null(record->attempt);
}

static inline void start_small(struct record *record)
{
    struct attempt_spec spec = spec_of(record->fixture, SPAN("{\"model\":\"m\"}"));
    start(record, &spec);
}

/* One attempt from start to on_done. */
static inline void run_small(struct record *record)
{
    start_small(record);
    TURN_UNTIL(record->fixture, record->dones == 1);
}

static inline void assert_body(const struct record *record, const char *expected)
{
    struct span body = buf_span(&record->body);
    assert_int_equal(body.len, strlen(expected));
    if (body.len > 0)
        assert_memory_equal(body.ptr, expected, body.len);
}

static inline void assert_whole(const struct record *record, int status, const char *body)
{
    if (record->err != ERR_NONE)
        fail_msg("ended with %s (%s)", err_info(record->err)->name, record->facts.reason);
    assert_int_equal(record->dones, 1);
    assert_int_equal(record->heads, 1);
    assert_int_equal(record->status, status);
    assert_int_equal(record->facts.status, status);
    assert_true(record->facts.connected);
    assert_int_equal(record->facts.received_bytes, buf_len(&record->body));
    assert_string_equal(record->facts.reason, "");
    assert_body(record, body);
}

static inline void assert_failed_as(const struct record *record, enum err err, bool connected)
{
    assert_int_equal(record->dones, 1);
    if (record->err != err)
        fail_msg("%s (%s) instead of %s", err_info(record->err)->name, record->facts.reason,
                 err_info(err)->name);
    assert_int_equal(record->facts.connected, connected);
    assert_int_equal(record->facts.status, record->status);
    assert_int_equal(record->facts.received_bytes, buf_len(&record->body));
    assert_true(record->facts.reason[0] != '\0');
}

#define GROUP(name, tests) cmocka_run_group_tests_name("upstream/" name, tests, NULL, NULL)
#define TEST(function)     cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
