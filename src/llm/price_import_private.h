/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the importers share. An importer reads one shape into a catalogue; entry by entry it fills a
 * draft of prices, and finishes it or leaves the entry out.
 */
#ifndef LLM_PRICE_IMPORT_PRIVATE_H
#define LLM_PRICE_IMPORT_PRIVATE_H

#include "catalogue_private.h"
#include "llm/price_import.h"
#include "wire/json.h"

struct importing {
    const struct import_notes *notes;
    struct catalogue *catalogue;
    struct arena scratch;
    struct span provider; /* of the entry under way, for notes; so is the next */
    struct span model;
    int depth; /* of clauses */
};

struct value {
    struct span text;
    enum json_type type; /* JSON_NULL where it is absent */
};

/* A note on the entry under way. */
void import_note(struct importing *importing, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The member of an object, raw keys; JSON_NULL when absent or no object. */
struct value import_get(struct value object, const char *key);
/* Decoded; the empty span when it is no string, or has control characters. */
struct span import_string(struct importing *importing, struct value value);

/* value × 10^power as a whole number, rounded up where it is finer. Digits past the fifteenth are
 * a double's noise (0.18000000000000002) and rounded to the nearest. False when it is no number that
 * is not negative, or too large. */
bool import_decimal(struct value value, int power, int64_t *out);

/* ---- prices under way ---- */

#define DRAFT_STEPS 8

struct price_draft {
    struct price_rates base;
    struct price_step steps[DRAFT_STEPS]; /* rising; rates that are not given as below */
    size_t step_count;
    bool overflowed; /* more steps than that */
};

/* Where a rate of price_rates lies. */
#define RATE(name) offsetof(struct price_rates, name##_pusd)

static inline int64_t *rate_at(struct price_rates *rates, size_t offset)
{
    return (int64_t *)(void *)((char *)rates + offset);
}

void draft_init(struct price_draft *draft);
/* above_tokens 0: the base. */
void draft_set(struct price_draft *draft, int64_t above_tokens, size_t rate, int64_t pusd);
/* Into price->rates and steps. Output without a price costs as input. False after a note. */
bool draft_finish(struct importing *importing, const struct price_draft *draft,
                  struct price *price);

/* Adds one, for import_add; NULL after a note when the id is empty or taken, or there is no room. */
struct catalogue_provider *import_provider(struct importing *importing, struct span id);

/* An entry with these periods, to the provider that was added last. Without `match` it is matched by
 * its id. */
void import_add(struct importing *importing, struct catalogue_entry from,
                const struct price_period *periods, size_t count, const struct clause *match);
/* 1 … CATALOGUE_TOKENS_MAX, else 0. */
int64_t import_tokens(struct value value);

/* ---- providers ---- */

/* Our id for what other lists call it ("gemini" → "google"); the name itself if it is not known. */
struct span import_provider_id(struct span name);
/* The other names and the URL of a provider that is known here, as far as it has none yet. */
void import_complete_provider(struct importing *importing, struct catalogue_provider *provider);

/* ---- patterns ---- */

/* A regular expression as CLAUSE_LIKE patterns: literals, \\d, classes and dots with + or *, groups,
 * alternatives, '?', {n}, anchors. `anchored`: it begins where the text does. False when there is
 * more to it. */
bool import_pattern(struct importing *importing, struct span regex, bool anchored,
                    struct words *out);

/* ---- the shapes ---- */

void import_genai(struct importing *importing, struct value root);
void import_litellm(struct importing *importing, struct value root);
void import_models_dev(struct importing *importing, struct value root);

#endif
