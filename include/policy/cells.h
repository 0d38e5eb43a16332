/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of cells by name: how limits and spend survive a reload. A snapshot asks for the
 * cell of "tenant acme/search" or "key search-prod budget search-day" and gets the one that earlier
 * snapshots used. Main thread only; the cells themselves are for all. The registry keeps a
 * reference to each until its end.
 */
#ifndef POLICY_CELLS_H
#define POLICY_CELLS_H

#include "base/buf.h"
#include "policy/budget.h"
#include "policy/estimate_cell.h"
#include "policy/health.h"
#include "policy/limit.h"
#include "policy/outputs.h"
#include "policy/subjects.h"

struct cells;

struct cells *cells_new(void);
/* Accepts NULL. */
void cells_free(struct cells **cells);

/* The cell of that name, made when there is none; a new reference for the caller. A budget is
 * also told apart by its window (day or 24h, not by its zone). */
struct rate_cell *cells_rate(struct cells *cells, const char *name);
struct gauge_cell *cells_gauge(struct cells *cells, const char *name);
struct budget_cell *cells_budget(struct cells *cells, const char *name,
                                 const struct window_rule *rule);
/* The name ends in " per user" (key, session); that of a subject's cell goes on with " SUBJECT". */
struct budget_subjects *cells_subjects(struct cells *cells, const char *name,
                                       const struct window_rule *rule);
struct health_cell *cells_health(struct cells *cells, const char *name);
struct estimate_cell *cells_estimate(struct cells *cells, const char *provider, struct span model);
/* One for all. */
struct outputs *cells_outputs(struct cells *cells);

/* Every cell of a budget, those of subjects included, in no order. visit() makes none. */
void cells_walk_budgets(struct cells *cells,
                        void (*visit)(struct budget_cell *cell, void *argument), void *argument);
/* What the ledger knows of a budget by its cell's name and window, put back before the workers start:
 * see budget_cell_restore. The cell is made when there is none. False: the window is none that this
 * version knows. */
bool cells_restore(struct cells *cells, const char *name, const char *window, enum budget_unit unit,
                   int64_t window_id, int64_t spent, int64_t uncertain);

/* Every estimate that has learned something: a line "PROVIDER\tMODEL\t…" each. */
void cells_write_estimates(struct cells *cells, struct buf *out);
/* What cells_write_estimates wrote, in an earlier run or by an earlier version: a line that cannot be
 * read is passed over, and counted in the result. */
size_t cells_read_estimates(struct cells *cells, struct span text);

#endif
