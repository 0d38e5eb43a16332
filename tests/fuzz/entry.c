/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What libFuzzer calls. Built once for each driver, whose name cmake gives as FUZZ_DRIVER. */
#include "fuzz.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FUZZ_DRIVER(span_make((const char *)data, size));
    return 0;
}

void fuzz_fail(const char *text, const char *file, int line)
{
    fprintf(stderr, "check failed: %s at %s:%d\n", text, file, line);
    abort();
}
