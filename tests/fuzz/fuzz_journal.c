/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a journal: slots of 128 bytes, each SEGMENT the first of a file that is named as it says
 * and as long. A slot without a magic or a checksum gets the right one, else no change of an input
 * would come further than there.
 *
 * The journal is refused, with a fault that names a file or a stream, or read: to the end, each record
 * the same when it is written and read once more; and a second time alike. What can be read can be
 * opened, and what was open or uncertain is uncertain then: no sum is another.
 */
#include "fuzz.h"

#include "../ledger/sim_disk.h"
#include "ledger/journal.h"
#include "ledger/recover.h"

#include <stdio.h>

#define STATE     "/state"
#define DIRECTORY STATE "/journal"
#define MOST      4096 /* slots of a file */

/* ---- files ---- */

static uint32_t crc32c_plainly(const uint8_t *bytes, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82f63b78 & -(crc & 1));
    }
    return ~crc;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static void complete(uint8_t *slot)
{
    static uint8_t sample[RECORD_SLOT];
    const struct record seal = {.kind = RECORD_SEAL};
    if (all_zero(slot, RECORD_SLOT))
        return;
    record_encode(&seal, sample); /* its magic is every record's */
    if (all_zero(slot, 4))
        memcpy(slot, sample, 4);
    if (!all_zero(slot + 4, 4))
        return;
    uint32_t crc = crc32c_plainly(slot + 8, RECORD_SLOT - 8);
    for (size_t i = 0; i < 4; i++)
        slot[4 + i] = (uint8_t)(crc >> (8 * i));
}

/* A file for the segment; -1 when there is one already, or none of that name could be. */
static int make_file(struct ledger_io *io, const uint8_t *slot)
{
    char path[128];
    struct record record;
    struct segment_head head;
    uint8_t room[RECORD_TEXT_MAX];
    if (record_decode(slot, 1, room, &record) != RECORD_GOOD || record.kind != RECORD_SEGMENT ||
        !record_read_segment(record.text, &head) || head.slots > MOST || head.stream > 99 ||
        head.number > 99)
        return -1;
    snprintf(path, sizeof(path), DIRECTORY "/%04u-%06u.wj", head.stream, (unsigned)head.number);
    int fd = io->open(io, path, LEDGER_OPEN_CREATE);
    if (fd >= 0 && io->allocate(io, fd, (int64_t)head.slots * RECORD_SLOT) < 0)
        return -1;
    return fd;
}

static void make_files(struct ledger_io *io, struct span input)
{
    int fd = -1;
    int64_t at = 0;
    io->make_directory(io, STATE);
    io->make_directory(io, DIRECTORY);
    for (; input.len >= RECORD_SLOT; input = span_from(input, RECORD_SLOT)) {
        uint8_t slot[RECORD_SLOT];
        memcpy(slot, input.ptr, sizeof(slot));
        complete(slot);
        if (slot[28] == RECORD_SEGMENT) {
            fd = make_file(io, slot);
            at = 0;
        }
        if (fd >= 0 && at + RECORD_SLOT <= io->size(io, fd))
            io->write(io, fd, slot, sizeof(slot), at);
        at += RECORD_SLOT;
    }
}

/* ---- claims ---- */

struct sums {
    int64_t committed;
    int64_t spent;
    int64_t uncertain;
    size_t parts;
    uint64_t records;
};

/* Wrapping: these are compared, not believed. */
static void add(int64_t *sum, int64_t amount)
{
    *sum = (int64_t)((uint64_t)*sum + (uint64_t)amount);
}

/* Open parts count as uncertain, as they do after a start. Windows that are over may be forgotten
 * by then. */
