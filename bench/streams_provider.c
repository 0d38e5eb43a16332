/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider. Events are spread evenly: number e belongs to stream e mod N and is due at
 * start + e × step, so that the schedule is one counter and no two events are due at once. An event
 * is one chunk of HTTP and one send().
 */
#include "base/memory.h"
#include "streams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_ROOM (16 << 10)
#define NS_PER_S     1000000000LL
#define FLOOD_EVENTS 256
#define BURST_EVENTS 8 /* before the clients have their turn */

#define HEAD                                             \
    "HTTP/1.1 200 OK\r\n"                                \
    "Content-Type: text/event-stream; charset=utf-8\r\n" \
    "Transfer-Encoding: chunked\r\n\r\n"
#define EVENT                                                                         \
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","          \
    "\"created\":1700000000,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":" \
    "{\"content\":" STAMP_MARK "%019lld \"},\"finish_reason\":null}]}\n\n"

#define LAST_EVENTS                                                                      \
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","             \
    "\"created\":1700000000,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{}," \
    "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

struct source {
    struct peer peer;
    char request[REQUEST_ROOM];
    size_t filled;
    size_t flood_at; /* where in the block it is */
    bool open;
    bool finished;
};

struct provider {
    const struct options *options;
    int epoll;
    struct peer listener;
    struct source **sources; /* in the order in which their streams began */
    struct source **accepted;
    int opened;
    int connections;
    char event[512];
    size_t event_size;
    size_t stamp_at;
    char *flood;
    size_t flood_size;
    int64_t flooded;
    int64_t start_ns;
    int64_t sent;
    int64_t total;
    int64_t *late;
    size_t late_count;
};

/* The chunk that every event is; its stamp is overwritten each time. */
static void make_event(struct provider *provider)
{
    char text[400];
    int size = snprintf(text, sizeof(text), EVENT, 0LL);
    int whole =
        snprintf(provider->event, sizeof(provider->event), "%x\r\n%s\r\n", (unsigned)size, text);
    provider->event_size = (size_t)whole;
    const char *mark = strstr(provider->event, STAMP_MARK "0");
    provider->stamp_at = (size_t)(mark - provider->event) + strlen(STAMP_MARK);
    provider->flood_size = FLOOD_EVENTS * provider->event_size;
    provider->flood = memory_new(provider->flood_size);
    for (size_t i = 0; i < FLOOD_EVENTS; i++)
        memcpy(provider->flood + i * provider->event_size, provider->event, provider->event_size);
}

static int listen_on(int port, bool small_buffers)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    int room = 64 << 10;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    /* What the kernel holds is not the gateway's: keep it small where it would be gigabytes. */
    if (small_buffers)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 4096) != 0)
        fail("cannot listen");
    return fd;
}

struct provider *provider_new(const struct options *options, int epoll)
{
    struct provider *provider = MEMORY_NEW(struct provider);
    provider->options = options;
    provider->epoll = epoll;
    provider->sources = memory_array((size_t)options->streams, sizeof(struct source *));
    provider->accepted = memory_array((size_t)options->streams, sizeof(struct source *));
    provider->total =
        (int64_t)options->streams * options->rate * (options->warm_ms + options->measure_ms) / 1000;
    provider->late = memory_array((size_t)provider->total + 1, sizeof(int64_t));
    make_event(provider);
    provider->listener =
        (struct peer){PEER_LISTENER, listen_on(options->provider_port, options->stuck)};
    watch(epoll, &provider->listener, EPOLLIN);
    return provider;
}

void provider_free(struct provider **provider_ref)
{
    struct provider *provider = *provider_ref;
    *provider_ref = NULL;
    for (int i = 0; i < provider->connections; i++) {
        if (provider->accepted[i]->peer.fd >= 0)
            close(provider->accepted[i]->peer.fd);
        free(provider->accepted[i]);
    }
    close(provider->listener.fd);
    free(provider->sources);
    free(provider->accepted);
    free(provider->flood);
    free(provider->late);
    free(provider);
}

