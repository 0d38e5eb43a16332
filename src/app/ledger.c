/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's ledger; see ledger.h. */
#include "ledger.h"

#include "base/clock.h"
#include "base/memory.h"
#include "config/snapshot.h"
#include "ledger/database.h"
#include "ledger/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A segment is room on the disk that each worker takes at the start and for each 15,000 requests or
 * so; what is applied goes an hour later. */
#define SEGMENT_BYTES    (8 << 20)
#define KEEP_SEGMENTS_NS (3600 * NS_PER_S)

#define PATH_SIZE 4096

struct ledger {
    struct journal *journal;
    struct applier *applier;
};

bool ledger_database_path(const char *state_dir, char *room, size_t size)
{
    int len = snprintf(room, size, "%s/ledger.db", state_dir);
    return len > 0 && (size_t)len < size;
}

bool ledger_is_there(const char *command, const char *database_path)
{
    if (access(database_path, F_OK) == 0)
        return true;
    if (errno == ENOENT || errno == ENOTDIR)
        fprintf(stderr,
                "weir %s: there is no ledger at %s: no gateway has run there yet (or it is "
                "lost: weir ledger rebuild)\n",
                command, database_path);
    else
        fprintf(stderr, "weir %s: %s: %s\n", command, database_path, strerror(errno));
    return false;
}

static bool open_journal(struct ledger *ledger, const struct snapshot *snapshot,
                         struct ledger_fault *fault)
{
    struct journal_settings settings = {.io = ledger_io_real(),
                                        .state_dir = snapshot->state_dir,
                                        .segment_bytes = SEGMENT_BYTES,
                                        .strict = snapshot->ledger.durability == LEDGER_STRICT,
                                        .must_exist = snapshot->ledger.must_exist};
    ledger->journal = journal_open(&settings, fault);
    return ledger->journal != NULL;
}

static bool open_applier(struct ledger *ledger, const struct snapshot *snapshot,
                         struct ledger_fault *fault)
{
    char path[PATH_SIZE];
    if (!ledger_database_path(snapshot->state_dir, path, sizeof path))
        return ledger_fault_set(fault, "'state_dir' is too long a path");
    struct applier_settings settings = {.io = ledger_io_real(),
                                        .directory = journal_directory(ledger->journal),
                                        .journal = ledger->journal,
                                        .birth = journal_birth(ledger->journal),
                                        .path = path,
                                        .retention_ns = snapshot->ledger.retention_ms * NS_PER_MS,
                                        .keep_segments_ns = KEEP_SEGMENTS_NS};
    ledger->applier = applier_new(&settings, fault);
    return ledger->applier != NULL;
}

struct ledger *ledger_open(const struct snapshot *snapshot)
{
    struct ledger *ledger = MEMORY_NEW(struct ledger);
    struct ledger_fault fault = {.text = ""};
    if (open_journal(ledger, snapshot, &fault) && open_applier(ledger, snapshot, &fault)) {
        journal_start(ledger->journal);
        applier_start(ledger->applier);
        return ledger;
    }
    fprintf(stderr, "weir: ledger: %s\n", fault.text);
    ledger_close(&ledger);
    return NULL;
}

void ledger_close(struct ledger **address)
{
    struct ledger *ledger = *address;
    if (ledger == NULL)
        return;
    *address = NULL;
    applier_free(&ledger->applier); /* it asks the journal how far it is */
    journal_close(&ledger->journal);
    free(ledger);
}

struct journal *ledger_journal(struct ledger *ledger)
{
    return ledger->journal;
}

int64_t ledger_lag(const struct ledger *ledger)
{
    return applier_lag(ledger->applier);
}
