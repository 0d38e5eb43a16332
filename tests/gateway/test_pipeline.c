/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver against scripted steps: one row for each arrow of DESIGN section 4, every arrow that is
 * not there, and the client leaving at each step. What real steps do is tested in test_exchange.
 */
#include "gateway/pipeline.h"

#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_RUNS 64

/* Each step's script: what it returns at each of its runs. */
struct script {
    struct pipeline pipeline;
    enum step answers[STEP_END][4];
    unsigned runs[STEP_END];
    enum step ran[MAX_RUNS]; /* in order */
    unsigned ran_count;
    bool refusable;
    unsigned ended;
    enum step resume_inside; /* this step resumes while it runs */
    enum step leave_inside;  /* the client leaves while this step runs */
    bool inside;
};

static struct script *script_of(struct pipeline *pipeline)
{
    return LIST_ITEM(pipeline, struct script, pipeline);
}

static enum step run_step(struct pipeline *pipeline)
{
    struct script *script = script_of(pipeline);
    enum step step = pipeline->step;
    assert_false(script->inside); /* law 3: never a step inside a step */
    script->inside = true;
    assert_true(script->ran_count < MAX_RUNS);
    script->ran[script->ran_count++] = step;
    enum step answer = script->answers[step][script->runs[step] % 4];
    script->runs[step]++;
    if (script->resume_inside == step && script->runs[step] == 1)
        pipeline_resume(pipeline);
    if (script->leave_inside == step && script->runs[step] == 1) {
        script->refusable = false;
        pipeline_interrupt(pipeline, ERR_CLIENT_GONE);
    }
    script->inside = false;
    return answer;
}

static bool may_refuse(const struct pipeline *pipeline)
{
    return ((const struct script *)(const void *)((const char *)pipeline -
                                                  offsetof(struct script, pipeline)))
        ->refusable;
}

static void ended(struct pipeline *pipeline)
{
    script_of(pipeline)->ended++;
}

static const struct pipeline_table table = {
    .run =
        {
#define STEP(name, function, after) [STEP_##name] = run_step,
#include "gateway/steps.def"
#undef STEP
        },
    .may_refuse = may_refuse,
    .ended = ended,
};

/* The straight way: served. */
static void script_init(struct script *script)
{
    static const enum step straight[STEP_END] = {
        [STEP_ADMIT] = STEP_PARSE,     [STEP_PARSE] = STEP_COUNT,    [STEP_COUNT] = STEP_LOOKUP,
        [STEP_LOOKUP] = STEP_LIMIT,    [STEP_LIMIT] = STEP_ROUTE,    [STEP_ROUTE] = STEP_RESERVE,
        [STEP_RESERVE] = STEP_FORWARD, [STEP_FORWARD] = STEP_STREAM, [STEP_STREAM] = STEP_SETTLE,
        [STEP_REFUSE] = STEP_SETTLE,   [STEP_SETTLE] = STEP_RECORD,  [STEP_RECORD] = STEP_END,
    };
    *script =
        (struct script){.refusable = true, .resume_inside = STEP_WAIT, .leave_inside = STEP_WAIT};
    for (int step = 0; step < STEP_END; step++)
        for (int run = 0; run < 4; run++)
            script->answers[step][run] = straight[step];
    pipeline_init(&script->pipeline, &table);
}

static void assert_closed_once(const struct script *script)
{
    assert_int_equal(script->runs[STEP_SETTLE], 1);
    assert_int_equal(script->runs[STEP_RECORD], 1);
    assert_int_equal(script->ended, 1);
    assert_int_equal(script->pipeline.step, STEP_END);
}

/* ---- the arrows ---- */

struct arrow {
    enum step from;
    enum step to;
};

/* DESIGN section 4, the column "next", and the two arrows that any serving step has. */
static const struct arrow arrows[] = {
    {STEP_ADMIT, STEP_PARSE},     {STEP_PARSE, STEP_COUNT},     {STEP_COUNT, STEP_LOOKUP},
    {STEP_LOOKUP, STEP_LIMIT},    {STEP_LOOKUP, STEP_STREAM},   {STEP_LIMIT, STEP_ROUTE},
    {STEP_ROUTE, STEP_RESERVE},   {STEP_RESERVE, STEP_FORWARD}, {STEP_FORWARD, STEP_STREAM},
    {STEP_FORWARD, STEP_RESERVE}, {STEP_STREAM, STEP_SETTLE},   {STEP_SETTLE, STEP_RECORD},
    {STEP_RECORD, STEP_END},      {STEP_REFUSE, STEP_SETTLE},   {STEP_ADMIT, STEP_REFUSE},
    {STEP_PARSE, STEP_REFUSE},    {STEP_COUNT, STEP_REFUSE},    {STEP_LOOKUP, STEP_REFUSE},
    {STEP_LIMIT, STEP_REFUSE},    {STEP_ROUTE, STEP_REFUSE},    {STEP_RESERVE, STEP_REFUSE},
    {STEP_FORWARD, STEP_REFUSE},  {STEP_STREAM, STEP_REFUSE},   {STEP_ADMIT, STEP_SETTLE},
    {STEP_PARSE, STEP_SETTLE},    {STEP_COUNT, STEP_SETTLE},    {STEP_LOOKUP, STEP_SETTLE},
    {STEP_LIMIT, STEP_SETTLE},    {STEP_ROUTE, STEP_SETTLE},    {STEP_RESERVE, STEP_SETTLE},
    {STEP_FORWARD, STEP_SETTLE},
};
#define ARROW_COUNT (sizeof arrows / sizeof arrows[0])

