/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* From a checked file to a snapshot in use. */
#ifndef CONFIG_BUILD_H
#define CONFIG_BUILD_H

#include "check.h"

/* The routes of all providers: the last thing that can go wrong, so before any cell is touched. */
void build_routes(struct check *check);
/* The rest, when nothing was reported: takes the cells and sets their limits. */
void build_snapshot(struct check *check);

#endif
