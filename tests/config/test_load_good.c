/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Good files: every field that this version knows, and every default. */
#include "fixture.h"

#include "base/clock.h"
#include "base/money.h"

int test_load_good(void);

static const char everything[] =
    "listen: [0.0.0.0:8080, '[::1]:8081']\n"
    "admin: {listen: localhost:9091, token: operators, hosts: [weir.internal, \"x:9091\"]}\n"
    "state_dir: /var/lib/weir\n"
    "workers: 3\n"
    "timeouts: {connect: 250ms, first_byte: 2m, idle: 1s, request: 1h, head: 3s, body: 4s}\n"
    "max_body: 4MiB\n"
    "max_connections: 5k\n"
    "memory: 512MiB\n"
    "drain: 10s\n"
    "ledger: {durability: strict, retention: 30d, must_exist: true}\n"
    "egress: {proxy: 'http://user:secret@10.0.0.1:3128', ca_file: null}\n"
    "log: {file: /var/log/weir.json, format: json, content: off}\n"
    "response_headers: off\n"
    "providers:\n"
    "  openai: {kind: openai, api_key: sk-1, http2: true, on_client_gone: cancel}\n"
    "  local: {kind: openai, base_url: http://127.0.0.1:8000/v1//, http2: no,\n"
    "          on_client_gone: drain}\n"
    "  other: {kind: openai, base_url: https://llm.example, max_tokens_field: max_completion_tokens}\n"
    "  simulated: {kind: simulated}\n"
    "models:\n"
    "  gpt-4o:\n"
    "    aliases: [gpt-4o-2024-08-06, four]\n"
    "    targets: [{provider: openai, model: gpt-4o-real}]\n"
    "    price: {input: 2.50, cached_input: 1.25, cache_write: 3, output: 10.00, per_request: 0.01}\n"
    "    context_window: 128k\n"
    "    max_output_tokens: 16384\n"
    "    min_output_tokens: 32\n"
    "    hidden_input: 0\n"
    "    max_input_bound: 50k\n"
    "  small: {targets: [{provider: local, model: s}], context_window: 10}\n"
    "  plain: {targets: [{provider: simulated, model: 'sim:out=1'}], price: {input: 0.15, output: 0.6}}\n"
    "tenants:\n"
    "  acme/search/web:\n"
    "    models: [four, plain]\n"
    "    limits: {requests_per_minute: 600, concurrent: 50}\n"
    "    budgets:\n"
    "      - {name: a, window: day, usd: 0.15}\n"
    "      - {name: b, window: month, timezone: UTC, usd: 20000, mode: enforce, per: tenant, hold: bound,\n"
    "         uncertain: release, max_hold: 2.5%, status: 429}\n"
    "      - {name: c, window: total, usd: 1k, max_hold: 0.000000001}\n"
    "    keys:\n"
    "      - {id: web-1, sha256: " DIGEST_A ", expires: 2027-01-01, user_from: none,\n"
    "         limits: {concurrent: 2}, budgets: [{name: a, window: day, usd: 3, uncertain: hold}]}\n"
    "      - {id: web-2, sha256: " DIGEST_B "}\n"
    "  acme: {budgets: [{name: all, window: total, usd: 0}, {name: much, window: day, usd: 1.5M}]}\n"
    "  other: null\n";

static void settings_are_read(void **state)
{
    struct snapshot *s = fixture_load_good(*state, everything);
    assert_int_equal(s->listen_count, 2);
    assert_string_equal(s->listen[0].text, "0.0.0.0:8080");
    assert_string_equal(s->listen[1].text, "[::1]:8081");
    assert_string_equal(s->admin_listen, "127.0.0.1:9091");
    assert_string_equal(s->admin_token, "operators");
    assert_int_equal(s->admin_host_count, 2);
    assert_string_equal(s->admin_hosts[0], "weir.internal");
    assert_string_equal(s->admin_hosts[1], "x:9091");
    assert_string_equal(s->state_dir, "/var/lib/weir");
    assert_int_equal(s->workers, 3);
    assert_int_equal(s->timeouts.connect_ms, 250);
    assert_int_equal(s->timeouts.first_byte_ms, 120000);
    assert_int_equal(s->timeouts.idle_ms, 1000);
    assert_int_equal(s->timeouts.request_ms, 3600000);
    assert_int_equal(s->timeouts.head_ms, 3000);
    assert_int_equal(s->timeouts.body_ms, 4000);
    assert_int_equal(s->max_body_bytes, 4 << 20);
    assert_int_equal(s->max_connections, 5000);
    assert_int_equal(s->memory_bytes, 512 << 20);
    assert_int_equal(s->drain_ms, 10000);
    assert_int_equal(s->ledger.durability, LEDGER_STRICT);
    assert_int_equal(s->ledger.retention_ms / 1000, 30 * 86400);
    assert_true(s->ledger.must_exist);
    assert_string_equal(s->log_file, "/var/log/weir.json");
    assert_int_equal(s->response_headers, RESPONSE_HEADERS_OFF);
    assert_int_equal(s->file_count, 1);
    assert_string_equal(s->files[0], ((struct fixture *)*state)->path);
    snapshot_unref(&s);
}

