/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Price lists of others to a catalogue: genai-prices' data.json (v1, v2), LiteLLM's
 * model_prices_and_context_window.json, models.dev's api.json, and our own price file; which one it
 * is shows in its shape. An entry that cannot be charged by what it says is left out, never guessed
 * at, and told of with its key. Pure.
 */
#ifndef LLM_PRICE_IMPORT_H
#define LLM_PRICE_IMPORT_H

#include "llm/catalogue.h"

/* `key`: "openai/gpt-4o"; what: "left out: …" or what was changed. */
struct import_notes {
    void (*note)(void *context, struct span key, const char *what);
    void *context;
};

/* NULL with *fault filled: no JSON, or none of these shapes. */
struct catalogue *price_import(struct span text, const struct import_notes *notes,
                               struct catalogue_fault *fault);

#endif
