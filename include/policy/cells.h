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

struct cells;

struct cells *cells_new(void);
/* Accepts NULL. */
void cells_free(struct cells **cells);

/* The cell of that name, made when there is none; a new reference for the caller. A budget cell is
 * also told apart by its window kind. */
struct rate_cell *cells_rate(struct cells *cells, const char *name);
struct gauge_cell *cells_gauge(struct cells *cells, const char *name);
struct budget_cell *cells_budget(struct cells *cells, const char *name, enum window_kind kind);
struct health_cell *cells_health(struct cells *cells, const char *name);
struct estimate_cell *cells_estimate(struct cells *cells, const char *provider, struct span model);

/* Every estimate that has learned something: a line "PROVIDER\tMODEL\t…" each. */
void cells_write_estimates(struct cells *cells, struct buf *out);
/* What cells_write_estimates wrote, in an earlier run or by an earlier version: a line that cannot be
 * read is passed over, and counted in the result. */
size_t cells_read_estimates(struct cells *cells, struct span text);

#endif
