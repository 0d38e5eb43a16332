/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients. A stamp is found by an automaton over the bytes as they come, wherever they are cut:
 * the framing is not read, so that reading costs little beside what is measured.
 */
#include "base/memory.h"
#include "streams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNANSWERED_MAX 64
/* Of readers that stop: as if they were behind Ethernet. Over loopback's giant segments the kernel
 * alone would take megabytes for each before the gateway has to queue anything. */
#define STUCK_ROOM    (16 << 10)
#define STUCK_SEGMENT 1448

struct client {
    struct peer peer;
    size_t matched; /* characters of the mark, then digits */
    int64_t stamp_ns;
};

struct clients {
    const struct options *options;
    int epoll;
    struct client *all;
    int opened;
    int ended;
    bool finishing;
    char request[512];
    size_t request_size;
    int64_t measure_from_ns;
    int64_t received;
    int64_t *delays;
    size_t delay_count;
    size_t delay_room;
};

struct clients *clients_new(const struct options *options, int epoll)
{
    static const char body[] = "{\"model\":\"bench\",\"stream\":true,\"messages\":[{\"role\":"
                               "\"user\",\"content\":\"Hello there\"}]}";
    struct clients *clients = MEMORY_NEW(struct clients);
    clients->options = options;
    clients->epoll = epoll;
    clients->all = memory_array((size_t)options->streams, sizeof(struct client));
    clients->request_size = (size_t)snprintf(
        clients->request, sizeof(clients->request),
        "POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n"
        "Content-Type: application/json\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
        options->key, strlen(body), body);
    clients->measure_from_ns = INT64_MAX;
    clients->delay_room = (size_t)options->streams * (size_t)options->rate *
                          (size_t)(options->warm_ms + options->measure_ms + 1000) / 1000;
    clients->delays = memory_array(clients->delay_room, sizeof(int64_t));
    return clients;
}

void clients_free(struct clients **clients_ref)
{
    struct clients *clients = *clients_ref;
    *clients_ref = NULL;
    for (int i = 0; i < clients->opened; i++)
        if (clients->all[i].peer.fd >= 0)
            close(clients->all[i].peer.fd);
    free(clients->all);
    free(clients->delays);
    free(clients);
}

static void open_one(struct clients *clients)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    int room = STUCK_ROOM, segment = STUCK_SEGMENT;
    if (fd < 0)
        fail("no descriptor for another client");
    if (clients->options->stuck) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
        setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
    }
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)clients->options->target_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (send(fd, clients->request, clients->request_size, MSG_NOSIGNAL) !=
        (ssize_t)clients->request_size)
        fail("a request was not taken");
    struct client *client = &clients->all[clients->opened++];
    client->peer = (struct peer){PEER_CLIENT, fd};
    if (!clients->options->stuck)
        watch(clients->epoll, &client->peer, EPOLLIN);
}

void clients_open(struct clients *clients, int opened)
{
    while (clients->opened < clients->options->streams && clients->opened - opened < UNANSWERED_MAX)
        open_one(clients);
}

void clients_measure_from(struct clients *clients, int64_t from_ns)
{
    clients->measure_from_ns = from_ns;
}

static void take_stamp(struct clients *clients, int64_t stamp_ns, int64_t now)
{
    if (stamp_ns == 0)
        return; /* the event that opened the stream */
    clients->received++;
    if (stamp_ns >= clients->measure_from_ns && clients->delay_count < clients->delay_room)
        clients->delays[clients->delay_count++] = now - stamp_ns;
}

static void read_stamps(struct clients *clients, struct client *client, const char *bytes,
                        size_t size, int64_t now)
{
    static const char mark[] = STAMP_MARK;
    const size_t mark_size = sizeof(mark) - 1;
    for (size_t i = 0; i < size; i++) {
        char byte = bytes[i];
        if (client->matched >= mark_size && byte >= '0' && byte <= '9') {
            client->stamp_ns = client->stamp_ns * 10 + (byte - '0');
            if (++client->matched == mark_size + STAMP_DIGITS) {
                take_stamp(clients, client->stamp_ns, now);
                client->matched = 0;
            }
            continue;
        }
        if (client->matched >= mark_size)
            client->matched = 0;
        client->matched = byte == mark[client->matched] ? client->matched + 1 : byte == mark[0];
        client->stamp_ns = 0;
    }
}

void clients_event(struct clients *clients, struct peer *peer)
{
    static char bytes[64 << 10];
    ssize_t got = recv(peer->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got == 0 && clients->finishing) {
        close(peer->fd);
        peer->fd = -1;
        clients->ended++;
        return;
    }
    if (got <= 0)
        fail("a stream ended too early");
    read_stamps(clients, (struct client *)peer, bytes, (size_t)got, now_ns());
}

void clients_finish(struct clients *clients)
{
    clients->finishing = true;
}

int clients_ended(const struct clients *clients)
{
    return clients->ended;
}

int64_t clients_received(const struct clients *clients)
{
    return clients->received;
}

const int64_t *clients_delays(struct clients *clients, size_t *count)
{
    sort_ns(clients->delays, clients->delay_count);
    *count = clients->delay_count;
    return clients->delays;
}
