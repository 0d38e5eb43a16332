/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients put one key into up to three headers (Continue: Authorization and api-key; Claude Code:
 * Authorization and x-api-key). Equal ones are one key; different ones are a riddle we do not solve.
 */
#include "credentials.h"

#include <stdbool.h>
#include <stddef.h>

static bool is_authorization(struct span name)
{
    return span_equal_nocase(name, SPAN("authorization"));
}

static bool is_key_field(struct span name)
{
    return span_equal_nocase(name, SPAN("x-api-key")) || span_equal_nocase(name, SPAN("api-key")) ||
           span_equal_nocase(name, SPAN("x-goog-api-key"));
}

enum err credentials_find(const struct headers *headers, struct span *key)
{
    *key = SPAN_NONE;
    bool authorized = false;
    for (size_t i = 0; i < headers->count; i++) {
        const struct header *header = &headers->items[i];
        struct span value;
        if (is_authorization(header->name)) {
            if (authorized)
                return ERR_KEY_AMBIGUOUS;
            authorized = true;
            value = bearer_token(header->value);
        } else if (is_key_field(header->name)) {
            value = header->value;
        } else {
            continue;
        }
        if (value.len == 0)
            continue;
        if (key->len != 0 && !span_equal(*key, value))
            return ERR_KEY_AMBIGUOUS;
        *key = value;
    }
    return key->len != 0 ? ERR_NONE : ERR_KEY_MISSING;
}
