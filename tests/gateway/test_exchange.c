/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges that are served: whole and streamed, against a scripted provider. What goes upstream,
 * what comes back, and what it cost.
 */
#include "support/gateway_fixture.h"

#include "exchange_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char answer_text[] =
    "{\"id\":\"c1\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
    "\"assistant\",\"content\":\"Hi there\"},\"finish_reason\":\"stop\"}],\"usage\":{"
    "\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30}}";

/* The provider answers every request with this body. */
static void play_whole(struct gateway_fixture *fixture, const char *body)
{
    static char bytes[1024];
    static struct script_step script[3];
    static const struct script_step request = SCRIPT_REQUEST, again = SCRIPT_AGAIN;
    script[0] = request;
    script[1] = http_json(bytes, 200, body);
    script[2] = again;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
}

static void a_whole_answer_carries_its_cost(void **state)
{
    struct gateway_fixture *fixture = *state;
    play_whole(fixture, answer_text);
    struct raw_reply reply;
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":50"), &reply);
    assert_int_equal(reply.status, 200);
    assert_span(buf_span(&reply.body), answer_text);
    /* 10 × 1 + 20 × 2 USD per million tokens */
    assert_span(raw_reply_field(&reply, SPAN("x-weir-cost-usd")), "0.00005");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-input-tokens")), "10");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-output-tokens")), "20");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-provider")), "scripted");
    assert_span(raw_reply_field(&reply, SPAN("x-weir-model")), "small");
    assert_span(raw_reply_field(&reply, SPAN("content-type")), "application/json");
    assert_int_equal(raw_reply_field(&reply, SPAN("x-request-id")).len, 30);
    assert_contains(raw_reply_field(&reply, SPAN("x-weir-budget")),
                    "name=total;window=total;limit=1.00;spent=0.00005;held=0.00;reset=never");
    raw_reply_fini(&reply);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_COST), 50000);
    assert_budget(fixture, 50000, 0, 0);
}

static void the_request_goes_on_with_only_what_must_change(void **state)
{
    struct gateway_fixture *fixture = *state;
    play_whole(fixture, answer_text);
    struct raw_reply reply;
    gateway_fixture_exchange(
        fixture,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}], \"seed\": 9007199254740993,\n"
        "\"model\" : \"little\", \"max_completion_tokens\":7,\"x\":[1,  2]}",
        &reply);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-requested-model")), "little");
    raw_reply_fini(&reply);
    assert_span(scripted_upstream_body(fixture->upstream, 0),
                "{\"max_tokens\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}], "
                "\"seed\": 9007199254740993,\n\"model\" : \"up-small\",\"x\":[1,  2]}");
    struct span head = scripted_upstream_request(fixture->upstream, 0);
    assert_contains(head, "POST /v1/chat/completions HTTP/1.1\r\n");
    assert_contains(head, "Authorization: Bearer provider-secret\r\n");
    assert_int_equal(span_search(head, SPAN(FIXTURE_KEY)), head.len);
}

static void an_absent_limit_is_written_in(void **state)
{
    struct gateway_fixture *fixture = *state;
    play_whole(fixture, answer_text);
    struct raw_reply reply;
    gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
    raw_reply_fini(&reply);
    assert_contains(scripted_upstream_body(fixture->upstream, 0), "\"max_tokens\":1000");
}

static void without_a_budget_nothing_is_written_in(void **state)
{
    struct gateway_fixture *fixture = *state;
    play_whole(fixture, answer_text);
    gateway_fixture_reload(fixture, CONFIG_FREE);
    struct raw_reply reply;
    gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(raw_reply_field(&reply, SPAN("x-weir-budget")).len, 0);
    raw_reply_fini(&reply);
    struct span body = scripted_upstream_body(fixture->upstream, 0);
    assert_int_equal(span_search(body, SPAN("max_")), body.len);
}

/* ---- streams ---- */

#define STREAM_HEAD \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define EVENT_HI \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}\n\n"
#define EVENT_END "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define EVENT_USAGE                                                                   \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20," \
    "\"total_tokens\":30}}\n\n"
