/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The splitter: where a piece ends. Text is UTF-8 that has been checked. */
#ifndef LLM_TOKENS_SPLIT_H
#define LLM_TOKENS_SPLIT_H

#include "llm/tokens.h"

/* The end of the piece that begins at `at`, which is where the piece before ended; at < end. */
const char *split_piece(enum token_grammar grammar, const char *at, const char *end);

#endif
