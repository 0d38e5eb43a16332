/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Answers whose bytes come in other ways than a server would send them, and recorded ones. */
#include "harness.h"

int test_framing(void);

#define STREAM  ",\"stream\":true"
#define RECORDS WEIR_SOURCE_DIR "/tests/sim/records"

/* All that comes until the connection ends. */
static struct raw_client *ask_raw(struct harness *harness, const char *model, const char *extra)
{
    struct raw_client *client = begin(harness, model, extra);
    raw_client_read_to_end(client);
    return client;
}

static struct span body_of(const struct raw_client *client)
{
    struct span all = raw_client_received(client);
    return span_from(all, span_search(all, SPAN("\r\n\r\n")) + 4);
}

static uint64_t promised(const struct raw_client *client)
{
    struct span rest = raw_client_received(client);
    struct span line;
    uint64_t length = 0;
    rest = span_from(rest, span_search(rest, SPAN("Content-Length: ")) + 16);
    span_cut(rest, '\r', &line);
    assert_true(span_to_u64(line, &length));
    return length;
}

static void a_length_may_be_a_lie(void **state)
{
    (void)state;
    static const char *const extras[] = {"", STREAM};
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < 2; i++) {
        struct raw_client *client = ask_raw(&harness, "sim:out=3,length=long", extras[i]);
        assert_int_equal(promised(client), body_of(client).len + 100);
        raw_client_free(&client);
        client = ask_raw(&harness, "sim:out=3,length=short", extras[i]);
        assert_int_equal(promised(client), body_of(client).len / 2);
        assert_false(raw_client_was_reset(client));
        raw_client_free(&client);
    }
    assert_bill(&harness, "completion_tokens", 12);
    assert_bill(&harness, "open", 0);
    assert_bill(&harness, "cancelled", 0);
    harness_fini(&harness);
}

static void a_body_may_end_with_the_connection(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = ask_raw(&harness, "sim:out=3,framing=eof", STREAM);
    struct span all = raw_client_received(client);
    assert_int_equal(span_search(all, SPAN("Content-Length")), all.len);
    assert_int_equal(span_search(all, SPAN("Transfer-Encoding")), all.len);
    assert_true(span_ends_with(all, SPAN("data: [DONE]\n\n")));
    raw_client_free(&client);
    client = ask_raw(&harness, "sim:out=3,framing=eof,cut=2", STREAM);
    assert_int_equal(count_events(client), 2);
    raw_client_free(&client);
    client = ask_raw(&harness, "sim:out=3,framing=eof,cut=20", "");
    assert_int_equal(body_of(client).len, 20);
    raw_client_free(&client);
    client = ask_raw(&harness, "sim:framing=eof,error=2", STREAM);
    assert_int_equal(count_events(client), 3);
    raw_client_free(&client);
    client = ask_raw(&harness, "sim:framing=eof,status=503,retry=1", "");
    assert_true(span_starts_with(raw_client_received(client), SPAN("HTTP/1.1 503 ")));
    raw_client_free(&client);
    assert_bill(&harness, "completion_tokens", 3 + 1 + 3 + 1);
    harness_fini(&harness);
}

