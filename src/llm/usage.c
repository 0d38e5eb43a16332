/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is common to the usage of every dialect. */
#include "llm/usage.h"

#include "base/assert.h"
#include "dialect_openai.h"

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

/* ---- kinds ---- */

#define KIND(name)                          \
    {                                       \
#name, offsetof(struct usage, name) \
    }

const struct usage_kind usage_kinds[USAGE_KINDS] = {
    KIND(input),       KIND(cached_input), KIND(cache_write),  KIND(cache_write_1h),
    KIND(audio_input), KIND(cached_audio), KIND(image_input),  KIND(output),
    KIND(reasoning),   KIND(audio_output), KIND(image_output), KIND(web_searches)};

int64_t usage_kind_value(const struct usage *usage, size_t kind)
{
    ASSERT(kind < USAGE_KINDS);
    return *(const int64_t *)(const void *)((const char *)usage + usage_kinds[kind].offset);
}

/* What no sum can hold is nobody's usage: it stays at the most. */
void usage_add(struct usage *sum, const struct usage *usage)
{
    for (size_t kind = 0; kind < USAGE_KINDS; kind++) {
        int64_t *total = (int64_t *)(void *)((char *)sum + usage_kinds[kind].offset);
        if (__builtin_add_overflow(*total, usage_kind_value(usage, kind), total))
            *total = INT64_MAX;
    }
    sum->service_tier = usage->service_tier;
}

/* ---- tiers ---- */

const char *service_tier_name(enum service_tier tier)
{
    static const char *const names[] = {[SERVICE_TIER_STANDARD] = "standard",
                                        [SERVICE_TIER_FLEX] = "flex",
                                        [SERVICE_TIER_PRIORITY] = "priority",
                                        [SERVICE_TIER_BATCH] = "batch",
                                        [SERVICE_TIER_OTHER] = "other"};
    ASSERT((unsigned)tier < sizeof(names) / sizeof(names[0]));
    return names[tier];
}

struct tier_name {
    struct span name;
    enum service_tier tier;
};

static const struct tier_name tier_names[] = {
    {SPAN(""), SERVICE_TIER_STANDARD},
    {SPAN("auto"), SERVICE_TIER_STANDARD}, /* the request's word, before one was chosen */
    {SPAN("default"), SERVICE_TIER_STANDARD},
    {SPAN("standard"), SERVICE_TIER_STANDARD},
    {SPAN("on_demand"), SERVICE_TIER_STANDARD}, /* Groq */
    {SPAN("ON_DEMAND"), SERVICE_TIER_STANDARD}, /* Vertex's traffic types */
    {SPAN("flex"), SERVICE_TIER_FLEX},
    {SPAN("ON_DEMAND_FLEX"), SERVICE_TIER_FLEX},
    {SPAN("priority"), SERVICE_TIER_PRIORITY},
    {SPAN("fast"), SERVICE_TIER_PRIORITY},
    {SPAN("ON_DEMAND_PRIORITY"), SERVICE_TIER_PRIORITY},
    {SPAN("batch"), SERVICE_TIER_BATCH},
};

enum service_tier usage_service_tier(struct span value)
{
    if (value.len == 0 || value.ptr[0] == 'n') /* null */
        return SERVICE_TIER_STANDARD;
    if (value.ptr[0] == '"')
        for (size_t i = 0; i < COUNT_OF(tier_names); i++)
            if (openai_text_is(openai_text(value), tier_names[i].name))
                return tier_names[i].tier;
    return SERVICE_TIER_OTHER;
}
