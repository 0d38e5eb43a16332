/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relays answers. A stream's events are passed on as they come, byte for byte, except the usage that
 * the client did not ask for, and the cost that is put into the usage it did ask for. Back-pressure:
 * when the connection's queue is full the attempt is paused, and resumed when it has drained.
 *
 *   attempt --on_body--> sse_reader --event--> read_reply --> conn_send
 *                   \--> reply (whole, up to 1 MiB held back for its cost headers) --> conn_reply
 *
 * Without a client (conn NULL, see relay_unattended) everything is read as before and sent nowhere.
 */
#include "relay.h"

#include "bill.h"
#include "endpoint.h"
#include "exchange.h"
#include "fields.h"
#include "memory_gauge.h"
#include "output_count.h"
#include "redact.h"
#include "worker.h"

#include "base/assert.h"
#include "base/clock.h"
#include "net/server.h"
#include "upstream/attempt.h"

#define HELD_BACK  (1024 * 1024)
#define TAIL_BYTES 4096 /* of an answer that is too large to be kept */

static void note_first_byte(struct exchange *exchange)
{
    if (exchange->first_byte_ns == 0)
        exchange->first_byte_ns = clock_monotonic_ns();
}

static void send_on(struct exchange *exchange, struct span bytes)
{
    if (exchange->conn == NULL)
        return;
    note_first_byte(exchange);
    conn_send(exchange->conn, bytes);
}

/* ---- facts of the attempt ---- */

/* Ends an attempt whose answer is of no use. */
static void give_up(struct exchange *exchange, enum err err, const char *reason)
{
    relay_cancel(exchange);
    exchange->answer_err = err;
    exchange->facts.reason = reason;
    pipeline_resume(&exchange->pipeline);
}

/* We ask for no coding; an answer that has one all the same cannot be metered. */
static bool is_coded(const struct headers *headers)
{
    struct span coding = headers_get(headers, SPAN("content-encoding"));
    return coding.len != 0 && !span_equal_nocase(coding, SPAN("identity"));
}

static void on_head(void *argument, int status, const struct headers *headers)
{
    struct exchange *exchange = argument;
    exchange->facts.status = status;
    if (status < 200 || (status >= 300 && status < 400)) {
        /* A redirect would carry the provider's key elsewhere: it is not followed. */
        give_up(exchange, ERR_UPSTREAM_STATUS, "a redirect, which is not followed");
        return;
    }
    if (is_coded(headers)) {
        give_up(exchange, status >= 400 ? ERR_UPSTREAM_STATUS : ERR_UPSTREAM_BROKEN,
                "a content coding that was not asked for");
        return;
    }
    struct span type = headers_get(headers, SPAN("content-type"));
    exchange->answer_type = arena_copy(&exchange->arena, type);
    exchange->answer_retry_after =
        arena_copy(&exchange->arena, headers_get(headers, SPAN("retry-after")));
    exchange->is_stream =
        exchange->call.stream && status == 200 && media_type_is(type, SPAN("text/event-stream"));
    exchange->answer = ANSWER_BODY;
    pipeline_resume(&exchange->pipeline);
}

/* What one event or one whole answer says, added to what is known. */
static void note_facts(struct exchange *exchange, const struct reply_facts *facts)
{
    output_count_add(exchange, facts);
    exchange->answer_finished |= facts->finished || facts->is_done;
    exchange->answer_error |= facts->is_error;
    if (facts->usage_verdict == USAGE_GOOD) {
        exchange->reported = facts->usage;
        exchange->has_reported = true;
    }
    /* Some providers report after every chunk: only what comes with the end is the whole. */
    exchange->usage_final |=
        exchange->has_reported &&
        (!exchange->is_stream || facts->is_usage_only || exchange->answer_finished);
    exchange->usage_flagged |= facts->usage_verdict == USAGE_IMPOSSIBLE;
}

/* ---- a stream of events ---- */

/* -1: unknown price. */
static int64_t event_cost(const struct exchange *exchange, const struct reply_facts *facts)
{
    int64_t cost;
    bool known = exchange->price != NULL && price_cost(exchange->price, &facts->usage, &cost);
    return known ? exchange->receipt.cost_nusd + cost : -1; /* with the attempts before */
}

static void relay_changed(struct exchange *exchange, const struct sse_event *event,
                          const struct reply_facts *facts, int64_t cost_nusd)
{
    buf_reset(&exchange->reply, HELD_BACK);
    if (exchange->endpoint->dialect->write_event(event->data, facts, cost_nusd, &exchange->reply))
        send_on(exchange, buf_span(&exchange->reply));
}

/* A provider that repeats its caller's key does so in errors. */
static void redact_reply(struct exchange *exchange)
{
    redact(&exchange->reply, exchange->target->provider->api_key);
}

