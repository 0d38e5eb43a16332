/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records to slots and back. There are two bodies: that of money (OPEN, CLOSE, BALANCE, …), whose
 * fields have fixed places, and that of text (DEFINE, RECEIPT, SEGMENT): a length and bytes, which go
 * on in slots of kind CONTINUE.
 */
#include "ledger/record.h"

#include "base/assert.h"
#include "crc32c.h"
#include "record_private.h"

#include <endian.h>
#include <string.h>

#define MAGIC 0x31524a57u /* "WJR1" */
#define BODY  (RECORD_SLOT - RECORD_HEAD)

static void put16(uint8_t *at, uint16_t value)
{
    value = htole16(value);
    memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

static uint16_t get16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return le16toh(value);
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

/* ---- money ---- */

static bool has_text(enum record_kind kind)
{
    return kind == RECORD_SEGMENT || kind == RECORD_DEFINE || kind == RECORD_RECEIPT;
}

static void put_money(const struct record *record, uint8_t *body)
{
    put64(body, record->key.exchange.high);
    put64(body + 8, record->key.exchange.low);
    put32(body + 16, record->key.attempt);
    put32(body + 20, record->budget);
    put16(body + 24, record->key.part);
    put16(body + 26, record->parts);
    put32(body + 28, record->state);
    put64(body + 32, (uint64_t)record->window_id);
    put64(body + 40, (uint64_t)record->window_end_wall_ns);
    put64(body + 48, (uint64_t)record->amount);
    put64(body + 56, (uint64_t)record->limit);
    put64(body + 64, (uint64_t)record->cost);
    put64(body + 72, (uint64_t)record->uncertain);
    put64(body + 80, (uint64_t)record->wall_ns);
    put64(body + 88, 0);
}

static void get_money(const uint8_t *body, struct record *record)
{
    record->key.exchange.high = get64(body);
    record->key.exchange.low = get64(body + 8);
    record->key.attempt = get32(body + 16);
    record->budget = get32(body + 20);
    record->key.part = get16(body + 24);
    record->parts = get16(body + 26);
    record->state = body[28];
    record->window_id = (int64_t)get64(body + 32);
    record->window_end_wall_ns = (int64_t)get64(body + 40);
    record->amount = (int64_t)get64(body + 48);
    record->limit = (int64_t)get64(body + 56);
    record->cost = (int64_t)get64(body + 64);
    record->uncertain = (int64_t)get64(body + 72);
    record->wall_ns = (int64_t)get64(body + 80);
}

/* ---- slots ---- */

static void put_head(const struct record *record, enum record_kind kind, size_t index, size_t more,
                     uint8_t *slot)
{
    put32(slot, MAGIC);
    put64(slot + 8, record->seq + index);
    put64(slot + 16, record->order);
    put32(slot + 24, record->lag + (uint32_t)index); /* its own slots before it are as new */
    slot[28] = (uint8_t)kind;
    slot[29] = record->flags;
    put16(slot + 30, (uint16_t)more);
}

static void put_crc(uint8_t *slot)
{
    put32(slot + 4, crc32c(slot + 8, RECORD_SLOT - 8));
}

size_t record_slots(const struct record *record)
{
    size_t size = record->text.len + 2;
    return size <= BODY ? 1 : (size + BODY - 1) / BODY;
}

/* A length of two bytes, then the text, over as many bodies as it takes. */
static void put_text(const struct record *record, size_t more, uint8_t *slots)
{
    size_t done = 0, from = 2;
    put16(slots + RECORD_HEAD, (uint16_t)record->text.len);
    for (size_t i = 0; i <= more; i++, from = 0) {
        uint8_t *body = slots + i * RECORD_SLOT + RECORD_HEAD;
        size_t part = record->text.len - done;
        if (part > BODY - from)
            part = BODY - from;
        if (i > 0)
            put_head(record, RECORD_CONTINUE, i, more - i, body - RECORD_HEAD);
        if (part > 0)
            memcpy(body + from, record->text.ptr + done, part);
        memset(body + from + part, 0, BODY - from - part);
        done += part;
        put_crc(slots + i * RECORD_SLOT);
    }
}

void record_encode(const struct record *record, uint8_t *slots)
{
    ASSERT(record->text.len <= RECORD_TEXT_MAX);
    size_t more = record_slots(record) - 1;
    put_head(record, record->kind, 0, more, slots);
    if (has_text(record->kind)) {
        put_text(record, more, slots);
        return;
    }
    put_money(record, slots + RECORD_HEAD);
    put_crc(slots);
}

static bool is_zero(const uint8_t *slot)
{
    uint64_t any = 0;
    for (size_t i = 0; i < RECORD_SLOT; i += 8)
        any |= get64(slot + i);
    return any == 0;
}

static bool is_sound(const uint8_t *slot)
{
    return get32(slot) == MAGIC && get32(slot + 4) == crc32c(slot + 8, RECORD_SLOT - 8);
}

bool record_claim(const uint8_t *slot, uint64_t *durable)
{
    if (!is_sound(slot))
        return false;
    uint64_t seq = get64(slot + 8), lag = get32(slot + 24);
    if ((slot[29] & RECORD_IN_HEAD) != 0)
        *durable = get64(slot + 16);
    else
        *durable = seq > lag ? seq - lag - 1 : 0;
    return true;
}

bool record_is(const uint8_t *slot, uint64_t seq)
{
    return is_sound(slot) && (slot[29] & RECORD_IN_HEAD) == 0 && get64(slot + 8) == seq;
}

/* Collects the text of a record of several slots. */
static enum record_verdict gather(const uint8_t *slots, size_t count, uint8_t *room,
                                  struct record *out)
{
    size_t len = get16(slots + RECORD_HEAD), done = 0;
    if (len > RECORD_TEXT_MAX || record_slots(&(struct record){.text.len = len}) != 1u + out->more)
        return RECORD_BAD;
    out->text = span_make((const char *)room, len);
    for (size_t i = 0; i <= out->more; i++) {
        const uint8_t *slot = slots + i * RECORD_SLOT;
        size_t from = i == 0 ? RECORD_HEAD + 2 : RECORD_HEAD;
        size_t part = len - done < RECORD_SLOT - from ? len - done : RECORD_SLOT - from;
        if (i >= count)
            return RECORD_SHORT;
        if (i > 0 && (!is_sound(slot) || slot[28] != RECORD_CONTINUE ||
                      get64(slot + 8) != out->seq + i || get64(slot + 16) != out->order))
            return RECORD_SHORT;
        memcpy(room + done, slot + from, part);
        done += part;
    }
    return RECORD_GOOD;
}

static enum record_verdict read_text(const uint8_t *slots, size_t count, uint8_t *room,
                                     struct record *out)
{
    if (out->more == 0) {
        size_t len = get16(slots + RECORD_HEAD);
        if (len > BODY - 2)
            return RECORD_BAD;
        out->text = span_make((const char *)slots + RECORD_HEAD + 2, len);
        return RECORD_GOOD;
    }
    if (out->more >= RECORD_MAX_SLOTS)
        return RECORD_BAD;
    return gather(slots, count, room, out);
}

enum record_verdict record_decode(const uint8_t *slots, size_t count, uint8_t *room,
                                  struct record *out)
{
    if (count == 0)
        return RECORD_SHORT;
    if (!is_sound(slots))
        return is_zero(slots) ? RECORD_EMPTY : RECORD_BAD;
    *out = (struct record){
        .kind = (enum record_kind)slots[28],
        .flags = slots[29],
        .more = get16(slots + 30),
        .lag = get32(slots + 24),
        .seq = get64(slots + 8),
        .order = get64(slots + 16),
    };
    if (out->kind == 0 || out->kind > RECORD_KIND_LAST)
        return RECORD_UNKNOWN;
    if (out->kind == RECORD_CONTINUE)
        return RECORD_BAD; /* the record that it belongs to is not before it */
    if (has_text(out->kind))
        return read_text(slots, count, room, out);
    if (out->more != 0)
        return RECORD_BAD;
    get_money(slots + RECORD_HEAD, out);
    return RECORD_GOOD;
}
