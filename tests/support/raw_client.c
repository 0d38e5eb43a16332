/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw client: a non-blocking socket, polled between turns of the loop of at most a millisecond.
 * Its reading of replies is simple and shares nothing with wire, which it helps to test.
 */
#include "support/raw_client.h"

#include "base/clock.h"
#include "base/memory.h"
#include "loop/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SLOW_BYTES 4096

struct raw_client {
    struct loop *loop;
    int fd; /* -1: closed by us */
    struct buf received;
    bool ended;
    bool reset;
};

static int64_t now_ms(void)
{
    return clock_monotonic_ns() / NS_PER_MS;
}

void raw_run_until(struct loop *loop, bool (*done)(void *argument), void *argument,
                   const char *what)
{
    int64_t deadline_ms = now_ms() + RAW_DEADLINE_MS;
    while (!done(argument)) {
        if (now_ms() >= deadline_ms)
            fail_msg("waited in vain: %s", what);
        loop_run_once(loop, 1);
    }
}

void raw_run_for(struct loop *loop, int64_t duration_ms)
{
    int64_t end_ms = now_ms() + duration_ms;
    while (now_ms() < end_ms)
        loop_run_once(loop, 1);
}

/* ---- opening and closing ---- */

static bool connected(void *argument)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    int fd = *(int *)argument;
    assert_return_code(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), errno);
    return info.tcpi_state != TCP_SYN_SENT;
}

static struct raw_client *connect_to(struct loop *loop, uint16_t port, int receive_bytes)
{
    struct raw_client *client = MEMORY_NEW(struct raw_client);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->loop = loop;
    buf_init(&client->received, SIZE_MAX / 2, 0);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_return_code(client->fd, errno);
    if (receive_bytes > 0)
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        assert_int_equal(errno, EINPROGRESS);
    raw_run_until(loop, connected, &client->fd, "a connection");
    return client;
}

struct raw_client *raw_client_connect(struct loop *loop, uint16_t port)
{
    return connect_to(loop, port, 0);
}

struct raw_client *raw_client_connect_slow(struct loop *loop, uint16_t port)
{
    return connect_to(loop, port, SLOW_BYTES);
}

void raw_client_close(struct raw_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    client->ended = true;
}

void raw_client_reset(struct raw_client *client)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    raw_client_close(client);
}

void raw_client_shut(struct raw_client *client)
{
    shutdown(client->fd, SHUT_WR);
}

void raw_client_free(struct raw_client **address)
{
    struct raw_client *client = *address;
    *address = NULL;
    if (client == NULL)
        return;
    raw_client_close(client);
    buf_fini(&client->received);
    free(client);
}

/* ---- bytes ---- */

size_t raw_client_try_send(struct raw_client *client, struct span bytes)
{
    ssize_t sent = send(client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? (size_t)sent : 0;
}

void raw_client_send(struct raw_client *client, struct span bytes)
{
    int64_t deadline_ms = now_ms() + RAW_DEADLINE_MS;
    while (bytes.len > 0) {
        size_t sent = raw_client_try_send(client, bytes);
        bytes = span_from(bytes, sent);
        if (sent > 0)
            continue;
        if (errno != EAGAIN || now_ms() >= deadline_ms)
            fail_msg("cannot send: %s", strerror(errno));
        loop_run_once(client->loop, 1);
    }
}

void raw_client_send_text(struct raw_client *client, const char *text)
{
    raw_client_send(client, span_from_string(text));
}

void raw_client_send_bytewise(struct raw_client *client, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        raw_client_send(client, span_make(bytes.ptr + i, 1));
        loop_run_once(client->loop, 1);
    }
}

struct span raw_client_received(const struct raw_client *client)
{
    return buf_span(&client->received);
}

bool raw_client_ended(const struct raw_client *client)
{
    return client->ended;
}

bool raw_client_was_reset(const struct raw_client *client)
{
    return client->reset;
}

void raw_client_consume(struct raw_client *client, size_t size)
{
    buf_consume(&client->received, size);
}

/* False when there is nothing more for now. */
static bool receive(struct raw_client *client, size_t size)
{
    char *room = buf_reserve(&client->received, size);
    ssize_t got = recv(client->fd, room, size, MSG_DONTWAIT);
    if (got > 0) {
        buf_commit(&client->received, (size_t)got);
        return true;
    }
    if (got < 0 && errno == EAGAIN)
        return false;
    client->ended = true;
    client->reset = got < 0;
    return false;
}

void raw_client_poll(struct raw_client *client)
{
    while (!client->ended && receive(client, 16384))
        continue;
}

void raw_client_poll_some(struct raw_client *client, size_t size)
{
    if (!client->ended)
        receive(client, size);
}

struct wish {
    struct raw_client *client;
    struct span text;
    size_t size;
};

