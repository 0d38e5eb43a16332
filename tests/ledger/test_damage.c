/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal cut at every byte, and with one bit of every byte flipped: it is refused, with file and
 * offset, or gives exactly what it said after some record; never less than was on the disk.
 */
#include "ledger_test.h"

#define STEPS 40

static struct sim_disk *disk;
static struct sim_file *file;    /* the worker's */
static int64_t spent[STEPS + 2]; /* after so many steps */
static uint64_t seqs[STEPS + 2];
static uint64_t durable;
static size_t used;

/* One hold a step, ended; synced in the middle. */
static void write_journal(bool clean)
{
    disk = sim_disk_new(7);
    struct journal *journal = open_journal(&disk->io, "/state");
    struct journal_stream *stream = open_stream(journal);
    const struct ledger_budget *budget = make_budget(journal, "acme");
    for (int step = 1; step <= STEPS; step++) {
        struct one_hold one;
        set_hold(&one, (uint64_t)step, budget, 10);
        assert_true(journal_hold(stream, &one.hold));
        end_hold(stream, &one, step, 0);
        assert_true(journal_flush(stream));
        spent[step] = spent[step - 1] + step;
        seqs[step] = journal_position(stream);
        if (step % 10 == 0 && step < STEPS)
            journal_sync(journal);
    }
    durable = journal_durable(stream);
    assert_true(durable < seqs[STEPS]);
    if (!clean)
        disk->crashed = true;
    else
        durable = seqs[STEPS];
    journal_stream_close(&stream);
    journal_close(&journal);
    sim_disk_restart(disk, false);
    char path[] = "/state/journal/0002-000001.wj";
    file = sim_find(disk, path);
    assert_non_null(file);
    used = file->size;
    while (file->cached[used - 1] == 0)
        used--;
}

/* The books' spend, or -1: refused. An open hold counts when its OPEN is there alone. */
static int64_t read_spent(struct ledger_fault *fault)
{
    const struct record *record;
    struct walk *walk = walk_open(&disk->io, "/state/journal", WALK_LAST, fault);
    if (walk == NULL) {
        assert_string_not_equal(fault->text, "");
        return -1;
    }
    while (walk_next(walk, &record, fault))
        continue;
    const struct books_balance *balance = books_balance(walk_books(walk), 1, 7);
    int64_t result = fault->text[0] != '\0' ? -1 : balance != NULL ? balance->spent : 0;
    walk_close(&walk);
    return result;
}

/* True: right up to some step that is not before what was on the disk. False: refused. */
static bool check(size_t at)
{
    struct ledger_fault fault;
    int64_t found = read_spent(&fault);
    if (found < 0) {
        if (strstr(fault.text, "/state/journal") == NULL)
            fail_msg("byte %zu: '%s' names no file", at, fault.text);
        return false;
    }
    for (int step = 0; step <= STEPS; step++) {
        if (spent[step] == found && seqs[step] + 1 >= durable)
            return true;
    }
    fail_msg("byte %zu: a sum of %lld", at, (long long)found);
    return false;
}

static void finish(void)
{
    sim_disk_free(disk);
}

static void every_flipped_bit(bool clean)
{
    size_t refused = 0;
    write_journal(clean);
    assert_int_equal(read_spent(&(struct ledger_fault){""}), spent[STEPS]);
    for (size_t at = 0; at < used; at++) {
        uint8_t bit = (uint8_t)(1 << (at % 8));
        file->cached[at] ^= bit;
        refused += !check(at);
        file->cached[at] ^= bit;
    }
    /* All that was on the disk is missed, and nothing else. */
    size_t last = (size_t)(durable + 1) * RECORD_SLOT; /* with the head */
    assert_in_range(refused, last - RECORD_SLOT, last);
    finish();
}

static void a_flipped_bit_is_refused_or_is_the_tail(void **state)
{
    (void)state;
    every_flipped_bit(false);
}

