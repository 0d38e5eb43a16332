/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for room in order of arrival, top-ups, and the parts that the ledger is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/lease.h"
#include "policy_support.h"

#include <pthread.h>
#include <sched.h>

static const struct price plain = {
    .known = true, .rates.input_pusd = 1000, .rates.output_pusd = 1000};
static int64_t now_ns;

struct place {
    struct tenant tenant;
    struct key key;
    struct budget budgets[2];
};

static int set_up(void **state)
{
    static struct place place;
    now_ns = wall_of(2026, 5, 20);
    place = (struct place){.tenant = {.path = "t"}, .key = {.id = "k"}};
    place.key.tenant = &place.tenant;
    place.tenant.allowance = (struct allowance){.budgets = place.budgets, .budget_count = 2};
    for (size_t i = 0; i < 2; i++) {
        make_budget(&place.budgets[i], "b", WINDOW_DAY, 1000);
        place.budgets[i].wait_ms = 2000;
    }
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    for (size_t i = 0; i < 2; i++)
        budget_cell_unref(&place->budgets[i].cell);
    return 0;
}

static void hear(void *argument)
{
    ++*(int *)argument;
}

static enum err try(struct lease *lease, int64_t input, int64_t output, bool patient)
{
    const struct budget *by;
    struct budget_wish wish = {.price = &plain,
                               .input_tokens = input,
                               .choices = 1,
                               .output_tokens = output,
                               .min_output_tokens = 10,
                               .patient = patient};
    return lease_reserve(lease, &wish, now_ns, &by);
}

static void end(struct lease *lease, int64_t cost)
{
    lease_settle(lease, &(struct budget_charge){.cost_nusd = cost});
}

static void open_all(struct place *place, struct lease *leases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(lease_open(&leases[i], &place->key, 0), ERR_NONE);
}

static void close_all(struct lease *leases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        end(&leases[i], 0);
        lease_close(&leases[i]);
    }
}

static void test_patience(void **state)
{
    struct lease leases[2];
    int heard = 0;
    open_all(*state, leases, 2);
    assert_int_equal(try(&leases[0], 700, 0, true), ERR_NONE);
    /* 200 tokens are there, but the whole wish may be had a little later. */
    assert_int_equal(try(&leases[1], 100, 500, true), ERR_BUDGET_BUSY);
    assert_true(lease_wait(&leases[1], hear, &heard));
    assert_int_equal(try(&leases[1], 100, 500, true), ERR_BUDGET_BUSY);
    assert_false(lease_wait(&leases[1], hear, &heard));
    assert_int_equal(heard, 0);
    end(&leases[0], 100);
    assert_int_equal(heard, 1);
    assert_true(lease_is_woken(&leases[1]));
    assert_int_equal(try(&leases[1], 100, 500, true), ERR_NONE);
    assert_int_equal(leases[1].reservation.output_tokens, 500);
    assert_false(lease_is_woken(&leases[1]));
    close_all(leases, 2);
}

/* When the time is over one takes what there is; when that is nothing, one leaves. */
static void test_impatience(void **state)
{
    struct lease leases[3];
    int heard = 0;
    open_all(*state, leases, 3);
    assert_int_equal(try(&leases[0], 700, 0, true), ERR_NONE);
    assert_int_equal(try(&leases[1], 100, 500, true), ERR_BUDGET_BUSY);
    assert_true(lease_wait(&leases[1], hear, &heard));
    assert_int_equal(try(&leases[1], 100, 500, false), ERR_NONE);
    assert_int_equal(leases[1].reservation.output_tokens, 200);
    assert_int_equal(try(&leases[2], 100, 500, true), ERR_BUDGET_BUSY);
    assert_true(lease_wait(&leases[2], hear, &heard));
    assert_int_equal(try(&leases[2], 100, 500, false), ERR_BUDGET_BUSY);
    lease_close(&leases[2]); /* leaves the queue */
    end(&leases[0], 0);
    assert_int_equal(heard, 0);
    close_all(leases, 2);
}

