/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is good enough to run, and not good enough for production. */
#ifndef CONFIG_WARN_H
#define CONFIG_WARN_H

#include "check.h"

/* Appends sentences to check->warnings. The snapshot's arrays are built. */
void warn_all(struct check *check);

#endif
