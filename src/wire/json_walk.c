/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks into texts that the strict pass has let through, without a tree. Nothing is checked twice,
 * but nothing is read past the end either, whatever the text.
 */
#include "wire/json.h"

#include "json_text.h"

const struct json_member *json_member(const struct json_object *object, struct span key)
{
    for (size_t i = 0; i < object->count; i++)
        if (span_equal(object->members[i].key, key))
            return &object->members[i];
    return NULL;
}

struct span json_decode_string(struct span value, struct arena *arena)
{
    if (value.len < 2)
        return SPAN_NONE;
    struct span raw = span_make(value.ptr + 1, value.len - 2);
    if (span_find(raw, '\\') == raw.len)
        return raw;
    char *decoded = arena_alloc(arena, raw.len);
    return decoded != NULL ? span_make(decoded, json_unescape(raw, decoded)) : SPAN_NONE;
}

/* From the digits, not by way of a double, which is exact to 2^53 only. */
bool json_value_to_i64(struct span value, int64_t *out)
{
    bool negative = value.len > 0 && value.ptr[0] == '-';
    uint64_t magnitude;
    if (!span_to_u64(span_from(value, negative), &magnitude))
        return false;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

/* The end of the container that begins at `at`: brackets are counted, not matched, for they have
 * passed; those inside strings are stepped over. */
static const char *container_end(const char *at, const char *end)
{
    size_t depth = 0;
    for (; at < end; at++) {
        switch (*at) {
        case '"':
            at = json_string_skip(at + 1, end);
            if (at == end)
                return end;
            break;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (--depth == 0)
                return at + 1;
            break;
        default:
            break;
        }
    }
    return end;
}

/* The end of the value at `at`; `at` itself where there is none. */
static const char *value_end(const char *at, const char *end)
{
    if (*at == '{' || *at == '[')
        return container_end(at, end);
    if (*at == '"') {
        const char *close = json_string_skip(at + 1, end);
        return close < end ? close + 1 : end;
    }
    while (at < end && *at != ',' && *at != '}' && *at != ']' && !json_is_space(*at))
        at++;
    return at;
}

/* Takes the key at `at` and its colon; returns where the value begins, or `end`. */
static const char *take_key(const char *at, const char *end, struct span *key)
{
    const char *close = json_string_skip(at + 1, end);
    *key = span_make(at + 1, (size_t)(close - at - 1));
    at = json_skip_space(close < end ? close + 1 : end, end);
    return json_skip_space(at < end ? at + 1 : end, end);
}

bool json_walk(struct span container, size_t *at, struct span *key, struct span *value,
               enum json_type *type)
{
    const char *end = container.ptr + container.len;
    if (container.len < 2 || *at >= container.len)
        return false;
    /* The opening bracket at first, then the comma. */
    const char *here = json_skip_space(container.ptr + *at, end);
    here = json_skip_space(here < end ? here + (*at == 0 || *here == ',') : end, end);
    if (here == end || *here == ']' || *here == '}')
        return false;
    *key = SPAN_NONE;
    if (container.ptr[0] == '{')
        here = take_key(here, end, key);
    const char *stop = here < end ? value_end(here, end) : end;
    if (stop == here)
        return false;
    *type = json_type_of(*here);
    *value = span_make(here, (size_t)(stop - here));
    *at = (size_t)(stop - container.ptr);
    return true;
}
