/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in three parts, so that a client's bytes are read strictly, looked into, and forwarded as
 * they came:
 *   json_scan   a strict validating pass of our own (RFC 8259) that also says where the members of
 *               the root object lie. cJSON alone accepts 16 invalid texts of the JSON test suite,
 *               keeps duplicate keys, cuts strings at NUL and gives no positions.
 *   json_parse  a tree, by cJSON, for parts that we must look into.
 *   json_edit   replaces spans of a text and leaves every other byte alone.
 * docs/internals/json.md says why.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 64

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* ---- the strict pass ---- */

struct json_member {
    struct span key;   /* decoded; from the text where it has no escape, else from the arena */
    struct span whole; /* from the key's quote to the end of the value, in the text */
    struct span value; /* as written, in the text */
    enum json_type type;
};

struct json_object {
    struct span text; /* the root value, without white space around it */
    enum json_type type;
    struct json_member *members; /* of the root, when it is an object; in the arena */
    size_t count;
};

struct json_fault {
    size_t offset;    /* in bytes from the start of the text */
    const char *what; /* "duplicate key", static */
};

/* Refuses: bytes that are not UTF-8, a BOM, bad grammar, anything after the value, depth over 64,
 * duplicate keys in any object (compared after decoding), NUL in any string, lone surrogates, and
 * numbers that a double would hold as infinity. Also refused are texts of 4 GiB, and those for
 * whose members the arena, or for whose keys the system, has no room. False fills *fault. The arena
 * gets the members only; time is linear in the text. */
bool json_scan(struct span text, struct arena *arena, struct json_object *out,
               struct json_fault *fault);

/* Exact case; NULL when absent. */
const struct json_member *json_member(const struct json_object *object, struct span key);
/* The decoded contents of a string value "…" that json_scan has passed; copied into the arena only
 * when it holds escapes. The empty span when the arena is full. */
struct span json_decode_string(struct span value, struct arena *arena);
/* A number value that is a whole number within int64_t, written without fraction or exponent. */
bool json_value_to_i64(struct span value, int64_t *out);
/* Walks the elements of an array, or the members of an object, that json_scan has passed: start
 * with *at = 0; false at the end. `key` is raw (still escaped, without quotes) and empty in arrays.
 * For a nested look without a tree. */
bool json_walk(struct span container, size_t *at, struct span *key, struct span *value,
               enum json_type *type);

/* ---- the tree ---- */

struct json; /* a node; the root owns all */

/* NULL when malformed. Text from outside goes through json_scan first where it can be. */
struct json *json_parse(struct span text);
void json_free(struct json **root);

enum json_type json_type(const struct json *node); /* JSON_NULL for NULL */
/* Exact case; NULL when absent or not an object. */
const struct json *json_get(const struct json *object, const char *key);
/* First child of an array or object, and its next sibling; NULL at the end. */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *node);
/* The empty span when it is not a string. Borrowed from the tree. */
struct span json_string(const struct json *node);
/* The key of an object's member. */
struct span json_key(const struct json *node);
/* A whole number within ±(2^53 - 1); false otherwise and for anything that is no number. The tree
 * holds doubles: a fraction too fine for one is gone here. What decides money is read by
 * json_value_to_i64. */
bool json_integer(const struct json *node, int64_t *out);
bool json_number(const struct json *node, double *out);
bool json_is_true(const struct json *node);

/* ---- edits ---- */

struct json_edit {
    size_t from; /* offsets into the text; from == to inserts */
    size_t to;
    struct span replacement;
};

/* Edits are in rising order and do not overlap (asserted). False when `out` is full. */
bool json_edit(struct span text, const struct json_edit *edits, size_t count, struct buf *out);

#endif
