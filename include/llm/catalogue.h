/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What models cost at providers, from a price file (docs/prices.md): JSON, prices in US dollars for
 * a million tokens, read as exact decimals. A provider is recognised by the URL it is reached at,
 * else by its name; a model by the clauses of its entry. Immutable once made; any thread.
 */
#ifndef LLM_CATALOGUE_H
#define LLM_CATALOGUE_H

#include "base/buf.h"
#include "base/span.h"
#include "llm/price.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CATALOGUE_TEXT_MAX   ((size_t)16 << 20)     /* bytes of a file that are read */
#define CATALOGUE_TOKENS_MAX INT64_C(100000000)     /* of a window, a step */
#define CATALOGUE_PUSD_MAX   INT64_C(1000000000000) /* a dollar a token: more is a slip of units */
#define CATALOGUE_NUSD_MAX   INT64_C(1000000000000) /* 1000 dollars a request or search: the same */

struct catalogue;
struct clause;

struct catalogue_entry {
    struct span provider; /* ids: "openai", "gpt-4o" */
    struct span model;
    struct price_schedule prices; /* never empty */
    int64_t context_window;       /* 0: not said; so is the next */
    int64_t max_output_tokens;
    const struct clause *match;
    const struct catalogue_entry *next; /* in the file's order, whatever the provider; NULL: last */
};

/* Where a price file is wrong. */
struct catalogue_fault {
    size_t line; /* from 1 */
    size_t column;
    char what[160]; /* "unknown key 'modles'" */
};

/* Copies what it keeps of the text. NULL with *fault filled. */
struct catalogue *catalogue_new(struct span text, struct catalogue_fault *fault);
void catalogue_free(struct catalogue **catalogue);

/* The catalogue that comes with the program, as text. */
struct span catalogue_shipped(void);

/* What the file says of where its prices are from; may be empty. */
struct span catalogue_source(const struct catalogue *catalogue);
/* NULL where there is none. */
const struct catalogue_entry *catalogue_first(const struct catalogue *catalogue);

/* The entry for a provider's model, NULL when there is none. `provider` is the name that the
 * operator gave it; base_url may be empty. Letters compare without case. An entry that names the
 * model exactly goes before one with a wider clause, then the file's order decides; a provider that
 * sells others' models (Azure) is asked first, then they. */
const struct catalogue_entry *catalogue_find(const struct catalogue *catalogue,
                                             struct span provider, struct span base_url,
                                             struct span model);
/* The same by the ids of catalogue entries, as other files have them: first by both ids, then as a
 * model of the provider. */
const struct catalogue_entry *catalogue_find_id(const struct catalogue *catalogue,
                                                struct span provider, struct span model);

/* Appends the file that catalogue_new reads, one model a line; the same catalogue gives the same
 * bytes. False when `out` is full. */
bool catalogue_write(const struct catalogue *catalogue, struct buf *out);

/* Appends what differs in prices, a line an entry: "+ openai/gpt-6: input 2, output 8", "- …", or
 * "~ openai/gpt-4o: input 2.5 -> 5", and the sums of them; entries are met by catalogue_find_id. True
 * when nothing differs. */
bool catalogue_diff(const struct catalogue *old, const struct catalogue *new, struct buf *out);

/* "2.5", "10", "0.000001": a rate in US dollars for a million tokens; returns out. */
#define CATALOGUE_RATE_SIZE 24
char *catalogue_format_rate(int64_t pusd, char out[CATALOGUE_RATE_SIZE]);

#endif
