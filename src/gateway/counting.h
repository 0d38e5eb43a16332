/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COUNT's work: how many input tokens a call is, and where they go. Small prompts are counted in
 * place, in microseconds; large ones, and the first that needs a vocabulary, on another thread while
 * the exchange waits.
 */
#ifndef GATEWAY_COUNTING_H
#define GATEWAY_COUNTING_H

#include "llm/chat_count.h"

#include <stdbool.h>

struct exchange;
struct usage;

/* What is known of the input once it is counted. */
struct counted {
    bool made;
    struct input_count input;
    int64_t tokens; /* the best figure: counted, or the learned estimate */
};

/* Counts exchange->call for its model's first target. False: it is under way, and the pipeline will be
 * resumed. */
bool counting_make(struct exchange *exchange);
/* Whether a thread is still looking into the exchange, which must stay. */
bool counting_active(const struct exchange *exchange);
/* The provider billed this input for the target that was counted for: estimates learn. */
void counting_learn(struct exchange *exchange, const struct usage *usage);

#endif
