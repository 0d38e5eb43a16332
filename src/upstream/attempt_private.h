/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attempt and the curl handle it is bound to for life; both go through the pool together, so that
 * most options are set once.
 */
#ifndef UPSTREAM_ATTEMPT_PRIVATE_H
#define UPSTREAM_ATTEMPT_PRIVATE_H

#include "base/assert.h"
#include "base/buf.h"
#include "base/list.h"
#include "upstream/attempt.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct upstream_client;

/* Options fail only out of memory, or with a libcurl that cannot do what Weir is built on. */
#define EASY_SET(attempt, option, value) \
    ASSERT(curl_easy_setopt((attempt)->easy, (option), (value)) == CURLE_OK)

/* A pooled attempt is DONE. */
enum attempt_state { ATTEMPT_STARTED, ATTEMPT_HEAD, ATTEMPT_BODY, ATTEMPT_DONE };

struct attempt {
    uint32_t magic; /* it comes back from curl as a void pointer */
    enum attempt_state state;
    struct list link;   /* in one of the client's lists */
    struct list asking; /* in client->asking */
    struct upstream_client *client;
    CURL *easy;
    struct upstream_route *route; /* what `easy` is set up for; a reference */
    bool in_multi;
    bool worn; /* not for the pool any more: what curl keeps for the life of a handle is spoilt */
    bool paused;
    bool withheld;  /* curl keeps bytes that came while paused */
    int fd;         /* its connection, or -1 */
    int local_port; /* of the connection that the request went out on */
    int remote_port;
    struct span unsent; /* of a large body */
    struct span body;
    struct buf head;
    size_t head_bytes; /* of all heads and trailers */
    struct attempt_events events;
    void *argument;
    struct attempt_facts facts;
    int64_t first_byte_timeout_ms;
    int64_t idle_timeout_ms;
    int64_t total_timeout_ms;
    int64_t started_ms;
    int64_t heard_ms; /* the last sign of the answer; moved on by pauses */
    int64_t paused_ms;
};

/* attempt.c: the only way to change `state`. */
void attempt_set_state(struct attempt *attempt, enum attempt_state state);

/* attempt.c, for the client's drive. */
void attempt_attend(struct attempt *attempt);
void attempt_reap(struct attempt *attempt);
void attempt_ended(struct attempt *attempt, CURLcode result);
/* Ends it with UPSTREAM_TIMEOUT when a deadline has passed. */
bool attempt_is_late(const struct attempt *attempt, int64_t now_ms);
void attempt_time_out(struct attempt *attempt);
/* NULL for a handle of curl's own: curl 8 closes connections with one. */
struct attempt *attempt_of(CURL *easy);

/* answer.c and request.c: the callbacks of a new handle. */
void answer_attach(struct attempt *attempt);
void request_attach(struct attempt *attempt);
/* request.c: before each start. */
void request_set_body(struct attempt *attempt, struct span body);

/* pool.c. Taking sets the handle up for the route; giving back ends its place in other lists. */
struct attempt *pool_take(struct upstream_client *client, struct upstream_route *route);
void pool_give(struct attempt *attempt);
void pool_drain(struct upstream_client *client);

#endif
