/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-blocking sockets behind loop/poll. A connection always waits for readability (except when
 * deaf), so that the peer's closing is seen whatever the script is at; it waits to be writable while
 * a SEND or FLOOD is not finished. A failure of the machine (no socket) ends the test program.
 */
#include "support/scripted_upstream.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/memory.h"
#include "loop/poll.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096, REQUESTS_MAX = 4096, SCRIPTS_MAX = 64 };
#define RECEIVED_MAX ((size_t)256 * 1024 * 1024)

struct script {
    const struct script_step *steps;
    size_t count;
};

struct connection {
    int fd; /* -1: closed */
    size_t index;
    struct script script;
    size_t at;       /* the step it stands at */
    size_t progress; /* bytes of that step sent */
    struct buf received;
    size_t taken; /* of `received`, by requests waited for */
    size_t sent;
    bool released;
    bool deaf;
    bool peer_closed;
    bool peer_reset;
};

struct request {
    size_t connection;
    size_t start;
    size_t len;
    size_t head_len;
};

struct scripted_upstream {
    struct poller *poller;
    int listener;
    uint16_t port;
    char base[40];
    struct script scripts[SCRIPTS_MAX];
    size_t script_count;
    struct connection *connections[CONNECTIONS_MAX];
    size_t connection_count;
    struct request requests[REQUESTS_MAX];
    size_t request_count;
};

static void hang_up(struct scripted_upstream *upstream, struct connection *connection)
{
    poller_forget(upstream->poller, connection->fd);
    close(connection->fd);
    connection->fd = -1;
}

static void reset(struct scripted_upstream *upstream, struct connection *connection)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    hang_up(upstream, connection);
}

static size_t content_length(struct span head)
{
    struct span line;
    struct span name;
    uint64_t length = 0;
    while (head.len > 0) {
        head = span_cut(head, '\n', &line);
        struct span value = span_cut(line, ':', &name);
        if (value.len > 0 && value.ptr[value.len - 1] == '\r')
            value.len--;
        if (span_equal_nocase(name, SPAN("content-length")))
            ASSERT(span_to_u64(span_trim(value), &length));
    }
    return (size_t)length;
}

/* The length of the head that `bytes` begins with, its empty line included; 0 when incomplete. */
static size_t head_length(struct span bytes)
{
    size_t end = span_search(bytes, SPAN("\r\n\r\n"));
    return end < bytes.len ? end + 4 : 0;
}

static bool take_request(struct scripted_upstream *upstream, struct connection *connection)
{
    struct span rest = span_from(buf_span(&connection->received), connection->taken);
    size_t head_len = head_length(rest);
    if (head_len == 0)
        return false;
    size_t len = head_len + content_length(span_make(rest.ptr, head_len));
    if (rest.len < len)
        return false;
    ASSERT(upstream->request_count < REQUESTS_MAX);
    upstream->requests[upstream->request_count++] =
        (struct request){connection->index, connection->taken, len, head_len};
    connection->taken += len;
    return true;
}

static bool head_is_there(const struct connection *connection)
{
    return head_length(span_from(buf_span(&connection->received), connection->taken)) > 0;
}

/* Sends up to `len` bytes; true when the kernel took some. */
static bool send_some(struct connection *connection, const char *bytes, size_t len)
{
    ssize_t sent = send(connection->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        connection->peer_closed = connection->peer_closed || errno != EAGAIN;
        return false;
    }
    connection->progress += (size_t)sent;
    connection->sent += (size_t)sent;
    return sent > 0;
}

/* True when the step is finished. A step in pieces sends one in a turn. */
static bool send_step(struct connection *connection, const struct script_step *step, bool may_send)
{
    while (may_send && connection->progress < step->len) {
        size_t rest = step->len - connection->progress;
        if (!send_some(connection, step->bytes + connection->progress,
                       rest < step->size ? rest : step->size))
            break;
        may_send = step->size == SIZE_MAX;
    }
    return connection->progress == step->len;
}

