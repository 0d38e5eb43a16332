/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of JSON: what the strict pass, the walk and the decoder share. */
#ifndef WIRE_JSON_TEXT_H
#define WIRE_JSON_TEXT_H

#include "base/span.h"
#include "wire/json.h"

/* Where a token went wrong. */
struct json_where {
    const char *at;
    const char *what;
};

/* `at` is after the opening quote. Returns the closing quote and says whether there are escapes;
 * NULL, with *where, for control characters, bad UTF-8, bad escapes, NUL, lone surrogates, no
 * end. */
const char *json_string_end(const char *at, const char *end, bool *escaped,
                            struct json_where *where);
/* The closing quote of a string that has passed; `end` when there is none after all. */
const char *json_string_skip(const char *at, const char *end);
/* Decodes what stands between the quotes of a string that has passed. `out` has raw.len bytes;
 * returns how many are used. */
size_t json_unescape(struct span raw, char *out);

/* `at` is at a digit or minus. Returns the end of the number; NULL, with *where, when it is
 * malformed or beyond the range of a double. */
const char *json_number_end(const char *at, const char *end, struct json_where *where);

static inline bool json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static inline const char *json_skip_space(const char *at, const char *end)
{
    while (at < end && json_is_space(*at))
        at++;
    return at;
}

/* What kind of value begins with `c`, if one does: JSON_NULL for anything else. */
static inline enum json_type json_type_of(char c)
{
    switch (c) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

#endif
