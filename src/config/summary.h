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

#endif
