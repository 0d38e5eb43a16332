/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a connection and its TLS stream. What comes is opened here, record by record, and handed on
 * as if it had come so; what is sent is sealed by conn_write.c. What the stream has to say by itself
 * (handshake, alerts, answers to key updates) goes into the same queue.
 */
#include "conn.h"

void conn_tls_end(struct conn *conn)
{
    if (!conn_all_written(conn))
        return;
    tls_stream_end(conn->tls);
    conn_flush(conn);
}

/* Lingering lets the client read the alert that tells it why. */
static void fail(struct conn *conn)
{
    const struct server *server = conn->server;
    bool shaking = !tls_stream_ready(conn->tls);
    conn_flush(conn);
    if (conn->state == CONN_HEAD && conn_all_written(conn))
        conn_linger(conn);
    else
        conn_close(conn);
    if (shaking)
        server->handler.on_refused(server->context, ERR_MALFORMED_HTTP);
}

/* Whoever speaks plain HTTP here can read a plain answer. */
static void answer_plainly(struct conn *conn)
{
    tls_stream_free(&conn->tls);
    conn_refuse(conn, ERR_MALFORMED_HTTP);
}

/* Returns why the stream has no more bytes for us; TLS_BYTES: we have no more use for them. */
static enum tls_event open_records(struct conn *conn, struct span *bytes)
{
    char *plain = conn->server->plain_buffer;
    while (conn->state != CONN_LINGER && conn->state != CONN_CLOSED) {
        size_t len = 0;
        enum tls_event event = tls_stream_read(conn->tls, bytes, plain, PLAIN_BYTES, &len);
        if (event != TLS_BYTES)
            return event;
        conn_take_bytes(conn, span_make(plain, len));
    }
    return TLS_BYTES;
}

void conn_tls_read(struct conn *conn, struct span bytes)
{
    switch (open_records(conn, &bytes)) {
    case TLS_MORE:
    case TLS_BYTES:
        break;
    case TLS_END:
        conn_take_eof(conn);
        return;
    case TLS_PLAIN:
        answer_plainly(conn);
        break;
    case TLS_FAILED:
        fail(conn);
        return;
    }
    if (bytes.len > 0 && conn->state != CONN_CLOSED)
        conn_take_bytes(conn, bytes); /* drops them */
    if (bufq_len(&conn->queue) > 0)
        conn_touch(conn);
}
