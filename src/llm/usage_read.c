/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports into figures, by tables, and what holds of figures in every dialect.
 *
 * A figure is a whole number from 0 to 2^53, or null. Anything else makes the whole report
 * impossible: where one figure is nonsense, no other in the report is believed either.
 */
#include "usage_read.h"

const struct usage_report usage_report_empty = {
    .figures = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
};

bool usage_read_number(struct span value, enum json_type type, int64_t *figure)
{
    if (type == JSON_NULL)
        return true;
    return type == JSON_NUMBER && json_value_to_i64(value, figure) && *figure >= 0 &&
           *figure <= TOKENS_MAX;
}

static bool read_field(const struct usage_field *field, const struct openai_walk *member,
                       struct usage_report *report)
{
    if (field->read != NULL)
        return field->read(member->value, member->type, report);
    if (field->fields == NULL)
        return usage_read_number(member->value, member->type, &report->figures[field->figure]);
    if (member->type != JSON_OBJECT)
        return member->type == JSON_NULL;
    return usage_read_fields(member->value, field->fields, field->count, report);
}

/* Tables nest as deep as they are written: two levels. */
bool usage_read_fields(struct span object, const struct usage_field *fields, size_t count,
                       struct usage_report *report)
{
    struct openai_walk walk = {.inside = object};
    while (openai_walk_next(&walk)) {
        size_t i = 0;
        while (i < count && !openai_text_is(walk.key, fields[i].key))
            i++;
        if (i < count && !read_field(&fields[i], &walk, report))
            return false;
    }
    return true;
}

struct span usage_member(struct span value, struct span key, enum json_type *type)
{
    bool object = value.len > 0 && value.ptr[0] == '{';
    struct openai_walk walk = {.inside = object ? value : SPAN("")};
    while (openai_walk_next(&walk))
        if (openai_text_is(walk.key, key)) {
            *type = walk.type;
            return walk.value;
        }
    *type = JSON_NULL;
    return SPAN("");
}

struct openai_walk usage_elements(struct span value)
{
    bool array = value.len > 0 && value.ptr[0] == '[';
    return (struct openai_walk){.inside = array ? value : SPAN("")};
}

void usage_event_report(struct usage_event *event, struct span value, enum json_type type,
                        const struct usage_field *fields, size_t count)
{
    if (type == JSON_NULL)
        return;
    struct usage_report fresh = usage_report_empty;
    event->impossible = type != JSON_OBJECT || !usage_read_fields(value, fields, count, &fresh);
    event->reported = event->impossible || !usage_report_is_empty(&fresh);
    if (event->reported)
        event->report = fresh;
}

bool usage_read_tier(struct span value, enum json_type type, struct usage_report *report)
{
    (void)type;
    enum service_tier tier = usage_service_tier(value);
    if (tier != SERVICE_TIER_STANDARD)
        report->tier = tier;
    return true;
}

bool usage_report_is_empty(const struct usage_report *report)
{
    static const enum usage_figure tokens[] = {
        FIGURE_INPUT,      FIGURE_OUTPUT,    FIGURE_TOTAL,      FIGURE_CACHED,      FIGURE_WRITTEN,
        FIGURE_TOOL_INPUT, FIGURE_REASONING, FIGURE_SIZE_INPUT, FIGURE_SIZE_OUTPUT,
    };
    for (size_t i = 0; i < COUNT_OF(tokens); i++)
        if (report->figures[tokens[i]] > 0)
            return false;
    return true;
}

int64_t usage_figure(const struct usage_report *report, enum usage_figure figure)
{
    return report->figures[figure] > 0 ? report->figures[figure] : 0;
}

struct usage usage_parts(const struct usage_report *report)
{
    int64_t searches = report->figures[FIGURE_SEARCHES];
    struct usage usage;
    /* Between the members, too: receipts are copied and compared as bytes. */
    memset(&usage, 0, sizeof(usage));
    usage.audio_input = usage_figure(report, FIGURE_AUDIO_INPUT);
    usage.cached_audio = usage_figure(report, FIGURE_CACHED_AUDIO);
    usage.image_input = usage_figure(report, FIGURE_IMAGE_INPUT);
    usage.reasoning = usage_figure(report, FIGURE_REASONING);
    usage.audio_output = usage_figure(report, FIGURE_AUDIO_OUTPUT);
    usage.image_output = usage_figure(report, FIGURE_IMAGE_OUTPUT);
    usage.web_searches = searches >= 0 ? searches : usage_figure(report, FIGURE_SEARCHES_BESIDE);
    usage.service_tier = report->tier;
    return usage;
}

bool usage_apply_total(const struct usage_report *report, struct usage *usage)
{
    int64_t total = report->figures[FIGURE_TOTAL];
    if (total > 0 &&
        (total < report->figures[FIGURE_INPUT] || total < report->figures[FIGURE_OUTPUT]))
        return false;
    if (total - usage->input > usage->output)
        usage->output = total - usage->input;
    return true;
}

bool usage_is_possible(const struct usage *usage, const struct usage_limits *limits)
{
    return usage->cached_input + usage->cache_write <= usage->input &&
           usage->cache_write_1h <= usage->cache_write &&
           usage->audio_input + usage->image_input <= usage->input &&
           usage->cached_audio <= usage->audio_input &&
           usage->cached_audio <= usage->cached_input &&
           usage->audio_output + usage->image_output <= usage->output &&
           (limits->context_window == 0 || usage->input <= limits->context_window) &&
           (limits->output_limit == 0 || usage->output <= limits->output_limit);
}
