/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two dialects of one place each.
 *
 * Cohere v2 says what it bills (billed_units) and what the model saw (tokens: with a preamble that is
 * not billed); money goes by the first. Its cached_tokens are of the second, and may exceed what is
 * billed (2928 of 2935, billed 2406: recorded), so that of the billed ones only those count as cached
 * that must be: cached − (seen − billed).
 *
 * Ollama has its counts at the root of the last object; a prompt that was wholly cached has none.
 */
#include "usage_read.h"

/* ---- Cohere ---- */

static const struct usage_field billed_fields[] = {
    USAGE_NUMBER("input_tokens", FIGURE_INPUT),
    USAGE_NUMBER("output_tokens", FIGURE_OUTPUT),
};
static const struct usage_field size_fields[] = {
    USAGE_NUMBER("input_tokens", FIGURE_SIZE_INPUT),
    USAGE_NUMBER("output_tokens", FIGURE_SIZE_OUTPUT),
};
static const struct usage_field cohere_fields[] = {
    USAGE_OBJECT("billed_units", billed_fields),
    USAGE_OBJECT("tokens", size_fields),
    USAGE_NUMBER("cached_tokens", FIGURE_CACHED),
};

static int64_t either(const struct usage_report *report, enum usage_figure first,
                      enum usage_figure second)
{
    return report->figures[first] >= 0 ? report->figures[first] : usage_figure(report, second);
}

static bool sum_cohere(const struct usage_report *report, struct usage *out)
{
    *out = usage_parts(report);
    out->input = either(report, FIGURE_INPUT, FIGURE_SIZE_INPUT);
    out->output = either(report, FIGURE_OUTPUT, FIGURE_SIZE_OUTPUT);
    int64_t seen = either(report, FIGURE_SIZE_INPUT, FIGURE_INPUT);
    int64_t cached = usage_figure(report, FIGURE_CACHED);
    int64_t unbilled = seen > out->input ? seen - out->input : 0;
    if (cached > unbilled)
        out->cached_input = cached - unbilled;
    return report->figures[FIGURE_INPUT] >= 0 || report->figures[FIGURE_SIZE_INPUT] >= 0;
}

/* A whole answer has it at the root, a stream in the delta of its message-end. */
static void read_cohere(struct span root, struct usage_event *event)
{
    enum json_type type;
    struct span usage = usage_member(root, SPAN("usage"), &type);
    if (type == JSON_NULL) {
        struct span delta = usage_member(root, SPAN("delta"), &type);
        usage = usage_member(delta, SPAN("usage"), &type);
    }
    usage_event_report(event, usage, type, cohere_fields, COUNT_OF(cohere_fields));
    event->ends = event->reported;
}

const struct usage_rules usage_rules_cohere = {read_cohere, sum_cohere};

/* ---- Ollama ---- */

static const struct usage_field ollama_fields[] = {
    USAGE_NUMBER("prompt_eval_count", FIGURE_INPUT),
    USAGE_NUMBER("eval_count", FIGURE_OUTPUT),
};

static bool sum_ollama(const struct usage_report *report, struct usage *out)
{
    *out = usage_parts(report);
    out->input = usage_figure(report, FIGURE_INPUT);
    out->output = usage_figure(report, FIGURE_OUTPUT);
    return true;
}

static void read_ollama(struct span root, struct usage_event *event)
{
    usage_event_report(event, root, JSON_OBJECT, ollama_fields, COUNT_OF(ollama_fields));
    event->ends = event->reported;
}

const struct usage_rules usage_rules_ollama = {read_ollama, sum_ollama};
