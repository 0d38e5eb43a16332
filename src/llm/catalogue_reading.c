/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of values that all parts of a price file share. */
#include "catalogue_reading.h"

#include <stdarg.h>
#include <stdio.h>

/* Columns count bytes; a fault in a file of one line still has a use for them. */
void reading_note_fault(struct reading *reading, struct span at, const char *format, ...)
{
    struct catalogue_fault *fault = reading->fault;
    const char *line_start = reading->text.ptr;
    fault->line = 1;
    for (const char *c = reading->text.ptr; c < at.ptr; c++)
        if (*c == '\n') {
            fault->line++;
            line_start = c + 1;
        }
    fault->column = (size_t)(at.ptr - line_start) + 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->what, sizeof(fault->what), format, arguments);
    va_end(arguments);
}

static const struct member *find_member(const struct member *members, struct span key)
{
    for (; members->key != NULL; members++)
        if (span_equal(key, span_from_string(members->key)))
            return members;
    return NULL;
}

bool reading_object(struct reading *reading, struct value value, const char *what,
                    const struct member *members, void *into)
{
    struct span key;
    struct value inner;
    size_t at = 0;
    uint64_t seen = 0;
    if (value.type != JSON_OBJECT)
        return reading_fail(reading, value.text, "%s must be an object", what);
    while (json_walk(value.text, &at, &key, &inner.text, &inner.type)) {
        const struct member *member = find_member(members, key);
        if (member == NULL)
            return reading_fail(reading, key, "unknown key '%.*s' in %s", SPAN_ARG(key), what);
        seen |= UINT64_C(1) << (member - members);
        if (!member->read(reading, inner, into))
            return false;
    }
    for (const struct member *member = members; member->key != NULL; member++)
        if (member->required && (seen >> (member - members) & 1) == 0)
            return reading_fail(reading, value.text, "'%s' is missing in %s", member->key, what);
    return true;
}

bool reading_array(struct reading *reading, struct value value, const char *what,
                   member_reader *read, void *into)
{
    struct span key;
    struct value inner;
    size_t at = 0;
    if (value.type != JSON_ARRAY)
        return reading_fail(reading, value.text, "%s must be an array", what);
    while (json_walk(value.text, &at, &key, &inner.text, &inner.type))
        if (!read(reading, inner, into))
            return false;
    return true;
}

static bool is_printable(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

bool reading_string(struct reading *reading, struct value value, const char *what, struct span *out)
{
    struct arena *arena = &reading->catalogue->arena;
    if (value.type != JSON_STRING)
        return reading_fail(reading, value.text, "%s must be a string", what);
    struct span decoded = json_decode_string(value.text, arena);
    if (decoded.len == 0 || !is_printable(decoded))
        return reading_fail(reading, value.text, "%s must be text without control characters",
                            what);
    *out = arena_copy(arena, decoded);
    return true;
}

bool reading_amount(struct reading *reading, struct value value, const char *what,
                    struct span *digits)
{
    if (value.type != JSON_NUMBER && value.type != JSON_STRING)
        return reading_fail(reading, value.text, "%s must be a number", what);
    *digits = value.text;
    if (value.type == JSON_STRING) {
        digits->ptr++;
        digits->len -= 2;
    }
    return true;
}

bool reading_tokens(struct reading *reading, struct value value, const char *what, int64_t *out)
{
    int64_t tokens;
    if (value.type != JSON_NUMBER || !json_value_to_i64(value.text, &tokens) || tokens < 1 ||
        tokens > CATALOGUE_TOKENS_MAX)
        return reading_fail(reading, value.text, "%s must be from 1 to 100000000", what);
    *out = tokens;
    return true;
}

bool reading_words(struct reading *reading, struct value value, const char *what, bool in_lower,
                   struct words *out)
{
    struct arena *arena = &reading->catalogue->arena;
    struct span key;
    struct value inner;
    size_t at = 0;
    if (value.type != JSON_ARRAY)
        return reading_fail(reading, value.text, "%s must be an array of strings", what);
    while (json_walk(value.text, &at, &key, &inner.text, &inner.type)) {
        struct span text;
        if (!reading_string(reading, inner, what, &text))
            return false;
        words_add(out, arena, in_lower ? catalogue_lower(arena, text) : text);
    }
    return true;
}

/* ---- clauses ---- */

static bool read_parts(struct reading *reading, struct value value, struct clause *clause)
{
    struct span key;
    struct value inner;
    size_t at = 0;
    struct clause **next = &clause->first;
    if (value.type != JSON_ARRAY)
        return reading_fail(reading, value.text, "'or' and 'and' must hold arrays of clauses");
    while (json_walk(value.text, &at, &key, &inner.text, &inner.type)) {
        if (!reading_clause(reading, inner, next))
            return false;
        next = &(*next)->next;
    }
    return clause->first != NULL ||
           reading_fail(reading, value.text, "'or' and 'and' must not be empty");
}

/* (The scan has bounded the depth.) */
bool reading_clause(struct reading *reading, struct value value, void *into)
{
    struct clause **out = into;
    struct span key;
    struct value inner;
    size_t at = 0;
    size_t kind = 0;
    if (value.type != JSON_OBJECT || !json_walk(value.text, &at, &key, &inner.text, &inner.type))
        return reading_fail(reading, value.text, "a clause must be an object with one member");
    while (kind < CLAUSE_KINDS && !span_equal(key, span_from_string(clause_names[kind])))
        kind++;
    if (kind == CLAUSE_KINDS)
        return reading_fail(reading, key, "unknown clause '%.*s'", SPAN_ARG(key));
    struct span text = SPAN_NONE;
    bool has_parts = kind >= CLAUSE_OR;
    if (!has_parts && !reading_string(reading, inner, "what a clause compares with", &text))
        return false;
    *out = clause_new(&reading->catalogue->arena, (enum clause_kind)kind, text);
    if (*out == NULL)
        return reading_fail(reading, value.text, "the file is too large");
    if (kind == CLAUSE_NOT ? !reading_clause(reading, inner, &(*out)->first)
                           : has_parts && !read_parts(reading, inner, *out))
        return false;
    return !json_walk(value.text, &at, &key, &inner.text, &inner.type) ||
           reading_fail(reading, value.text, "a clause must be an object with one member");
}
