/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Public conformance suites, where the machine has them beside the source tree. */
#ifndef TESTS_WIRE_SUITE_FILE_H
#define TESTS_WIRE_SUITE_FILE_H

#include "base/span.h"

#include <stdio.h>
#include <stdlib.h>

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

#endif
