/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in. The reader is fed up to the end of one message; what a client sends beyond it is kept
 * until the reply is out, at most READ_BYTES, then reading stops. The turn feeds it, so a thousand
 * pipelined requests are a thousand turns, not a thousand frames.
 *
 * A connection that owes a reply and is not read (its client shut its side, or sends too much) is
 * watched by the sweep, because a reset would otherwise be heard of only by the next write.
 */
#include "conn.h"

/* A body may come slowly, but each byte buys only this much time beyond the body timeout; else a
 * byte a second would keep a connection for ever. */
#define BODY_BYTES_PER_S 512

static void watch(struct conn *conn)
{
    if (conn->exchange == NULL)
        return;
    list_remove(&conn->watched_link);
    list_append(&conn->server->watched, &conn->watched_link);
    sweep_arrange(conn->server);
}

static void stop_reading(struct conn *conn)
{
    uv_read_stop((uv_stream_t *)&conn->tcp);
    conn->reading = false;
    watch(conn);
}

/* ---- the reader's events ---- */

/* Else the rest of the input means nothing to us. */
static bool hears(const struct conn *conn)
{
    return !conn->deaf && conn->ending == ENDING_NONE;
}

static bool on_head(void *argument, const struct request_head *head)
{
    struct conn *conn = argument;
    conn_head_came(conn, head);
    return hears(conn);
}

static void on_body(void *argument, struct span bytes)
{
    struct conn *conn = argument;
    struct server *server = conn->server;
    int64_t most_ms = loop_now_ms(server->loop) + server->settings.body_timeout_ms;
    int64_t bought_ms = conn->read_deadline_ms + (int64_t)bytes.len * 1000 / BODY_BYTES_PER_S;
    conn_set_read_deadline(conn, bought_ms < most_ms ? bought_ms : most_ms);
    conn->expects_continue = false;
    if (conn->body_left >= 0)
        conn->body_left -= (int64_t)bytes.len;
    /* After a callback that made us deaf the reader may still hold bytes for us. */
    if (conn->state == CONN_BODY && conn->answer != ANSWER_ENDED && hears(conn))
        server->handler.on_body(conn->exchange, bytes);
}

static void on_end(void *argument)
{
    struct conn *conn = argument;
    if (hears(conn))
        conn_message_ended(conn);
}

const struct request_events conn_request_events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
};

/* ---- feeding ---- */

static void fail(struct conn *conn, enum err err)
{
    switch (conn->state) {
    case CONN_HEAD:
        conn_refuse(conn, err);
        break;
    case CONN_BODY:
        conn_body_failed(conn, err);
        break;
    default: /* REST: the reply is out, nobody is to be told */
        conn_linger(conn);
        break;
    }
}

static bool reads_message(const struct conn *conn)
{
    return hears(conn) &&
           (conn->state == CONN_HEAD || conn->state == CONN_BODY || conn->state == CONN_REST);
}

/* Returns what the reader did not take. */
static struct span feed(struct conn *conn, struct span bytes)
{
    while (bytes.len > 0 && reads_message(conn)) {
        size_t consumed = 0;
        enum err err = request_reader_feed(conn->reader, bytes, &consumed);
        bytes = span_from(bytes, consumed);
        if (err != ERR_NONE) {
            fail(conn, err);
            break;
        }
    }
    /* The clock of a head starts with its first byte and is not wound up again. */
    if (conn->state == CONN_HEAD && !conn->head_begun && !request_reader_idle(conn->reader)) {
        conn->head_begun = true;
        conn_set_read_deadline(conn, loop_now_ms(conn->server->loop) +
                                         conn->server->settings.head_timeout_ms);
    }
    return bytes;
}

/* Reading and dropping lets a client that writes before it reads get to our answer, but not for
 * ever: then its own socket fills up. */
static void drop(struct conn *conn, size_t size)
{
    conn->dropped += size;
    if (conn->dropped >= DROP_BYTES && conn->reading)
        stop_reading(conn);
}

static void keep(struct conn *conn, struct span bytes)
{
    if (!buf_append(&conn->kept, bytes)) {
        conn->ending = ENDING_BROKEN; /* no memory */
        conn_touch(conn);
        return;
    }
    if (buf_len(&conn->kept) >= READ_BYTES)
        stop_reading(conn);
}

/* The client has shut its side and all that it sent has been fed. */
void conn_take_eof(struct conn *conn)
{
    if (conn->reading)
        uv_read_stop((uv_stream_t *)&conn->tcp);
    conn->eof = true;
    conn->reading = false;
    bool replying = conn->state == CONN_REPLY ||
                    (conn->state == CONN_BODY && (conn->deaf || conn->answer == ANSWER_ENDED));
    if (!replying) {
        conn_close(conn); /* idle, or in the middle of a message */
        return;
    }
    if (buf_len(&conn->kept) == 0)
        conn->last = true;
    watch(conn);
    if (conn->exchange != NULL && conn->answer != ANSWER_ENDED && conn->ending == ENDING_NONE)
        conn->server->handler.on_half_close(conn->exchange);
}

void conn_read_kept(struct conn *conn)
{
    size_t len = buf_len(&conn->kept);
    if (len > 0) {
        struct span rest = feed(conn, buf_span(&conn->kept));
        buf_consume(&conn->kept, len - rest.len);
        if (rest.len == 0 || !hears(conn))
            buf_fini(&conn->kept);
        if (conn->eof)
            conn_take_eof(conn);
    }
    if (conn->reading || conn->eof || conn->state == CONN_CLOSED)
        return;
    if (buf_len(&conn->kept) < READ_BYTES)
        conn_start_reading(conn);
    else
        watch(conn);
}

/* ---- libuv ---- */

void conn_take_bytes(struct conn *conn, struct span bytes)
{
    struct span rest = conn->state == CONN_LINGER ? bytes : feed(conn, bytes);
    if (rest.len == 0)
        return;
    if (conn->state == CONN_REPLY && hears(conn) && !conn->last) {
        keep(conn, rest);
    } else {
        drop(conn, rest.len);
    }
}

/* One buffer for all: what is to outlive the read is copied. Never more than `kept` can take (but
 * for a TLS record that was waiting for its end, for which there is room too). */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct conn *conn = LIST_ITEM(handle, struct conn, tcp);
    (void)suggested;
    out->base = conn->server->read_buffer;
    out->len = READ_BYTES - buf_len(&conn->kept);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct conn *conn = LIST_ITEM(stream, struct conn, tcp);
    struct span bytes = span_make(buffer->base, size > 0 ? (size_t)size : 0);
    if (size > 0 && conn->tls == NULL) {
        conn_take_bytes(conn, bytes);
    } else if (size > 0) {
        conn_tls_read(conn, bytes);
    } else if (size == UV_EOF && conn->tls == NULL) {
        conn_take_eof(conn);
    } else if (size < 0) {
        conn_close(conn); /* with TLS also at an end that no close_notify has told: a cut */
    }
}

void conn_start_reading(struct conn *conn)
{
    list_remove(&conn->watched_link);
    conn->reading = uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) == 0;
    sweep_arrange(conn->server);
}
