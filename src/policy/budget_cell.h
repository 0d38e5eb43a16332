/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one hold may do to the cell of one budget; budget.c arranges these along a path. Private to
 * policy. The life of a hold:
 *
 *   pin ──> take ──> settle
 *    │        └────> give_back ──> unpin
 *    └───────────────────────────> unpin
 *
 * A pin keeps the window's slot from being used for another window. Any thread.
 */
#ifndef POLICY_BUDGET_CELL_H
#define POLICY_BUDGET_CELL_H

#include "policy/budget.h"

/* The current window's sums against the limit, each at a moment of its own. Both may be negative.
 * */
struct budget_room {
    int64_t left; /* limit − spent − uncertain */
    int64_t free; /* limit − committed */
};

/* Pins the window of wall_ns, or a later one that has begun already, in hold->cell; fills slot and
 * window_id. False when the new window cannot open: all slots have holds open in older ones. */
bool budget_cell_pin(struct hold *hold, int64_t wall_ns);
void budget_cell_unpin(const struct hold *hold);

struct budget_room budget_cell_room(const struct hold *hold);

/* Adds to committed if that stays within the limit; false, and nothing changed, otherwise. */
bool budget_cell_take(const struct hold *hold, int64_t amount_nusd);
void budget_cell_give_back(const struct hold *hold, int64_t amount_nusd);

/* Ends a hold of `amount`, and its pin. */
void budget_cell_settle(const struct hold *hold, int64_t amount_nusd, int64_t cost_nusd,
                        int64_t uncertain_nusd);

#endif
