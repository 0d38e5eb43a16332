/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange's attempt cost (DESIGN section 5, "Charging"). */
#ifndef GATEWAY_BILL_H
#define GATEWAY_BILL_H

#include "llm/price.h"

struct exchange;

/*
 * Makes exchange->bill, once; later calls change nothing.
 *   usage reported with the answer's end     charged in full, nothing uncertain
 *   usage reported before it, and no end     the larger of it and what was counted; the rest of the
 *                                            hold is uncertain
 *   never connected, or a complete error     nothing (VOID)
 *   anything else                            what was counted; the rest of the hold is uncertain
 */
void bill_make(struct exchange *exchange);
/* Adds what the bill has for each meter's tokens, together at most its cost. */
void bill_add_meters(const struct exchange *exchange, int64_t nusd[PRICE_METERS]);

#endif
