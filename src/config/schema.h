/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of the names that a mapping may hold, and readers for common kinds of values. A name with
 * no reader belongs to a later version: it is known, and refused unless its value asks for nothing
 * (null, off, [] or {}). A null value counts as not given.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "node.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check;
struct field;

/* Reports what is wrong with the entry's value, or stores it in `into`. */
typedef void field_reader(struct check *check, const struct field *field, const struct entry *entry,
                          void *into);

enum field_flag {
    FIELD_REQUIRED = 1,
    FIELD_TAKES_NULL = 2, /* null is a value: the reader sees it */
};

#define CHOICE_LATER (-1) /* a value of a later version */

struct choice {
    const char *name;
    int value;
};

struct field {
    const char *name; /* "audio_*": every name that begins so */
    field_reader *read;
    unsigned flags;
    size_t offset; /* of the member of `into` that generic readers store in */
    int64_t least; /* in the member's unit */
    int64_t most;
    const struct choice *choices; /* ends in a NULL name */
    const char *example;
};

/* Reads a mapping by a table that ends in a NULL name. `where` ("tenant 'acme'", or "") is for
 * messages. */
void schema_map(struct check *check, const struct node *node, const char *where,
                const struct field *fields, void *into);

void schema_refuse_later(struct check *check, struct mark at, struct span name);
/* Reports that the value is none of the field's choices, and the nearest of them. */
void schema_refuse_choice(struct check *check, const struct field *field,
                          const struct entry *entry);
/* The text of a scalar. False when it is none (reported), or bad (reported before). */
bool schema_text(struct check *check, const struct entry *entry, struct span *text);
/* False after reporting when the value is no list. */
bool schema_is_list(struct check *check, const struct entry *entry);

/* Members: int64_t. least and most apply. */
field_reader field_count;
field_reader field_size;
field_reader field_duration;
/* Members: bool; an enum or int; const char * (not empty, no control characters). */
field_reader field_bool;
field_reader field_choice;
field_reader field_string;
/* As field_choice where this version knows but one choice: stores nothing. */
field_reader field_fixed;

#endif
