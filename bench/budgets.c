/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the money of a request costs: RESERVE and SETTLE along a path of budgets, alone and by several
 * threads on the same cells. Prints a line "NAME NANOSECONDS-OF-CPU THREADS" each.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "policy/budget.h"
#include "policy/subjects.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEPTH  4
#define ROUNDS 400000
#define USERS  1000

static const struct price price = {.known = true,
                                   .rates = {.input_pusd = 2500000,
                                             .cached_input_pusd = 1250000,
                                             .cache_write_pusd = 2500000,
                                             .cache_write_1h_pusd = 2500000,
                                             .output_pusd = 10000000,
                                             .reasoning_pusd = 10000000}};
static const struct ladder_step steps[] = {{800000, LADDER_WARN, 0},
                                           {900000, LADDER_THROTTLE, 30},
                                           {950000, LADDER_DOWNGRADE, 0},
                                           {1000000, LADDER_OPEN, 0}};

struct track {
    const char *name;
    struct budget budgets[DEPTH];
    size_t depth;
};

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void make(struct budget *budget, struct window_rule window)
{
    *budget = (struct budget){.name = "b",
                              .window = window,
                              .limit_nusd = INT64_MAX / 2,
                              .limit_tokens = BUDGET_NO_LIMIT,
                              .max_hold_nusd = INT64_MAX / 20,
                              .max_hold_tokens = INT64_MAX,
                              .max_subjects = 100000};
    budget->cell = budget_cell_new("b", &budget->window);
    budget_cell_set_limit(budget->cell, BUDGET_NUSD, budget->limit_nusd);
}

static void *run(void *argument)
{
    struct track *track = argument;
    const struct budget *path[DEPTH];
    char users[USERS][16];
    int64_t wall_ns = clock_wall_ns(), mono_ns = clock_monotonic_ns();
    for (size_t i = 0; i < track->depth; i++)
        path[i] = &track->budgets[i];
    for (size_t i = 0; i < USERS; i++)
        snprintf(users[i], sizeof users[i], "user-%zu", i);
    int64_t begun = cpu_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        struct reservation reservation;
        const struct budget *by;
        struct budget_facts facts = {.key = SPAN("k"), .user = span_from_string(users[i % USERS])};
        struct budget_wish wish = {.price = &price,
                                   .input_tokens = 2000,
                                   .choices = 1,
                                   .output_tokens = 1000,
                                   .min_output_tokens = 16,
                                   .facts = &facts,
                                   .mono_ns = mono_ns};
        if (budget_reserve(path, track->depth, &wish, wall_ns + (int64_t)i * NS_PER_US,
                           &reservation, &by, NULL) != BUDGET_GRANTED)
            abort();
        budget_settle(&reservation, &(struct budget_charge){.cost_nusd = 1000, .mono_ns = mono_ns});
    }
    int64_t *took = memory_new(sizeof *took);
    *took = (cpu_ns() - begun) / ROUNDS;
    return took;
}

static void measure(struct track *track)
{
    for (size_t count = 1; count <= 2; count++) {
        pthread_t threads[2];
        int64_t sum = 0;
        void *took;
        for (size_t i = 0; i < count; i++)
            pthread_create(&threads[i], NULL, run, track);
        for (size_t i = 0; i < count; i++) {
            pthread_join(threads[i], &took);
            sum += *(int64_t *)took;
            free(took);
        }
        printf("%-24s %6lld %zu\n", track->name, (long long)(sum / (int64_t)count), count);
    }
    for (size_t i = 0; i < track->depth; i++) {
        budget_cell_unref(&track->budgets[i].cell);
        budget_subjects_unref(&track->budgets[i].subjects);
    }
}

static void make_path(struct track *track, const char *name)
{
    *track = (struct track){.name = name, .depth = DEPTH};
    const struct window_rule windows[DEPTH] = {{.kind = WINDOW_MINUTE},
                                               {.kind = WINDOW_DAY},
                                               {.kind = WINDOW_MONTH},
                                               {.kind = WINDOW_TOTAL}};
    for (size_t i = 0; i < DEPTH; i++)
        make(&track->budgets[i], windows[i]);
}

int main(void)
{
    struct track track;
    const char *why;
    make_path(&track, "one");
    track.depth = 1;
    for (size_t i = 1; i < DEPTH; i++)
        budget_cell_unref(&track.budgets[i].cell);
    measure(&track);
    make_path(&track, "four");
    measure(&track);

    make_path(&track, "four, zones");
    struct timezone_rules *zone = timezone_open("Europe/Berlin", &why);
    for (size_t i = 0; i < DEPTH; i++)
        track.budgets[i].window.zone = zone;
    measure(&track);
    timezone_close(&zone);

    make_path(&track, "four, ladders");
    for (size_t i = 0; i < DEPTH; i++)
        track.budgets[i].ladder = (struct ladder){
            .steps = steps,
            .count = 4,
            .burn = {600 * NS_PER_S, 800000000, LADDER_DOWNGRADE, 0, 600 * NS_PER_S}};
    measure(&track);

    make_path(&track, "four, dollars and tokens");
    for (size_t i = 0; i < DEPTH; i++)
        budget_cell_set_limit(track.budgets[i].cell, BUDGET_TOKENS, INT64_MAX / 2);
    measure(&track);

    make_path(&track, "four, one rolling");
    budget_cell_unref(&track.budgets[1].cell);
    make(&track.budgets[1],
         (struct window_rule){.kind = WINDOW_ROLLING, .period_ns = 86400 * NS_PER_S});
    measure(&track);

    make_path(&track, "four, one per user");
    budget_cell_unref(&track.budgets[0].cell);
    track.budgets[0].subjects = budget_subjects_new("b per user");
    track.budgets[0].per = BUDGET_PER_USER;
    budget_subjects_set_limits(track.budgets[0].subjects, INT64_MAX / 2, BUDGET_NO_LIMIT);
    measure(&track);
    return 0;
}
