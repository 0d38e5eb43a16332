/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* In which order the targets of a model are tried. Pure: health and chance are passed in. */
#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTE_MAX_TARGETS 8
#define ROUTE_MAX_WEIGHT  1000

struct route_choice {
    int64_t weight; /* from 1 to ROUTE_MAX_WEIGHT (asserted) */
    bool well;      /* it does not rest */
};

/* Fills order[] with the indices of the choices: the well ones first, then the others, each half by
 * weighted chance (of what is left, a target comes next with probability weight / sum of weights).
 * The same `chance` gives the same order. At most ROUTE_MAX_TARGETS (asserted). */
void route_order(const struct route_choice *choices, size_t count, uint64_t chance, size_t *order);

/* The next of a row of evenly spread numbers; any seed will do. Not for secrets. */
uint64_t route_chance(uint64_t *state);

#endif
