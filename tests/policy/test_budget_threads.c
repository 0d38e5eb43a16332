/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight threads reserve and settle under three levels of budgets while an observer looks:
 *
 *   root (month)  ── tenants 0, 1 (total) ── keys 0 … 3 (day) ── threads 0 … 7, two a key
 *
 * No look may see more committed than the limit, and at the end every window holds to the
 * nano-dollar what the threads know they spent in it. Holds are so large that the budgets are
 * always nearly full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/budget.h"
#include "policy_support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define THREADS    8
#define ITERATIONS 6000
#define OPEN       3
#define BUDGETS    7 /* the root, 2 tenants, 4 keys */
#define WINDOWS    4096
#define LIMIT      10000000

static const struct price plain = {
    .known = true, .rates.input_pusd = 1000, .rates.output_pusd = 1000};

struct site {
    struct budget budgets[BUDGETS];
    _Atomic int64_t kept[BUDGETS][WINDOWS]; /* cost and uncertain, as the threads know it */
    _Atomic int64_t wall_ns;
    int64_t begin_ns;
    int64_t lag_ns; /* how far behind a thread's clock may be */
    atomic_int running;
    atomic_int granted;
    atomic_int faults; /* a thread must not call CMocka */
};

struct worker {
    struct site *site;
    pthread_t thread;
    uint64_t random;
    size_t path[3];
    struct reservation open[OPEN];
};

static int64_t index_of(const struct site *site, const struct budget *budget, int64_t id)
{
    return id - window_at(&budget->window, site->begin_ns - site->lag_ns);
}

static void settle_one(struct worker *worker, struct reservation *reservation)
{
    struct site *site = worker->site;
    int64_t cost = random_upto(&worker->random, 400);
    int64_t uncertain = random_one_in(&worker->random, 4) ? random_upto(&worker->random, 200) : 0;
    for (size_t i = 0; i < 3; i++) {
        size_t at = worker->path[i];
        const struct budget *budget = &site->budgets[at];
        int64_t window = index_of(site, budget, reservation->holds[i].window_id);
        int64_t kept = cost + (budget->release_uncertain ? 0 : uncertain);
        if (window < 0 || window >= WINDOWS)
            site->faults++;
        else
            site->kept[at][window] += kept;
    }
    settle(reservation, cost, uncertain);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct site *site = worker->site;
    const struct budget *path[3];
    const struct budget *by;
    for (size_t i = 0; i < 3; i++)
        path[i] = &site->budgets[worker->path[i]];
    for (int i = 0; i < ITERATIONS; i++) {
        struct reservation *slot = &worker->open[i % OPEN];
        if (slot->open)
            settle_one(worker, slot);
        int64_t wall = site->wall_ns - random_upto(&worker->random, site->lag_ns);
        struct budget_wish wish = {.price = &plain,
                                   .input_tokens = 1000,
                                   .choices = 1,
                                   .output_tokens = random_upto(&worker->random, 2000000),
                                   .min_output_tokens = 50000};
        if (budget_reserve(path, 3, &wish, wall, slot, &by, NULL) == BUDGET_GRANTED)
            site->granted++;
        if (random_one_in(&worker->random, 8))
            sched_yield();
    }
    for (size_t i = 0; i < OPEN; i++)
        if (worker->open[i].open)
            settle_one(worker, &worker->open[i]);
    site->running--;
    return NULL;
}

static void look_at_all(struct site *site)
{
    for (size_t i = 0; i < BUDGETS; i++) {
        struct budget_view view;
        budget_look(&site->budgets[i], NULL, site->wall_ns, &view);
        if (view.committed_nusd > LIMIT || view.committed_nusd < 0 || view.held_nusd < 0)
            site->faults++;
    }
}