#define EVENT_DONE "data: [DONE]\n\n"

/* A chunk of the upstream's reply; the sizes are those of the literals above. */
static struct script_step chunk(char *room, const char *text)
{
    int size = sprintf(room, "%zx\r\n%s\r\n", strlen(text), text);
    return (struct script_step){SCRIPT_KIND_SEND, room, (size_t)size, SIZE_MAX};
}

struct stream {
    struct script_step steps[10];
    char rooms[8][512];
    size_t count;
};

static void stream_begin(struct stream *stream)
{
    static const struct script_step begin[] = {SCRIPT_REQUEST, SCRIPT_SEND(STREAM_HEAD)};
    memcpy(stream->steps, begin, sizeof begin);
    stream->count = 2;
}

static void stream_event(struct stream *stream, const char *text)
{
    stream->steps[stream->count] = chunk(stream->rooms[stream->count - 2], text);
    stream->count++;
}

static void stream_step(struct stream *stream, struct script_step step)
{
    stream->steps[stream->count++] = step;
}

static void stream_end(struct stream *stream)
{
    static const struct script_step end = SCRIPT_SEND("0\r\n\r\n");
    stream_step(stream, end);
}

static void play_whole_stream(struct gateway_fixture *fixture, struct stream *stream)
{
    stream_begin(stream);
    stream_event(stream, EVENT_HI);
    stream_event(stream, EVENT_END);
    stream_event(stream, EVENT_USAGE);
    stream_event(stream, EVENT_DONE);
    stream_end(stream);
    scripted_upstream_play(fixture->upstream, stream->steps, stream->count);
}

static void a_stream_without_asking_has_no_usage(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct stream stream;
    struct raw_reply reply;
    play_whole_stream(fixture, &stream);
    gateway_fixture_exchange(fixture, CHAT("\"stream\":true"), &reply);
    assert_int_equal(reply.status, 200);
    assert_true(reply.complete);
    assert_span(raw_reply_field(&reply, SPAN("content-type")), "text/event-stream");
    assert_span(buf_span(&reply.body),
                "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n" EVENT_END
                    EVENT_DONE);
    raw_reply_fini(&reply);
    assert_contains(scripted_upstream_body(fixture->upstream, 0),
                    "\"stream_options\":{\"include_usage\":true}");
    assert_budget(fixture, 50000, 0, 0);
}

static void a_stream_that_asks_gets_usage_with_cost(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct stream stream;
    struct raw_reply reply;
    play_whole_stream(fixture, &stream);
    gateway_fixture_exchange(
        fixture, CHAT("\"stream\":true,\"stream_options\":{\"include_usage\":true}"), &reply);
    assert_span(buf_span(&reply.body), EVENT_HI EVENT_END
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20,"
                "\"total_tokens\":30,\"cost\":0.00005}}\n\n" EVENT_DONE);
    raw_reply_fini(&reply);
    assert_budget(fixture, 50000, 0, 0);
}

static void events_leave_as_they_come(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step hold = SCRIPT_HOLD;
    struct stream stream;
    stream_begin(&stream);
    stream_event(&stream, EVENT_END);
    stream_step(&stream, hold);
    stream_event(&stream, EVENT_DONE);
    stream_end(&stream);
    scripted_upstream_play(fixture->upstream, stream.steps, stream.count);
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, CHAT("\"stream\":true"));
    raw_client_read_until(client, EVENT_END); /* while the provider holds the rest back */
    assert_int_equal(scripted_upstream_holding(fixture->upstream), 1);
    scripted_upstream_release(fixture->upstream);
    raw_client_read_until(client, "0\r\n\r\n");
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
}

