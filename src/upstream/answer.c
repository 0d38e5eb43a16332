/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What curl says of an answer, turned into the attempt's events. Everything here runs inside curl:
 * the user's callback may cancel this attempt or any other, so the state is looked at again after
 * each one, and an attempt that is DONE makes curl stop.
 *
 *   status line, "Name: value" ..., empty line     collected in attempt->head
 *     1xx: forgotten     else: parsed -> on_head
 *   body -> on_body, or refused while paused: curl keeps it (at most what one read brought) and
 *           does not read its socket until attempt_resume
 *   trailer lines: counted, dropped
 */
#include "attempt_private.h"
#include "base/memory.h"
#include "client_private.h"
#include "head.h"
#include "loop/loop.h"

#include <string.h>

static bool is_line_end(struct span line)
{
    return span_equal(line, SPAN("\r\n")) || span_equal(line, SPAN("\n"));
}

/* False: the head makes no sense, or it was cancelled in on_head. */
static bool hand_up_head(struct attempt *attempt, int status)
{
    UNINITIALIZED struct header items[HEAD_FIELDS];
    size_t count;
    if (!head_parse(buf_span(&attempt->head), items, &count))
        return false;
    attempt->facts.status = status;
    attempt_set_state(attempt, ATTEMPT_HEAD);
    attempt->events.on_head(attempt->argument, status, &(struct headers){items, count});
    return attempt->state != ATTEMPT_DONE;
}

/* False: stop. */
static bool head_ended(struct attempt *attempt)
{
    long status = 0;
    curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status <= 999)
        return hand_up_head(attempt, (int)status);
    buf_truncate(&attempt->head, 0);
    return status >= 100;
}

/* An answer that comes in the very drive that sent its request, on a kept connection: on_socket has
 * not been called for this attempt, and the connection still counts as idle. */
static void claim_socket(struct attempt *attempt)
{
    attempt->fd =
        sockets_take(&attempt->client->sockets, attempt->local_port, attempt->remote_port);
}

/* The ceiling holds for all that is not body: interim heads and trailers could go on for ever. */
static size_t on_header_line(char *bytes, size_t size, size_t count, void *argument)
{
    struct attempt *attempt = argument;
    struct span line = span_make(bytes, size * count);
    bool ok = true;
    if (attempt->state == ATTEMPT_DONE)
        return 0;
    if (attempt->fd < 0)
        claim_socket(attempt);
    attempt->head_bytes += line.len;
    if (attempt->head_bytes > HEAD_BYTES) {
        attempt->facts.reason = "the head of the answer is too large";
        return 0;
    }
    attempt->heard_ms = loop_now_ms(attempt->client->loop);
    if (attempt->state == ATTEMPT_STARTED)
        ok = is_line_end(line) ? head_ended(attempt) : buf_append(&attempt->head, line);
    if (!ok)
        attempt->facts.reason = "the head of the answer is malformed";
    return ok ? line.len : 0;
}

static size_t on_body_bytes(char *bytes, size_t size, size_t count, void *argument)
{
    struct attempt *attempt = argument;
    struct span body = span_make(bytes, size * count);
    if (attempt->state == ATTEMPT_DONE || attempt->state == ATTEMPT_STARTED)
        return CURL_WRITEFUNC_ERROR;
    if (attempt->paused) {
        attempt->withheld = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    attempt->heard_ms = loop_now_ms(attempt->client->loop);
    attempt->facts.received_bytes += body.len;
    if (attempt->state == ATTEMPT_HEAD)
        attempt_set_state(attempt, ATTEMPT_BODY);
    attempt->events.on_body(attempt->argument, body);
    return attempt->state == ATTEMPT_DONE ? CURL_WRITEFUNC_ERROR : body.len;
}

void answer_attach(struct attempt *attempt)
{
    EASY_SET(attempt, CURLOPT_HEADERFUNCTION, on_header_line);
    EASY_SET(attempt, CURLOPT_HEADERDATA, attempt);
    EASY_SET(attempt, CURLOPT_WRITEFUNCTION, on_body_bytes);
    EASY_SET(attempt, CURLOPT_WRITEDATA, attempt);
}