static void test_what_is_spent_is_not_waited_for(void **state)
{
    struct lease leases[2];
    open_all(*state, leases, 2);
    assert_int_equal(try(&leases[0], 700, 0, true), ERR_NONE);
    end(&leases[0], 700);
    assert_int_equal(try(&leases[1], 100, 500, true), ERR_NONE); /* clamped by spend */
    assert_int_equal(leases[1].reservation.output_tokens, 200);
    end(&leases[1], 200);
    assert_int_equal(try(&leases[1], 101, 0, true), ERR_BUDGET_EXCEEDED);
    close_all(leases, 2);
}

static void test_nobody_overtakes(void **state)
{
    struct lease leases[4];
    int heard[4] = {0};
    open_all(*state, leases, 4);
    assert_int_equal(try(&leases[0], 900, 0, true), ERR_NONE);
    assert_int_equal(try(&leases[1], 500, 0, true), ERR_BUDGET_BUSY);
    assert_true(lease_wait(&leases[1], hear, &heard[1]));
    assert_int_equal(try(&leases[1], 500, 0, true), ERR_BUDGET_BUSY);
    /* These would fit in the 100 that are free. */
    for (int i = 2; i < 4; i++) {
        assert_int_equal(try(&leases[i], 50, 0, true), ERR_BUDGET_BUSY);
        assert_true(lease_wait(&leases[i], hear, &heard[i]));
        assert_int_equal(try(&leases[i], 50, 0, true), ERR_BUDGET_BUSY);
    }
    end(&leases[0], 0);
    assert_int_equal(heard[1], 1);
    assert_int_equal(heard[2], 0);
    assert_int_equal(try(&leases[1], 500, 0, true), ERR_NONE);
    assert_int_equal(heard[2], 1); /* there may be room for the next one */
    assert_int_equal(heard[3], 0);
    assert_int_equal(try(&leases[2], 50, 0, true), ERR_NONE);
    assert_int_equal(heard[3], 1);
    assert_int_equal(try(&leases[3], 50, 0, true), ERR_NONE);
    close_all(leases, 4);
}

/* Room that comes by other ways than the end of a hold. */
static void test_other_reasons_to_wake(void **state)
{
    struct place *place = *state;
    struct lease leases[3];
    int heard = 0, other = 0;
    open_all(place, leases, 3);
    assert_int_equal(try(&leases[0], 1000, 0, true), ERR_NONE);
    assert_int_equal(try(&leases[1], 50, 0, true), ERR_BUDGET_BUSY);
    assert_true(lease_wait(&leases[1], hear, &heard));
    budget_cell_set_limit(place->budgets[0].cell, BUDGET_NUSD, 2000);
    assert_int_equal(heard, 1);
    /* Now it is the second budget that is busy: another queue. */
    assert_int_equal(try(&leases[1], 50, 0, true), ERR_BUDGET_BUSY);
    assert_true(lease_wait(&leases[1], hear, &heard));
    now_ns += DAY_NS;
    assert_int_equal(try(&leases[2], 1, 0, true), ERR_BUDGET_BUSY); /* behind the other */
    assert_int_equal(heard, 2);                                     /* a new window */
    assert_true(lease_wait(&leases[2], hear, &other));
    assert_int_equal(try(&leases[1], 50, 0, true), ERR_NONE);
    assert_int_equal(other, 1);
    assert_int_equal(try(&leases[2], 1, 0, true), ERR_NONE);
    close_all(leases, 3);
}

static void test_no_queue_without_budget_wait(void **state)
{
    struct place *place = *state;
    struct lease leases[2];
    place->budgets[0].wait_ms = place->budgets[1].wait_ms = 0;
    open_all(place, leases, 2);
    assert_int_equal(try(&leases[0], 700, 0, true), ERR_NONE);
    assert_int_equal(try(&leases[1], 100, 500, true), ERR_NONE);
    assert_int_equal(leases[1].reservation.output_tokens, 200);
    close_all(leases, 2);
}

/* ---- threads ---- */

struct crowd {
    struct place *place;
    atomic_int served;
    atomic_int faults;
};

static void *queue_up(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < 400; i++) {
        struct lease lease;
        lease_open(&lease, &crowd->place->key, 0);
        /* No deadline: a wake that is lost hangs here. */
        for (;;) {
            enum err err = try(&lease, 400, 0, true);
            if (err == ERR_NONE)
                break;
            if (err != ERR_BUDGET_BUSY)
                crowd->faults++;
            if (lease_wait(&lease, NULL, NULL))
                continue;
            while (!lease_is_woken(&lease))
                sched_yield();
        }
        if (lease.waiter.cell != NULL)
            crowd->faults++;
        crowd->served++;
        end(&lease, 0);
        lease_close(&lease);
    }
    return NULL;
}