static void sum_up(const struct books *books, struct sums *sums)
{
    size_t cursor = 0;
    for (const struct books_balance *b; (b = books_next_balance(books, &cursor)) != NULL;) {
        if (b->window_end_wall_ns != INT64_MAX)
            continue;
        add(&sums->committed, b->committed);
        add(&sums->spent, b->spent);
        add(&sums->uncertain, b->uncertain);
    }
    cursor = 0;
    for (const struct books_part *part; (part = books_next_part(books, &cursor)) != NULL;) {
        const struct books_balance *b = books_balance(books, part->budget, part->window_id);
        if (b == NULL || b->window_end_wall_ns != INT64_MAX)
            continue;
        sums->parts += part->state != PART_RESOLVED;
        if (part->state == PART_OPEN)
            add(&sums->uncertain, part->amount);
    }
}

static void check_record(const struct record *record)
{
    static uint8_t slots[RECORD_MAX_SLOTS * RECORD_SLOT], room[RECORD_TEXT_MAX];
    struct record again;
    FUZZ_CHECK(record_slots(record) == 1u + record->more);
    record_encode(record, slots);
    FUZZ_CHECK(record_decode(slots, record_slots(record), room, &again) == RECORD_GOOD);
    FUZZ_CHECK(again.kind == record->kind && again.seq == record->seq &&
               again.order == record->order && again.budget == record->budget &&
               again.amount == record->amount && again.cost == record->cost &&
               again.uncertain == record->uncertain && again.limit == record->limit &&
               again.window_id == record->window_id && again.key.part == record->key.part &&
               span_equal(again.text, record->text));
}

static bool read_all(struct ledger_io *io, enum walk_from from, struct sums *sums)
{
    struct ledger_fault fault = {.text = ""};
    const struct record *record;
    struct walk *walk = walk_open(io, DIRECTORY, from, &fault);
    *sums = (struct sums){.records = 0};
    while (walk != NULL && walk_next(walk, &record, &fault)) {
        check_record(record);
        FUZZ_CHECK(strstr(walk_place(walk), DIRECTORY) != NULL);
        sums->records++;
    }
    if (walk != NULL && fault.text[0] == '\0')
        sum_up(walk_books(walk), sums);
    bool read = walk != NULL && fault.text[0] == '\0';
    FUZZ_CHECK(fault.text[0] == '\0' || strstr(fault.text, STATE) != NULL ||
               strstr(fault.text, "stream") != NULL);
    FUZZ_CHECK(memchr(fault.text, '\0', sizeof(fault.text)) != NULL);
    walk_close(&walk);
    return read;
}

/* Opened, closed and read, the books are the same. */
static void check_open(struct ledger_io *io, const struct sums *before)
{
    struct ledger_fault fault = {.text = ""};
    struct sums after = {.records = 0};
    struct journal_settings settings = {
        .io = io, .state_dir = STATE, .segment_bytes = 64 << 10, .must_exist = true};
    struct journal *journal = journal_open(&settings, &fault);
    if (journal == NULL) {
        FUZZ_CHECK(fault.text[0] != '\0');
        return;
    }
    sum_up(journal_recovered(journal), &after);
    FUZZ_CHECK(after.committed == before->committed && after.spent == before->spent);
    FUZZ_CHECK(after.uncertain == before->uncertain && after.parts == before->parts);
    journal_close(&journal);
    FUZZ_CHECK(read_all(io, WALK_LAST, &after));
    FUZZ_CHECK(after.committed == before->committed && after.spent == before->spent);
    FUZZ_CHECK(after.uncertain == before->uncertain && after.parts == before->parts);
}

void fuzz_journal(struct span input)
{
    struct sums all, last, again;
    struct sim_disk *disk = sim_disk_new(1);
    make_files(&disk->io, input);
    read_all(&disk->io, WALK_ALL, &all);
    bool read = read_all(&disk->io, WALK_LAST, &last);
    FUZZ_CHECK(read_all(&disk->io, WALK_LAST, &again) == read);
    FUZZ_CHECK(again.records == last.records && again.committed == last.committed);
    if (read)
        check_open(&disk->io, &last);
    sim_disk_free(disk);
}
