/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Reservations one at a time: how much is granted, who says no and why, and what a settlement, a
 * new limit and a new window leave behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/budget.h"
#include "policy_support.h"

/* One nano-dollar a token, in and out. */
static const struct price plain = {.known = true,
                                   .rates.input_pusd = 1000,
                                   .rates.cached_input_pusd = 1000,
                                   .rates.cache_write_pusd = 1000,
                                   .rates.output_pusd = 1000};
static const struct price free_price = {.known = true};

static int64_t now_ns;

static void make(struct budget *budget, const char *name, enum window_kind kind, int64_t limit)
{
    make_budget(budget, name, kind, limit);
}

static void drop(struct budget *budget)
{
    budget_cell_unref(&budget->cell);
    assert_null(budget->cell);
}

static struct budget_wish wish_of(int64_t input, int64_t output, int64_t least)
{
    return (struct budget_wish){.price = &plain,
                                .input_tokens = input,
                                .choices = 1,
                                .output_tokens = output,
                                .min_output_tokens = least};
}

static enum budget_verdict reserve_wish(const struct budget *budget, const struct budget_wish *wish,
                                        struct reservation *out)
{
    const struct budget *by;
    enum budget_verdict verdict = budget_reserve(&budget, 1, wish, now_ns, out, &by, NULL);
    assert_int_equal(out->open, verdict == BUDGET_GRANTED);
    assert_ptr_equal(by, verdict == BUDGET_GRANTED ? NULL : budget);
    return verdict;
}

static enum budget_verdict reserve(const struct budget *budget, int64_t input, int64_t output,
                                   int64_t least, struct reservation *out)
{
    struct budget_wish wish = wish_of(input, output, least);
    return reserve_wish(budget, &wish, out);
}

