/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration file. A bad one has problems that can be printed, and has changed no cell; a good
 * one gives a snapshot that the gateway can work with, whatever it says.
 *
 * One directory a process holds the file, beside a secret for it to name. The cells are those of a
 * known configuration with the names that the seeds use, kept while files are bad and made anew
 * after each good one, which may change them.
 */
#include "fuzz.h"

#include "base/money.h"
#include "config/load.h"
#include "llm/dialect.h"
#include "policy/cells.h"

#include <stdio.h>
#include <unistd.h>

#define PROBLEMS_MAX 100
#define EDITS_MAX    ((size_t)1024) /* what the gateway gives a body to grow by */

static const struct span known_file =
    SPAN_INIT("providers: {sim: {kind: simulated}}\n"
              "models: {m: {targets: [{provider: sim, model: x}], price: {input: 1, output: 2}}}\n"
              "tenants:\n"
              "  demo:\n"
              "    limits: {requests_per_minute: 600, concurrent: 50}\n"
              "    budgets: [{name: day, window: day, usd: 1}]\n"
              "    keys:\n"
              "      - id: k\n"
              "        sha256: af52d2c665747823297d8486a2de8fff4dabb0df134c6c4b02df337022eaf3a1\n"
              "        limits: {requests_per_minute: 60, concurrent: 5}\n"
              "        budgets: [{name: day, window: day, usd: 0.5}]\n");

static struct {
    char directory[64];
    char path[80];
    char secret[80];
    FILE *nowhere;
    struct cells *cells;
    struct snapshot *known; /* NULL: to be loaded */
} here;

static void remove_all(void)
{
    unlink(here.path);
    unlink(here.secret);
    rmdir(here.directory);
}

static void write_file(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "we");
    FUZZ_CHECK(file != NULL);
    FUZZ_CHECK(fwrite(bytes.ptr != NULL ? bytes.ptr : "", 1, bytes.len, file) == bytes.len);
    FUZZ_CHECK(fclose(file) == 0);
}

/* TMPDIR, so that whoever ends a run by force can clear it away. */
static void prepare(void)
{
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || strlen(parent) > 30)
        parent = "/tmp";
    snprintf(here.directory, sizeof(here.directory), "%s/weir-fuzz-XXXXXX", parent);
    FUZZ_CHECK(mkdtemp(here.directory) != NULL);
    snprintf(here.path, sizeof(here.path), "%s/weir.yaml", here.directory);
    snprintf(here.secret, sizeof(here.secret), "%s/secret", here.directory);
    write_file(here.secret, SPAN("s3cret\n"));
    here.nowhere = fopen("/dev/null", "we");
    FUZZ_CHECK(here.nowhere != NULL && setenv("WEIR_FUZZ", "from the environment", 1) == 0);
    FUZZ_CHECK(atexit(remove_all) == 0);
    upstream_global_init();
}

static struct snapshot *load(struct span file, struct problems *problems)
{
    struct load_settings settings = {
        .path = here.path, .cells = here.cells, .simulated_base_url = "http://127.0.0.1:7/v1"};
    write_file(here.path, file);
    return config_load(&settings, problems);
}

static void load_known(void)
{
    struct problems problems;
    here.cells = cells_new();
    here.known = load(known_file, &problems);
    FUZZ_CHECK(here.known != NULL && problems.count == 0);
    problems_fini(&problems);
}

/* ---- after a bad file ---- */

static void check_allowance(const struct allowance *allowance, int64_t rate, int64_t gauge,
                            int64_t nusd)
{
    struct budget_view view;
    FUZZ_CHECK(atomic_load(&allowance->rate->per_minute) == rate);
    FUZZ_CHECK(atomic_load(&allowance->gauge->limit) == gauge);
    budget_look(&allowance->budgets[0], NULL, 0, &view);
    FUZZ_CHECK(view.limit_nusd == nusd);
}

static void check_problems(struct problems *problems)
{
    FUZZ_CHECK(problems->count > 0 && problems->count <= PROBLEMS_MAX);
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        FUZZ_CHECK(strcmp(problem->file, here.path) == 0 && problem->message[0] != '\0');
        FUZZ_CHECK(problem->line == 0 || problem->column > 0);
        /* Nothing that a terminal would act on. */
        for (const char *c = problem->message; *c != '\0'; c++)
            FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7F);
        if (i + 1 < problems->count && problem[1].line > 0)
            FUZZ_CHECK(problem->line <= problem[1].line);
    }
    problems_print(problems, here.nowhere);
}

/* ---- after a good file ---- */

