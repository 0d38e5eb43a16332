/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the objects that are open at one moment of a scan, and whether one of them comes
 * twice in its object. Keys compare decoded.
 */
#ifndef WIRE_JSON_KEYS_H
#define WIRE_JSON_KEYS_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory is taken from malloc only beyond this many open keys. */
#define JSON_KEYS_INLINE 96

/* Offsets: a text is shorter than 4 GiB, and this is the memory that a hostile one makes us
 * take. */
struct json_key {
    uint32_t at;      /* in the text, after the quote */
    uint32_t len;     /* decoded, where it had escapes */
    uint32_t decoded; /* in `decoded`, plus one; 0: as written */
};

struct json_keys {
    const char *text;
    size_t text_len;
    struct json_key *items; /* inline_items, or malloc'ed */
    size_t count;
    size_t capacity;
    char *decoded; /* keys that had escapes, of open objects only */
    size_t decoded_len;
    size_t decoded_capacity;
    struct json_key inline_items[JSON_KEYS_INLINE];
};

enum json_keys_result {
    JSON_KEYS_OK,
    JSON_KEYS_DUPLICATE, /* *offset is where in the text the second one is */
    JSON_KEYS_NO_MEMORY,
};

/* `text` is shorter than 4 GiB. */
void json_keys_init(struct json_keys *keys, struct span text);
void json_keys_fini(struct json_keys *keys);

/* Adds a key of the object whose first key has index `from`. */
enum json_keys_result json_keys_add(struct json_keys *keys, size_t from, struct span raw,
                                    bool escaped, size_t *offset);
/* Ends that object and forgets its keys. A large one is checked only now. */
enum json_keys_result json_keys_end(struct json_keys *keys, size_t from, size_t *offset);

#endif
