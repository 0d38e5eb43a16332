/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of any dialect into one usage. A dialect's rules read one event; here is what is common to
 * their sequence: a later report takes the place of an earlier one, an impossible one too, and
 * figures on the way are told from final ones.
 */
#include "usage_read.h"

#include "base/assert.h"

static const struct usage_rules *const rules[USAGE_DIALECTS] = {
    [USAGE_DIALECT_OPENAI] = &usage_rules_openai,
    [USAGE_DIALECT_RESPONSES] = &usage_rules_responses,
    [USAGE_DIALECT_ANTHROPIC] = &usage_rules_anthropic,
    [USAGE_DIALECT_BEDROCK] = &usage_rules_bedrock,
    [USAGE_DIALECT_GEMINI] = &usage_rules_gemini,
    [USAGE_DIALECT_COHERE] = &usage_rules_cohere,
    [USAGE_DIALECT_OLLAMA] = &usage_rules_ollama,
};

void usage_reader_init(struct usage_reader *reader, enum usage_dialect dialect,
                       const struct usage_limits *limits, struct arena *scratch)
{
    ASSERT((unsigned)dialect < USAGE_DIALECTS);
    *reader = (struct usage_reader){
        .dialect = dialect, .limits = *limits, .scratch = scratch, .report = usage_report_empty};
}

static void take_event(struct usage_reader *reader, struct span root)
{
    struct usage_event event = {.report = reader->report};
    rules[reader->dialect]->read(root, &event);
    /* Figures that were merged into an impossible report are no better than it was. */
    bool merges = reader->dialect == USAGE_DIALECT_ANTHROPIC && !event.begins;
    reader->ended = (reader->ended && !event.begins) || event.ends;
    reader->report = event.report;
    if (!event.reported)
        return;
    reader->reported = true;
    reader->impossible = event.impossible || (merges && reader->impossible);
}

/* Gemini's streams without alt=sse are one array of what would be the events. */
static void take_value(struct usage_reader *reader, struct span value, enum json_type type)
{
    if (type == JSON_OBJECT)
        take_event(reader, value);
    if (reader->dialect != USAGE_DIALECT_GEMINI)
        return;
    struct openai_walk walk = usage_elements(value);
    while (openai_walk_next(&walk))
        if (walk.type == JSON_OBJECT)
            take_event(reader, walk.value);
}

void usage_reader_event(struct usage_reader *reader, struct span json)
{
    struct arena_mark mark = arena_mark(reader->scratch);
    struct json_object root;
    struct json_fault fault;
    if (json_scan(json, reader->scratch, &root, &fault))
        take_value(reader, root.text, root.type);
    else if (reader->dialect == USAGE_DIALECT_OPENAI && span_equal(span_trim(json), SPAN("[DONE]")))
        reader->ended = true; /* some hosts give no reason to end before it */
    arena_rewind(reader->scratch, mark);
}

/* Of Anthropic's passes each may fill the window; the figures at the top are one of them. */
static struct usage_limits limits_of(const struct usage_reader *reader)
{
    struct usage_limits limits = reader->limits;
    int64_t passes = reader->report.pass_count;
    if (passes > 1 && limits.context_window > 0 &&
        __builtin_mul_overflow(limits.context_window, passes, &limits.context_window))
        limits.context_window = 0;
    if (passes > 1)
        limits.output_limit = 0; /* a compaction's output has a limit of its own */
    return limits;
}

enum usage_verdict usage_reader_result(const struct usage_reader *reader, struct usage *out)
{
    struct usage usage;
    struct usage_limits limits = limits_of(reader);
    if (!reader->reported)
        return USAGE_ABSENT;
    if (reader->impossible || !rules[reader->dialect]->sum(&reader->report, &usage) ||
        !usage_is_possible(&usage, &limits))
        return USAGE_IMPOSSIBLE;
    if (usage.input == 0 && usage.output == 0)
        return USAGE_ABSENT;
    *out = usage;
    return reader->ended ? USAGE_GOOD : USAGE_PARTIAL;
}

bool usage_reader_advisor(const struct usage_reader *reader, struct usage *out, struct span *model)
{
    if (reader->report.advisor_model_len == 0)
        return false;
    *out = reader->report.advisor;
    *model = span_make(reader->report.advisor_model, reader->report.advisor_model_len);
    return true;
}