static void relay_error(struct exchange *exchange, const struct sse_event *event)
{
    buf_reset(&exchange->reply, HELD_BACK);
    buf_append(&exchange->reply, event->raw);
    redact_reply(exchange);
    send_on(exchange, buf_span(&exchange->reply));
}

static void relay_event(struct exchange *exchange, const struct sse_event *event,
                        const struct reply_facts *facts)
{
    bool wants_usage = exchange->call.wants_usage;
    if (exchange->conn == NULL || (!wants_usage && facts->is_usage_only))
        return;
    if (facts->is_error)
        relay_error(exchange, event);
    else if (!wants_usage && facts->usage_null.len != 0)
        relay_changed(exchange, event, facts, -1);
    else if (wants_usage && facts->usage_verdict == USAGE_GOOD && facts->usage_end != 0)
        relay_changed(exchange, event, facts, event_cost(exchange, facts));
    else
        send_on(exchange, event->raw);
}

/* False once the stream has said its last word: what follows is dropped. */
static bool on_event(void *argument, const struct sse_event *event)
{
    struct exchange *exchange = argument;
    if (exchange->reply_ended)
        return false;
    /* One that ends with a stream that did not break only lacks its blank line. */
    bool broken = !event->complete && exchange->answer_err != ERR_NONE;
    if (broken)
        return false; /* SETTLE ends the reply accordingly */
    if (!event->has_data) {
        send_on(exchange, event->raw);
        return true;
    }
    struct reply_facts facts;
    exchange->endpoint->dialect->read_reply(event->data, true, &exchange->usage_limits,
                                            &exchange->scratch, &facts);
    /* Half an event is not passed on: it is no text that a client could read. */
    if (!event->complete && !facts.is_object && !facts.is_done)
        return false;
    note_facts(exchange, &facts);
    relay_event(exchange, event, &facts);
    if (!event->complete)
        send_on(exchange, SPAN("\n\n"));
    arena_reset(&exchange->scratch);
    if (!facts.is_done)
        return true;
    relay_end(exchange);
    return false;
}

static void feed_stream(struct exchange *exchange, struct span bytes)
{
    if (sse_reader_feed(&exchange->events, bytes, on_event, exchange))
        return;
    /* An event larger than any provider's: the stream is broken here. */
    give_up(exchange, ERR_UPSTREAM_BROKEN, "an event that is too large");
}

/* ---- a whole answer ---- */

/* Past what is held back, the answer goes on as it comes; a copy is kept for its usage. */
static void begin_large(struct exchange *exchange)
{
    relay_begin(exchange);
    send_on(exchange, buf_span(&exchange->reply));
}

/* The usage stands at the end of most answers: vectors by the thousand overflow as a matter of
 * course. */
static void keep_tail(struct exchange *exchange, struct span bytes)
{
    char room[TAIL_BYTES];
    struct span kept = buf_span(&exchange->reply);
    if (bytes.len > TAIL_BYTES)
        bytes = span_from(bytes, bytes.len - TAIL_BYTES);
    size_t left = TAIL_BYTES - bytes.len;
    if (kept.len > left)
        kept = span_from(kept, kept.len - left);
    if (kept.len > 0)
        memcpy(room, kept.ptr, kept.len);
    buf_reset(&exchange->reply, TAIL_BYTES);
    buf_append(&exchange->reply, span_make(room, kept.len));
    buf_append(&exchange->reply, bytes);
}

static void collect(struct exchange *exchange, struct span bytes)
{
    if (!exchange->overflowed)
        exchange->overflowed = !buf_append(&exchange->reply, bytes);
    if (exchange->overflowed)
        keep_tail(exchange, bytes);
    if (exchange->reply_begun || exchange->conn == NULL)
        send_on(exchange, bytes);
    else if (exchange->overflowed)
        give_up(exchange, ERR_UPSTREAM_BROKEN, "an error answer that is too large");
    else if (buf_len(&exchange->reply) > HELD_BACK && exchange->facts.status < 400)
        begin_large(exchange); /* an error is kept whole: it is redacted */
}

static void on_body(void *argument, struct span bytes)
{
    struct exchange *exchange = argument;
    if (exchange->reply_ended)
        return; /* after the end mark; nobody would resume a pause any more */
    if (exchange->is_stream)
        feed_stream(exchange, bytes);
    else
        collect(exchange, bytes);
    memory_count(exchange);
    if (exchange->attempt != NULL && exchange->conn != NULL && !exchange->reply_ended &&
        !exchange->paused && conn_congested(exchange->conn)) {
        exchange->paused = true;
        attempt_pause(exchange->attempt);
    }
}

