/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of a text: what lies between them is copied as it is. */
#include "wire/json.h"

#include "base/assert.h"

bool json_edit(struct span text, const struct json_edit *edits, size_t count, struct buf *out)
{
    size_t at = 0; /* what of the text is done */
    for (size_t i = 0; i < count; i++) {
        ASSERT(at <= edits[i].from && edits[i].from <= edits[i].to && edits[i].to <= text.len);
        buf_append(out, span_make(text.ptr + at, edits[i].from - at));
        buf_append(out, edits[i].replacement);
        at = edits[i].to;
    }
    buf_append(out, span_from(text, at));
    return !buf_failed(out);
}
