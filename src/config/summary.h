/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the summary (config_summary) that have files of their own. */
#ifndef CONFIG_SUMMARY_H
#define CONFIG_SUMMARY_H

#include "config/snapshot.h"

#include <stdio.h>

/* The rest of a model's line: what it costs, and who says so; a line more for each further target
 * that has a price of its own. */
void summary_prices(const struct model *model, FILE *out);

/* A line for each budget of a tenant or key. */
void summary_budgets(const struct allowance *allowance, const char *indent, FILE *out);
/* How far the bill may pass each limit. Only what is uncertain and given back has no bound. */
void summary_overshoot(const char *owner, const char *name, const struct allowance *allowance,
                       FILE *out);

#endif
