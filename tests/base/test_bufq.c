/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The byte queue: cap, chunks, and random pushes and consumes against a counter of bytes. */
#include "base/bufq.h"

#include "helpers.h"

#include <stdlib.h>
#include <sys/resource.h>

/* Present in a sanitized program only. */
void __asan_init(void) __attribute__((weak));
void __tsan_init(void) __attribute__((weak));

static void empty_holds_nothing(void **state)
{
    (void)state;
    struct bufq queue;
    bufq_init(&queue, 100);
    assert_int_equal(bufq_len(&queue), 0);
    assert_int_equal(bufq_front(&queue).len, 0);
    struct span spans[2];
    assert_int_equal(bufq_fronts(&queue, spans, 2), 0);
    assert_true(bufq_push(&queue, SPAN_NONE));
    assert_null(queue.head);
    bufq_consume(&queue, 0);
    assert_true(bufq_push(&queue, SPAN("abc")));
    bufq_consume(&queue, 3);
    assert_null(queue.head);
    assert_null(queue.tail);
    bufq_fini(&queue);
}

static void the_cap_is_exact(void **state)
{
    (void)state;
    struct bufq queue;
    bufq_init(&queue, 5);
    assert_false(bufq_push(&queue, SPAN("abcdef")));
    assert_int_equal(bufq_len(&queue), 0);
    assert_null(queue.head);
    assert_true(bufq_push(&queue, SPAN("abc")));
    assert_false(bufq_push(&queue, SPAN("def")));
    assert_int_equal(bufq_len(&queue), 3);
    assert_true(bufq_push(&queue, SPAN("de")));
    assert_span(bufq_front(&queue), "abcde");
    assert_false(bufq_push(&queue, SPAN("f")));
    /* A refused push is no sticky failure. */
    bufq_consume(&queue, 1);
    assert_true(bufq_push(&queue, SPAN("f")));
    assert_span(bufq_front(&queue), "bcdef");
    bufq_fini(&queue);
    assert_int_equal(bufq_len(&queue), 0);
}

static void a_long_push_spans_chunks(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    char *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    struct bufq queue;
    bufq_init(&queue, SIZE);
    assert_true(bufq_push(&queue, span_make(bytes, SIZE)));
    struct span spans[16];
    assert_int_equal(bufq_fronts(&queue, spans, 2), 2);
    size_t count = bufq_fronts(&queue, spans, 16);
    assert_int_equal(count, 7);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(spans[i].ptr, bytes + at, spans[i].len);
        at += spans[i].len;
    }
    assert_int_equal(at, SIZE);
    /* A consume may end inside any chunk. */
    bufq_consume(&queue, 40000);
    struct span front = bufq_front(&queue);
    assert_memory_equal(front.ptr, bytes + 40000, front.len);
    bufq_fini(&queue);
    free(bytes);
}

/* The process may grow no more: part of the chunks are had, then none. */
static void out_of_memory_pushes_nothing(void **state)
{
    (void)state;
    static const char bytes[1 << 26];
    if (__asan_init != NULL || __tsan_init != NULL)
        skip(); /* their allocators have reserved what they need */
    struct bufq queue;
    bufq_init(&queue, SIZE_MAX);
    assert_true(bufq_push(&queue, SPAN("abc")));
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    struct rlimit none = {.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    bool pushed = bufq_push(&queue, span_make(bytes, sizeof(bytes)));
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_false(pushed);
    assert_int_equal(bufq_len(&queue), 3);
    assert_span(bufq_front(&queue), "abc");
    assert_true(bufq_push(&queue, SPAN("def")));
    assert_span(bufq_front(&queue), "abcdef");
    bufq_fini(&queue);
}

static char byte_at(size_t position)
{
    return (char)(position * 31 + position / 257);
}

/* Pushes up to 40,000 of the bytes that follow `pushed`; the queue must agree about the cap. */
static size_t push_some(struct bufq *queue, size_t pushed, uint64_t *random)
{
    static char bytes[40000];
    size_t limits[] = {40, 1500, sizeof(bytes)};
    size_t size = random_below(random, limits[random_below(random, 3)]);
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(pushed + i);
    bool fits = size <= queue->cap - bufq_len(queue);
    assert_int_equal(bufq_push(queue, span_make(bytes, size)), fits);
    return fits ? size : 0;
}

/* Every byte in the queue is the right one. */
static void check_contents(const struct bufq *queue, size_t consumed)
{
    struct span spans[64];
    size_t count = bufq_fronts(queue, spans, 64);
    size_t at = consumed;
    for (size_t i = 0; i < count; i++) {
        assert_true(spans[i].len > 0);
        for (size_t j = 0; j < spans[i].len; j++)
            if (spans[i].ptr[j] != byte_at(at + j))
                fail_msg("byte %zu is wrong", at + j);
        at += spans[i].len;
    }
    assert_int_equal(at - consumed, bufq_len(queue));
}

static void random_operations_match_a_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed;
        struct bufq queue;
        bufq_init(&queue, 120000);
        size_t pushed = 0;
        size_t consumed = 0;
        for (int step = 0; step < 200; step++) {
            if (random_below(&random, 2) == 0) {
                pushed += push_some(&queue, pushed, &random);
            } else {
                size_t size = random_below(&random, bufq_len(&queue) + 1);
                bufq_consume(&queue, size);
                consumed += size;
            }
            assert_int_equal(bufq_len(&queue), pushed - consumed);
            check_contents(&queue, consumed);
        }
        bufq_consume(&queue, bufq_len(&queue));
        assert_null(queue.head);
        bufq_fini(&queue);
    }
}

static void consume_too_much(void *argument)
{
    bufq_consume(argument, 4);
}

static void misuse_aborts(void **state)
{
    (void)state;
    struct bufq queue;
    bufq_init(&queue, 100);
    assert_true(bufq_push(&queue, SPAN("abc")));
    assert_true(aborts_with(consume_too_much, &queue, "assertion failed"));
    bufq_fini(&queue);
}

int test_bufq(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_holds_nothing),
        cmocka_unit_test(the_cap_is_exact),
        cmocka_unit_test(a_long_push_spans_chunks),
        cmocka_unit_test(out_of_memory_pushes_nothing),
        cmocka_unit_test(random_operations_match_a_model),
        cmocka_unit_test(misuse_aborts),
    };
    return cmocka_run_group_tests_name("base/bufq", tests, NULL, NULL);
}