static void a_flipped_bit_of_a_sealed_journal_is_refused(void **state)
{
    (void)state;
    every_flipped_bit(true);
}

static void a_cut_at_any_byte_is_refused(void **state)
{
    struct ledger_fault fault;
    (void)state;
    write_journal(false);
    size_t size = file->size;
    for (size_t cut = 0; cut < used; cut++) {
        file->size = cut;
        int64_t found = read_spent(&fault);
        /* The head says how long the file is; cut in its head, it was never begun. */
        assert_int_equal(found, cut < RECORD_SLOT ? 0 : -1);
        if (found < 0)
            assert_non_null(strstr(fault.text, "0002-000001.wj is cut short"));
    }
    file->size = size;
    finish();
}

static void zeros_from_any_byte_on_are_refused_or_a_prefix(void **state)
{
    (void)state;
    write_journal(false);
    for (size_t cut = used; cut-- > 0;) {
        file->cached[cut] = 0;
        int64_t found = read_spent(&(struct ledger_fault){""});
        bool right = found < 0;
        for (int step = 0; step <= STEPS; step++)
            right |= found == spent[step];
        assert_true(right);
    }
    finish();
}

/* A slot in the middle that the disk had not written yet, with later ones there. */
static void a_hole_in_what_was_not_synced_ends_the_stream(void **state)
{
    (void)state;
    uint8_t kept[RECORD_SLOT];
    write_journal(false);
    for (uint64_t seq = 1; seq <= seqs[STEPS]; seq++) {
        uint8_t *slot = file->cached + seq * RECORD_SLOT; /* the head takes one */
        memcpy(kept, slot, RECORD_SLOT);
        memset(slot, 0, RECORD_SLOT);
        assert_int_equal(check(seq), seq > durable);
        memcpy(slot, kept, RECORD_SLOT);
    }
    finish();
}

static void a_record_of_a_later_version_is_refused(void **state)
{
    (void)state;
    struct ledger_fault fault;
    write_journal(false);
    struct record record = {.kind = RECORD_KIND_LAST + 1, .seq = 5};
    record_encode(&record, file->cached + 5 * RECORD_SLOT);
    assert_int_equal(read_spent(&fault), -1);
    assert_non_null(strstr(fault.text, "0002-000001.wj offset 640"));
    assert_non_null(strstr(fault.text, "later version"));
    record.flags = 0x80; /* in a head */
    record.seq = 0;
    record_encode(&record, file->cached);
    assert_int_equal(read_spent(&fault), -1);
    assert_non_null(strstr(fault.text, "later version"));
    finish();
}

static void the_control_stream_is_missed(void **state)
{
    (void)state;
    struct ledger_fault fault;
    write_journal(false);
    sim_drop(disk, sim_find(disk, "/state/journal/0001-000001.wj"));
    assert_int_equal(read_spent(&fault), -1);
    assert_non_null(strstr(fault.text, "control stream"));
    finish();
}

static void a_journal_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    struct ledger_fault fault;
    write_journal(false);
    disk->crashed = true;
    assert_int_equal(read_spent(&fault), -1);
    struct journal_settings settings = {.io = &disk->io, .state_dir = "/state"};
    assert_null(journal_open(&settings, &fault));
    assert_non_null(strstr(fault.text, "cannot be"));
    finish();
}

int test_damage(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_is_refused_or_is_the_tail),
        cmocka_unit_test(a_flipped_bit_of_a_sealed_journal_is_refused),
        cmocka_unit_test(a_cut_at_any_byte_is_refused),
        cmocka_unit_test(zeros_from_any_byte_on_are_refused_or_a_prefix),
        cmocka_unit_test(a_hole_in_what_was_not_synced_ends_the_stream),
        cmocka_unit_test(a_record_of_a_later_version_is_refused),
        cmocka_unit_test(the_control_stream_is_missed),
        cmocka_unit_test(a_journal_that_cannot_be_read_is_refused),
    };
    return cmocka_run_group_tests_name("ledger/damage", tests, NULL, NULL);
}