static bool text_came(void *argument)
{
    const struct wish *wish = argument;
    raw_client_poll(wish->client);
    struct span received = raw_client_received(wish->client);
    if (span_search(received, wish->text) < received.len)
        return true;
    if (wish->client->ended)
        fail_msg("ended before \"%.*s\"; got \"%.*s\"", SPAN_ARG(wish->text), SPAN_ARG(received));
    return false;
}

static bool bytes_came(void *argument)
{
    const struct wish *wish = argument;
    raw_client_poll(wish->client);
    return wish->client->ended || raw_client_received(wish->client).len >= wish->size;
}

void raw_client_read_until(struct raw_client *client, const char *text)
{
    struct wish wish = {.client = client, .text = span_from_string(text)};
    raw_run_until(client->loop, text_came, &wish, text);
}

void raw_client_read_bytes(struct raw_client *client, size_t size)
{
    struct wish wish = {.client = client, .size = size};
    raw_run_until(client->loop, bytes_came, &wish, "bytes");
}

void raw_client_read_to_end(struct raw_client *client)
{
    struct wish wish = {.client = client, .size = SIZE_MAX};
    raw_run_until(client->loop, bytes_came, &wish, "the end of the connection");
}

/* ---- replies ---- */

struct span raw_reply_field(const struct raw_reply *reply, struct span name)
{
    struct span rest = buf_span(&reply->head);
    while (rest.len > 0) {
        struct span line;
        struct span found;
        rest = span_cut(rest, '\n', &line);
        struct span value = span_cut(line, ':', &found);
        if (span_equal_nocase(found, name)) {
            if (span_ends_with(value, SPAN("\r")))
                value.len--;
            return span_trim(value);
        }
    }
    return SPAN_NONE;
}

void raw_reply_fini(struct raw_reply *reply)
{
    buf_fini(&reply->head);
    buf_fini(&reply->body);
}

/* Moves `size` bytes of the body over; false when the connection ends first. */
static bool take_body(struct raw_client *client, size_t size, struct raw_reply *out)
{
    raw_client_read_bytes(client, size);
    struct span received = raw_client_received(client);
    bool whole = received.len >= size;
    buf_append(&out->body, whole ? span_make(received.ptr, size) : received);
    raw_client_consume(client, whole ? size : received.len);
    return whole;
}

static bool line_came(void *argument)
{
    const struct wish *wish = argument;
    raw_client_poll(wish->client);
    struct span received = raw_client_received(wish->client);
    return wish->client->ended || span_search(received, wish->text) < received.len;
}

/* False when the connection ends before `end` comes; else *len is what stands before it. */
static bool await_text(struct raw_client *client, struct span end, size_t *len)
{
    struct wish wish = {.client = client, .text = end};
    raw_run_until(client->loop, line_came, &wish, "a line");
    struct span received = raw_client_received(client);
    *len = span_search(received, end);
    return *len < received.len;
}

static bool take_chunks(struct raw_client *client, struct raw_reply *out)
{
    for (;;) {
        size_t line;
        if (!await_text(client, SPAN("\r\n"), &line))
            return false;
        size_t size = strtoul(raw_client_received(client).ptr, NULL, 16);
        raw_client_consume(client, line + 2);
        if (!take_body(client, size, out))
            return false;
        raw_client_read_bytes(client, 2);
        if (!span_starts_with(raw_client_received(client), SPAN("\r\n")))
            return false;
        raw_client_consume(client, 2);
        if (size == 0)
            return true;
    }
}

static bool take_framed(struct raw_client *client, struct raw_reply *out)
{
    uint64_t length;
    struct span field = raw_reply_field(out, SPAN("Content-Length"));
    if (out->status < 200 || out->status == 204 || out->status == 304)
        return true;
    if (out->chunked)
        return take_chunks(client, out);
    if (span_to_u64(field, &length))
        return take_body(client, (size_t)length, out);
    raw_client_read_to_end(client);
    take_body(client, raw_client_received(client).len, out);
    return !client->reset;
}

void raw_client_read_reply(struct raw_client *client, bool to_head, struct raw_reply *out)
{
    size_t len;
    *out = (struct raw_reply){0};
    buf_init(&out->head, SIZE_MAX / 2, 0);
    buf_init(&out->body, SIZE_MAX / 2, 0);
    if (!await_text(client, SPAN("\r\n\r\n"), &len))
        return;
    struct span received = raw_client_received(client);
    assert_true(span_starts_with(received, SPAN("HTTP/1.1 ")));
    out->status = (int)strtol(received.ptr + 9, NULL, 10);
    buf_append(&out->head, span_make(received.ptr, len));
    raw_client_consume(client, len + 4);
    out->chunked = span_equal(raw_reply_field(out, SPAN("Transfer-Encoding")), SPAN("chunked"));
    out->complete = to_head || take_framed(client, out);
}
