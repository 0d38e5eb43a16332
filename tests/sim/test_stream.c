/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: the order and shape of events, usage, gaps, failures, and readers that are slow. */
#include "harness.h"

int test_stream(void);

#define INCLUDE_USAGE ",\"stream_options\":{\"include_usage\":true}"

static void a_stream_has_the_shape_of_openai(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    harness_init(&harness);
    ask_events(&harness, "sim:out=2", "", &events);
    assert_true(events.done);
    assert_int_equal(events.count, 4);
    for (size_t i = 0; i < events.count; i++) {
        const struct json *event = events.items[i];
        assert_text(event, "object", "chat.completion.chunk");
        assert_text(event, "model", "sim:out=2");
        assert_true(
            span_equal(json_string(look(event, "id")), json_string(look(events.items[0], "id"))));
        assert_int_equal(number(event, "choices.0.index"), 0);
        assert_null_member(event, "choices.0.logprobs");
        assert_null(look(event, "usage"));
    }
    assert_text(events.items[0], "choices.0.delta.role", "assistant");
    assert_int_equal(json_type(look(events.items[0], "choices.0.delta.content")), JSON_STRING);
    assert_text(events.items[0], "choices.0.delta.content", "");
    assert_null_member(events.items[0], "choices.0.delta.refusal");
    assert_null_member(events.items[0], "choices.0.finish_reason");
    assert_text(events.items[1], "choices.0.delta.content", "word ");
    assert_text(events.items[2], "choices.0.delta.content", "word ");
    assert_null_member(events.items[2], "choices.0.finish_reason");
    assert_null(json_first(look(events.items[3], "choices.0.delta")));
    assert_text(events.items[3], "choices.0.finish_reason", "stop");
    events_fini(&events);
    harness_fini(&harness);
}

static void usage_comes_when_it_is_asked_for(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    harness_init(&harness);
    ask_events(&harness, "sim:out=5,cached=4", INCLUDE_USAGE ",\"max_tokens\":3", &events);
    assert_true(events.done);
    assert_int_equal(events.count, 6);
    for (size_t i = 0; i < 5; i++)
        assert_null_member(events.items[i], "usage");
    const struct json *last = events.items[5];
    assert_text(events.items[4], "choices.0.finish_reason", "length");
    assert_int_equal(json_type(look(last, "choices")), JSON_ARRAY);
    assert_null(json_first(look(last, "choices")));
    assert_int_equal(number(last, "usage.prompt_tokens"), PROMPT_TOKENS);
    assert_int_equal(number(last, "usage.completion_tokens"), 3);
    assert_int_equal(number(last, "usage.total_tokens"), PROMPT_TOKENS + 3);
    assert_int_equal(number(last, "usage.prompt_tokens_details.cached_tokens"), 4);
    events_fini(&events);

    ask_events(&harness, "sim:out=5,usage=off", INCLUDE_USAGE, &events);
    assert_int_equal(events.count, 7);
    for (size_t i = 0; i < events.count; i++)
        assert_null(look(events.items[i], "usage"));
    events_fini(&events);

    ask_events(&harness, "sim:out=0", ",\"stream_options\":{\"include_usage\":false}", &events);
    assert_int_equal(events.count, 2);
    events_fini(&events);
    assert_bill(&harness, "completion_tokens", 3 + 5);
    harness_fini(&harness);
}

static void choices_take_turns(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    harness_init(&harness);
    ask_events(&harness, "sim:out=3", INCLUDE_USAGE ",\"n\":2", &events);
    assert_int_equal(events.count, 2 + 6 + 2 + 1);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(number(events.items[i], "choices.0.index"), i % 2);
    for (size_t i = 2; i < 8; i++)
        assert_text(events.items[i], "choices.0.delta.content", "word ");
    assert_text(events.items[8], "choices.0.finish_reason", "stop");
    assert_text(events.items[9], "choices.0.finish_reason", "stop");
    assert_int_equal(number(events.items[10], "usage.completion_tokens"), 6);
    assert_bill(&harness, "completion_tokens", 6);
    events_fini(&events);
    harness_fini(&harness);
}

