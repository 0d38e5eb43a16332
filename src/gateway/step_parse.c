/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PARSE: is the body a call in this dialect, and may this key use its model? Waits for the body. The
 * endpoints that list models are answered here and go straight to SETTLE.
 */
#include "endpoint.h"
#include "exchange.h"
#include "fields.h"
#include "models_list.h"

#include "base/clock.h"
#include "net/server.h"

static enum step answer_models(struct exchange *exchange)
{
    bool one = exchange->endpoint->kind == ENDPOINT_MODEL;
    if (!models_list_write(exchange->snapshot, exchange->key, one ? exchange->path_tail : SPAN_NONE,
                           &exchange->reply))
        return exchange_refuse(exchange, ERR_MODEL_NOT_FOUND, "model", NULL);
    struct fields fields;
    fields_init(&fields, exchange);
    fields_add(&fields, SPAN("content-type"), SPAN("application/json"));
    fields_add_limits(&fields, exchange);
    fields_reply(&fields, exchange, 200);
    return STEP_SETTLE;
}

/* The name as the client wrote it, in a sentence: cut so that the message stays readable. */
#define NAME_ARG(name) (int)((name).len < 100 ? (name).len : 100), (name).ptr

static enum step find_model(struct exchange *exchange)
{
    struct span name = exchange->call.model;
    receipt_copy(exchange->receipt.requested_model, name);
    const struct model *model = snapshot_model(exchange->snapshot, name);
    if (model == NULL || !subject_may_use(exchange->key, model->name))
        return exchange_refuse(exchange, ERR_MODEL_NOT_FOUND, "model",
                               "The model '%.*s' does not exist or this key may not use it.",
                               NAME_ARG(name));
    exchange->model = model;
    if (exchange->key->user_from != USER_FROM_NONE && exchange->receipt.user[0] == '\0')
        receipt_copy(exchange->receipt.user, exchange->call.user);
    return STEP_COUNT;
}

enum step step_parse(struct exchange *exchange)
{
    if (exchange->body_err != ERR_NONE) {
        conn_close_after(exchange->conn);
        return exchange_refuse(exchange, exchange->body_err, NULL, NULL);
    }
    if (!exchange->body_ended)
        return STEP_WAIT;
    if (!exchange->endpoint->has_body)
        return answer_models(exchange);
    enum err err = exchange->endpoint->dialect->read_call(
        buf_span(&exchange->body), &exchange->arena, &exchange->call, &exchange->complaint);
    if (err != ERR_NONE)
        return exchange_refuse(exchange, err, NULL, NULL);
    exchange->receipt.stream = exchange->call.stream;
    return find_model(exchange);
}
