/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* How much a request gets, and what that means for each kind of budget. Private to policy. */
#ifndef POLICY_BUDGET_PLAN_H
#define POLICY_BUDGET_PLAN_H

#include "policy/budget.h"

struct plan {
    int64_t output_tokens;                            /* a choice */
    int64_t covered_tokens;                           /* of them, by top-up holds */
    int64_t amounts[BUDGET_HOLD_MODES][BUDGET_UNITS]; /* a budget of that mode holds so much */
    bool costs; /* in some unit that a budget of the path counts */
};

/* From the sums of the pinned holds, as they are now. Writes what those that only observe would have
 * done. On refusal *at is the hold that decides. */
enum budget_verdict budget_plan(struct reservation *reservation, const struct budget_wish *wish,
                                struct plan *plan, size_t *at);

/* The amounts of top-up holds for so much output; false: more than int64_t. */
bool budget_plan_extend(const struct budget_wish *wish, int64_t output_tokens, struct plan *plan);

#endif
