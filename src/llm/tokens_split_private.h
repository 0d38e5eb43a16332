/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The splitters of single grammars, each as split_piece. */
#ifndef LLM_TOKENS_SPLIT_PRIVATE_H
#define LLM_TOKENS_SPLIT_PRIVATE_H

const char *split_piece_deepseek(const char *at, const char *end);

#endif
