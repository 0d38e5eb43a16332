/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of more than one attempt: the gateway between a client and two scripted providers. */
#ifndef TESTS_GATEWAY_PAIR_H
#define TESTS_GATEWAY_PAIR_H

#include "exchange_support.h"

#include "worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIGURES "\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30"
#define ANSWER  "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}],\"usage\":{" FIGURES "}}"
/* 10 × 1,000 + 20 × 2,000 */
#define ANSWER_NUSD 50000

#define REPLY(status, fields, body) \
    "HTTP/1.1 " status " X\r\nContent-Type: application/json\r\n" fields body
#define ERROR_BODY            "Content-Length: 25\r\n\r\n{\"error\":{\"code\":\"down\"}}"
#define DOWN                  REPLY("503", "", ERROR_BODY)
#define SERVED                REPLY("200", "Content-Length: 112\r\n\r\n", ANSWER)
#define TOO_MANY(retry_after) REPLY("429", retry_after, ERROR_BODY)

#define PRICED \
    "price: {input: 1, output: 2}, context_window: 100000, max_output_tokens: 1000, hidden_input: 0"

/* `two`: first, nearly always, then second. `one`: first alone, three tries. */
#define HEAD HEAD_FOR("first_byte: 300ms, request: 20s")
#define HEAD_FOR(times)                                                                       \
    "listen: 127.0.0.1:0\nadmin: off\nworkers: 1\n"                                           \
    "timeouts: {connect: 500ms, idle: 300ms, " times "}\n"                                    \
    "providers:\n"                                                                            \
    "  first: {kind: openai, base_url: '%s', api_key: one}\n"                                 \
    "  second: {kind: openai, base_url: 'SECOND/v1', api_key: two}\n"                         \
    "  nowhere: {kind: openai, base_url: 'http://127.0.0.1:1/v1', api_key: three}\n"          \
    "models:\n"                                                                               \
    "  two: {targets: [{provider: first, model: f, weight: 1000}, {provider: second, model: " \
    "s}],\n    " PRICED "}\n"                                                                 \
    "  one: {targets: [{provider: first, model: f}], retries: {attempts: 3}, " PRICED "}\n"   \
    "  once: {targets: [{provider: first, model: f}], retries: {attempts: 1}, " PRICED "}\n"
#define TENANT "tenants:\n  t:\n    budgets: [{name: total, window: total, usd: 1.00}]\n" CONFIG_KEY

#define POST(model, more) \
    "{\"model\":\"" model "\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]," more "}"

struct pair {
    struct gateway_fixture *fixture;
    struct scripted_upstream *second;
    size_t awaited; /* requests to the first */
};

static inline void reload(struct pair *pair, const char *yaml)
{
    const char *mark = strstr(yaml, "SECOND");
    char text[4096];
    snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - yaml), yaml,
             scripted_upstream_base(pair->second), mark + strlen("SECOND"));
    gateway_fixture_reload(pair->fixture, text);
}

static inline int pair_setup(void **state)
{
    struct pair *pair = malloc(sizeof *pair);
    gateway_setup(state);
    pair->fixture = *state;
    pair->second = scripted_upstream_new(pair->fixture->loop);
    pair->fixture->worker->chance = 1;
    reload(pair, HEAD TENANT);
    *state = pair;
    return 0;
}

static inline int pair_teardown(void **state)
{
    struct pair *pair = *state;
    scripted_upstream_free(&pair->second);
    gateway_fixture_fini(pair->fixture);
    free(pair->fixture);
    free(pair);
    return 0;
}

static const struct script_step good[] = {SCRIPT_REQUEST, SCRIPT_SEND(SERVED), SCRIPT_AGAIN};
static const struct script_step down[] = {SCRIPT_REQUEST, SCRIPT_SEND(DOWN), SCRIPT_AGAIN};
static const struct script_step too_many[] = {SCRIPT_REQUEST, SCRIPT_SEND(TOO_MANY("")),
                                              SCRIPT_AGAIN};
static const struct script_step silent[] = {SCRIPT_REQUEST, SCRIPT_HOLD};
static const struct script_step broken[] = {SCRIPT_REQUEST, SCRIPT_RESET};

#define PLAY(upstream, steps) SCRIPTED_UPSTREAM_PLAY(upstream, steps)

static inline size_t asked_first(const struct pair *pair)
{
    return scripted_upstream_requests(pair->fixture->upstream);
}

static inline size_t asked_second(const struct pair *pair)
{
    return scripted_upstream_requests(pair->second);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, pair_setup, pair_teardown)

#endif
