/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Subjects and leases: a key under two tenants, each with limits that can be made to refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/lease.h"
#include "policy_support.h"

#define NODES 3 /* key, tenant, root */

static const struct price plain = {
    .known = true, .rates.input_pusd = 1000, .rates.output_pusd = 1000};

struct family {
    struct rate_cell *rates[NODES];
    struct rate_cell *tokens[NODES];
    struct gauge_cell *gauges[NODES];
    struct budget budgets[NODES + 1]; /* the root has two */
    struct tenant root;
    struct tenant tenant;
    struct key key;
    int64_t now_ns;
    int64_t wall_ns;
};

static struct allowance allow(struct family *family, size_t node)
{
    return (struct allowance){.rate = family->rates[node],
                              .tokens = family->tokens[node],
                              .gauge = family->gauges[node],
                              .budgets = &family->budgets[node],
                              .budget_count = node == 2 ? 2 : 1};
}

static int set_up(void **state)
{
    static struct family family;
    family = (struct family){.now_ns = 5 * NS_PER_S, .wall_ns = wall_of(2026, 3, 3)};
    for (size_t i = 0; i < NODES; i++) {
        family.rates[i] = rate_cell_new();
        family.gauges[i] = gauge_cell_new();
        family.tokens[i] = rate_cell_new(); /* no limit */
        rate_cell_set(family.rates[i], 10);
        gauge_cell_set(family.gauges[i], 10);
    }
    for (size_t i = 0; i <= NODES; i++) {
        make_budget(&family.budgets[i], "b", WINDOW_DAY, 1000);
    }
    family.root = (struct tenant){.path = "acme", .allowance = allow(&family, 2)};
    family.tenant = (struct tenant){
        .path = "acme/search", .parent = &family.root, .allowance = allow(&family, 1)};
    family.key = (struct key){.id = "k", .tenant = &family.tenant, .allowance = allow(&family, 0)};
    *state = &family;
    return 0;
}

static int tear_down(void **state)
{
    struct family *family = *state;
    for (size_t i = 0; i < NODES; i++) {
        rate_cell_unref(&family->rates[i]);
        rate_cell_unref(&family->tokens[i]);
        gauge_cell_unref(&family->gauges[i]);
    }
    for (size_t i = 0; i <= NODES; i++)
        budget_cell_unref(&family->budgets[i].cell);
    return 0;
}

/* What each node has taken of its rate, and how many are inside. */
static void expect_taken(const struct family *family, int64_t taken, int64_t inside)
{
    for (size_t i = 0; i < NODES; i++) {
        struct rate_view view;
        rate_look(family->rates[i], family->now_ns, &view);
        if (view.limit == 10)
            assert_int_equal(view.remaining, 10 - taken);
        assert_int_equal(atomic_load(&family->gauges[i]->count), inside);
    }
}

static void test_walk(void **state)
{
    struct family *family = *state;
    struct subject_walk walk = subject_walk(&family->key);
    assert_ptr_equal(subject_next(&walk), &family->key.allowance);
    assert_ptr_equal(subject_next(&walk), &family->tenant.allowance);
    assert_ptr_equal(subject_next(&walk), &family->root.allowance);
    assert_null(subject_next(&walk));
    assert_null(subject_next(&walk));
}

static const struct budget_facts no_facts;

static void end_attempt(struct lease *lease, int64_t cost, int64_t uncertain)
{
    lease_settle(lease, &(struct budget_charge){.cost_nusd = cost, .uncertain_nusd = uncertain});
}

static void test_budgets_of_a_subject(void **state)
{
    struct family *family = *state;
    const struct budget *path[BUDGET_MAX_PATH];
    assert_int_equal(subject_budgets(&family->key, &no_facts, path), 4);
    for (size_t i = 0; i < 4; i++)
        assert_ptr_equal(path[i], &family->budgets[i]);
    assert_true(subject_has_budget(&family->key));
    family->key.allowance.budget_count = 0;
    family->tenant.allowance.budget_count = 0;
    assert_true(subject_has_budget(&family->key));
    family->root.allowance.budget_count = 0;
    assert_false(subject_has_budget(&family->key));
    assert_int_equal(subject_budgets(&family->key, &no_facts, path), 0);
}

