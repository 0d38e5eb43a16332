/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real worker of the gateway on the test's loop, between a raw client and a scripted provider. The
 * configuration is YAML, as operators write it; %s in it is the provider's base URL.
 */
#ifndef SUPPORT_GATEWAY_FIXTURE_H
#define SUPPORT_GATEWAY_FIXTURE_H

#include "gateway/worker.h"
#include "policy/budget.h"
#include "support/raw_client.h"
#include "support/scripted_upstream.h"
#include "telemetry/metrics.h"

struct cells;

struct gateway_fixture {
    struct loop *loop;
    struct scripted_upstream *upstream;
    struct cells *cells;
    struct gateway_shared *shared;
    struct gateway_worker *worker;
    uint16_t port;
};

/* The key of every configuration here, and its hash for the YAML. */
#define FIXTURE_KEY      "weir_test"
#define FIXTURE_KEY_HASH "96386c2e8a17b4e0c100696e5620d9eab7f2d3aaf76d871fd83439d7e8433817"

void gateway_fixture_init(struct gateway_fixture *fixture, const char *yaml);
void gateway_fixture_fini(struct gateway_fixture *fixture);
/* Loads another configuration into the running worker. */
void gateway_fixture_reload(struct gateway_fixture *fixture, const char *yaml);

/* Sends POST /v1/chat/completions with the key. */
void gateway_fixture_post(struct gateway_fixture *fixture, struct raw_client *client,
                          const char *body);
/* Connects, posts, reads the reply (and the interim ones away), closes. */
void gateway_fixture_exchange(struct gateway_fixture *fixture, const char *body,
                              struct raw_reply *reply);

/* How the budget "tenant/name" stands. */
void gateway_fixture_budget(struct gateway_fixture *fixture, const char *cell_name,
                            enum window_kind window, struct budget_view *view);
int64_t gateway_fixture_total(struct gateway_fixture *fixture, enum metric metric);
/* Turns the loop until no exchange is in progress. */
void gateway_fixture_settle(struct gateway_fixture *fixture);

#endif
