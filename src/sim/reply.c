/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Writes replies and errors with the few header fields that clients of OpenAI look at. */
#include "reply.h"

#include "net/server.h"

#include <stdarg.h>
#include <stdio.h>

#define REFUSAL_BYTES 4096
#define FIELDS        4

/* What OpenAI sends with a status. The first row that is not above the status counts. */
static const struct {
    int from;
    const char *type;
    const char *code;
} kinds[] = {
    {500, "server_error", NULL},
    {430, "invalid_request_error", NULL},
    {429, "requests", "rate_limit_exceeded"},
    {405, "invalid_request_error", NULL},
    {404, "invalid_request_error", "model_not_found"},
    {402, "invalid_request_error", NULL},
    {401, "invalid_request_error", "invalid_api_key"},
    {0, "invalid_request_error", NULL},
};

void refusal_set(struct refusal *refusal, int status, const char *format, ...)
{
    size_t kind = 0;
    while (status < kinds[kind].from)
        kind++;
    *refusal =
        (struct refusal){.status = status, .type = kinds[kind].type, .code = kinds[kind].code};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(refusal->message, sizeof(refusal->message), format, arguments);
    va_end(arguments);
}

bool refusal_set_param(struct refusal *refusal, const char *param, const char *code,
                       const char *format, ...)
{
    *refusal = (struct refusal){
        .status = 400, .type = "invalid_request_error", .param = param, .code = code};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(refusal->message, sizeof(refusal->message), format, arguments);
    va_end(arguments);
    return false;
}

/* ---- replies ---- */

/* `id` backs the second field. Returns how many there are. */
static size_t write_fields(struct header out[FIELDS], const struct reply_fields *fields,
                           struct buf *id, struct ids *ids)
{
    size_t count = 2;
    buf_append(id, SPAN("req_"));
    ids_write(ids, id, 32);
    out[0] = (struct header){SPAN("Content-Type"), fields->media_type};
    out[1] = (struct header){SPAN("x-request-id"), buf_span(id)};
    if (fields->retry_after.len > 0)
        out[count++] = (struct header){SPAN("Retry-After"), fields->retry_after};
    if (fields->location.len > 0)
        out[count++] = (struct header){SPAN("Location"), fields->location};
    return count;
}

void reply_whole(struct conn *conn, struct ids *ids, int status, const struct reply_fields *fields,
                 struct buf *body)
{
    struct header written[FIELDS];
    struct buf id;
    buf_init(&id, 64, 0);
    size_t count = write_fields(written, fields, &id, ids);
    conn_reply(conn, status, written, count, body);
    buf_fini(&id);
}

void reply_json(struct conn *conn, struct ids *ids, int status, struct buf *body)
{
    const struct reply_fields fields = {.media_type = SPAN("application/json")};
    reply_whole(conn, ids, status, &fields, body);
}

void reply_begin(struct conn *conn, struct ids *ids, int status, struct span media_type)
{
    const struct reply_fields fields = {.media_type = media_type};
    struct header written[FIELDS];
    struct buf id;
    buf_init(&id, 64, 0);
    size_t count = write_fields(written, &fields, &id, ids);
    conn_begin(conn, status, written, count);
    buf_fini(&id);
}

void reply_write_refusal(const struct refusal *refusal, struct buf *out)
{
    buf_append(out, SPAN("{\"error\":{\"message\":"));
    buf_append_json_string(out, span_from_string(refusal->message));
    buf_append(out, SPAN(",\"type\":"));
    buf_append_json_string(out, span_from_string(refusal->type));
    buf_append(out, SPAN(",\"param\":"));
    buf_append_json_string(out, span_from_string(refusal->param));
    buf_append(out, SPAN(",\"code\":"));
    buf_append_json_string(out, span_from_string(refusal->code));
    buf_append_byte(out, '}');
}

void reply_refusal(struct conn *conn, struct ids *ids, const struct refusal *refusal)
{
    struct buf body;
    buf_init(&body, REFUSAL_BYTES, 0);
    reply_write_refusal(refusal, &body);
    buf_append_byte(&body, '}');
    reply_json(conn, ids, refusal->status, &body);
    buf_fini(&body);
}
