/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemini and Vertex. What tools fed to the model lies beside promptTokenCount, thoughts beside
 * candidatesTokenCount (17 + 119 + 201 + 213 = 550 was recorded); cached tokens lie inside the
 * prompt. Each chunk of a stream has a report and the last one counts, as a whole: figures go down,
 * too (a prompt of 169, then of 79: recorded). It is final once a candidate has ended.
 *
 * Modalities come as lists, [{"modality":"AUDIO","tokenCount":7}]; video costs what text does. That
 * the prompt's list holds the cached tokens too is not said anywhere: both are taken to be right.
 */
#include "usage_read.h"

/* Adds to *figure, which may still be -1. */
static bool add_tokens(int64_t *figure, int64_t tokens)
{
    *figure = (*figure > 0 ? *figure : 0) + tokens;
    return *figure <= TOKENS_MAX;
}

static bool read_modalities(struct span list, enum json_type type, int64_t *audio, int64_t *image)
{
    if (type != JSON_ARRAY)
        return type == JSON_NULL;
    struct openai_walk walk = usage_elements(list);
    while (openai_walk_next(&walk)) {
        enum json_type name_type;
        enum json_type count_type;
        int64_t tokens = 0;
        if (walk.type != JSON_OBJECT)
            return false;
        struct span name = usage_member(walk.value, SPAN("modality"), &name_type);
        struct span count = usage_member(walk.value, SPAN("tokenCount"), &count_type);
        if (!usage_read_number(count, count_type, &tokens))
            return false;
        if (openai_value_is(name, name_type, SPAN("AUDIO")) && !add_tokens(audio, tokens))
            return false;
        if (openai_value_is(name, name_type, SPAN("IMAGE")) && !add_tokens(image, tokens))
            return false;
    }
    return true;
}

/* Of the prompt, and of what tools fed to the model: both are input. */
static bool read_input(struct span value, enum json_type type, struct usage_report *report)
{
    return read_modalities(value, type, &report->figures[FIGURE_AUDIO_INPUT],
                           &report->figures[FIGURE_IMAGE_INPUT]);
}

static bool read_cached(struct span value, enum json_type type, struct usage_report *report)
{
    return read_modalities(value, type, &report->figures[FIGURE_CACHED_AUDIO],
                           &report->figures[FIGURE_CACHED_IMAGE]);
}

static bool read_output(struct span value, enum json_type type, struct usage_report *report)
{
    return read_modalities(value, type, &report->figures[FIGURE_AUDIO_OUTPUT],
                           &report->figures[FIGURE_IMAGE_OUTPUT]);
}

static const struct usage_field usage_fields[] = {
    USAGE_NUMBER("promptTokenCount", FIGURE_INPUT),
    USAGE_NUMBER("toolUsePromptTokenCount", FIGURE_TOOL_INPUT),
    USAGE_NUMBER("cachedContentTokenCount", FIGURE_CACHED),
    USAGE_NUMBER("candidatesTokenCount", FIGURE_OUTPUT),
    USAGE_NUMBER("thoughtsTokenCount", FIGURE_REASONING),
    USAGE_NUMBER("totalTokenCount", FIGURE_TOTAL),
    USAGE_VALUE("promptTokensDetails", read_input),
    USAGE_VALUE("toolUsePromptTokensDetails", read_input),
    USAGE_VALUE("cacheTokensDetails", read_cached),
    USAGE_VALUE("candidatesTokensDetails", read_output),
    USAGE_VALUE("serviceTier", usage_read_tier),
    USAGE_VALUE("trafficType", usage_read_tier), /* Vertex */
};

static bool sum(const struct usage_report *report, struct usage *out)
{
    int64_t cached_image = usage_figure(report, FIGURE_CACHED_IMAGE);
    *out = usage_parts(report);
    out->input = usage_figure(report, FIGURE_INPUT) + usage_figure(report, FIGURE_TOOL_INPUT);
    out->cached_input = usage_figure(report, FIGURE_CACHED);
    out->output = usage_figure(report, FIGURE_OUTPUT) + out->reasoning;
    if (cached_image + out->cached_audio > out->cached_input)
        return false;
    out->image_input -= cached_image < out->image_input ? cached_image : out->image_input;
    if (out->audio_input < out->cached_audio)
        out->audio_input = out->cached_audio;
    return report->figures[FIGURE_INPUT] >= 0 && usage_apply_total(report, out);
}

static bool is_text(struct span value, enum json_type type)
{
    return type == JSON_STRING && openai_text(value).len > 0;
}

/* A candidate with a reason to end, or a prompt that was blocked. */
static bool has_ended(struct span root)
{
    enum json_type type;
    struct span feedback = usage_member(root, SPAN("promptFeedback"), &type);
    struct span reason = usage_member(feedback, SPAN("blockReason"), &type);
    if (is_text(reason, type))
        return true;
    struct span candidates = usage_member(root, SPAN("candidates"), &type);
    struct openai_walk walk = usage_elements(candidates);
    while (openai_walk_next(&walk)) {
        reason = usage_member(walk.value, SPAN("finishReason"), &type);
        if (is_text(reason, type))
            return true;
    }
    return false;
}

static void read_event(struct span root, struct usage_event *event)
{
    enum json_type type;
    struct span usage = usage_member(root, SPAN("usageMetadata"), &type);
    usage_event_report(event, usage, type, usage_fields, COUNT_OF(usage_fields));
    event->ends = has_ended(root);
}

const struct usage_rules usage_rules_gemini = {read_event, sum};
