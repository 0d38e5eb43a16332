/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Text as a splitter wants it. */
#ifndef LLM_TOKENS_TEXT_H
#define LLM_TOKENS_TEXT_H

#include "llm/tokens.h"

/* UTF-8, and normalised where the grammar asks for it: nearly always the text itself, else a copy
 * that is at most TEXT_GROWTH times as long. `made` gets the copy, to be freed, or NULL. False where
 * there is no memory for one. */
#define TEXT_GROWTH 9

bool text_prepare(enum token_grammar grammar, struct span text, struct span *ready, char **made);

/* Whether text in UTF-8 is in Normalization Form C; sometimes false where it is. */
bool nfc_is_certain(struct span text);
/* A copy in that form, to be freed, at most three times as long. ptr is NULL where there is no
 * memory. */
struct span nfc_normalize(struct span text);

#endif