static void test_kinds_of_budgets(void **state)
{
    struct family *family = *state;
    struct budget *budget = &family->budgets[0];
    struct budget_facts facts = {.model = SPAN("m")};
    family->tenant.allowance.budget_count = family->root.allowance.budget_count = 0;
    assert_true(subject_has(&family->key, NULL, SUBJECT_HAS_MONEY));
    assert_true(subject_has(&family->key, NULL, SUBJECT_HAS_BOUND));
    assert_false(subject_has(&family->key, NULL, SUBJECT_HAS_TOKENS));
    budget->hold = BUDGET_HOLD_TOPUP;
    assert_false(subject_has(&family->key, NULL, SUBJECT_HAS_BOUND));
    budget->limit_nusd = BUDGET_NO_LIMIT;
    budget->limit_tokens = 5;
    assert_false(subject_has(&family->key, NULL, SUBJECT_HAS_MONEY));
    assert_true(subject_has(&family->key, NULL, SUBJECT_HAS_TOKENS));
    assert_true(subject_has(&family->key, NULL, SUBJECT_HAS_LIMIT));
    budget->match_model = SPAN("n");
    assert_false(subject_has(&family->key, &facts, SUBJECT_HAS_LIMIT));
    assert_true(subject_has(&family->key, NULL, SUBJECT_HAS_LIMIT)); /* for some request */
    budget->observe = true;
    assert_false(subject_has(&family->key, NULL, SUBJECT_HAS_LIMIT));
    assert_true(subject_has(&family->key, NULL, SUBJECT_HAS_BUDGET));
}

static void collect_budgets(void *argument)
{
    const struct budget *path[BUDGET_MAX_PATH];
    subject_budgets(argument, &no_facts, path);
}

static void test_too_many_budgets(void **state)
{
    struct family *family = *state;
    static const struct budget many[BUDGET_MAX_PATH];
    family->key.allowance.budgets = many;
    family->key.allowance.budget_count = BUDGET_MAX_PATH;
    assert_true(aborts(collect_budgets, &family->key));
}

static void test_models(void **state)
{
    struct family *family = *state;
    const struct span of_root[] = {SPAN("small"), SPAN("large")};
    const struct span of_tenant[] = {SPAN("large"), SPAN("huge")};
    assert_true(subject_may_use(&family->key, SPAN("anything")));
    family->root.models = of_root;
    family->root.model_count = 2;
    assert_true(subject_may_use(&family->key, SPAN("small")));
    assert_false(subject_may_use(&family->key, SPAN("huge")));
    family->tenant.models = of_tenant;
    family->tenant.model_count = 2;
    assert_true(subject_may_use(&family->key, SPAN("large")));
    assert_false(subject_may_use(&family->key, SPAN("small")));
    assert_false(subject_may_use(&family->key, SPAN("huge")));
    assert_false(subject_may_use(&family->key, SPAN("Large")));
    family->tenant.model_count = 0; /* a list that allows none */
    assert_false(subject_may_use(&family->key, SPAN("large")));
}

static void test_open_and_close(void **state)
{
    struct family *family = *state;
    struct lease lease;
    rate_cell_set(family->rates[1], 4);
    assert_int_equal(lease_open(&lease, &family->key, family->now_ns), ERR_NONE);
    assert_true(lease.open);
    assert_int_equal(lease.rate.limit, 4);
    assert_int_equal(lease.rate.remaining, 3);
    expect_taken(family, 1, 1);
    lease_close(&lease);
    assert_false(lease.open);
    expect_taken(family, 1, 0);
    lease_close(&lease);
    expect_taken(family, 1, 0);
}

static void test_nodes_without_limits(void **state)
{
    struct family *family = *state;
    struct lease lease;
    family->key.allowance.rate = NULL;
    family->key.allowance.gauge = NULL;
    family->tenant.allowance.rate = NULL;
    rate_cell_set(family->rates[2], 0);
    assert_int_equal(lease_open(&lease, &family->key, family->now_ns), ERR_NONE);
    assert_int_equal(lease.rate.limit, 0);
    assert_int_equal(atomic_load(&family->gauges[0]->count), 0);
    assert_int_equal(atomic_load(&family->gauges[1]->count), 1);
    lease_close(&lease);
    rate_cell_set(family->rates[2], 1);
    assert_int_equal(lease_open(&lease, &family->key, family->now_ns), ERR_NONE);
    assert_int_equal(lease.rate.limit, 1);
    lease_close(&lease);
    assert_int_equal(lease_open(&lease, &family->key, family->now_ns), ERR_RATE_LIMITED);
    expect_taken(family, 0, 0);
}

