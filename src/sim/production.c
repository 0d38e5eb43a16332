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
#include "loop/timer.h"
#include "net/server.h"

#include <stdlib.h>

#define BATCH_BYTES ((size_t)16 * 1024)

enum phase { WAITING, STREAMING, SILENT, ENDED };

struct production {
    struct sim *sim;
    struct conn *conn;
    struct timer *timer; /* NULL: neither ttft nor gap, and never a timer an event */
    struct answer answer;
    struct bill_line line;
    enum phase phase;
    int64_t status; /* 0, or the error to answer with: it is not billed */
    int64_t gap_ms;
    int64_t cut_at;
    int64_t stall_at;
    int64_t event;   /* the next one */
    int64_t left_ns; /* wall time at which the client shut its side; 0 */
};

static void set_phase(struct production *production, enum phase phase)
{
    if (phase == ENDED && production->phase != ENDED && production->status == 0)
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

/* Where the model's name has it fail. */
static void fail(struct production *production)
{
    if (production->cut_at > production->stall_at) {
        set_phase(production, SILENT);
        return;
    }
    set_phase(production, ENDED);
    conn_abort(production->conn);
}

/* The client went away while it was served. */
static void cancel(struct production *production)
{
    struct sim *sim = production->sim;
    bool counts = production->phase != ENDED && production->status == 0 &&
                  bill_covers(sim->bill, &production->line);
    set_phase(production, ENDED);
    if (!counts)
        return;
    sim->cancelled++;
    sim->last_cancel_ns = production->left_ns != 0 ? production->left_ns : clock_wall_ns();
}

/* ---- whole answers ---- */

static void send_error(struct production *production)
{
    struct refusal refusal;
    refusal_set(&refusal, (int)production->status, "The model's name asked for this error.");
    set_phase(production, ENDED);
    reply_refusal(production->conn, &production->sim->ids, &refusal);
}

/* Chunked, so that the client cannot take the part for the whole. */
static void send_part(struct production *production, struct span part)
{
    reply_begin(production->conn, &production->sim->ids, SPAN("application/json"));
    conn_send(production->conn, part);
    fail(production);
}

static void send_whole(struct production *production)
{
    struct sim *sim = production->sim;
    struct buf *out = sim_scratch(sim);
    int64_t stop_at = least(production->cut_at, production->stall_at);
    answer_write_whole(&production->answer, out);
    if (stop_at < (int64_t)buf_len(out)) {
        send_part(production, span_make(buf_span(out).ptr, (size_t)stop_at));
        return;
    }
    set_phase(production, ENDED);
    reply_json(production->conn, &sim->ids, 200, out);
}

/* ---- streams ---- */

/* Sends one batch of events before `end`: a single one where they come with a gap. */
static void send_batch(struct production *production, int64_t end)
{
    const struct answer *answer = &production->answer;
    struct buf *out = sim_scratch(production->sim);
    do {
        answer_write_event(answer, production->event++, out);
    } while (production->gap_ms == 0 && production->event < end && buf_len(out) < BATCH_BYTES);
    /* First the bill, then the bytes: no client may know of tokens that the bill does not. */
    bill_charge(production->sim->bill, &production->line,
                (uint64_t)answer_tokens_in(answer, production->event));
    conn_send(production->conn, buf_span(out));
}

/* Goes on as far as the gap, a slow reader, a failure asked for or the end allow. */
static void send_events(struct production *production)
{
    int64_t events = answer_events(&production->answer);
    int64_t end = least(events, least(production->cut_at, production->stall_at));
    do {
        send_batch(production, end);
    } while (production->gap_ms == 0 && production->event < end &&
             !conn_congested(production->conn));
    if (production->event < end) {
        if (production->gap_ms > 0 && !conn_congested(production->conn))
            timer_start(production->timer, production->gap_ms);
    } else if (end < events) {
        fail(production);
    } else {
        set_phase(production, ENDED);
        conn_end(production->conn);
    }
}

static void begin(struct production *production)
{
    if (production->status != 0) {
        send_error(production);
    } else if (least(production->cut_at, production->stall_at) == 0) {
        fail(production);
    } else if (production->answer.stream) {
        set_phase(production, STREAMING);
        reply_begin(production->conn, &production->sim->ids,
                    SPAN("text/event-stream; charset=utf-8"));
        send_events(production);
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
static void open_line(struct production *production, const struct chat_request *request)
{
    struct sim *sim = production->sim;
    bill_open_line(sim->bill, &production->line, request->model, (uint64_t)request->prompt,
                   (uint64_t)request->cached);
    if (!request->stream)
        bill_charge(sim->bill, &production->line, (uint64_t)answer_tokens(&production->answer));
    sim->open++;
}

struct production *production_start(struct sim *sim, struct conn *conn,
                                    const struct chat_request *request)
{
    const struct behaviour *behaviour = &request->behaviour;
    struct production *production = MEMORY_NEW(struct production);
    production->sim = sim;
    production->conn = conn;
    production->status = behaviour->status;
    production->gap_ms = behaviour->gap_ms;
    production->cut_at = behaviour->cut_at;
    production->stall_at = behaviour->stall_at;
    answer_init(&production->answer, &sim->ids, request, clock_wall_ns() / NS_PER_S);
    if (behaviour->status == 0)
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
    timer_free(&production->timer);
    answer_fini(&production->answer);
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
