/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses "sim:out=64,ttft=20ms" and "replay:groq/chat,seed=7". Two tables list the options: those
 * with a number, and those that are words. One out of range is refused rather than cut, because a
 * test that does not get what it asks for proves nothing.
 */
#include "behaviour.h"

#include <stddef.h>

#define MS_PER_S   1000
#define TIME_MAX   INT64_C(3600000)    /* an hour */
#define TOKENS_MAX INT64_C(1000000000) /* of a prompt; also events and bytes */
#define OUTPUT_MAX INT64_C(1000000)
#define SEED_MAX   INT64_C(1000000000)
#define GIANT_MAX  INT64_C(2147483648) /* 2 GiB */

enum unit { UNIT_NONE, UNIT_TIME, UNIT_SIZE };

struct option {
    struct span name;
    size_t offset; /* of an int64_t in struct behaviour */
    int64_t least;
    int64_t most;
    enum unit unit;
};

#define OPTION(name, member, least, most, unit)                                \
    {                                                                          \
        SPAN_INIT(name), offsetof(struct behaviour, member), least, most, unit \
    }
#define COUNT(name, member, most) OPTION(name, member, 0, most, UNIT_NONE)
#define TIME(name, member)        OPTION(name, member, 0, TIME_MAX, UNIT_TIME)

static const struct option options[] = {
    COUNT("out", output, OUTPUT_MAX),
    COUNT("in", prompt, TOKENS_MAX),
    COUNT("cached", cached, TOKENS_MAX),
    COUNT("written", written, TOKENS_MAX),
    COUNT("reasoning", reasoning, OUTPUT_MAX),
    COUNT("over", over, OUTPUT_MAX),
    COUNT("ahead", ahead, OUTPUT_MAX),
    COUNT("cut", cut_at, TOKENS_MAX),
    COUNT("stall", stall_at, TOKENS_MAX),
    COUNT("error", error_at, TOKENS_MAX),
    COUNT("comments", comments, TOKENS_MAX),
    OPTION("giant", giant, 1, GIANT_MAX, UNIT_SIZE),
    OPTION("status", status, 300, 599, UNIT_NONE),
    TIME("ttft", ttft_ms),
    TIME("gap", gap_ms),
};

struct word {
    struct span text;
    size_t offset; /* of an int64_t in struct behaviour */
    int64_t value;
};

#define WORD(text, member, value)                                  \
    {                                                              \
        SPAN_INIT(text), offsetof(struct behaviour, member), value \
    }

static const struct word words[] = {
    WORD("usage=off", report, REPORT_OFF),
    WORD("usage=negative", report, REPORT_NEGATIVE),
    WORD("usage=string", report, REPORT_STRING),
    WORD("usage=huge", report, REPORT_HUGE),
    WORD("usage=twice", report, REPORT_TWICE),
    WORD("usage=late", report, REPORT_LATE),
    WORD("error=body", substance, SUBSTANCE_ERROR),
    WORD("html", substance, SUBSTANCE_HTML),
    WORD("empty", substance, SUBSTANCE_EMPTY),
    WORD("eol=crlf", line_end, LINE_END_CRLF),
    WORD("eol=cr", line_end, LINE_END_CR),
    WORD("bytewise", framing, FRAMING_BYTEWISE),
    WORD("length=short", framing, FRAMING_SHORT),
    WORD("length=long", framing, FRAMING_LONG),
    WORD("framing=eof", framing, FRAMING_NONE),
    WORD("tools", tools, true),
    WORD("billed", billed, true),
    WORD("echo", echo, true),
    WORD("done=off", endless, true),
    WORD("close", closes, true),
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

/* "300", "64KiB", "2MiB". */
static bool parse_size(struct span text, uint64_t *bytes)
{
    unsigned shift = 0;
    if (span_ends_with(text, SPAN("KiB"))) {
        shift = 10;
    } else if (span_ends_with(text, SPAN("MiB"))) {
        shift = 20;
    }
    text.len -= shift > 0 ? 3 : 0;
    if (!span_to_u64(text, bytes) || *bytes > (uint64_t)GIANT_MAX)
        return false;
    *bytes <<= shift;
    return true;
}

static bool parse_number(const struct option *option, struct span text, uint64_t *value)
{
    switch (option->unit) {
    case UNIT_TIME:
        return parse_time(text, value);
    case UNIT_SIZE:
        return parse_size(text, value);
    case UNIT_NONE:
        break;
    }
    return span_to_u64(text, value);
}

static void set(struct behaviour *behaviour, size_t offset, int64_t value)
{
    *(int64_t *)(void *)((char *)behaviour + offset) = value;
}

static bool parse_value(const struct option *option, struct span text, struct behaviour *out)
{
    uint64_t value;
    if (!parse_number(option, text, &value) || value < (uint64_t)option->least ||
        value > (uint64_t)option->most)
        return false;
    set(out, option->offset, (int64_t)value);
    return true;
}

/* False when it is empty or does not fit. */
static bool copy_text(struct span text, char *room, size_t size)
{
    if (text.len == 0 || text.len >= size)
        return false;
    memcpy(room, text.ptr, text.len);
    room[text.len] = '\0';
    return true;
}

static bool parse_option(struct span text, struct behaviour *out)
{
    struct span name;
    struct span value = span_cut(text, '=', &name);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (span_equal(text, words[i].text)) {
            set(out, words[i].offset, words[i].value);
            return true;
        }
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (span_equal(name, options[i].name))
            return parse_value(&options[i], value, out);
    return span_equal(name, SPAN("retry")) &&
           copy_text(value, out->retry_after, sizeof(out->retry_after));
}

/* Whatever the name is, it stays below the folder. */
static bool parse_record(struct span name, struct behaviour *out)
{
    return !span_starts_with(name, SPAN("/")) && span_search(name, SPAN("..")) == name.len &&
           span_find(name, '\0') == name.len && copy_text(name, out->record, sizeof(out->record));
}

static bool parse_seed(struct span text, struct behaviour *out)
{
    static const struct option seed = COUNT("seed", seed, SEED_MAX);
    struct span name;
    struct span value = span_cut(text, '=', &name);
    out->seed = SEED_WHOLE;
    return span_equal(text, SPAN("seed=whole")) ||
           (span_equal(name, SPAN("seed")) && parse_value(&seed, value, out));
}

/* "NAME" or "NAME,seed=7". */
static bool parse_replay(struct span text, struct behaviour *out, struct span *fault)
{
    struct span rest = span_cut(text, ',', fault);
    bool has_seed = fault->len < text.len;
    if (!parse_record(*fault, out))
        return false;
    *fault = rest;
    return !has_seed || parse_seed(rest, out);
}

bool behaviour_parse(struct span model, struct behaviour *out, struct span *fault)
{
    *out = (struct behaviour){.output = 64,
                              .prompt = -1,
                              .cut_at = BEHAVIOUR_NEVER,
                              .stall_at = BEHAVIOUR_NEVER,
                              .error_at = BEHAVIOUR_NEVER,
                              .seed = SEED_WHOLE};
    if (span_starts_with(model, SPAN("replay:")))
        return parse_replay(span_from(model, 7), out, fault);
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