/* Whichever node refuses, and however, the others are as before. */
static void test_refusals_leave_nothing(void **state)
{
    struct family *family = *state;
    struct lease lease;
    struct rate_view view;
    for (size_t node = 0; node < NODES; node++) {
        rate_cell_set(family->rates[node], 1);
        assert_true(rate_take(family->rates[node], family->now_ns, &view));
        assert_int_equal(lease_open(&lease, &family->key, family->now_ns), ERR_RATE_LIMITED);
        assert_false(lease.open);
        assert_int_equal(lease.rate.limit, 1);
        assert_int_equal(lease.rate.retry_ns, 60 * NS_PER_S);
        lease_close(&lease);
        expect_taken(family, 0, 0);
        rate_give_back(family->rates[node]);
        rate_cell_set(family->rates[node], 10);

        gauge_cell_set(family->gauges[node], 1);
        assert_true(gauge_enter(family->gauges[node]));
        assert_int_equal(lease_open(&lease, &family->key, family->now_ns), ERR_CONCURRENCY_LIMITED);
        assert_false(lease.open);
        assert_int_equal(lease.rate.limit, 0);
        gauge_leave(family->gauges[node]);
        gauge_cell_set(family->gauges[node], 10);
        expect_taken(family, 0, 0);
    }
}

static void test_reserve_and_settle(void **state)
{
    struct family *family = *state;
    struct lease lease;
    struct budget_wish wish = {.price = &plain, .input_tokens = 600, .choices = 1};
    const struct budget *by;
    struct budget_view view;
    lease_open(&lease, &family->key, family->now_ns);
    assert_int_equal(lease_reserve(&lease, &wish, family->wall_ns, &by), ERR_NONE);
    assert_int_equal(lease.reservation.count, 4);
    end_attempt(&lease, 500, 50);
    end_attempt(&lease, 500, 50); /* not open: nothing */
    for (size_t i = 0; i <= NODES; i++) {
        budget_look(&family->budgets[i], NULL, family->wall_ns, &view);
        assert_int_equal(view.committed_nusd, 550);
        assert_int_equal(view.spent_nusd, 500);
    }
    /* The next attempt of the same exchange. */
    wish.input_tokens = 450;
    assert_int_equal(lease_reserve(&lease, &wish, family->wall_ns, &by), ERR_NONE);
    end_attempt(&lease, 0, 0);
    lease_close(&lease);
}

static void test_budget_refusals(void **state)
{
    struct family *family = *state;
    struct lease lease;
    struct lease other;
    struct budget_wish wish = {.price = &plain, .input_tokens = 700, .choices = 1};
    const struct budget *by;
    lease_open(&lease, &family->key, family->now_ns);
    lease_open(&other, &family->key, family->now_ns);
    assert_int_equal(lease_reserve(&other, &wish, family->wall_ns, &by), ERR_NONE);
    assert_int_equal(lease_reserve(&lease, &wish, family->wall_ns, &by), ERR_BUDGET_BUSY);
    assert_ptr_equal(by, &family->budgets[0]);
    assert_false(lease.reservation.open);
    budget_cell_set_limit(family->budgets[2].cell, BUDGET_NUSD, 699);
    assert_int_equal(lease_reserve(&lease, &wish, family->wall_ns, &by), ERR_BUDGET_EXCEEDED);
    assert_ptr_equal(by, &family->budgets[2]);
    family->budgets[2].refusal_status = 429;
    assert_int_equal(lease_reserve(&lease, &wish, family->wall_ns, &by), ERR_BUDGET_EXCEEDED_429);
    end_attempt(&lease, 0, 0);
    lease_close(&lease);
    end_attempt(&other, 700, 0);
    lease_close(&other);
}

static void close_lease(void *argument)
{
    lease_close(argument);
}

static int64_t tokens_left(const struct family *family, size_t node)
{
    struct rate_view view;
    rate_look(family->tokens[node], family->now_ns, &view);
    return view.remaining;
}

static void test_tokens(void **state)
{
    struct family *family = *state;
    struct lease lease;
    assert_int_equal(lease_open(&lease, &family->key, family->now_ns), ERR_NONE);
    rate_cell_set(family->tokens[0], 1000);
    rate_cell_set(family->tokens[2], 600);
    assert_int_equal(lease_take_tokens(&lease, 400, family->now_ns), ERR_NONE);
    assert_int_equal(lease.token_rate.limit, 600); /* the tighter one */
    assert_int_equal(lease.token_rate.remaining, 200);
    lease_settle_tokens(&lease, 150);
    assert_int_equal(tokens_left(family, 0), 850);
    assert_int_equal(tokens_left(family, 2), 450);
    lease_settle_tokens(&lease, 150); /* once */
    assert_int_equal(tokens_left(family, 2), 450);
    lease_close(&lease);
}

