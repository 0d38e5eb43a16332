/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client socket. Two things go on at once, each with its own variable: what is read (state) and
 * what is answered (answer).
 *
 *             head           end of message        reply out
 *   HEAD ----------> BODY ------------------> REPLY ---------> HEAD
 *    |                | reply out                 |
 *    | refusal        |-----> REST (end) -> HEAD  |  the last reply of this connection
 *    +---> REPLY      +-----> LINGER <------------+
 *
 *   and from everywhere to CLOSED. With TLS the handshake is part of the first HEAD; one that fails
 *   goes from there to LINGER. The queue then holds ciphertext, so that all of sending is one path.
 *
 * Nothing dies inside its own callback: a conn_* function of net/server.h only notes the ending
 * and asks for the end of the turn. conn_close() is called by the event loop's callbacks and by the
 * turn, never below a callback of the handler; the memory goes in libuv's close callback.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/bufq.h"
#include "server_private.h"
#include "tls_stream.h"
#include "wire/request_reader.h"

#include <uv.h>

#define LINGER_MS   1000
#define DROP_BYTES  ((size_t)256 * 1024) /* read and dropped at most, then we stop reading */
#define REST_BYTES  (64 * 1024)          /* of a body: read and dropped to keep a connection */
#define QUEUE_BYTES ((size_t)64 * 1024 * 1024)
#define PEER_BYTES  56

enum conn_state {
    CONN_HEAD,   /* no exchange: a head is awaited or on its way */
    CONN_BODY,   /* an exchange, its body on its way */
    CONN_REPLY,  /* the message is complete, its reply is not out */
    CONN_REST,   /* the reply is out; the small rest of the body is read and dropped */
    CONN_LINGER, /* all is out, our side is shut; what comes is dropped */
    CONN_CLOSED
};

enum conn_answer { ANSWER_NONE, ANSWER_OPEN, ANSWER_ENDED };

/* Of the reply's body. */
enum conn_framing { FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE, FRAMING_NO_BODY };

/* How the turn shall end this connection. The first one wins. */
enum conn_ending { ENDING_NONE, ENDING_ABORTED, ENDING_BROKEN };

struct conn {
    uv_tcp_t tcp;
    uv_write_t write;
    struct server *server;
    struct list link;         /* server->conns */
    struct list touched_link; /* server->touched */
    struct list watched_link; /* server->watched */

    struct request_reader *reader; /* NULL: a refused connection */
    struct tls_stream *tls;        /* NULL: plain */
    void *exchange;                /* NULL: nobody waits for on_sent or on_gone */
    enum conn_state state;
    enum conn_answer answer;
    enum conn_framing framing;
    enum conn_ending ending;

    struct bufq queue;        /* bytes for the client */
    struct buf kept;          /* pipelined bytes; only in REPLY */
    int64_t body_left;        /* bytes of the body still to come; -1: chunked */
    size_t dropped;           /* bytes read since we became deaf */
    int64_t read_deadline_ms; /* what it is for says the state */
    int64_t send_deadline_ms; /* while writing */
    size_t write_size;        /* of the write under way */
    size_t write_left;        /* bytes not acknowledged when send_deadline_ms was set */

    bool reading;          /* libuv reads */
    bool writing;          /* libuv writes the front of the queue */
    bool congested;        /* over queue_high and not yet under queue_low */
    bool head_begun;       /* a head that is late is answered with 408 */
    bool expects_continue; /* the client waits for 100 or a final status */
    bool head_method;      /* HEAD: no body in the reply */
    bool old_client;       /* HTTP/1.0 */
    bool eof;              /* the client shut its side; with TLS, by close_notify */
    bool deaf;             /* input is dropped: malformed, late, or more than a little */
    bool last;             /* no request is read after this reply */
    bool refused;          /* over max_connections */
    char peer[PEER_BYTES];
};

/* ---- conn.c ---- */

/* Owns fd from here on, also when it fails (then there is no connection). */
struct conn *conn_new(struct server *server, int fd, const struct sockaddr_storage *address,
                      bool refused);
/* The events that change the state. */
void conn_head_came(struct conn *conn, const struct request_head *head);
void conn_message_ended(struct conn *conn);
/* Without an exchange: answers `err` and closes; before the end of a TLS handshake
 * nothing can be said, and that the answer cannot be sealed is what closes it. */
void conn_refuse(struct conn *conn, enum err err);
/* The body is late or malformed. */
void conn_body_failed(struct conn *conn, enum err err);
/* Shuts our side and drops what comes, for a while. */
void conn_linger(struct conn *conn);
/* The exchange gets on_gone, or on_sent after conn_abort. */
void conn_close(struct conn *conn);
/* The end of a turn for this connection: flush, completion, drain, pipelined bytes. */
void conn_advance(struct conn *conn);

/* Asks for conn_advance at the end of the turn. */
void conn_touch(struct conn *conn);
void conn_set_read_deadline(struct conn *conn, int64_t deadline_ms);
void conn_set_send_deadline(struct conn *conn, int64_t deadline_ms);

/* ---- conn_read.c ---- */

extern const struct request_events conn_request_events;

void conn_start_reading(struct conn *conn);
/* Reads what was kept of pipelined requests, and reads on where reading was stopped. */
void conn_read_kept(struct conn *conn);
/* Plain bytes of the client's, and the end of them. */
void conn_take_bytes(struct conn *conn, struct span bytes);
void conn_take_eof(struct conn *conn);

/* ---- conn_tls.c: connections with TLS only ---- */

/* Ciphertext that came from the client. */
void conn_tls_read(struct conn *conn, struct span bytes);
/* Tells the client, when it has all else, that no more will follow. Idempotent. */
void conn_tls_end(struct conn *conn);

/* ---- conn_write.c ---- */

/* Writes what the kernel takes and leaves the rest to libuv. */
void conn_flush(struct conn *conn);
/* Sets the send deadline, and remembers what is not acknowledged now. */
void conn_await_progress(struct conn *conn);
bool conn_made_progress(const struct conn *conn);
static inline bool conn_all_written(const struct conn *conn)
{
    return !conn->writing && bufq_len(&conn->queue) == 0;
}

#endif
