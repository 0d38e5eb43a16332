/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The audits that change something: rebuilding and resolving. */
#include "ledger/audit.h"

#include "base/memory.h"
#include "database_build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rebuilding ---- */

bool ledger_rebuild(const struct audit *audit, uint64_t *records, struct ledger_fault *fault)
{
    char path[512], directory[512];
    snprintf(path, sizeof(path), "%s/lock", audit->state_dir);
    snprintf(directory, sizeof(directory), "%s/journal", audit->state_dir);
    int lock = audit->io->lock(audit->io, path);
    if (lock == -EWOULDBLOCK)
        return ledger_fault_set(fault, "%s is locked: stop the weir that uses this state_dir first",
                                path);
    if (lock < 0)
        return ledger_fault_set(fault, "%s cannot be locked: %s", path, strerror(-lock));
    bool fine = database_build(audit->io, directory, audit->path, records, fault);
    audit->io->close(audit->io, lock);
    return fine;
}

/* ---- resolving ---- */

struct wanted {
    struct id exchange;
    uint32_t attempt;
    struct books_part *parts;
    enum ledger_unit *units;
    size_t count;
};

static bool collect(void *argument, const struct books_part *part,
                    const struct books_budget *budget)
{
    struct wanted *wanted = argument;
    if (part->key.exchange.high != wanted->exchange.high ||
        part->key.exchange.low != wanted->exchange.low ||
        (wanted->attempt != 0 && part->key.attempt != wanted->attempt))
        return true;
    wanted->parts = memory_resize(wanted->parts, wanted->count + 1, sizeof(*wanted->parts));
    wanted->units = memory_resize(wanted->units, wanted->count + 1, sizeof(*wanted->units));
    wanted->units[wanted->count] = budget->budget.unit;
    wanted->parts[wanted->count++] = *part;
    return true;
}

/* The receipt is corrected by the first part in dollars of each attempt. */
static void record_all(struct journal_stream *stream, const struct wanted *wanted,
                       const struct resolution *resolution)
{
    for (size_t i = 0; i < wanted->count; i++) {
        const struct books_part *part = &wanted->parts[i];
        bool first = wanted->units[i] == LEDGER_NUSD;
        for (size_t j = 0; j < i; j++)
            first &= wanted->units[j] != LEDGER_NUSD ||
                     wanted->parts[j].key.attempt != part->key.attempt;
        int64_t cost = wanted->units[i] == LEDGER_NUSD ? resolution->nusd : resolution->tokens;
        journal_resolve(stream, part, resolution->in_full ? part->amount : cost, first);
    }
}

bool ledger_resolve_live(struct journal *journal, struct database *database, struct id exchange,
                         uint32_t attempt, const struct resolution *resolution, size_t *count,
                         struct ledger_fault *fault)
{
    struct wanted wanted = {.exchange = exchange, .attempt = attempt};
    struct journal_stream *control = journal_control(journal);
    bool fine = database_uncertain(database, INT64_MIN, collect, &wanted, fault);
    if (fine && !journal_ok(control))
        fine = ledger_fault_set(fault, "the journal cannot be written at the moment");
    if (fine && journal_is_resolved(control, wanted.parts, wanted.count))
        wanted.count = 0; /* and the database is about to hear of it */
    if (fine)
        record_all(control, &wanted, resolution);
    if (fine && !journal_flush(control))
        fine = ledger_fault_set(fault, "the journal cannot be written at the moment");
    *count = wanted.count;
    free(wanted.parts);
    free(wanted.units);
    return fine;
}

static bool apply_everything(const struct audit *audit, struct journal *journal,
                             struct ledger_fault *fault)
{
    struct applier_settings settings = {.io = audit->io,
                                        .directory = journal_directory(journal),
                                        .journal = journal,
                                        .birth = journal_birth(journal),
                                        .path = audit->path};
    struct applier *applier = applier_new(&settings, fault);
    if (applier == NULL)
        return false;
    int64_t applied;
    while ((applied = applier_step(applier, fault)) > 0)
        continue;
    applier_free(&applier);
    return applied == 0;
}

bool ledger_resolve(const struct audit *audit, struct id exchange, uint32_t attempt,
                    const struct resolution *resolution, size_t *count, struct ledger_fault *fault)
{
    struct journal_settings settings = {
        .io = audit->io, .state_dir = audit->state_dir, .must_exist = true};
    struct journal *journal = journal_open(&settings, fault);
    struct database *database = NULL;
    *count = 0;
    if (journal == NULL)
        return false;
    bool fine = apply_everything(audit, journal, fault);
    if (fine)
        database = database_open(audit->path, DATABASE_READ, 0, fault);
    fine = database != NULL &&
           ledger_resolve_live(journal, database, exchange, attempt, resolution, count, fault);
    database_close(&database);
    if (fine && !journal_sync(journal))
        fine = ledger_fault_set(fault, "the journal cannot be written");
    fine = fine && apply_everything(audit, journal, fault);
    journal_close(&journal);
    return fine;
}

/* ---- ids ---- */

bool ledger_parse_id(struct span text, struct id *id)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    if (span_starts_with(text, SPAN("req_")))
        text = span_from(text, 4);
    unsigned __int128 bits = 0;
    if (text.len != ID_TEXT_SIZE - 5 || text.ptr[0] > '7')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.ptr[i] != '\0' ? strchr(alphabet, text.ptr[i]) : NULL;
        if (at == NULL)
            return false;
        bits = (bits << 5) | (unsigned)(at - alphabet);
    }
    *id = (struct id){.high = (uint64_t)(bits >> 64), .low = (uint64_t)bits};
    return true;
}
