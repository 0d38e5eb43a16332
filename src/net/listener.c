/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening socket, made by hand: libuv 1.44 cannot set SO_REUSEPORT, and its accept loop spins
 * when descriptors run out and its one spare is taken by another thread. Here accepting rests until
 * the next tick of the sweep instead, and clients wait in the backlog.
 */
#include "base/assert.h"
#include "base/log.h"
#include "conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG          1024
#define ACCEPTS_PER_TURN 128
#define REFUSED_MAX      128 /* connections over the limit that are still told so */

/* ---- the address ---- */

/* "127.0.0.1:80" or "[::1]:80" into an address; 0 when it is neither. */
static socklen_t parse_address(const char *text, struct sockaddr_storage *out)
{
    char host[64];
    uint64_t port;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !span_to_u64(span_from_string(colon + 1), &port) || port > UINT16_MAX)
        return 0;
    bool six = text[0] == '[' && colon[-1] == ']';
    struct span name = span_make(text + six, (size_t)(colon - text) - 2 * (size_t)six);
    if (name.len >= sizeof(host))
        return 0;
    memcpy(host, name.ptr, name.len);
    host[name.len] = '\0';
    memset(out, 0, sizeof(*out));
    if (six && uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)out) == 0)
        return sizeof(struct sockaddr_in6);
    if (!six && uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out) == 0)
        return sizeof(struct sockaddr_in);
    return 0;
}

/* Accepted sockets inherit TCP_NODELAY from the listening one: a system call saved for each. */
static int make_socket(const struct sockaddr_storage *address, socklen_t size, bool reuse_port)
{
    const int on = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        bind(fd, (const struct sockaddr *)address, size) != 0 || listen(fd, BACKLOG) != 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_in6 address = {0}; /* holds both families, with the port in the same place */
    socklen_t size = sizeof(address);
    getsockname(fd, (struct sockaddr *)&address, &size);
    return ntohs(address.sin6_port);
}
_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "bound_port");

/* ---- accepting ---- */

/* A refused connection is a connection like others, but has no reader and does not count: it lives
 * as long as its client needs to read the answer. Over TLS that would cost a handshake, which is no
 * relief: there it is closed. */
static void accept_one(struct server *server, int fd, const struct sockaddr_storage *address)
{
    bool refused = server->count - server->refused >= server->settings.max_connections;
    if (refused && (server->refused >= REFUSED_MAX || server->tls != NULL)) {
        close(fd);
        server->handler.on_refused(server->context, ERR_OVERLOADED);
        return;
    }
    struct conn *conn = conn_new(server, fd, address, refused);
    if (conn != NULL && refused)
        conn_refuse(conn, ERR_OVERLOADED);
}

/* Errors that come again at once, for as long as the socket is watched. */
static bool is_starvation(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void starve(struct server *server, int err)
{
    struct listener *listener = &server->listener;
    if (!listener->starved)
        log_warn("accepting rests: %s", uv_strerror(-err));
    listener->starved = true;
    poller_want(listener->poller, listener->fd, 0);
    sweep_arrange(server);
}

static void listen_on(struct server *server)
{
    struct listener *listener = &server->listener;
    if (listener->starved)
        poller_want(listener->poller, listener->fd, POLLER_IN);
    listener->starved = false;
}

/* False when no more can be had. */
static bool accept_next(struct server *server)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    int fd = accept4(server->listener.fd, (struct sockaddr *)&address, &size,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        listen_on(server);
        accept_one(server, fd, &address);
        return true;
    }
    if (is_starvation(errno)) {
        starve(server, errno);
        return false;
    }
    if (errno == EAGAIN)
        listen_on(server);
    return errno != EAGAIN; /* a client that has left meanwhile */
}

void listener_accept(struct server *server)
{
    /* A handler that is told of a refusal may drain the server, which closes the listener. */
    for (int i = 0; i < ACCEPTS_PER_TURN && server->listener.fd >= 0; i++) {
        if (!accept_next(server))
            return;
    }
}

static void on_ready(void *argument, int fd, int events)
{
    (void)fd;
    (void)events;
    listener_accept(argument);
}

void listener_finish(struct server *server)
{
    while (server->listener.fd >= 0 && accept_next(server))
        continue;
    listener_close(server);
}

/* ---- open and close ---- */

int listener_open(struct server *server, const char *address, bool reuse_port, const char **error)
{
    struct sockaddr_storage parsed;
    struct listener *listener = &server->listener;
    socklen_t size = parse_address(address, &parsed);
    if (size == 0) {
        *error = "not an address of the form 127.0.0.1:8080 or [::1]:8080";
        return -EINVAL;
    }
    listener->fd = make_socket(&parsed, size, reuse_port);
    if (listener->fd < 0) {
        *error = uv_strerror(listener->fd);
        return listener->fd;
    }
    listener->port = bound_port(listener->fd);
    listener->poller = poller_new(server->loop, on_ready, server);
    int err = poller_want(listener->poller, listener->fd, POLLER_IN);
    if (err != 0) {
        *error = uv_strerror(err);
        listener_close(server);
    }
    return err;
}

void listener_close(struct server *server)
{
    struct listener *listener = &server->listener;
    if (listener->fd < 0)
        return;
    poller_forget(listener->poller, listener->fd);
    close(listener->fd);
    listener->fd = -1;
    listener->starved = false;
}
