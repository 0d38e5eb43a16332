/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of models whatever the configuration says. Pure. */
#ifndef LLM_MODEL_H
#define LLM_MODEL_H

#include "base/span.h"
#include "llm/call.h"

#include <stdint.h>

/* Tokens that a provider may add to a request and bill (tool preambles, reasoning modes), by the
 * model's name at the provider; generous, more so for models nobody here knows. */
int64_t model_hidden_input(struct span model, const struct call *call);

/* The most input tokens a request of `bytes` bytes can be billed: a token is at least one byte, so
 * bytes + hidden, but never more than the context window (0: unknown). */
int64_t model_input_bound(uint64_t bytes, int64_t hidden_input, int64_t context_window);

#endif
