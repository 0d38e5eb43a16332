/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The journal on the simulated disk: what is written comes back, through every fault. */
#include "ledger_test.h"

static struct sim_disk *disk;
static struct journal *journal;
static struct journal_stream *stream;

static int set_up(void **state)
{
    (void)state;
    disk = sim_disk_new(42);
    journal = open_journal(&disk->io, "/state");
    stream = open_stream(journal);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    journal_stream_close(&stream);
    journal_close(&journal);
    sim_disk_free(disk);
    return 0;
}

/* The process is gone without a word. */
static void die(bool power)
{
    disk->crashed = true;
    journal_stream_close(&stream);
    journal_close(&journal);
    sim_disk_restart(disk, power);
}

static void start(void)
{
    journal = open_journal(&disk->io, "/state");
    stream = open_stream(journal);
}

static void holds_and_ends_come_back(void **state)
{
    (void)state;
    const struct ledger_budget *budget = make_budget(journal, "acme");
    struct one_hold a, b, c;
    set_hold(&a, 1, budget, 100);
    set_hold(&b, 2, budget, 50);
    set_hold(&c, 3, budget, 30);
    assert_true(journal_hold(stream, &a.hold));
    assert_true(journal_hold(stream, &b.hold));
    assert_true(journal_hold(stream, &c.hold));
    assert_true(journal_extend(stream, &b.hold, (int64_t[]){5}));
    end_hold(stream, &a, 60, 0);
    end_hold(stream, &b, 10, 45);
    end_hold(stream, &b, 10, 45); /* once only */
    assert_true(journal_flush(stream));
    die(false);
    start();
    /* c was open: uncertain in full. */
    check_balance(journal_recovered(journal), 1, 60 + 55 + 30, 70, 75);
    assert_int_equal(books_part_count(journal_recovered(journal)), 2);
    const struct books_part *part =
        books_part(journal_recovered(journal), &(struct part_key){{2, ~2ull}, 1, 1});
    assert_int_equal(part->state, PART_UNCERTAIN);
    assert_int_equal(part->amount, 45);
    assert_string_equal(books_budget(journal_recovered(journal), 1)->budget.name, "acme");
    assert_int_equal(books_budget(journal_recovered(journal), 1)->limit, 1000000);
    assert_int_equal(make_budget(journal, "acme")->id, 1);
    assert_int_equal(make_budget(journal, "other")->id, 2);
}

static void a_resolution_is_for_good(void **state)
{
    (void)state;
    struct one_hold a;
    set_hold(&a, 1, make_budget(journal, "acme"), 100);
    journal_hold(stream, &a.hold);
    journal_flush(stream);
    die(false);
    start();
    struct books_part part =
        *books_part(journal_recovered(journal), &(struct part_key){{1, ~1ull}, 1, 1});
    journal_resolve(journal_control(journal), &part, 30, true);
    assert_true(journal_flush(journal_control(journal)));
    for (int round = 0; round < 3; round++) {
        die(false);
        start();
        check_balance(journal_recovered(journal), 1, 30, 30, 0);
        assert_int_equal(books_part_count(journal_recovered(journal)), 0);
    }
}

static void a_clean_end_loses_nothing(void **state)
{
    (void)state;
    struct one_hold a;
    set_hold(&a, 1, make_budget(journal, "acme"), 100);
    journal_hold(stream, &a.hold);
    end_hold(stream, &a, 1, 0);
    journal_stream_close(&stream);
    journal_close(&journal);
    sim_disk_restart(disk, true);
    start();
    check_balance(journal_recovered(journal), 1, 1, 1, 0);
}

static void grants_and_limits_come_back(void **state)
{
    (void)state;
    struct one_hold a;
    set_hold(&a, 1, make_budget(journal, "acme"), 100);
    assert_true(journal_grant(stream, &a.part));
    a.part.amount = 40; /* an earlier message that came late */
    a.part.limit = 500;
    assert_true(journal_grant(stream, &a.part));
    journal_flush(stream);
    die(false);
    start();
    assert_int_equal(books_balance(journal_recovered(journal), 1, 7)->granted, 100);
    assert_int_equal(books_budget(journal_recovered(journal), 1)->limit, 500);
}

