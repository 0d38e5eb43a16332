/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of a body, counted in place: a string without escapes is counted where it lies, one with
 * escapes is decoded into the scratch arena and given back. Every token is booked on a role here.
 */
#include "count_private.h"

/* Texts of one message's parts are put together up to this; beyond it each counts alone. */
#define JOIN_MAX ((size_t)64 * 1024 * 1024)

void members_read(struct member object, const struct span *keys, size_t count, struct member *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (struct member){SPAN_NONE, JSON_NULL};
    if (object.type != JSON_OBJECT)
        return;
    size_t at = 0;
    struct span key;
    struct member found;
    while (json_walk(object.value, &at, &key, &found.value, &found.type))
        for (size_t i = 0; i < count; i++)
            if (span_equal(key, keys[i]))
                out[i] = found;
}

struct span member_raw(struct member member)
{
    if (member.type != JSON_STRING || member.value.len < 2)
        return SPAN_NONE;
    return span_make(member.value.ptr + 1, member.value.len - 2);
}

bool member_is(struct member member, struct span text)
{
    return member.type == JSON_STRING && span_equal(member_raw(member), text);
}

bool member_true(struct member member)
{
    return member.type == JSON_TRUE;
}

void count_degrade(struct counter *counter, enum count_quality quality)
{
    if (quality > counter->out->quality)
        counter->out->quality = quality;
}

struct span count_decode(struct counter *counter, struct member string)
{
    struct span raw = member_raw(string);
    if (raw.len == 0)
        return SPAN_NONE;
    struct span text = json_decode_string(string.value, counter->request->scratch);
    if (text.len > 0)
        return text;
    count_degrade(counter, COUNT_ESTIMATE); /* the arena is full */
    return raw;
}

int64_t count_tokens(struct counter *counter, struct span text)
{
    return text.len == 0 ? 0
                         : tokens_count(counter->request->tokenizer, counter->request->cache, text);
}

/* Characters beyond ASCII: their first bytes have both upper bits set. Eight bytes a step. */
static int64_t count_non_ascii(struct span text)
{
    int64_t count = 0;
    size_t at = 0;
    for (; text.len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, text.ptr + at, 8);
        word = (word & (word << 1) & UINT64_C(0x8080808080808080)) >> 7;
        count += (int64_t)(word * UINT64_C(0x0101010101010101) >> 56); /* the sum of its bytes */
    }
    for (; at < text.len; at++)
        count += (unsigned char)text.ptr[at] >= 0xC0;
    return count;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The tokens that runs of digits take more where each digit is one (ours hold up to three). */
static int64_t more_for_digits(const struct counter *counter, struct span text)
{
    int64_t more = 0, run = 0;
    if (counter->vendor == NULL || !counter->vendor->single_digits)
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] >= '0' && text.ptr[i] <= '9') {
            run++;
            continue;
        }
        more += run - (run + 2) / 3;
        run = 0;
    }
    return more + run - (run + 2) / 3;
}

/* The same of "'s" and its kind: our vocabulary has whole words with it. */
static int64_t more_for_contractions(const struct counter *counter, struct span text)
{
    int64_t more = 0;
    if (counter->vendor == NULL || counter->vendor->contraction == 0)
        return 0;
    for (size_t at = span_find(text, '\''); at < text.len; at++) {
        at += span_find(span_from(text, at), '\'');
        if (at > 0 && at + 1 < text.len && is_letter(text.ptr[at - 1]) &&
            is_letter(text.ptr[at + 1]))
            more += counter->vendor->contraction;
    }
    return more;
}

static int64_t more_of(const struct counter *counter, struct span text)
{
    return more_for_digits(counter, text) + more_for_contractions(counter, text);
}

int64_t count_words(struct counter *counter, struct span text)
{
    return count_tokens(counter, text) + more_of(counter, text);
}

/* `counted` is the text with what may stand after it; `heard` is what the listener is told. */
static int64_t book(struct counter *counter, enum count_role role, struct span counted,
                    struct span heard)
{
    int64_t tokens = count_tokens(counter, counted) + more_of(counter, heard);
    counter->out->features.non_ascii += count_non_ascii(heard);
    counter->roles[role] += tokens;
    counter->out->features.text_tokens += tokens;
    if (heard.len > 0)
        count_print_text(counter, role, heard);
    const struct count_listener *listener = counter->request->listener;
    if (listener != NULL && heard.len > 0)
        listener->text(listener->argument, role, heard, tokens);
    return tokens;
}

int64_t count_text(struct counter *counter, enum count_role role, struct span text)
{
    return book(counter, role, text, text);
}

int64_t count_string(struct counter *counter, enum count_role role, struct member string)
{
    struct arena *scratch = counter->request->scratch;
    struct arena_mark mark = arena_mark(scratch);
    int64_t tokens = count_text(counter, role, count_decode(counter, string));
    arena_rewind(scratch, mark);
    return tokens;
}

int64_t count_json(struct counter *counter, enum count_role role, struct member value)
{
    if (value.type == JSON_NULL)
        return 0;
    if (value.type == JSON_STRING)
        return count_string(counter, role, value);
    struct buf text;
    buf_init(&text, JOIN_MAX, 0);
    json_write_compact(counter, &text, value, 0);
    bool whole = !buf_failed(&text);
    int64_t tokens = count_text(counter, role, whole ? buf_span(&text) : value.value);
    buf_fini(&text);
    return tokens;
}

void count_frame(struct counter *counter, enum count_role role, int64_t tokens)
{
    counter->roles[role] += tokens;
}

