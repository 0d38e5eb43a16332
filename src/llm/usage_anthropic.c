/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anthropic's Messages. What is read from the cache and what is written to it lie outside
 * input_tokens.
 *
 *   message_start   message.usage   what is known at the start
 *   message_delta   usage           cumulative: each member that is there, and not null, replaces
 *                                   the start's; with it the figures are final
 *
 * With compaction or an advisor the figures at the top leave sampling passes out, and `iterations`
 * has one entry a pass: those of types compaction and message are summed. An advisor's tokens have
 * another model's price and are kept apart. Where a fallback model answered, the top is right as it
 * is. The sum never goes below the top.
 */
#include "usage_read.h"

static bool read_iterations(struct span value, enum json_type type, struct usage_report *report);
static bool read_place(struct span value, enum json_type type, struct usage_report *report);
static bool read_speed(struct span value, enum json_type type, struct usage_report *report);

static const struct usage_field write_fields[] = {
    USAGE_NUMBER("ephemeral_5m_input_tokens", FIGURE_WRITTEN_5M),
    USAGE_NUMBER("ephemeral_1h_input_tokens", FIGURE_WRITTEN_1H),
};
static const struct usage_field output_fields[] = {
    USAGE_NUMBER("thinking_tokens", FIGURE_REASONING),
};
static const struct usage_field tool_fields[] = {
    USAGE_NUMBER("web_search_requests", FIGURE_SEARCHES),
};
static const struct usage_field usage_fields[] = {
    USAGE_NUMBER("input_tokens", FIGURE_INPUT),
    USAGE_NUMBER("output_tokens", FIGURE_OUTPUT),
    USAGE_NUMBER("cache_read_input_tokens", FIGURE_CACHED),
    USAGE_NUMBER("cache_creation_input_tokens", FIGURE_WRITTEN),
    USAGE_OBJECT("cache_creation", write_fields),
    USAGE_OBJECT("output_tokens_details", output_fields),
    USAGE_OBJECT("server_tool_use", tool_fields),
    USAGE_VALUE("service_tier", usage_read_tier),
    USAGE_VALUE("speed", read_speed),
    USAGE_VALUE("inference_geo", read_place),
    USAGE_VALUE("iterations", read_iterations), /* the last: its entries have no iterations */
};

/* The fast mode has a price of its own, whatever the tier. */
static bool read_speed(struct span value, enum json_type type, struct usage_report *report)
{
    if (openai_value_is(value, type, SPAN("fast")))
        report->tier = SERVICE_TIER_PRIORITY;
    return true;
}

/* Being served in one place only costs more, by a factor that no tier has. */
static bool read_place(struct span value, enum json_type type, struct usage_report *report)
{
    bool anywhere = type != JSON_STRING || openai_value_is(value, type, SPAN("global")) ||
                    openai_value_is(value, type, SPAN("not_available")) ||
                    openai_value_is(value, type, SPAN(""));
    if (!anywhere && report->tier == SERVICE_TIER_STANDARD)
        report->tier = SERVICE_TIER_OTHER;
    return true;
}

/* Written for an hour. What the split does not explain (a total that grew after it) is taken as the
 * dearer kind, if there was any of that. */
static int64_t written_1h(const struct usage_report *report, int64_t written)
{
    int64_t said = usage_figure(report, FIGURE_WRITTEN_1H);
    int64_t rest = written - usage_figure(report, FIGURE_WRITTEN_5M);
    if (said == 0)
        return 0;
    said = said > rest ? said : rest;
    return said > written ? written : said;
}

static bool sum(const struct usage_report *report, struct usage *out)
{
    *out = usage_parts(report);
    out->cached_input = usage_figure(report, FIGURE_CACHED);
    out->cache_write = usage_figure(report, FIGURE_WRITTEN);
    out->cache_write_1h = written_1h(report, out->cache_write);
    out->input = usage_figure(report, FIGURE_INPUT) + out->cached_input + out->cache_write;
    out->output = usage_figure(report, FIGURE_OUTPUT);
    return report->figures[FIGURE_INPUT] >= 0;
}

/* One report, all of whose parts came together. */
static bool read_report(struct span object, size_t fields, struct usage_report *fresh)
{
    *fresh = usage_report_empty;
    if (!usage_read_fields(object, usage_fields, fields, fresh))
        return false;
    int64_t split = usage_figure(fresh, FIGURE_WRITTEN_5M) + usage_figure(fresh, FIGURE_WRITTEN_1H);
    int64_t *written = &fresh->figures[FIGURE_WRITTEN];
    if (*written < 0 && split > 0)
        *written = split;
    return split <= usage_figure(fresh, FIGURE_WRITTEN) && *written <= TOKENS_MAX;
}

