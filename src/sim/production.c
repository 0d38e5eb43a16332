/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Produces an answer. set_phase() alone changes the phase, and counts what is open. Without a gap
 * events are written in batches until the connection is congested; there is no timer then.
 */
#include "production.h"

#include "answer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "failure.h"
#include "loop/timer.h"
#include "net/server.h"
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH_BYTES   ((size_t)16 * 1024)
#define GIANT_PIECE   4096
#define RAW_BYTES     ((size_t)64 * 1024 * 1024)
#define WHOLE_PIECE   ((size_t)64 * 1024)
#define ERROR_BYTES   4096
#define LOCATION_SIZE 64

enum phase { WAITING, STREAMING, RAW, SILENT, ENDED };

struct production {
    struct sim *sim;
    struct conn *conn;
    struct timer *timer; /* NULL: neither ttft nor gap, and never a timer an event */
    struct raw *raw;     /* where the server is bypassed */
    char *authorization; /* to be echoed, or NULL */
    struct behaviour behaviour;
    struct answer answer;
    struct bill_line line;
    enum phase phase;
    bool billed;      /* has a line; only then it counts as open */
    int64_t comments; /* still to come */
    int64_t giant;    /* bytes of it still to come */
    int64_t event;    /* the next one */
    int64_t end;      /* the first one that is not sent */
    int64_t left_ns;  /* wall time at which the client shut its side; 0 */
};