static void a_stream_that_breaks_ends_with_an_error(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step cut = SCRIPT_CLOSE;
    struct stream stream;
    struct raw_reply reply;
    stream_begin(&stream);
    stream_event(&stream, EVENT_HI);
    stream_step(&stream, cut);
    scripted_upstream_play(fixture->upstream, stream.steps, stream.count);
    gateway_fixture_exchange(fixture, CHAT("\"stream\":true,\"max_tokens\":100"), &reply);
    assert_int_equal(reply.status, 200);
    assert_false(reply.complete); /* no clean end */
    assert_contains(buf_span(&reply.body), "\"Hi\"");
    assert_contains(buf_span(&reply.body), "data: {\"error\":{");
    assert_contains(buf_span(&reply.body), "upstream_broken");
    assert_int_equal(span_search(buf_span(&reply.body), SPAN("[DONE]")), buf_len(&reply.body));
    raw_reply_fini(&reply);
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_true(view.spent_nusd > 0 && view.uncertain_nusd > 0);
    assert_int_equal(view.held_nusd, 0);
    /* counted + uncertain is what was held: nothing is lost */
    assert_int_equal(view.committed_nusd, view.spent_nusd + view.uncertain_nusd);
}

static void a_stream_that_just_stops_did_not_end_well(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct stream stream;
    struct raw_reply reply;
    stream_begin(&stream);
    stream_event(&stream, EVENT_HI);
    stream_end(&stream); /* clean framing, but no finish reason and no [DONE] */
    scripted_upstream_play(fixture->upstream, stream.steps, stream.count);
    gateway_fixture_exchange(fixture, CHAT("\"stream\":true"), &reply);
    assert_false(reply.complete);
    assert_contains(buf_span(&reply.body), "data: {\"error\":{");
    raw_reply_fini(&reply);
}

/* ---- other answers ---- */

static void a_large_answer_goes_on_as_it_comes(void **state)
{
    struct gateway_fixture *fixture = *state;
    size_t size = 3 * 1024 * 1024;
    char *answer = malloc(size + 512);
    int at = sprintf(answer, "{\"choices\":[{\"message\":{\"content\":\"");
    memset(answer + at, 'x', size);
    sprintf(answer + at + size,
            "\"}}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30}}");
    char *bytes = malloc(size + 1024);
    struct script_step script[] = {SCRIPT_REQUEST, http_json(bytes, 200, answer), SCRIPT_AGAIN};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_reply reply;
    gateway_fixture_exchange(fixture, CHAT("\"seed\":1"), &reply);
    assert_true(reply.complete && reply.chunked);
    assert_int_equal(buf_len(&reply.body), strlen(answer));
    assert_int_equal(raw_reply_field(&reply, SPAN("x-weir-cost-usd")).len, 0);
    raw_reply_fini(&reply);
    assert_budget(fixture, 50000, 0, 0);
    free(answer);
    free(bytes);
}

static void a_provider_error_passes_through(void **state)
{
    struct gateway_fixture *fixture = *state;
    static const struct script_step script[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n"
                    "Retry-After: 7\r\nContent-Length: 25\r\n\r\n{\"error\":{\"code\":\"slow\"}}"),
        SCRIPT_AGAIN};
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    struct raw_reply reply;
    gateway_fixture_exchange(fixture, CHAT("\"stream\":true"), &reply);
    assert_int_equal(reply.status, 429);
    assert_span(buf_span(&reply.body), "{\"error\":{\"code\":\"slow\"}}");
    assert_span(raw_reply_field(&reply, SPAN("retry-after")), "7");
    raw_reply_fini(&reply);
    assert_budget(fixture, 0, 0, 0); /* VOID */
}

static void an_answer_without_usage_is_counted(void **state)
{
    struct gateway_fixture *fixture = *state;
    play_whole(fixture, "{\"choices\":[{\"message\":{\"content\":\"The weir holds the water "
                        "back.\"}}]}");
    struct raw_reply reply;
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":100"), &reply);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-output-tokens")), "8");
    raw_reply_fini(&reply);
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_true(view.spent_nusd > 0 && view.uncertain_nusd > 0 && view.held_nusd == 0);
}

#define DELTA(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"

