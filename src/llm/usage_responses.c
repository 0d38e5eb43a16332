/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Responses API counts as chat does, under other names: parts inside their totals. In a stream
 * the last event (completed, incomplete, failed) carries the response, and the response its usage;
 * a whole answer is the response. Images and transcriptions have the same usage at the root.
 *
 * Searches are billed each. Where tool_usage does not count them, the items of the output do: one
 * for each web_search_call that searched (opening a page it found is not billed).
 */
#include "usage_read.h"

static const struct usage_field write_fields[] = {
    USAGE_NUMBER("ttl_30m_tokens", FIGURE_WRITTEN_5M),
    USAGE_NUMBER("ttl_12h_tokens", FIGURE_WRITTEN_1H),
};
static const struct usage_field input_fields[] = {
    USAGE_NUMBER("cached_tokens", FIGURE_CACHED),
    USAGE_NUMBER("cache_write_tokens", FIGURE_WRITTEN),
    USAGE_OBJECT("cache_write_tokens_details", write_fields),
    USAGE_NUMBER("audio_tokens", FIGURE_AUDIO_INPUT),
    USAGE_NUMBER("image_tokens", FIGURE_IMAGE_INPUT),
};
static const struct usage_field output_fields[] = {
    USAGE_NUMBER("reasoning_tokens", FIGURE_REASONING),
    USAGE_NUMBER("audio_tokens", FIGURE_AUDIO_OUTPUT),
    USAGE_NUMBER("image_tokens", FIGURE_IMAGE_OUTPUT),
};
static const struct usage_field usage_fields[] = {
    USAGE_NUMBER("input_tokens", FIGURE_INPUT),
    USAGE_NUMBER("output_tokens", FIGURE_OUTPUT),
    USAGE_NUMBER("total_tokens", FIGURE_TOTAL),
    USAGE_OBJECT("input_tokens_details", input_fields),
    USAGE_OBJECT("input_token_details", input_fields), /* transcriptions */
    USAGE_OBJECT("output_tokens_details", output_fields),
};

static bool sum(const struct usage_report *report, struct usage *out)
{
    *out = usage_parts(report);
    out->input = usage_figure(report, FIGURE_INPUT);
    out->output = usage_figure(report, FIGURE_OUTPUT);
    out->cached_input = usage_figure(report, FIGURE_CACHED);
    out->cache_write = usage_figure(report, FIGURE_WRITTEN);
    out->cache_write_1h = usage_figure(report, FIGURE_WRITTEN_1H);
    return report->figures[FIGURE_INPUT] >= 0 && usage_apply_total(report, out);
}

static const struct usage_field search_fields[] = {
    USAGE_NUMBER("num_requests", FIGURE_SEARCHES),
};
static const struct usage_field tool_fields[] = {
    USAGE_OBJECT("web_search", search_fields),
};

/* Whether an item of the output is a search, and not a look into what one found. */
static bool is_search(struct span item)
{
    enum json_type type;
    struct span name = usage_member(item, SPAN("type"), &type);
    if (!openai_value_is(name, type, SPAN("web_search_call")))
        return false;
    struct span action = usage_member(item, SPAN("action"), &type);
    struct span kind = usage_member(action, SPAN("type"), &type);
    return !openai_value_is(kind, type, SPAN("open_page")) &&
           !openai_value_is(kind, type, SPAN("find_in_page"));
}

static void read_searches(struct span response, struct usage_event *event)
{
    enum json_type type;
    struct span tools = usage_member(response, SPAN("tool_usage"), &type);
    if (type == JSON_OBJECT &&
        !usage_read_fields(tools, tool_fields, COUNT_OF(tool_fields), &event->report))
        event->impossible = true;
    struct span output = usage_member(response, SPAN("output"), &type);
    struct openai_walk walk = usage_elements(output);
    int64_t searches = 0;
    while (openai_walk_next(&walk))
        searches += is_search(walk.value);
    event->report.figures[FIGURE_SEARCHES_BESIDE] = searches;
}

static bool is_terminal(struct span root)
{
    static const struct span terminal[] = {SPAN_INIT("response.completed"),
                                           SPAN_INIT("response.incomplete"),
                                           SPAN_INIT("response.failed")};
    enum json_type type;
    struct span name = usage_member(root, SPAN("type"), &type);
    for (size_t i = 0; i < COUNT_OF(terminal); i++)
        if (openai_value_is(name, type, terminal[i]))
            return true;
    return false;
}

static void read_event(struct span root, struct usage_event *event)
{
    enum json_type type;
    struct span response = usage_member(root, SPAN("response"), &type);
    bool whole = type != JSON_OBJECT;
    if (whole)
        response = root;
    struct span usage = usage_member(response, SPAN("usage"), &type);
    usage_event_report(event, usage, type, usage_fields, COUNT_OF(usage_fields));
    if (!event->reported)
        return;
    struct span tier = usage_member(response, SPAN("service_tier"), &type);
    usage_read_tier(tier, type, &event->report);
    read_searches(response, event);
    event->ends = whole || is_terminal(root);
}

const struct usage_rules usage_rules_responses = {read_event, sum};