/* What FORWARD does with a target: a body for it can be written in the room there is. */
static void check_target(const struct target *target)
{
    static const struct span body = SPAN_INIT("{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}],"
                                              "\"stream\":true}");
    struct arena arena;
    struct call call;
    struct complaint why;
    struct buf out;
    struct call_changes changes = {.model = target->model,
                                   .output_limit = INT32_MAX,
                                   .limit_field = target->provider->limit_field,
                                   .ask_usage = true};
    arena_init(&arena, FUZZ_ROOM);
    buf_init(&out, body.len + EDITS_MAX, 0);
    FUZZ_CHECK(dialect_openai.read_call(body, &arena, &call, &why) == ERR_NONE);
    FUZZ_CHECK(dialect_openai.write_call(&call, &changes, &out));
    FUZZ_CHECK(dialect_openai.read_call(buf_span(&out), &arena, &call, &why) == ERR_NONE);
    FUZZ_CHECK(span_equal(call.model, target->model));
    buf_fini(&out);
    arena_fini(&arena);
}

/* One that a bound can be made of: all there, nothing negative. */
static void check_price(const struct target *target)
{
    static const struct price_scope all = {
        .audio_input = true, .image_input = true, .audio_output = true, .image_output = true};
    const struct price *price = price_schedule_at(&target->prices, 0);
    int64_t nusd;
    FUZZ_CHECK((price != NULL) == (target->prices.count > 0));
    FUZZ_CHECK(price == NULL || price_bound(price, &all, 1000, 1000, &nusd));
}

static void check_model(const struct snapshot *snapshot, const struct model *model)
{
    FUZZ_CHECK(snapshot_model(snapshot, model->name) == model);
    FUZZ_CHECK(model->hidden_input >= -1);
    FUZZ_CHECK(model->min_output_tokens >= 1);
    FUZZ_CHECK(model->max_output_tokens >= model->min_output_tokens);
    FUZZ_CHECK(model->target_count >= 1 && model->target_count <= ROUTE_MAX_TARGETS);
    for (size_t i = 0; i < model->target_count; i++) {
        FUZZ_CHECK(model->targets[i].weight >= 1 && model->targets[i].health != NULL);
        check_target(&model->targets[i]);
        check_price(&model->targets[i]);
    }
    size_t fallbacks = 0;
    for (const struct model *next = model->fallback; next != NULL; next = next->fallback)
        FUZZ_CHECK(++fallbacks < snapshot->model_count); /* no circle */
}

static void check_key(const struct snapshot *snapshot, const struct key *key)
{
    const struct budget *path[BUDGET_MAX_PATH];
    FUZZ_CHECK(snapshot_key(snapshot, key->digest) == key);
    size_t count = subject_budgets(key, &(struct budget_facts){.key = SPAN("k")}, path);
    FUZZ_CHECK(count <= BUDGET_MAX_PATH);
    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK((path[i]->cell != NULL || path[i]->subjects != NULL) &&
                   path[i]->max_hold_nusd >= 0);
}

static void check_snapshot(const struct snapshot *snapshot)
{
    FUZZ_CHECK(snapshot->listen_count > 0 && snapshot->workers >= 0);
    FUZZ_CHECK(snapshot->max_body_bytes > 0 && snapshot->max_connections > 0);
    for (size_t i = 0; i < snapshot->model_count; i++)
        check_model(snapshot, snapshot->models[i]);
    for (size_t i = 0; i < snapshot->key_count; i++)
        check_key(snapshot, snapshot->keys[i]);
    config_summary(snapshot, here.nowhere);
}

void fuzz_config(struct span input)
{
    struct problems problems;
    if (here.nowhere == NULL)
        prepare();
    if (here.known == NULL)
        load_known();
    struct snapshot *snapshot = load(input, &problems);
    bool wants_simulator = config_wants_simulator(here.path);
    if (snapshot == NULL) {
        check_problems(&problems);
        check_allowance(&here.known->tenants[0]->allowance, 600, 50, NUSD_PER_USD);
        check_allowance(&here.known->keys[0]->allowance, 60, 5, NUSD_PER_USD / 2);
    } else {
        FUZZ_CHECK(problems.count == 0);
        bool simulated = false;
        for (size_t i = 0; i < snapshot->provider_count; i++)
            simulated |= snapshot->providers[i]->kind == PROVIDER_SIMULATED;
        FUZZ_CHECK(simulated == wants_simulator);
        check_snapshot(snapshot);
        snapshot_unref(&snapshot);
        snapshot_unref(&here.known);
        cells_free(&here.cells);
    }
    problems_fini(&problems);
}
