/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The growing buffer: ceiling, front room, JSON escapes, and random operations against a model. */
#include "base/buf.h"

#include "helpers.h"

#include <stdio.h>
#include <wchar.h>

static void empty_takes_no_memory(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100, 10);
    assert_null(buf.data);
    assert_null(buf_span(&buf).ptr);
    assert_int_equal(buf_len(&buf), 0);
    buf_reset(&buf, 1000);
    buf_truncate(&buf, 0);
    buf_consume(&buf, 0);
    assert_null(buf.data);
    assert_false(buf_failed(&buf));
    buf_fini(&buf);
}

static void appends_of_every_kind(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000, 0);
    assert_true(buf_append(&buf, SPAN("a")));
    assert_true(buf_append(&buf, SPAN_NONE));
    assert_true(buf_append_byte(&buf, '-'));
    assert_true(buf_append_u64(&buf, 0));
    assert_true(buf_append_byte(&buf, ' '));
    assert_true(buf_append_u64(&buf, UINT64_MAX));
    assert_true(buf_printf(&buf, " %s=%d", "x", -5));
    assert_true(buf_printf(&buf, "%s", ""));
    assert_span(buf_span(&buf), "a-0 18446744073709551615 x=-5");
    buf_fini(&buf);
    assert_int_equal(buf_len(&buf), 0);
}

static void prints_past_the_room_that_is_there(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000, 3);
    size_t expected = 0;
    for (int width = 1; width < 700; width += 3) {
        assert_true(buf_printf(&buf, "%*d", width, 1));
        expected += (size_t)width;
        assert_int_equal(buf_len(&buf), expected);
        assert_int_equal(buf_span(&buf).ptr[expected - 1], '1');
    }
    buf_fini(&buf);
}

static void the_ceiling_is_exact(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5, 7);
    assert_true(buf_append(&buf, SPAN("abc")));
    assert_true(buf_printf(&buf, "%s", "de"));
    assert_false(buf_failed(&buf));
    assert_false(buf_append_byte(&buf, 'f'));
    assert_true(buf_failed(&buf));
    assert_span(buf_span(&buf), "abcde");
    buf_fini(&buf);
    assert_false(buf_failed(&buf));

    assert_false(buf_printf(&buf, "%s", "abcdef"));
    buf_reset(&buf, 1000);
    assert_false(buf_append(&buf, SPAN("abcdef")));
    buf_reset(&buf, 1000);
    assert_false(buf_append_u64(&buf, 123456));
    buf_reset(&buf, 1000);
    assert_null(buf_reserve(&buf, 6));
    buf_reset(&buf, 1000);
    assert_false(buf_prepend(&buf, SPAN("abcdef")));
    buf_reset(&buf, 1000);
    assert_true(buf_append(&buf, SPAN("abc")));
    assert_false(buf_prepend(&buf, SPAN("abc")));
    assert_span(buf_span(&buf), "abc");
    buf_fini(&buf);
}

static void failure_sticks(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4, 4);
    assert_true(buf_append(&buf, SPAN("ab")));
    assert_false(buf_append(&buf, SPAN("cde")));
    assert_false(buf_append(&buf, SPAN_NONE));
    assert_false(buf_append_byte(&buf, 'c'));
    assert_false(buf_append_u64(&buf, 1));
    assert_false(buf_printf(&buf, "c"));
    assert_false(buf_prepend(&buf, SPAN("c")));
    assert_null(buf_reserve(&buf, 1));
    assert_false(buf_append_json_escaped(&buf, SPAN("c")));
    assert_false(buf_append_json_string(&buf, SPAN_NONE));
    assert_span(buf_span(&buf), "ab");
    buf_reset(&buf, 1000);
    assert_false(buf_failed(&buf));
    assert_true(buf_append(&buf, SPAN("abcd")));
    buf_fini(&buf);
}

static void out_of_memory_is_a_failure(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, SIZE_MAX, 64);
    assert_null(buf_reserve(&buf, (size_t)1 << 46));
    assert_true(buf_failed(&buf));
    buf_reset(&buf, 0);
    assert_true(buf_append(&buf, SPAN("abc")));
    assert_null(buf_reserve(&buf, (size_t)1 << 46));
    assert_span(buf_span(&buf), "abc");
    buf_reset(&buf, 0);
    assert_null(buf_reserve(&buf, SIZE_MAX));
    buf_reset(&buf, 0);
    assert_false(buf_printf(&buf, "%lc", (wint_t)0x7fffffff));
    buf_fini(&buf);
}

