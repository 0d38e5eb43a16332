/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The orderly end: not ready any more, no new connections, what is under way finishes within the
 * drain time; then what is left is told so (503, or an error event in a stream), and given a moment
 * to hear it.
 */
#include "process_private.h"

#include "thread.h"

#include "base/log.h"
#include "loop/loop.h"
#include "loop/timer.h"

#define LAST_WORDS_MS 500

static void time_over(void *argument)
{
    struct process *process = argument;
    if (process->interrupted) {
        loop_stop(process->loop);
        return;
    }
    process->interrupted = true;
    log_warn("drain time is over: ending what is still under way");
    for (size_t i = 0; i < process->thread_count; i++)
        worker_thread_interrupt(process->threads[i]);
    timer_start(process->drain_timer, LAST_WORDS_MS);
}

void drain_begin(struct process *process)
{
    if (process->draining) {
        time_over(process);
        return;
    }
    process->draining = true;
    log_info("draining for at most %lld ms", (long long)process->snapshot->drain_ms);
    process->drain_timer = timer_new(process->loop, time_over, process);
    timer_start(process->drain_timer, process->snapshot->drain_ms);
    for (size_t i = 0; i < process->thread_count; i++)
        worker_thread_drain(process->threads[i]);
}

void drain_thread_done(void *argument)
{
    process_post(argument, MAIN_DRAINED, NULL);
}

void drain_count(struct process *process)
{
    if (++process->drained == process->thread_count)
        loop_stop(process->loop);
}
