/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A provider that is no friend: money that is hard to see, usage that lies, errors, strange events. */
#include "harness.h"

int test_hostile(void);

#define STREAM        ",\"stream\":true"
#define INCLUDE_USAGE ",\"stream_options\":{\"include_usage\":true}"

static void ask_stream(struct harness *harness, const char *model, struct raw_reply *out)
{
    ask(harness, model, STREAM INCLUDE_USAGE, out);
    assert_int_equal(out->status, 200);
}

static size_t count_in(struct span text, const char *what)
{
    size_t count = 0;
    struct span needle = span_from_string(what);
    for (;;) {
        size_t at = span_search(text, needle);
        if (at == text.len)
            return count;
        text = span_from(text, at + needle.len);
        count++;
    }
}

static void assert_has(const struct raw_reply *reply, const char *what)
{
    if (count_in(buf_span(&reply->body), what) == 0)
        fail_msg("no \"%s\" in %.*s", what, SPAN_ARG(buf_span(&reply->body)));
}

/* ---- money ---- */

static void reasoning_is_billed_and_has_no_text(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    harness_init(&harness);
    struct json *root = ask_json(&harness, "sim:out=2,reasoning=30", "");
    assert_text(root, "choices.0.message.content", "word word ");
    assert_int_equal(number(root, "usage.completion_tokens"), 32);
    assert_int_equal(number(root, "usage.completion_tokens_details.reasoning_tokens"), 30);
    assert_int_equal(number(root, "usage.total_tokens"), PROMPT_TOKENS + 32);
    json_free(&root);
    ask_events(&harness, "sim:out=2,reasoning=30", INCLUDE_USAGE ",\"n\":2", &events);
    assert_int_equal(events.count, 2 + 4 + 2 + 1);
    assert_int_equal(number(events.items[8], "usage.completion_tokens"), 64);
    events_fini(&events);
    assert_bill(&harness, "completion_tokens", 32 + 64);
    harness_fini(&harness);
}

/* It comes first, under the same limit. */
static void reasoning_may_leave_no_room_for_text(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct json *root = ask_json(&harness, "sim:out=9,reasoning=30", ",\"max_tokens\":32");
    assert_text(root, "choices.0.message.content", "word word ");
    assert_text(root, "choices.0.finish_reason", "length");
    json_free(&root);
    root = ask_json(&harness, "sim:out=9,reasoning=30", ",\"max_tokens\":20");
    assert_text(root, "choices.0.message.content", "");
    assert_int_equal(number(root, "usage.completion_tokens_details.reasoning_tokens"), 20);
    json_free(&root);
    assert_bill(&harness, "completion_tokens", 32 + 20);
    harness_fini(&harness);
}

static void cache_writes_have_a_price(void **state)
{
    (void)state;
    struct harness harness;
    harness_init_priced(&harness, "{\"*\":{\"input\":\"1\",\"cached_input\":\"0.1\","
                                  "\"cache_write\":\"1.25\",\"output\":\"2\"}}");
    struct json *root = ask_json(&harness, "sim:in=1000,cached=400,written=100,out=1", "");
    assert_int_equal(number(root, "usage.prompt_tokens_details.cache_write_tokens"), 100);
    json_free(&root);
    assert_bill(&harness, "written_tokens", 100);
    /* 500 × 1 + 400 × 0.1 + 100 × 1.25 + 1 × 2, a million each */
    assert_bill(&harness, "nano_usd", 500000 + 40000 + 125000 + 2000);
    /* Never more than there is. */
    root = ask_json(&harness, "sim:in=10,cached=6,written=9,out=0", "");
    assert_int_equal(number(root, "usage.prompt_tokens_details.cache_write_tokens"), 4);
    json_free(&root);
    harness_fini(&harness);
}

static void a_provider_runs_ahead_of_who_left(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int64_t tokens;
    } cases[] = {
        {"sim:gap=60s,ahead=7", 7},
        {"sim:ttft=60s,ahead=7", 7},
        {"sim:stall=4,ahead=7", 3 + 7},
        {"sim:gap=60s,out=5,ahead=7", 5}, /* never past its own end */
        {"sim:ttft=60s,ahead=7,reasoning=20", 20 + 7},
    };
    struct harness harness;
    int64_t tokens = 0;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct raw_client *client = begin(&harness, cases[i].model, STREAM);
        await_bill(&harness, "open", 1);
        raw_client_free(&client);
        await_bill(&harness, "cancelled", (int64_t)i + 1);
        tokens += cases[i].tokens;
        assert_bill(&harness, "completion_tokens", tokens);
    }
    harness_fini(&harness);
}