/* ---- passes ---- */

static void add_usage(struct usage *total, const struct usage *part)
{
    total->input += part->input;
    total->cached_input += part->cached_input;
    total->cache_write += part->cache_write;
    total->cache_write_1h += part->cache_write_1h;
    total->output += part->output;
    total->reasoning += part->reasoning;
}

/* One answer has one advisor: tokens of two would need two prices. */
static bool name_advisor(struct span pass, struct usage_report *report)
{
    enum json_type type;
    struct span model = usage_member(pass, SPAN("model"), &type);
    if (type != JSON_STRING || model.len <= 2 || model.len - 2 > USAGE_MODEL_SIZE)
        return false;
    struct span name = openai_text(model);
    struct span known = span_make(report->advisor_model, report->advisor_model_len);
    if (known.len > 0)
        return span_equal(known, name);
    memcpy(report->advisor_model, name.ptr, name.len);
    report->advisor_model_len = name.len;
    return true;
}

static bool read_pass(struct span pass, struct usage_report *report)
{
    enum json_type type;
    struct usage_report fresh;
    struct usage usage;
    struct span kind = usage_member(pass, SPAN("type"), &type);
    bool advisor = openai_value_is(kind, type, SPAN("advisor_message"));
    if (!advisor && !openai_value_is(kind, type, SPAN("message")) &&
        !openai_value_is(kind, type, SPAN("compaction")))
        return true;
    if (!read_report(pass, COUNT_OF(usage_fields) - 1, &fresh) || !sum(&fresh, &usage))
        return false;
    if (advisor && !name_advisor(pass, report))
        return false;
    struct usage *total = advisor ? &report->advisor : &report->passes;
    add_usage(total, &usage);
    report->pass_count += advisor ? 0 : 1;
    return total->input <= TOKENS_MAX && total->output <= TOKENS_MAX;
}

static bool read_iterations(struct span value, enum json_type type, struct usage_report *report)
{
    if (type != JSON_ARRAY)
        return type == JSON_NULL;
    bool fell_back = false;
    struct openai_walk walk = usage_elements(value);
    while (openai_walk_next(&walk)) {
        enum json_type kind_type;
        struct span kind = usage_member(walk.value, SPAN("type"), &kind_type);
        fell_back |= openai_value_is(kind, kind_type, SPAN("fallback_message"));
        if (walk.type != JSON_OBJECT || !read_pass(walk.value, report))
            return false;
    }
    if (fell_back)
        report->pass_count = 0;
    return true;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool sum_passes(const struct usage_report *report, struct usage *out)
{
    if (!sum(report, out) || report->pass_count == 0)
        return report->figures[FIGURE_INPUT] >= 0;
    const struct usage *passes = &report->passes;
    int64_t plain = larger(out->input - out->cached_input - out->cache_write,
                           passes->input - passes->cached_input - passes->cache_write);
    out->cached_input = larger(out->cached_input, passes->cached_input);
    out->cache_write = larger(out->cache_write, passes->cache_write);
    out->cache_write_1h = larger(out->cache_write_1h, passes->cache_write_1h);
    out->input = plain + out->cached_input + out->cache_write;
    out->output = larger(out->output, passes->output);
    out->reasoning = larger(out->reasoning, passes->reasoning);
    return true;
}

/* ---- events ---- */

static void merge(struct usage_report *report, const struct usage_report *later)
{
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        if (later->figures[i] >= 0)
            report->figures[i] = later->figures[i];
    if (later->tier != SERVICE_TIER_STANDARD)
        report->tier = later->tier;
    if (later->pass_count > 0 || later->advisor_model_len > 0) {
        report->passes = later->passes;
        report->pass_count = later->pass_count;
        report->advisor = later->advisor;
        memcpy(report->advisor_model, later->advisor_model, USAGE_MODEL_SIZE);
        report->advisor_model_len = later->advisor_model_len;
    }
}

static void read_event(struct span root, struct usage_event *event)
{
    enum json_type type;
    struct usage_report fresh;
    struct span message = usage_member(root, SPAN("message"), &type);
    event->begins = type == JSON_OBJECT;
    struct span usage = usage_member(event->begins ? message : root, SPAN("usage"), &type);
    if (type == JSON_NULL)
        return;
    /* A second message in one stream, seen where a provider began anew, is the one that counts. */
    if (event->begins)
        event->report = usage_report_empty;
    event->reported = true;
    event->ends = !event->begins;
    if (type == JSON_OBJECT && read_report(usage, COUNT_OF(usage_fields), &fresh))
        merge(&event->report, &fresh);
    else
        event->impossible = true;
}

const struct usage_rules usage_rules_anthropic = {read_event, sum_passes};
