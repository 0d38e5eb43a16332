/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A thread with a loop and a sim. */
#include "simulator.h"

#include "base/assert.h"
#include "base/memory.h"
#include "loop/inbox.h"
#include "loop/loop.h"
#include "sim/sim.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct simulator {
    pthread_t thread;
    struct loop *loop;
    struct inbox *inbox;
    struct sim *sim;
    struct inbox_item stop;
    char base_url[64];
};

/* The only message there is: stop. */
static void deliver(void *argument, struct inbox_item *item)
{
    struct simulator *simulator = argument;
    ASSERT(item == &simulator->stop);
    loop_stop(simulator->loop);
}

static void *run(void *argument)
{
    struct simulator *simulator = argument;
    loop_run(simulator->loop);
    return NULL;
}

static void destroy(struct simulator *simulator)
{
    sim_stop(&simulator->sim);
    inbox_free(&simulator->inbox);
    loop_free(&simulator->loop);
    free(simulator);
}

struct simulator *simulator_start(const char **error)
{
    struct loop *loop = loop_new();
    if (loop == NULL) {
        *error = "out of file descriptors";
        return NULL;
    }
    struct simulator *simulator = MEMORY_NEW(struct simulator);
    struct sim_settings settings = {.address = "127.0.0.1:0"};
    simulator->loop = loop;
    simulator->inbox = inbox_new(simulator->loop, deliver, simulator);
    simulator->sim = sim_start(simulator->loop, &settings, error);
    if (simulator->sim == NULL) {
        destroy(simulator);
        return NULL;
    }
    snprintf(simulator->base_url, sizeof simulator->base_url, "http://127.0.0.1:%u/v1",
             (unsigned)sim_port(simulator->sim));
    int failed = pthread_create(&simulator->thread, NULL, run, simulator);
    ASSERT(failed == 0);
    return simulator;
}

void simulator_stop(struct simulator **address)
{
    struct simulator *simulator = *address;
    if (simulator == NULL)
        return;
    *address = NULL;
    inbox_post(simulator->inbox, &simulator->stop);
    pthread_join(simulator->thread, NULL);
    destroy(simulator);
}

const char *simulator_base_url(const struct simulator *simulator)
{
    return simulator->base_url;
}
