/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Malformed text is repaired, then normalised for those whose tokenizers do that first. */
#include "tokens_text.h"

#include "tokens_utf8.h"

#include <stdint.h>
#include <stdlib.h>

bool text_prepare(enum token_grammar grammar, struct span text, struct span *ready, char **made)
{
    *made = NULL;
    *ready = text;
    if (!utf8_is_valid(text)) {
        *ready = utf8_repair(text);
        *made = (char *)(uintptr_t)ready->ptr;
        if (*made == NULL)
            return false;
    }
    if (grammar != GRAMMAR_QWEN || nfc_is_certain(*ready))
        return true;
    *ready = nfc_normalize(*ready);
    free(*made);
    *made = (char *)(uintptr_t)ready->ptr;
    return *made != NULL;
}
