/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The ladder: its steps up and down, trips by the burn rate, and the way back over a probe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/budget.h"
#include "policy_support.h"

#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS   (60 * MINUTE_NS)

static const struct ladder_step steps[] = {
    {800000, LADDER_WARN, 0},
    {900000, LADDER_THROTTLE, 30},
    {950000, LADDER_DOWNGRADE, 0},
    {1000000, LADDER_OPEN, 0},
};
static const struct ladder ladder = {.steps = steps, .count = 4};

static struct ladder_now now;

static int set_clock(void **state)
{
    (void)state;
    now = (struct ladder_now){wall_of(2026, 5, 20) + 7 * HOUR_NS, 1000 * HOUR_NS};
    return 0;
}

static void pass_time(int64_t ns)
{
    now.wall_ns += ns;
    now.mono_ns += ns;
}

/* A request that costs as much, in every case. */
static void spend(const struct budget *budget, int64_t nusd)
{
    struct price price = {.known = true, .per_request_nusd = 0};
    struct budget_wish wish = {.price = &price, .choices = 1, .mono_ns = now.mono_ns};
    struct reservation reservation;
    const struct budget *by;
    assert_int_equal(budget_reserve(&budget, 1, &wish, now.wall_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED); /* what is free passes */
    budget_settle(&reservation, &(struct budget_charge){.cost_nusd = nusd, .mono_ns = now.mono_ns});
}

static enum budget_verdict ask(const struct budget *budget, struct reservation *reservation)
{
    struct price price = {.known = true, .per_request_nusd = 1};
    struct budget_wish wish = {.price = &price, .choices = 1, .mono_ns = now.mono_ns};
    const struct budget *by;
    enum budget_verdict verdict =
        budget_reserve(&budget, 1, &wish, now.wall_ns, reservation, &by, NULL);
    assert_ptr_equal(by, verdict == BUDGET_GRANTED ? NULL : budget);
    return verdict;
}

static struct ladder_view look(const struct budget *budget)
{
    struct ladder_view view;
    budget_ladder_look(budget, NULL, now, &view);
    return view;
}

static void expect(const struct budget *budget, enum ladder_state state, enum ladder_reason reason)
{
    struct ladder_view view = look(budget);
    assert_int_equal(view.state, state);
    assert_int_equal(view.reason, reason);
}

static void make(struct budget *budget, enum window_kind kind, int64_t limit,
                 const struct ladder *of)
{
    make_budget(budget, "b", kind, limit);
    budget->ladder = *of;
}

static void test_steps_are_climbed(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    make(&budget, WINDOW_DAY, 1000, &ladder);
    expect(&budget, LADDER_CLOSED, LADDER_NO_REASON);
    spend(&budget, 799);
    expect(&budget, LADDER_CLOSED, LADDER_NO_REASON);
    spend(&budget, 1);
    expect(&budget, LADDER_WARN, LADDER_SPEND);
    spend(&budget, 100);
    struct ladder_view view = look(&budget);
    assert_int_equal(view.state, LADDER_THROTTLE);
    assert_int_equal(view.requests_per_minute, 30);
    assert_false(view.downgrade);
    assert_int_equal(view.reset_wall_ns, wall_of(2026, 5, 21));
    spend(&budget, 60);
    view = look(&budget);
    assert_int_equal(view.state, LADDER_DOWNGRADE);
    assert_true(view.downgrade && !view.reject);
    assert_int_equal(view.requests_per_minute, 30); /* lower steps stay in force */
    assert_int_equal(ask(&budget, &reservation), BUDGET_GRANTED);
    settle(&reservation, 1, 0);
    spend(&budget, 39);
    view = look(&budget);
    assert_int_equal(view.state, LADDER_OPEN);
    assert_true(view.reject && !view.half_open);
    assert_int_equal(ask(&budget, &reservation), BUDGET_SPENT);
    spend(&budget, 0); /* what is free still passes */
    /* Held money is no spend, and a new day is a new ladder. */
    pass_time(24 * HOUR_NS);
    expect(&budget, LADDER_CLOSED, LADDER_NO_REASON);
    budget_cell_unref(&budget.cell);
}

static void test_a_step_may_reject_early(void **state)
{
    (void)state;
    static const struct ladder_step early[] = {{500000, LADDER_OPEN, 0}};
    struct ladder half = {.steps = early, .count = 1};
    struct budget budget;
    struct reservation reservation;
    make(&budget, WINDOW_DAY, 1000, &half);
    spend(&budget, 500);
    assert_int_equal(ask(&budget, &reservation), BUDGET_REJECTED);
    spend(&budget, 0);
    /* A new limit is another matter at once, with no probe. */
    budget_cell_set_limit(budget.cell, BUDGET_NUSD, 1001);
    expect(&budget, LADDER_CLOSED, LADDER_NO_REASON);
    assert_int_equal(ask(&budget, &reservation), BUDGET_GRANTED);
    settle(&reservation, 0, 0);
    budget_cell_unref(&budget.cell);
}

static void test_all_spent_is_open_without_steps(void **state)
{
    (void)state;
    struct ladder none = {.count = 0};
    struct budget budget;
    make(&budget, WINDOW_DAY, 1000, &none);
    spend(&budget, 999);
    expect(&budget, LADDER_CLOSED, LADDER_NO_REASON);
    spend(&budget, 1);
    expect(&budget, LADDER_OPEN, LADDER_SPEND);
    assert_false(look(&budget).reject); /* the gate does that */
    budget_cell_unref(&budget.cell);
}

static void test_tokens_climb_too(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    const struct budget *by;
    const struct budget *path = &budget;
    make(&budget, WINDOW_DAY, BUDGET_NO_LIMIT, &ladder);
    budget_cell_set_limit(budget.cell, BUDGET_TOKENS, 100);
    struct budget_wish wish = {.input_tokens = 85, .choices = 1}; /* no price is needed */
    assert_int_equal(budget_reserve(&path, 1, &wish, now.wall_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    budget_settle(&reservation, &(struct budget_charge){.tokens = 85});
    expect(&budget, LADDER_WARN, LADDER_SPEND);
    budget_cell_unref(&budget.cell);
}

/* Down again in a rolling window: a step is left at 95 % of its threshold; out of OPEN leads a probe. */
static void test_the_way_back(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation probe, other;
    make(&budget, WINDOW_ROLLING, 1000, &ladder); /* a minute: slots of a second */
    spend(&budget, 45);
    pass_time(2 * NS_PER_S);
    spend(&budget, 10);
    pass_time(2 * NS_PER_S);
    spend(&budget, 945);
    expect(&budget, LADDER_OPEN, LADDER_SPEND);
    pass_time(57 * NS_PER_S); /* 45 are over: 955 of 1000, above 95 % of the last step */
    struct ladder_view view = look(&budget);
    assert_true(view.state == LADDER_OPEN && view.reject && !view.half_open);
    assert_int_equal(ask(&budget, &probe), BUDGET_REJECTED);
    pass_time(2 * NS_PER_S); /* 945 */
    view = look(&budget);
    assert_true(view.state == LADDER_OPEN && view.half_open && !view.reject);
    assert_true(view.downgrade); /* that step is still in force */
    assert_int_equal(ask(&budget, &probe), BUDGET_GRANTED);
    assert_int_equal(ask(&budget, &other), BUDGET_REJECTED); /* one at a time */
    spend(&budget, 0);
    budget_settle(&probe, &(struct budget_charge){.cost_nusd = 1, .mono_ns = now.mono_ns});
    expect(&budget, LADDER_DOWNGRADE, LADDER_SPEND);
    assert_int_equal(ask(&budget, &other), BUDGET_GRANTED);
    settle(&other, 0, 0);
    pass_time(60 * NS_PER_S);
    expect(&budget, LADDER_CLOSED, LADDER_NO_REASON);
    budget_cell_unref(&budget.cell);
}

/* The probe that could not be sent is free for the next request. */
static void test_a_probe_comes_back(void **state)
{
    (void)state;
    struct ladder_cell cell = {0};
    struct ladder_view view;
    struct ladder_spend spent[LADDER_UNITS] = {{1000, 1000}, {-1, 0}};
    ladder_look(&cell, &ladder, 0, 0, spent, 0, now, &view);
    assert_false(ladder_take_probe(&cell));
    spent[0].spent = 900;
    ladder_look(&cell, &ladder, 0, 0, spent, 0, now, &view);
    assert_true(view.half_open);
    assert_true(ladder_take_probe(&cell));
    assert_false(ladder_take_probe(&cell));
    ladder_return_probe(&cell);
    assert_true(ladder_take_probe(&cell));
    ladder_end_probe(&cell);
    ladder_look(&cell, &ladder, 0, 0, spent, 0, now, &view);
    assert_false(view.half_open);
    assert_int_equal(view.state, LADDER_THROTTLE);
}

static const struct ladder burning = {.burn = {.over_ns = 12 * MINUTE_NS,
                                               .factor_millionths = 8000000,
                                               .action = LADDER_OPEN,
                                               .cool_down_ns = 30 * MINUTE_NS}};

/* 1440 a day: one a minute is the pace; 8 × 12 within 12 minutes trips. */
static void test_burn_rate(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation probe, other;
    make(&budget, WINDOW_DAY, 1440, &burning);
    for (int i = 0; i < 40; i++) { /* seven times the pace, for long */
        spend(&budget, 7);
        expect(&budget, LADDER_CLOSED, LADDER_NO_REASON);
        pass_time(MINUTE_NS);
    }
    spend(&budget, 22);
    struct ladder_view view = look(&budget);
    assert_int_equal(view.state, LADDER_OPEN);
    assert_int_equal(view.reason, LADDER_BURN_RATE);
    assert_int_equal(view.reset_wall_ns, now.wall_ns + 30 * MINUTE_NS);
    assert_int_equal(ask(&budget, &probe), BUDGET_REJECTED);
    spend(&budget, 0);
    pass_time(30 * MINUTE_NS - 1);
    expect(&budget, LADDER_OPEN, LADDER_BURN_RATE);
    pass_time(1);
    view = look(&budget);
    assert_true(view.half_open);
    assert_int_equal(view.reason, LADDER_BURN_RATE);
    assert_int_equal(ask(&budget, &probe), BUDGET_GRANTED);
    assert_int_equal(ask(&budget, &other), BUDGET_REJECTED);
    budget_settle(&probe, &(struct budget_charge){.cost_nusd = 1, .mono_ns = now.mono_ns});
    expect(&budget, LADDER_CLOSED, LADDER_NO_REASON);
    /* A clock step of a day back changes no pace. */
    now.wall_ns -= 24 * HOUR_NS;
    expect(&budget, LADDER_CLOSED, LADDER_NO_REASON);
    budget_cell_unref(&budget.cell);
}

/* Where spending goes on at more than half the factor, the trip holds on. */
static void test_burning_on(void **state)
{
    (void)state;
    struct ladder slow = burning;
    slow.burn.action = LADDER_DOWNGRADE;
    struct budget budget;
    make(&budget, WINDOW_DAY, 1440, &slow);
    spend(&budget, 96);
    expect(&budget, LADDER_DOWNGRADE, LADDER_BURN_RATE);
    for (int i = 0; i < 30; i++) {
        pass_time(MINUTE_NS);
        spend(&budget, 5);
    }
    expect(&budget, LADDER_DOWNGRADE, LADDER_BURN_RATE);
    assert_int_equal(look(&budget).reset_wall_ns, now.wall_ns + 30 * MINUTE_NS);
    for (int i = 0; i < 30; i++) {
        pass_time(MINUTE_NS);
        spend(&budget, 3);
    }
    expect(&budget, LADDER_CLOSED, LADDER_NO_REASON);
    budget_cell_unref(&budget.cell);
}

static void test_observing_never_refuses(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    make(&budget, WINDOW_DAY, 1000, &burning);
    budget.observe = true;
    spend(&budget, 900); /* trips */
    assert_int_equal(ask(&budget, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.observed[0], OBSERVED_REJECT);
    budget_settle(&reservation, &(struct budget_charge){.cost_nusd = 100});
    assert_int_equal(ask(&budget, &reservation), BUDGET_GRANTED);
    settle(&reservation, 1, 0);
    struct budget_view view;
    budget_look(&budget, NULL, now.wall_ns, &view);
    assert_int_equal(view.spent_nusd, 1001);
    budget_cell_unref(&budget.cell);
}

static void test_throttle(void **state)
{
    (void)state;
    struct budget budget;
    struct rate_view rate;
    make(&budget, WINDOW_DAY, 1000, &ladder);
    assert_true(budget_cell_throttle(budget.cell, 2, now.mono_ns, &rate));
    assert_true(budget_cell_throttle(budget.cell, 2, now.mono_ns, &rate));
    assert_false(budget_cell_throttle(budget.cell, 2, now.mono_ns, &rate));
    assert_int_equal(rate.retry_ns, 30 * NS_PER_S);
    budget_cell_throttle_back(budget.cell);
    assert_true(budget_cell_throttle(budget.cell, 2, now.mono_ns, &rate));
    budget_cell_unref(&budget.cell);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(ladder_state_name(LADDER_CLOSED), "closed");
    assert_string_equal(ladder_state_name(LADDER_OPEN), "open");
    static const char *const names[] = {"nothing", "spent", "busy", "reject", "clamp"};
    for (enum budget_observed i = 0; i < OBSERVED_KINDS; i++)
        assert_string_equal(budget_observed_name(i), names[i]);
}

int test_ladder(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_steps_are_climbed, set_clock),
        cmocka_unit_test_setup(test_a_step_may_reject_early, set_clock),
        cmocka_unit_test_setup(test_all_spent_is_open_without_steps, set_clock),
        cmocka_unit_test_setup(test_tokens_climb_too, set_clock),
        cmocka_unit_test_setup(test_the_way_back, set_clock),
        cmocka_unit_test_setup(test_a_probe_comes_back, set_clock),
        cmocka_unit_test_setup(test_burn_rate, set_clock),
        cmocka_unit_test_setup(test_burning_on, set_clock),
        cmocka_unit_test_setup(test_observing_never_refuses, set_clock),
        cmocka_unit_test_setup(test_throttle, set_clock),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("policy/ladder", tests, NULL, NULL);
}
