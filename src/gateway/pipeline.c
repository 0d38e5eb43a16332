/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of the step table; laws in gateway/pipeline.h. It alone changes `step`, in enter(),
 * which is where every transition of every exchange can be watched from.
 */
#include "gateway/pipeline.h"

#include "base/assert.h"

#include <stddef.h>

#define AFTER(name) (1U << STEP_##name)

static const uint32_t successors[STEP_END] = {
#define STEP(name, function, after) [STEP_##name] = (after),
#include "gateway/steps.def"
#undef STEP
};

static const char *const names[STEP_END + 1] = {
#define STEP(name, function, after) [STEP_##name] = #name,
#include "gateway/steps.def"
#undef STEP
    [STEP_END] = "END",
};

/* The steps that serve; after them only the books are closed. */
static bool before_settle(enum step step)
{
    return step != STEP_SETTLE && step != STEP_RECORD && step != STEP_END;
}

bool step_may_follow(enum step from, enum step to)
{
    if (from >= STEP_END || to > STEP_END)
        return false;
    if (before_settle(from) && to == STEP_SETTLE)
        return true;
    if (before_settle(from) && from != STEP_REFUSE && to == STEP_REFUSE)
        return true;
    return (successors[from] & (1U << to)) != 0;
}

const char *step_name(enum step step)
{
    ASSERT(step <= STEP_END);
    return names[step];
}

void pipeline_init(struct pipeline *pipeline, const struct pipeline_table *table)
{
    *pipeline = (struct pipeline){.table = table, .step = STEP_ADMIT};
}

/* The one setter of the exchange's state. */
static void enter(struct pipeline *pipeline, enum step next)
{
    enum step from = pipeline->step;
    ASSERT(step_may_follow(from, next));
    /* A second attempt and a refusal both need a client who has seen nothing yet. */
    if (next == STEP_REFUSE || (from == STEP_FORWARD && next == STEP_RESERVE))
        ASSERT(pipeline->table->may_refuse(pipeline));
    pipeline->trail[pipeline->passed % PIPELINE_TRAIL] = (uint8_t)next;
    pipeline->passed++;
    pipeline->step = next;
}

/* Where an interrupted exchange goes instead of running its step. */
static enum step detour(const struct pipeline *pipeline)
{
    if (pipeline->step != STEP_REFUSE && pipeline->table->may_refuse(pipeline))
        return STEP_REFUSE;
    return STEP_SETTLE;
}

static enum step run_one(struct pipeline *pipeline)
{
    /* A refusal that is on its way already, to a client who is still there, is as good as any. */
    bool refusing = pipeline->step == STEP_REFUSE && pipeline->table->may_refuse(pipeline);
    if (pipeline->interrupted && before_settle(pipeline->step) && !refusing) {
        pipeline->interrupted = false;
        return detour(pipeline);
    }
    return pipeline->table->run[pipeline->step](pipeline);
}

void pipeline_resume(struct pipeline *pipeline)
{
    if (pipeline->running) {
        pipeline->resumed = true;
        return;
    }
    if (pipeline->step == STEP_END)
        return;
    pipeline->running = true;
    do {
        pipeline->resumed = false;
        enum step next = run_one(pipeline);
        if (next != STEP_WAIT)
            enter(pipeline, next);
        else if (!pipeline->resumed && !pipeline->interrupted)
            break;
    } while (pipeline->step != STEP_END);
    pipeline->running = false;
    if (pipeline->step == STEP_END)
        pipeline->table->ended(pipeline);
}

void pipeline_interrupt(struct pipeline *pipeline, enum err cause)
{
    if (!before_settle(pipeline->step))
        return;
    outcome_set(&pipeline->outcome, cause, (uint8_t)pipeline->step);
    pipeline->interrupted = true;
    pipeline_resume(pipeline);
}
