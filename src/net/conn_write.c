/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reply. All of it is put into the queue and leaves at the end of the turn, so that what the
 * sender does in the same turn (settle, record) is done before a client reads it. What the kernel does not take stays in the queue while libuv
 * writes its front: nothing is consumed before that write is done.
 *
 *   queue  [ being written by libuv | waiting ................ ]   <- conn_send appends
 *
 * With TLS bytes are sealed on their way into the queue, and all of them take that way.
 */
#include "conn.h"

#include "base/assert.h"
#include "wire/reply_writer.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#define SCRATCH_KEEP ((size_t)32 * 1024)
#define TRY_SPANS    16 /* of 16 KiB each */
#define WRITE_SPANS  4  /* as many as libuv holds without malloc */

/* Found out below a handler's call as often as not, so that the turn has to tell. */
static void break_off(struct conn *conn)
{
    if (conn->ending == ENDING_NONE)
        conn->ending = ENDING_BROKEN;
    conn_touch(conn);
}

/* One for all connections: its contents go into a queue or the kernel before anyone else writes. */
static struct buf *scratch(struct conn *conn)
{
    struct buf *out = &conn->server->scratch;
    buf_reset(out, SCRATCH_KEEP);
    return out;
}

/* ---- out of the queue ---- */

static unsigned front_buffers(const struct conn *conn, uv_buf_t *buffers, size_t max)
{
    struct span spans[TRY_SPANS];
    size_t count = bufq_fronts(&conn->queue, spans, max);
    for (size_t i = 0; i < count; i++)
        buffers[i] = (uv_buf_t){.base = (char *)spans[i].ptr, .len = spans[i].len};
    return (unsigned)count;
}

/* How many bytes the kernel took; 0 also when the connection is broken. */
static size_t try_write(struct conn *conn, const uv_buf_t *buffers, unsigned count)
{
    int written = uv_try_write((uv_stream_t *)&conn->tcp, buffers, count);
    if (written >= 0)
        return (size_t)written;
    if (written != UV_EAGAIN)
        break_off(conn);
    return 0;
}

/* The kernel's part counts: it holds megabytes and tells of new room in large steps only, so that a
 * client which reads slowly but steadily would look dead. */
static size_t unacknowledged(const struct conn *conn)
{
    int in_kernel = 0;
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)&conn->tcp, &fd) == 0)
        ioctl(fd, SIOCOUTQ, &in_kernel);
    return uv_stream_get_write_queue_size((const uv_stream_t *)&conn->tcp) + (size_t)in_kernel;
}

void conn_await_progress(struct conn *conn)
{
    conn->write_left = unacknowledged(conn);
    conn_set_send_deadline(conn, loop_now_ms(conn->server->loop) +
                                     conn->server->settings.send_timeout_ms);
}

bool conn_made_progress(const struct conn *conn)
{
    return unacknowledged(conn) != conn->write_left;
}

static void on_written(uv_write_t *request, int status)
{
    struct conn *conn = LIST_ITEM(request, struct conn, write);
    if (conn->state == CONN_CLOSED)
        return; /* cancelled; the server may be gone */
    conn->writing = false;
    conn->send_deadline_ms = NO_DEADLINE;
    if (status < 0) {
        break_off(conn);
        return;
    }
    bufq_consume(&conn->queue, conn->write_size);
    conn_advance(conn);
}

static void start_writing(struct conn *conn)
{
    uv_buf_t buffers[WRITE_SPANS];
    unsigned count = front_buffers(conn, buffers, WRITE_SPANS);
    uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
    conn->write_size = 0;
    for (unsigned i = 0; i < count; i++)
        conn->write_size += buffers[i].len;
    if (uv_write(&conn->write, stream, buffers, count, on_written) != 0) {
        break_off(conn);
        return;
    }
    conn->writing = true;
    conn_await_progress(conn);
}

/* Trying first spares a fast reader's turn the round through libuv's own queue and callback. */
void conn_flush(struct conn *conn)
{
    uv_buf_t buffers[TRY_SPANS];
    while (!conn_all_written(conn) && !conn->writing && conn->ending != ENDING_BROKEN) {
        size_t offered = 0;
        unsigned count = front_buffers(conn, buffers, TRY_SPANS);
        for (unsigned i = 0; i < count; i++)
            offered += buffers[i].len;
        size_t taken = try_write(conn, buffers, count);
        bufq_consume(&conn->queue, taken);
        if (taken < offered && conn->ending == ENDING_NONE)
            start_writing(conn);
        if (taken < offered)
            return;
    }
}

/* ---- into the queue ---- */

static void enqueue(struct conn *conn, struct span bytes)
{
    bool taken =
        conn->tls == NULL ? bufq_push(&conn->queue, bytes) : tls_stream_write(conn->tls, bytes);
    if (!taken)
        break_off(conn); /* no memory, or the sender does not heed conn_congested() */
    if (bufq_len(&conn->queue) >= conn->server->settings.queue_high)
        conn->congested = true;
    conn_touch(conn);
}

static void enqueue_scratch(struct conn *conn)
{
    struct buf *out = &conn->server->scratch;
    if (buf_failed(out)) {
        break_off(conn); /* no memory */
    } else {
        enqueue(conn, buf_span(out));
    }
}

/* ---- the reply ---- */

