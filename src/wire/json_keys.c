/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack of keys. The few keys of an ordinary object are compared pairwise as they come; an object
 * with more than PAIRWISE_MAX is checked at its end through a hash table, so that a million keys
 * cost a million look-ups. The hash is keyed, so nobody can choose collisions.
 *
 * Memory follows the text: 12 bytes a key, 8 to 16 more while a large object is checked, and a key
 * takes 6 bytes or more of text (quotes, colon, value, comma, and all but one have a letter).
 */
#include "json_keys.h"

#include "base/table.h"
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

#define PAIRWISE_MAX  ((size_t)16)
#define DECODED_FIRST ((size_t)256)

void json_keys_init(struct json_keys *keys, struct span text)
{
    /* The inline items are left as they are: clearing them would cost more than a small scan. */
    keys->text = text.ptr;
    keys->text_len = text.len;
    keys->items = keys->inline_items;
    keys->count = 0;
    keys->capacity = JSON_KEYS_INLINE;
    keys->decoded = NULL;
    keys->decoded_len = keys->decoded_capacity = 0;
}

void json_keys_fini(struct json_keys *keys)
{
    if (keys->items != keys->inline_items)
        free(keys->items);
    free(keys->decoded);
}

/* As compared. Valid until the next key is added: both memories may move. */
static struct span key_span(const struct json_keys *keys, const struct json_key *key)
{
    const char *ptr = key->decoded > 0 ? keys->decoded + key->decoded - 1 : keys->text + key->at;
    return span_make(ptr, key->len);
}

static bool same_key(const struct json_keys *keys, const struct json_key *a,
                     const struct json_key *b)
{
    return a->len == b->len && span_equal(key_span(keys, a), key_span(keys, b));
}

/* Room for one more key. The first move is out of the inline items, which most texts never
 * leave. */
static bool grow_items(struct json_keys *keys)
{
    if (keys->count < keys->capacity)
        return true;
    bool inline_items = keys->items == keys->inline_items;
    size_t capacity = keys->capacity * 2;
    struct json_key *items =
        realloc(inline_items ? NULL : keys->items, capacity * sizeof(keys->items[0]));
    if (items == NULL)
        return false;
    if (inline_items)
        memcpy(items, keys->inline_items, sizeof(keys->inline_items));
    keys->items = items;
    keys->capacity = capacity;
    return true;
}

/* Room for `size` more bytes of decoded keys, which are never longer than the text. */
static bool grow_decoded(struct json_keys *keys, size_t size)
{
    if (size <= keys->decoded_capacity - keys->decoded_len)
        return true;
    size_t capacity = keys->decoded_capacity * 2 + DECODED_FIRST + size;
    if (capacity > keys->text_len)
        capacity = keys->text_len;
    char *decoded = realloc(keys->decoded, capacity);
    if (decoded == NULL)
        return false;
    keys->decoded = decoded;
    keys->decoded_capacity = capacity;
    return true;
}

/* A key with escapes is compared by what it means: "mod\u0065l" is "model". */
static bool decode(struct json_keys *keys, struct json_key *key, struct span raw)
{
    if (!grow_decoded(keys, raw.len))
        return false;
    key->decoded = (uint32_t)keys->decoded_len + 1;
    key->len = (uint32_t)json_unescape(raw, keys->decoded + keys->decoded_len);
    keys->decoded_len += key->len;
    return true;
}

enum json_keys_result json_keys_add(struct json_keys *keys, size_t from, struct span raw,
                                    bool escaped, size_t *offset)
{
    struct json_key key = {.at = (uint32_t)(raw.ptr - keys->text), .len = (uint32_t)raw.len};
    if (!grow_items(keys) || (escaped && !decode(keys, &key, raw)))
        return JSON_KEYS_NO_MEMORY;
    *offset = key.at - 1;
    /* Beyond the first few, keys wait for json_keys_end. */
    if (keys->count - from < PAIRWISE_MAX)
        for (size_t i = from; i < keys->count; i++)
            if (same_key(keys, &keys->items[i], &key))
                return JSON_KEYS_DUPLICATE;
    keys->items[keys->count++] = key;
    return JSON_KEYS_OK;
}

/* Enters the keys from `from` on into a table of indices, `mask` + 1 slots of which half stay
 * free. */
static enum json_keys_result check_hashed(const struct json_keys *keys, size_t from,
                                          uint32_t *slots, size_t mask, size_t *offset)
{
    for (size_t i = from; i < keys->count; i++) {
        const struct json_key *key = &keys->items[i];
        size_t slot = hash_bytes(key_span(keys, key)) & mask;
        for (; slots[slot] > 0; slot = (slot + 1) & mask) {
            if (!same_key(keys, &keys->items[from + slots[slot] - 1], key))
                continue;
            *offset = key->at - 1;
            return JSON_KEYS_DUPLICATE;
        }
        slots[slot] = (uint32_t)(i - from + 1); /* 0 is a free slot */
    }
    return JSON_KEYS_OK;
}

/* Forgets the keys from `from` on, and their decoded bytes. */
static void pop(struct json_keys *keys, size_t from)
{
    for (size_t i = from; i < keys->count; i++) {
        if (keys->items[i].decoded == 0)
            continue;
        keys->decoded_len = keys->items[i].decoded - 1; /* the first is the lowest */
        break;
    }
    keys->count = from;
}

enum json_keys_result json_keys_end(struct json_keys *keys, size_t from, size_t *offset)
{
    enum json_keys_result result = JSON_KEYS_OK;
    size_t count = keys->count - from;
    if (count > PAIRWISE_MAX) {
        size_t slot_count = PAIRWISE_MAX * 4;
        while (slot_count < count * 2)
            slot_count *= 2;
        uint32_t *slots = calloc(slot_count, sizeof(slots[0]));
        result = slots == NULL ? JSON_KEYS_NO_MEMORY
                               : check_hashed(keys, from, slots, slot_count - 1, offset);
        free(slots);
    }
    pop(keys, from);
    return result;
}
