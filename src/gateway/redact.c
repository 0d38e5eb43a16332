/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Works in place, so that it cannot fail: a message that could not be redacted would be passed on. */
#include "redact.h"

#include <string.h>

void redact(struct buf *text, struct span secret)
{
    static const struct span words = {"[redacted]", 10};
    size_t put = secret.len < words.len ? secret.len : words.len;
    struct span rest = buf_span(text);
    if (secret.len < REDACT_MIN || span_search(rest, secret) == rest.len)
        return;
    char *base = text->data + text->start;
    size_t len = 0;
    while (rest.len > 0) {
        size_t at = span_search(rest, secret);
        memmove(base + len, rest.ptr, at);
        len += at;
        if (at == rest.len)
            break;
        memcpy(base + len, words.ptr, put);
        len += put;
        rest = span_from(rest, at + secret.len);
    }
    buf_truncate(text, len);
}
