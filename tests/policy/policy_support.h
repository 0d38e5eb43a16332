/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy tests share: moments, random numbers, and the proof that an assertion strikes. */
#ifndef POLICY_SUPPORT_H
#define POLICY_SUPPORT_H

#include "base/clock.h"
#include "policy/budget.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY_NS (86400 * NS_PER_S)

static inline int64_t wall_of(int year, int month, int day)
{
    return civil_to_days((struct civil){.year = year, .month = month, .day = day}) * DAY_NS;
}

/* A budget in dollars with a cell of its own. */
static inline void make_budget(struct budget *budget, const char *name, enum window_kind kind,
                               int64_t limit_nusd)
{
    *budget = (struct budget){.name = name,
                              .window = {.kind = kind, .period_ns = 60 * NS_PER_S},
                              .limit_nusd = limit_nusd,
                              .limit_tokens = BUDGET_NO_LIMIT,
                              .max_hold_nusd = INT64_MAX,
                              .max_hold_tokens = INT64_MAX,
                              .refusal_status = 402};
    budget->cell = budget_cell_new(name, &budget->window);
    budget_cell_set_limit(budget->cell, BUDGET_NUSD, limit_nusd);
}

static inline void settle(struct reservation *reservation, int64_t cost, int64_t uncertain)
{
    budget_settle(reservation,
                  &(struct budget_charge){.cost_nusd = cost, .uncertain_nusd = uncertain});
}

/* xorshift64*: the seed is the whole story of a failure. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

/* 0 … most. */
static inline int64_t random_upto(uint64_t *state, int64_t most)
{
    return (int64_t)((random_next(state) >> 1) % ((uint64_t)most + 1));
}

static inline bool random_one_in(uint64_t *state, int64_t n)
{
    return random_upto(state, n - 1) == 0;
}

/* Whether run(argument) ends in abort(); it runs in a child whose complaint is not shown. */
static inline bool aborts(void (*run)(void *argument), void *argument)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        run(argument);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
