/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting, in place or on libuv's pool. A job reads the exchange's body and call, which nobody
 * changes after PARSE, and writes into itself alone; the exchange is not freed before the job is
 * done, whatever becomes of it meanwhile.
 */
#include "counting.h"

#include "context.h"
#include "exchange.h"
#include "worker.h"

#include "base/assert.h"
#include "base/memory.h"
#include "base/table.h"
#include "loop/offload.h"
#include "telemetry/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#define IN_PLACE_MAX (128 * 1024) /* bytes of a body: a millisecond where text is hard */
#define JOB_ARENA    (64 * 1024 * 1024)
#define JOB_CACHE    4096 /* slots */

static enum body_kind body_kind(enum call_kind kind)
{
    static const enum body_kind kinds[] = {[CALL_CHAT] = BODY_CHAT,
                                           [CALL_COMPLETIONS] = BODY_COMPLETIONS,
                                           [CALL_EMBEDDINGS] = BODY_EMBEDDINGS};
    return kinds[kind];
}

static const struct target *counted_target(const struct exchange *exchange)
{
    return &exchange->model->targets[0];
}

/* Any thread. */
static void count(const struct exchange *exchange, struct token_cache *cache, struct arena *arena,
                  struct context *context, struct input_count *out)
{
    const struct counting_rule *rule = &exchange->model->counting;
    struct count_listener listener = {context_text, context};
    struct count_request request = {
        .kind = body_kind(exchange->call.kind),
        .body = exchange->call.body.text,
        .model = counted_target(exchange)->model,
        .tokenizer = rule->ranks != NULL ? rule->ranks : tokenizer_builtin(rule->encoding),
        .tokenizer_is_exact = rule->exact,
        .cache = cache,
        .scratch = arena,
        .listener = &listener,
    };
    input_count(&request, out);
}

/* ---- what it comes to ---- */

/* Sessions of one name in two tenants are two. */
static uint64_t session_key(const struct receipt *receipt)
{
    char text[2 * RECEIPT_NAME_SIZE];
    if (receipt->session[0] == '\0')
        return 0;
    int size = snprintf(text, sizeof text, "%s %s", receipt->tenant, receipt->session);
    return hash_bytes(span_make(text, (size_t)size));
}

/* What one tenant's prompts were billed is remembered by their prints: another tenant that guesses a
 * prompt is not to see it in an estimate, nor to bend one. So prints are each tenant's own. */
static void keep_apart(struct count_features *features, const struct receipt *receipt)
{
    uint64_t tenant = hash_bytes(span_from_string(receipt->tenant));
    if (features->head_print != 0) /* 0: there is none */
        features->head_print ^= tenant;
    for (int64_t i = 0; i < features->list_print_count; i++)
        features->list_prints[i] ^= tenant;
}

static void name_prompt(struct receipt *receipt, uint64_t fingerprint)
{
    if (receipt->prompt[0] == '\0' && fingerprint != 0)
        snprintf(receipt->prompt, sizeof receipt->prompt, "fp:%016llx",
                 (unsigned long long)fingerprint);
}

static void finish(struct exchange *exchange, const struct context *context)
{
    struct counted *counted = &exchange->counted;
    struct receipt *receipt = &exchange->receipt;
    const struct tokens_by_role *roles = &counted->input.by_role;
    counted->made = true;
    counted->tokens = counted->input.tokens;
    keep_apart(&counted->input.features, receipt);
    if (counted->input.quality == COUNT_ESTIMATE)
        counted->tokens =
            estimate_cell_tokens(counted_target(exchange)->estimate, &counted->input.features);
    name_prompt(receipt, context->prompt);
    receipt->context = (struct receipt_context){
        .counted = counted->tokens,
        .quality = count_quality_name(counted->input.quality),
        .system = roles->system,
        .user = roles->user,
        .assistant = roles->assistant,
        .tool = roles->tool,
        .repeated = context_repeated(context, exchange->worker->sessions, session_key(receipt)),
    };
}

/* ---- on another thread ---- */

struct counting {
    struct exchange *exchange;
    struct arena arena;
    struct token_cache *cache;
    struct context context;
    struct context_room room;
    struct input_count result;
};

static void job_work(void *argument)
{
    struct counting *job = argument;
    count(job->exchange, job->cache, &job->arena, &job->context, &job->result);
}

static void job_done(void *argument, bool abandoned)
{
    struct counting *job = argument;
    struct exchange *exchange = job->exchange;
    ASSERT(!abandoned);
    exchange->counting = NULL;
    exchange->worker->counting--;
    bool wanted = exchange->pipeline.step == STEP_COUNT;
    if (wanted) {
        exchange->counted.input = job->result;
        finish(exchange, &job->context);
    }
    arena_fini(&job->arena);
    token_cache_free(&job->cache);
    free(job);
    if (wanted)
        pipeline_resume(&exchange->pipeline);
    else
        exchange_counting_ended(exchange);
}

static void start_job(struct exchange *exchange)
{
    struct counting *job = MEMORY_NEW(struct counting);
    job->exchange = exchange;
    arena_init(&job->arena, JOB_ARENA);
    job->cache = token_cache_new(JOB_CACHE);
    context_init(&job->context, &job->room);
    exchange->counting = job;
    exchange->worker->counting++;
    offload_start(exchange->worker->loop,
                  &(struct offload_job){.work = job_work, .done = job_done, .argument = job});
}

static bool in_place(const struct exchange *exchange)
{
    const struct counting_rule *rule = &exchange->model->counting;
    return exchange->call.body.text.len <= IN_PLACE_MAX &&
           (rule->ranks != NULL || tokenizer_ready(rule->encoding));
}

bool counting_make(struct exchange *exchange)
{
    struct context context;
    ASSERT(!exchange->counted.made);
    if (exchange->counting != NULL)
        return false;
    if (!in_place(exchange)) {
        start_job(exchange);
        return false;
    }
    struct gateway_worker *worker = exchange->worker;
    struct arena_mark mark = arena_mark(&exchange->scratch);
    if (worker->token_cache == NULL) {
        worker->token_cache = token_cache_new(0);
        worker->context_room = MEMORY_NEW(struct context_room);
    }
    context_init(&context, worker->context_room);
    count(exchange, worker->token_cache, &exchange->scratch, &context, &exchange->counted.input);
    finish(exchange, &context);
    arena_rewind(&exchange->scratch, mark);
    return true;
}

bool counting_active(const struct exchange *exchange)
{
    return exchange->counting != NULL;
}

void counting_learn(struct exchange *exchange, const struct usage *usage)
{
    const struct target *target = exchange->target;
    if (!exchange->counted.made || target != counted_target(exchange))
        return;
    if (estimate_cell_learn(target->estimate, &exchange->counted.input, usage->input)) {
        struct span model = exchange->serving->name;
        metrics_add(exchange->worker->metrics, METRIC_COUNT_DRIFT, &model, 1);
    }
}