/* So many holds that the stream goes through several segments. */
static void fill(const struct ledger_budget *budget, uint64_t from, uint64_t count)
{
    for (uint64_t id = from; id < from + count; id++) {
        struct one_hold one;
        set_hold(&one, id, budget, 10);
        assert_true(journal_hold(stream, &one.hold));
        end_hold(stream, &one, 3, id % 10 == 0 ? 2 : 0);
        assert_true(journal_flush(stream));
    }
}

static size_t count_segments(void)
{
    size_t count = 0;
    for (size_t i = 0; i < SIM_FILES; i++) {
        const struct sim_file *file = &disk->files[i];
        count += file->path != NULL && file->linked && strstr(file->path, ".wj") != NULL;
    }
    return count;
}

static void segments_go_on_from_checkpoints(void **state)
{
    (void)state;
    const struct ledger_budget *budget = make_budget(journal, "acme");
    struct one_hold open;
    set_hold(&open, 5000, budget, 7);
    journal_hold(stream, &open.hold);
    fill(budget, 1, 300);
    assert_true(count_segments() > 5);
    die(false);
    start();
    check_balance(journal_recovered(journal), 1, 900 + 60 + 7, 900, 67);
    assert_int_equal(books_part_count(journal_recovered(journal)), 31);
}

static uint64_t all_applied(void *argument, uint32_t id)
{
    (void)argument;
    return id == journal_stream_id(stream) ? journal_position(stream) : UINT64_MAX;
}

static uint64_t none_applied(void *argument, uint32_t id)
{
    (void)argument;
    (void)id;
    return 0;
}

static void old_segments_are_removed_and_not_missed(void **state)
{
    (void)state;
    const struct ledger_budget *budget = make_budget(journal, "acme");
    struct ledger_fault fault;
    fill(budget, 1, 300);
    size_t before = count_segments();
    disk->wall_ns += 1000;
    assert_int_equal(
        journal_trim(&disk->io, "/state/journal", disk->wall_ns, none_applied, NULL, &fault), 0);
    assert_int_equal(journal_trim(&disk->io, "/state/journal", 0, all_applied, NULL, &fault), 0);
    int removed =
        journal_trim(&disk->io, "/state/journal", disk->wall_ns, all_applied, NULL, &fault);
    assert_true(removed >= 4);
    assert_int_equal(count_segments(), before - (size_t)removed);
    fill(budget, 1001, 20);
    die(false);
    start();
    check_balance(journal_recovered(journal), 1, 320 * 3 + 32 * 2 - 0, 960, 64);
    disk->wall_ns += 1000;
    /* The epoch before is over. */
    assert_true(
        journal_trim(&disk->io, "/state/journal", disk->wall_ns, all_applied, NULL, &fault) > 0);
    die(false);
    start();
    check_balance(journal_recovered(journal), 1, 960 + 64, 960, 64);
}

static void windows_that_are_over_are_forgotten(void **state)
{
    (void)state;
    const struct ledger_budget *budget = make_budget(journal, "acme");
    struct one_hold over, open;
    set_hold(&over, 1, budget, 100);
    over.part.window_end_wall_ns = disk->wall_ns + 10;
    set_hold(&open, 2, budget, 50);
    open.part.window_id = 8;
    open.part.window_end_wall_ns = disk->wall_ns + 10;
    journal_hold(stream, &over.hold);
    journal_hold(stream, &open.hold);
    end_hold(stream, &over, 60, 40);
    journal_flush(stream);
    disk->wall_ns += 3600000000000;
    die(false);
    start();
    /* Nothing is held in window 7; what was held in 8 is uncertain since this start. */
    assert_null(books_balance(journal_recovered(journal), 1, 7));
    assert_int_equal(books_balance(journal_recovered(journal), 1, 8)->uncertain, 50);
    die(false);
    start();
    assert_null(books_balance(journal_recovered(journal), 1, 8));
    /* Its id is not given again, though nothing is left of it. */
    assert_int_equal(make_budget(journal, "other")->id, 2);
}

static void what_was_not_synced_may_be_lost(void **state)
{
    (void)state;
    const struct ledger_budget *budget = make_budget(journal, "acme");
    fill(budget, 1, 10);
    journal_sync(journal);
    assert_int_equal(journal_durable(stream), journal_position(stream));
    fill(budget, 101, 10);
    assert_true(journal_durable(stream) < journal_position(stream));
    die(true);
    start();
    int64_t spent = books_balance(journal_recovered(journal), 1, 7)->spent;
    assert_in_range(spent, 30, 60);
}

