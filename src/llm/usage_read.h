/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dialects' usage files share. A dialect is two functions: one finds the figures in an
 * event, mostly by tables of member names; the other turns them into the normal form.
 *
 *   event ──read──▶ usage_report (figures as the provider counts) ──sum──▶ usage (as we count)
 *
 * The report is kept rather than its sum, because some dialects send it in pieces.
 */
#ifndef LLM_USAGE_READ_H
#define LLM_USAGE_READ_H

#include "dialect_openai.h"

#define TOKENS_MAX (INT64_C(1) << 53) /* beyond it, JSON numbers lose units on the way */

enum usage_figure {
    FIGURE_INPUT,
    FIGURE_OUTPUT,
    FIGURE_TOTAL,
    FIGURE_CACHED,
    FIGURE_CACHED_BESIDE, /* where hosts put it that have no details */
    FIGURE_WRITTEN,
    FIGURE_WRITTEN_5M,
    FIGURE_WRITTEN_1H,
    FIGURE_AUDIO_INPUT,
    FIGURE_CACHED_AUDIO,
    FIGURE_IMAGE_INPUT,
    FIGURE_CACHED_IMAGE,
    FIGURE_TOOL_INPUT, /* Gemini: beside input */
    FIGURE_SIZE_INPUT, /* Cohere: as the model saw it, beside what is billed */
    FIGURE_SIZE_OUTPUT,
    FIGURE_REASONING,
    FIGURE_AUDIO_OUTPUT,
    FIGURE_IMAGE_OUTPUT,
    FIGURE_SEARCHES,
    FIGURE_SEARCHES_BESIDE,
    FIGURE_COUNT
};
_Static_assert(FIGURE_COUNT == USAGE_FIGURES, "the public header keeps room for each");

/* What a member of a report means: a number, or an object with fields of its own, or what `read`
 * makes of it (false: impossible). */
struct usage_field {
    struct span key;
    enum usage_figure figure;
    const struct usage_field *fields;
    size_t count;
    bool (*read)(struct span value, enum json_type type, struct usage_report *report);
};

#define USAGE_NUMBER(name, which)          \
    {                                      \
        .key = SPAN(name), .figure = which \
    }
#define USAGE_OBJECT(name, table)                                      \
    {                                                                  \
        .key = SPAN(name), .fields = (table), .count = COUNT_OF(table) \
    }
#define USAGE_VALUE(name, function)           \
    {                                         \
        .key = SPAN(name), .read = (function) \
    }

/* What one event says. `report` comes with what was reported before. */
struct usage_event {
    struct usage_report report;
    bool reported;   /* it holds a report, good or not */
    bool impossible; /* and not a possible one */
    bool begins;     /* what was reported before was not about this answer */
    bool ends;       /* reports after this event are not to be expected */
};

struct usage_rules {
    void (*read)(struct span root, struct usage_event *event);
    /* False when the figures contradict each other. */
    bool (*sum)(const struct usage_report *report, struct usage *out);
};

/* ---- usage_read.c ---- */

extern const struct usage_report usage_report_empty;

/* Into *figure, which null leaves alone. False when it is no possible number of tokens. */
bool usage_read_number(struct span value, enum json_type type, int64_t *figure);
/* Members that no field names are passed over; the first of two fields of one name counts. False
 * when a figure is impossible by itself. */
bool usage_read_fields(struct span object, const struct usage_field *fields, size_t count,
                       struct usage_report *report);
/* The member of a value: JSON_NULL and an empty span where there is none, or where it is no object. */
struct span usage_member(struct span value, struct span key, enum json_type *type);
/* A walk over the elements of a value that is an array, or over nothing. */
struct openai_walk usage_elements(struct span value);
/* Puts a fresh report read from `value` by these fields into the event. Null says nothing. */
void usage_event_report(struct usage_event *event, struct span value, enum json_type type,
                        const struct usage_field *fields, size_t count);
/* A field's `read`: the service tier. Of several in one report the one that is not the standard. */
bool usage_read_tier(struct span value, enum json_type type, struct usage_report *report);

/* No tokens at all. */
bool usage_report_is_empty(const struct usage_report *report);
/* 0 where it was not said. */
int64_t usage_figure(const struct usage_report *report, enum usage_figure figure);
/* The parts that mean the same in every dialect; the totals and the cache are the caller's. */
struct usage usage_parts(const struct usage_report *report);
/* A total above input and output raises the output; false when it is below one of its own parts. */
bool usage_apply_total(const struct usage_report *report, struct usage *usage);
/* No part above its total, no total above its limit. */
bool usage_is_possible(const struct usage *usage, const struct usage_limits *limits);

/* ---- a file each ---- */

extern const struct usage_rules usage_rules_openai;
extern const struct usage_rules usage_rules_responses;
extern const struct usage_rules usage_rules_anthropic;
extern const struct usage_rules usage_rules_bedrock;
extern const struct usage_rules usage_rules_gemini;
extern const struct usage_rules usage_rules_cohere;
extern const struct usage_rules usage_rules_ollama;

#endif
