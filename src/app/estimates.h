/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of learned estimates, `estimates` in the state directory: read at the start, written every
 * minute and at the end, when something was learned. Losing it costs a few dozen requests' learning,
 * nothing else: trouble with it is logged and never stops the gateway. Main thread only.
 */
#ifndef APP_ESTIMATES_H
#define APP_ESTIMATES_H

struct cells;
struct estimates;
struct loop;

/* Borrows the cells, until it is closed. */
struct estimates *estimates_open(struct loop *loop, struct cells *cells, const char *directory);
/* Writes once more. Accepts NULL. */
void estimates_close(struct estimates **address);

#endif
