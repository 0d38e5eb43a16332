/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts that wait for work, last in, first out: the handle used last is warm in the cache and
 * mostly set up for the right route. Nothing is ever reset; what a new route changes is set again.
 *
 * A pooled attempt keeps a reference to its last route: its handle points into it.
 */
#include "attempt_private.h"
#include "base/assert.h"
#include "base/memory.h"
#include "client_private.h"
#include "head.h"
#include "route_private.h"

#include <stdlib.h>

enum {
    POOL_MAX = 256,
    POOL_LOOK = 8, /* how many to look at for one of the same route */
    HEAD_KEEP = 4096,
    ATTEMPT_MAGIC = 0x41545054,
};

/* What never changes. CURLOPT_ACCEPT_ENCODING is left out on purpose: bodies pass through as they
 * are. No signals (saves system calls), no proxy exceptions from the environment, no redirects (they
 * would carry the provider's key elsewhere). */
static void preset(struct attempt *attempt)
{
    EASY_SET(attempt, CURLOPT_PRIVATE, attempt);
    EASY_SET(attempt, CURLOPT_NOSIGNAL, 1L);
    EASY_SET(attempt, CURLOPT_POST, 1L);
    EASY_SET(attempt, CURLOPT_PROTOCOLS_STR, "http,https");
    EASY_SET(attempt, CURLOPT_FOLLOWLOCATION, 0L);
    EASY_SET(attempt, CURLOPT_HTTP09_ALLOWED, 0L);
    EASY_SET(attempt, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    EASY_SET(attempt, CURLOPT_USERAGENT, "weir");
    EASY_SET(attempt, CURLOPT_NOPROXY, "");
    EASY_SET(attempt, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    EASY_SET(attempt, CURLOPT_SSL_VERIFYPEER, 1L);
    EASY_SET(attempt, CURLOPT_SSL_VERIFYHOST, 2L);
    /* Else ending an attempt whose name is being resolved blocks until the resolver gives up. */
    EASY_SET(attempt, CURLOPT_QUICK_EXIT, 1L);
    request_attach(attempt);
    answer_attach(attempt);
}

/* One file of authorities, never a directory as well: with a directory libcurl does not cache what
 * it has parsed, and blocks the loop for many milliseconds at each connection. */
static void set_authorities(struct attempt *attempt, const char *ca_file)
{
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    const char *file = ca_file != NULL ? ca_file : version->cainfo;
    EASY_SET(attempt, CURLOPT_CAINFO, file);
    EASY_SET(attempt, CURLOPT_CAPATH, file != NULL ? NULL : version->capath);
}

/* Strings are copied by curl, the URL and the list of lines are not: the reference keeps them. */
static void set_route(struct attempt *attempt, struct upstream_route *route)
{
    struct upstream_route *before = attempt->route;
    attempt->route = upstream_route_ref(route);
    EASY_SET(attempt, CURLOPT_CURLU, route->url);
    EASY_SET(attempt, CURLOPT_HTTPHEADER, route->lines);
    EASY_SET(attempt, CURLOPT_PROXY, route->proxy);
    EASY_SET(attempt, CURLOPT_CONNECTTIMEOUT_MS, route->connect_timeout_ms);
    EASY_SET(attempt, CURLOPT_HTTP_VERSION,
             route->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    /* Requests that come at once share the connection that the first one makes. */
    EASY_SET(attempt, CURLOPT_PIPEWAIT, route->http2 ? 1L : 0L);
    set_authorities(attempt, route->ca_file);
    upstream_route_unref(&before);
}

/* The callbacks and their arguments are set for life: an attempt is never moved. */
static struct attempt *attempt_new(struct upstream_client *client)
{
    struct attempt *attempt = MEMORY_NEW(struct attempt);
    attempt->magic = ATTEMPT_MAGIC;
    attempt->state = ATTEMPT_DONE;
    attempt->client = client;
    list_init(&attempt->link);
    list_init(&attempt->asking);
    buf_init(&attempt->head, HEAD_BYTES, 0);
    attempt->easy = curl_easy_init();
    ASSERT(attempt->easy != NULL);
    preset(attempt);
    return attempt;
}

static void attempt_free(struct attempt *attempt)
{
    list_remove(&attempt->link);
    list_remove(&attempt->asking);
    curl_easy_cleanup(attempt->easy);
    upstream_route_unref(&attempt->route);
    buf_fini(&attempt->head);
    free(attempt);
}

struct attempt *attempt_of(CURL *easy)
{
    struct attempt *attempt = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&attempt);
    ASSERT(attempt == NULL || attempt->magic == ATTEMPT_MAGIC);
    return attempt;
}

/* Of the same route if one is near the top, else the top. */
static struct attempt *choose(struct upstream_client *client, const struct upstream_route *route)
{
    int looked = 0;
    LIST_FOR_EACH (link, &client->pool) {
        struct attempt *attempt = LIST_ITEM(link, struct attempt, link);
        if (attempt->route == route)
            return attempt;
        if (++looked == POOL_LOOK)
            break;
    }
    return LIST_ITEM(client->pool.next, struct attempt, link);
}

struct attempt *pool_take(struct upstream_client *client, struct upstream_route *route)
{
    struct attempt *attempt;
    if (list_empty(&client->pool)) {
        attempt = attempt_new(client);
    } else {
        attempt = choose(client, route);
        list_remove(&attempt->link);
        client->pool_size--;
    }
    if (attempt->route != route)
        set_route(attempt, route);
    return attempt;
}

/* Beyond POOL_MAX a burst's handles are freed: each holds about 25 KiB. */
void pool_give(struct attempt *attempt)
{
    struct upstream_client *client = attempt->client;
    ASSERT(attempt->state == ATTEMPT_DONE && !attempt->in_multi);
    if (client->pool_size == POOL_MAX || attempt->worn) {
        attempt_free(attempt);
        return;
    }
    list_remove(&attempt->link);
    list_remove(&attempt->asking);
    buf_reset(&attempt->head, HEAD_KEEP);
    list_prepend(&client->pool, &attempt->link);
    client->pool_size++;
}

void pool_drain(struct upstream_client *client)
{
    LIST_FOR_EACH (link, &client->pool)
        attempt_free(LIST_ITEM(link, struct attempt, link));
}