static bool is_arrow(enum step from, enum step to)
{
    for (size_t i = 0; i < ARROW_COUNT; i++)
        if (arrows[i].from == from && arrows[i].to == to)
            return true;
    return false;
}

/* An exchange that takes the arrow at its first run of `from`, and goes straight otherwise. */
static void take_arrow(struct script *script, struct arrow arrow)
{
    script_init(script);
    if (arrow.from == STEP_REFUSE)
        script->answers[STEP_ADMIT][0] = STEP_REFUSE;
    script->answers[arrow.from][0] = arrow.to;
    pipeline_resume(&script->pipeline);
}

static void each_arrow_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARROW_COUNT; i++) {
        struct script script;
        take_arrow(&script, arrows[i]);
        bool seen = false;
        for (unsigned run = 0; run + 1 < script.ran_count; run++)
            seen |= script.ran[run] == arrows[i].from && script.ran[run + 1] == arrows[i].to;
        if (!seen && arrows[i].to != STEP_END)
            fail_msg("%s -> %s was not taken", step_name(arrows[i].from), step_name(arrows[i].to));
        assert_closed_once(&script);
    }
}

static void the_table_allows_the_arrows_and_no_other(void **state)
{
    (void)state;
    for (int from = 0; from <= STEP_END; from++)
        for (int to = 0; to <= STEP_END; to++)
            if (step_may_follow((enum step)from, (enum step)to) !=
                is_arrow((enum step)from, (enum step)to))
                fail_msg("%s -> %s", step_name((enum step)from), step_name((enum step)to));
}

/* In a child: an assertion ends the process. */
static int exit_of(void (*body)(void *argument), void *argument)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        fclose(stderr);
        body(argument);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
}

static void take(void *argument)
{
    struct script script;
    take_arrow(&script, *(struct arrow *)argument);
}

