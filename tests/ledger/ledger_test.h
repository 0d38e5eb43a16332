/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the ledger share: temporary directories, holds, looking at balances. */
#ifndef TESTS_LEDGER_TEST_H
#define TESTS_LEDGER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/journal.h"
#include "ledger/recover.h"
#include "sim_disk.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#define TEST_DIRECTORY_SIZE 64

static inline char *make_directory(char *room)
{
    snprintf(room, TEST_DIRECTORY_SIZE, "/tmp/weir-ledger-XXXXXX");
    assert_non_null(mkdtemp(room));
    return room;
}

static inline int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void remove_directory(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct journal *open_journal(struct ledger_io *io, const char *directory)
{
    struct ledger_fault fault = {.text = ""};
    struct journal_settings settings = {
        .io = io, .state_dir = directory, .segment_bytes = 16 << 10};
    struct journal *journal = journal_open(&settings, &fault);
    if (journal == NULL)
        fail_msg("%s", fault.text);
    return journal;
}

static inline struct journal_stream *open_stream(struct journal *journal)
{
    struct ledger_fault fault = {.text = ""};
    struct journal_stream *stream = journal_stream_open(journal, NULL, &fault);
    if (stream == NULL)
        fail_msg("%s", fault.text);
    return stream;
}

static inline const struct ledger_budget *make_budget(struct journal *journal, const char *name)
{
    struct ledger_budget budget = {
        .unit = LEDGER_NUSD, .window_span = 1, .window = "day", .name = name};
    const struct ledger_budget *made = journal_budget(journal, &budget);
    assert_non_null(made);
    return made;
}

#define WINDOW_END INT64_MAX

/* One hold with one part. */
struct one_hold {
    struct ledger_hold hold;
    struct ledger_part part;
};

static inline void set_hold(struct one_hold *one, uint64_t id, const struct ledger_budget *budget,
                            int64_t amount)
{
    one->part = (struct ledger_part){.budget = budget,
                                     .window_id = 7,
                                     .window_end_wall_ns = WINDOW_END,
                                     .limit = 1000000,
                                     .amount = amount,
                                     .bound = true};
    one->hold =
        (struct ledger_hold){.exchange = {id, ~id}, .attempt = 1, .count = 1, .parts = &one->part};
}

static inline void end_hold(struct journal_stream *stream, struct one_hold *one, int64_t cost,
                            int64_t uncertain)
{
    one->part.cost = cost;
    one->part.uncertain = uncertain;
    journal_end(stream, &one->hold);
}

static inline void check_balance(const struct books *books, uint32_t budget, int64_t committed,
                                 int64_t spent, int64_t uncertain)
{
    const struct books_balance *balance = books_balance(books, budget, 7);
    assert_non_null(balance);
    assert_int_equal(balance->committed, committed);
    assert_int_equal(balance->spent, spent);
    assert_int_equal(balance->uncertain, uncertain);
}

#endif
