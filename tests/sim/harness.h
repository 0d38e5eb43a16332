/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the sim tests share: a simulated provider on a loop, questions to it, and its bill. */
#ifndef TESTS_SIM_HARNESS_H
#define TESTS_SIM_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "sim/sim.h"
#include "support/raw_client.h"
#include "wire/json.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct harness {
    struct loop *loop;
    struct sim *sim;
};

static inline void harness_init_with(struct harness *harness, const char *prices,
                                     const char *records)
{
    const char *error = NULL;
    struct sim_settings settings = {
        .address = "127.0.0.1:0", .prices = span_from_string(prices), .records = records};
    signal(SIGPIPE, SIG_IGN); /* as the program does: clients leave while they are written to */
    harness->loop = loop_new();
    assert_non_null(harness->loop);
    harness->sim = sim_start(harness->loop, &settings, &error);
    assert_non_null(harness->sim);
}

static inline void harness_init_priced(struct harness *harness, const char *prices)
{
    harness_init_with(harness, prices, NULL);
}

static inline void harness_init(struct harness *harness)
{
    harness_init_with(harness, NULL, NULL);
}

static inline void harness_fini(struct harness *harness)
{
    sim_stop(&harness->sim);
    assert_null(harness->sim);
    loop_free(&harness->loop);
}

static inline int64_t unix_ms(void)
{
    return clock_wall_ns() / NS_PER_MS;
}

/* For durations. */
static inline int64_t now_ms(void)
{
    return clock_monotonic_ns() / NS_PER_MS;
}

/* ---- asking ---- */

static inline void send_request(struct raw_client *client, const char *method, const char *path,
                                const char *body)
{
    char head[256];
    snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: sim\r\nContent-Length: %zu\r\n\r\n",
             method, path, strlen(body));
    raw_client_send_text(client, head);
    raw_client_send_text(client, body);
}

static inline void request(struct harness *harness, const char *method, const char *path,
                           const char *body, struct raw_reply *out)
{
    struct raw_client *client = raw_client_connect(harness->loop, sim_port(harness->sim));
    send_request(client, method, path, body);
    raw_client_read_reply(client, false, out);
    raw_client_free(&client);
}

#define CHAT "/v1/chat/completions"

/* {"model":MODEL,"messages":[…]EXTRA} with a prompt that counts 10 tokens. */
static inline const char *chat_body(const char *model, const char *extra)
{
    static char body[4096];
    snprintf(body, sizeof(body),
             "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"hello there\"}]%s}",
             model, extra);
    return body;
}
#define PROMPT_TOKENS 10 /* 3 + 4 + ⌈11 / 4⌉ */

static inline void ask(struct harness *harness, const char *model, const char *extra,
                       struct raw_reply *out)
{
    request(harness, "POST", CHAT, chat_body(model, extra), out);
}

/* A connection on which the question was sent. */
static inline struct raw_client *begin(struct harness *harness, const char *model,
                                       const char *extra)
{
    struct raw_client *client = raw_client_connect(harness->loop, sim_port(harness->sim));
    send_request(client, "POST", CHAT, chat_body(model, extra));
    return client;
}

/* ---- reading ---- */

static inline struct json *parse(struct span text)
{
    struct json *root = json_parse(text);
    if (root == NULL)
        fail_msg("not JSON: %.*s", SPAN_ARG(text));
    return root;
}

/* "choices.0.message.content": members by name, elements by number. NULL when there is none. */
static inline const struct json *look(const struct json *node, const char *path)
{
    struct span part;
    for (struct span rest = span_from_string(path); rest.len > 0 && node != NULL;) {
        char key[64];
        uint64_t index;
        rest = span_cut(rest, '.', &part);
        snprintf(key, sizeof(key), "%.*s", SPAN_ARG(part));
        if (json_type(node) != JSON_ARRAY) {
            node = json_get(node, key);
            continue;
        }
        assert_true(span_to_u64(part, &index));
        for (node = json_first(node); node != NULL && index > 0; index--)
            node = json_next(node);
    }
    return node;
}

static inline int64_t number(const struct json *root, const char *path)
{
    int64_t value = 0;
    if (!json_integer(look(root, path), &value))
        fail_msg("no number at %s", path);
    return value;
}