static void test_no_wake_is_lost(void **state)
{
    struct crowd crowd = {.place = *state};
    pthread_t threads[6];
    for (size_t i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, queue_up, &crowd);
    for (size_t i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.served, 6 * 400);
    assert_int_equal(crowd.faults, 0);
}

/* ---- top-ups and parts ---- */

static void test_topup(void **state)
{
    struct place *place = *state;
    struct reservation reservation, other;
    const struct budget *by;
    const struct budget *path[] = {&place->budgets[0], &place->budgets[1]};
    place->budgets[0].hold = BUDGET_HOLD_TOPUP;
    budget_cell_set_limit(place->budgets[0].cell, BUDGET_NUSD, 5000);
    budget_cell_set_limit(place->budgets[1].cell, BUDGET_NUSD, 9000);
    struct budget_wish wish = {
        .price = &plain, .input_tokens = 100, .choices = 1, .output_tokens = 4000, .streams = true};
    assert_int_equal(budget_reserve(path, 2, &wish, now_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 4000);
    assert_int_equal(reservation.covered_tokens, BUDGET_TOPUP_TOKENS);
    assert_int_equal(reservation.amount_nusd, 4100);
    struct budget_part parts[BUDGET_MAX_PARTS];
    assert_int_equal(budget_parts(&reservation, NULL, parts), 2);
    assert_int_equal(parts[0].amount, 100 + BUDGET_TOPUP_TOKENS);
    assert_false(parts[0].bound);
    assert_int_equal(parts[1].amount, 4100);
    assert_true(parts[1].bound);
    assert_int_equal(parts[0].limit, 5000);
    assert_int_equal(parts[0].window_end_wall_ns, now_ns + DAY_NS);
    assert_true(budget_extend(&reservation, &wish, 2048));
    assert_true(budget_extend(&reservation, &wish, 1024)); /* is held already */
    assert_int_equal(reservation.covered_tokens, 2048);
    /* Somebody takes the rest: no more can be had, and what is held stays. */
    wish.output_tokens = 0;
    wish.input_tokens = 2852;
    path[0] = &place->budgets[0];
    assert_int_equal(budget_reserve(path, 1, &wish, now_ns, &other, &by, NULL), BUDGET_GRANTED);
    wish.input_tokens = 100;
    wish.output_tokens = 4000;
    assert_false(budget_extend(&reservation, &wish, 2049));
    assert_int_equal(reservation.covered_tokens, 2048);
    settle(&other, 0, 0);
    assert_true(budget_extend(&reservation, &wish, 4000));
    budget_parts(&reservation, NULL, parts);
    assert_int_equal(parts[0].amount, 4100);
    /* The rest of each hold is uncertain. */
    struct budget_charge charge = {.cost_nusd = 4000, .uncertain_nusd = 100};
    budget_parts(&reservation, &charge, parts);
    assert_int_equal(parts[0].cost, 4000);
    assert_int_equal(parts[0].uncertain, 100);
    budget_settle(&reservation, &charge);
}

static void test_learned(void **state)
{
    struct place *place = *state;
    struct reservation reservation;
    const struct budget *by;
    const struct budget *path[] = {&place->budgets[0]};
    place->budgets[0].hold = BUDGET_HOLD_LEARNED;
    struct budget_wish wish = {.price = &plain,
                               .input_tokens = 100,
                               .choices = 2,
                               .output_tokens = 400,
                               .learned_tokens = 50};
    assert_int_equal(budget_reserve(path, 1, &wish, now_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 400);
    assert_int_equal(reservation.holds[0].amounts[BUDGET_NUSD], 200);
    assert_int_equal(reservation.amount_nusd, 900);
    /* What is uncertain is no more than the hold's rest, though the bill may be more. */
    struct budget_charge charge = {.cost_nusd = 150, .uncertain_nusd = 750};
    struct budget_part parts[BUDGET_MAX_PARTS];
    budget_parts(&reservation, &charge, parts);
    assert_int_equal(parts[0].uncertain, 50);
    budget_settle(&reservation, &charge);
    struct budget_view view;
    budget_look(path[0], NULL, now_ns, &view);
    assert_int_equal(view.committed_nusd, 200);
    wish.learned_tokens = 0; /* not known yet: the bound, as far as spend leaves it */
    assert_int_equal(budget_reserve(path, 1, &wish, now_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    assert_int_equal(reservation.holds[0].amounts[BUDGET_NUSD], 800);
    settle(&reservation, 0, 0);
}

/* Two units in one budget: the tighter one decides, both are held, and a part each is told. */
static void test_two_units(void **state)
{
    struct place *place = *state;
    struct reservation reservation;
    const struct budget *by;
    const struct budget *path[] = {&place->budgets[0]};
    budget_cell_set_limit(place->budgets[0].cell, BUDGET_TOKENS, 300);
    struct budget_wish wish = {
        .price = &plain, .input_tokens = 100, .choices = 1, .output_tokens = 400};
    assert_int_equal(budget_reserve(path, 1, &wish, now_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    assert_int_equal(reservation.output_tokens, 200);
    struct budget_part parts[BUDGET_MAX_PARTS];
    struct budget_charge charge = {
        .cost_nusd = 120, .tokens = 130, .uncertain_nusd = 180, .uncertain_tokens = 170};
    assert_int_equal(budget_parts(&reservation, &charge, parts), 2);
    assert_int_equal(parts[1].unit, BUDGET_TOKENS);
    assert_int_equal(parts[1].amount, 300);
    assert_int_equal(parts[1].cost, 130);
    assert_int_equal(parts[1].uncertain, 170);
    budget_settle(&reservation, &charge);
    struct budget_view view;
    budget_look(path[0], NULL, now_ns, &view);
    assert_int_equal(view.tokens.committed, 300);
    assert_int_equal(view.committed_nusd, 300);
    wish.input_tokens = 1;
    wish.output_tokens = 0;
    assert_int_equal(budget_reserve(path, 1, &wish, now_ns, &reservation, &by, NULL), BUDGET_SPENT);
}

static void count_observed(void *argument, const struct budget *budget,
                           const struct ladder_view *view)
{
    assert_int_equal(view->state, LADDER_THROTTLE);
    assert_true(budget->observe);
    ++*(int *)argument;
}

static void test_climbing(void **state)
{
    static const struct ladder_step steps[] = {{500000, LADDER_THROTTLE, 2}};
    struct place *place = *state;
    struct lease lease;
    const struct budget *by;
    struct ladder_now now = {now_ns, 0};
    int observed = 0;
    open_all(place, &lease, 1);
    place->budgets[0].ladder = place->budgets[1].ladder =
        (struct ladder){.steps = steps, .count = 1};
    assert_int_equal(try(&lease, 500, 0, true), ERR_NONE);
    end(&lease, 500);
    assert_int_equal(lease_climb(&lease, now, &by, NULL, NULL), ERR_NONE);
    assert_int_equal(lease.ladder.state, LADDER_THROTTLE);
    assert_int_equal(lease_climb(&lease, now, &by, NULL, NULL), ERR_NONE);
    assert_int_equal(lease_climb(&lease, now, &by, NULL, NULL), ERR_BUDGET_THROTTLED);
    assert_ptr_equal(by, &place->budgets[0]);
    assert_int_equal(lease.throttle.retry_ns, 30 * NS_PER_S);
    place->budgets[0].observe = place->budgets[1].observe = true;
    assert_int_equal(lease_climb(&lease, now, &by, count_observed, &observed), ERR_NONE);
    assert_int_equal(observed, 2);
    assert_int_equal(lease.ladder.state, LADDER_CLOSED);
    lease_close(&lease);
}

#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int test_budget_wait(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_patience),
        PLACE_TEST(test_impatience),
        PLACE_TEST(test_what_is_spent_is_not_waited_for),
        PLACE_TEST(test_nobody_overtakes),
        PLACE_TEST(test_other_reasons_to_wake),
        PLACE_TEST(test_no_queue_without_budget_wait),
        PLACE_TEST(test_no_wake_is_lost),
        PLACE_TEST(test_topup),
        PLACE_TEST(test_learned),
        PLACE_TEST(test_two_units),
        PLACE_TEST(test_climbing),
    };
    return cmocka_run_group_tests_name("policy/budget_wait", tests, NULL, NULL);
}
