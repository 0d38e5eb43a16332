/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's ledger: the journal in state_dir with its sync thread, and the applier that keeps
 * state_dir/ledger.db up with it. Opened before the workers' streams, closed after them:
 *
 *   ledger_open -> journal_stream_open, one a worker -> ... -> journal_stream_close -> ledger_close
 *
 * Main thread only.
 */
#ifndef APP_LEDGER_H
#define APP_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal;
struct ledger;
struct snapshot;

/* In the snapshot's state_dir. NULL after a line on stderr: another process has it, the journal is
 * damaged, the disk does not work. */
struct ledger *ledger_open(const struct snapshot *snapshot);
/* Everything that was recorded is in the database then. Accepts NULL. */
void ledger_close(struct ledger **address);

struct journal *ledger_journal(struct ledger *ledger);
/* Slots of the journal that the database does not have yet. */
int64_t ledger_lag(const struct ledger *ledger);

/* state_dir/ledger.db, into `room`. False when that is too long. */
bool ledger_database_path(const char *state_dir, char *room, size_t size);
/* False after a line on stderr. */
bool ledger_is_there(const char *command, const char *database_path);

#endif