enum count_role count_role_of(struct member role)
{
    if (member_is(role, SPAN("system")) || member_is(role, SPAN("developer")))
        return COUNT_ROLE_SYSTEM;
    if (member_is(role, SPAN("assistant")) || member_is(role, SPAN("model")))
        return COUNT_ROLE_ASSISTANT;
    if (member_is(role, SPAN("tool")) || member_is(role, SPAN("function")))
        return COUNT_ROLE_TOOL;
    return COUNT_ROLE_USER;
}

/* ---- content ---- */

enum { PART_TYPE, PART_TEXT, PART_REFUSAL, PART_THINKING, PART_FIELDS };
static const struct span part_keys[PART_FIELDS] = {
    SPAN_INIT("type"),
    SPAN_INIT("text"),
    SPAN_INIT("refusal"),
    SPAN_INIT("thinking"),
};

/* The text of a part of any provider's naming; a null member where it is no text. */
static struct member part_text(const struct member *fields)
{
    static const struct span names[] = {SPAN_INIT("text"), SPAN_INIT("input_text"),
                                        SPAN_INIT("output_text"), SPAN_INIT("summary_text"),
                                        SPAN_INIT("reasoning_text")};
    if (member_is(fields[PART_TYPE], SPAN("refusal")))
        return fields[PART_REFUSAL];
    if (fields[PART_TYPE].type == JSON_NULL)
        return fields[PART_TEXT];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (member_is(fields[PART_TYPE], names[i]))
            return fields[PART_TEXT];
    return (struct member){SPAN_NONE, JSON_NULL};
}

/* Thinking of an earlier turn, where the vendor's template keeps it. */
static bool thinking_part(struct counter *counter, const struct member *fields)
{
    if (!member_is(fields[PART_TYPE], SPAN("thinking")))
        return false;
    if (counter->vendor != NULL && counter->vendor->thoughts)
        count_content(counter, COUNT_ROLE_ASSISTANT, fields[PART_THINKING], false);
    return true;
}

static void join_part(struct counter *counter, enum count_role role, struct member part,
                      struct buf *joined)
{
    struct member fields[PART_FIELDS];
    if (part.type == JSON_STRING) {
        fields[PART_TEXT] = part;
    } else {
        members_read(part, part_keys, PART_FIELDS, fields);
        if (thinking_part(counter, fields))
            return;
        fields[PART_TEXT] = part_text(fields);
    }
    if (fields[PART_TEXT].type != JSON_STRING) {
        count_media(counter, role, part);
        return;
    }
    struct arena *scratch = counter->request->scratch;
    struct arena_mark mark = arena_mark(scratch);
    struct span text = count_decode(counter, fields[PART_TEXT]);
    if (!buf_append(joined, text))
        count_text(counter, role, text);
    arena_rewind(scratch, mark);
}

static bool count_joined(struct counter *counter, enum count_role role, struct member content,
                         bool newline)
{
    struct buf joined;
    buf_init(&joined, JOIN_MAX, 0);
    if (content.type == JSON_STRING) {
        join_part(counter, role, content, &joined);
    } else if (content.type == JSON_ARRAY) {
        size_t at = 0;
        struct span key;
        struct member part;
        while (json_walk(content.value, &at, &key, &part.value, &part.type))
            join_part(counter, role, part, &joined);
    }
    size_t len = buf_len(&joined);
    if (newline)
        buf_append_byte(&joined, '\n');
    struct span text = buf_span(&joined);
    struct span heard = text;
    if (heard.len > len)
        heard.len = len;
    book(counter, role, text, heard);
    buf_fini(&joined);
    return len > 0;
}

bool count_content(struct counter *counter, enum count_role role, struct member content,
                   bool newline)
{
    switch (content.type) {
    case JSON_STRING:
        if (newline)
            return count_joined(counter, role, content, true);
        count_string(counter, role, content);
        return member_raw(content).len > 0;
    case JSON_ARRAY:
        return count_joined(counter, role, content, newline);
    case JSON_NULL:
        return newline && count_joined(counter, role, content, true);
    default:
        count_degrade(counter, COUNT_ESTIMATE);
        count_json(counter, role, content);
        return true;
    }
}

/* ---- calls ---- */

void count_call_keep(struct counter *counter, struct span id, struct span name)
{
    if (id.len == 0)
        return;
    counter->calls[counter->call_count % COUNT_CALLS_KEPT] = (struct count_call){id, name};
    counter->call_count++;
}

struct span count_call_name(const struct counter *counter, struct span id)
{
    size_t kept = counter->call_count < COUNT_CALLS_KEPT ? counter->call_count : COUNT_CALLS_KEPT;
    for (size_t i = 1; i <= kept; i++) {
        const struct count_call *call =
            &counter->calls[(counter->call_count - i) % COUNT_CALLS_KEPT];
        if (span_equal(call->id, id))
            return call->name;
    }
    return SPAN_NONE;
}

/* ---- sealed reasoning ---- */

/* Fitted on what was billed: the seal and its base64 make about six and a half bytes of a token. */
#define SEALED_SHARE 0.155
#define SEALED_EMPTY 130.0
#define SEALED_LEAST 10.0

void count_sealed(struct counter *counter, struct member string)
{
    struct span raw = member_raw(string);
    if (raw.len == 0)
        return;
    count_degrade(counter, COUNT_ESTIMATE);
    double tokens = SEALED_SHARE * (double)raw.len - SEALED_EMPTY;
    counter->sealed_tokens += (int64_t)(tokens > SEALED_LEAST ? tokens : SEALED_LEAST);
    counter->sealed_bytes += (int64_t)raw.len;
}

void count_turn(struct counter *counter)
{
    if (counter->vendor != NULL && counter->vendor->keeps_sealed)
        return;
    counter->sealed_tokens = 0;
    counter->sealed_bytes = 0;
}