void provider_accept(struct provider *provider)
{
    for (;;) {
        int fd = accept4(provider->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
        if (fd < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (fd < 0 || provider->connections == provider->options->streams)
            fail("more connections to the provider than streams");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct source *source = MEMORY_NEW(struct source);
        source->peer = (struct peer){PEER_PROVIDER, fd};
        provider->accepted[provider->connections++] = source;
        watch(provider->epoll, &source->peer, EPOLLIN);
    }
}

/* Whether head and body are here. */
static bool request_is_whole(const struct source *source)
{
    const char *end = strstr(source->request, "\r\n\r\n");
    if (end == NULL)
        return false;
    const char *length = strcasestr(source->request, "\r\ncontent-length:");
    if (length == NULL || length > end)
        fail("a request without a length");
    size_t body = strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
    return source->filled >= (size_t)(end + 4 - source->request) + body;
}

static void begin_stream(struct provider *provider, struct source *source)
{
    source->open = true;
    provider->sources[provider->opened++] = source;
    if (send(source->peer.fd, HEAD, strlen(HEAD), MSG_NOSIGNAL) != (ssize_t)strlen(HEAD) ||
        send(source->peer.fd, provider->event, provider->event_size, MSG_NOSIGNAL) !=
            (ssize_t)provider->event_size)
        fail("the provider cannot write");
}

static void read_request(struct provider *provider, struct source *source)
{
    size_t room = REQUEST_ROOM - 1 - source->filled;
    ssize_t got = recv(source->peer.fd, source->request + source->filled, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 && source->finished) {
        close(source->peer.fd);
        source->peer.fd = -1;
        return;
    }
    if (got <= 0)
        fail(source->open ? "a stream was left" : "a connection ended without a request");
    source->filled += (size_t)got;
    if (!source->open && request_is_whole(source))
        begin_stream(provider, source);
}

static void flood(struct provider *provider, struct source *source)
{
    ssize_t sent = send(source->peer.fd, provider->flood + source->flood_at,
                        provider->flood_size - source->flood_at, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (sent <= 0)
        fail("a stuck stream was closed");
    source->flood_at = (source->flood_at + (size_t)sent) % provider->flood_size;
    provider->flooded += sent;
}

void provider_event(struct provider *provider, struct peer *peer, uint32_t events)
{
    struct source *source = (struct source *)peer;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_request(provider, source);
    if (events & EPOLLOUT)
        flood(provider, source);
}

int provider_opened(const struct provider *provider)
{
    return provider->opened;
}

void provider_start(struct provider *provider)
{
    provider->start_ns = now_ns();
}

static void write_event(struct provider *provider, struct source *source)
{
    char digits[STAMP_DIGITS + 1];
    snprintf(digits, sizeof(digits), "%019lld", (long long)now_ns());
    memcpy(provider->event + provider->stamp_at, digits, STAMP_DIGITS);
    ssize_t sent = send(source->peer.fd, provider->event, provider->event_size, MSG_NOSIGNAL);
    if (sent != (ssize_t)provider->event_size)
        fail("an event was not taken: the reader is too slow, or gone");
}

bool provider_pace(struct provider *provider)
{
    int64_t step_ns = NS_PER_S / ((int64_t)provider->options->streams * provider->options->rate);
    int64_t warm_ns = provider->options->warm_ms * (NS_PER_S / 1000);
    for (int i = 0; i < BURST_EVENTS && provider->sent < provider->total; i++) {
        int64_t due_ns = provider->start_ns + provider->sent * step_ns, now = now_ns();
        if (now < due_ns)
            return false;
        if (due_ns - provider->start_ns >= warm_ns)
            provider->late[provider->late_count++] = now - due_ns;
        write_event(provider, provider->sources[provider->sent % provider->options->streams]);
        provider->sent++;
    }
    return provider->sent == provider->total;
}

void provider_finish(struct provider *provider)
{
    char tail[512];
    size_t size = (size_t)snprintf(tail, sizeof(tail), "%zx\r\n%s\r\n0\r\n\r\n",
                                   strlen(LAST_EVENTS), LAST_EVENTS);
    for (int i = 0; i < provider->opened; i++) {
        struct source *source = provider->sources[i];
        if (send(source->peer.fd, tail, size, MSG_NOSIGNAL) != (ssize_t)size)
            fail("the end of a stream was not taken");
        source->finished = true;
        shutdown(source->peer.fd, SHUT_WR);
    }
}

int64_t provider_sent(const struct provider *provider)
{
    return provider->sent;
}

int64_t provider_late_ns(struct provider *provider)
{
    sort_ns(provider->late, provider->late_count);
    return percentile(provider->late, provider->late_count, 0.99);
}

void provider_flood(struct provider *provider)
{
    for (int i = 0; i < provider->opened; i++)
        watch(provider->epoll, &provider->sources[i]->peer, EPOLLIN | EPOLLOUT);
}

int64_t provider_flooded(const struct provider *provider)
{
    return provider->flooded;
}
