/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection's life. This file alone changes its state, through set_state(), which checks each
 * move against the drawing in conn.h.
 *
 * Invariants: an exchange is told its end exactly once, by take_exchange(); while it has not been
 * told, the state is BODY or REPLY. `kept` holds bytes in REPLY only. A connection in any list of
 * its server is not CLOSED.
 */
#include "conn.h"

#include "base/assert.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIT(state) (1U << (state))

static const unsigned moves[] = {
    [CONN_HEAD] = BIT(CONN_BODY) | BIT(CONN_REPLY) | BIT(CONN_LINGER) | BIT(CONN_CLOSED),
    [CONN_BODY] = BIT(CONN_REPLY) | BIT(CONN_REST) | BIT(CONN_LINGER) | BIT(CONN_CLOSED),
    [CONN_REPLY] = BIT(CONN_HEAD) | BIT(CONN_LINGER) | BIT(CONN_CLOSED),
    [CONN_REST] = BIT(CONN_HEAD) | BIT(CONN_LINGER) | BIT(CONN_CLOSED),
    [CONN_LINGER] = BIT(CONN_CLOSED),
    [CONN_CLOSED] = 0,
};

/* Each state sets its own deadline after entering it, if it has one. */
static void set_state(struct conn *conn, enum conn_state state)
{
    ASSERT((moves[conn->state] & BIT(state)) != 0);
    conn->state = state;
    conn->read_deadline_ms = NO_DEADLINE;
}

/* next_deadline_ms only has to be low enough: what moves away is found out by the next walk. */
static void note_deadline(struct server *server, int64_t deadline_ms)
{
    if (deadline_ms < server->next_deadline_ms)
        server->next_deadline_ms = deadline_ms;
}

void conn_set_read_deadline(struct conn *conn, int64_t deadline_ms)
{
    conn->read_deadline_ms = deadline_ms;
    note_deadline(conn->server, deadline_ms);
}

void conn_set_send_deadline(struct conn *conn, int64_t deadline_ms)
{
    conn->send_deadline_ms = deadline_ms;
    note_deadline(conn->server, deadline_ms);
}

void conn_touch(struct conn *conn)
{
    if (list_empty(&conn->touched_link))
        list_append(&conn->server->touched, &conn->touched_link);
    loop_defer(conn->server->loop, &conn->server->turn);
}

/* Who takes it owes it its last callback; nobody else can then give a second one. */
static void *take_exchange(struct conn *conn)
{
    void *exchange = conn->exchange;
    conn->exchange = NULL;
    list_remove(&conn->watched_link);
    return exchange;
}

/* ---- birth ---- */

static void write_peer(char *out, const struct sockaddr_storage *address)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)address;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
        snprintf(out, PEER_BYTES, "[%s]:%u", host, (unsigned)ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (const void *)address;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
        snprintf(out, PEER_BYTES, "%s:%u", host, (unsigned)ntohs(four->sin_port));
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *conn = LIST_ITEM(handle, struct conn, tcp);
    request_reader_free(&conn->reader);
    tls_stream_free(&conn->tls);
    bufq_fini(&conn->queue);
    buf_fini(&conn->kept);
    free(conn);
}

struct conn *conn_new(struct server *server, int fd, const struct sockaddr_storage *address,
                      bool refused)
{
    struct conn *conn = MEMORY_NEW(struct conn);
    conn->server = server;
    conn->refused = refused;
    conn->send_deadline_ms = NO_DEADLINE;
    conn->head_begun = true;
    list_init(&conn->link);
    list_init(&conn->touched_link);
    list_init(&conn->watched_link);
    bufq_init(&conn->queue, QUEUE_BYTES);
    buf_init(&conn->kept, READ_BYTES + TLS_RECORD_BYTES, 0);
    write_peer(conn->peer, address);
    uv_tcp_init(loop_uv(server->loop), &conn->tcp);
    if (server->tls != NULL)
        conn->tls = tls_stream_new(server->tls, &conn->queue);
    bool unsealed = server->tls != NULL && conn->tls == NULL; /* no memory */
    if (unsealed || uv_tcp_open(&conn->tcp, fd) != 0) {
        close(fd);
        uv_close((uv_handle_t *)&conn->tcp, on_closed);
        return NULL;
    }
    if (!refused)
        conn->reader = request_reader_new(&conn_request_events, conn);
    list_append(&server->conns, &conn->link);
    server->count++;
    server->refused += refused;
    conn_set_read_deadline(conn, loop_now_ms(server->loop) + server->settings.head_timeout_ms);
    conn_start_reading(conn);
    sweep_arrange(server);
    return conn;
}

/* ---- what is read ---- */

void conn_head_came(struct conn *conn, const struct request_head *head)
{
    struct server *server = conn->server;
    set_state(conn, CONN_BODY);
    conn->answer = ANSWER_NONE;
    conn->body_left = head->content_length;
    conn->expects_continue = head->expects_continue;
    conn->head_method = span_equal(head->method, SPAN("HEAD"));
    conn->old_client = head->minor_version == 0;
    conn->last = !head->keep_alive;
    conn_set_read_deadline(conn, loop_now_ms(server->loop) + server->settings.body_timeout_ms);
    /* The handler may reply, or abort, in here: nothing of that needs the exchange before the turn. */
    conn->exchange = server->handler.on_head(server->context, conn, head);
    ASSERT(conn->exchange != NULL);
}

static void await_head(struct conn *conn)
{
    struct server *server = conn->server;
    set_state(conn, CONN_HEAD);
    conn->head_begun = false;
    conn_set_read_deadline(conn, loop_now_ms(server->loop) + server->settings.idle_timeout_ms);
    request_reader_trim(conn->reader);
}