static void prepend_uses_the_front_room(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000, 8);
    assert_true(buf_append(&buf, SPAN("body")));
    const char *body = buf_span(&buf).ptr;
    assert_true(buf_prepend(&buf, SPAN("head ")));
    assert_span(buf_span(&buf), "head body");
    assert_ptr_equal(buf_span(&buf).ptr + 5, body);
    assert_true(buf_prepend(&buf, SPAN("a: ")));
    assert_ptr_equal(buf_span(&buf).ptr + 8, body);
    assert_true(buf_prepend(&buf, SPAN_NONE));
    assert_span(buf_span(&buf), "a: head body");
    /* The room is used up: now the contents move. */
    assert_true(buf_prepend(&buf, SPAN("more ")));
    assert_span(buf_span(&buf), "more a: head body");
    buf_fini(&buf);
}

static void prepend_to_nothing(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000, 0);
    assert_true(buf_prepend(&buf, SPAN("abc")));
    assert_span(buf_span(&buf), "abc");
    buf_fini(&buf);
}

static void reserve_and_commit(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000, 0);
    assert_non_null(buf_reserve(&buf, 0));
    buf_commit(&buf, 0);
    char *room = buf_reserve(&buf, 600);
    assert_non_null(room);
    memset(room, 'x', 600);
    buf_commit(&buf, 3);
    assert_span(buf_span(&buf), "xxx");
    assert_non_null(buf_reserve(&buf, 997));
    assert_null(buf_reserve(&buf, 998));
    buf_fini(&buf);
}

static void consume_and_truncate(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000, 4);
    assert_true(buf_append(&buf, SPAN("abcdef")));
    buf_consume(&buf, 2);
    assert_span(buf_span(&buf), "cdef");
    buf_truncate(&buf, 3);
    assert_span(buf_span(&buf), "cde");
    /* What was consumed is room for a prepend. */
    assert_true(buf_prepend(&buf, SPAN("123456")));
    assert_span(buf_span(&buf), "123456cde");
    buf_consume(&buf, 9);
    assert_int_equal(buf_len(&buf), 0);
    assert_int_equal(buf.start, 4);
    buf_fini(&buf);
}

/* A window that slides for ever needs no more memory than it is wide. */
static void a_sliding_window_stays_small(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20, 16);
    for (int i = 0; i < 100000; i++) {
        assert_true(buf_append(&buf, SPAN("0123456789")));
        if (buf_len(&buf) > 1000)
            buf_consume(&buf, 10);
    }
    assert_true(buf.capacity <= 4096);
    buf_fini(&buf);
}

static void reset_keeps_at_most(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000, 4);
    assert_true(buf_append(&buf, SPAN("abc")));
    const char *data = buf.data;
    buf_reset(&buf, 4096);
    assert_ptr_equal(buf.data, data);
    assert_int_equal(buf_len(&buf), 0);
    assert_true(buf_append(&buf, SPAN("d")));
    assert_true(buf_prepend(&buf, SPAN("abc ")));
    assert_span(buf_span(&buf), "abc d");
    assert_ptr_equal(buf.data, data);
    assert_non_null(buf_reserve(&buf, 50000));
    buf_reset(&buf, 4096);
    assert_int_equal(buf.capacity, 0);
    buf_fini(&buf);
}

static void commit_too_much(void *argument)
{
    buf_commit(argument, 2000);
}

static void consume_too_much(void *argument)
{
    buf_consume(argument, 4);
}

static void truncate_upwards(void *argument)
{
    buf_truncate(argument, 4);
}

static void misuse_aborts(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000, 0);
    assert_true(buf_append(&buf, SPAN("abc")));
    assert_true(aborts_with(commit_too_much, &buf, "assertion failed"));
    assert_true(aborts_with(consume_too_much, &buf, "assertion failed"));
    assert_true(aborts_with(truncate_upwards, &buf, "assertion failed"));
    buf_fini(&buf);
}

static void json_escapes(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000, 0);
    assert_true(buf_append_json_escaped(&buf, SPAN("a\"b\\c\b\t\n\f\r\x01\x1f\x7f/\xc3\xa9")));
    assert_span(buf_span(&buf), "a\\\"b\\\\c\\b\\t\\n\\f\\r\\u0001\\u001f\x7f/\xc3\xa9");
    buf_reset(&buf, 1000);
    assert_true(buf_append_json_escaped(&buf, span_make("\0", 1)));
    assert_true(buf_append_json_escaped(&buf, SPAN_NONE));
    assert_span(buf_span(&buf), "\\u0000");
    buf_reset(&buf, 1000);
    assert_true(buf_append_json_string(&buf, SPAN_NONE));
    assert_true(buf_append_json_string(&buf, SPAN("")));
    assert_true(buf_append_json_string(&buf, SPAN("say \"hi\"")));
    assert_span(buf_span(&buf), "null\"\"\"say \\\"hi\\\"\"");
    buf_fini(&buf);
}