static void an_arrow_that_is_not_there_aborts(void **state)
{
    (void)state;
    struct arrow wrong[] = {{STEP_ADMIT, STEP_FORWARD},  {STEP_PARSE, STEP_RESERVE},
                            {STEP_RESERVE, STEP_STREAM}, {STEP_SETTLE, STEP_SETTLE},
                            {STEP_RECORD, STEP_SETTLE},  {STEP_STREAM, STEP_RESERVE}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_true(exit_of(take, &wrong[i]));
}

static void retry_after_a_byte(void *argument)
{
    struct script script;
    (void)argument;
    script_init(&script);
    script.refusable = false; /* a byte has reached the client */
    script.answers[STEP_FORWARD][0] = STEP_RESERVE;
    pipeline_resume(&script.pipeline);
}

static void a_retry_after_the_first_byte_aborts(void **state)
{
    (void)state;
    assert_true(exit_of(retry_after_a_byte, NULL));
}

/* ---- waiting ---- */

static void a_step_that_waits_runs_again_on_resume(void **state)
{
    (void)state;
    for (int step = STEP_ADMIT; step < STEP_SETTLE; step++) {
        struct script script;
        if (step == STEP_REFUSE)
            continue;
        script_init(&script);
        script.answers[step][0] = STEP_WAIT;
        pipeline_resume(&script.pipeline);
        assert_int_equal(script.pipeline.step, step);
        assert_int_equal(script.ended, 0);
        pipeline_resume(&script.pipeline);
        assert_int_equal(script.runs[step], 2);
        assert_closed_once(&script);
    }
}

static void a_resume_from_inside_is_remembered(void **state)
{
    (void)state;
    struct script script;
    script_init(&script);
    script.answers[STEP_FORWARD][0] = STEP_WAIT;
    script.resume_inside = STEP_FORWARD;
    pipeline_resume(&script.pipeline);
    assert_int_equal(script.runs[STEP_FORWARD], 2);
    assert_closed_once(&script);
}

static void a_resume_after_the_end_does_nothing(void **state)
{
    (void)state;
    struct script script;
    script_init(&script);
    pipeline_resume(&script.pipeline);
    pipeline_resume(&script.pipeline);
    pipeline_interrupt(&script.pipeline, ERR_CLIENT_GONE);
    assert_closed_once(&script);
    assert_false(script.pipeline.outcome.set);
}

/* ---- the client leaves ---- */

static void the_client_leaves_while_step_waits(void **state)
{
    (void)state;
    for (int step = STEP_ADMIT; step < STEP_SETTLE; step++) {
        struct script script;
        if (step == STEP_REFUSE)
            continue;
        script_init(&script);
        script.answers[step][0] = STEP_WAIT;
        pipeline_resume(&script.pipeline);
        script.refusable = false;
        pipeline_interrupt(&script.pipeline, ERR_CLIENT_GONE);
        assert_int_equal(script.runs[step], 1);
        assert_int_equal(script.runs[STEP_REFUSE], 0);
        assert_int_equal(script.pipeline.outcome.cause, ERR_CLIENT_GONE);
        assert_int_equal(script.pipeline.outcome.step, step);
        assert_closed_once(&script);
    }
}

static void the_client_leaves_while_step_runs(void **state)
{
    (void)state;
    for (int step = STEP_ADMIT; step < STEP_END; step++) {
        struct script script;
        script_init(&script);
        if (step == STEP_REFUSE)
            script.answers[STEP_PARSE][0] = STEP_REFUSE;
        script.leave_inside = (enum step)step;
        pipeline_resume(&script.pipeline);
        assert_int_equal(script.runs[step], 1);
        assert_closed_once(&script);
    }
}

static void an_interrupt_refuses_whom_it_still_can(void **state)
{
    (void)state;
    for (int step = STEP_ADMIT; step < STEP_SETTLE; step++) {
        struct script script;
        if (step == STEP_REFUSE)
            continue;
        script_init(&script);
        script.answers[step][0] = STEP_WAIT;
        pipeline_resume(&script.pipeline);
        pipeline_interrupt(&script.pipeline, ERR_DRAINING);
        assert_int_equal(script.runs[STEP_REFUSE], 1);
        assert_int_equal(script.pipeline.outcome.cause, ERR_DRAINING);
        assert_closed_once(&script);
    }
}

static void the_first_ending_wins(void **state)
{
    (void)state;
    struct script script;
    script_init(&script);
    script.answers[STEP_STREAM][0] = STEP_WAIT;
    pipeline_resume(&script.pipeline);
    outcome_set(&script.pipeline.outcome, ERR_UPSTREAM_BROKEN, STEP_STREAM);
    script.refusable = false;
    pipeline_interrupt(&script.pipeline, ERR_CLIENT_GONE);
    assert_int_equal(script.pipeline.outcome.cause, ERR_UPSTREAM_BROKEN);
    assert_closed_once(&script);
}

static void the_trail_keeps_the_last_sixteen(void **state)
{
    (void)state;
    struct script script;
    script_init(&script);
    for (int run = 0; run < 3; run++) /* three retries make the way longer than the trail */
        script.answers[STEP_FORWARD][run] = STEP_RESERVE;
    pipeline_resume(&script.pipeline);
    assert_true(script.pipeline.passed > PIPELINE_TRAIL);
    uint32_t last = script.pipeline.passed - 1;
    assert_int_equal(script.pipeline.trail[last % PIPELINE_TRAIL], STEP_END);
    assert_int_equal(script.pipeline.trail[(last - 1) % PIPELINE_TRAIL], STEP_RECORD);
    assert_int_equal(script.pipeline.trail[(last - 2) % PIPELINE_TRAIL], STEP_SETTLE);
    assert_closed_once(&script);
}

int test_pipeline(void);
int test_pipeline(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_arrow_is_taken),
        cmocka_unit_test(the_table_allows_the_arrows_and_no_other),
        cmocka_unit_test(an_arrow_that_is_not_there_aborts),
        cmocka_unit_test(a_retry_after_the_first_byte_aborts),
        cmocka_unit_test(a_step_that_waits_runs_again_on_resume),
        cmocka_unit_test(a_resume_from_inside_is_remembered),
        cmocka_unit_test(a_resume_after_the_end_does_nothing),
        cmocka_unit_test(the_client_leaves_while_step_waits),
        cmocka_unit_test(the_client_leaves_while_step_runs),
        cmocka_unit_test(an_interrupt_refuses_whom_it_still_can),
        cmocka_unit_test(the_first_ending_wins),
        cmocka_unit_test(the_trail_keeps_the_last_sixteen),
    };
    return cmocka_run_group_tests_name("gateway/pipeline", tests, NULL, NULL);
}