static void spend(const struct budget *budget, int64_t nusd)
{
    struct reservation reservation;
    assert_int_equal(reserve(budget, nusd, 0, 0, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.amount_nusd, nusd);
    settle(&reservation, nusd, 0);
}

static void expect_sums(const struct budget *budget, int64_t committed, int64_t spent,
                        int64_t uncertain)
{
    struct budget_view view;
    budget_look(budget, NULL, now_ns, &view);
    assert_int_equal(view.committed_nusd, committed);
    assert_int_equal(view.spent_nusd, spent);
    assert_int_equal(view.uncertain_nusd, uncertain);
    int64_t held = committed - spent - uncertain;
    assert_int_equal(view.held_nusd, held > 0 ? held : 0);
}

static int set_clock(void **state)
{
    (void)state;
    now_ns = wall_of(2026, 5, 20) + 7 * 3600 * NS_PER_S;
    return 0;
}

static void test_whole_wish(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    make(&budget, "b", WINDOW_DAY, 1000);
    assert_int_equal(reserve(&budget, 100, 200, 10, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 200);
    assert_int_equal(reservation.amount_nusd, 300);
    assert_int_equal(reservation.count, 1);
    expect_sums(&budget, 300, 0, 0);
    settle(&reservation, 120, 0);
    assert_false(reservation.open);
    expect_sums(&budget, 120, 120, 0);
    drop(&budget);
}

static void test_choices_multiply(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    make(&budget, "b", WINDOW_DAY, 1000);
    struct budget_wish wish = wish_of(100, 400, 10);
    wish.choices = 3;
    assert_int_equal(reserve_wish(&budget, &wish, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 300);
    assert_int_equal(reservation.amount_nusd, 1000);
    settle(&reservation, 0, 0);
    drop(&budget);
}

static void test_max_hold_cuts(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    make(&budget, "b", WINDOW_DAY, 1000);
    budget.max_hold_nusd = 150;
    assert_int_equal(reserve(&budget, 100, 200, 10, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 50);
    settle(&reservation, 0, 0);
    /* The least form goes above max_hold rather than be refused. */
    assert_int_equal(reserve(&budget, 100, 200, 80, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 80);
    assert_int_equal(reservation.amount_nusd, 180);
    settle(&reservation, 0, 0);
    assert_int_equal(reserve(&budget, 500, 200, 80, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 80);
    settle(&reservation, 0, 0);
    drop(&budget);
}

static void test_spend_cuts_then_refuses(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    make(&budget, "b", WINDOW_DAY, 1000);
    spend(&budget, 700);
    assert_int_equal(reserve(&budget, 100, 400, 50, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 200);
    assert_int_equal(reservation.amount_nusd, 300);
    settle(&reservation, 151, 0);
    assert_int_equal(reserve(&budget, 100, 400, 50, &reservation), BUDGET_SPENT);
    assert_int_equal(reserve(&budget, 100, 400, 49, &reservation), BUDGET_GRANTED);
    settle(&reservation, 0, 0);
    expect_sums(&budget, 851, 851, 0);
    drop(&budget);
}

static void test_holds_cut_then_busy(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation first;
    struct reservation second;
    struct reservation third;
    make(&budget, "b", WINDOW_DAY, 1000);
    assert_int_equal(reserve(&budget, 100, 600, 50, &first), BUDGET_GRANTED);
    assert_int_equal(reserve(&budget, 100, 600, 50, &second), BUDGET_GRANTED);
    assert_int_equal(second.output_tokens, 200);
    assert_int_equal(reserve(&budget, 0, 600, 50, &third), BUDGET_BUSY);
    expect_sums(&budget, 1000, 0, 0);
    settle(&first, 700, 0);
    expect_sums(&budget, 1000, 700, 0);
    assert_int_equal(reserve(&budget, 0, 600, 50, &third), BUDGET_BUSY);
    settle(&second, 0, 0);
    assert_int_equal(reserve(&budget, 0, 600, 50, &third), BUDGET_GRANTED);
    assert_int_equal(third.output_tokens, 300);
    settle(&third, 0, 0);
    drop(&budget);
}

static void test_least_output(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    make(&budget, "b", WINDOW_DAY, 20);
    /* Above the wish: the wish is the least. */
    assert_int_equal(reserve(&budget, 5, 10, 1000, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 10);
    settle(&reservation, 0, 0);
    assert_int_equal(reserve(&budget, 15, 10, 1000, &reservation), BUDGET_SPENT);
    /* Never a limit of 0 for a request that wants output. */
    assert_int_equal(reserve(&budget, 20, 10, 0, &reservation), BUDGET_SPENT);
    assert_int_equal(reserve(&budget, 19, 10, 0, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 1);
    settle(&reservation, 0, 0);
    /* Embeddings want none. */
    assert_int_equal(reserve(&budget, 20, 0, 100, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 0);
    settle(&reservation, 0, 0);
    drop(&budget);
}

static void test_uncertain(void **state)
{
    (void)state;
    struct budget keeps;
    struct budget releases;
    struct reservation reservation;
    const struct budget *by;
    make(&keeps, "keeps", WINDOW_DAY, 1000);
    make(&releases, "releases", WINDOW_DAY, 1000);
    releases.release_uncertain = true;
    const struct budget *path[] = {&keeps, &releases};
    struct budget_wish wish = wish_of(100, 200, 10);
    assert_int_equal(budget_reserve(path, 2, &wish, now_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    settle(&reservation, 120, 80);
    expect_sums(&keeps, 200, 120, 80);
    expect_sums(&releases, 120, 120, 0);
    /* What is uncertain counts like spend when it comes to saying no. */
    assert_int_equal(reserve(&keeps, 801, 0, 0, &reservation), BUDGET_SPENT);
    assert_int_equal(reserve(&releases, 801, 0, 0, &reservation), BUDGET_GRANTED);
    settle(&reservation, 0, 0);
    drop(&keeps);
    drop(&releases);
}

static void test_cost_above_the_hold_is_charged(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    make(&budget, "b", WINDOW_DAY, 1000);
    assert_int_equal(reserve(&budget, 100, 200, 10, &reservation), BUDGET_GRANTED);
    settle(&reservation, 1500, 7);
    expect_sums(&budget, 1507, 1500, 7);
    assert_int_equal(reserve(&budget, 1, 0, 0, &reservation), BUDGET_SPENT);
    drop(&budget);
}

static void test_free_of_charge(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    make(&budget, "b", WINDOW_DAY, 100);
    spend(&budget, 100);
    struct budget_wish wish = wish_of(1000, 1000, 10);
    wish.price = &free_price;
    assert_int_equal(reserve_wish(&budget, &wish, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 1000);
    assert_int_equal(reservation.amount_nusd, 0);
    settle(&reservation, 60, 0); /* it was not so free after all */
    expect_sums(&budget, 160, 160, 0);
    assert_int_equal(reserve_wish(&budget, &wish, &reservation), BUDGET_GRANTED);
    settle(&reservation, 0, 0);
    budget_cell_set_limit(budget.cell, BUDGET_NUSD, 0);
    assert_int_equal(reserve_wish(&budget, &wish, &reservation), BUDGET_GRANTED);
    settle(&reservation, 0, 0);
    drop(&budget);
}

static void test_empty_path(void **state)
{
    (void)state;
    struct reservation reservation;
    struct price unknown = {0};
    const struct budget *by;
    struct budget_wish wish = wish_of(100, 200, 10);
    wish.price = &unknown;
    assert_int_equal(budget_reserve(NULL, 0, &wish, now_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    assert_true(reservation.open);
    assert_int_equal(reservation.output_tokens, 200);
    settle(&reservation, 300, 0);
    assert_false(reservation.open);
}

static void test_lowered_limit(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation first;
    struct reservation second;
    make(&budget, "b", WINDOW_DAY, 1000);
    spend(&budget, 200);
    assert_int_equal(reserve(&budget, 500, 0, 0, &first), BUDGET_GRANTED);
    /* Below what is committed but not below what is spent: the holds are in the way. */
    budget_cell_set_limit(budget.cell, BUDGET_NUSD, 600);
    assert_int_equal(reserve(&budget, 1, 0, 0, &second), BUDGET_BUSY);
    budget_cell_set_limit(budget.cell, BUDGET_NUSD, 100);
    assert_int_equal(reserve(&budget, 1, 0, 0, &second), BUDGET_SPENT);
    settle(&first, 500, 0);
    expect_sums(&budget, 700, 700, 0);
    budget_cell_set_limit(budget.cell, BUDGET_NUSD, 701);
    assert_int_equal(reserve(&budget, 1, 0, 0, &second), BUDGET_GRANTED);
    settle(&second, 0, 0);
    drop(&budget);
}

static void test_tightest_decides(void **state)
{
    (void)state;
    struct budget wide;
    struct budget narrow;
    struct budget middle;
    struct reservation reservation;
    const struct budget *by;
    make(&wide, "wide", WINDOW_TOTAL, 1000);
    make(&narrow, "narrow", WINDOW_DAY, 300);
    make(&middle, "middle", WINDOW_MONTH, 500);
    middle.max_hold_nusd = 200;
    const struct budget *path[] = {&wide, &narrow, &middle};
    struct budget_wish wish = wish_of(100, 900, 10);
    assert_int_equal(budget_reserve(path, 3, &wish, now_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    assert_int_equal(reservation.amount_nusd, 200);
    /* Only holds are in the way of 150 more, in narrow most. */
    struct reservation refused;
    struct budget_wish more = wish_of(150, 0, 0);
    assert_int_equal(budget_reserve(path, 3, &more, now_ns, &refused, &by, NULL), BUDGET_BUSY);
    assert_ptr_equal(by, &narrow);
    /* What is spent in one outranks what is held in another. */
    spend(&wide, 800);
    more = wish_of(250, 0, 0);
    assert_int_equal(budget_reserve(path, 3, &more, now_ns, &refused, &by, NULL), BUDGET_SPENT);
    assert_ptr_equal(by, &wide);
    assert_int_equal(refused.count, 0);
    settle(&reservation, 200, 0);
    expect_sums(&wide, 1000, 1000, 0);
    expect_sums(&narrow, 200, 200, 0);
    expect_sums(&middle, 200, 200, 0);
    assert_int_equal(budget_reserve(path, 3, &more, now_ns, &refused, &by, NULL), BUDGET_SPENT);
    drop(&wide);
    drop(&narrow);
    drop(&middle);
}

static void test_one_nano_dollar(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation first;
    struct reservation second;
    struct price tiny = {.known = true, .rates.output_pusd = 1};
    make(&budget, "b", WINDOW_DAY, 1);
    struct budget_wish wish = wish_of(0, 5000, 1);
    wish.price = &tiny;
    /* A thousand tokens are one nano-dollar, and so is one token, as a request is rounded up. */
    assert_int_equal(reserve_wish(&budget, &wish, &first), BUDGET_GRANTED);
    assert_int_equal(first.output_tokens, 1000);
    assert_int_equal(first.amount_nusd, 1);
    assert_int_equal(reserve_wish(&budget, &wish, &second), BUDGET_BUSY);
    settle(&first, 1, 0);
    assert_int_equal(reserve_wish(&budget, &wish, &second), BUDGET_SPENT);
    drop(&budget);
}

static void test_the_largest_sums(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation first;
    struct reservation second;
    struct price huge = {.known = true, .per_request_nusd = INT64_MAX - 1};
    make(&budget, "b", WINDOW_TOTAL, INT64_MAX);
    struct budget_wish wish = wish_of(0, 0, 0);
    wish.price = &huge;
    assert_int_equal(reserve_wish(&budget, &wish, &first), BUDGET_GRANTED);
    expect_sums(&budget, INT64_MAX - 1, 0, 0);
    assert_int_equal(reserve(&budget, 1, 0, 0, &second), BUDGET_BUSY);
    settle(&first, 0, 0);
    expect_sums(&budget, 0, 0, 0);
    huge.per_request_nusd = INT64_MAX;
    assert_int_equal(reserve_wish(&budget, &wish, &first), BUDGET_SPENT);
    /* Costs that cannot be counted at all. */
    struct budget_wish absurd = wish_of(INT64_MAX, 0, 0);
    struct price dear = {
        .known = true, .rates.input_pusd = INT64_MAX, .rates.output_pusd = INT64_MAX};
    absurd.price = &dear;
    assert_int_equal(reserve_wish(&budget, &absurd, &first), BUDGET_SPENT);
    absurd = wish_of(0, INT64_MAX, INT64_MAX);
    absurd.choices = INT64_MAX;
    assert_int_equal(reserve_wish(&budget, &absurd, &first), BUDGET_SPENT);
    /* The wish overflows, its least form does not. */
    absurd.min_output_tokens = 1;
    absurd.choices = 1000;
    assert_int_equal(reserve_wish(&budget, &absurd, &first), BUDGET_GRANTED);
    assert_int_equal(first.output_tokens, (INT64_MAX - 1) / 1000);
    /* Overflow stops at the top and stays there, also for a hold that ends later. */
    assert_int_equal(reserve(&budget, 5, 0, 0, &second), BUDGET_GRANTED);
    settle(&first, INT64_MAX, INT64_MAX);
    settle(&second, 5, 0);
    expect_sums(&budget, INT64_MAX, INT64_MAX, INT64_MAX);
    assert_int_equal(reserve(&budget, 1, 0, 0, &second), BUDGET_SPENT);
    drop(&budget);
}

static void test_roll_over(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation old;
    struct reservation fresh;
    struct budget_view view;
    make(&budget, "b", WINDOW_DAY, 1000);
    spend(&budget, 300);
    assert_int_equal(reserve(&budget, 700, 0, 0, &old), BUDGET_GRANTED);
    now_ns += DAY_NS;
    /* Looking shows the new day, though nothing has begun it. */
    expect_sums(&budget, 0, 0, 0);
    assert_int_equal(reserve(&budget, 600, 0, 0, &fresh), BUDGET_GRANTED);
    budget_look(&budget, NULL, now_ns, &view);
    assert_int_equal(view.window_id, window_at(&budget.window, now_ns));
    assert_int_equal(view.reset_wall_ns, wall_of(2026, 5, 22));
    settle(&old, 700, 0);
    expect_sums(&budget, 600, 0, 0);
    settle(&fresh, 600, 0);
    expect_sums(&budget, 600, 600, 0);
    /* The clock goes back: the later window stays. */
    now_ns -= DAY_NS;
    expect_sums(&budget, 600, 600, 0);
    assert_int_equal(reserve(&budget, 401, 0, 0, &fresh), BUDGET_SPENT);
    spend(&budget, 400);
    drop(&budget);
}

static void test_month_boundary(void **state)
{
    (void)state;
    struct budget month;
    struct budget total;
    make(&month, "month", WINDOW_MONTH, 100);
    make(&total, "total", WINDOW_TOTAL, 150);
    now_ns = wall_of(2026, 12, 31) + DAY_NS - 1;
    spend(&month, 100);
    spend(&total, 100);
    struct reservation reservation;
    assert_int_equal(reserve(&month, 1, 0, 0, &reservation), BUDGET_SPENT);
    now_ns += 1;
    spend(&month, 100);
    assert_int_equal(reserve(&total, 51, 0, 0, &reservation), BUDGET_SPENT);
    spend(&total, 50);
    struct budget_view view;
    budget_look(&total, NULL, now_ns, &view);
    assert_int_equal(view.window_id, 0);
    assert_int_equal(view.reset_wall_ns, 0);
    drop(&month);
    drop(&total);
}

/* Holds that outlive their windows never keep a new one from beginning. */
static void test_many_windows_held(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation held[40];
    struct reservation reservation;
    make(&budget, "b", WINDOW_MINUTE, 100);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(reserve(&budget, 60, 0, 0, &held[i]), BUDGET_GRANTED);
        now_ns += 60 * NS_PER_S;
    }
    /* On an earlier clock the newest window still serves. */
    now_ns -= 10 * 60 * NS_PER_S;
    spend(&budget, 40);
    assert_int_equal(reserve(&budget, 1, 0, 0, &reservation), BUDGET_BUSY);
    now_ns += 10 * 60 * NS_PER_S;
    assert_int_equal(reserve(&budget, 100, 0, 0, &reservation), BUDGET_GRANTED);
    settle(&reservation, 10, 0);
    for (size_t i = 0; i < 40; i++)
        settle(&held[i], 60, 0);
    expect_sums(&budget, 10, 10, 0);
    drop(&budget);
}

/* Counts as any other, refuses nothing, shortens nothing, and says what it would have done. */
static void test_observing(void **state)
{
    (void)state;
    struct budget watched, strict;
    struct reservation first, reservation;
    const struct budget *by;
    make(&watched, "watched", WINDOW_DAY, 1000);
    make(&strict, "strict", WINDOW_DAY, 100000);
    watched.observe = true;
    watched.max_hold_nusd = 700;
    const struct budget *path[] = {&strict, &watched};
    const struct {
        int64_t input, output, cost;
        enum budget_observed expected;
    } rows[] = {{100, 200, 100, OBSERVED_NOTHING}, /* 100 are spent after it, and so on */
                {100, 700, 0, OBSERVED_CLAMP},
                {901, 0, 800, OBSERVED_SPENT},
                {50, 200, 150, OBSERVED_CLAMP},
                {100, 0, 5000, OBSERVED_SPENT}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct budget_wish wish = wish_of(rows[i].input, rows[i].output, 0);
        assert_int_equal(budget_reserve(path, 2, &wish, now_ns, &reservation, &by, NULL),
                         BUDGET_GRANTED);
        assert_int_equal(reservation.output_tokens, rows[i].output);
        assert_int_equal(reservation.observed[0], OBSERVED_NOTHING);
        assert_int_equal(reservation.observed[1], rows[i].expected);
        settle(&reservation, rows[i].cost, 0);
    }
    expect_sums(&watched, 6050, 6050, 0);
    now_ns += DAY_NS;
    struct budget_wish wish = wish_of(900, 0, 0);
    assert_int_equal(budget_reserve(path, 2, &wish, now_ns, &first, &by, NULL), BUDGET_GRANTED);
    assert_int_equal(budget_reserve(path, 2, &wish, now_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    assert_int_equal(reservation.observed[1], OBSERVED_BUSY);
    struct budget_part parts[BUDGET_MAX_PARTS];
    assert_int_equal(budget_parts(&reservation, NULL, parts), 2);
    assert_true(parts[0].bound && !parts[1].bound);
    settle(&first, 0, 0);
    settle(&reservation, 0, 0);
    /* Where there is no price, one that observes counts nothing; it would not refuse either. */
    wish.price = NULL;
    path[0] = &watched;
    assert_int_equal(budget_reserve(path, 1, &wish, now_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    assert_int_equal(reservation.amount_nusd, 0);
    settle(&reservation, 0, 0);
    drop(&watched);
    drop(&strict);
}

static void settle_again(void *argument)
{
    settle(argument, 0, 0);
}

static void drop_cell(void *argument)
{
    drop(argument);
}

static void set_negative_limit(void *argument)
{
    budget_cell_set_limit(argument, BUDGET_NUSD, -2);
}

static void reserve_unpriced(void *argument)
{
    struct reservation reservation;
    struct price unknown = {0};
    struct budget_wish wish = wish_of(1, 1, 1);
    wish.price = &unknown;
    reserve_wish(argument, &wish, &reservation);
}

static void test_assertions(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    make(&budget, "b", WINDOW_DAY, 100);
    assert_int_equal(reserve(&budget, 60, 0, 0, &reservation), BUDGET_GRANTED);
    assert_true(aborts(drop_cell, &budget));
    assert_false(aborts(settle_again, &reservation));
    settle(&reservation, 0, 0);
    assert_true(aborts(settle_again, &reservation));
    assert_true(aborts(set_negative_limit, budget.cell));
    assert_true(aborts(reserve_unpriced, &budget));
    struct budget_cell *second = budget_cell_ref(budget.cell);
    drop(&budget);
    budget_cell_unref(&second);
    budget_cell_unref(&second); /* NULL now */
}

int test_budget(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_whole_wish, set_clock),
        cmocka_unit_test_setup(test_choices_multiply, set_clock),
        cmocka_unit_test_setup(test_max_hold_cuts, set_clock),
        cmocka_unit_test_setup(test_spend_cuts_then_refuses, set_clock),
        cmocka_unit_test_setup(test_holds_cut_then_busy, set_clock),
        cmocka_unit_test_setup(test_least_output, set_clock),
        cmocka_unit_test_setup(test_uncertain, set_clock),
        cmocka_unit_test_setup(test_cost_above_the_hold_is_charged, set_clock),
        cmocka_unit_test_setup(test_free_of_charge, set_clock),
        cmocka_unit_test_setup(test_empty_path, set_clock),
        cmocka_unit_test_setup(test_lowered_limit, set_clock),
        cmocka_unit_test_setup(test_tightest_decides, set_clock),
        cmocka_unit_test_setup(test_one_nano_dollar, set_clock),
        cmocka_unit_test_setup(test_the_largest_sums, set_clock),
        cmocka_unit_test_setup(test_roll_over, set_clock),
        cmocka_unit_test_setup(test_month_boundary, set_clock),
        cmocka_unit_test_setup(test_many_windows_held, set_clock),
        cmocka_unit_test_setup(test_observing, set_clock),
        cmocka_unit_test_setup(test_assertions, set_clock),
    };
    return cmocka_run_group_tests_name("policy/budget", tests, NULL, NULL);
}