/* ---- usage ---- */

static void a_whole_answer_reports_what_it_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        const char *text;
    } cases[] = {
        {"sim:out=2,usage=negative", "\"completion_tokens\":-2,"},
        {"sim:out=2,usage=string", "\"completion_tokens\":\"2\","},
        {"sim:out=2,usage=huge", "\"completion_tokens\":999999999999,"},
        {"sim:out=2,usage=twice", "\"completion_tokens\":1,"},
    };
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask(&harness, cases[i].model, "", &reply);
        assert_has(&reply, cases[i].text);
        raw_reply_fini(&reply);
    }
    assert_bill(&harness, "completion_tokens", 8);
    harness_fini(&harness);
}

static void a_stream_may_correct_its_usage(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    harness_init(&harness);
    ask_events(&harness, "sim:out=4,usage=twice", INCLUDE_USAGE, &events);
    assert_true(events.done);
    assert_int_equal(events.count, 1 + 4 + 1 + 2);
    assert_int_equal(number(events.items[6], "usage.completion_tokens"), 2);
    assert_int_equal(number(events.items[7], "usage.completion_tokens"), 4);
    events_fini(&events);
    harness_fini(&harness);
}

static void usage_may_come_after_the_end(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    ask_stream(&harness, "sim:out=1,usage=late", &reply);
    struct span body = buf_span(&reply.body);
    size_t done = span_search(body, SPAN("data: [DONE]\n\n"));
    assert_true(done < span_search(body, SPAN("\"usage\":{")));
    assert_true(span_ends_with(body, SPAN("}\n\n")));
    assert_true(reply.complete);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

/* ---- errors ---- */

static void an_error_may_stand_under_200(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    ask_stream(&harness, "sim:error=body", &reply);
    assert_span(raw_reply_field(&reply, SPAN("Content-Type")), "application/json");
    assert_has(&reply, "{\"error\":{\"message\":");
    raw_reply_fini(&reply);
    /* A whole answer has no events for an error to come between. */
    ask(&harness, "sim:error=3", "", &reply);
    assert_int_equal(reply.status, 200);
    assert_has(&reply, "{\"error\":{\"message\":");
    raw_reply_fini(&reply);
    assert_bill(&harness, "billed_requests", 0);
    harness_fini(&harness);
}

static void an_error_may_end_a_stream(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    harness_init(&harness);
    ask_events(&harness, "sim:error=3", INCLUDE_USAGE, &events);
    assert_false(events.done);
    assert_int_equal(events.count, 4);
    assert_non_null(look(events.items[3], "error.message"));
    assert_null(look(events.items[3], "usage"));
    events_fini(&events);
    assert_bill(&harness, "completion_tokens", 2);
    ask_events(&harness, "sim:error=0", "", &events);
    assert_int_equal(events.count, 1);
    events_fini(&events);
    /* After the end there is nothing to break. */
    ask_events(&harness, "sim:out=1,error=4", "", &events);
    assert_true(events.done);
    events_fini(&events);
    harness_fini(&harness);
}

static void the_first_failure_counts(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    ask_stream(&harness, "sim:error=5,cut=3", &reply);
    assert_false(reply.complete);
    assert_int_equal(count_in(buf_span(&reply.body), "data: "), 3);
    raw_reply_fini(&reply);
    ask_stream(&harness, "sim:error=3,cut=3", &reply);
    assert_false(reply.complete);
    raw_reply_fini(&reply);
    ask_stream(&harness, "sim:error=3,cut=5", &reply);
    assert_true(reply.complete);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

/* Only where it is asked for, and then the error says so, unless it is to hide that too. */
static void an_error_may_be_billed(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    ask(&harness, "sim:status=500,billed,out=5", "", &reply);
    assert_int_equal(reply.status, 500);
    assert_has(&reply, "\"completion_tokens\":5,");
    raw_reply_fini(&reply);
    ask(&harness, "sim:status=500,billed,out=5,usage=off", "", &reply);
    assert_int_equal(count_in(buf_span(&reply.body), "usage"), 0);
    raw_reply_fini(&reply);
    ask(&harness, "sim:html,billed,out=5", STREAM, &reply);
    raw_reply_fini(&reply);
    assert_bill(&harness, "completion_tokens", 15);
    assert_bill(&harness, "open", 0);
    harness_fini(&harness);
}

static void an_answer_may_be_a_page_or_nothing(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    ask(&harness, "sim:html", "", &reply);
    assert_int_equal(reply.status, 200);
    assert_span(raw_reply_field(&reply, SPAN("Content-Type")), "text/html; charset=utf-8");
    assert_has(&reply, "<html>");
    raw_reply_fini(&reply);
    ask(&harness, "sim:status=502,html", "", &reply);
    assert_int_equal(reply.status, 502);
    raw_reply_fini(&reply);
    ask(&harness, "sim:empty", "", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(buf_len(&reply.body), 0);
    raw_reply_fini(&reply);
    assert_bill(&harness, "billed_requests", 0);
    harness_fini(&harness);
}

static void errors_have_the_fields_that_steer_clients(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    char location[64];
    harness_init(&harness);
    ask(&harness, "sim:status=429,retry=soon", "", &reply);
    assert_span(raw_reply_field(&reply, SPAN("Retry-After")), "soon");
    assert_span(raw_reply_field(&reply, SPAN("Location")), "");
    raw_reply_fini(&reply);
    ask(&harness, "sim:status=307", "", &reply);
    assert_int_equal(reply.status, 307);
    snprintf(location, sizeof(location), "http://127.0.0.1:%u" CHAT, sim_port(harness.sim));
    assert_span(raw_reply_field(&reply, SPAN("Location")), location);
    assert_span(raw_reply_field(&reply, SPAN("Retry-After")), "");
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

static void an_error_may_give_the_key_away(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    char head[256];
    const char *body = chat_body("sim:status=401,echo", "");
    harness_init(&harness);
    struct raw_client *client = raw_client_connect(harness.loop, sim_port(harness.sim));
    snprintf(head, sizeof(head),
             "POST " CHAT " HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer sk-mine\r\n"
             "Content-Length: %zu\r\n\r\n",
             strlen(body));
    raw_client_send_text(client, head);
    raw_client_send_text(client, body);
    raw_client_read_reply(client, false, &reply);
    assert_has(&reply, "Bearer sk-mine");
    raw_reply_fini(&reply);
    raw_client_free(&client);
    ask(&harness, "sim:status=401,echo", "", &reply); /* there may be none */
    assert_int_equal(reply.status, 401);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

/* ---- events ---- */

static void lines_may_end_in_other_ways(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    ask_stream(&harness, "sim:out=1,eol=crlf,comments=1", &reply);
    assert_has(&reply, ": SIMULATED PROCESSING\r\n\r\ndata: {");
    assert_true(span_ends_with(buf_span(&reply.body), SPAN("}\r\n\r\ndata: [DONE]\r\n\r\n")));
    raw_reply_fini(&reply);
    ask_stream(&harness, "sim:out=1,eol=cr", &reply);
    assert_true(span_ends_with(buf_span(&reply.body), SPAN("}\r\rdata: [DONE]\r\r")));
    assert_int_equal(count_in(buf_span(&reply.body), "\n"), 0);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

static void a_stream_may_end_without_a_word(void **state)
{
    (void)state;
    struct harness harness;
    struct events events;
    harness_init(&harness);
    ask_events(&harness, "sim:out=1,done=off", INCLUDE_USAGE, &events);
    assert_false(events.done);
    assert_int_equal(events.count, 4);
    assert_int_equal(number(events.items[3], "usage.completion_tokens"), 1);
    events_fini(&events);
    harness_fini(&harness);
}

static void comments_come_before_the_events(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    ask_stream(&harness, "sim:out=1,comments=5000,gap=5ms", &reply);
    assert_int_equal(count_in(buf_span(&reply.body), ": SIMULATED PROCESSING\n\n"), 5000);
    assert_int_equal(count_in(buf_span(&reply.body), "data: "), 5);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

static void an_event_may_be_giant(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        size_t size;
    } cases[] = {{"sim:out=1,giant=1", 1},
                 {"sim:out=1,giant=4096", 4096},
                 {"sim:out=1,giant=300KiB", (size_t)300 * 1024},
                 {"sim:out=1,giant=2MiB", (size_t)2 * 1024 * 1024}};
    struct harness harness;
    struct events events;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_events(&harness, cases[i].model, INCLUDE_USAGE, &events);
        assert_true(events.done);
        assert_int_equal(events.count, 5);
        struct span text = json_string(look(events.items[1], "choices.0.delta.content"));
        assert_int_equal(text.len, cases[i].size);
        assert_int_equal(number(events.items[4], "usage.completion_tokens"), 1);
        events_fini(&events);
    }
    harness_fini(&harness);
}

/* ---- faults to come ---- */

static void set_fault(struct harness *harness, const char *body, int status)
{
    struct raw_reply reply;
    request(harness, "POST", "/sim/fault", body, &reply);
    assert_int_equal(reply.status, status);
    raw_reply_fini(&reply);
}

static int status_of(struct harness *harness, const char *model)
{
    struct raw_reply reply;
    ask(harness, model, "", &reply);
    int status = reply.status;
    raw_reply_fini(&reply);
    return status;
}

static void a_fault_holds_for_the_next_requests(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    set_fault(&harness, "{\"model\":\"sim:status=503\",\"requests\":2}", 200);
    assert_int_equal(status_of(&harness, "gpt-4o"), 503);
    assert_int_equal(status_of(&harness, "sim:status=418"), 503);
    assert_int_equal(status_of(&harness, "gpt-4o"), 200);
    /* The next one replaces it; none takes it back. */
    set_fault(&harness, "{\"model\":\"sim:status=503\",\"requests\":9}", 200);
    set_fault(&harness, "{\"model\":\"sim:status=504\",\"requests\":1}", 200);
    assert_int_equal(status_of(&harness, "gpt-4o"), 504);
    assert_int_equal(status_of(&harness, "gpt-4o"), 200);
    set_fault(&harness, "{\"model\":\"sim:status=503\",\"requests\":9}", 200);
    set_fault(&harness, "{\"model\":\"sim\",\"requests\":0}", 200);
    assert_int_equal(status_of(&harness, "gpt-4o"), 200);
    harness_fini(&harness);
}

/* What is billed keeps the name that was asked for. */
static void a_fault_does_not_change_the_bill(void **state)
{
    (void)state;
    struct harness harness;
    harness_init_priced(&harness, "{\"gpt-4o\":{\"input\":\"1000\",\"output\":\"1\"}}");
    set_fault(&harness, "{\"model\":\"sim:in=1,out=1\",\"requests\":1}", 200);
    assert_int_equal(status_of(&harness, "gpt-4o"), 200);
    assert_bill(&harness, "by_model.gpt-4o.nano_usd", 1000000 + 1000);
    harness_fini(&harness);
}

static void bad_faults_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "[]",
        "{\"requests\":1}",
        "{\"model\":\"sim:nonsense\",\"requests\":1}",
        "{\"model\":\"sim:html\"}",
        "{\"model\":\"sim:html\",\"requests\":-1}",
        "{\"model\":\"sim:html\",\"requests\":\"1\"}",
    };
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        set_fault(&harness, bodies[i], 400);
    assert_int_equal(status_of(&harness, "gpt-4o"), 200);
    harness_fini(&harness);
}

int test_hostile(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasoning_is_billed_and_has_no_text),
        cmocka_unit_test(reasoning_may_leave_no_room_for_text),
        cmocka_unit_test(cache_writes_have_a_price),
        cmocka_unit_test(a_provider_runs_ahead_of_who_left),
        cmocka_unit_test(a_whole_answer_reports_what_it_is_told),
        cmocka_unit_test(a_stream_may_correct_its_usage),
        cmocka_unit_test(usage_may_come_after_the_end),
        cmocka_unit_test(an_error_may_stand_under_200),
        cmocka_unit_test(an_error_may_end_a_stream),
        cmocka_unit_test(the_first_failure_counts),
        cmocka_unit_test(an_error_may_be_billed),
        cmocka_unit_test(an_answer_may_be_a_page_or_nothing),
        cmocka_unit_test(errors_have_the_fields_that_steer_clients),
        cmocka_unit_test(an_error_may_give_the_key_away),
        cmocka_unit_test(lines_may_end_in_other_ways),
        cmocka_unit_test(a_stream_may_end_without_a_word),
        cmocka_unit_test(comments_come_before_the_events),
        cmocka_unit_test(an_event_may_be_giant),
        cmocka_unit_test(a_fault_holds_for_the_next_requests),
        cmocka_unit_test(a_fault_does_not_change_the_bill),
        cmocka_unit_test(bad_faults_are_refused),
    };
    return cmocka_run_group_tests_name("sim/hostile", tests, NULL, NULL);
}
