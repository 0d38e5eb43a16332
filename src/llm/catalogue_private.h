/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A catalogue from within, and how readers build one. Everything lies in its arena; lists keep the
 * order of the file. Entries are ordered by provider.
 */
#ifndef LLM_CATALOGUE_PRIVATE_H
#define LLM_CATALOGUE_PRIVATE_H

#include "base/arena.h"
#include "llm/catalogue.h"

#define CATALOGUE_PERIODS_MAX 16

struct word {
    struct span text;
    struct word *next;
};

struct words {
    struct word *first;
    struct word *last;
};

enum clause_kind {
    CLAUSE_EQUALS,
    CLAUSE_STARTS_WITH,
    CLAUSE_ENDS_WITH,
    CLAUSE_CONTAINS,
    CLAUSE_LIKE, /* '*' is any text, '#' a digit */
    CLAUSE_OR,
    CLAUSE_AND,
    CLAUSE_NOT,
    CLAUSE_KINDS
};

struct clause {
    enum clause_kind kind;
    struct span text;     /* in lower case; of the last three, empty */
    struct clause *first; /* their parts, at least one; of CLAUSE_NOT, one */
    struct clause *next;
};

/* "equals" … "not", by kind. */
extern const char *const clause_names[CLAUSE_KINDS];

struct catalogue_provider {
    struct span id;
    struct words urls;  /* patterns as CLAUSE_LIKE; in lower case */
    struct words names; /* others than the id */
    struct words also;  /* providers whose models it sells */
    struct catalogue_entry *first_entry;
    struct catalogue_entry *last_entry; /* entries in between are all its own */
    struct catalogue_provider *next;
};

struct catalogue {
    struct arena arena;
    struct span source;
    struct catalogue_provider *first_provider;
    struct catalogue_provider *last_provider;
    struct catalogue_entry *last_entry;
};

/* An empty one, to be added to. Room that is lacking shows in arena_failed(). */
struct catalogue *catalogue_make(void);
/* Copies the id; NULL when the arena is full. */
struct catalogue_provider *catalogue_add_provider(struct catalogue *catalogue, struct span id);
/* To the provider that was added last; the entry lies in the arena. */
void catalogue_add_entry(struct catalogue *catalogue, struct catalogue_entry *entry);
const struct catalogue_provider *catalogue_provider(const struct catalogue *catalogue,
                                                    struct span id);
void words_add(struct words *words, struct arena *arena, struct span text);
/* Copied, in lower case. The empty span when the arena is full. */
struct span catalogue_lower(struct arena *arena, struct span text);

/* [{"input":2.5,…}], as in a file. */
void catalogue_write_prices(const struct price_schedule *prices, struct buf *out);

bool clause_matches(const struct clause *clause, struct span lower);
/* Whether the clause says that it is this text and no other. */
bool clause_names_exactly(const struct clause *clause, struct span lower);
bool clause_like(struct span pattern, struct span text);
struct clause *clause_new(struct arena *arena, enum clause_kind kind, struct span text);

#endif
