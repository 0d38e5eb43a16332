/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider that does exactly what a script says, on loopback and on the test's own loop: nothing
 * runs while the test does not turn the loop, and everything it saw may be looked at in between.
 *
 *   static const struct script_step answer[] = {
 *       SCRIPT_REQUEST, SCRIPT_SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), SCRIPT_AGAIN};
 *   scripted_upstream_play(upstream, answer, 3);
 *
 * Each connection plays one script; after its last step the connection stays open and is read.
 */
#ifndef TESTS_SUPPORT_SCRIPTED_UPSTREAM_H
#define TESTS_SUPPORT_SCRIPTED_UPSTREAM_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct scripted_upstream;

enum script_kind {
    SCRIPT_KIND_REQUEST, /* wait for a whole request: head, and the body its Content-Length says */
    SCRIPT_KIND_HEAD,    /* wait for a request's head only */
    SCRIPT_KIND_SEND,    /* send bytes; with a size: that many at most in one turn of the loop */
    SCRIPT_KIND_FLOOD,   /* send `size` times 'x', as fast as the peer takes them */
    SCRIPT_KIND_HOLD,    /* wait for scripted_upstream_release */
    SCRIPT_KIND_DEAF,  /* read nothing from now on (so that the peer's closing goes unseen, too) */
    SCRIPT_KIND_CLOSE, /* FIN */
    SCRIPT_KIND_RESET, /* RST */
    SCRIPT_KIND_AGAIN, /* go on with the first step */
};

struct script_step {
    enum script_kind kind;
    const char *bytes;
    size_t len;
    size_t size;
};

#define SCRIPT_REQUEST              \
    {                               \
        .kind = SCRIPT_KIND_REQUEST \
    }
#define SCRIPT_HEAD              \
    {                            \
        .kind = SCRIPT_KIND_HEAD \
    }
#define SCRIPT_SEND(literal)                                          \
    {                                                                 \
        SCRIPT_KIND_SEND, ("" literal), sizeof(literal) - 1, SIZE_MAX \
    }
#define SCRIPT_PIECES(literal, each)                                \
    {                                                               \
        SCRIPT_KIND_SEND, ("" literal), sizeof(literal) - 1, (each) \
    }
#define SCRIPT_BYTES(span, each)                         \
    {                                                    \
        SCRIPT_KIND_SEND, (span).ptr, (span).len, (each) \
    }
#define SCRIPT_FLOOD(count)                        \
    {                                              \
        .kind = SCRIPT_KIND_FLOOD, .size = (count) \
    }
#define SCRIPT_HOLD              \
    {                            \
        .kind = SCRIPT_KIND_HOLD \
    }
#define SCRIPT_DEAF              \
    {                            \
        .kind = SCRIPT_KIND_DEAF \
    }
#define SCRIPT_CLOSE              \
    {                             \
        .kind = SCRIPT_KIND_CLOSE \
    }
#define SCRIPT_RESET              \
    {                             \
        .kind = SCRIPT_KIND_RESET \
    }
#define SCRIPT_AGAIN              \
    {                             \
        .kind = SCRIPT_KIND_AGAIN \
    }

/* Listens on a free port of 127.0.0.1. */
struct scripted_upstream *scripted_upstream_new(struct loop *loop);
/* Closes everything. Accepts NULL. */
void scripted_upstream_free(struct scripted_upstream **upstream);
uint16_t scripted_upstream_port(const struct scripted_upstream *upstream);
/* "http://127.0.0.1:PORT"; lives as long as the upstream. */
const char *scripted_upstream_base(const struct scripted_upstream *upstream);

/* The script of the next connection that is not there yet and has none; the last one given also
 * serves all further connections. Steps and their bytes are borrowed. */
void scripted_upstream_play(struct scripted_upstream *upstream, const struct script_step *steps,
                            size_t count);
#define SCRIPTED_UPSTREAM_PLAY(upstream, steps) \
    scripted_upstream_play((upstream), (steps), sizeof(steps) / sizeof((steps)[0]))
/* Lets every connection that holds go on. */
void scripted_upstream_release(struct scripted_upstream *upstream);
/* Connections that stand at SCRIPT_HOLD. */
size_t scripted_upstream_holding(const struct scripted_upstream *upstream);

/* What was seen. Connections count from 0 in order of arrival, and are remembered when closed. */
size_t scripted_upstream_connections(const struct scripted_upstream *upstream);
/* Whole requests waited for with SCRIPT_REQUEST, on all connections, and each one's bytes (valid
 * until its connection receives more). */
size_t scripted_upstream_requests(const struct scripted_upstream *upstream);
struct span scripted_upstream_request(const struct scripted_upstream *upstream, size_t index);
struct span scripted_upstream_body(const struct scripted_upstream *upstream, size_t index);

struct scripted_connection {
    struct span received; /* all bytes; valid until more come */
    size_t sent;          /* bytes the kernel took */
    bool done;            /* the script is at its end */
    bool peer_closed;     /* FIN or RST came from the peer */
    bool peer_reset;      /* it was RST */
};
struct scripted_connection scripted_upstream_connection(const struct scripted_upstream *upstream,
                                                        size_t index);

#endif
