/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operators' listener, with an owner made of answers: who is let in, what each endpoint says, and
 * what a reload reports.
 */
#include "admin/admin.h"

#include "base/clock.h"
#include "config/load.h"
#include "loop/loop.h"
#include "policy/cells.h"
#include "support/raw_client.h"
#include "telemetry/metrics.h"
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

#define TOKEN "weir_admin_secret"

static const char yaml[] =
    "listen: 127.0.0.1:0\n"
    "admin: {hosts: [ops.example, 'ops.example:8443']}\n"
    "providers: {p: {kind: openai, base_url: http://127.0.0.1:9/v1}}\n"
    "models: {m: {targets: [{provider: p, model: x}], price: {input: 1, output: 2}}}\n"
    "tenants:\n"
    "  acme:\n"
    "    budgets: [{name: all, window: total, usd: 12.5}]\n"
    "    keys:\n"
    "      - id: k1\n"
    "        sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
    "        budgets: [{name: own, window: day, usd: 1}]\n";

/* The owner and what it has been asked. */
struct desk {
    struct loop *loop;
    struct cells *cells;
    struct snapshot *snapshot;
    struct metrics *metrics[2];
    struct admin *admin;
    bool ready;
    bool reload_works;
    int reloads;
};

static const struct snapshot *desk_snapshot(void *argument)
{
    return ((struct desk *)argument)->snapshot;
}

static struct reload_state desk_reload_state(void *argument)
{
    struct desk *desk = argument;
    return (struct reload_state){.successful = desk->reload_works,
                                 .success_wall_ns = 1700000000000000000};
}

static struct ledger_state desk_ledger_state(void *argument)
{
    struct desk *desk = argument;
    return (struct ledger_state){.ok = desk->reload_works, .lag = 7};
}

static bool desk_ready(void *argument)
{
    return ((struct desk *)argument)->ready;
}

static bool desk_reload(void *argument, struct buf *report)
{
    struct desk *desk = argument;
    desk->reloads++;
    if (!desk->reload_works)
        buf_append(report, SPAN("weir.yaml:3:5: unknown key 'modles'\n"));
    return desk->reload_works;
}

static const struct admin_owner owner = {.snapshot = desk_snapshot,
                                         .reload_state = desk_reload_state,
                                         .ledger_state = desk_ledger_state,
                                         .ready = desk_ready,
                                         .reload = desk_reload};

static struct snapshot *load(struct cells *cells)
{
    char path[] = "/tmp/weir-admin-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, yaml, sizeof yaml - 1), sizeof yaml - 1);
    close(fd);
    struct problems problems = {0};
    struct load_settings settings = {.path = path, .cells = cells};
    struct snapshot *snapshot = config_load(&settings, &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    unlink(path);
    assert_non_null(snapshot);
    return snapshot;
}

static int desk_setup(void **state)
{
    static struct desk desk;
    const char *error = "";
    upstream_global_init();
    desk = (struct desk){.ready = true, .reload_works = true};
    desk.loop = loop_new();
    desk.cells = cells_new();
    desk.snapshot = load(desk.cells);
    desk.metrics[0] = metrics_new();
    desk.metrics[1] = metrics_new();
    struct admin_settings settings = {.loop = desk.loop,
                                      .address = "127.0.0.1:0",
                                      .token = TOKEN,
                                      .metrics = desk.metrics,
                                      .worker_count = 2,
                                      .owner = &owner,
                                      .argument = &desk};
    desk.admin = admin_start(&settings, &error);
    assert_non_null(desk.admin);
    *state = &desk;
    return 0;
}

static int desk_teardown(void **state)
{
    struct desk *desk = *state;
    admin_stop(&desk->admin);
    metrics_free(&desk->metrics[0]);
    metrics_free(&desk->metrics[1]);
    snapshot_unref(&desk->snapshot);
    cells_free(&desk->cells);
    loop_free(&desk->loop);
    return 0;
}

static void ask(struct desk *desk, const char *request, struct raw_reply *reply)
{
    struct raw_client *client = raw_client_connect(desk->loop, admin_port(desk->admin));
    raw_client_send_text(client, request);
    raw_client_read_reply(client, false, reply);
    raw_client_free(&client);
    assert_true(reply->complete);
}

static bool has(struct span text, const char *part)
{
    return span_search(text, span_from_string(part)) < text.len;
}

static void assert_has(const struct raw_reply *reply, const char *part)
{
    if (!has(buf_span(&reply->body), part))
        fail_msg("\"%.*s\"\nhas no \"%s\"", SPAN_ARG(buf_span(&reply->body)), part);
}

static void assert_answer(struct desk *desk, const char *request, int status, const char *part)
{
    struct raw_reply reply;
    ask(desk, request, &reply);
    if (reply.status != status)
        fail_msg("%d and not %d to\n%s", reply.status, status, request);
    assert_has(&reply, part);
    raw_reply_fini(&reply);
}

/* ---- who is let in ---- */

#define HOST(name) "Host: " name "\r\n\r\n"

static void hosts_are_checked(void **state)
{
    static const char *const good[] = {
        HOST("127.0.0.1:9090"),   HOST("127.0.0.1"),       HOST("localhost"), HOST("LOCALHOST:1"),
        HOST("[::1]:9090"),       HOST("[::1]"),           HOST("10.1.2.3"),  HOST("ops.example"),
        HOST("Ops.Example:9090"), HOST("ops.example:8443")};
    static const char *const bad[] = {HOST("evil.example"),           HOST("evil.example:9090"),
                                      HOST("localhost.evil.example"), HOST("127.0.0.1.evil.test"),
                                      HOST("ops.example.evil"),       HOST("2130706433"),
                                      HOST("127.0.0.1evil.example")};
    char request[256];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\n%s", good[i]);
        assert_answer(*state, request, 200, "ok\n");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\n%s", bad[i]);
        assert_answer(*state, request, 403, "\"error\"");
    }
    assert_answer(*state, "GET /healthz HTTP/1.0\r\n\r\n", 403, "\"error\"");
}

