/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway between two scripted ends. */
#include "support/gateway_fixture.h"

#include "base/clock.h"
#include "config/load.h"
#include "loop/loop.h"
#include "policy/cells.h"
#include "upstream/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Formats the YAML with the provider's URL, writes it to a file, loads it, removes the file. */
static struct snapshot *load(struct gateway_fixture *fixture, const char *yaml)
{
    char path[] = "/tmp/weir-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    char base[128];
    snprintf(base, sizeof base, "%s/v1", scripted_upstream_base(fixture->upstream));
    const char *mark = strstr(yaml, "%s");
    if (mark != NULL)
        fprintf(file, "%.*s%s%s", (int)(mark - yaml), yaml, base, mark + 2);
    else
        fputs(yaml, file);
    fclose(file);
    struct problems problems = {0};
    struct load_settings settings = {.path = path, .cells = fixture->cells};
    struct snapshot *snapshot = config_load(&settings, &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    unlink(path);
    assert_non_null(snapshot);
    return snapshot;
}

void gateway_fixture_init(struct gateway_fixture *fixture, const char *yaml)
{
    const char *address = "", *error = "";
    upstream_global_init();
    fixture->loop = loop_new();
    fixture->upstream = scripted_upstream_new(fixture->loop);
    fixture->cells = cells_new();
    fixture->shared = gateway_shared_new();
    struct gateway_settings settings = {.loop = fixture->loop,
                                        .snapshot = load(fixture, yaml),
                                        .access_log_fd = -1,
                                        .shared = fixture->shared};
    fixture->worker = gateway_worker_new(&settings);
    if (!gateway_worker_listen(fixture->worker, &address, &error))
        fail_msg("%s: %s", address, error);
    fixture->port = gateway_worker_port(fixture->worker);
}

void gateway_fixture_fini(struct gateway_fixture *fixture)
{
    gateway_worker_free(&fixture->worker);
    gateway_shared_free(&fixture->shared);
    scripted_upstream_free(&fixture->upstream);
    cells_free(&fixture->cells);
    loop_free(&fixture->loop);
}

void gateway_fixture_reload(struct gateway_fixture *fixture, const char *yaml)
{
    gateway_worker_set_snapshot(fixture->worker, load(fixture, yaml));
}

void gateway_fixture_post(struct gateway_fixture *fixture, struct raw_client *client,
                          const char *body)
{
    char head[512];
    (void)fixture;
    snprintf(head, sizeof head,
             "POST /v1/chat/completions HTTP/1.1\r\nHost: weir\r\n"
             "Authorization: Bearer " FIXTURE_KEY "\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             strlen(body));
    raw_client_send_text(client, head);
    raw_client_send_text(client, body);
}

void gateway_fixture_exchange(struct gateway_fixture *fixture, const char *body,
                              struct raw_reply *reply)
{
    struct raw_client *client = raw_client_connect(fixture->loop, fixture->port);
    gateway_fixture_post(fixture, client, body);
    raw_client_read_reply(client, false, reply);
    raw_client_free(&client);
    gateway_fixture_settle(fixture);
}

void gateway_fixture_budget(struct gateway_fixture *fixture, const char *cell_name,
                            enum window_kind window, struct budget_view *view)
{
    struct window_rule rule = {.kind = window};
    struct budget_cell *cell = cells_budget(fixture->cells, cell_name, &rule);
    budget_cell_look(cell, &rule, clock_wall_ns(), view);
    budget_cell_unref(&cell);
}

int64_t gateway_fixture_total(struct gateway_fixture *fixture, enum metric metric)
{
    struct metrics *metrics = gateway_worker_metrics(fixture->worker);
    return metrics_total(&metrics, 1, metric);
}

static bool is_idle(void *argument)
{
    struct gateway_fixture *fixture = argument;
    return gateway_worker_active(fixture->worker) == 0;
}

void gateway_fixture_settle(struct gateway_fixture *fixture)
{
    raw_run_until(fixture->loop, is_idle, fixture, "the end of every exchange");
}
