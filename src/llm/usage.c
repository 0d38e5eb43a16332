/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is common to the usage of every dialect. */
#include "llm/usage.h"

#include "base/assert.h"

#define BYTES_PER_TOKEN 4

const char *usage_source_name(enum usage_source source)
{
    static const char *const names[] = {
        [USAGE_NONE] = "none", [USAGE_REPORTED] = "reported", [USAGE_COUNTED] = "counted"};
    ASSERT((unsigned)source < sizeof(names) / sizeof(names[0]));
    return names[source];
}

int64_t usage_estimate_tokens(uint64_t bytes)
{
    return (int64_t)(bytes / BYTES_PER_TOKEN + (bytes % BYTES_PER_TOKEN != 0 ? 1 : 0));
}
