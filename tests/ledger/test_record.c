/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Records to slots and back; damage of every kind. */
#include "ledger_test.h"

#include "base/buf.h"
#include "crc32c.h"
#include "llm/receipt.h"
#include "record_private.h"

static uint8_t slots[RECORD_MAX_SLOTS * RECORD_SLOT];
static uint8_t room[RECORD_TEXT_MAX];
static uint8_t other_room[RECORD_TEXT_MAX];

static void the_checksum_is_crc32c(void **state)
{
    (void)state;
    assert_int_equal(crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(crc32c_by_table("123456789", 9), 0xe3069283);
    uint64_t random = 1;
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)sim_random(&random);
    for (size_t len = 0; len < sizeof(bytes); len++)
        assert_int_equal(crc32c(bytes, len), crc32c_by_table(bytes, len));
}

static struct record money(enum record_kind kind)
{
    return (struct record){
        .kind = kind,
        .flags = RECORD_BOUND,
        .state = kind == RECORD_PART ? PART_UNCERTAIN : 0,
        .parts = 3,
        .lag = 5,
        .seq = 0x0102030405060708,
        .order = 99,
        .key = {{0xfedcba9876543210, 0x0123456789abcdef}, 7, 2},
        .budget = 0x01020304,
        .window_id = -20,
        .window_end_wall_ns = INT64_MAX,
        .amount = INT64_MAX,
        .limit = INT64_MIN,
        .cost = 1,
        .uncertain = -1,
        .wall_ns = 1234567890123456789,
    };
}

/* Field by field: what lies between them is nobody's. */
static void assert_same(const struct record *a, const struct record *b)
{
    assert_true(a->kind == b->kind && a->flags == b->flags && a->state == b->state);
    assert_true(a->more == b->more && a->parts == b->parts && a->lag == b->lag);
    assert_true(a->seq == b->seq && a->order == b->order && a->budget == b->budget);
    assert_memory_equal(&a->key.exchange, &b->key.exchange, sizeof(a->key.exchange));
    assert_true(a->key.attempt == b->key.attempt && a->key.part == b->key.part);
    assert_int_equal(a->window_id, b->window_id);
    assert_int_equal(a->window_end_wall_ns, b->window_end_wall_ns);
    assert_int_equal(a->amount, b->amount);
    assert_int_equal(a->limit, b->limit);
    assert_int_equal(a->cost, b->cost);
    assert_int_equal(a->uncertain, b->uncertain);
    assert_int_equal(a->wall_ns, b->wall_ns);
    assert_int_equal(a->text.len, b->text.len);
}

static void every_kind_of_money_comes_back(void **state)
{
    (void)state;
    for (int kind = RECORD_BALANCE; kind <= RECORD_GRANT; kind++) {
        if (kind == RECORD_DEFINE)
            continue;
        struct record in = money((enum record_kind)kind), out;
        assert_int_equal(record_slots(&in), 1);
        record_encode(&in, slots);
        assert_int_equal(record_decode(slots, 1, room, &out), RECORD_GOOD);
        assert_same(&in, &out);
    }
}

static void a_budgets_name_of_any_length_comes_back(void **state)
{
    (void)state;
    char name[LEDGER_NAME_MAX + 1] = "", window[LEDGER_WINDOW_MAX + 1], back[LEDGER_NAME_MAX + 1];
    for (size_t len = 0; len <= LEDGER_NAME_MAX; len += len < 200 ? 1 : 103) {
        memset(name, 'n', len);
        name[len] = '\0';
        struct ledger_budget in = {17, LEDGER_TOKENS, 24, "24h", name}, out;
        struct record record = {.kind = RECORD_DEFINE, .seq = 4, .order = 5}, read;
        int64_t limit;
        record.text = record_write_define(&in, -3, room);
        record_encode(&record, slots);
        assert_int_equal(record_decode(slots, record_slots(&record), other_room, &read),
                         RECORD_GOOD);
        assert_int_equal(read.more + 1u, record_slots(&record));
        assert_true(record_read_define(read.text, &out, &limit, window, back));
        assert_int_equal(out.id, 17);
        assert_int_equal(out.unit, LEDGER_TOKENS);
        assert_int_equal(out.window_span, 24);
        assert_int_equal(limit, -3);
        assert_string_equal(window, "24h");
        assert_string_equal(back, name);
    }
}

static void fill_receipt(struct receipt *receipt)
{
    *receipt = (struct receipt){.id = {1, 2}, .outcome = "none", .step = "END", .endpoint = "chat"};
    receipt->begun_wall_ns = INT64_MAX;
    receipt->usage.input = 1000;
    receipt->usage.image_output = 3;
    receipt->cost_nusd = -7;
    receipt->uncertain_nusd = INT64_MIN;
    receipt_copy(receipt->tenant, SPAN("acme/search"));
    memset(receipt->tags, 't', sizeof(receipt->tags) - 1);
    memset(receipt->session, 's', sizeof(receipt->session) - 1);
}

static void a_receipt_comes_back(void **state)
{
    (void)state;
    struct receipt receipt;
    struct ledger_receipt in, out;
    fill_receipt(&receipt);
    ledger_receipt_from(&in, &receipt);
    struct record record = {.kind = RECORD_RECEIPT, .seq = 4, .order = 5}, read;
    record.text = record_write_receipt(&in, room);
    record_encode(&record, slots);
    assert_int_equal(record_decode(slots, record_slots(&record), other_room, &read), RECORD_GOOD);
    assert_true(record_read_receipt(read.text, &out));
    assert_memory_equal(in.numbers, out.numbers, sizeof(in.numbers));
    assert_int_equal(out.id.low, 2);
    for (size_t i = 0; i < LEDGER_TEXTS; i++)
        assert_true(span_equal(in.texts[i], out.texts[i]));
    assert_int_equal(out.texts[LEDGER_TEXT_tags].len, RECEIPT_TAGS_SIZE - 1);
}