static void bytes_may_come_one_by_one(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    struct events events;
    harness_init(&harness);
    ask(&harness, "sim:out=3,bytewise", STREAM, &reply);
    assert_true(reply.complete);
    events_init(&events, buf_span(&reply.body));
    assert_true(events.done);
    assert_int_equal(events.count, 5);
    events_fini(&events);
    raw_reply_fini(&reply);
    ask(&harness, "sim:out=3,bytewise", "", &reply);
    assert_true(reply.complete);
    struct json *root = parse(buf_span(&reply.body));
    assert_int_equal(number(root, "usage.completion_tokens"), 3);
    json_free(&root);
    raw_reply_fini(&reply);
    ask(&harness, "sim:out=3,bytewise,cut=2", STREAM, &reply);
    assert_false(reply.complete);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

static void a_large_answer_waits_for_room(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = raw_client_connect_slow(harness.loop, sim_port(harness.sim));
    send_request(client, "POST", CHAT, chat_body("sim:out=1000000,framing=eof", ""));
    await_bill(&harness, "open", 1);
    raw_run_for(harness.loop, 50);
    assert_bill(&harness, "open", 1);
    raw_client_read_to_end(client);
    assert_true(span_ends_with(body_of(client), SPAN("}}}")));
    raw_client_free(&client);
    assert_bill(&harness, "open", 0);
    harness_fini(&harness);
}

static void a_client_may_leave_any_framing(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = raw_client_connect_slow(harness.loop, sim_port(harness.sim));
    send_request(client, "POST", CHAT, chat_body("sim:out=1000000,framing=eof", ""));
    await_bill(&harness, "open", 1);
    raw_client_reset(client);
    raw_client_free(&client);
    await_bill(&harness, "open", 0);
    client = raw_client_connect_slow(harness.loop, sim_port(harness.sim));
    send_request(client, "POST", CHAT, chat_body("sim:out=1000000,framing=eof", ""));
    await_bill(&harness, "open", 1);
    sim_stop(&harness.sim);
    raw_client_free(&client);
    harness_fini(&harness);
}

/* Closed without a word in the head. */
static void a_connection_may_end_after_an_answer(void **state)
{
    (void)state;
    static const char *const extras[] = {"", STREAM};
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < 2; i++) {
        struct raw_reply reply;
        struct raw_client *client = begin(&harness, "sim:out=1,close", extras[i]);
        raw_client_read_reply(client, false, &reply);
        assert_true(reply.complete);
        assert_span(raw_reply_field(&reply, SPAN("Connection")), "");
        raw_reply_fini(&reply);
        raw_client_read_to_end(client);
        assert_false(raw_client_was_reset(client));
        raw_client_free(&client);
    }
    harness_fini(&harness);
}

/* ---- recorded exchanges ---- */

static void read_record(const char *name, struct buf *out)
{
    char path[512];
    char chunk[1024];
    snprintf(path, sizeof(path), RECORDS "/%s", name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    buf_init(out, sizeof(chunk), 0);
    buf_append(out, span_make(chunk, fread(chunk, 1, sizeof(chunk), file)));
    fclose(file);
    assert_true(buf_len(out) > 0);
}

static void a_record_is_served_as_it_is(void **state)
{
    (void)state;
    static const char *const seeds[] = {"", ",seed=whole", ",seed=0", ",seed=1", ",seed=99"};
    struct harness harness;
    struct buf record;
    harness_init_with(&harness, NULL, RECORDS);
    read_record("stream.response.sse", &record);
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
        struct raw_reply reply;
        char model[64];
        snprintf(model, sizeof(model), "replay:stream%s", seeds[i]);
        ask(&harness, model, STREAM, &reply);
        assert_int_equal(reply.status, 200);
        assert_true(reply.complete);
        assert_span(raw_reply_field(&reply, SPAN("Content-Type")),
                    "text/event-stream;charset=utf-8");
        assert_true(span_equal(buf_span(&reply.body), buf_span(&record)));
        raw_reply_fini(&reply);
    }
    buf_fini(&record);
    assert_bill(&harness, "requests", sizeof(seeds) / sizeof(seeds[0]));
    assert_bill(&harness, "billed_requests", 0);
    harness_fini(&harness);
}

