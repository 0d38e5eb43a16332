/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out: sockets, the moment before the request is sent, and its body.
 *
 * A request is sent at most once. Curl sends it again when a kept connection dies under it before
 * an answer; once a byte of it has left, the provider may have seen it, and would bill twice what one
 * hold covers. So a second connection is refused then (which is where curl notices), and so is the
 * request on another kept one.
 *
 * A body may be freed as soon as its attempt is cancelled, even inside curl. Curl takes a small one
 * into its own buffer together with the head, right after on_before_request; a large one it would
 * read from our memory at any time, so it has to ask for its parts.
 */
#include "attempt_private.h"
#include "client_private.h"

#include <string.h>
#include <sys/socket.h>

/* Below curl's 64 KiB, with room for a head. */
#define SMALL_BODY ((size_t)48 * 1024)

static bool refuses_resend(struct attempt *attempt)
{
    long sent = 0;
    if (!attempt->facts.connected)
        return false;
    attempt->worn = true;
    curl_easy_getinfo(attempt->easy, CURLINFO_REQUEST_SIZE, &sent);
    attempt->facts.connected = sent > 0; /* none: the connection was dead before */
    if (sent > 0)
        attempt->facts.reason = "the connection ended before an answer";
    return sent > 0;
}

static curl_socket_t on_open_socket(void *argument, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    (void)purpose;
    if (refuses_resend(argument))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int on_close_socket(void *argument, curl_socket_t fd)
{
    struct upstream_client *client = argument; /* a connection outlives its attempt */
    return sockets_close(&client->sockets, fd);
}

/* The connection is there, and nothing of the request has been sent. */
static int on_before_request(void *argument, char *remote, char *local, int remote_port,
                             int local_port)
{
    struct attempt *attempt = argument;
    (void)remote, (void)local;
    if (attempt->state == ATTEMPT_DONE || refuses_resend(attempt))
        return CURL_PREREQFUNC_ABORT;
    attempt->facts.connected = true;
    attempt->local_port = local_port;
    attempt->remote_port = remote_port;
    return CURL_PREREQFUNC_OK;
}

static size_t on_body_wanted(char *out, size_t size, size_t count, void *argument)
{
    struct attempt *attempt = argument;
    size_t len = size * count;
    if (attempt->state == ATTEMPT_DONE)
        return CURL_READFUNC_ABORT;
    if (len > attempt->unsent.len)
        len = attempt->unsent.len;
    memcpy(out, attempt->unsent.ptr, len);
    attempt->unsent = span_from(attempt->unsent, len);
    return len;
}

/* Curl goes back to the start when it takes another connection before a byte has left. */
static int on_body_seek(void *argument, curl_off_t offset, int origin)
{
    struct attempt *attempt = argument;
    if (origin != SEEK_SET || attempt->state == ATTEMPT_DONE)
        return CURL_SEEKFUNC_FAIL;
    attempt->unsent = span_from(attempt->body, (size_t)offset);
    return CURL_SEEKFUNC_OK;
}

void request_attach(struct attempt *attempt)
{
    EASY_SET(attempt, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    EASY_SET(attempt, CURLOPT_OPENSOCKETDATA, attempt);
    EASY_SET(attempt, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    EASY_SET(attempt, CURLOPT_CLOSESOCKETDATA, attempt->client);
    EASY_SET(attempt, CURLOPT_PREREQFUNCTION, on_before_request);
    EASY_SET(attempt, CURLOPT_PREREQDATA, attempt);
    EASY_SET(attempt, CURLOPT_READFUNCTION, on_body_wanted);
    EASY_SET(attempt, CURLOPT_READDATA, attempt);
    EASY_SET(attempt, CURLOPT_SEEKFUNCTION, on_body_seek);
    EASY_SET(attempt, CURLOPT_SEEKDATA, attempt);
}

void request_set_body(struct attempt *attempt, struct span body)
{
    const char *fields = body.len > 0 ? body.ptr : ""; /* NULL is "ask the read callback" */
    attempt->body = attempt->unsent = body;
    EASY_SET(attempt, CURLOPT_POSTFIELDS, body.len <= SMALL_BODY ? fields : NULL);
    EASY_SET(attempt, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
}
