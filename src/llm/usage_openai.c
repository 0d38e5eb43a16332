/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's chat usage, as its many imitators send it.
 *
 *   input   prompt_tokens; cached and written tokens lie inside it
 *   output  completion_tokens, or total_tokens − prompt_tokens where that is more
 *
 * Why the total may raise the output: xAI counts reasoning beside completion_tokens and bills it
 * (307 + 26, total 560, of which 227 reasoning: recorded). Taking the larger is never below the
 * bill. A total below the sum is tolerated (some leave cached tokens out, or send 0) since parts
 * are what is billed; a total below one of its own parts is nonsense, and nothing else in such a
 * report is believed either. Reasoning above completion is tolerated: 11 of 10 was recorded.
 *
 * Impossible reports are not charged at face value: the caller settles as without usage.
 */
#include "dialect_openai.h"

#define TOKENS_MAX (INT64_C(1) << 53) /* beyond it, JSON numbers lose units on the way */

/* The figures as reported; -1: not there. */
struct figures {
    int64_t prompt;
    int64_t completion;
    int64_t total;
    int64_t cached;
    int64_t cached_beside; /* where hosts put it that have no details */
    int64_t written;
    int64_t reasoning;
};

#define FIGURE(name, member)                         \
    {                                                \
        SPAN(name), offsetof(struct figures, member) \
    }

struct figure {
    struct span key;
    size_t offset;
};

static const struct figure top_figures[] = {
    FIGURE("prompt_tokens", prompt),
    FIGURE("completion_tokens", completion),
    FIGURE("total_tokens", total),
    FIGURE("prompt_cache_hit_tokens", cached_beside), /* DeepSeek */
    FIGURE("cached_tokens", cached_beside),           /* Moonshot */
    FIGURE("num_cached_tokens", cached_beside),       /* Mistral */
};
static const struct figure prompt_figures[] = {
    FIGURE("cached_tokens", cached),
    FIGURE("cache_write_tokens", written),
};
static const struct figure completion_figures[] = {
    FIGURE("reasoning_tokens", reasoning),
};

/* The figure of that key, or NULL. */
static int64_t *find_figure(struct figures *figures, const struct figure *known, size_t count,
                            struct span key)
{
    for (size_t i = 0; i < count; i++)
        if (openai_text_is(key, known[i].key))
            return (int64_t *)(void *)((char *)figures + known[i].offset);
    return NULL;
}

/* Null says nothing; false when it is no possible number of tokens. */
static bool read_figure(struct span value, enum json_type type, int64_t *figure)
{
    if (type == JSON_NULL)
        return true;
    return type == JSON_NUMBER && json_value_to_i64(value, figure) && *figure >= 0 &&
           *figure <= TOKENS_MAX;
}

static bool read_details(struct span object, enum json_type object_type, struct figures *figures,
                         const struct figure *known, size_t count)
{
    if (object_type != JSON_OBJECT)
        return object_type == JSON_NULL;
    struct openai_walk walk = {.inside = object};
    while (openai_walk_next(&walk)) {
        int64_t *figure = find_figure(figures, known, count, walk.key);
        if (figure != NULL && !read_figure(walk.value, walk.type, figure))
            return false;
    }
    return true;
}

static bool read_member(const struct openai_walk *member, struct figures *figures)
{
    int64_t *figure = find_figure(figures, top_figures, COUNT_OF(top_figures), member->key);
    if (figure != NULL)
        return read_figure(member->value, member->type, figure);
    if (openai_text_is(member->key, SPAN("prompt_tokens_details")))
        return read_details(member->value, member->type, figures, prompt_figures,
                            COUNT_OF(prompt_figures));
    if (openai_text_is(member->key, SPAN("completion_tokens_details")))
        return read_details(member->value, member->type, figures, completion_figures,
                            COUNT_OF(completion_figures));
    return true;
}

/* False when some figure is impossible by itself. */
static bool read_figures(struct span usage, struct figures *figures)
{
    struct openai_walk walk = {.inside = usage};
    while (openai_walk_next(&walk))
        if (!read_member(&walk, figures))
            return false;
    return true;
}

static int64_t or_zero(int64_t figure)
{
    return figure > 0 ? figure : 0;
}

static struct usage usage_of(const struct figures *figures)
{
    int64_t cached = figures->cached >= 0 ? figures->cached : figures->cached_beside;
    struct usage usage = {
        .input = or_zero(figures->prompt),
        .cached_input = or_zero(cached),
        .cache_write = or_zero(figures->written),
        .output = or_zero(figures->completion),
        .reasoning = or_zero(figures->reasoning),
    };
    if (figures->total - usage.input > usage.output)
        usage.output = figures->total - usage.input;
    return usage;
}

static bool is_possible(const struct figures *figures, const struct usage *usage,
                        const struct usage_limits *limits)
{
    if (figures->prompt < 0) /* output alone is no bill */
        return false;
    if (figures->total > 0 &&
        (figures->total < usage->input || figures->total < figures->completion))
        return false;
    if (usage->cached_input + usage->cache_write > usage->input)
        return false;
    return (limits->context_window == 0 || usage->input <= limits->context_window) &&
           (limits->output_limit == 0 || usage->output <= limits->output_limit);
}

enum usage_verdict usage_read_openai(struct span usage_json, const struct usage_limits *limits,
                                     struct usage *out)
{
    if (usage_json.len == 0 || usage_json.ptr[0] == 'n') /* null */
        return USAGE_ABSENT;
    if (usage_json.ptr[0] != '{')
        return USAGE_IMPOSSIBLE;
    struct figures figures = {-1, -1, -1, -1, -1, -1, -1};
    if (!read_figures(usage_json, &figures))
        return USAGE_IMPOSSIBLE;
    if (figures.prompt <= 0 && figures.completion <= 0 && figures.total <= 0)
        return USAGE_ABSENT;
    struct usage usage = usage_of(&figures);
    if (!is_possible(&figures, &usage, limits))
        return USAGE_IMPOSSIBLE;
    *out = usage;
    return USAGE_GOOD;
}
