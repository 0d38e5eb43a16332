/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of loop share: running a loop until something has happened, and a stopwatch. */
#ifndef TESTS_LOOP_UNTIL_H
#define TESTS_LOOP_UNTIL_H

#include "base/clock.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum { DEADLINE_MS = 10000 };

static inline int64_t stopwatch_ms(void)
{
    return clock_monotonic_ns() / NS_PER_MS;
}

/* False when *count has not reached `wanted` before the deadline. */
static inline bool run_until(struct loop *loop, const int *count, int wanted)
{
    int64_t end_ms = stopwatch_ms() + DEADLINE_MS;

    while (*count < wanted && stopwatch_ms() < end_ms)
        loop_run_once(loop, 100);
    return *count >= wanted;
}

/* True when the loop sleeps for a whole turn: what is left over from earlier ones is served first,
 * so a loop that spins never gets there. */
static inline bool falls_asleep(struct loop *loop)
{
    for (int turn = 0; turn < 10; turn++) {
        int64_t start_ms = stopwatch_ms();

        loop_run_once(loop, 50);
        if (stopwatch_ms() - start_ms >= 45)
            return true;
    }
    return false;
}

#endif
