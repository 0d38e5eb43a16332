/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coarse timer: one a server, running only while there is something to look after. Deadlines
 * are fields of the connections; next_deadline_ms is a lower bound of them all, so that most ticks
 * look at one number. Deadlines that moved away leave the bound too low, which costs one walk.
 *
 * Watched connections are looked at in every tick: nobody reads them, so that only the state of
 * the socket itself tells that a client, which may have shut no more than its sending side, has gone.
 */
#include "conn.h"

#include "base/assert.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define PERIOD_MS       100
#define WATCH_PERIOD_MS 20

static int64_t choose_period(const struct server *server)
{
    if (!list_empty(&server->watched))
        return WATCH_PERIOD_MS;
    return server->count > 0 || server->listener.starved ? PERIOD_MS : 0;
}

void sweep_arrange(struct server *server)
{
    int64_t period_ms = choose_period(server);
    if (period_ms == server->period_ms)
        return;
    server->period_ms = period_ms;
    if (period_ms > 0) {
        timer_start_every(server->timer, period_ms);
    } else {
        timer_stop(server->timer);
    }
}

static bool peer_is_gone(const struct conn *conn)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)&conn->tcp, &fd) != 0 ||
        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return true;
    return info.tcpi_state == TCP_CLOSE;
}

/* A slow reader that took at least something since the deadline was set gets another one. */
static bool send_is_late(struct conn *conn, int64_t now_ms)
{
    if (now_ms < conn->send_deadline_ms)
        return false;
    if (!conn_made_progress(conn))
        return true;
    conn_await_progress(conn);
    return false;
}

static void read_is_late(struct conn *conn)
{
    bool silent =
        conn->state == CONN_HEAD && conn->server->draining && request_reader_idle(conn->reader);
    if (conn->state == CONN_BODY) {
        conn_body_failed(conn, ERR_BODY_TIMEOUT);
    } else if (conn->state == CONN_HEAD && conn->head_begun && !silent) {
        conn_refuse(conn, ERR_HEAD_TIMEOUT);
    } else {
        conn_close(conn);
    }
}

static void expire(struct server *server, int64_t now_ms)
{
    server->next_deadline_ms = NO_DEADLINE;
    LIST_FOR_EACH (link, &server->conns) {
        struct conn *conn = LIST_ITEM(link, struct conn, link);
        if (send_is_late(conn, now_ms)) {
            conn_close(conn);
            continue;
        }
        if (conn->read_deadline_ms <= now_ms)
            read_is_late(conn);
        if (conn->state == CONN_CLOSED)
            continue;
        conn_set_read_deadline(conn, conn->read_deadline_ms);
        conn_set_send_deadline(conn, conn->send_deadline_ms);
    }
}

void sweep_fire(void *argument)
{
    struct server *server = argument;
    int64_t now_ms = loop_now_ms(server->loop);
    if (server->listener.starved)
        listener_accept(server);
    LIST_FOR_EACH (link, &server->watched) {
        struct conn *conn = LIST_ITEM(link, struct conn, watched_link);
        if (peer_is_gone(conn))
            conn_close(conn);
    }
    if (now_ms >= server->next_deadline_ms)
        expire(server, now_ms);
    sweep_arrange(server);
}
