/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of whole exchanges share: a configuration, requests, and ways to look. */
#ifndef TESTS_GATEWAY_EXCHANGE_SUPPORT_H
#define TESTS_GATEWAY_EXCHANGE_SUPPORT_H

#include "support/gateway_fixture.h"

/* Prices make sums easy: a token in costs 1,000 nano-dollars, a token out 2,000. */
#define CONFIG_MODELS                                                                          \
    "listen: 127.0.0.1:0\n"                                                                    \
    "admin: off\n"                                                                             \
    "workers: 1\n"                                                                             \
    "max_body: 64KiB\n"                                                                        \
    "timeouts: {connect: 500ms, first_byte: 300ms, idle: 300ms, request: 20s, body: 300ms}\n"  \
    "providers:\n"                                                                             \
    "  scripted: {kind: openai, base_url: '%s', api_key: provider-secret}\n"                   \
    "models:\n"                                                                                \
    "  small: {targets: [{provider: scripted, model: up-small}], aliases: [little],\n"         \
    "          retries: {attempts: 1},\n"                                                      \
    "          price: {input: 1, output: 2}, context_window: 100000,\n"                        \
    "          max_output_tokens: 1000, hidden_input: 0}\n"                                    \
    "  unpriced: {targets: [{provider: scripted, model: up-unpriced}]}\n"                      \
    "  hidden: {targets: [{provider: scripted, model: up-hidden}], price: {input: 1, output: " \
    "2}}\n"
#define CONFIG_KEY "    keys: [{id: k, sha256: " FIXTURE_KEY_HASH "}]\n"

#define CONFIG                                      \
    CONFIG_MODELS "tenants:\n"                      \
                  "  t:\n"                          \
                  "    models: [small, unpriced]\n" \
                  "    budgets: [{name: total, window: total, usd: 1.00}]\n" CONFIG_KEY
#define CONFIG_FREE CONFIG_MODELS "tenants:\n  t:\n    models: [small]\n" CONFIG_KEY
#define BUDGET_CELL "tenant t budget total"

#define CHAT(more)                                                                            \
    "{\"model\":\"small\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello, how are you " \
    "today?\"}]," more "}"

#define WITH_GATEWAY(test) cmocka_unit_test_setup_teardown(test, gateway_setup, gateway_teardown)

int gateway_setup(void **state);
int gateway_teardown(void **state);

/* A whole reply of a provider, written into `room`. */
struct script_step http_json(char *room, int status, const char *body);
/* GET with the key. */
void get(struct gateway_fixture *fixture, const char *path, struct raw_reply *reply);

void assert_span(struct span actual, const char *expected);
void assert_contains(struct span actual, const char *part);
/* The total budget of CONFIG. */
void assert_budget(struct gateway_fixture *fixture, int64_t spent, int64_t uncertain, int64_t held);

#endif