static void start(struct site *site, struct worker *workers)
{
    for (size_t i = 0; i < BUDGETS; i++) {
        enum window_kind kind = i == 0 ? WINDOW_MONTH : i < 3 ? WINDOW_TOTAL : WINDOW_DAY;
        make_budget(&site->budgets[i], "b", kind, LIMIT);
        site->budgets[i].release_uncertain = i == 2;
    }
    site->running = THREADS;
    for (size_t i = 0; i < THREADS; i++) {
        size_t key = i % 4;
        workers[i] =
            (struct worker){.site = site, .random = 77 + i, .path = {3 + key, 1 + key / 2, 0}};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
}

static void check_end(struct site *site)
{
    assert_int_equal(site->faults, 0);
    assert_true(site->granted > ITERATIONS / 4);
    for (size_t i = 0; i < BUDGETS; i++) {
        const struct budget *budget = &site->budgets[i];
        struct budget_view view;
        budget_look(budget, NULL, site->begin_ns,
                    &view); /* the newest window, as ids never go back */
        int64_t window = index_of(site, budget, view.window_id);
        assert_int_equal(view.held_nusd, 0);
        assert_int_equal(view.committed_nusd, view.spent_nusd + view.uncertain_nusd);
        assert_int_equal(view.committed_nusd, site->kept[i][window]);
        for (size_t old = 0; old < WINDOWS; old++)
            assert_true(site->kept[i][old] <= LIMIT);
        budget_cell_unref(&site->budgets[i].cell);
    }
}

/* What is left is whole: nothing was lost by roll-backs. */
static void check_rest_can_be_had(struct site *site)
{
    struct budget_view view;
    struct reservation reservation;
    const struct budget *root = &site->budgets[0];
    const struct budget *by;
    budget_look(root, NULL, site->wall_ns, &view);
    int64_t left = LIMIT - view.spent_nusd - view.uncertain_nusd;
    struct budget_wish wish = {.price = &plain, .input_tokens = left, .choices = 1};
    assert_int_equal(budget_reserve(&root, 1, &wish, site->wall_ns, &reservation, &by, NULL),
                     BUDGET_GRANTED);
    settle(&reservation, 0, 0);
}

static void join(struct worker *workers)
{
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
}

static struct site *new_site(int64_t lag_ns)
{
    struct site *site = calloc(1, sizeof(*site));
    site->begin_ns = wall_of(2026, 1, 1);
    site->wall_ns = site->begin_ns;
    site->lag_ns = lag_ns;
    return site;
}

static void test_one_window(void **state)
{
    (void)state;
    struct worker workers[THREADS];
    struct site *site = new_site(0);
    start(site, workers);
    while (site->running > 0)
        look_at_all(site);
    join(workers);
    check_rest_can_be_had(site);
    check_end(site);
    free(site);
}

/* Days pass under the threads' feet, whose clocks disagree by more than a day; holds stay open over
 * several windows, and slots are used anew all the time. */
static void test_windows_roll_over(void **state)
{
    (void)state;
    struct worker workers[THREADS];
    struct site *site = new_site(30 * 3600 * NS_PER_S);
    uint64_t random = 5;
    start(site, workers);
    int64_t last = site->begin_ns + (WINDOWS - 10) * DAY_NS;
    while (site->running > 0) {
        if (site->wall_ns < last)
            site->wall_ns += random_upto(&random, DAY_NS / 4);
        look_at_all(site);
    }
    join(workers);
    assert_true(site->wall_ns > site->begin_ns + 60 * DAY_NS);
    check_end(site);
    free(site);
}

static void test_limit_moves(void **state)
{
    (void)state;
    struct worker workers[THREADS];
    struct site *site = new_site(0);
    uint64_t random = 9;
    start(site, workers);
    while (site->running > 0) {
        for (size_t i = 0; i < BUDGETS; i++)
            budget_cell_set_limit(site->budgets[i].cell, BUDGET_NUSD,
                                  LIMIT - random_upto(&random, LIMIT / 2));
        look_at_all(site);
    }
    join(workers);
    check_end(site);
    free(site);
}

#define RACES     25000
#define FIRST_DAY (-100000) /* int64_t has 213,503 days */

/* A new window for each reservation: between any two steps of one thread the others may use every
 * slot anew. That a hold is in the window it names is asserted when it is settled. */
static void *race_for_windows(void *argument)
{
    struct site *site = argument;
    struct budget_wish wish = {.price = &plain, .input_tokens = 1000, .choices = 1};
    const struct budget *root = &site->budgets[0];
    const struct budget *by;
    for (int i = 0; i < RACES; i++) {
        struct reservation reservation;
        int64_t wall = atomic_fetch_add(&site->wall_ns, DAY_NS);
        if (budget_reserve(&root, 1, &wish, wall, &reservation, &by, NULL) != BUDGET_GRANTED)
            continue;
        site->granted++;
        settle(&reservation, 1000, 0);
    }
    return NULL;
}

static void test_window_for_each_reservation(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct site *site = new_site(0);
    site->wall_ns = FIRST_DAY * DAY_NS;
    make_budget(&site->budgets[0], "b", WINDOW_DAY, LIMIT);
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, race_for_windows, site);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(site->granted > ITERATIONS);
    struct budget_view view;
    budget_look(&site->budgets[0], NULL, FIRST_DAY * DAY_NS, &view);
    assert_int_equal(view.window_id, FIRST_DAY + RACES * THREADS - 1);
    assert_int_equal(view.held_nusd, 0);
    budget_cell_unref(&site->budgets[0].cell);
    free(site);
}

