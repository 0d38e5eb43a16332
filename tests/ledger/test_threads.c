/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers, the sync thread and the applier at work at once, on the real disk and on one that fails
 * syncs; with TSan, the test of what they share. Each worker waits for the disk as `durability:
 * strict` does, on a loop of its own.
 */
#include "ledger_test.h"

#include "base/clock.h"
#include "base/log.h"
#include "ledger/audit.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdatomic.h>

#define WORKERS     3
#define ROUNDS      150
#define DEADLINE_NS (30 * NS_PER_S)

static struct journal *journal;
static const struct ledger_budget *budget;
static atomic_int breaks;
static struct loop *loops[WORKERS];

struct wait {
    struct journal_waiter waiter;
    struct loop *loop;
    bool done;
    bool durable;
};

static void on_done(struct journal_waiter *waiter, bool durable)
{
    struct wait *wait = (struct wait *)(void *)waiter;
    wait->done = true;
    wait->durable = durable;
}

/* Flushes, and turns the loop until the disk has it. */
static bool await_disk(struct journal_stream *stream, struct loop *loop)
{
    struct wait wait = {.waiter.done = on_done, .loop = loop};
    int64_t deadline = clock_monotonic_ns() + DEADLINE_NS;
    if (!journal_flush(stream))
        return false;
    journal_wait(stream, &wait.waiter);
    while (!wait.done) {
        assert_true(clock_monotonic_ns() < deadline);
        loop_run_once(loop, 100);
    }
    return wait.durable;
}

static void one_round(struct journal_stream *stream, struct loop *loop, uint64_t id)
{
    struct one_hold one;
    struct ledger_receipt receipt = {.id = {id, ~id}};
    int64_t deadline = clock_monotonic_ns() + DEADLINE_NS;
    set_hold(&one, id, budget, 10);
    one.part.limit = INT64_MAX - 1;
    while (!journal_hold(stream, &one.hold)) { /* until it works again */
        assert_true(clock_monotonic_ns() < deadline);
        loop_run_once(loop, 1);
    }
    bool sent = await_disk(stream, loop);
    if (!sent)
        atomic_fetch_add(&breaks, 1);
    end_hold(stream, &one, sent ? 4 : 0, 0);
    receipt.numbers[LEDGER_NUMBER_cost_nusd] = sent ? 4 : 0;
    journal_receipt(stream, &receipt);
    journal_flush(stream);
}

static void *work(void *argument)
{
    struct ledger_fault fault;
    uint64_t base = (uint64_t)(uintptr_t)argument * 100000;
    struct loop *loop = loops[(uintptr_t)argument - 1];
    struct journal_stream *stream = journal_stream_open(journal, loop, &fault);
    assert_non_null(stream);
    for (uint64_t i = 1; i <= ROUNDS; i++)
        one_round(stream, loop, base + i);
    journal_stream_close(&stream);
    return NULL;
}

static void run_workers(void)
{
    pthread_t threads[WORKERS];
    for (uintptr_t i = 0; i < WORKERS; i++)
        loops[i] = loop_new();
    for (uintptr_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
}

/* The real disk, with a sync that fails now and then. */
static atomic_int sync_count;
static int fail_every;

static int sync_or_not(struct ledger_io *io, int fd)
{
    int count = atomic_fetch_add(&sync_count, 1) + 1;
    if (fail_every > 0 && count % fail_every == 0)
        return -EIO;
    return ledger_io_real()->sync(io, fd);
}

static void check_all(const char *directory, const char *path, int64_t spent)
{
    struct ledger_fault fault;
    struct audit audit = {.io = ledger_io_real(), .state_dir = directory, .path = path};
    struct proof proof;
    uint64_t differences;
    assert_true(ledger_prove(&audit, &proof, &fault));
    assert_true(proof.holds_good);
    assert_int_equal(proof.holds, WORKERS * ROUNDS);
    if (!ledger_verify(&audit, NULL, NULL, &differences, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(differences, 0);
    journal = open_journal(ledger_io_real(), directory);
    check_balance(journal_recovered(journal), 1, spent, spent, 0);
    journal_close(&journal);
}

static void run(int failing, bool strict)
{
    char directory[TEST_DIRECTORY_SIZE], path[TEST_DIRECTORY_SIZE + 16];
    struct ledger_fault fault;
    struct ledger_io io = *ledger_io_real();
    io.sync = sync_or_not;
    fail_every = failing;
    atomic_store(&sync_count, 0);
    atomic_store(&breaks, 0);
    make_directory(directory);
    snprintf(path, sizeof(path), "%s/ledger.db", directory);
    struct journal_settings how = {.io = &io, .state_dir = directory, .strict = strict};
    journal = journal_open(&how, &fault);
    assert_non_null(journal);
    budget = make_budget(journal, "acme");
    journal_start(journal);
    struct applier_settings settings = {.io = ledger_io_real(),
                                        .directory = journal_directory(journal),
                                        .journal = journal,
                                        .birth = journal_birth(journal),
                                        .path = path};
    struct applier *applier = applier_new(&settings, &fault);
    assert_non_null(applier);
    applier_start(applier);
    run_workers();
    applier_free(&applier); /* it applies what is on the disk first */
    for (size_t i = 0; i < WORKERS; i++)
        loop_free(&loops[i]); /* (now: TSan does not see libuv close the descriptor) */
    journal_close(&journal);
    check_all(directory, path, 4 * (WORKERS * ROUNDS - atomic_load(&breaks)));
    remove_directory(directory);
}

static void all_threads_agree(void **state)
{
    (void)state;
    run(0, false);
    run(0, true);
    assert_int_equal(atomic_load(&breaks), 0);
}

static void all_threads_agree_on_a_bad_disk(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR + 1);
    run(29, false);
    run(31, true);
    log_set_level(LOG_LEVEL_INFO);
    assert_true(atomic_load(&breaks) > 0);
}

int test_threads(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_threads_agree),
        cmocka_unit_test(all_threads_agree_on_a_bad_disk),
    };
    return cmocka_run_group_tests_name("ledger/threads", tests, NULL, NULL);
}
