/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many tokens of an answer were delivered, for the case that its provider never says: a stream
 * that is cut, a client that leaves. Counted as the text passes; nothing of it is kept but the end of
 * the last word.
 */
#ifndef GATEWAY_OUTPUT_COUNT_H
#define GATEWAY_OUTPUT_COUNT_H

#include "llm/dialect.h"

#include <stdint.h>

struct exchange;

/* The texts of one event, or of a whole answer. */
void output_count_add(struct exchange *exchange, const struct reply_facts *facts);
/* Of the attempt so far. */
int64_t output_count_total(const struct exchange *exchange);
/* Forgets the attempt's. */
void output_count_end(struct exchange *exchange);

#endif