static void providers_are_read(void **state)
{
    struct snapshot *s = fixture_load_good(*state, everything);
    assert_int_equal(s->provider_count, 4);
    assert_string_equal(s->providers[0]->name, "openai");
    assert_int_equal(s->providers[0]->kind, PROVIDER_OPENAI);
    assert_string_equal(s->providers[0]->base_url, "https://api.openai.com/v1");
    assert_span(s->providers[0]->limit_field, "max_completion_tokens");
    assert_string_equal(s->providers[1]->base_url, "http://127.0.0.1:8000/v1");
    assert_span(s->providers[1]->limit_field, "max_tokens");
    assert_string_equal(s->providers[2]->base_url, "https://llm.example");
    assert_span(s->providers[2]->limit_field, "max_completion_tokens");
    assert_int_equal(s->providers[3]->kind, PROVIDER_SIMULATED);
    assert_string_equal(s->providers[3]->base_url, "http://127.0.0.1:7/v1");
    assert_int_equal(s->providers[0]->on_client_gone, CLIENT_GONE_CANCEL);
    assert_int_equal(s->providers[1]->on_client_gone, CLIENT_GONE_DRAIN);
    assert_int_equal(s->providers[2]->on_client_gone, CLIENT_GONE_CANCEL);
    assert_span(s->providers[3]->limit_field, "max_completion_tokens");
    for (size_t i = 0; i < s->provider_count; i++)
        assert_non_null(s->providers[i]->routes[CALL_CHAT]);
    snapshot_unref(&s);
}

static const struct price *price_of(const struct model *model)
{
    return price_schedule_at(&model->targets[0].prices, 0);
}

static void models_are_read(void **state)
{
    struct snapshot *s = fixture_load_good(*state, everything);
    assert_int_equal(s->model_count, 3);
    const struct model *m = s->models[0];
    assert_span(m->name, "gpt-4o");
    assert_ptr_equal(m->targets[0].provider, s->providers[0]);
    assert_span(m->targets[0].model, "gpt-4o-real");
    assert_int_equal(m->targets[0].prices.count, 1);
    assert_int_equal(price_of(m)->rates.input_pusd, 2500000);
    assert_int_equal(price_of(m)->rates.cached_input_pusd, 1250000);
    assert_int_equal(price_of(m)->rates.cache_write_pusd, 3000000);
    assert_int_equal(price_of(m)->rates.output_pusd, 10000000);
    assert_int_equal(price_of(m)->per_request_nusd, 10000000);
    assert_int_equal(m->context_window, 128000);
    assert_int_equal(m->max_output_tokens, 16384);
    assert_int_equal(m->min_output_tokens, 32);
    assert_int_equal(m->hidden_input, 0);
    assert_int_equal(m->max_input_bound, 50000);
    assert_int_equal(m->loaded_wall_ns, s->loaded_wall_ns);
    assert_ptr_equal(snapshot_model(s, SPAN("gpt-4o-2024-08-06")), m);
    assert_ptr_equal(snapshot_model(s, SPAN("four")), m);
    assert_null(snapshot_model(s, SPAN("GPT-4o")));

    m = s->models[1]; /* its window is smaller than every default */
    assert_false(model_is_priced(m));
    assert_int_equal(m->max_output_tokens, 10);
    assert_int_equal(m->min_output_tokens, 10);
    assert_int_equal(m->hidden_input, -1);
    assert_int_equal(m->max_input_bound, 0);

    m = s->models[2];
    assert_int_equal(m->context_window, 0);
    assert_int_equal(m->max_output_tokens, 4096);
    assert_int_equal(m->min_output_tokens, 16);
    assert_int_equal(price_of(m)->rates.input_pusd, 150000);
    assert_int_equal(price_of(m)->rates.cached_input_pusd, 150000);
    assert_int_equal(price_of(m)->rates.cache_write_pusd, 150000);
    assert_int_equal(price_of(m)->per_request_nusd, 0);
    snapshot_unref(&s);
}

