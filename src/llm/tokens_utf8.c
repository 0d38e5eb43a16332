/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed UTF-8 is what Unicode's table 3-7 says; runs of ASCII are passed a word at a time. */
#include "tokens_utf8.h"

#include <stdlib.h>

static size_t ascii_run(const unsigned char *at, const unsigned char *end)
{
    const unsigned char *start = at;
    for (; end - at >= 32; at += 32) {
        uint64_t words[4];
        memcpy(words, at, sizeof(words));
        if (((words[0] | words[1] | words[2] | words[3]) & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    while (at < end && *at < 0x80)
        at++;
    return (size_t)(at - start);
}

/* The bytes of the character that begins at `at` with a byte over 0x7F. Malformed: *valid is false,
 * and they are the maximal subpart. */
static size_t sequence(const unsigned char *at, const unsigned char *end, bool *valid)
{
    unsigned char lead = at[0];
    size_t want = lead < 0xC2 || lead > 0xF4 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    /* Only the second byte's range depends on the first. */
    unsigned char lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    size_t len = 1;
    while (len < want && at + len < end && at[len] >= lowest && at[len] <= highest) {
        lowest = 0x80;
        highest = 0xBF;
        len++;
    }
    *valid = len == want && want > 1;
    return len;
}

size_t utf8_first_len(struct span text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    bool valid = text.len > 0 && *at < 0x80;
    size_t len = 1;
    if (text.len > 0 && !valid)
        len = sequence(at, at + text.len, &valid);
    return valid ? len : 0;
}

/* How long the well-formed beginning is. */
static size_t valid_run(const unsigned char *start, const unsigned char *end)
{
    const unsigned char *at = start;
    bool valid = true;
    while (at < end) {
        if (*at < 0x80) {
            at += ascii_run(at, end);
            continue;
        }
        size_t len = sequence(at, end, &valid);
        if (!valid)
            break;
        at += len;
    }
    return (size_t)(at - start);
}

bool utf8_is_valid(struct span text)
{
    const unsigned char *start = (const unsigned char *)text.ptr;
    return valid_run(start, start + text.len) == text.len;
}

struct span utf8_repair(struct span text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    const unsigned char *end = at + text.len;
    char *copy = malloc(text.len * 3 + 1);
    size_t len = 0;
    bool valid;
    if (copy == NULL)
        return SPAN_NONE;
    while (at < end) {
        size_t run = valid_run(at, end);
        memcpy(copy + len, at, run);
        len += run;
        at += run;
        if (at == end)
            break;
        at += sequence(at, end, &valid);
        memcpy(copy + len, "\xEF\xBF\xBD", 3);
        len += 3;
    }
    return span_make(copy, len);
}

size_t utf8_whole_len(struct span text)
{
    const unsigned char *start = (const unsigned char *)text.ptr;
    bool valid;
    for (size_t back = 1; back <= 3 && back <= text.len; back++) {
        const unsigned char *at = start + text.len - back;
        if (*at < 0xC0)
            continue;
        size_t want = *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : 4;
        /* A subpart that reaches the end and wants more. */
        bool open = sequence(at, start + text.len, &valid) == back && !valid && back < want;
        return open ? text.len - back : text.len;
    }
    return text.len;
}