static bool flood_step(struct connection *connection, const struct script_step *step)
{
    static char xs[64 * 1024];
    memset(xs, 'x', sizeof(xs));
    while (connection->progress < step->size) {
        size_t rest = step->size - connection->progress;
        if (!send_some(connection, xs, rest < sizeof(xs) ? rest : sizeof(xs)))
            break;
    }
    return connection->progress == step->size;
}

/* True when the script may go on after this step. `may_send`: a piece is due. */
static bool play_step(struct scripted_upstream *upstream, struct connection *connection,
                      bool may_send)
{
    const struct script_step *step = &connection->script.steps[connection->at];
    switch (step->kind) {
    case SCRIPT_KIND_REQUEST:
        return take_request(upstream, connection);
    case SCRIPT_KIND_HEAD:
        return head_is_there(connection);
    case SCRIPT_KIND_SEND:
        return send_step(connection, step, may_send || step->size == SIZE_MAX);
    case SCRIPT_KIND_FLOOD:
        return flood_step(connection, step);
    case SCRIPT_KIND_HOLD:
        return connection->released;
    case SCRIPT_KIND_DEAF:
        connection->deaf = true;
        return true;
    case SCRIPT_KIND_CLOSE:
        hang_up(upstream, connection);
        return true;
    case SCRIPT_KIND_RESET:
        reset(upstream, connection);
        return true;
    case SCRIPT_KIND_AGAIN:
        return true;
    }
    UNREACHABLE();
}

static void move_on(struct connection *connection)
{
    bool again = connection->script.steps[connection->at].kind == SCRIPT_KIND_AGAIN;
    connection->at = again ? 0 : connection->at + 1;
    connection->progress = 0;
    connection->released = false;
}

static bool is_sending(const struct connection *connection)
{
    if (connection->at == connection->script.count || connection->peer_closed)
        return false;
    enum script_kind kind = connection->script.steps[connection->at].kind;
    return kind == SCRIPT_KIND_SEND || kind == SCRIPT_KIND_FLOOD;
}

static void play(struct scripted_upstream *upstream, struct connection *connection, bool may_send)
{
    while (connection->fd >= 0 && connection->at < connection->script.count) {
        if (!play_step(upstream, connection, may_send))
            break;
        may_send = false;
        move_on(connection);
    }
    if (connection->fd < 0)
        return;
    int events = connection->deaf || connection->peer_closed ? 0 : POLLER_IN;
    if (is_sending(connection))
        events |= POLLER_OUT;
    poller_want(upstream->poller, connection->fd, events);
}

static void receive(struct connection *connection)
{
    while (!connection->peer_closed && !connection->deaf) {
        char *room = buf_reserve(&connection->received, 64 * 1024);
        ASSERT(room != NULL);
        ssize_t got = recv(connection->fd, room, 64 * 1024, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN)
            return;
        connection->peer_closed = got <= 0;
        connection->peer_reset = got < 0;
        if (got > 0)
            buf_commit(&connection->received, (size_t)got);
    }
}

static void accept_one(struct scripted_upstream *upstream)
{
    int fd = accept4(upstream->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int on = 1;
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    size_t index = upstream->connection_count++;
    ASSERT(index < CONNECTIONS_MAX);
    struct connection *connection = MEMORY_NEW(struct connection);
    connection->fd = fd;
    connection->index = index;
    buf_init(&connection->received, RECEIVED_MAX, 0);
    if (upstream->script_count > 0)
        connection->script =
            upstream->scripts[index < upstream->script_count ? index : upstream->script_count - 1];
    upstream->connections[index] = connection;
    play(upstream, connection, false);
}

static void on_ready(void *argument, int fd, int events)
{
    struct scripted_upstream *upstream = argument;
    if (fd == upstream->listener) {
        accept_one(upstream);
        return;
    }
    for (size_t i = 0; i < upstream->connection_count; i++) {
        struct connection *connection = upstream->connections[i];
        if (connection->fd != fd)
            continue;
        if ((events & (POLLER_IN | POLLER_ERROR)) != 0)
            receive(connection);
        play(upstream, connection, (events & POLLER_OUT) != 0);
        return;
    }
}

static void start_listening(struct scripted_upstream *upstream)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    upstream->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ASSERT(upstream->listener >= 0);
    ASSERT(bind(upstream->listener, (struct sockaddr *)&address, size) == 0);
    ASSERT(listen(upstream->listener, 1024) == 0);
    ASSERT(getsockname(upstream->listener, (struct sockaddr *)&address, &size) == 0);
    upstream->port = ntohs(address.sin_port);
    snprintf(upstream->base, sizeof(upstream->base), "http://127.0.0.1:%u", upstream->port);
}

