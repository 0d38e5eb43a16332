/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of records: numbers as LEB128 (signed ones zigzag), strings with their length before
 * them. A receipt says how many numbers and strings it has, so that later versions may add some.
 */
#include "ledger/record.h"

#include "base/assert.h"
#include "llm/receipt.h"

#include <string.h>

struct writer {
    uint8_t *at;
    uint8_t *end;
};

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

#define NUMBER_MAX 10 /* bytes of one */

static void put_number(struct writer *writer, uint64_t value)
{
    ASSERT(writer->end - writer->at >= NUMBER_MAX);
    while (value >= 0x80) {
        *writer->at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *writer->at++ = (uint8_t)value;
}

static void put_signed(struct writer *writer, int64_t value)
{
    put_number(writer, ((uint64_t)value << 1) ^ (value < 0 ? ~0ull : 0));
}

/* Cut to the room that is left when `reserve` bytes are kept for what follows. */
static void put_string(struct writer *writer, struct span text, size_t reserve)
{
    size_t room = (size_t)(writer->end - writer->at) - NUMBER_MAX - reserve;
    size_t len = text.len < room ? text.len : room;
    put_number(writer, len);
    if (len > 0)
        memcpy(writer->at, text.ptr, len);
    writer->at += len;
}

static uint64_t get_number(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; reader->at < reader->end && shift < 64; shift += 7) {
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    reader->failed = true;
    return 0;
}

static int64_t get_signed(struct reader *reader)
{
    uint64_t value = get_number(reader);
    return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

static struct span get_string(struct reader *reader)
{
    uint64_t len = get_number(reader);
    if (reader->failed || len > (uint64_t)(reader->end - reader->at)) {
        reader->failed = true;
        return SPAN_NONE;
    }
    struct span text = span_make((const char *)reader->at, (size_t)len);
    reader->at += len;
    return text;
}

static struct writer write_into(uint8_t *room)
{
    return (struct writer){room, room + RECORD_TEXT_MAX};
}

static struct span written(const struct writer *writer, const uint8_t *room)
{
    return span_make((const char *)room, (size_t)(writer->at - room));
}

static struct reader read_from(struct span text)
{
    const uint8_t *at = (const uint8_t *)text.ptr;
    return (struct reader){at, at != NULL ? at + text.len : at, text.len == 0};
}

/* ---- SEGMENT ---- */

#define FORMAT 1

struct span record_write_segment(const struct segment_head *head, uint8_t *room)
{
    struct writer writer = write_into(room);
    put_number(&writer, FORMAT);
    put_number(&writer, head->stream);
    put_number(&writer, head->head_slots);
    put_number(&writer, head->slots);
    put_number(&writer, head->number);
    put_number(&writer, head->epoch);
    put_signed(&writer, head->birth);
    put_number(&writer, head->first_seq);
    put_number(&writer, head->known_seq);
    put_number(&writer, head->order);
    put_signed(&writer, head->wall_ns);
    put_signed(&writer, head->forgot_wall_ns);
    put_number(&writer, head->control);
    return written(&writer, room);
}

bool record_read_segment(struct span text, struct segment_head *head)
{
    struct reader reader = read_from(text);
    uint64_t format = get_number(&reader);
    uint64_t stream = get_number(&reader), slots = get_number(&reader);
    *head = (struct segment_head){.stream = (uint32_t)stream, .head_slots = (uint32_t)slots};
    head->slots = get_number(&reader);
    head->number = get_number(&reader);
    head->epoch = get_number(&reader);
    head->birth = get_signed(&reader);
    head->first_seq = get_number(&reader);
    head->known_seq = get_number(&reader);
    head->order = get_number(&reader);
    head->wall_ns = get_signed(&reader);
    head->forgot_wall_ns = get_signed(&reader);
    head->control = get_number(&reader) != 0;
    return !reader.failed && format == FORMAT && stream <= UINT32_MAX && slots >= 1 &&
           slots <= UINT32_MAX && head->first_seq >= 1 && head->known_seq >= head->first_seq - 1;
}

/* ---- DEFINE ---- */

struct span record_write_define(const struct ledger_budget *budget, int64_t limit, uint8_t *room)
{
    struct writer writer = write_into(room);
    put_number(&writer, budget->id);
    put_number(&writer, budget->unit);
    put_number(&writer, budget->window_span);
    put_signed(&writer, limit);
    put_string(&writer, span_from_string(budget->window), 0);
    put_string(&writer, span_from_string(budget->name), 0);
    return written(&writer, room);
}

static bool copy_string(struct span text, char *room, size_t max)
{
    if (text.len > max)
        return false;
    if (text.len > 0)
        memcpy(room, text.ptr, text.len);
    room[text.len] = '\0';
    return true;
}

bool record_read_define(struct span text, struct ledger_budget *budget, int64_t *limit,
                        char window[LEDGER_WINDOW_MAX + 1], char name[LEDGER_NAME_MAX + 1])
{
    struct reader reader = read_from(text);
    uint64_t id = get_number(&reader), unit = get_number(&reader), span = get_number(&reader);
    *limit = get_signed(&reader);
    bool copied = copy_string(get_string(&reader), window, LEDGER_WINDOW_MAX) &&
                  copy_string(get_string(&reader), name, LEDGER_NAME_MAX);
    *budget = (struct ledger_budget){
        .id = (uint32_t)id,
        .unit = (enum ledger_unit)unit,
        .window_span = (uint32_t)span,
        .window = window,
        .name = name,
    };
    return copied && !reader.failed && id >= 1 && id <= UINT32_MAX && span >= 1 &&
           span <= UINT32_MAX && (unit == LEDGER_NUSD || unit == LEDGER_TOKENS);
}

/* ---- RECEIPT ---- */

void ledger_receipt_from(struct ledger_receipt *out, const struct receipt *r)
{
    *out = (struct ledger_receipt){.id = r->id};
#define LEDGER_NUMBER(name, expression) out->numbers[LEDGER_NUMBER_##name] = (int64_t)(expression);
#define LEDGER_TEXT(name, expression)   out->texts[LEDGER_TEXT_##name] = span_from_string(expression);
#include "ledger/receipt_fields.def"
#undef LEDGER_NUMBER
#undef LEDGER_TEXT
}

struct span record_write_receipt(const struct ledger_receipt *receipt, uint8_t *room)
{
    struct writer writer = write_into(room);
    put_number(&writer, receipt->id.high);
    put_number(&writer, receipt->id.low);
    put_number(&writer, LEDGER_NUMBERS);
    put_number(&writer, LEDGER_TEXTS);
    for (size_t i = 0; i < LEDGER_NUMBERS; i++)
        put_signed(&writer, receipt->numbers[i]);
    for (size_t i = 0; i < LEDGER_TEXTS; i++)
        put_string(&writer, receipt->texts[i], (LEDGER_TEXTS - 1 - i) * NUMBER_MAX);
    return written(&writer, room);
}

bool record_read_receipt(struct span text, struct ledger_receipt *receipt)
{
    struct reader reader = read_from(text);
    *receipt = (struct ledger_receipt){.id.high = get_number(&reader)};
    receipt->id.low = get_number(&reader);
    uint64_t numbers = get_number(&reader), texts = get_number(&reader);
    for (uint64_t i = 0; i < numbers && !reader.failed; i++) {
        int64_t value = get_signed(&reader);
        if (i < LEDGER_NUMBERS)
            receipt->numbers[i] = value;
    }
    for (uint64_t i = 0; i < texts && !reader.failed; i++) {
        struct span string = get_string(&reader);
        if (i < LEDGER_TEXTS)
            receipt->texts[i] = string;
    }
    return !reader.failed;
}