/* ---- a rolling window ---- */

#define SLOT_NS NS_PER_S /* of a minute */

static void *roll(void *argument)
{
    struct site *site = argument;
    uint64_t random = (uint64_t)(uintptr_t)&random | 1;
    const struct budget *budget = &site->budgets[0], *by;
    struct reservation open[OPEN] = {{.open = false}};
    for (int i = 0; i < ITERATIONS + OPEN; i++) {
        struct reservation *slot = &open[i % OPEN];
        if (slot->open) {
            int64_t cost = random_upto(&random, 300000); /* now and then more than was held */
            int64_t window = slot->holds[0].window_id - site->begin_ns / SLOT_NS;
            if (window < 0 || window >= WINDOWS)
                site->faults++;
            else
                site->kept[0][window] += cost;
            settle(slot, cost, 0);
        }
        if (i >= ITERATIONS)
            continue;
        struct budget_wish wish = {.price = &plain,
                                   .input_tokens = 1000,
                                   .choices = 1,
                                   .output_tokens = random_upto(&random, 2000000)};
        int64_t lag = random_upto(&random, site->lag_ns);
        if (budget_reserve(&budget, 1, &wish, site->wall_ns - lag, slot, &by, NULL) ==
            BUDGET_GRANTED)
            site->granted++;
        if (random_one_in(&random, 4))
            site->wall_ns += random_upto(&random, SLOT_NS / 4);
    }
    site->running--;
    return NULL;
}

/* Slots expire while holds in them end, some of which cost more than they held. */
static void test_rolling(void **state)
{
    (void)state;
    pthread_t threads[4];
    struct site *site = new_site(2 * SLOT_NS);
    struct budget *budget = &site->budgets[0];
    struct budget_view view;
    make_budget(budget, "b", WINDOW_ROLLING, LIMIT);
    site->wall_ns += 10 * SLOT_NS;
    site->running = 4;
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, roll, site);
    while (site->running > 0) {
        budget_look(budget, NULL, site->wall_ns, &view);
        if (view.committed_nusd < 0 || view.held_nusd < 0)
            site->faults++;
        sched_yield();
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(site->faults, 0);
    assert_true(site->granted > 100);
    /* What counts is what the threads know they spent, to the nano-dollar, as the window rolls on. */
    for (int64_t ahead = 0; ahead < 70; ahead += 7) {
        int64_t wall_ns = site->wall_ns + ahead * SLOT_NS;
        int64_t sum = 0;
        budget_look(budget, NULL, wall_ns, &view);
        int64_t last = view.window_id - site->begin_ns / SLOT_NS;
        for (int64_t at = last - WINDOW_SLOTS; at <= last; at++)
            if (at >= 0 && at < WINDOWS)
                sum += site->kept[0][at];
        assert_int_equal(view.held_nusd, 0);
        assert_int_equal(view.spent_nusd, sum);
        assert_int_equal(view.committed_nusd, sum);
    }
    budget_cell_unref(&budget->cell);
    free(site);
}

int test_budget_threads(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_window),  cmocka_unit_test(test_windows_roll_over),
        cmocka_unit_test(test_limit_moves), cmocka_unit_test(test_window_for_each_reservation),
        cmocka_unit_test(test_rolling),
    };
    return cmocka_run_group_tests_name("policy/budget_threads", tests, NULL, NULL);
}