static void on_done(void *argument, enum err err, const struct attempt_facts *facts)
{
    struct exchange *exchange = argument;
    exchange->attempt = NULL;
    exchange->facts = *facts;
    exchange->answer_err = err;
    if (exchange->is_stream)
        sse_reader_end(&exchange->events, on_event, exchange);
    exchange->answer = ANSWER_DONE;
    pipeline_resume(&exchange->pipeline);
}

const struct attempt_events relay_events = {
    .on_head = on_head, .on_body = on_body, .on_done = on_done};

void relay_cancel(struct exchange *exchange)
{
    if (exchange->attempt == NULL)
        return;
    int status = exchange->facts.status;
    attempt_cancel(&exchange->attempt, &exchange->facts);
    if (exchange->facts.status == 0)
        exchange->facts.status = status;
    exchange->answer = ANSWER_DONE;
    exchange->answer_cut = true;
}

/* ---- the client's side ---- */

void relay_begin(struct exchange *exchange)
{
    struct fields fields;
    fields_init(&fields, exchange);
    fields_add_answer(&fields, exchange);
    fields_add_limits(&fields, exchange);
    if (exchange->is_stream) {
        fields_add(&fields, SPAN("cache-control"), SPAN("no-cache"));
        fields_add(&fields, SPAN("x-accel-buffering"), SPAN("no"));
    }
    fields_begin(&fields, exchange, exchange->facts.status);
}

void relay_read_whole(struct exchange *exchange)
{
    struct reply_facts facts;
    if (exchange->answer_read)
        return;
    exchange->answer_read = true;
    const struct dialect *dialect = exchange->endpoint->dialect;
    struct span text = buf_span(&exchange->reply);
    if (exchange->overflowed)
        dialect->read_tail(text, &exchange->usage_limits, &exchange->scratch, &facts);
    else
        dialect->read_reply(text, false, &exchange->usage_limits, &exchange->scratch, &facts);
    note_facts(exchange, &facts);
    exchange->answer_readable = exchange->overflowed || facts.is_object; /* too large to tell */
    arena_reset(&exchange->scratch);
}

void relay_reply(struct exchange *exchange)
{
    relay_read_whole(exchange);
    bill_make(exchange);
    if (exchange->reply_begun) {
        relay_end(exchange);
        return;
    }
    /* Not only with an error's status: whatever is no answer as they should be. */
    if (exchange->facts.status >= 400 || exchange->answer_error || !exchange->has_reported)
        redact_reply(exchange);
    struct fields fields;
    fields_init(&fields, exchange);
    fields_add_answer(&fields, exchange);
    fields_add_limits(&fields, exchange);
    fields_add_bill(&fields, exchange);
    note_first_byte(exchange);
    fields_reply(&fields, exchange, exchange->facts.status);
}

void relay_end(struct exchange *exchange)
{
    ASSERT((exchange->reply_begun || exchange->conn == NULL) && !exchange->reply_ended);
    exchange->reply_ended = true;
    if (exchange->conn != NULL)
        conn_end(exchange->conn);
}

void relay_break(struct exchange *exchange, enum err cause)
{
    ASSERT(exchange->reply_begun && !exchange->reply_ended);
    exchange->reply_ended = true;
    /* The provider's own error event, where there was one, has told the client. */
    if (exchange->is_stream && !exchange->answer_error) {
        buf_reset(&exchange->reply, HELD_BACK);
        exchange->endpoint->dialect->write_stream_error(cause, NULL, &exchange->reply);
        conn_send(exchange->conn, buf_span(&exchange->reply));
    }
    conn_cut(exchange->conn);
}

void relay_drained(struct exchange *exchange)
{
    if (!exchange->paused || exchange->attempt == NULL)
        return;
    exchange->paused = false;
    memory_count(exchange);
    attempt_resume(exchange->attempt);
}

void relay_probe(struct exchange *exchange)
{
    if (!exchange->reply_begun)
        conn_send_interim(exchange->conn);
    else if (exchange->is_stream && !exchange->reply_ended)
        conn_send(exchange->conn, SPAN(":\n\n"));
}

bool relay_unattended(struct exchange *exchange)
{
    struct pipeline *pipeline = &exchange->pipeline;
    /* Between two attempts, and after the end mark, there is nothing to wait for. */
    if (exchange->attempt == NULL || exchange->reply_ended ||
        exchange->target->provider->on_client_gone != CLIENT_GONE_DRAIN)
        return false;
    outcome_set(&pipeline->outcome, ERR_CLIENT_GONE, (uint8_t)pipeline->step);
    exchange->unattended = true;
    exchange->worker->unattended++;
    memory_count(exchange);
    relay_drained(exchange);
    return true;
}
