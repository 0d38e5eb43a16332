/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A database made anew from the journal. */
#ifndef LEDGER_DATABASE_BUILD_H
#define LEDGER_DATABASE_BUILD_H

#include "ledger/database.h"

/* Whether the journal begins with its first record, so that an empty database can be applied to. */
bool journal_is_complete(struct ledger_io *io, const char *directory, bool *complete,
                         struct ledger_fault *fault);

/* Makes a database beside `path` and swaps it in. Receipts, and balances of windows that are over,
 * which the journal has no more, are taken from the old one where it can be read. Nobody may use it. */
bool database_build(struct ledger_io *io, const char *directory, const char *path,
                    uint64_t *records, struct ledger_fault *fault);

#endif
