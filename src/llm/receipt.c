/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text for a receipt's fixed fields. Names come from clients and providers and end up in logs,
 * labels and tables: what is copied is valid UTF-8 without control characters, whatever came.
 */
#include "llm/receipt.h"

#include <stddef.h>
#include <string.h>

/* The length that a first byte announces, and the least code point that may use it: a smaller one
 * would be an overlong form. 0: no first byte. */
static size_t announced(unsigned char first, uint32_t *least)
{
    static const uint32_t leasts[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = first < 0x80             ? 1
                 : (first & 0xE0) == 0xC0 ? 2
                 : (first & 0xF0) == 0xE0 ? 3
                 : (first & 0xF8) == 0xF0 ? 4
                                          : 0;
    *least = leasts[len];
    return len;
}

/* Reads one character; returns its length, 0 when it is not UTF-8. */
static size_t read_character(struct span text, uint32_t *code)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    uint32_t least;
    size_t len = announced(bytes[0], &least);
    if (len == 0 || len > text.len)
        return 0;
    uint32_t value = len == 1 ? bytes[0] : bytes[0] & (0x7FU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3F);
    }
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code = value;
    return len;
}

/* C0, DEL and C1. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code <= 0x9F);
}

void receipt_copy(char field[RECEIPT_NAME_SIZE], struct span text)
{
    size_t used = 0;
    while (text.len > 0) {
        uint32_t code = 0;
        size_t len = read_character(text, &code);
        bool keep = len > 0 && !is_control(code);
        size_t size = keep ? len : 1;
        if (used + size > RECEIPT_NAME_SIZE - 1)
            break;
        if (keep)
            memcpy(field + used, text.ptr, size);
        else
            field[used] = '?';
        used += size;
        text = span_from(text, len > 0 ? len : 1);
    }
    /* The rest too: receipts are compared and written to files whole. */
    memset(field + used, 0, RECEIPT_NAME_SIZE - used);
}
