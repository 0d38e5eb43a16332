/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The splitter's fast lane: 64 bytes at once, as far as they are ASCII. The bytes are sorted into
 * classes, a bit for each byte, and where pieces begin follows from shifts and sums of those words.
 * The block begins where a piece does, so nothing is carried over from one to the next.
 */
#ifndef LLM_TOKENS_BLOCK_H
#define LLM_TOKENS_BLOCK_H

#include "llm/tokens.h"

#include <stdint.h>

#define BLOCK_SIZE 64

/* Whether this machine and this grammar have one. */
bool block_splits(enum token_grammar grammar);

/* A bit for each byte where a piece begins, the first always; up to the last one that is certain,
 * whatever follows the block: pieces end there, and the next block begins. 1: none ends for certain.
 * `at` has 64 readable bytes. */
uint64_t block_starts(enum token_grammar grammar, const char *at);

#endif
