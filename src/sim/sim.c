/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated provider's server: routes, bodies, and the small answers. What a model is to answer
 * goes to production.c as soon as its body is complete.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/memory.h"
#include "loop/loop.h"
#include "net/server.h"
#include "production.h"
#include "replay.h"
#include "reply.h"
#include "request.h"
#include "sim_private.h"
#include "wire/json.h"

#include <stdlib.h>

#define BODY_MAX          ((size_t)32 * 1024 * 1024)
#define AUTHORIZATION_MAX ((size_t)32 * 1024)        /* what a head can have */
#define SCRATCH_MAX       ((size_t)48 * 1024 * 1024) /* the largest whole answer is under half of it */
#define SCRATCH_KEEP      ((size_t)256 * 1024)

struct route;

struct exchange {
    struct sim *sim;
    struct conn *conn;
    const struct route *route; /* NULL: no such path */
    bool method_fits;
    bool answered;            /* the rest of the body is of no interest */
    struct buf body;          /* of routes that take one */
    struct buf authorization; /* as it came, with a NUL; for errors that echo it */
    struct production *production;
    struct replay *replay;
};

struct route {
    struct span method;
    struct span path;
    void (*answer)(struct exchange *exchange);
    bool takes_body;
    enum request_kind kind; /* of answer_model */
};

/* One for all: nothing is kept in it from one callback to the next. */
struct buf *sim_scratch(struct sim *sim)
{
    buf_reset(&sim->out, SCRATCH_KEEP);
    return &sim->out;
}

/* ---- small answers ---- */

static void refuse(struct exchange *exchange, const struct refusal *refusal)
{
    exchange->answered = true;
    reply_refusal(exchange->conn, &exchange->sim->ids, refusal);
}

static void answer_bill(struct exchange *exchange)
{
    struct sim *sim = exchange->sim;
    struct buf *out = sim_scratch(sim);
    buf_append_byte(out, '{');
    bill_write(sim->bill, out);
    buf_append(out, SPAN(",\"open\":"));
    buf_append_u64(out, sim->open);
    buf_append(out, SPAN(",\"cancelled\":"));
    buf_append_u64(out, sim->cancelled);
    buf_append(out, SPAN(",\"last_cancel_unix_ms\":"));
    if (sim->last_cancel_ns != 0) {
        buf_append_u64(out, (uint64_t)(sim->last_cancel_ns / NS_PER_MS));
    } else {
        buf_append(out, SPAN("null"));
    }
    buf_append(out, SPAN("}\n"));
    reply_json(exchange->conn, &sim->ids, 200, out);
}

/* Answers with the bill as it was: nothing is lost between a look and a reset. */
static void answer_reset(struct exchange *exchange)
{
    struct sim *sim = exchange->sim;
    answer_bill(exchange);
    bill_reset(sim->bill);
    sim->cancelled = 0;
    sim->last_cancel_ns = 0;
}

static void write_model(struct sim *sim, struct span name, struct buf *out)
{
    buf_append(out, SPAN("{\"id\":"));
    buf_append_json_string(out, name);
    buf_append(out, SPAN(",\"object\":\"model\",\"created\":"));
    buf_append_u64(out, (uint64_t)(sim->started_ns / NS_PER_S));
    buf_append(out, SPAN(",\"owned_by\":\"simulation\"}"));
}

static void answer_models(struct exchange *exchange)
{
    struct sim *sim = exchange->sim;
    struct buf *out = sim_scratch(sim);
    struct span name;
    buf_append(out, SPAN("{\"object\":\"list\",\"data\":["));
    write_model(sim, SPAN("sim"), out);
    for (size_t i = 0; (name = prices_model(sim->prices, i)).len > 0; i++) {
        buf_append_byte(out, ',');
        write_model(sim, name, out);
    }
    buf_append(out, SPAN("]}"));
    reply_json(exchange->conn, &sim->ids, 200, out);
}

/* The fault that is set for this request, or NULL. */
static const struct behaviour *next_fault(struct sim *sim)
{
    if (sim->faulty == 0)
        return NULL;
    sim->faulty--;
    return &sim->fault;
}

