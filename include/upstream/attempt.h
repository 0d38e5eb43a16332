/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try at one upstream: a POST whose answer is handed up as it comes.
 *
 *   STARTED -> HEAD (on_head) -> BODY (on_body ...) -> DONE (on_done)
 *        \________________\______________\________/  -> DONE with an error, or cancelled (silence)
 *
 * The request is sent at most once: when a kept connection dies under it, the attempt is broken, and
 * only a request of which no byte had left goes out on another connection.
 *
 * Callbacks come at the end of a turn of the loop, never from inside attempt_start. Any of them may
 * call any function here. Loop thread of its client only.
 */
#ifndef UPSTREAM_ATTEMPT_H
#define UPSTREAM_ATTEMPT_H

#include "base/err.h"
#include "base/span.h"
#include "wire/headers.h"

#include <stdbool.h>
#include <stdint.h>

struct attempt;
struct upstream_client;
struct upstream_route;

struct attempt_spec {
    struct upstream_route *route; /* a reference is kept while it runs */
    struct span body;             /* must live until on_done or attempt_cancel */
    /* Kept to the next 50 ms; 0 for none. */
    int64_t first_byte_timeout_ms; /* from the start to the head of the answer */
    int64_t idle_timeout_ms;       /* between bytes of the answer; stands still while paused */
    int64_t total_timeout_ms;
};

struct attempt_facts {
    bool connected;          /* a connection was there: the request may have been seen */
    int status;              /* 0: no head came */
    uint64_t received_bytes; /* of the body, as handed to on_body */
    const char *reason;      /* for the log: what went wrong; static, never NULL */
};

struct attempt_events {
    /* The head of the final answer (interim ones are skipped). Borrowed for the call. */
    void (*on_head)(void *argument, int status, const struct headers *headers);
    /* Body bytes, decoded from their framing. Borrowed for the call. */
    void (*on_body)(void *argument, struct span bytes);
    /* Exactly once, unless cancelled; the attempt is gone afterwards. ERR_NONE: the answer is whole.
     * Else UPSTREAM_UNREACHABLE (no connection), UPSTREAM_TIMEOUT (a deadline of the spec, connected
     * or not), UPSTREAM_BROKEN (everything after the connection). */
    void (*on_done)(void *argument, enum err err, const struct attempt_facts *facts);
};

/* Never NULL; trouble at the start comes through on_done. */
struct attempt *attempt_start(struct upstream_client *client, const struct attempt_spec *spec,
                              const struct attempt_events *events, void *argument);
/* Closes the connection at once; no callback follows. The facts are as of now. Accepts NULL. */
void attempt_cancel(struct attempt **attempt, struct attempt_facts *facts);

/* No on_body while paused. The socket is not read beyond one buffer of 16 KiB, so the provider feels
 * the back-pressure. (on_head still comes, and on_done when nothing is left to hand up.) */
void attempt_pause(struct attempt *attempt);
void attempt_resume(struct attempt *attempt);

#endif