struct scripted_upstream *scripted_upstream_new(struct loop *loop)
{
    struct scripted_upstream *upstream = MEMORY_NEW(struct scripted_upstream);
    upstream->poller = poller_new(loop, on_ready, upstream);
    start_listening(upstream);
    ASSERT(poller_want(upstream->poller, upstream->listener, POLLER_IN) == 0);
    return upstream;
}

void scripted_upstream_free(struct scripted_upstream **upstream)
{
    struct scripted_upstream *gone = *upstream;
    *upstream = NULL;
    if (gone == NULL)
        return;
    for (size_t i = 0; i < gone->connection_count; i++) {
        struct connection *connection = gone->connections[i];
        if (connection->fd >= 0)
            hang_up(gone, connection);
        buf_fini(&connection->received);
        free(connection);
    }
    poller_free(&gone->poller);
    close(gone->listener);
    free(gone);
}

uint16_t scripted_upstream_port(const struct scripted_upstream *upstream)
{
    return upstream->port;
}

const char *scripted_upstream_base(const struct scripted_upstream *upstream)
{
    return upstream->base;
}

void scripted_upstream_play(struct scripted_upstream *upstream, const struct script_step *steps,
                            size_t count)
{
    /* The scripts of connections that came before the first one was given do not matter. */
    while (upstream->script_count < upstream->connection_count) {
        ASSERT(upstream->script_count < SCRIPTS_MAX);
        upstream->scripts[upstream->script_count++] = (struct script){steps, count};
    }
    ASSERT(upstream->script_count < SCRIPTS_MAX);
    upstream->scripts[upstream->script_count++] = (struct script){steps, count};
}

static bool is_holding(const struct connection *connection)
{
    return connection->fd >= 0 && !connection->peer_closed &&
           connection->at < connection->script.count &&
           connection->script.steps[connection->at].kind == SCRIPT_KIND_HOLD;
}

void scripted_upstream_release(struct scripted_upstream *upstream)
{
    for (size_t i = 0; i < upstream->connection_count; i++) {
        struct connection *connection = upstream->connections[i];
        if (is_holding(connection)) {
            connection->released = true;
            play(upstream, connection, false);
        }
    }
}

size_t scripted_upstream_holding(const struct scripted_upstream *upstream)
{
    size_t count = 0;
    for (size_t i = 0; i < upstream->connection_count; i++)
        count += is_holding(upstream->connections[i]);
    return count;
}

size_t scripted_upstream_connections(const struct scripted_upstream *upstream)
{
    return upstream->connection_count;
}

size_t scripted_upstream_requests(const struct scripted_upstream *upstream)
{
    return upstream->request_count;
}

static struct span request_from(const struct scripted_upstream *upstream, size_t index, bool body)
{
    ASSERT(index < upstream->request_count);
    const struct request *request = &upstream->requests[index];
    const struct connection *connection = upstream->connections[request->connection];
    size_t skip = body ? request->head_len : 0;
    struct span from = span_from(buf_span(&connection->received), request->start + skip);
    return span_make(from.ptr, request->len - skip);
}

struct span scripted_upstream_request(const struct scripted_upstream *upstream, size_t index)
{
    return request_from(upstream, index, false);
}

struct span scripted_upstream_body(const struct scripted_upstream *upstream, size_t index)
{
    return request_from(upstream, index, true);
}

struct scripted_connection scripted_upstream_connection(const struct scripted_upstream *upstream,
                                                        size_t index)
{
    ASSERT(index < upstream->connection_count);
    const struct connection *connection = upstream->connections[index];
    return (struct scripted_connection){
        .received = buf_span(&connection->received),
        .sent = connection->sent,
        .done = connection->at == connection->script.count,
        .peer_closed = connection->peer_closed,
        .peer_reset = connection->peer_reset,
    };
}