/* False when the connection is at its end already, and nobody needs the reply any more. */
static bool takes_reply(const struct conn *conn)
{
    ASSERT(conn->state == CONN_BODY || conn->state == CONN_REPLY);
    return conn->ending == ENDING_NONE;
}

/* Whether what is left of the body is worth reading for the sake of the next request. A client that
 * still waits for "100 Continue" may or may not send it: nobody can tell where a next one begins. */
static bool rest_is_small(const struct conn *conn)
{
    return conn->state == CONN_REPLY || conn->body_left == 0 ||
           (conn->body_left > 0 && conn->body_left <= REST_BYTES && !conn->expects_continue);
}

/* Decided when the head is written, as the client is told; later reasons only close sooner. */
static bool stays_open(struct conn *conn)
{
    bool eof = conn->eof && buf_len(&conn->kept) == 0;
    if (conn->server->draining || eof || !rest_is_small(conn))
        conn->last = true;
    return !conn->last;
}

/* Nobody will want the rest of a body on a connection that ends: it is not even parsed. */
static void end_answer(struct conn *conn)
{
    conn->answer = ANSWER_ENDED;
    if (conn->state == CONN_BODY && conn->last && conn->body_left != 0)
        conn->deaf = true;
    conn_touch(conn);
}

static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

void conn_reply(struct conn *conn, int status, const struct header *fields, size_t count,
                struct buf *body)
{
    if (!takes_reply(conn))
        return;
    ASSERT(conn->answer == ANSWER_NONE);
    struct buf *head = scratch(conn);
    bool bare = has_no_body(status);
    size_t len = body != NULL ? buf_len(body) : 0;
    conn->framing = bare ? FRAMING_NO_BODY : FRAMING_LENGTH;
    reply_write_head(head, status, server_date(conn->server), fields, count,
                     bare ? REPLY_NO_BODY : REPLY_LENGTH, len, stays_open(conn));
    if (buf_failed(head)) {
        break_off(conn); /* no memory */
    } else {
        enqueue(conn, buf_span(head));
        if (!bare && !conn->head_method && len > 0)
            enqueue(conn, buf_span(body));
    }
    end_answer(conn);
}

static enum conn_framing choose_framing(const struct conn *conn, int status)
{
    if (has_no_body(status))
        return FRAMING_NO_BODY;
    return conn->old_client ? FRAMING_CLOSE : FRAMING_CHUNKED;
}

void conn_begin(struct conn *conn, int status, const struct header *fields, size_t count)
{
    if (!takes_reply(conn))
        return;
    ASSERT(conn->answer == ANSWER_NONE);
    conn->framing = choose_framing(conn, status);
    conn->answer = ANSWER_OPEN;
    /* REPLY_NO_BODY writes no framing field, which is also right for "until close". */
    reply_write_head(scratch(conn), status, server_date(conn->server), fields, count,
                     conn->framing == FRAMING_CHUNKED ? REPLY_CHUNKED : REPLY_NO_BODY, 0,
                     stays_open(conn));
    enqueue_scratch(conn);
}

void conn_send(struct conn *conn, struct span bytes)
{
    if (!takes_reply(conn))
        return;
    ASSERT(conn->answer == ANSWER_OPEN);
    if (conn->head_method || conn->framing == FRAMING_NO_BODY)
        return;
    if (conn->framing == FRAMING_CHUNKED) {
        reply_write_chunk(scratch(conn), bytes);
        enqueue_scratch(conn);
    } else {
        enqueue(conn, bytes);
    }
}

void conn_end(struct conn *conn)
{
    if (!takes_reply(conn))
        return;
    ASSERT(conn->answer == ANSWER_OPEN);
    if (conn->framing == FRAMING_CHUNKED && !conn->head_method) {
        reply_write_last_chunk(scratch(conn));
        enqueue_scratch(conn);
    }
    end_answer(conn);
}

void conn_send_interim(struct conn *conn)
{
    if (!takes_reply(conn) || conn->answer != ANSWER_NONE || conn->old_client)
        return;
    reply_write_head(scratch(conn), 102, SPAN_NONE, NULL, 0, REPLY_NO_BODY, 0, true);
    enqueue_scratch(conn);
}

void conn_send_continue(struct conn *conn)
{
    if (!takes_reply(conn) || conn->answer != ANSWER_NONE || !conn->expects_continue)
        return;
    conn->expects_continue = false;
    reply_write_continue(scratch(conn));
    enqueue_scratch(conn);
}

void conn_abort(struct conn *conn)
{
    if (!takes_reply(conn))
        return;
    conn->ending = ENDING_ABORTED;
    conn_touch(conn);
}

void conn_cut(struct conn *conn)
{
    if (!takes_reply(conn))
        return;
    ASSERT(conn->answer == ANSWER_OPEN);
    /* Without chunks only a reset tells a broken end from a good one, and it overtakes the queue. */
    if (conn->framing != FRAMING_CHUNKED) {
        conn_abort(conn);
        return;
    }
    conn->last = true;
    end_answer(conn);
}

size_t conn_queued(const struct conn *conn)
{
    return bufq_len(&conn->queue);
}

bool conn_congested(const struct conn *conn)
{
    return conn->congested;
}

void conn_close_after(struct conn *conn)
{
    conn->last = true;
}

const char *conn_peer(const struct conn *conn)
{
    return conn->peer;
}
