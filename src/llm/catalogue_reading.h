/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a price file: objects by tables of members, with the place of whatever is wrong. The text
 * has passed json_scan, so every key is there once.
 */
#ifndef LLM_CATALOGUE_READING_H
#define LLM_CATALOGUE_READING_H

#include "catalogue_private.h"
#include "wire/json.h"

struct reading {
    struct span text; /* the whole file */
    struct catalogue *catalogue;
    struct catalogue_fault *fault;
};

struct value {
    struct span text; /* as written */
    enum json_type type;
};

/* False after filling the fault. */
typedef bool member_reader(struct reading *reading, struct value value, void *into);

struct member {
    const char *key; /* NULL ends a table */
    member_reader *read;
    bool required;
};

/* Fills the fault with the place of `at`, which lies in the text. */
void reading_note_fault(struct reading *reading, struct span at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, for a reader's return: false, as who compiles or checks the reader can see. */
#define reading_fail(...) (reading_note_fault(__VA_ARGS__), false)

/* `what` names the object in messages ("a model"). */
bool reading_object(struct reading *reading, struct value value, const char *what,
                    const struct member *members, void *into);
/* Each element of an array. */
bool reading_array(struct reading *reading, struct value value, const char *what,
                   member_reader *read, void *into);
/* Decoded, copied into the catalogue's arena, not empty, visible characters and spaces. */
bool reading_string(struct reading *reading, struct value value, const char *what,
                    struct span *out);
/* The digits of a number, or of a string that holds one. */
bool reading_amount(struct reading *reading, struct value value, const char *what,
                    struct span *digits);
/* 1 to CATALOGUE_TOKENS_MAX. */
bool reading_tokens(struct reading *reading, struct value value, const char *what, int64_t *out);
bool reading_words(struct reading *reading, struct value value, const char *what, bool in_lower,
                   struct words *out);

/* struct clause **. */
member_reader reading_clause;
/* struct catalogue_entry *: its periods. */
member_reader reading_prices;

#endif