/* Cut after its text, in parts that cut words and characters: as many tokens as the text has. */
static void a_cut_stream_is_counted_token_by_token(void **state)
{
    static const struct script_step script[] = {
        SCRIPT_REQUEST,
        SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" DELTA("The we")
                        DELTA("ir holds t") DELTA("he") DELTA(" wa\\u0074er") DELTA(" back.")),
        SCRIPT_CLOSE};
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    SCRIPTED_UPSTREAM_PLAY(fixture->upstream, script);
    gateway_fixture_exchange(fixture, CHAT("\"stream\":true,\"max_tokens\":100"), &reply);
    raw_reply_fini(&reply);
    gateway_fixture_settle(fixture);
    struct budget_view view;
    gateway_fixture_budget(fixture, BUDGET_CELL, WINDOW_TOTAL, &view);
    assert_int_equal(view.spent_nusd % 1000, 0);
    int64_t input = (view.spent_nusd - 8 * 2000) / 1000;
    assert_in_range(input, 10, 20); /* an estimate: no model has this name */
}

/* Of several choices each part counts for itself. */
static void several_choices_are_counted(void **state)
{
    struct gateway_fixture *fixture = *state;
    play_whole(fixture, "{\"choices\":[{\"message\":{\"content\":\"The weir\"}},{\"message\":"
                        "{\"content\":\" holds the water back.\"}}]}");
    struct raw_reply reply;
    gateway_fixture_exchange(fixture, CHAT("\"n\":2,\"max_tokens\":100"), &reply);
    assert_span(raw_reply_field(&reply, SPAN("x-weir-output-tokens")), "8");
    raw_reply_fini(&reply);
}

static void usage_above_the_hold_is_charged_in_full(void **state)
{
    struct gateway_fixture *fixture = *state;
    play_whole(fixture, "{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":9000,"
                        "\"total_tokens\":9010}}");
    struct raw_reply reply;
    gateway_fixture_exchange(fixture, CHAT("\"max_tokens\":10"), &reply);
    raw_reply_fini(&reply);
    assert_budget(fixture, 10 * 1000 + 9000 * 2000, 0, 0);
    assert_int_equal(gateway_fixture_total(fixture, METRIC_BOUND_BREACHES), 1);
}

static void models_are_listed_for_their_key(void **state)
{
    struct gateway_fixture *fixture = *state;
    struct raw_reply reply;
    get(fixture, "/v1/models", &reply);
    assert_int_equal(reply.status, 200);
    assert_contains(buf_span(&reply.body), "{\"object\":\"list\",\"data\":[{\"id\":\"small\"");
    assert_int_equal(span_search(buf_span(&reply.body), SPAN("hidden")), buf_len(&reply.body));
    raw_reply_fini(&reply);
    get(fixture, "/v1/models/small", &reply);
    assert_int_equal(reply.status, 200);
    assert_contains(buf_span(&reply.body), "{\"id\":\"small\",\"object\":\"model\"");
    raw_reply_fini(&reply);
    get(fixture, "/v1/models/hidden", &reply);
    assert_int_equal(reply.status, 404);
    assert_contains(buf_span(&reply.body), "model_not_found");
    raw_reply_fini(&reply);
}

int test_exchange(void);
int test_exchange(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(a_whole_answer_carries_its_cost),
        WITH_GATEWAY(the_request_goes_on_with_only_what_must_change),
        WITH_GATEWAY(an_absent_limit_is_written_in),
        WITH_GATEWAY(without_a_budget_nothing_is_written_in),
        WITH_GATEWAY(a_stream_without_asking_has_no_usage),
        WITH_GATEWAY(a_stream_that_asks_gets_usage_with_cost),
        WITH_GATEWAY(events_leave_as_they_come),
        WITH_GATEWAY(a_stream_that_breaks_ends_with_an_error),
        WITH_GATEWAY(a_stream_that_just_stops_did_not_end_well),
        WITH_GATEWAY(a_large_answer_goes_on_as_it_comes),
        WITH_GATEWAY(a_provider_error_passes_through),
        WITH_GATEWAY(an_answer_without_usage_is_counted),
        WITH_GATEWAY(a_cut_stream_is_counted_token_by_token),
        WITH_GATEWAY(several_choices_are_counted),
        WITH_GATEWAY(usage_above_the_hold_is_charged_in_full),
        WITH_GATEWAY(models_are_listed_for_their_key),
    };
    return cmocka_run_group_tests_name("gateway/exchange", tests, NULL, NULL);
}