static void a_bad_host_does_not_reach_the_token(void **state)
{
    struct desk *desk = *state;
    assert_answer(desk,
                  "POST /admin/reload HTTP/1.1\r\nAuthorization: Bearer " TOKEN
                  "\r\nContent-Length: 0\r\n" HOST("evil.example"),
                  403, "\"error\"");
    assert_int_equal(desk->reloads, 0);
}

#define RELOAD(more) \
    "POST /admin/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n" more "\r\n"

static void reload_needs_the_token(void **state)
{
    struct desk *desk = *state;
    static const char *const wrong[] = {
        RELOAD(""),
        RELOAD("Authorization: Bearer\r\n"),
        RELOAD("Authorization: Bearer \r\n"),
        RELOAD("Authorization: Bearer weir_admin_secre\r\n"),
        RELOAD("Authorization: Bearer weir_admin_secrets\r\n"),
        RELOAD("Authorization: Basic " TOKEN "\r\n"),
        RELOAD("Authorization: " TOKEN "\r\n"),
        RELOAD("x-api-key: " TOKEN "\r\n"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_answer(desk, wrong[i], 401, "\"error\"");
    assert_int_equal(desk->reloads, 0);
    assert_answer(desk, RELOAD("Authorization: bearer  " TOKEN "\r\n"), 200, "reloaded\n");
    assert_int_equal(desk->reloads, 1);
}

static void methods_and_paths_are_checked(void **state)
{
    struct desk *desk = *state;
    assert_answer(desk, "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n" HOST("localhost"), 405,
                  "method_not_allowed");
    assert_answer(
        desk, "GET /admin/reload HTTP/1.1\r\nAuthorization: Bearer " TOKEN "\r\n" HOST("localhost"),
        405, "method_not_allowed");
    assert_answer(desk, "GET /admin/reload HTTP/1.1\r\n" HOST("localhost"), 401, "\"error\"");
    assert_answer(desk, "GET /nothing HTTP/1.1\r\n" HOST("localhost"), 404, "not_found");
    assert_answer(desk, "GET /v1/models HTTP/1.1\r\n" HOST("localhost"), 404, "not_found");
    assert_answer(desk, "GET /healthz/ HTTP/1.1\r\n" HOST("localhost"), 404, "not_found");
    assert_answer(desk, "GET /healthz?probe=1 HTTP/1.1\r\n" HOST("localhost"), 200, "ok\n");
    assert_int_equal(desk->reloads, 0);
}

/* ---- what is said ---- */

static void readiness_is_the_owners(void **state)
{
    struct desk *desk = *state;
    assert_answer(desk, "GET /readyz HTTP/1.1\r\n" HOST("localhost"), 200, "ready\n");
    desk->ready = false;
    assert_answer(desk, "GET /readyz HTTP/1.1\r\n" HOST("localhost"), 503, "draining\n");
    assert_answer(desk, "GET /healthz HTTP/1.1\r\n" HOST("localhost"), 200, "ok\n");
}

static void a_reload_that_fails_says_where(void **state)
{
    struct desk *desk = *state;
    desk->reload_works = false;
    assert_answer(desk, RELOAD("Authorization: Bearer " TOKEN "\r\n"), 400,
                  "weir.yaml:3:5: unknown key 'modles'\n");
    assert_int_equal(desk->reloads, 1);
    assert_answer(desk, "GET /metrics HTTP/1.1\r\n" HOST("localhost"), 200,
                  "weir_config_last_reload_successful 0\n");
}

static void a_connection_serves_several_requests(void **state)
{
    struct desk *desk = *state;
    struct raw_reply reply;
    struct raw_client *client = raw_client_connect(desk->loop, admin_port(desk->admin));
    raw_client_send_text(client, "GET /nothing HTTP/1.1\r\nContent-Length: 3\r\n" HOST(
                                     "localhost") "xyzGET /healthz HTTP/1.1\r\n" HOST("localhost"));
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, 404);
    raw_reply_fini(&reply);
    raw_client_read_reply(client, false, &reply);
    assert_int_equal(reply.status, 200);
    raw_reply_fini(&reply);
    raw_client_free(&client);
}

/* ---- metrics ---- */

static void scrape(struct desk *desk, const char *accept, struct raw_reply *reply)
{
    char request[256];
    snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n%s\r\n", accept);
    ask(desk, request, reply);
    assert_int_equal(reply->status, 200);
}

static void metrics_sum_the_workers_and_show_budgets(void **state)
{
    struct desk *desk = *state;
    const struct span owner_of[] = {SPAN("acme"), SPAN("m")};
    struct raw_reply reply;
    metrics_add(desk->metrics[0], METRIC_COST, owner_of, 1500000000);
    metrics_add(desk->metrics[1], METRIC_COST, owner_of, 1);
    scrape(desk, "", &reply);
    assert_true(span_equal(raw_reply_field(&reply, SPAN("content-type")),
                           SPAN("text/plain; version=0.0.4; charset=utf-8")));
    assert_has(&reply, "weir_cost_usd_total{tenant=\"acme\",model=\"m\"} 1.500000001\n");
    assert_has(&reply, "weir_upstream_breaker_state{provider=\"p\"} 0\n");
    assert_has(&reply, "weir_budget_limit_usd{budget=\"acme/all\"} 12.5\n");
    assert_has(&reply, "weir_budget_limit_usd{budget=\"key:k1/own\"} 1\n");
    assert_has(&reply, "weir_budget_spent_usd{budget=\"acme/all\"} 0\n");
    assert_has(&reply, "weir_budget_held_usd{budget=\"acme/all\"} 0\n");
    assert_has(&reply, "weir_budget_uncertain_usd{budget=\"acme/all\"} 0\n");
    assert_has(&reply, "weir_breaker_state{budget=\"acme/all\"} 0\n");
    assert_has(&reply, "weir_config_last_reload_successful 1\n");
    assert_has(&reply, "weir_ledger_ok 1\n");
    assert_has(&reply, "weir_ledger_lag_records 7\n");
    assert_has(&reply, "weir_config_last_reload_success_timestamp_seconds 1700000000\n");
    assert_has(&reply, "weir_build_info{version=\"");
    assert_has(&reply, "\nprocess_resident_memory_bytes ");
    assert_has(&reply, "\n# TYPE process_cpu_seconds_total counter\n");
    assert_false(has(buf_span(&reply.body), "# EOF"));
    raw_reply_fini(&reply);
}

static void the_worst_target_is_the_provider_s_state(void **state)
{
    struct desk *desk = *state;
    struct raw_reply reply;
    struct health_cell *health = desk->snapshot->models[0]->targets[0].health;
    int64_t now_ns = clock_monotonic_ns();
    health_rest(health, HEALTH_REST_MOST_NS, now_ns);
    scrape(desk, "", &reply);
    assert_has(&reply, "weir_upstream_breaker_state{provider=\"p\"} 2\n");
    raw_reply_fini(&reply);
    health_report(health, HEALTH_GOOD, now_ns + HEALTH_REST_MOST_NS); /* its probe */
    health_rest(health, 1, now_ns);
    scrape(desk, "", &reply);
    assert_has(&reply, "weir_upstream_breaker_state{provider=\"p\"} 1\n");
    raw_reply_fini(&reply);
}

#define WITH_TOKEN "Host: localhost\r\nAuthorization: Bearer " TOKEN "\r\n\r\n"

static void budgets_are_shown(void **state)
{
    struct desk *desk = *state;
    assert_answer(desk, "GET /admin/budgets HTTP/1.1\r\n" HOST("localhost"), 401, "token");
    assert_answer(
        desk, "GET /admin/budgets HTTP/1.1\r\n" WITH_TOKEN, 200,
        "[{\"budget\":\"acme/all\",\"state\":\"closed\",\"reason\":\"none\",\"half_open\":"
        "false,\"observe\":false,\"reset\":null,\"window\":\"total\",\"per\":\"tenant\","
        "\"limit_usd\":12.50,\"spent_usd\":0.00,\"held_usd\":0.00,\"uncertain_usd\":0.00},"
        "{\"budget\":\"key:k1/own\",");
}

static void breakers_are_shown_and_acknowledged(void **state)
{
    struct desk *desk = *state;
    const struct target *target = &desk->snapshot->models[0]->targets[0];
    assert_answer(desk, "GET /admin/breakers HTTP/1.1\r\n" WITH_TOKEN, 200,
                  "\"targets\":[{\"model\":\"m\",\"provider\":\"p\",\"target\":\"x\",\"state\":"
                  "\"closed\",\"bound_breached\":false}]}");
    assert_true(health_note_breach(target->health));
    assert_answer(desk, "GET /admin/breakers HTTP/1.1\r\n" WITH_TOKEN, 200,
                  "\"bound_breached\":true");
    assert_answer(desk, "POST /admin/breakers/ack HTTP/1.1\r\n" HOST("localhost"), 401, "token");
    assert_true(health_is_breached(target->health));
    assert_answer(desk, "POST /admin/breakers/ack HTTP/1.1\r\n" WITH_TOKEN, 200,
                  "{\"acknowledged\":1}");
    assert_false(health_is_breached(target->health));
}

static void openmetrics_on_request(void **state)
{
    struct desk *desk = *state;
    struct raw_reply reply;
    scrape(desk, "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.4\r\n",
           &reply);
    assert_true(span_equal(raw_reply_field(&reply, SPAN("content-type")),
                           SPAN("application/openmetrics-text; version=1.0.0; charset=utf-8")));
    assert_true(span_ends_with(buf_span(&reply.body), SPAN("# EOF\n")));
    assert_has(&reply, "# TYPE process_cpu_seconds counter\n");
    assert_has(&reply, "weir_budget_limit_usd{budget=\"acme/all\"} 12.5\n");
    raw_reply_fini(&reply);
}

/* ---- birth ---- */

static void an_address_in_use_is_an_error(void **state)
{
    struct desk *desk = *state;
    char address[32];
    const char *error = NULL;
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)admin_port(desk->admin));
    struct admin_settings settings = {.loop = desk->loop,
                                      .address = address,
                                      .token = TOKEN,
                                      .metrics = desk->metrics,
                                      .worker_count = 2,
                                      .owner = &owner,
                                      .argument = desk};
    assert_null(admin_start(&settings, &error));
    assert_non_null(error);
}

int test_admin(void);
int test_admin(void)
{
#define AT_THE_DESK(test) cmocka_unit_test_setup_teardown(test, desk_setup, desk_teardown)
    const struct CMUnitTest tests[] = {
        AT_THE_DESK(hosts_are_checked),
        AT_THE_DESK(a_bad_host_does_not_reach_the_token),
        AT_THE_DESK(reload_needs_the_token),
        AT_THE_DESK(methods_and_paths_are_checked),
        AT_THE_DESK(readiness_is_the_owners),
        AT_THE_DESK(a_reload_that_fails_says_where),
        AT_THE_DESK(a_connection_serves_several_requests),
        AT_THE_DESK(metrics_sum_the_workers_and_show_budgets),
        AT_THE_DESK(the_worst_target_is_the_provider_s_state),
        AT_THE_DESK(budgets_are_shown),
        AT_THE_DESK(breakers_are_shown_and_acknowledged),
        AT_THE_DESK(openmetrics_on_request),
        AT_THE_DESK(an_address_in_use_is_an_error),
    };
    return cmocka_run_group_tests_name("admin/admin", tests, NULL, NULL);
}
