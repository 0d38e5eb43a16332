/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Loading again with the same cells: spend stays, limits are new; a bad file changes nothing. */
#include "fixture.h"

#include "base/clock.h"
#include "base/money.h"
#include "policy/lease.h"

int test_reload(void);

#define NOW_MONOTONIC 1000000000LL

/* The tenant's and the key's limits are all `n`. */
static void write_limits(char *yaml, size_t size, int n)
{
    snprintf(yaml, size,
             PROVIDERS MODELS "tenants:\n"
                              "  t:\n"
                              "    limits: {requests_per_minute: %d, concurrent: %d}\n"
                              "    budgets: [{name: b, window: total, usd: %d}]\n"
                              "    keys: [{id: k, sha256: " DIGEST_A
                              ", limits: {requests_per_minute: %d, concurrent: %d},\n"
                              "            budgets: [{name: b, window: total, usd: %d}]}]\n",
             n, n, n, n, n, n);
}

static struct snapshot *load_limits(struct fixture *fixture, int n)
{
    char yaml[1024];
    write_limits(yaml, sizeof(yaml), n);
    return fixture_load_good(fixture, yaml);
}

static struct budget_view look(const struct allowance *allowance)
{
    struct budget_view view;
    assert_int_equal(allowance->budget_count, 1);
    budget_look(&allowance->budgets[0], NULL, clock_wall_ns(), &view);
    return view;
}

/* Spends `nusd` through the key, under every budget over it. */
static void spend(const struct snapshot *snapshot, int64_t nusd)
{
    struct lease lease;
    const struct budget *by;
    struct budget_wish wish = {.price =
                                   price_schedule_at(&snapshot->models[0]->targets[0].prices, 0),
                               .choices = 1,
                               .output_tokens = 1,
                               .min_output_tokens = 1};
    assert_int_equal(lease_open(&lease, snapshot->keys[0], NOW_MONOTONIC), ERR_NONE);
    assert_int_equal(lease_reserve(&lease, &wish, clock_wall_ns(), &by), ERR_NONE);
    lease_settle(&lease, &(struct budget_charge){.cost_nusd = nusd});
    lease_close(&lease);
}

static void assert_limits(const struct allowance *allowance, int n)
{
    assert_int_equal(allowance->rate->per_minute, n);
    assert_int_equal(allowance->gauge->limit, n);
    assert_int_equal(look(allowance).limit_nusd, n * NUSD_PER_USD);
}

static void spend_outlives_a_reload(void **state)
{
    struct snapshot *first = load_limits(*state, 10);
    spend(first, 7);
    struct snapshot *second = load_limits(*state, 20);
    assert_int_equal(second->generation, first->generation + 1);
    const struct allowance *tenant = &second->tenants[0]->allowance;
    const struct allowance *key = &second->keys[0]->allowance;
    assert_ptr_equal(tenant->rate, first->tenants[0]->allowance.rate);
    assert_ptr_equal(tenant->gauge, first->tenants[0]->allowance.gauge);
    assert_ptr_equal(tenant->budgets[0].cell, first->tenants[0]->allowance.budgets[0].cell);
    assert_ptr_equal(key->budgets[0].cell, first->keys[0]->allowance.budgets[0].cell);
    assert_limits(tenant, 20);
    assert_limits(key, 20);
    /* The older snapshot's requests obey the new limits at once. */
    assert_limits(&first->tenants[0]->allowance, 20);
    snapshot_unref(&first);
    spend(second, 5);
    assert_int_equal(look(tenant).spent_nusd, 12);
    assert_int_equal(look(key).spent_nusd, 12);
    snapshot_unref(&second);

    /* The registry keeps them while no snapshot is there. */
    struct snapshot *third = load_limits(*state, 30);
    assert_int_equal(look(&third->tenants[0]->allowance).spent_nusd, 12);
    snapshot_unref(&third);
}

