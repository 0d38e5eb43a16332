/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors of connections stay in the poller across transfers, as arming them anew is the largest
 * avoidable cost of a request:
 *
 *   connecting -> established: wanted -> CURL_POLL_REMOVE -> unwanted, still armed
 *                                ^                              |  sockets_rest (answer complete)
 *              sockets_want, _take +---------- idle ------------+
 *                                               | readable: its end, or bytes that answer nothing
 *                                               v
 *                                             dead (curl finds it at its next look and closes it)
 *
 * Idle ones are watched because curl 7.88 takes a kept connection with bytes on it for a good one:
 * what a server sends before it closes (a 408, a TLS close notice) would become the next answer.
 *
 * Before a connection is established curl closes its descriptor past sockets_close, as it does with
 * the resolver's own. Hence those are forgotten on REMOVE: their number may be anybody's next.
 */
#include "sockets.h"

#include "base/log.h"
#include "base/memory.h"
#include "loop/poll.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Descriptors are small numbers, so a table by number it is; it grows and stays. */
static struct socket_entry *entry_of(struct sockets *sockets, curl_socket_t fd)
{
    size_t needed = (size_t)fd + 1;
    if (needed > sockets->entry_count) {
        size_t count = needed * 2;
        sockets->entries = memory_resize(sockets->entries, count, sizeof(*sockets->entries));
        memset(sockets->entries + sockets->entry_count, 0,
               (count - sockets->entry_count) * sizeof(*sockets->entries));
        sockets->entry_count = count;
    }
    return &sockets->entries[fd];
}

/* In the poll phase of the turn: only noted down, for the drive at its end. */
static void on_ready(void *argument, int fd, int events)
{
    struct sockets *sockets = argument;
    if (sockets->ready_count == sockets->ready_capacity) {
        sockets->ready_capacity = sockets->ready_capacity > 0 ? 2 * sockets->ready_capacity : 64;
        sockets->ready =
            memory_resize(sockets->ready, sockets->ready_capacity, sizeof(*sockets->ready));
    }
    sockets->ready[sockets->ready_count++] = (struct ready_socket){fd, events};
    sockets->wake(sockets->argument);
}

void sockets_init(struct sockets *sockets, struct loop *loop, void (*wake)(void *argument),
                  void *argument)
{
    *sockets = (struct sockets){.wake = wake, .argument = argument};
    sockets->poller = poller_new(loop, on_ready, sockets);
}

void sockets_fini(struct sockets *sockets)
{
    poller_free(&sockets->poller);
    free(sockets->entries);
    free(sockets->ready);
}

static void watch(struct sockets *sockets, curl_socket_t fd, int what)
{
    int events = ((what & CURL_POLL_IN) != 0 ? POLLER_IN : 0) |
                 ((what & CURL_POLL_OUT) != 0 ? POLLER_OUT : 0);
    int error = poller_want(sockets->poller, fd, events);
    /* An error returned to curl would end every transfer of the multi; this way one runs into its
     * deadline. */
    if (error < 0)
        log_error("cannot watch an upstream socket: %s", strerror(-error));
}

/* A connection, or one of the resolver's pipes? Asked once for each connection. */
static bool is_tcp(curl_socket_t fd)
{
    int protocol = 0;
    socklen_t size = sizeof(protocol);
    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           protocol == IPPROTO_TCP;
}

/* Its own port or its peer's; 0 when it has none any more. */
static int port_of(curl_socket_t fd, int (*name)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    if (name(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

void sockets_want(struct sockets *sockets, curl_socket_t fd, int what, bool connected)
{
    struct socket_entry *entry = entry_of(sockets, fd);
    entry->idle = false;
    entry->wanted = what == CURL_POLL_REMOVE ? 0 : what;
    if (connected && !entry->established && is_tcp(fd)) {
        entry->established = true;
        entry->local_port = port_of(fd, getsockname);
        entry->remote_port = port_of(fd, getpeername);
    }
    if (entry->wanted != 0 || entry->established)
        watch(sockets, fd, entry->wanted);
    else
        poller_forget(sockets->poller, fd);
}

int sockets_close(struct sockets *sockets, curl_socket_t fd)
{
    poller_forget(sockets->poller, fd);
    *entry_of(sockets, fd) = (struct socket_entry){0};
    /* The number may be given out again before the rest of this turn is served. */
    for (size_t i = 0; i < sockets->ready_count; i++)
        if (sockets->ready[i].fd == fd)
            sockets->ready[i].fd = -1;
    return close(fd);
}

void sockets_rest(struct sockets *sockets, curl_socket_t fd)
{
    struct socket_entry *entry = entry_of(sockets, fd);
    if (!entry->established || entry->wanted != 0)
        return;
    entry->idle = true;
    watch(sockets, fd, CURL_POLL_IN);
}

/* A walk over all descriptors, for an answer that was quicker than the turn of the loop. */
curl_socket_t sockets_take(struct sockets *sockets, int local_port, int remote_port)
{
    for (size_t fd = 0; fd < sockets->entry_count; fd++) {
        struct socket_entry *entry = &sockets->entries[fd];
        if (!entry->idle || entry->local_port != local_port || entry->remote_port != remote_port)
            continue;
        entry->idle = false;
        watch(sockets, (curl_socket_t)fd, entry->wanted);
        return (curl_socket_t)fd;
    }
    return -1;
}

/* Leaves a socket that curl recognises as dead, without the bytes that hide its end. (Should there be
 * more of them, curl fails as it sends, and takes another connection.) */
static void kill_idle(struct sockets *sockets, curl_socket_t fd)
{
    char nobodys[4096];
    int looks = 64;
    entry_of(sockets, fd)->idle = false;
    watch(sockets, fd, 0);
    shutdown(fd, SHUT_RDWR);
    while (looks-- > 0 && recv(fd, nobodys, sizeof(nobodys), MSG_DONTWAIT) > 0)
        continue;
}

/* An error alone is not passed on: curl would report that polling failed, whereas reading tells it
 * what happened. */
static int select_bits(int events)
{
    int bits = 0;
    if ((events & (POLLER_IN | POLLER_ERROR)) != 0)
        bits |= CURL_CSELECT_IN;
    if ((events & POLLER_OUT) != 0)
        bits |= CURL_CSELECT_OUT;
    return bits;
}

void sockets_run(struct sockets *sockets, void (*act)(void *argument, curl_socket_t fd, int bits))
{
    for (size_t i = 0; i < sockets->ready_count; i++) {
        struct ready_socket ready = sockets->ready[i];
        if (ready.fd < 0)
            continue;
        if (entry_of(sockets, ready.fd)->idle)
            kill_idle(sockets, ready.fd);
        else
            act(sockets->argument, ready.fd, select_bits(ready.events));
    }
    sockets->ready_count = 0;
}