static void tenants_are_read(void **state)
{
    struct snapshot *s = fixture_load_good(*state, everything);
    static const char *const paths[] = {"acme", "acme/search", "acme/search/web", "other"};
    assert_int_equal(s->tenant_count, 4);
    for (size_t i = 0; i < s->tenant_count; i++)
        assert_string_equal(s->tenants[i]->path, paths[i]);
    const struct tenant *web = s->tenants[2];
    assert_ptr_equal(web->parent, s->tenants[1]);
    assert_ptr_equal(s->tenants[1]->parent, s->tenants[0]);
    assert_null(s->tenants[0]->parent);
    assert_null(s->tenants[3]->parent);
    assert_int_equal(s->tenants[0]->allowance.budget_count, 2);
    assert_null(s->tenants[0]->allowance.rate);
    assert_null(s->tenants[0]->allowance.gauge);
    assert_null(s->tenants[0]->models);

    assert_int_equal(web->model_count, 2);
    assert_span(web->models[0], "gpt-4o"); /* an alias stands for its model */
    assert_span(web->models[1], "plain");
    assert_int_equal(web->allowance.rate->per_minute, 600);
    assert_int_equal(web->allowance.gauge->limit, 50);
    snapshot_unref(&s);
}

static void assert_limit(const struct budget *budget, int64_t limit_nusd)
{
    struct budget_view view;
    budget_look(budget, NULL, clock_wall_ns(), &view);
    assert_int_equal(view.limit_nusd, limit_nusd);
    assert_int_equal(view.committed_nusd, 0);
}

static void budgets_are_read(void **state)
{
    struct snapshot *s = fixture_load_good(*state, everything);
    const struct allowance *allowance = &s->tenants[2]->allowance;
    assert_int_equal(allowance->budget_count, 3);
    const struct budget *b = &allowance->budgets[0];
    assert_string_equal(b->name, "a");
    assert_int_equal(b->window.kind, WINDOW_DAY);
    assert_limit(b, 150000000);
    assert_int_equal(b->max_hold_nusd, 15000000); /* a tenth */
    assert_int_equal(b->refusal_status, 402);
    assert_false(b->release_uncertain);
    b = &allowance->budgets[1];
    assert_int_equal(b->window.kind, WINDOW_MONTH);
    assert_limit(b, 20000 * NUSD_PER_USD);
    assert_int_equal(b->max_hold_nusd, 500 * NUSD_PER_USD);
    assert_int_equal(b->refusal_status, 429);
    assert_true(b->release_uncertain);
    b = &allowance->budgets[2];
    assert_int_equal(b->window.kind, WINDOW_TOTAL);
    assert_int_equal(b->max_hold_nusd, 1);
    assert_limit(&s->tenants[0]->allowance.budgets[0], 0);
    assert_limit(&s->tenants[0]->allowance.budgets[1], 1500000 * NUSD_PER_USD);
    snapshot_unref(&s);
}

static void keys_are_read(void **state)
{
    struct snapshot *s = fixture_load_good(*state, everything);
    assert_int_equal(s->key_count, 2);
    const struct key *key = s->keys[0];
    assert_string_equal(key->id, "web-1");
    assert_int_equal(key->digest[31], 0xaa);
    assert_ptr_equal(key->tenant, s->tenants[2]);
    assert_int_equal(key->expires_wall_ns, 1798761600 * NS_PER_S);
    assert_int_equal(key->user_from, USER_FROM_NONE);
    assert_null(key->allowance.rate);
    assert_int_equal(key->allowance.gauge->limit, 2);
    assert_limit(&key->allowance.budgets[0], 3 * NUSD_PER_USD);
    /* The same name on tenant and key is two budgets. */
    assert_ptr_not_equal(key->allowance.budgets[0].cell, key->tenant->allowance.budgets[0].cell);
    key = s->keys[1];
    assert_int_equal(key->expires_wall_ns, 0);
    assert_int_equal(key->user_from, USER_FROM_HEADER);
    assert_int_equal(key->allowance.budget_count, 0);
    const struct budget *path[BUDGET_MAX_PATH];
    assert_int_equal(subject_budgets(s->keys[0], &(struct budget_facts){.key = SPAN("k")}, path),
                     6);
    snapshot_unref(&s);
}

/* Secrets that are not there, and whatever else is wrong, do not matter. */
static void the_state_directory_can_be_asked_for_alone(void **state)
{
    static const struct {
        const char *yaml;
        const char *state_dir; /* NULL: a problem */
    } table[] = {
        {"state_dir: /var/lib/weir\nproviders: {p: {api_key: ${WEIR_TEST_NOT_SET}}}\n",
         "/var/lib/weir"},
        {"state_dir: ${WEIR_TEST_NOT_SET:-here}\n", "here"},
        {"nonsense: true\n", "./state"},
        {"state_dir: null\n", "./state"},
        {"state_dir: ${WEIR_TEST_NOT_SET}\n", NULL},
        {"state_dir: [a]\n", NULL},
        {"state_dir: a: b\n", NULL},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct problems problems;
        fixture_write(fixture, "weir.yaml", table[i].yaml);
        char *found = config_state_dir(fixture->path, &problems);
        if (table[i].state_dir != NULL)
            assert_string_equal(found, table[i].state_dir);
        else
            assert_true(found == NULL && problems.count > 0);
        free(found);
        problems_fini(&problems);
    }
}

