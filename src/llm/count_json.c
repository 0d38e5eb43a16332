/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as a provider writes it again for the model: no white space, strings escaped as little as can
 * be, some keys of a schema left out. As deep as json_scan lets anything be.
 */
#include "count_private.h"

static void write_string(struct counter *counter, struct buf *out, struct member string)
{
    struct arena *scratch = counter->request->scratch;
    struct arena_mark mark = arena_mark(scratch);
    struct span text = count_decode(counter, string);
    buf_append_json_string(out, text.ptr != NULL ? text : SPAN(""));
    arena_rewind(scratch, mark);
}

static bool is_dropped(struct span key, enum json_type type, unsigned drop)
{
    if ((drop & JSON_DROP_REQUIRED) != 0 && type == JSON_ARRAY)
        return span_equal(key, SPAN("required"));
    if ((drop & JSON_DROP_ADDITIONAL) != 0 && (type == JSON_TRUE || type == JSON_FALSE))
        return span_equal(key, SPAN("additionalProperties"));
    if ((drop & JSON_DROP_DESCRIPTION) != 0 && type == JSON_STRING)
        return span_equal(key, SPAN("description"));
    return false;
}

static void write_container(struct counter *counter, struct buf *out, struct member container,
                            unsigned drop)
{
    bool object = container.type == JSON_OBJECT;
    size_t at = 0;
    struct span key;
    struct member value;
    bool first = true;
    buf_append_byte(out, object ? '{' : '[');
    while (!buf_failed(out) && json_walk(container.value, &at, &key, &value.value, &value.type)) {
        if (object && is_dropped(key, value.type, drop))
            continue;
        if (!first)
            buf_append_byte(out, ',');
        first = false;
        if (object) {
            struct member name = {span_make(key.ptr - 1, key.len + 2), JSON_STRING};
            write_string(counter, out, name);
            buf_append_byte(out, ':');
        }
        json_write_compact(counter, out, value, drop & ~JSON_DROP_DESCRIPTION);
    }
    buf_append_byte(out, object ? '}' : ']');
}

void json_write_compact(struct counter *counter, struct buf *out, struct member value,
                        unsigned drop)
{
    if (value.type == JSON_STRING)
        write_string(counter, out, value);
    else if (value.type == JSON_OBJECT || value.type == JSON_ARRAY)
        write_container(counter, out, value, drop);
    else
        buf_append(out, value.value);
}
