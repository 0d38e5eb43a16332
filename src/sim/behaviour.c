/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses "sim:out=64,ttft=20ms". One table lists the options with a number; an option out of range
 * is refused rather than cut, because a test that does not get what it asks for proves nothing.
 */
#include "behaviour.h"

#include <stddef.h>

#define MS_PER_S   1000
#define TIME_MAX   INT64_C(3600000)    /* an hour */
#define TOKENS_MAX INT64_C(1000000000) /* of a prompt; also events and bytes */
#define OUTPUT_MAX INT64_C(1000000)

struct option {
    struct span name;
    size_t offset; /* of an int64_t in struct behaviour */
    int64_t least;
    int64_t most;
    bool is_time;
};

#define OPTION(name, member, least, most)                                  \
    {                                                                      \
        SPAN(name), offsetof(struct behaviour, member), least, most, false \
    }
#define TIME_OPTION(name, member)                                         \
    {                                                                     \
        SPAN(name), offsetof(struct behaviour, member), 0, TIME_MAX, true \
    }

static const struct option options[] = {
    OPTION("out", output, 0, OUTPUT_MAX),
    OPTION("in", prompt, 0, TOKENS_MAX),
    OPTION("cached", cached, 0, TOKENS_MAX),
    OPTION("over", over, 0, OUTPUT_MAX),
    OPTION("cut", cut_at, 0, TOKENS_MAX),
    OPTION("stall", stall_at, 0, TOKENS_MAX),
    OPTION("status", status, 400, 599),
    TIME_OPTION("ttft", ttft_ms),
    TIME_OPTION("gap", gap_ms),
};

/* Up to three decimals of a second: "5" → 500 ms. */
static bool parse_decimals_ms(struct span text, uint64_t *ms)
{
    uint64_t value;
    if (text.len == 0 || text.len > 3 || !span_to_u64(text, &value))
        return false;
    for (size_t i = text.len; i < 3; i++)
        value *= 10;
    *ms = value;
    return true;
}

/* "20ms", "1s", "1.5s": whole milliseconds, as the timers count. */
static bool parse_time(struct span text, uint64_t *ms)
{
    if (span_ends_with(text, SPAN("ms")))
        return span_to_u64(span_make(text.ptr, text.len - 2), ms);
    if (!span_ends_with(text, SPAN("s")))
        return false;
    text.len--;
    struct span whole;
    uint64_t seconds;
    uint64_t rest_ms = 0;
    struct span decimals = span_cut(text, '.', &whole);
    bool has_point = whole.len < text.len;
    if (!span_to_u64(whole, &seconds) || (has_point && !parse_decimals_ms(decimals, &rest_ms)) ||
        seconds > TIME_MAX)
        return false;
    *ms = seconds * MS_PER_S + rest_ms;
    return true;
}

static bool parse_value(const struct option *option, struct span text, int64_t *out)
{
    uint64_t value;
    bool good = option->is_time ? parse_time(text, &value) : span_to_u64(text, &value);
    if (!good || value < (uint64_t)option->least || value > (uint64_t)option->most)
        return false;
    *out = (int64_t)value;
    return true;
}

/* The two options without a number stand apart from the table. */
static bool parse_option(struct span text, struct behaviour *out)
{
    struct span name;
    struct span value = span_cut(text, '=', &name);
    if (span_equal(text, SPAN("usage=off")))
        return out->hides_usage = true;
    if (span_equal(text, SPAN("tools")))
        return out->calls_tools = true;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (span_equal(name, options[i].name))
            return parse_value(&options[i], value,
                               (int64_t *)(void *)((char *)out + options[i].offset));
    return false;
}

bool behaviour_parse(struct span model, struct behaviour *out, struct span *fault)
{
    *out = (struct behaviour){
        .output = 64, .prompt = -1, .cut_at = BEHAVIOUR_NEVER, .stall_at = BEHAVIOUR_NEVER};
    if (!span_starts_with(model, SPAN("sim:")))
        return true;
    struct span rest = span_from(model, 4);
    do {
        rest = span_cut(rest, ',', fault);
        if (!parse_option(*fault, out))
            return false;
    } while (rest.len > 0);
    return true;
}