static void a_bad_file_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bad_ends[] = {"wrokers: 1\n", "workers: -1\n", "a: [\n",
                                           "admin: {token: file:absent}\n"};
    struct snapshot *snapshot = load_limits(fixture, 10);
    spend(snapshot, 7);
    uint64_t generation = snapshot->generation;
    for (size_t i = 0; i < sizeof(bad_ends) / sizeof(bad_ends[0]); i++) {
        char yaml[1024];
        write_limits(yaml, sizeof(yaml), 99);
        strcat(yaml, bad_ends[i]);
        assert_null(fixture_load(fixture, yaml));
        assert_limits(&snapshot->tenants[0]->allowance, 10);
        assert_limits(&snapshot->keys[0]->allowance, 10);
        assert_int_equal(look(&snapshot->tenants[0]->allowance).spent_nusd, 7);
    }
    snapshot_unref(&snapshot);
    snapshot = load_limits(fixture, 11);
    assert_int_equal(snapshot->generation, generation + 1);
    snapshot_unref(&snapshot);
}

/* The last thing checked is whether the transport takes a URL: after all else, before any cell. */
static void a_url_that_the_transport_refuses_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    char yaml[1024];
    struct snapshot *snapshot = load_limits(fixture, 10);
    snprintf(yaml, sizeof(yaml),
             "providers: {p: {kind: simulated}}\n" MODELS
             "tenants: {t: {limits: {concurrent: 99}}}\n");
    fixture_write(fixture, "weir.yaml", yaml);
    struct load_settings settings = {
        .path = fixture->path, .cells = fixture->cells, .simulated_base_url = "gopher://nowhere"};
    assert_null(config_load(&settings, &fixture->problems));
    char *problems = fixture_problems(fixture);
    assert_string_equal(problems, "1:13: the provider's URL cannot be used\n");
    free(problems);
    assert_limits(&snapshot->tenants[0]->allowance, 10);
    snapshot_unref(&snapshot);
}

static void a_limit_left_out_is_none_and_comes_back(void **state)
{
    struct snapshot *first = load_limits(*state, 10);
    spend(first, 7);
    struct snapshot *second = fixture_load_good(*state, REST);
    assert_null(second->tenants[0]->allowance.rate);
    assert_null(second->tenants[0]->allowance.gauge);
    assert_int_equal(second->tenants[0]->allowance.budget_count, 0);
    snapshot_unref(&first);
    snapshot_unref(&second);
    struct snapshot *third = load_limits(*state, 10);
    assert_int_equal(look(&third->tenants[0]->allowance).spent_nusd, 7);
    snapshot_unref(&third);
}

static void another_window_is_another_budget(void **state)
{
    struct snapshot *first = load_limits(*state, 10);
    spend(first, 7);
    struct snapshot *second = fixture_load_good(
        *state, PROVIDERS MODELS "tenants: {t: {budgets: [{name: b, window: month, usd: 5}]}}\n");
    assert_int_equal(look(&second->tenants[0]->allowance).spent_nusd, 0);
    assert_int_equal(look(&first->tenants[0]->allowance).limit_nusd, 10 * NUSD_PER_USD);
    snapshot_unref(&first);
    snapshot_unref(&second);
}

/* A tenant "k" and a key "k" are two owners. */
static void owners_of_one_name_do_not_meet(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state, PROVIDERS MODELS
        "tenants: {k: {limits: {concurrent: 1}, budgets: [{name: b, window: day, usd: 1}],\n"
        "              keys: [{id: k, sha256: " DIGEST_A ", limits: {concurrent: 2},\n"
        "                      budgets: [{name: b, window: day, usd: 2}]}]}}\n");
    assert_int_equal(s->tenants[0]->allowance.gauge->limit, 1);
    assert_int_equal(s->keys[0]->allowance.gauge->limit, 2);
    assert_int_equal(look(&s->tenants[0]->allowance).limit_nusd, NUSD_PER_USD);
    assert_int_equal(look(&s->keys[0]->allowance).limit_nusd, 2 * NUSD_PER_USD);
    snapshot_unref(&s);
}

int test_reload(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(spend_outlives_a_reload),
        FIXTURE_TEST(a_bad_file_changes_nothing),
        FIXTURE_TEST(a_url_that_the_transport_refuses_changes_nothing),
        FIXTURE_TEST(a_limit_left_out_is_none_and_comes_back),
        FIXTURE_TEST(another_window_is_another_budget),
        FIXTURE_TEST(owners_of_one_name_do_not_meet),
    };
    return cmocka_run_group_tests_name("config/reload", tests, NULL, NULL);
}
