/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's chat usage, as its many imitators send it.
 *
 *   input   prompt_tokens; cached, written, audio and image tokens lie inside it
 *   output  completion_tokens, or total_tokens − prompt_tokens where that is more; reasoning, audio,
 *           images and rejected predictions lie inside it
 *
 * Why the total may raise the output: xAI counts reasoning beside completion_tokens and bills it
 * (307 + 26, total 560, of which 227 reasoning: recorded). Taking the larger is never below the
 * bill. A total below the sum is tolerated (some leave cached tokens out, or send 0) since parts
 * are what is billed; a total below one of its own parts is nonsense, and nothing else in such a
 * report is believed either. Reasoning above completion is tolerated: 11 of 10 was recorded.
 *
 * Impossible reports are not charged at face value: the caller settles as without usage.
 */
#include "usage_read.h"

static const struct usage_field write_fields[] = {
    USAGE_NUMBER("ttl_30m_tokens", FIGURE_WRITTEN_5M),
    USAGE_NUMBER("ttl_12h_tokens", FIGURE_WRITTEN_1H),
};
static const struct usage_field prompt_fields[] = {
    USAGE_NUMBER("cached_tokens", FIGURE_CACHED),
    USAGE_NUMBER("cache_write_tokens", FIGURE_WRITTEN),
    USAGE_OBJECT("cache_write_tokens_details", write_fields),
    USAGE_NUMBER("audio_tokens", FIGURE_AUDIO_INPUT),
    USAGE_NUMBER("image_tokens", FIGURE_IMAGE_INPUT),
};
static const struct usage_field completion_fields[] = {
    USAGE_NUMBER("reasoning_tokens", FIGURE_REASONING),
    USAGE_NUMBER("audio_tokens", FIGURE_AUDIO_OUTPUT),
    USAGE_NUMBER("image_tokens", FIGURE_IMAGE_OUTPUT),
};
static const struct usage_field search_fields[] = {
    USAGE_NUMBER("web_search_requests", FIGURE_SEARCHES),
};
static const struct usage_field usage_fields[] = {
    USAGE_NUMBER("prompt_tokens", FIGURE_INPUT),
    USAGE_NUMBER("completion_tokens", FIGURE_OUTPUT),
    USAGE_NUMBER("total_tokens", FIGURE_TOTAL),
    USAGE_OBJECT("prompt_tokens_details", prompt_fields),
    USAGE_OBJECT("completion_tokens_details", completion_fields),
    USAGE_NUMBER("prompt_cache_hit_tokens", FIGURE_CACHED_BESIDE), /* DeepSeek */
    USAGE_NUMBER("cached_tokens", FIGURE_CACHED_BESIDE),           /* Moonshot */
    USAGE_NUMBER("num_cached_tokens", FIGURE_CACHED_BESIDE),       /* Mistral */
    USAGE_OBJECT("server_tool_use_details", search_fields),        /* OpenRouter */
};

static bool sum(const struct usage_report *report, struct usage *out)
{
    int64_t cached = report->figures[FIGURE_CACHED];
    *out = usage_parts(report);
    out->input = usage_figure(report, FIGURE_INPUT);
    out->output = usage_figure(report, FIGURE_OUTPUT);
    out->cached_input = cached >= 0 ? cached : usage_figure(report, FIGURE_CACHED_BESIDE);
    out->cache_write = usage_figure(report, FIGURE_WRITTEN);
    out->cache_write_1h = usage_figure(report, FIGURE_WRITTEN_1H);
    /* Output alone is no bill. */
    return report->figures[FIGURE_INPUT] >= 0 && usage_apply_total(report, out);
}

enum usage_verdict usage_read_openai(struct span usage_json, const struct usage_limits *limits,
                                     struct usage *out)
{
    if (usage_json.len == 0 || usage_json.ptr[0] == 'n') /* null */
        return USAGE_ABSENT;
    if (usage_json.ptr[0] != '{')
        return USAGE_IMPOSSIBLE;
    struct usage_report report = usage_report_empty;
    if (!usage_read_fields(usage_json, usage_fields, COUNT_OF(usage_fields), &report))
        return USAGE_IMPOSSIBLE;
    if (usage_report_is_empty(&report))
        return USAGE_ABSENT;
    struct usage usage;
    if (!sum(&report, &usage) || !usage_is_possible(&usage, limits))
        return USAGE_IMPOSSIBLE;
    *out = usage;
    return USAGE_GOOD;
}

/* ---- events ---- */

/* A choice that is whole, or the last piece of one. Some send "" as reason in every chunk before. */
static bool ends_choice(struct span choice)
{
    enum json_type type;
    struct span reason = usage_member(choice, SPAN("finish_reason"), &type);
    if (type == JSON_STRING && openai_text(reason).len > 0)
        return true;
    usage_member(choice, SPAN("message"), &type);
    return type == JSON_OBJECT;
}

/* Some hosts report after every chunk: only what comes with or after a choice's end is the whole,
 * or beside no choice at all. */
static bool has_ended(struct span root, bool reported)
{
    enum json_type type;
    struct span choices = usage_member(root, SPAN("choices"), &type);
    bool empty = true;
    struct openai_walk walk = usage_elements(choices);
    while (openai_walk_next(&walk)) {
        empty = false;
        if (ends_choice(walk.value))
            return true;
    }
    return empty && reported;
}

/* The tier rides on any chunk, the usage's or not; the last that names one counts. */
static enum service_tier read_tier(struct span root, enum service_tier before)
{
    enum json_type type;
    struct span tier = usage_member(root, SPAN("service_tier"), &type);
    bool says = type != JSON_NULL && !openai_value_is(tier, type, SPAN("")) &&
                !openai_value_is(tier, type, SPAN("auto"));
    return says ? usage_service_tier(tier) : before;
}

static void read_event(struct span root, struct usage_event *event)
{
    enum json_type type;
    enum service_tier tier = read_tier(root, event->report.tier);
    struct span usage = usage_member(root, SPAN("usage"), &type);
    if (usage.len == 0) { /* older Groq: only there */
        struct span groq = usage_member(root, SPAN("x_groq"), &type);
        usage = usage_member(groq, SPAN("usage"), &type);
    }
    usage_event_report(event, usage, type, usage_fields, COUNT_OF(usage_fields));
    event->report.tier = tier;
    event->ends = has_ended(root, event->reported);
}

const struct usage_rules usage_rules_openai = {read_event, sum};
