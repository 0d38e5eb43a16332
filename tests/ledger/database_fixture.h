/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A journal and its database in a directory of their own, written to and asked. */
#ifndef TESTS_DATABASE_FIXTURE_H
#define TESTS_DATABASE_FIXTURE_H

#include "ledger_test.h"

#include "base/clock.h"
#include "database_private.h"
#include "ledger/audit.h"

#define DAY_NS (24 * 3600 * NS_PER_S)
#define NOW_NS (20000 * DAY_NS + 5) /* 2024-10-04 */

static char directory[TEST_DIRECTORY_SIZE];
static char path[TEST_DIRECTORY_SIZE + 16];
static struct journal *journal;
static struct journal_stream *stream;
static struct audit audit;

static inline void start(void)
{
    journal = open_journal(ledger_io_real(), directory);
    stream = open_stream(journal);
}

static inline void stop(void)
{
    journal_stream_close(&stream);
    journal_close(&journal);
}

static inline int set_up(void **state)
{
    (void)state;
    make_directory(directory);
    snprintf(path, sizeof(path), "%s/ledger.db", directory);
    audit = (struct audit){.io = ledger_io_real(), .state_dir = directory, .path = path};
    start();
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    stop();
    remove_directory(directory);
    return 0;
}

/* ---- writing ---- */

static inline void set_receipt(struct ledger_receipt *receipt, uint64_t id, const char *tenant,
                               const char *tags, int64_t cost, int64_t uncertain)
{
    *receipt = (struct ledger_receipt){.id = {id, ~id}};
    receipt->numbers[LEDGER_NUMBER_begun_wall_ns] = NOW_NS + (int64_t)(id / 100) * DAY_NS;
    receipt->numbers[LEDGER_NUMBER_input] = 10;
    receipt->numbers[LEDGER_NUMBER_output] = 2;
    receipt->numbers[LEDGER_NUMBER_cost_nusd] = cost;
    receipt->numbers[LEDGER_NUMBER_uncertain_nusd] = uncertain;
    receipt->texts[LEDGER_TEXT_tenant] = span_from_string(tenant);
    receipt->texts[LEDGER_TEXT_model] = SPAN("gpt-4o");
    receipt->texts[LEDGER_TEXT_tags] = span_from_string(tags);
}

static inline void exchange(uint64_t id, const char *tenant, const char *tags, int64_t cost,
                            int64_t uncertain)
{
    struct one_hold one;
    struct ledger_receipt receipt;
    set_hold(&one, id, make_budget(journal, tenant), 1000);
    assert_true(journal_hold(stream, &one.hold));
    end_hold(stream, &one, cost, uncertain);
    set_receipt(&receipt, id, tenant, tags, cost, uncertain);
    journal_receipt(stream, &receipt);
    assert_true(journal_flush(stream));
}

static inline void some_exchanges(void)
{
    exchange(1, "acme", "feature=chat,team=a", 100, 0);
    exchange(2, "acme", "feature=search", 50, 20);
    exchange(101, "zeta", "", 7, 0);
    exchange(102, "acme", "team=b,feature=chat", 1, 0);
    journal_sync(journal);
}

static inline struct applier *open_applier(void)
{
    struct ledger_fault fault;
    struct applier_settings settings = {.io = ledger_io_real(),
                                        .directory = journal_directory(journal),
                                        .journal = journal,
                                        .birth = journal_birth(journal),
                                        .path = path};
    struct applier *applier = applier_new(&settings, &fault);
    if (applier == NULL)
        fail_msg("%s", fault.text);
    return applier;
}

static inline void apply(void)
{
    struct ledger_fault fault;
    struct applier *applier = open_applier();
    int64_t count;
    while ((count = applier_step(applier, &fault)) > 0)
        continue;
    if (count < 0)
        fail_msg("%s", fault.text);
    assert_int_equal(applier_lag(applier), 0);
    applier_free(&applier);
}

static inline struct database *open_database(enum database_mode mode)
{
    struct ledger_fault fault;
    struct database *database = database_open(path, mode, 0, &fault);
    if (database == NULL)
        fail_msg("%s", fault.text);
    return database;
}

static inline void execute(const char *sql)
{
    struct ledger_fault fault;
    struct database *database = open_database(DATABASE_WRITE);
    if (!database_execute(database, sql, &fault))
        fail_msg("%s", fault.text);
    database_close(&database);
}

/* ---- reading ---- */

static char report[2000];

static inline void print_row(void *argument, const struct spend_row *row)
{
    size_t columns = *(size_t *)argument, len = strlen(report);
    for (size_t i = 0; i < columns; i++)
        len += (size_t)snprintf(report + len, sizeof(report) - len, "%.*s ", SPAN_ARG(row->by[i]));
    snprintf(report + len, sizeof(report) - len, "%d %d %d %d;", (int)row->requests,
             (int)row->input, (int)row->cost_nusd, (int)row->uncertain_nusd);
}

static inline const char *spend(const char *by, int64_t since, int64_t until)
{
    struct ledger_fault fault;
    struct spend_query query = {.since_wall_ns = since, .until_wall_ns = until};
    struct database *database = open_database(DATABASE_READ);
    report[0] = '\0';
    assert_true(spend_parse(span_from_string(by), &query, &fault));
    if (!database_spend(database, &query, print_row, &query.count, &fault))
        fail_msg("%s", fault.text);
    database_close(&database);
    return report;
}

static inline const char *spend_all(const char *by)
{
    return spend(by, 0, INT64_MAX);
}

/* ---- verify ---- */

static char first_difference[512];

static inline void on_difference(void *argument, const char *text)
{
    (void)argument;
    if (first_difference[0] == '\0')
        snprintf(first_difference, sizeof(first_difference), "%s", text);
}

static inline uint64_t verify(void)
{
    struct ledger_fault fault;
    uint64_t differences;
    first_difference[0] = '\0';
    if (!ledger_verify(&audit, on_difference, NULL, &differences, &fault))
        fail_msg("%s", fault.text);
    return differences;
}

static inline void check_same(void)
{
    if (verify() != 0)
        fail_msg("%s", first_difference);
}

/* ---- uncertain holds, cleaning ---- */

static const char *expect_uncertain;
static size_t uncertain_count;

static inline bool count_uncertain(void *argument, const struct books_part *part,
                                   const struct books_budget *budget)
{
    (void)argument;
    assert_string_equal(budget->budget.name, expect_uncertain);
    assert_int_equal(part->state, PART_UNCERTAIN);
    uncertain_count++;
    return true;
}

static inline size_t list_uncertain(const char *budget, int64_t wall_ns)
{
    struct ledger_fault fault;
    struct database *database = open_database(DATABASE_READ);
    expect_uncertain = budget;
    uncertain_count = 0;
    assert_true(database_uncertain(database, wall_ns, count_uncertain, NULL, &fault));
    database_close(&database);
    return uncertain_count;
}

static inline void clean(int64_t retention_ns)
{
    struct ledger_fault fault;
    struct applier_settings settings = {.io = ledger_io_real(),
                                        .directory = journal_directory(journal),
                                        .journal = journal,
                                        .birth = journal_birth(journal),
                                        .path = path,
                                        .retention_ns = retention_ns,
                                        .keep_segments_ns = 1};
    struct applier *applier = applier_new(&settings, &fault);
    if (applier == NULL)
        fail_msg("%s", fault.text);
    while (applier_step(applier, &fault) > 0)
        continue;
    if (!applier_clean(applier, &fault))
        fail_msg("%s", fault.text);
    applier_free(&applier);
}

#endif
