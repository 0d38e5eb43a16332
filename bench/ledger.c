/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger costs: a record in the journal, alone and in batches; a settlement (OPEN, CLOSE,
 * RECEIPT) in the database; a start with a million open holds. In a directory (the first argument,
 * else /tmp) of the disk that counts.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "ledger/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define RECORDS     (1 << 20)
#define SETTLEMENTS 300000
#define OPEN_HOLDS  1000000

static char state_dir[256];
static char path[300];

static void die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static struct journal *start(void)
{
    struct ledger_fault fault;
    struct journal_settings settings = {.io = ledger_io_real(), .state_dir = state_dir};
    struct journal *journal = journal_open(&settings, &fault);
    if (journal == NULL)
        die(fault.text);
    return journal;
}

static struct journal_stream *open_stream(struct journal *journal)
{
    struct ledger_fault fault;
    struct journal_stream *stream = journal_stream_open(journal, NULL, &fault);
    if (stream == NULL)
        die(fault.text);
    return stream;
}

struct one_hold {
    struct ledger_hold hold;
    struct ledger_part part;
};

static void set_hold(struct one_hold *one, uint64_t id, const struct ledger_budget *budget)
{
    one->part = (struct ledger_part){.budget = budget,
                                     .window_id = 20000,
                                     .window_end_wall_ns = INT64_MAX,
                                     .limit = INT64_MAX - 1,
                                     .amount = 1000};
    one->hold = (struct ledger_hold){
        .exchange = {id, id * 0x9e3779b97f4a7c15}, .attempt = 1, .count = 1, .parts = &one->part};
}

static const struct ledger_budget *budget_of(struct journal *journal)
{
    return journal_budget(journal, &(struct ledger_budget){.unit = LEDGER_NUSD,
                                                           .window_span = 1,
                                                           .window = "day",
                                                           .name = "tenant acme/search day"});
}

/* Nanoseconds a record, OPEN and CLOSE by turns, so many records a write, with the sync thread. */
static double journal_records(struct journal *journal, uint64_t first, int batch)
{
    struct journal_stream *stream = open_stream(journal);
    const struct ledger_budget *budget = budget_of(journal);
    int64_t begun = clock_monotonic_ns();
    for (int i = 0; i < RECORDS; i += 2) {
        struct one_hold one;
        set_hold(&one, first + (uint64_t)i, budget);
        if (!journal_hold(stream, &one.hold))
            die("the journal refused a hold");
        one.part.cost = 400;
        journal_end(stream, &one.hold);
        if ((i + 2) % batch == 0 && !journal_flush(stream))
            die("the journal cannot be written");
    }
    double each = (double)(clock_monotonic_ns() - begun) / RECORDS;
    journal_stream_close(&stream);
    return each;
}

static void write_settlements(struct journal *journal)
{
    struct journal_stream *stream = open_stream(journal);
    const struct ledger_budget *budget = budget_of(journal);
    for (uint64_t i = 0; i < SETTLEMENTS; i++) {
        struct one_hold one;
        struct ledger_receipt receipt = {.id = {i + (1ull << 40), i}};
        set_hold(&one, i + (1ull << 40), budget);
        receipt.numbers[LEDGER_NUMBER_begun_wall_ns] = clock_wall_ns();
        receipt.numbers[LEDGER_NUMBER_input] = 1200;
        receipt.numbers[LEDGER_NUMBER_output] = 300;
        receipt.numbers[LEDGER_NUMBER_cost_nusd] = 6000000;
        receipt.texts[LEDGER_TEXT_tenant] = SPAN("acme/search");
        receipt.texts[LEDGER_TEXT_key] = SPAN("search-prod");
        receipt.texts[LEDGER_TEXT_requested_model] = SPAN("gpt-4o");
        receipt.texts[LEDGER_TEXT_model] = SPAN("gpt-4o");
        receipt.texts[LEDGER_TEXT_provider] = SPAN("openai");
        receipt.texts[LEDGER_TEXT_tags] = SPAN("feature=chat");
        receipt.texts[LEDGER_TEXT_endpoint] = SPAN("chat");
        receipt.texts[LEDGER_TEXT_outcome] = SPAN("none");
        if (!journal_hold(stream, &one.hold))
            die("the journal refused a hold");
        one.part.cost = 400;
        journal_end(stream, &one.hold);
        journal_receipt(stream, &receipt);
        if (i % 16 == 15)
            journal_flush(stream);
    }
    journal_stream_close(&stream);
}

static int64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void database_settlements(struct journal *journal)
{
    struct ledger_fault fault;
    struct applier_settings settings = {.io = ledger_io_real(),
                                        .directory = journal_directory(journal),
                                        .journal = journal,
                                        .birth = journal_birth(journal),
                                        .path = path};
    struct applier *applier = applier_new(&settings, &fault);
    if (applier == NULL)
        die(fault.text);
    while (applier_step(applier, &fault) > 0)
        continue;
    write_settlements(journal);
    int64_t begun = clock_monotonic_ns(), cpu = thread_cpu_ns(), count;
    while ((count = applier_step(applier, &fault)) > 0)
        continue;
    if (count < 0)
        die(fault.text);
    double wall_s = (double)(clock_monotonic_ns() - begun) / NS_PER_S;
    double cpu_us = (double)(thread_cpu_ns() - cpu) / NS_PER_US / SETTLEMENTS;
    printf("database: %.0f settlements/s, %.2f us of processor each\n", SETTLEMENTS / wall_s,
           cpu_us);
    applier_free(&applier);
}

static void start_with_open_holds(void)
{
    struct journal *journal = start();
    struct journal_stream *stream = open_stream(journal);
    const struct ledger_budget *budget = budget_of(journal);
    for (uint64_t i = 0; i < OPEN_HOLDS; i++) {
        struct one_hold one;
        set_hold(&one, i + (1ull << 50), budget);
        if (!journal_hold(stream, &one.hold))
            die("the journal refused a hold");
        if (i % 64 == 63)
            journal_flush(stream);
        if (i % 65536 == 65535)
            journal_sync(journal);
    }
    journal_stream_close(&stream);
    journal_close(&journal);
    int64_t begun = clock_monotonic_ns(), cpu = thread_cpu_ns();
    journal = start();
    printf("start with %d open holds: %.2f s, %.2f s of processor\n", OPEN_HOLDS,
           (double)(clock_monotonic_ns() - begun) / NS_PER_S,
           (double)(thread_cpu_ns() - cpu) / NS_PER_S);
    if (books_part_count(journal_recovered(journal)) != OPEN_HOLDS)
        die("the recovery has not found all holds");
    journal_close(&journal);
}

static void remove_all(void)
{
    char command[400];
    snprintf(command, sizeof(command), "rm -rf '%s'", state_dir);
    if (system(command) != 0)
        die("the directory cannot be removed");
}

int main(int argc, char **argv)
{
    snprintf(state_dir, sizeof(state_dir), "%s/weir-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (mkdtemp(state_dir) == NULL)
        die("no directory");
    snprintf(path, sizeof(path), "%s/ledger.db", state_dir);
    struct journal *journal = start();
    journal_start(journal);
    static const int batches[] = {2, 8, 64, 256};
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++)
        printf("journal: %3d records a write: %.0f ns a record\n", batches[i],
               journal_records(journal, (i + 1) << 30, batches[i]));
    database_settlements(journal);
    journal_close(&journal);
    remove_all();
    if (mkdir(state_dir, 0700) != 0)
        die("no directory");
    start_with_open_holds();
    remove_all();
    return 0;
}
