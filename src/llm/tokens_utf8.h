/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as it should be. */
#ifndef LLM_TOKENS_UTF8_H
#define LLM_TOKENS_UTF8_H

#include "base/span.h"

/* How long the character is that the text begins with; 0 where that is malformed, or nothing. */
size_t utf8_first_len(struct span text);

/* Whether all of it is well-formed. */
bool utf8_is_valid(struct span text);

/* A copy, to be freed, in which each maximal subpart of what is malformed is U+FFFD, as Python's
 * "replace" has it (Unicode 16.0, 3.9, "U+FFFD substitution of maximal subparts"). At most three
 * times as long. ptr is NULL where there is no memory. */
struct span utf8_repair(struct span text);

/* Where the last character begins if the text ends inside of it; the text's length otherwise. */
size_t utf8_whole_len(struct span text);

#endif
