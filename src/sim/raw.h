/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that the server would not send: it is honest about lengths and ends. The bytes, head and
 * all, go to the connection's socket behind its back, as they are and no more than asked for at a
 * time, then the sending side is shut. The server is told nothing; conn_abort() afterwards.
 */
#ifndef SIM_RAW_H
#define SIM_RAW_H

#include "base/buf.h"
#include "behaviour.h"
#include "reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct raw;

/* A whole reply, with a framing other than FRAMING_HONEST. Where the body is not complete, it looks
 * as broken as that framing can show. */
void raw_write_reply(enum framing framing, int status, const struct reply_fields *fields,
                     struct span body, bool complete, struct buf *out);

struct raw_spec {
    struct loop *loop;
    const char *peer; /* the client's address, as conn_peer() has it */
    uint16_t port;    /* ours */
    size_t piece;     /* most bytes a turn of the loop */
    void (*done)(void *argument);
    void *argument;
};

/* Takes the bytes over. done(argument) once all is with the kernel, or the client gone; never inside
 * this call. NULL, and `bytes` untouched, when the socket is not there any more. */
struct raw *raw_start(const struct raw_spec *spec, struct buf *bytes);
/* Stops it. Accepts NULL. Not from inside `done`. */
void raw_free(struct raw **address);

#endif