/* Every byte below 0x80 stands for itself or is escaped to ASCII that a reader turns back. */
static void json_escapes_every_control(void **state)
{
    (void)state;
    for (int byte = 0; byte < 0x80; byte++) {
        struct buf buf;
        char c = (char)byte;
        buf_init(&buf, 1000, 0);
        assert_true(buf_append_json_escaped(&buf, span_make(&c, 1)));
        struct span s = buf_span(&buf);
        bool special = byte < 0x20 || c == '"' || c == '\\';
        assert_int_equal(s.ptr[0], special ? '\\' : c);
        if (s.len == 6) {
            char expected[7];
            snprintf(expected, sizeof(expected), "\\u%04x", (unsigned)byte);
            assert_span(s, expected);
        } else {
            assert_int_equal(s.len, special ? 2 : 1);
        }
        buf_fini(&buf);
    }
}

static void json_respects_the_ceiling(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4, 0);
    assert_false(buf_append_json_string(&buf, SPAN("a\n\n")));
    assert_true(buf_failed(&buf));
    assert_true(buf_len(&buf) <= 4);
    buf_fini(&buf);
}

#define MODEL_CEILING 3000

struct model {
    struct buf buf;
    char bytes[MODEL_CEILING];
    size_t len;
    uint64_t random;
};

static void model_add(struct model *m)
{
    char text[600];
    size_t size = random_below(&m->random, sizeof(text));
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + random_below(&m->random, 26));
    bool front = random_below(&m->random, 3) == 0;
    bool fits = size <= MODEL_CEILING - m->len;
    struct span s = span_make(text, size);
    bool done;
    if (front) {
        done = buf_prepend(&m->buf, s);
    } else if (random_below(&m->random, 2) == 0) {
        done = buf_printf(&m->buf, "%.*s", SPAN_ARG(s));
    } else {
        done = buf_append(&m->buf, s);
    }
    assert_int_equal(done, fits);
    if (!fits)
        return;
    memmove(m->bytes + (front ? size : 0), m->bytes, m->len);
    memcpy(m->bytes + (front ? 0 : m->len), text, size);
    m->len += size;
}

static void model_cut(struct model *m)
{
    size_t size = random_below(&m->random, m->len + 1);
    if (random_below(&m->random, 2) == 0) {
        buf_truncate(&m->buf, m->len - size);
    } else {
        buf_consume(&m->buf, size);
        memmove(m->bytes, m->bytes + size, m->len - size);
    }
    m->len -= size;
}

static void random_operations_match_a_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct model m = {.random = seed};
        buf_init(&m.buf, MODEL_CEILING, random_below(&m.random, 100));
        for (int step = 0; step < 1000; step++) {
            if (random_below(&m.random, 3) > 0)
                model_add(&m);
            else
                model_cut(&m);
            if (buf_failed(&m.buf)) {
                buf_reset(&m.buf, random_below(&m.random, 5000));
                m.len = 0;
            }
            assert_int_equal(buf_len(&m.buf), m.len);
            if (m.len > 0)
                assert_memory_equal(buf_span(&m.buf).ptr, m.bytes, m.len);
        }
        buf_fini(&m.buf);
    }
}

int test_buf(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_takes_no_memory),
        cmocka_unit_test(appends_of_every_kind),
        cmocka_unit_test(prints_past_the_room_that_is_there),
        cmocka_unit_test(the_ceiling_is_exact),
        cmocka_unit_test(failure_sticks),
        cmocka_unit_test(out_of_memory_is_a_failure),
        cmocka_unit_test(prepend_uses_the_front_room),
        cmocka_unit_test(prepend_to_nothing),
        cmocka_unit_test(reserve_and_commit),
        cmocka_unit_test(consume_and_truncate),
        cmocka_unit_test(a_sliding_window_stays_small),
        cmocka_unit_test(reset_keeps_at_most),
        cmocka_unit_test(misuse_aborts),
        cmocka_unit_test(json_escapes),
        cmocka_unit_test(json_escapes_every_control),
        cmocka_unit_test(json_respects_the_ceiling),
        cmocka_unit_test(random_operations_match_a_model),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