static void a_tool_call_comes_in_fragments(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    char text[64] = "";
    harness_init(&harness);
    ask_events(&harness, "sim:tools",
               ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]", &events);
    assert_int_equal(events.count, 7);
    const struct json *first = look(events.items[0], "choices.0.delta");
    assert_null_member(first, "content");
    assert_text(first, "role", "assistant");
    assert_text(first, "tool_calls.0.type", "function");
    assert_text(first, "tool_calls.0.function.name", "f");
    assert_true(span_starts_with(json_string(look(first, "tool_calls.0.id")), SPAN("call_")));
    for (size_t i = 0; i < 6; i++) {
        const struct json *call = look(events.items[i], "choices.0.delta.tool_calls.0");
        struct span part = json_string(look(call, "function.arguments"));
        assert_int_equal(number(call, "index"), 0);
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s", SPAN_ARG(part));
    }
    assert_string_equal(text, "{\"city\":\"Paris\"}");
    assert_text(events.items[6], "choices.0.finish_reason", "tool_calls");
    events_fini(&events);
    harness_fini(&harness);
}

static void a_gap_is_kept_between_events(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    int64_t start_ms = now_ms();
    struct raw_client *client = begin(&harness, "sim:gap=20ms,out=3", ",\"stream\":true");
    raw_client_read_until(client, "word ");
    assert_true(now_ms() - start_ms >= 19);
    assert_int_equal(count_events(client), 2);
    assert_bill(&harness, "completion_tokens", 1);
    assert_bill(&harness, "open", 1);
    raw_client_read_until(client, "[DONE]");
    assert_true(now_ms() - start_ms >= 5 * 20 - 1);
    assert_bill(&harness, "completion_tokens", 3);
    assert_bill(&harness, "open", 0);
    raw_client_free(&client);
    harness_fini(&harness);
}

static void a_stream_waits_for_its_first_byte(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    int64_t start_ms = now_ms();
    struct raw_client *client = begin(&harness, "sim:ttft=60ms,out=3", ",\"stream\":true");
    await_bill(&harness, "open", 1);
    assert_bill(&harness, "prompt_tokens", PROMPT_TOKENS);
    assert_bill(&harness, "completion_tokens", 0);
    raw_client_read_until(client, "HTTP/1.1 200");
    assert_true(now_ms() - start_ms >= 59);
    raw_client_read_until(client, "[DONE]");
    raw_client_free(&client);
    harness_fini(&harness);
}

static void a_cut_stream_breaks_after_its_events(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    const char *const models[] = {"sim:out=9,cut=4", "sim:out=9,cut=4,gap=2ms"};
    for (int i = 0; i < 2; i++) {
        struct events events;
        ask(&harness, models[i], ",\"stream\":true", &reply);
        assert_int_equal(reply.status, 200);
        assert_false(reply.complete);
        events_init(&events, buf_span(&reply.body));
        assert_int_equal(events.count, 4);
        assert_false(events.done);
        events_fini(&events);
        raw_reply_fini(&reply);
        assert_bill(&harness, "completion_tokens", 3 * (i + 1));
    }
    struct raw_client *client = begin(&harness, "sim:cut=0", ",\"stream\":true");
    raw_client_read_to_end(client);
    assert_int_equal(raw_client_received(client).len, 0);
    raw_client_free(&client);
    assert_bill(&harness, "completion_tokens", 6);
    assert_bill(&harness, "prompt_tokens", 3 * PROMPT_TOKENS);
    assert_bill(&harness, "open", 0);
    assert_bill(&harness, "cancelled", 0);
    harness_fini(&harness);
}

/* Roles come first and cost nothing: two of these three events. */
static void a_cut_stream_of_choices_bills_what_it_wrote(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    ask(&harness, "sim:cut=3", ",\"stream\":true,\"n\":2", &reply);
    assert_false(reply.complete);
    raw_reply_fini(&reply);
    assert_bill(&harness, "completion_tokens", 1);
    ask(&harness, "sim:cut=1", ",\"stream\":true,\"n\":2", &reply);
    raw_reply_fini(&reply);
    assert_bill(&harness, "completion_tokens", 1);
    harness_fini(&harness);
}

/* A cut at the number of events, or beyond it, is never reached. */
static void a_late_cut_is_none(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    harness_init(&harness);
    ask_events(&harness, "sim:out=2,cut=5", "", &events);
    assert_true(events.done);
    events_fini(&events);
    harness_fini(&harness);
}