struct told {
    struct journal_waiter waiter;
    int durable;
    int broke;
};

static void on_told(struct journal_waiter *waiter, bool durable)
{
    struct told *told = (struct told *)(void *)waiter;
    told->durable += durable;
    told->broke += !durable;
}

static void waiters_hear_of_the_disk(void **state)
{
    (void)state;
    const struct ledger_budget *budget = make_budget(journal, "acme");
    struct told a = {.waiter.done = on_told}, b = a, c = a;
    fill(budget, 1, 1);
    journal_wait(stream, &a.waiter);
    journal_deliver(stream);
    assert_int_equal(a.durable, 0);
    fill(budget, 2, 1);
    journal_wait(stream, &b.waiter);
    journal_wait(stream, &c.waiter);
    journal_cancel(&c.waiter);
    journal_sync(journal);
    journal_deliver(stream);
    assert_int_equal(a.durable, 1);
    assert_int_equal(b.durable, 1);
    assert_int_equal(c.durable + c.broke, 0);
    journal_wait(stream, &c.waiter); /* it is there already */
    journal_deliver(stream);
    assert_int_equal(c.durable, 1);
}

static void a_failed_sync_is_never_tried_again(void **state)
{
    (void)state;
    const struct ledger_budget *budget = make_budget(journal, "acme");
    struct told told = {.waiter.done = on_told};
    struct one_hold one, more;
    fill(budget, 1, 5);
    set_hold(&more, 900, budget, 20);
    journal_hold(stream, &more.hold);
    journal_flush(stream);
    journal_wait(stream, &told.waiter);
    disk->fail_sync = disk->syncs + 1;
    assert_false(journal_sync(journal));
    journal_deliver(stream);
    assert_int_equal(told.broke, 1);
    assert_false(journal_ok(stream));
    set_hold(&one, 901, budget, 20);
    assert_false(journal_hold(stream, &one.hold));
    assert_false(one.hold.open);
    assert_false(journal_extend(stream, &more.hold, (int64_t[]){1}));
    end_hold(stream, &more, 4, 0); /* running ones end in memory */
    assert_false(journal_flush(stream));

    size_t segments = count_segments();
    assert_true(journal_sync(journal)); /* to another file */
    assert_int_equal(count_segments(), segments + 1);
    assert_true(journal_ok(stream));
    assert_int_equal(journal_durable(stream), journal_position(stream));
    assert_true(journal_hold(stream, &one.hold));
    end_hold(stream, &one, 2, 0);
    assert_true(journal_flush(stream));
    journal_sync(journal);
    die(true);
    start();
    check_balance(journal_recovered(journal), 1, 15 + 4 + 2, 21, 0);
}

static void a_failed_write_refuses_what_it_had(void **state)
{
    (void)state;
    const struct ledger_budget *budget = make_budget(journal, "acme");
    struct one_hold one;
    fill(budget, 1, 5);
    set_hold(&one, 900, budget, 20);
    assert_true(journal_hold(stream, &one.hold));
    disk->fail_write = disk->calls + 1;
    assert_false(journal_flush(stream));
    assert_false(journal_ok(stream));
    end_hold(stream, &one, 0, 0); /* refused: void */
    disk->fail_write = disk->calls + 3;
    assert_false(journal_sync(journal)); /* the new file fails too */
    assert_false(journal_ok(stream));
    assert_true(journal_sync(journal));
    assert_true(journal_flush(stream));
    journal_sync(journal);
    die(true);
    start();
    check_balance(journal_recovered(journal), 1, 15, 15, 0);
}

static void a_full_disk_keeps_room_for_what_runs(void **state)
{
    (void)state;
    const struct ledger_budget *budget = make_budget(journal, "acme");
    struct one_hold running[200];
    size_t count = 0;
    disk->capacity = disk->used; /* no further segment */
    for (; count < 200 && journal_ok(stream); count++) {
        set_hold(&running[count], count + 1, budget, 10);
        assert_true(journal_hold(stream, &running[count].hold));
        assert_true(journal_flush(stream));
        journal_sync(journal);
    }
    assert_in_range(count, 50, 150);
    /* They end, beyond what the segment has. */
    for (size_t i = 0; i < count; i++) {
        end_hold(stream, &running[i], 1, 0);
        journal_flush(stream);
    }
    journal_sync(journal);
    assert_false(journal_ok(stream));
    disk->capacity = 0;
    assert_true(journal_sync(journal)); /* alone, without a restart */
    assert_true(journal_ok(stream));
    die(true);
    start();
    check_balance(journal_recovered(journal), 1, (int64_t)count, (int64_t)count, 0);
}