static void begin_answer(struct exchange *exchange, const struct request *request)
{
    struct refusal refusal;
    if (request->behaviour.record[0] == '\0') {
        const char *authorization = buf_span(&exchange->authorization).ptr;
        exchange->production = production_start(exchange->sim, exchange->conn, request,
                                                authorization != NULL ? authorization : "");
        return;
    }
    exchange->replay = replay_start(exchange->sim, exchange->conn, &request->behaviour);
    if (exchange->replay != NULL)
        return;
    refusal_set(&refusal, 404, "There is no record '%s'.", request->behaviour.record);
    refuse(exchange, &refusal);
}

static void answer_model(struct exchange *exchange)
{
    struct sim *sim = exchange->sim;
    struct request request;
    struct refusal refusal;
    struct json *root = json_parse(buf_span(&exchange->body));
    bill_count_request(sim->bill);
    if (json_type(root) != JSON_OBJECT) {
        refusal_set(&refusal, 400, "We could not parse the JSON body of your request.");
        refuse(exchange, &refusal);
    } else if (!request_read(exchange->route->kind, root, next_fault(sim), &request, &refusal)) {
        refuse(exchange, &refusal);
    } else {
        begin_answer(exchange, &request);
    }
    json_free(&root);
    buf_fini(&exchange->body); /* a stream may run for an hour */
    buf_fini(&exchange->authorization);
}

/* {"model": "sim:…", "requests": N}: replaces what was set before. */
static bool read_fault(struct sim *sim, const struct json *root)
{
    struct behaviour behaviour;
    struct span unknown;
    int64_t requests;
    struct span model = json_string(json_get(root, "model"));
    if (model.len == 0 || !behaviour_parse(model, &behaviour, &unknown) ||
        !json_integer(json_get(root, "requests"), &requests) || requests < 0)
        return false;
    sim->fault = behaviour;
    sim->faulty = (uint64_t)requests;
    return true;
}

static void answer_fault(struct exchange *exchange)
{
    struct sim *sim = exchange->sim;
    struct refusal refusal;
    struct json *root = json_parse(buf_span(&exchange->body));
    bool good = read_fault(sim, root);
    json_free(&root);
    if (!good) {
        refusal_set(&refusal, 400, "A fault is {\"model\": \"sim:…\", \"requests\": N}.");
        refuse(exchange, &refusal);
        return;
    }
    struct buf *out = sim_scratch(sim);
    buf_append(out, SPAN("{\"requests\":"));
    buf_append_u64(out, sim->faulty);
    buf_append(out, SPAN("}\n"));
    reply_json(exchange->conn, &sim->ids, 200, out);
}

/* ---- routes ---- */

static const struct route routes[] = {
    {SPAN_INIT("POST"), SPAN_INIT("/v1/chat/completions"), answer_model, true, REQUEST_CHAT},
    {SPAN_INIT("POST"), SPAN_INIT("/v1/completions"), answer_model, true, REQUEST_COMPLETION},
    {SPAN_INIT("POST"), SPAN_INIT("/v1/embeddings"), answer_model, true, REQUEST_EMBEDDING},
    {SPAN_INIT("GET"), SPAN_INIT("/v1/models"), answer_models, false, 0},
    {SPAN_INIT("GET"), SPAN_INIT("/sim/bill"), answer_bill, false, 0},
    {SPAN_INIT("POST"), SPAN_INIT("/sim/reset"), answer_reset, false, 0},
    {SPAN_INIT("POST"), SPAN_INIT("/sim/fault"), answer_fault, true, 0},
};

static const struct route *find_route(struct span target)
{
    struct span path;
    span_cut(target, '?', &path);
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        if (span_equal(path, routes[i].path))
            return &routes[i];
    return NULL;
}

static bool takes_body(const struct exchange *exchange)
{
    return exchange->method_fits && exchange->route->takes_body;
}

static void answer(struct exchange *exchange)
{
    struct refusal refusal;
    if (exchange->route == NULL) {
        refusal_set(&refusal, 404, "There is no such endpoint in the simulation.");
        refusal.code = "unknown_url";
    } else if (!exchange->method_fits) {
        refusal_set(&refusal, 405, "This endpoint does not take that method.");
        refusal.code = "method_not_allowed";
    } else {
        exchange->route->answer(exchange);
        return;
    }
    refuse(exchange, &refusal);
}

/* ---- what the server tells ---- */