static void a_stalled_stream_falls_silent(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct raw_client *client = begin(&harness, "sim:out=9,stall=3", ",\"stream\":true");
    raw_client_read_until(client, "word ");
    raw_run_for(harness.loop, 50);
    raw_client_poll(client);
    assert_int_equal(count_events(client), 3);
    assert_false(raw_client_ended(client));
    assert_bill(&harness, "completion_tokens", 2);
    assert_bill(&harness, "open", 1);
    raw_client_free(&client);
    harness_fini(&harness);
}

static void a_limit_is_overrun_when_asked(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    harness_init(&harness);
    ask_events(&harness, "sim:over=4", ",\"max_tokens\":2" INCLUDE_USAGE, &events);
    assert_int_equal(events.count, 1 + 6 + 1 + 1);
    assert_int_equal(number(events.items[8], "usage.completion_tokens"), 6);
    assert_text(events.items[7], "choices.0.finish_reason", "length");
    assert_bill(&harness, "completion_tokens", 6);
    events_fini(&events);
    harness_fini(&harness);
}

static int64_t billed_tokens(struct harness *harness)
{
    struct json *bill = get_bill(harness);
    int64_t tokens = number(bill, "completion_tokens");
    json_free(&bill);
    return tokens;
}

/* Production stops at a full connection and goes on when it drains. */
static void a_slow_reader_is_waited_for(void **state)
{
    (void)state;
    const int64_t tokens = 100000; /* some 27 MB */
    struct harness harness;
    struct raw_reply reply;
    int64_t before;
    int64_t now = -1;
    harness_init(&harness);
    struct raw_client *client = raw_client_connect_slow(harness.loop, sim_port(harness.sim));
    send_request(client, "POST", CHAT, chat_body("sim:out=100000", ",\"stream\":true"));
    do { /* until the buffers of the kernel are full as well */
        before = now;
        raw_run_for(harness.loop, 20);
        now = billed_tokens(&harness);
    } while (now <= 0 || now != before);
    assert_true(now < tokens);
    assert_bill(&harness, "open", 1);
    raw_client_read_reply(client, false, &reply);
    assert_true(reply.complete);
    assert_true(span_ends_with(buf_span(&reply.body), SPAN("data: [DONE]\n\n")));
    raw_reply_fini(&reply);
    assert_bill(&harness, "completion_tokens", tokens);
    assert_bill(&harness, "open", 0);
    raw_client_free(&client);
    harness_fini(&harness);
}

static void many_streams_run_at_once(void **state)
{
    (void)state;
    enum { STREAMS = 300 };
    static struct raw_client *clients[STREAMS];
    struct harness harness;
    harness_init(&harness);
    for (int i = 0; i < STREAMS; i++)
        clients[i] = begin(&harness, "sim:gap=10ms,ttft=300ms,out=5", ",\"stream\":true");
    await_bill(&harness, "open", STREAMS);
    for (int i = 0; i < STREAMS; i++) {
        raw_client_read_until(clients[i], "[DONE]");
        raw_client_free(&clients[i]);
    }
    assert_bill(&harness, "open", 0);
    assert_bill(&harness, "completion_tokens", 5 * STREAMS);
    assert_bill(&harness, "billed_requests", STREAMS);
    harness_fini(&harness);
}

int test_stream(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_has_the_shape_of_openai),
        cmocka_unit_test(usage_comes_when_it_is_asked_for),
        cmocka_unit_test(choices_take_turns),
        cmocka_unit_test(a_tool_call_comes_in_fragments),
        cmocka_unit_test(a_gap_is_kept_between_events),
        cmocka_unit_test(a_stream_waits_for_its_first_byte),
        cmocka_unit_test(a_cut_stream_breaks_after_its_events),
        cmocka_unit_test(a_cut_stream_of_choices_bills_what_it_wrote),
        cmocka_unit_test(a_late_cut_is_none),
        cmocka_unit_test(a_stalled_stream_falls_silent),
        cmocka_unit_test(a_limit_is_overrun_when_asked),
        cmocka_unit_test(a_slow_reader_is_waited_for),
        cmocka_unit_test(many_streams_run_at_once),
    };
    return cmocka_run_group_tests_name("sim/stream", tests, NULL, NULL);
}
