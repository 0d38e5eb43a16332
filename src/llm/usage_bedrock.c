/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bedrock's Converse. Cached tokens lie outside inputTokens: 2 + 1322 + 5 = 1329 was recorded. A
 * stream has them in its metadata event, which comes once, after messageStop; a whole answer at its
 * root. (What invoke sends is the model's own dialect.)
 */
#include "usage_read.h"

/* [{"ttl":"1h","inputTokens":7}]: how long the written tokens are kept. */
static bool read_cache_details(struct span value, enum json_type type, struct usage_report *report)
{
    if (type != JSON_ARRAY)
        return type == JSON_NULL;
    int64_t sum = 0;
    struct openai_walk walk = usage_elements(value);
    while (openai_walk_next(&walk)) {
        enum json_type tokens_type;
        enum json_type ttl_type;
        int64_t tokens = 0;
        if (walk.type != JSON_OBJECT)
            return false;
        struct span number = usage_member(walk.value, SPAN("inputTokens"), &tokens_type);
        struct span ttl = usage_member(walk.value, SPAN("ttl"), &ttl_type);
        if (!usage_read_number(number, tokens_type, &tokens))
            return false;
        if (!openai_value_is(ttl, ttl_type, SPAN("5m")))
            sum += tokens;
        if (sum > TOKENS_MAX)
            return false;
    }
    report->figures[FIGURE_WRITTEN_1H] = sum;
    return true;
}

static const struct usage_field usage_fields[] = {
    USAGE_NUMBER("inputTokens", FIGURE_INPUT),
    USAGE_NUMBER("outputTokens", FIGURE_OUTPUT),
    USAGE_NUMBER("totalTokens", FIGURE_TOTAL),
    USAGE_NUMBER("cacheReadInputTokens", FIGURE_CACHED),
    USAGE_NUMBER("cacheWriteInputTokens", FIGURE_WRITTEN),
    USAGE_VALUE("cacheDetails", read_cache_details),
};
static const struct usage_field tier_fields[] = {
    USAGE_VALUE("type", usage_read_tier),
};

static bool sum(const struct usage_report *report, struct usage *out)
{
    *out = usage_parts(report);
    out->cached_input = usage_figure(report, FIGURE_CACHED);
    out->cache_write = usage_figure(report, FIGURE_WRITTEN);
    out->cache_write_1h = usage_figure(report, FIGURE_WRITTEN_1H);
    out->input = usage_figure(report, FIGURE_INPUT) + out->cached_input + out->cache_write;
    out->output = usage_figure(report, FIGURE_OUTPUT);
    return report->figures[FIGURE_INPUT] >= 0 && usage_apply_total(report, out);
}

static void read_event(struct span root, struct usage_event *event)
{
    enum json_type type;
    struct span usage = usage_member(root, SPAN("usage"), &type);
    usage_event_report(event, usage, type, usage_fields, COUNT_OF(usage_fields));
    struct span tier = usage_member(root, SPAN("serviceTier"), &type);
    if (type == JSON_OBJECT)
        usage_read_fields(tier, tier_fields, COUNT_OF(tier_fields), &event->report);
    event->ends = event->reported;
}

const struct usage_rules usage_rules_bedrock = {read_event, sum};