static void receipts_do_not_wait_without_end(void **state)
{
    (void)state;
    struct ledger_fault fault;
    struct journal_settings settings = {.io = &disk->io,
                                        .state_dir = "/other",
                                        .segment_bytes = 16 << 10,
                                        .waiting_bytes = 4 << 10};
    struct ledger_receipt receipt = {.id = {1, 2}};
    struct journal *other = journal_open(&settings, &fault);
    struct journal_stream *its = open_stream(other);
    disk->capacity = disk->used; /* no further segment */
    size_t kept = 0;
    for (; kept < 1000 && journal_receipt(its, &receipt); kept++) {
        journal_flush(its);
        journal_sync(other);
    }
    /* The segment, and then 32 slots in memory. */
    assert_in_range(kept, 128, 128 + 32);
    assert_int_equal(journal_position(its) - journal_durable(its), 32);
    disk->capacity = 0;
    assert_true(journal_sync(other));
    assert_int_equal(journal_position(its), journal_durable(its));
    assert_true(journal_receipt(its, &receipt));
    journal_stream_close(&its);
    journal_close(&other);
}

static void a_second_process_is_refused(void **state)
{
    (void)state;
    struct ledger_fault fault;
    struct journal_settings settings = {.io = &disk->io, .state_dir = "/state"};
    assert_null(journal_open(&settings, &fault));
    assert_non_null(strstr(fault.text, "/state/lock is locked: another weir"));
}

static void a_journal_that_must_exist_is_missed(void **state)
{
    (void)state;
    struct ledger_fault fault;
    struct journal_settings settings = {
        .io = &disk->io, .state_dir = "/elsewhere", .must_exist = true};
    assert_null(journal_open(&settings, &fault));
    assert_non_null(strstr(fault.text, "must_exist"));
    settings.must_exist = false;
    struct journal *other = journal_open(&settings, &fault);
    assert_non_null(other);
    journal_close(&other);
    settings.must_exist = true;
    other = journal_open(&settings, &fault);
    assert_non_null(other);
    journal_close(&other);
}

static void the_checkpoint_may_be_larger_than_a_segment(void **state)
{
    (void)state;
    const struct ledger_budget *budget = make_budget(journal, "acme");
    static struct one_hold open[400];
    for (size_t i = 0; i < 400; i++) {
        set_hold(&open[i], i + 1, budget, 1);
        assert_true(journal_hold(stream, &open[i].hold));
        assert_true(journal_flush(stream));
    }
    die(false);
    start();
    check_balance(journal_recovered(journal), 1, 400, 0, 400);
}

int test_journal(void)
{
#define WITH_JOURNAL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_JOURNAL(holds_and_ends_come_back),
        WITH_JOURNAL(a_resolution_is_for_good),
        WITH_JOURNAL(a_clean_end_loses_nothing),
        WITH_JOURNAL(grants_and_limits_come_back),
        WITH_JOURNAL(segments_go_on_from_checkpoints),
        WITH_JOURNAL(old_segments_are_removed_and_not_missed),
        WITH_JOURNAL(windows_that_are_over_are_forgotten),
        WITH_JOURNAL(what_was_not_synced_may_be_lost),
        WITH_JOURNAL(waiters_hear_of_the_disk),
        WITH_JOURNAL(a_failed_sync_is_never_tried_again),
        WITH_JOURNAL(a_failed_write_refuses_what_it_had),
        WITH_JOURNAL(a_full_disk_keeps_room_for_what_runs),
        WITH_JOURNAL(receipts_do_not_wait_without_end),
        WITH_JOURNAL(a_second_process_is_refused),
        WITH_JOURNAL(a_journal_that_must_exist_is_missed),
        WITH_JOURNAL(the_checkpoint_may_be_larger_than_a_segment),
    };
    return cmocka_run_group_tests_name("ledger/journal", tests, NULL, NULL);
}