static void defaults_are_those_of_the_reference(void **state)
{
    struct snapshot *s = fixture_load_good(*state, "providers: {}\nmodels: {}\ntenants: {}\n");
    assert_int_equal(s->listen_count, 1);
    assert_string_equal(s->listen[0].text, "127.0.0.1:8080");
    assert_string_equal(s->admin_listen, "127.0.0.1:9090");
    assert_null(s->admin_token);
    assert_int_equal(s->admin_host_count, 0);
    assert_string_equal(s->state_dir, "./state");
    assert_int_equal(s->workers, 0);
    assert_int_equal(s->timeouts.connect_ms, 5000);
    assert_int_equal(s->timeouts.first_byte_ms, 120000);
    assert_int_equal(s->timeouts.idle_ms, 60000);
    assert_int_equal(s->timeouts.request_ms, 600000);
    assert_int_equal(s->timeouts.head_ms, 10000);
    assert_int_equal(s->timeouts.body_ms, 15000);
    assert_int_equal(s->max_body_bytes, 32 << 20);
    assert_int_equal(s->max_connections, 20000);
    assert_int_equal(s->memory_bytes, 1 << 30);
    assert_int_equal(s->drain_ms, 30000);
    assert_int_equal(s->ledger.durability, LEDGER_DEFAULT);
    assert_int_equal(s->ledger.retention_ms / 1000, 400 * 86400);
    assert_false(s->ledger.must_exist);
    assert_string_equal(s->log_file, "-");
    assert_int_equal(s->response_headers, RESPONSE_HEADERS_OWN);
    snapshot_unref(&s);
}

static void off_switches_off(void **state)
{
    static const char *const offs[] = {"admin: off\nlog: {file: off}\n", "admin: null\nlog: off\n",
                                       "admin:\nlog: {file: null}\n", "admin: false\nlog: no\n"};
    for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml), "%s%s", offs[i], REST);
        struct snapshot *s = fixture_load_good(*state, yaml);
        assert_null(s->admin_listen);
        assert_null(s->log_file);
        snapshot_unref(&s);
    }
}

static void null_is_not_given(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state,
        "listen: null\nworkers: ~\ntimeouts:\negress: {proxy: off, ca_file: null}\n"
        "log:\nstate_dir: NULL\nadmin: {token: null, hosts: null, listen: null}\n"
        "prices: null\ncache: off\nalerts: []\ntelemetry: {}\nstore: false\n"
        "providers: {p: {kind: simulated, base_url: null, pool: off}}\n"
        "models: {m: {targets: [{provider: p, model: x}], price: null, max_input_bound: null}}\n"
        "tenants: {t: {models: null, limits: null, budgets: null, keys: null, cache: off}}\n");
    assert_string_equal(s->listen[0].text, "127.0.0.1:8080");
    assert_string_equal(s->admin_listen, "127.0.0.1:9090");
    assert_false(model_is_priced(s->models[0]));
    assert_null(s->tenants[0]->models);
    snapshot_unref(&s);
}

static void any_port_may_be_asked_for_twice(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state, "listen: [127.0.0.1:0, 127.0.0.1:0]\nadmin: {listen: 127.0.0.1:0}\n" REST);
    assert_int_equal(s->listen_count, 2);
    snapshot_unref(&s);
}

static void the_shipped_files_load(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"quickstart", "openai"};
    setenv("OPENAI_API_KEY", "sk-test", 1);
    for (size_t i = 0; i < 2; i++) {
        snprintf(fixture->path, sizeof(fixture->path), "%s/config/%s.yaml", WEIR_SOURCE_DIR,
                 names[i]);
        struct snapshot *s = fixture_load_path(fixture);
        assert_non_null(s);
        assert_int_equal(s->key_count, 1);
        assert_span(s->models[0]->name, "gpt-4o-mini");
        snapshot_unref(&s);
    }
    unsetenv("OPENAI_API_KEY");
}

int test_load_good(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(settings_are_read),
        FIXTURE_TEST(providers_are_read),
        FIXTURE_TEST(models_are_read),
        FIXTURE_TEST(tenants_are_read),
        FIXTURE_TEST(budgets_are_read),
        FIXTURE_TEST(keys_are_read),
        FIXTURE_TEST(the_state_directory_can_be_asked_for_alone),
        FIXTURE_TEST(defaults_are_those_of_the_reference),
        FIXTURE_TEST(off_switches_off),
        FIXTURE_TEST(null_is_not_given),
        FIXTURE_TEST(any_port_may_be_asked_for_twice),
        FIXTURE_TEST(the_shipped_files_load),
    };
    return cmocka_run_group_tests_name("config/load_good", tests, NULL, NULL);
}
