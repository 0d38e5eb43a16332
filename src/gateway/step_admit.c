/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ADMIT: may this head come in at all? Endpoint, length and media type; whose key; requests a minute
 * and concurrency. Runs when the head is complete, so that a bad key costs no body. The head is
 * borrowed for this step: what later steps need of it is copied here.
 */
#include "credentials.h"
#include "endpoint.h"
#include "exchange.h"
#include "labels.h"
#include "memory_gauge.h"
#include "worker.h"

#include "crypto/digest.h"
#include "net/server.h"
#include "wire/url.h"

/* The receipt's names of who asks, as far as the head tells. */
static void note_subject(struct exchange *exchange)
{
    const struct headers *headers = &exchange->head->headers;
    const struct key *key = exchange->key;
    receipt_copy(exchange->receipt.tenant, span_from_string(key->tenant->path));
    receipt_copy(exchange->receipt.key, span_from_string(key->id));
    receipt_copy(exchange->receipt.session, headers_get(headers, SPAN("x-weir-session")));
    labels_read(headers, &exchange->scratch, &exchange->receipt);
    if (key->user_from == USER_FROM_HEADER)
        receipt_copy(exchange->receipt.user, headers_get(headers, SPAN("x-weir-user")));
}

static enum err find_key(struct exchange *exchange)
{
    struct span secret;
    enum err err = credentials_find(&exchange->head->headers, &secret);
    if (err != ERR_NONE)
        return err;
    uint8_t digest[SHA256_SIZE];
    sha256(secret, digest);
    const struct key *key = snapshot_key(exchange->snapshot, digest);
    if (key == NULL)
        return ERR_KEY_INVALID;
    exchange->key = key;
    note_subject(exchange);
    if (key->expires_wall_ns != 0 && exchange->begun_wall_ns >= key->expires_wall_ns)
        return ERR_KEY_EXPIRED;
    return ERR_NONE;
}

static enum err check_body_fields(const struct exchange *exchange)
{
    const struct headers *headers = &exchange->head->headers;
    if (exchange->head->content_length > exchange->snapshot->max_body_bytes)
        return ERR_BODY_TOO_LARGE;
    struct span type = headers_get(headers, SPAN("content-type"));
    if (!media_type_is(type, SPAN("application/json")))
        return ERR_MEDIA_TYPE;
    struct span charset = media_type_parameter(type, SPAN("charset"));
    if (charset.len != 0 && !span_equal_nocase(charset, SPAN("utf-8")))
        return ERR_MEDIA_TYPE;
    struct span encoding = headers_get(headers, SPAN("content-encoding"));
    if (encoding.len != 0 && !span_equal_nocase(encoding, SPAN("identity")))
        return ERR_CONTENT_ENCODING;
    return ERR_NONE;
}

static enum err find_endpoint(struct exchange *exchange)
{
    struct span path, query;
    if (!target_path(exchange->head->target, &exchange->arena, &path, &query))
        return ERR_NOT_FOUND;
    const struct endpoint *endpoint = endpoint_find(path, &exchange->path_tail);
    if (endpoint == NULL)
        return ERR_NOT_FOUND;
    exchange->endpoint = endpoint;
    exchange->path_tail = arena_copy(&exchange->arena, exchange->path_tail);
    if (!endpoint_takes(endpoint, exchange->head->method))
        return ERR_METHOD_NOT_ALLOWED;
    return ERR_NONE;
}

enum step step_admit(struct exchange *exchange)
{
    exchange->endpoint = &endpoint_unknown;
    enum err err = find_endpoint(exchange);
    if (err == ERR_NONE && exchange->endpoint->has_body)
        err = check_body_fields(exchange);
    if (err == ERR_NONE)
        err = find_key(exchange);
    if (err == ERR_NONE && memory_over(exchange->worker, exchange->snapshot->memory_bytes))
        err = ERR_OVERLOADED;
    if (err == ERR_NONE)
        err = lease_open(&exchange->lease, exchange->key, exchange->begun_ns);
    if (err != ERR_NONE)
        return exchange_refuse(exchange, err, NULL, NULL);
    conn_send_continue(exchange->conn);
    return STEP_PARSE;
}