static inline void assert_span(struct span actual, const char *expected)
{
    if (!span_equal(actual, span_from_string(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", SPAN_ARG(actual), expected);
}

static inline void assert_text(const struct json *root, const char *path, const char *expected)
{
    assert_span(json_string(look(root, path)), expected);
}

/* There, and null. */
static inline void assert_null_member(const struct json *root, const char *path)
{
    assert_non_null(look(root, path));
    assert_int_equal(json_type(look(root, path)), JSON_NULL);
}

/* Asks, expects a whole 200, returns its JSON. */
static inline struct json *ask_json(struct harness *harness, const char *model, const char *extra)
{
    struct raw_reply reply;
    ask(harness, model, extra, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(reply.complete);
    assert_false(reply.chunked);
    assert_span(raw_reply_field(&reply, SPAN("Content-Type")), "application/json");
    assert_true(span_starts_with(raw_reply_field(&reply, SPAN("x-request-id")), SPAN("req_")));
    struct json *root = parse(buf_span(&reply.body));
    raw_reply_fini(&reply);
    return root;
}

static inline struct json *get_json(struct harness *harness, const char *method, const char *path)
{
    struct raw_reply reply;
    request(harness, method, path, "", &reply);
    assert_int_equal(reply.status, 200);
    struct json *root = parse(buf_span(&reply.body));
    raw_reply_fini(&reply);
    return root;
}

static inline struct json *get_bill(struct harness *harness)
{
    return get_json(harness, "GET", "/sim/bill");
}

static inline void assert_bill(struct harness *harness, const char *member, int64_t expected)
{
    struct json *bill = get_bill(harness);
    int64_t value = number(bill, member);
    if (value != expected)
        fail_msg("%s is %lld, not %lld", member, (long long)value, (long long)expected);
    json_free(&bill);
}

struct bill_wish {
    struct harness *harness;
    const char *member;
    int64_t wanted;
};

static inline bool bill_says(void *argument)
{
    const struct bill_wish *wish = argument;
    struct json *bill = get_bill(wish->harness);
    bool done = number(bill, wish->member) == wish->wanted;
    json_free(&bill);
    return done;
}

/* Turns the loop until the bill says so. */
static inline void await_bill(struct harness *harness, const char *member, int64_t wanted)
{
    struct bill_wish wish = {harness, member, wanted};
    raw_run_until(harness->loop, bill_says, &wish, member);
}

/* ---- streams ---- */

#define EVENTS_MAX 256

struct events {
    struct json *items[EVENTS_MAX]; /* without [DONE] */
    size_t count;
    bool done; /* [DONE] was the last */
};

static inline void events_init(struct events *events, struct span body)
{
    *events = (struct events){0};
    while (body.len > 0) {
        size_t end = span_search(body, SPAN("\n\n"));
        assert_true(end < body.len);
        struct span event = span_make(body.ptr, end);
        body = span_from(body, end + 2);
        if (span_starts_with(event, SPAN(":")))
            continue;
        assert_true(span_starts_with(event, SPAN("data: ")));
        assert_false(events->done);
        if (span_equal(event, SPAN("data: [DONE]"))) {
            events->done = true;
            continue;
        }
        assert_true(events->count < EVENTS_MAX);
        events->items[events->count++] = parse(span_from(event, 6));
    }
}

static inline void events_fini(struct events *events)
{
    for (size_t i = 0; i < events->count; i++)
        json_free(&events->items[i]);
}

/* Asks for a stream and reads it to its end. */
static inline void ask_events(struct harness *harness, const char *model, const char *extra,
                              struct events *out)
{
    char members[1024];
    struct raw_reply reply;
    snprintf(members, sizeof(members), ",\"stream\":true%s", extra);
    ask(harness, model, members, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(reply.complete);
    assert_true(reply.chunked);
    assert_span(raw_reply_field(&reply, SPAN("Content-Type")), "text/event-stream; charset=utf-8");
    events_init(out, buf_span(&reply.body));
    raw_reply_fini(&reply);
}

/* "data:" in what has been received of a stream. */
static inline size_t count_events(const struct raw_client *client)
{
    size_t count = 0;
    struct span rest = raw_client_received(client);
    for (;;) {
        size_t at = span_search(rest, SPAN("data: "));
        if (at == rest.len)
            return count;
        rest = span_from(rest, at + 6);
        count++;
    }
}

#endif
