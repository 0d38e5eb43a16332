/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket is found among the process's descriptors by its two addresses, and duplicated: the
 * connection keeps its own. A piece is sent at the end of each turn; when the kernel is full, the
 * next one waits for room.
 */
#include "raw.h"

#include "base/memory.h"
#include "loop/loop.h"
#include "loop/poll.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS_BYTES (INET6_ADDRSTRLEN + 16)

struct raw {
    struct raw_spec spec;
    struct poller *poller;
    struct deferred turn;
    struct buf bytes;
    int fd;
};

/* ---- the socket ---- */

/* The port; the whole address as net writes it into `out`. -1 when it is none of IP. */
static int write_address(const struct sockaddr_storage *address, char out[ADDRESS_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)address;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
        snprintf(out, ADDRESS_BYTES, "[%s]:%u", host, (unsigned)ntohs(six->sin6_port));
        return ntohs(six->sin6_port);
    }
    if (address->ss_family != AF_INET)
        return -1;
    const struct sockaddr_in *four = (const void *)address;
    inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
    snprintf(out, ADDRESS_BYTES, "%s:%u", host, (unsigned)ntohs(four->sin_port));
    return ntohs(four->sin_port);
}

static bool is_socket(const struct raw_spec *spec, int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    char text[ADDRESS_BYTES];
    if (getpeername(fd, (struct sockaddr *)&address, &size) != 0 ||
        write_address(&address, text) < 0 || strcmp(text, spec->peer) != 0)
        return false;
    size = sizeof(address);
    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
           write_address(&address, text) == spec->port;
}

/* A duplicate, or -1. */
static int find_socket(const struct raw_spec *spec)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = 0; fd < (int)limit.rlim_cur; fd++)
        if (is_socket(spec, fd))
            return fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return -1;
}

/* ---- sending ---- */

static void finish(struct raw *raw)
{
    shutdown(raw->fd, SHUT_WR);
    raw->spec.done(raw->spec.argument);
}

/* One piece. A client that is gone is nobody to send to: that is an end too. */
static void send_piece(struct raw *raw)
{
    struct span rest = buf_span(&raw->bytes);
    size_t size = rest.len < raw->spec.piece ? rest.len : raw->spec.piece;
    ssize_t sent = send(raw->fd, rest.ptr, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        poller_want(raw->poller, raw->fd, POLLER_OUT);
        return;
    }
    buf_consume(&raw->bytes, sent < 0 ? rest.len : (size_t)sent);
    if (buf_len(&raw->bytes) == 0) {
        finish(raw);
    } else {
        loop_defer(raw->spec.loop, &raw->turn);
    }
}

static void on_turn(struct deferred *work)
{
    send_piece(LIST_ITEM(work, struct raw, turn));
}

static void on_room(void *argument, int fd, int events)
{
    struct raw *raw = argument;
    (void)events;
    poller_want(raw->poller, fd, 0);
    loop_defer(raw->spec.loop, &raw->turn);
}

/* ---- life ---- */

struct raw *raw_start(const struct raw_spec *spec, struct buf *bytes)
{
    int fd = find_socket(spec);
    int yes = 1;
    if (fd < 0)
        return NULL;
    struct raw *raw = MEMORY_NEW(struct raw);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    raw->spec = *spec;
    raw->fd = fd;
    raw->bytes = *bytes;
    *bytes = (struct buf){0};
    raw->poller = poller_new(spec->loop, on_room, raw);
    deferred_init(&raw->turn, on_turn);
    loop_defer(spec->loop, &raw->turn);
    return raw;
}

void raw_free(struct raw **address)
{
    struct raw *raw = *address;
    *address = NULL;
    if (raw == NULL)
        return;
    deferred_cancel(&raw->turn);
    poller_free(&raw->poller);
    close(raw->fd);
    buf_fini(&raw->bytes);
    free(raw);
}