static void texts_too_long_for_a_record_are_cut(void **state)
{
    (void)state;
    static char text[RECORD_TEXT_MAX];
    struct ledger_receipt in = {.id = {1, 2}}, out;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < LEDGER_TEXTS; i++)
        in.texts[i] = span_make(text, sizeof(text));
    struct span written = record_write_receipt(&in, room);
    assert_true(written.len <= RECORD_TEXT_MAX);
    assert_true(record_read_receipt(written, &out));
    assert_true(out.texts[0].len > RECORD_TEXT_MAX - 300);
    assert_true(out.texts[LEDGER_TEXTS - 1].len < 16);
}

static void a_cut_text_is_not_read(void **state)
{
    (void)state;
    struct receipt receipt;
    struct ledger_receipt in, out;
    fill_receipt(&receipt);
    ledger_receipt_from(&in, &receipt);
    struct span text = record_write_receipt(&in, room);
    for (size_t len = 0; len < text.len; len++)
        assert_false(record_read_receipt(span_make(text.ptr, len), &out));

    struct segment_head head = {.stream = 3, .head_slots = 1, .first_seq = 1, .control = true},
                        back;
    text = record_write_segment(&head, room);
    assert_true(record_read_segment(text, &back));
    assert_true(back.control);
    for (size_t len = 0; len < text.len; len++)
        assert_false(record_read_segment(span_make(text.ptr, len), &back));
}

static void a_receipt_of_another_version_is_read(void **state)
{
    (void)state;
    /* id 1 2; one number and one text; then more of both than there are fields. */
    static const char few[] = "\x01\x02\x01\x01\x0a\x02hi";
    struct ledger_receipt out;
    assert_true(record_read_receipt(span_make(few, sizeof(few) - 1), &out));
    assert_int_equal(out.numbers[0], 5);
    assert_int_equal(out.numbers[1], 0);
    assert_true(span_equal(out.texts[0], SPAN("hi")));
    struct buf many;
    buf_init(&many, 1000, 0);
    buf_append(&many, SPAN("\x01\x02\x63\x40"));
    for (int i = 0; i < 0x63 + 0x40; i++)
        buf_append_byte(&many, '\0');
    assert_true(record_read_receipt(buf_span(&many), &out));
    buf_fini(&many);
}

static void damage_is_seen(void **state)
{
    (void)state;
    struct record record = {.kind = RECORD_DEFINE, .seq = 4, .order = 5}, read;
    char name[300];
    memset(name, 'n', sizeof(name) - 1);
    name[299] = '\0';
    struct ledger_budget budget = {1, LEDGER_NUSD, 1, "day", name};
    record.text = record_write_define(&budget, 5, room);
    record_encode(&record, slots);
    size_t count = record_slots(&record);
    assert_true(count > 3);
    for (size_t byte = 0; byte < count * RECORD_SLOT; byte++) {
        for (int bit = 0; bit < 8; bit++) {
            slots[byte] ^= (uint8_t)(1 << bit);
            enum record_verdict verdict = record_decode(slots, count, other_room, &read);
            assert_int_equal(verdict, byte < RECORD_SLOT ? RECORD_BAD : RECORD_SHORT);
            slots[byte] ^= (uint8_t)(1 << bit);
        }
    }
    for (size_t there = 0; there < count; there++)
        assert_int_equal(record_decode(slots, there, other_room, &read), RECORD_SHORT);
    assert_int_equal(record_decode(slots + RECORD_SLOT, 1, other_room, &read), RECORD_BAD);
    memset(slots, 0, RECORD_SLOT);
    assert_int_equal(record_decode(slots, 1, other_room, &read), RECORD_EMPTY);
}

static void an_unknown_kind_is_told_apart_from_damage(void **state)
{
    (void)state;
    struct record record = money(RECORD_KIND_LAST + 1), read;
    record_encode(&record, slots);
    assert_int_equal(record_decode(slots, 1, room, &read), RECORD_UNKNOWN);
}

static void a_slot_says_what_was_on_the_disk(void **state)
{
    (void)state;
    struct record record = money(RECORD_OPEN);
    uint64_t durable;
    record.seq = 10;
    record.lag = 3;
    record_encode(&record, slots);
    assert_true(record_claim(slots, &durable));
    assert_int_equal(durable, 6);
    record.flags = RECORD_IN_HEAD;
    record.order = 77;
    record_encode(&record, slots);
    assert_true(record_claim(slots, &durable));
    assert_int_equal(durable, 77);
    slots[40] ^= 1;
    assert_false(record_claim(slots, &durable));
}

int test_record(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_crc32c),
        cmocka_unit_test(every_kind_of_money_comes_back),
        cmocka_unit_test(a_budgets_name_of_any_length_comes_back),
        cmocka_unit_test(a_receipt_comes_back),
        cmocka_unit_test(texts_too_long_for_a_record_are_cut),
        cmocka_unit_test(a_cut_text_is_not_read),
        cmocka_unit_test(a_receipt_of_another_version_is_read),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(an_unknown_kind_is_told_apart_from_damage),
        cmocka_unit_test(a_slot_says_what_was_on_the_disk),
    };
    return cmocka_run_group_tests_name("ledger/record", tests, NULL, NULL);
}
