/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Public conformance suites, where the machine has them beside the source tree. */
#ifndef TESTS_WIRE_SUITE_FILE_H
#define TESTS_WIRE_SUITE_FILE_H

#include "base/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole file, malloc'ed; skips the running test, with a message, where it is absent. */
static inline struct span suite_load(const char *name)
{
    char path[1000];
    snprintf(path, sizeof(path), "%s/../shared/data/conformance/%s", WEIR_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        print_message("%s is not here: skipped\n", name);
        skip();
        return SPAN_NONE;
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size > 0);
    rewind(file);
    char *text = malloc((size_t)size);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    return span_make(text, (size_t)size);
}

static inline void suite_unload(struct span text)
{
    free((void *)(uintptr_t)text.ptr);
}

/* Decodes base64 into `out`, which has room for as many bytes as the text; returns what was decoded. */
static inline struct span base64_decode(struct span text, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned have = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++) {
        const char *digit = strchr(alphabet, text.ptr[i]);
        assert_non_null(digit);
        bits = bits << 6 | (uint32_t)(digit - alphabet);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (char)(bits >> have & 0xFF);
        }
    }
    return span_make(out, len);
}

#endif