static void test_tokens_refused_take_nothing(void **state)
{
    struct family *family = *state;
    struct lease lease;
    lease_open(&lease, &family->key, family->now_ns);
    rate_cell_set(family->tokens[0], 1000);
    rate_cell_set(family->tokens[2], 600);
    lease_take_tokens(&lease, 500, family->now_ns);
    lease_settle_tokens(&lease, 500);
    lease_close(&lease);
    lease_open(&lease, &family->key, family->now_ns);
    assert_int_equal(lease_take_tokens(&lease, 101, family->now_ns), ERR_TOKENS_LIMITED);
    assert_int_equal(lease.token_rate.limit, 600);
    assert_int_equal(lease.token_rate.retry_ns, 100 * NS_PER_MS); /* one token's time */
    assert_int_equal(tokens_left(family, 0), 500);
    assert_int_equal(tokens_left(family, 2), 100);
    lease_close(&lease); /* gives nothing back that was not taken */
    assert_int_equal(tokens_left(family, 0), 500);
    lease_open(&lease, &family->key, family->now_ns);
    assert_int_equal(lease_take_tokens(&lease, 100, family->now_ns), ERR_NONE);
    lease_close(&lease); /* not settled: nothing was used */
    assert_int_equal(tokens_left(family, 2), 100);
}

static void test_max_input_tokens(void **state)
{
    struct family *family = *state;
    assert_int_equal(subject_max_input_tokens(&family->key), 0);
    family->root.allowance.max_input_tokens = 500;
    assert_int_equal(subject_max_input_tokens(&family->key), 500);
    family->key.allowance.max_input_tokens = 700;
    assert_int_equal(subject_max_input_tokens(&family->key), 500);
    family->tenant.allowance.max_input_tokens = 300;
    assert_int_equal(subject_max_input_tokens(&family->key), 300);
    assert_true(subject_has_token_limit(&family->key));
    for (size_t i = 0; i < NODES; i++)
        rate_cell_unref(&family->tokens[i]);
    family->key.allowance.tokens = NULL;
    family->tenant.allowance.tokens = NULL;
    family->root.allowance.tokens = NULL;
    assert_false(subject_has_token_limit(&family->key));
}

struct again {
    struct lease *lease;
    int64_t wall_ns;
};

static void reserve_again(void *argument)
{
    const struct again *again = argument;
    struct budget_wish wish = {.price = &plain, .input_tokens = 1, .choices = 1};
    const struct budget *by;
    lease_reserve(again->lease, &wish, again->wall_ns, &by);
}

static void test_assertions(void **state)
{
    struct family *family = *state;
    struct lease lease = {0};
    struct again again = {.lease = &lease, .wall_ns = family->wall_ns};
    assert_true(aborts(reserve_again, &again)); /* not open */
    lease_open(&lease, &family->key, family->now_ns);
    reserve_again(&again);
    assert_true(aborts(reserve_again, &again)); /* not settled */
    assert_true(aborts(close_lease, &lease));
    end_attempt(&lease, 0, 0);
    assert_false(aborts(close_lease, &lease));
    lease_close(&lease);
}

#define LEASE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int test_lease(void)
{
    const struct CMUnitTest tests[] = {
        LEASE_TEST(test_walk),
        LEASE_TEST(test_budgets_of_a_subject),
        LEASE_TEST(test_kinds_of_budgets),
        LEASE_TEST(test_too_many_budgets),
        LEASE_TEST(test_models),
        LEASE_TEST(test_open_and_close),
        LEASE_TEST(test_nodes_without_limits),
        LEASE_TEST(test_refusals_leave_nothing),
        LEASE_TEST(test_reserve_and_settle),
        LEASE_TEST(test_budget_refusals),
        LEASE_TEST(test_tokens),
        LEASE_TEST(test_tokens_refused_take_nothing),
        LEASE_TEST(test_max_input_tokens),
        LEASE_TEST(test_assertions),
    };
    return cmocka_run_group_tests_name("policy/lease", tests, NULL, NULL);
}
