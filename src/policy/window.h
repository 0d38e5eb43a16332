/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar windows by their number: what window_at() does not say. Private to policy. */
#ifndef POLICY_WINDOW_H
#define POLICY_WINDOW_H

#include "policy/budget.h"

/* The first moment after the window, INT64_MAX when that lies beyond int64_t; 0 for total. */
int64_t window_end(enum window_kind kind, int64_t id);

#endif