/* The same seed cuts in the same places, another in others. */
static void a_seed_says_where_to_cut(void **state)
{
    (void)state;
    static const char *const models[] = {"replay:stream,seed=5", "replay:stream,seed=5",
                                         "replay:stream,seed=6", "replay:stream,seed=0"};
    struct harness harness;
    size_t lengths[4];
    harness_init_with(&harness, NULL, RECORDS);
    for (size_t i = 0; i < 4; i++) {
        struct raw_client *client = begin(&harness, models[i], STREAM);
        raw_client_read_until(client, "\r\n0\r\n\r\n");
        lengths[i] = body_of(client).len;
        raw_client_free(&client);
    }
    struct buf record;
    read_record("stream.response.sse", &record);
    assert_int_equal(lengths[0], lengths[1]);
    assert_true(lengths[2] != lengths[0]);
    assert_int_equal(lengths[3], buf_len(&record) * 6 + 5); /* "1\r\nx\r\n" each, "0\r\n\r\n" */
    buf_fini(&record);
    harness_fini(&harness);
}

static void a_record_has_its_status_and_type(void **state)
{
    (void)state;
    static const char *const seeds[] = {"", ",seed=3"};
    struct harness harness;
    struct raw_reply reply;
    harness_init_with(&harness, NULL, RECORDS);
    for (size_t i = 0; i < 2; i++) {
        char model[64];
        snprintf(model, sizeof(model), "replay:error%s", seeds[i]);
        ask(&harness, model, "", &reply);
        assert_int_equal(reply.status, 422);
        assert_int_equal(reply.chunked, i == 1);
        assert_span(raw_reply_field(&reply, SPAN("Content-Type")), "application/octet-stream");
        assert_span(buf_span(&reply.body), "{\"detail\":[{\"msg\":\"no\"}]}");
        raw_reply_fini(&reply);
    }
    ask(&harness, "replay:bare", "", &reply);
    assert_int_equal(reply.status, 200);
    assert_span(raw_reply_field(&reply, SPAN("Content-Type")), "application/json");
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

static void records_that_are_not_there_do_not_exist(void **state)
{
    (void)state;
    static const char *const names[] = {"replay:",
                                        "replay:nothing",
                                        "replay:/etc/passwd",
                                        "replay:../records/bare",
                                        "replay:bare,seed=",
                                        "replay:bare,seed=x",
                                        "replay:bare,out=1",
                                        "replay:bare,",
                                        "replay:bare,seed=1,seed=2",
                                        "sim:seed=1"};
    struct harness harness;
    struct raw_reply reply;
    harness_init_with(&harness, NULL, RECORDS);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ask(&harness, names[i], "", &reply);
        if (reply.status != 404)
            fail_msg("%d for %s", reply.status, names[i]);
        raw_reply_fini(&reply);
    }
    harness_fini(&harness);
    harness_init(&harness); /* no folder */
    ask(&harness, "replay:bare", "", &reply);
    assert_int_equal(reply.status, 404);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

static void a_client_may_leave_a_record(void **state)
{
    (void)state;
    struct harness harness;
    harness_init_with(&harness, NULL, RECORDS);
    struct raw_client *client = begin(&harness, "replay:stream,seed=0", STREAM);
    raw_client_read_until(client, "HTTP/1.1 200");
    raw_client_reset(client);
    raw_client_free(&client);
    raw_run_for(harness.loop, 20);
    client = begin(&harness, "replay:stream,seed=0", STREAM);
    raw_client_read_until(client, "HTTP/1.1 200");
    sim_stop(&harness.sim);
    raw_client_free(&client);
    harness_fini(&harness);
}

int test_framing(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_may_be_a_lie),
        cmocka_unit_test(a_body_may_end_with_the_connection),
        cmocka_unit_test(bytes_may_come_one_by_one),
        cmocka_unit_test(a_large_answer_waits_for_room),
        cmocka_unit_test(a_client_may_leave_any_framing),
        cmocka_unit_test(a_connection_may_end_after_an_answer),
        cmocka_unit_test(a_record_is_served_as_it_is),
        cmocka_unit_test(a_seed_says_where_to_cut),
        cmocka_unit_test(a_record_has_its_status_and_type),
        cmocka_unit_test(records_that_are_not_there_do_not_exist),
        cmocka_unit_test(a_client_may_leave_a_record),
    };
    return cmocka_run_group_tests_name("sim/framing", tests, NULL, NULL);
}
