/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver: one small loop that runs the steps of an exchange and checks every transition against
 * steps.def. The exchange embeds a `struct pipeline`; only the driver writes it.
 *
 *   resume -> run step -> next step? check, remember, run it
 *                      -> WAIT? return; somebody calls resume when what is waited for has come
 *
 * Laws (asserted):
 *  1. Every exchange passes SETTLE and RECORD exactly once, whatever happened.
 *  2. A step returns the next step, or WAIT. The driver checks that steps.def allows it and keeps
 *     the last sixteen.
 *  3. pipeline_resume() is the only way back in, and never runs a step inside a step: a resume from
 *     inside one is remembered, and the step runs again if it then waits.
 *  4. A retry (FORWARD -> RESERVE) happens only while no byte has reached the client.
 *  5. An ending is a value, `outcome`; the first one wins. Once it is set from outside
 *     (pipeline_interrupt), a step before SETTLE is not run any more: the exchange is refused when
 *     it can still be, else settled.
 */
#ifndef GATEWAY_PIPELINE_H
#define GATEWAY_PIPELINE_H

#include "base/outcome.h"

#include <stdbool.h>
#include <stdint.h>

enum step {
#define STEP(name, function, successors) STEP_##name,
#include "gateway/steps.def"
#undef STEP
    STEP_END,
    STEP_WAIT, /* as a result only */
};

#define PIPELINE_TRAIL 16

struct pipeline;

/* One function a step, indexed by enum step, with the two questions the driver asks. */
struct pipeline_table {
    enum step (*run[STEP_END])(struct pipeline *pipeline);
    /* Whether a refusal can still be answered: the client is there and nothing was sent. */
    bool (*may_refuse)(const struct pipeline *pipeline);
    /* STEP_END is reached; the pipeline may be freed inside. */
    void (*ended)(struct pipeline *pipeline);
};

struct pipeline {
    const struct pipeline_table *table;
    enum step step;
    struct outcome outcome;
    bool running;
    bool resumed;     /* a resume came while running */
    bool interrupted; /* an ending came from outside and has not been acted on */
    uint8_t trail[PIPELINE_TRAIL];
    uint32_t passed; /* transitions so far; trail[passed % 16] is written next */
};

void pipeline_init(struct pipeline *pipeline, const struct pipeline_table *table);
/* Runs until a step waits or the exchange has ended. */
void pipeline_resume(struct pipeline *pipeline);
/* Something outside ended it: the client left, a deadline passed, the gateway stops. Records the
 * cause (the first wins) and resumes. No effect once SETTLE has begun. */
void pipeline_interrupt(struct pipeline *pipeline, enum err cause);

/* Whether steps.def and the general rule allow this transition. */
bool step_may_follow(enum step from, enum step to);
/* "RESERVE". */
const char *step_name(enum step step);

#endif