/* A reply that has ended made the handler deaf to the rest of its body. */
void conn_message_ended(struct conn *conn)
{
    if (conn->state == CONN_REST) {
        await_head(conn);
        return;
    }
    set_state(conn, CONN_REPLY);
    if (conn->answer != ANSWER_ENDED)
        conn->server->handler.on_body_end(conn->exchange);
}

void conn_body_failed(struct conn *conn, enum err err)
{
    conn->read_deadline_ms = NO_DEADLINE;
    conn->deaf = true;
    conn->last = true;
    if (conn->answer != ANSWER_ENDED)
        conn->server->handler.on_body_error(conn->exchange, err);
}

void conn_refuse(struct conn *conn, enum err err)
{
    static const struct header json = {{"Content-Type", 12}, {"application/json", 16}};
    struct buf body;
    /* Without an exchange, the turn finds a reply that is out and nobody to tell. */
    set_state(conn, CONN_REPLY);
    conn->answer = ANSWER_NONE;
    conn->head_method = false;
    conn->deaf = true;
    conn->last = true;
    buf_init(&body, 1024, 0);
    refuse_write_body(&body, err);
    conn_reply(conn, err_info(err)->status, &json, 1, &body);
    buf_fini(&body);
    conn->server->handler.on_refused(conn->server->context, err);
}

/* ---- the ends ---- */

/* Closing a socket that holds unread bytes sends a reset, which makes the client's kernel drop the
 * reply that its program has not read yet. So our side is shut first. */
void conn_linger(struct conn *conn)
{
    uv_os_fd_t fd;
    if (conn->tls != NULL)
        conn_tls_end(conn);
    if (conn->eof || uv_fileno((uv_handle_t *)&conn->tcp, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
        conn_close(conn);
        return;
    }
    set_state(conn, CONN_LINGER);
    buf_fini(&conn->kept);
    conn_set_read_deadline(conn, loop_now_ms(conn->server->loop) + LINGER_MS);
    if (!conn->reading && conn->dropped < DROP_BYTES)
        conn_start_reading(conn);
}

/* The reply is out: what becomes of the connection, and only then the exchange is told. */
static void finish_exchange(struct conn *conn)
{
    const struct server *server = conn->server;
    void *exchange = take_exchange(conn);
    int64_t body_deadline_ms = conn->read_deadline_ms;
    bool last = conn->last || server->draining;
    if (last) {
        conn_linger(conn);
    } else if (conn->state == CONN_REPLY) {
        await_head(conn);
    } else {
        set_state(conn, CONN_REST);
        conn_set_read_deadline(conn, body_deadline_ms);
    }
    if (exchange != NULL)
        server->handler.on_sent(exchange);
}

/* From here on the server, which may be freed next, is not looked at by any callback of libuv. */
static void leave_server(struct conn *conn)
{
    struct server *server = conn->server;
    list_remove(&conn->link);
    list_remove(&conn->touched_link);
    server->count--;
    server->refused -= conn->refused;
    if (server->draining)
        loop_defer(server->loop, &server->turn);
    sweep_arrange(server);
}

void conn_close(struct conn *conn)
{
    const struct server_handler *handler = &conn->server->handler;
    /* An exchange that has not been told its end is cut, which the client shall see. */
    if (conn->tls != NULL && conn->exchange == NULL && conn->ending == ENDING_NONE)
        conn_tls_end(conn);
    void *exchange = take_exchange(conn);
    /* A body that ends with the connection must not look complete: a reset says so. */
    bool cut = exchange != NULL && conn->answer != ANSWER_NONE && conn->framing == FRAMING_CLOSE;
    set_state(conn, CONN_CLOSED);
    conn->reading = false;
    leave_server(conn);
    if (!cut || uv_tcp_close_reset(&conn->tcp, on_closed) != 0)
        uv_close((uv_handle_t *)&conn->tcp, on_closed);
    if (exchange == NULL)
        return;
    if (conn->ending == ENDING_ABORTED) {
        handler->on_sent(exchange);
    } else {
        handler->on_gone(exchange);
    }
}

/* ---- the end of a turn ---- */

/* Only a reply that goes on cares: the end of one that has ended is told by on_sent. */
static void tell_drained(struct conn *conn)
{
    size_t len = bufq_len(&conn->queue);
    if (!conn->congested || (len > 0 && len >= conn->server->settings.queue_low))
        return;
    conn->congested = false;
    if (conn->answer == ANSWER_OPEN)
        conn->server->handler.on_drain(conn->exchange);
}

/* The last reply of a connection with TLS goes on with the word that it was the last; that it
 * cannot be said any more does not unsay the reply. */
static bool reply_is_out(struct conn *conn)
{
    if (!conn_all_written(conn))
        return false;
    if (conn->tls != NULL && (conn->last || conn->server->draining))
        conn_tls_end(conn);
    return conn_all_written(conn) || conn->ending == ENDING_BROKEN;
}

void conn_advance(struct conn *conn)
{
    conn_flush(conn);
    if (conn->ending != ENDING_NONE) {
        conn_close(conn);
        return;
    }
    tell_drained(conn);
    /* What on_drain has sent is in the queue, and keeps the reply from being taken for complete. */
    bool owes = conn->state == CONN_BODY || conn->state == CONN_REPLY;
    if (owes && conn->answer == ANSWER_ENDED && reply_is_out(conn))
        finish_exchange(conn);
    if (conn->state == CONN_HEAD)
        conn_read_kept(conn);
}