static void set_phase(struct production *production, enum phase phase)
{
    if (phase == ENDED && production->phase != ENDED && production->billed)
        production->sim->open--;
    if (phase == ENDED && production->timer != NULL)
        timer_stop(production->timer);
    production->phase = phase;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- ends ---- */

static int64_t stop_at(const struct production *production)
{
    return least(production->behaviour.cut_at, production->behaviour.stall_at);
}

/* Where the model's name has it fail. */
static void fail(struct production *production)
{
    if (production->behaviour.cut_at > production->behaviour.stall_at) {
        set_phase(production, SILENT);
        return;
    }
    set_phase(production, ENDED);
    conn_abort(production->conn);
}

/* A provider that does not notice at once goes on for a while, within what it would have written. */
static void run_ahead(struct production *production)
{
    const struct answer *answer = &production->answer;
    int64_t tokens = answer_tokens_in(answer, production->event) + production->behaviour.ahead;
    if (answer->stream && production->behaviour.ahead > 0)
        bill_charge(production->sim->bill, &production->line,
                    (uint64_t)least(tokens, answer_tokens(answer)));
}

/* The client went away while it was served. */
static void cancel(struct production *production)
{
    struct sim *sim = production->sim;
    bool counts = production->phase != ENDED && production->billed;
    if (counts && !behaviour_fails(&production->behaviour))
        run_ahead(production);
    set_phase(production, ENDED);
    if (!counts || !bill_covers(sim->bill, &production->line))
        return;
    sim->cancelled++;
    sim->last_cancel_ns = production->left_ns != 0 ? production->left_ns : clock_wall_ns();
}

/* ---- other framings ---- */

static void on_raw_done(void *argument)
{
    struct production *production = argument;
    set_phase(production, ENDED);
    conn_abort(production->conn);
}

static void send_raw(struct production *production, int status, const struct reply_fields *fields,
                     struct span body, bool complete)
{
    enum framing framing = (enum framing)production->behaviour.framing;
    const struct raw_spec spec = {
        .loop = production->sim->loop,
        .peer = conn_peer(production->conn),
        .port = sim_port(production->sim),
        .piece = framing == FRAMING_BYTEWISE ? 1 : WHOLE_PIECE,
        .done = on_raw_done,
        .argument = production,
    };
    struct buf bytes;
    buf_init(&bytes, RAW_BYTES, 0);
    raw_write_reply(framing, status, fields, body, complete, &bytes);
    set_phase(production, RAW);
    production->raw = buf_failed(&bytes) ? NULL : raw_start(&spec, &bytes);
    buf_fini(&bytes);
    if (production->raw == NULL)
        on_raw_done(production);
}

/* Everything that has an end that is known now. */
static void send_complete(struct production *production, int status,
                          const struct reply_fields *fields, struct buf *body)
{
    if (production->behaviour.framing != FRAMING_HONEST) {
        send_raw(production, status, fields, buf_span(body), true);
        return;
    }
    set_phase(production, ENDED);
    reply_whole(production->conn, &production->sim->ids, status, fields, body);
    if (production->behaviour.closes)
        conn_close_after(production->conn);
}

/* ---- whole answers ---- */

static struct failure failure_of(const struct production *production)
{
    bool reports = production->billed && production->answer.shows_usage;
    return (struct failure){.behaviour = &production->behaviour,
                            .usage = reports ? &production->answer : NULL,
                            .authorization = production->authorization};
}

static const char *const paths[] = {
    [REQUEST_CHAT] = "/v1/chat/completions",
    [REQUEST_COMPLETION] = "/v1/completions",
    [REQUEST_EMBEDDING] = "/v1/embeddings",
};

static void send_failure(struct production *production)
{
    struct failure failure = failure_of(production);
    struct reply_fields fields;
    struct buf *out = sim_scratch(production->sim);
    char location[LOCATION_SIZE];
    /* Whoever follows it asks again, and that is on the bill. */
    snprintf(location, sizeof(location), "http://127.0.0.1:%u%s",
             (unsigned)sim_port(production->sim), paths[production->answer.kind]);
    failure.location = span_from_string(location);
    failure_write(&failure, &fields, out);
    send_complete(production, failure_status(&production->behaviour), &fields, out);
}

/* Chunked, so that the client cannot take the part for the whole. */
static void send_part(struct production *production, struct span part)
{
    const struct reply_fields fields = {.media_type = SPAN("application/json")};
    if (production->behaviour.framing != FRAMING_HONEST) {
        send_raw(production, 200, &fields, part, false);
        return;
    }
    reply_begin(production->conn, &production->sim->ids, 200, fields.media_type);
    conn_send(production->conn, part);
    fail(production);
}

static void send_whole(struct production *production)
{
    const struct reply_fields fields = {.media_type = SPAN("application/json")};
    struct buf *out = sim_scratch(production->sim);
    answer_write_whole(&production->answer, out);
    if (stop_at(production) < (int64_t)buf_len(out)) {
        send_part(production, span_make(buf_span(out).ptr, (size_t)stop_at(production)));
        return;
    }
    send_complete(production, 200, &fields, out);
}

/* ---- streams ---- */

static bool giant_is_next(const struct production *production)
{
    return production->giant > 0 && production->event == 1;
}

/* What belongs to no answer: it comes without gaps. */
static bool filler_is_next(const struct production *production)
{
    return production->comments > 0 || giant_is_next(production);
}

static bool has_more(const struct production *production)
{
    return production->event < production->end || filler_is_next(production);
}

/* One event, larger than memory if need be. */
static void write_giant(struct production *production, struct buf *out)
{
    size_t size = (size_t)least(production->giant, GIANT_PIECE);
    if (production->giant == production->behaviour.giant)
        answer_write_giant_start(&production->answer, out);
    char *room = buf_reserve(out, size);
    if (room != NULL) {
        memset(room, 'x', size);
        buf_commit(out, size);
    }
    production->giant -= (int64_t)size;
    if (production->giant == 0)
        answer_write_giant_end(&production->answer, out);
}

static void write_next(struct production *production, struct buf *out)
{
    if (production->comments > 0) {
        production->comments--;
        buf_append(out, SPAN(": SIMULATED PROCESSING"));
        buf_append(out, production->answer.line_end);
        buf_append(out, production->answer.line_end);
    } else if (giant_is_next(production)) {
        write_giant(production, out);
    } else {
        answer_write_event(&production->answer, production->event++, out);
    }
}

/* Sends one batch: a single event where they come with a gap. */
static void send_batch(struct production *production)
{
    const struct answer *answer = &production->answer;
    struct buf *out = sim_scratch(production->sim);
    bool batches = production->behaviour.gap_ms == 0 || filler_is_next(production);
    do {
        write_next(production, out);
    } while (batches && has_more(production) && buf_len(out) < BATCH_BYTES);
    /* First the bill, then the bytes: no client may know of tokens that the bill does not. */
    bill_charge(production->sim->bill, &production->line,
                (uint64_t)answer_tokens_in(answer, production->event));
    conn_send(production->conn, buf_span(out));
}

/* Whether the events end before the answer does: by an error event, or by a failure. */
static bool ends_in_error(const struct production *production)
{
    int64_t error_at = production->behaviour.error_at;
    return error_at == production->end && error_at < answer_events(&production->answer) &&
           error_at < stop_at(production);
}

static bool ends_in_failure(const struct production *production)
{
    return production->end == stop_at(production) &&
           production->end < answer_events(&production->answer);
}

static void write_error_event(struct production *production, struct buf *out)
{
    struct failure failure = failure_of(production);
    struct buf error;
    failure.usage = NULL;
    buf_init(&error, ERROR_BYTES, 0);
    failure_write_error(&failure, &error);
    answer_write_error_event(&production->answer, buf_span(&error), out);
    buf_fini(&error);
}

static void end_events(struct production *production)
{
    if (ends_in_error(production)) {
        struct buf *out = sim_scratch(production->sim);
        write_error_event(production, out);
        conn_send(production->conn, buf_span(out));
    } else if (ends_in_failure(production)) {
        fail(production);
        return;
    }
    set_phase(production, ENDED);
    conn_end(production->conn);
    if (production->behaviour.closes)
        conn_close_after(production->conn);
}

/* Goes on as far as the gap, a slow reader, a failure asked for or the end allow. */
static void send_events(struct production *production)
{
    while (has_more(production)) {
        send_batch(production);
        if (!has_more(production))
            break;
        if (conn_congested(production->conn))
            return;
        if (production->behaviour.gap_ms > 0 && !filler_is_next(production)) {
            timer_start(production->timer, production->behaviour.gap_ms);
            return;
        }
    }
    end_events(production);
}

static void begin_stream(struct production *production)
{
    const struct reply_fields fields = {.media_type = SPAN("text/event-stream; charset=utf-8")};
    if (production->behaviour.framing == FRAMING_HONEST) {
        set_phase(production, STREAMING);
        reply_begin(production->conn, &production->sim->ids, 200, fields.media_type);
        send_events(production);
        return;
    }
    struct buf *out = sim_scratch(production->sim);
    while (has_more(production))
        write_next(production, out);
    if (ends_in_error(production))
        write_error_event(production, out);
    bill_charge(production->sim->bill, &production->line,
                (uint64_t)answer_tokens_in(&production->answer, production->event));
    send_raw(production, 200, &fields, buf_span(out), !ends_in_failure(production));
}

static void begin(struct production *production)
{
    if (behaviour_fails(&production->behaviour)) {
        send_failure(production);
    } else if (stop_at(production) == 0) {
        fail(production);
    } else if (production->answer.stream) {
        begin_stream(production);
    } else {
        send_whole(production);
    }
}

static void on_timer(void *argument)
{
    struct production *production = argument;
    if (production->phase == WAITING) {
        begin(production);
    } else {
        send_events(production);
    }
}

/* ---- life ---- */

/* From here on it is billed, whatever becomes of the client. */
static void open_line(struct production *production, const struct request *request)
{
    struct sim *sim = production->sim;
    const struct answer *answer = &production->answer;
    bool streams = request->stream && !behaviour_fails(&production->behaviour);
    const struct bill_prompt prompt = {.all = (uint64_t)request->prompt,
                                       .cached = (uint64_t)request->cached,
                                       .written = (uint64_t)request->written};
    production->billed = true;
    bill_open_line(sim->bill, &production->line, request->model, &prompt);
    bill_charge(sim->bill, &production->line,
                (uint64_t)(streams ? answer_tokens_in(answer, 0) : answer_tokens(answer)));
    sim->open++;
}

static void plan(struct production *production, const struct request *request)
{
    struct behaviour *behaviour = &production->behaviour;
    *behaviour = request->behaviour;
    /* A whole answer has no events for an error to come between. */
    if (!request->stream && behaviour->error_at != BEHAVIOUR_NEVER)
        behaviour->substance = SUBSTANCE_ERROR;
    production->comments = behaviour->comments;
    production->giant = behaviour->giant;
    production->end =
        least(answer_events(&production->answer), least(stop_at(production), behaviour->error_at));
}

struct production *production_start(struct sim *sim, struct conn *conn,
                                    const struct request *request, const char *authorization)
{
    struct production *production = MEMORY_NEW(struct production);
    const struct behaviour *behaviour = &production->behaviour;
    production->sim = sim;
    production->conn = conn;
    answer_init(&production->answer, &sim->ids, request, clock_wall_ns() / NS_PER_S);
    plan(production, request);
    if (behaviour->echo)
        production->authorization = memory_string(authorization, strlen(authorization));
    if (!behaviour_fails(behaviour) || behaviour->billed)
        open_line(production, request);
    if (behaviour->ttft_ms > 0 || (request->stream && behaviour->gap_ms > 0))
        production->timer = timer_new(sim->loop, on_timer, production);
    if (behaviour->ttft_ms > 0) {
        timer_start(production->timer, behaviour->ttft_ms);
    } else {
        begin(production);
    }
    return production;
}

void production_free(struct production **address)
{
    struct production *production = *address;
    *address = NULL;
    if (production == NULL)
        return;
    raw_free(&production->raw);
    timer_free(&production->timer);
    answer_fini(&production->answer);
    free(production->authorization);
    free(production);
}

/* ---- the connection ---- */

void production_drain(struct production *production)
{
    bool timed = production->timer != NULL && timer_active(production->timer);
    if (production->phase == STREAMING && !timed)
        send_events(production);
}

/* Most likely it left; something harmless on the wire finds out. One that is silent has nothing to
 * say that would not be a lie, so it takes the hint. */
void production_half_close(struct production *production)
{
    production->left_ns = clock_wall_ns();
    if (production->phase == WAITING) {
        conn_send_interim(production->conn);
    } else if (production->phase == STREAMING) {
        conn_send(production->conn, SPAN(": still here\n\n"));
    } else if (production->phase == SILENT) {
        cancel(production);
        conn_abort(production->conn);
    }
}

void production_gone(struct production *production)
{
    cancel(production);
}