static void keep_authorization(struct exchange *exchange, const struct request_head *head)
{
    struct span value = headers_get(&head->headers, SPAN("authorization"));
    buf_init(&exchange->authorization, AUTHORIZATION_MAX, 0);
    if (value.len > 0 && takes_body(exchange)) {
        buf_append(&exchange->authorization, value);
        buf_append_byte(&exchange->authorization, '\0');
    }
}

static void *on_head(void *context, struct conn *conn, const struct request_head *head)
{
    struct exchange *exchange = MEMORY_NEW(struct exchange);
    exchange->sim = context;
    exchange->conn = conn;
    exchange->route = find_route(head->target);
    exchange->method_fits =
        exchange->route != NULL && span_equal(head->method, exchange->route->method);
    buf_init(&exchange->body, BODY_MAX, 0);
    keep_authorization(exchange, head);
    if (takes_body(exchange))
        conn_send_continue(conn);
    return exchange;
}

static void on_body(void *argument, struct span bytes)
{
    struct exchange *exchange = argument;
    struct refusal refusal;
    if (!takes_body(exchange) || exchange->answered || buf_append(&exchange->body, bytes))
        return;
    refusal_set(&refusal, 413, "The request body is too large.");
    refuse(exchange, &refusal);
}

static void on_body_end(void *argument)
{
    answer(argument);
}

static void on_body_error(void *argument, enum err err)
{
    struct exchange *exchange = argument;
    struct refusal refusal;
    refusal_set(&refusal, err_info(err)->status, "%s", err_info(err)->sentence);
    refuse(exchange, &refusal);
}

static void on_drain(void *argument)
{
    struct exchange *exchange = argument;
    if (exchange->production != NULL)
        production_drain(exchange->production);
    if (exchange->replay != NULL)
        replay_drain(exchange->replay);
}

static void on_half_close(void *argument)
{
    struct exchange *exchange = argument;
    if (exchange->production != NULL)
        production_half_close(exchange->production);
}

static void on_sent(void *argument)
{
    struct exchange *exchange = argument;
    production_free(&exchange->production);
    replay_free(&exchange->replay);
    buf_fini(&exchange->body);
    buf_fini(&exchange->authorization);
    free(exchange);
}

static void on_gone(void *argument)
{
    struct exchange *exchange = argument;
    if (exchange->production != NULL)
        production_gone(exchange->production);
    on_sent(argument);
}

static void on_refused(void *context, enum err err)
{
    (void)context;
    (void)err;
}

/* ---- life ---- */

static const struct server_handler handler = {
    .on_head = on_head,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_body_error = on_body_error,
    .on_drain = on_drain,
    .on_half_close = on_half_close,
    .on_gone = on_gone,
    .on_sent = on_sent,
    .on_refused = on_refused,
};

/* Patient: what is slow or idle here is what a test is about. */
static const struct server_settings server_settings = {
    .head_timeout_ms = 30000,
    .body_timeout_ms = 30000,
    .idle_timeout_ms = 600000,
    .send_timeout_ms = 600000,
    .max_connections = 100000,
    .queue_high = (size_t)64 * 1024,
    .queue_low = (size_t)16 * 1024,
};

struct sim *sim_start(struct loop *loop, const struct sim_settings *settings, const char **error)
{
    struct prices *prices = prices_new(settings->prices, error);
    if (prices == NULL)
        return NULL;
    struct sim *sim = MEMORY_NEW(struct sim);
    sim->loop = loop;
    sim->prices = prices;
    if (settings->records != NULL)
        sim->records = memory_string(settings->records, strlen(settings->records));
    sim->bill = bill_new(prices);
    sim->started_ns = clock_wall_ns();
    ids_init(&sim->ids, (uint64_t)sim->started_ns);
    buf_init(&sim->out, SCRATCH_MAX, 0);
    sim->server =
        server_listen(loop, settings->address, false, &server_settings, &handler, sim, error);
    if (sim->server == NULL)
        sim_stop(&sim);
    return sim;
}

void sim_stop(struct sim **address)
{
    struct sim *sim = *address;
    *address = NULL;
    if (sim == NULL)
        return;
    server_free(&sim->server);
    bill_free(&sim->bill);
    prices_free(&sim->prices);
    free(sim->records);
    buf_fini(&sim->out);
    free(sim);
}

uint16_t sim_port(const struct sim *sim)
{
    return server_port(sim->server);
}
