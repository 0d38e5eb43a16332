/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cells of a budget that is `per` key, user or session: one for each subject that has come. Names
 * come from outside: there are at most max_subjects, and a cell leaves only when nothing is spent or
 * held in its window. Any thread.
 */
#ifndef POLICY_SUBJECTS_H
#define POLICY_SUBJECTS_H

#include "policy/budget.h"

struct budget_subjects;

/* The cell of subject "ann" is called "NAME ann". */
struct budget_subjects *budget_subjects_new(const char *name);
struct budget_subjects *budget_subjects_ref(struct budget_subjects *subjects);
/* Accepts NULL. */
void budget_subjects_unref(struct budget_subjects **address);

/* The limits of all subjects, those to come included. */
void budget_subjects_set_limits(struct budget_subjects *subjects, int64_t limit_nusd,
                                int64_t limit_tokens);

/* The subject's cell with a reference for the caller, made when there is none; NULL: there is no place
 * for a new one. Very long names are told apart by their digest. */
struct budget_cell *budget_subjects_cell(struct budget_subjects *subjects, struct span subject,
                                         int64_t max_subjects, const struct window_rule *rule,
                                         int64_t wall_ns);
/* The same, NULL when there is none. */
struct budget_cell *budget_subjects_find(struct budget_subjects *subjects, struct span subject);
size_t budget_subjects_count(const struct budget_subjects *subjects);
/* Calls visit() for each cell, within a lock: it asks for no subject. */
void budget_subjects_walk(struct budget_subjects *subjects,
                          void (*visit)(struct budget_cell *cell, void *argument), void *argument);

#endif
