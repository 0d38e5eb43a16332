/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: cap, sticky failure, cleanups, mark and rewind, what a reset keeps. */
#include "base/arena.h"

#include "helpers.h"

#include <wchar.h>

#define CHUNK_FIRST 4096

static void no_memory_before_use(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 100000);
    assert_int_equal(arena_bytes(&arena), 0);
    arena_reset(&arena);
    arena_rewind(&arena, arena_mark(&arena));
    assert_int_equal(arena_bytes(&arena), 0);
    assert_false(arena_failed(&arena));
    arena_fini(&arena);
}

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    uint64_t random = 7;
    unsigned char *parts[300];
    size_t sizes[300];
    /* The second round gets memory that the first one has written to. */
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 300; i++) {
            sizes[i] = random_below(&random, 700);
            parts[i] = arena_alloc(&arena, sizes[i]);
            assert_non_null(parts[i]);
            assert_int_equal((uintptr_t)parts[i] % _Alignof(max_align_t), 0);
            for (size_t j = 0; j < sizes[i]; j++)
                assert_int_equal(parts[i][j], 0);
            memset(parts[i], (int)(i % 255) + 1, sizes[i]);
        }
        for (size_t i = 0; i < 300; i++)
            for (size_t j = 0; j < sizes[i]; j++)
                assert_int_equal(parts[i][j], i % 255 + 1);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void chunks_double_to_64_kib(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const size_t totals[] = {4, 4 + 8, 4 + 8 + 16, 4 + 8 + 16 + 32, 124, 124 + 64};
    size_t step = 0;
    while (step < sizeof(totals) / sizeof(totals[0])) {
        size_t before = arena_bytes(&arena);
        assert_non_null(arena_alloc(&arena, 100));
        if (arena_bytes(&arena) != before)
            assert_int_equal(arena_bytes(&arena), totals[step++] * 1024);
    }
    arena_fini(&arena);
    assert_int_equal(arena_bytes(&arena), 0);
}

static void the_cap_is_a_bound_and_failure_sticks(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 20000; cap += 611) {
        struct arena arena;
        arena_init(&arena, cap);
        size_t got = 0;
        while (arena_alloc(&arena, 48) != NULL) {
            got += 48;
            assert_true(arena_bytes(&arena) <= cap);
        }
        assert_true(arena_failed(&arena));
        /* What the cap costs: the heads of the chunks, and what is lost at their ends. */
        assert_true(got + 4 * (32 + 48) + 16 >= cap);
        assert_null(arena_alloc(&arena, 1));
        assert_null(arena_alloc(&arena, 0));
        assert_null(arena_array(&arena, 1, 1));
        assert_null(arena_copy(&arena, SPAN("x")).ptr);
        assert_int_equal(arena_copy(&arena, SPAN("x")).len, 0);
        assert_null(arena_printf(&arena, "x").ptr);
        assert_false(arena_on_end(&arena, NULL, NULL));
        arena_reset(&arena);
        assert_false(arena_failed(&arena));
        arena_fini(&arena);
    }
}

static void absurd_sizes_fail(void **state)
{
    (void)state;
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 8, SIZE_MAX - 40, (size_t)1 << 46};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct arena arena;
        arena_init(&arena, SIZE_MAX);
        assert_null(arena_alloc(&arena, sizes[i]));
        assert_true(arena_failed(&arena));
        arena_reset(&arena);
        assert_non_null(arena_alloc(&arena, 1));
        assert_null(arena_alloc(&arena, sizes[i]));
        arena_fini(&arena);
    }
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
    assert_true(arena_failed(&arena));
    arena_fini(&arena);
}

static void arrays(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10000);
    uint64_t *numbers = arena_array(&arena, 100, sizeof(*numbers));
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(numbers[i], 0);
    assert_non_null(arena_array(&arena, 0, 8));
    assert_non_null(ARENA_NEW(&arena, struct span));
    assert_false(arena_failed(&arena));
    arena_fini(&arena);
}

static void copies_end_in_nul(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10000);
    char source[] = "hello";
    struct span copy = arena_copy(&arena, span_make(source, 4));
    source[0] = 'j';
    assert_int_equal(copy.len, 4);
    assert_string_equal(copy.ptr, "hell");
    struct span empty = arena_copy(&arena, SPAN_NONE);
    assert_int_equal(empty.len, 0);
    assert_string_equal(empty.ptr, "");
    arena_fini(&arena);
}

/* 255 and 256 lie on both sides of the buffer that short texts are formatted in. */
static void prints_any_length(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 100000);
    const int widths[] = {1, 254, 255, 256, 257, 10000};
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        struct span text = arena_printf(&arena, "%*d", widths[i], 7);
        assert_int_equal(text.len, widths[i]);
        assert_int_equal(strlen(text.ptr), widths[i]);
        assert_int_equal(text.ptr[text.len - 1], '7');
    }
    assert_span(arena_printf(&arena, "%s", ""), "");
    assert_null(arena_printf(&arena, "%*d", 200000, 7).ptr);
    assert_true(arena_failed(&arena));
    arena_fini(&arena);
}

/* A character that the locale cannot write is what vsnprintf itself refuses. */
static void a_print_that_fails_is_a_failure(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 100000);
    assert_null(arena_printf(&arena, "%lc", (wint_t)0x7fffffff).ptr);
    assert_true(arena_failed(&arena));
    arena_fini(&arena);
}

static char order[8];

static void note(void *argument)
{
    size_t len = strlen(order);
    order[len] = *(const char *)argument;
    order[len + 1] = '\0';
}

static void cleanups_run_last_first_and_once(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10000);
    order[0] = '\0';
    char names[] = "abc";
    for (size_t i = 0; i < 3; i++)
        assert_true(arena_on_end(&arena, note, &names[i]));
    assert_string_equal(order, "");
    arena_reset(&arena);
    assert_string_equal(order, "cba");
    assert_true(arena_on_end(&arena, note, &names[0]));
    arena_fini(&arena);
    assert_string_equal(order, "cbaa");
    arena_fini(&arena);
    assert_string_equal(order, "cbaa");
}

static struct arena *registering;
static char late = 'z';

static void register_another(void *argument)
{
    note(argument);
    assert_true(arena_on_end(registering, note, &late));
}

static void a_cleanup_may_register_another(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10000);
    registering = &arena;
    order[0] = '\0';
    char name = 'a';
    assert_true(arena_on_end(&arena, register_another, &name));
    arena_fini(&arena);
    assert_string_equal(order, "az");
}

static void a_cleanup_over_the_cap_is_not_registered(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64);
    order[0] = '\0';
    char name = 'a';
    assert_true(arena_on_end(&arena, note, &name));
    assert_false(arena_on_end(&arena, note, &name));
    arena_fini(&arena);
    assert_string_equal(order, "a");
}

static void rewind_gives_back(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char *kept = arena_alloc(&arena, 10);
    memcpy(kept, "kept", 5);
    struct arena_mark mark = arena_mark(&arena);
    char *first = arena_alloc(&arena, 10);
    size_t bytes = arena_bytes(&arena);
    for (int round = 0; round < 100; round++) {
        arena_rewind(&arena, mark);
        assert_int_equal(arena_bytes(&arena), bytes);
        assert_ptr_equal(arena_alloc(&arena, 10), first);
        memset(first, 'x', 10);
        for (int i = 0; i < 50; i++)
            assert_non_null(arena_alloc(&arena, 1000));
    }
    assert_string_equal(kept, "kept");
    arena_fini(&arena);
}

static void rewind_to_an_empty_arena(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct arena_mark mark = arena_mark(&arena);
    char *first = arena_alloc(&arena, 10);
    assert_non_null(arena_alloc(&arena, 100000));
    arena_rewind(&arena, mark);
    assert_int_equal(arena_bytes(&arena), CHUNK_FIRST);
    assert_ptr_equal(arena_alloc(&arena, 10), first);
    arena_fini(&arena);
}

static void marks_nest(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_non_null(arena_alloc(&arena, 10));
    struct arena_mark outer = arena_mark(&arena);
    char *a = arena_alloc(&arena, 3000);
    struct arena_mark inner = arena_mark(&arena);
    char *b = arena_alloc(&arena, 3000);
    arena_rewind(&arena, inner);
    assert_int_equal(arena_bytes(&arena), CHUNK_FIRST);
    assert_ptr_not_equal(arena_alloc(&arena, 16), a);
    arena_rewind(&arena, outer);
    assert_ptr_equal(arena_alloc(&arena, 3000), a);
    assert_ptr_not_equal(a, b);
    arena_fini(&arena);
}

static void rewind_takes_failure_back(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 8192);
    assert_non_null(arena_alloc(&arena, 10));
    struct arena_mark mark = arena_mark(&arena);
    assert_null(arena_alloc(&arena, 10000));
    assert_true(arena_failed(&arena));
    struct arena_mark failed = arena_mark(&arena);
    arena_rewind(&arena, failed);
    assert_true(arena_failed(&arena));
    arena_rewind(&arena, mark);
    assert_false(arena_failed(&arena));
    assert_non_null(arena_alloc(&arena, 10));
    arena_fini(&arena);
}

static void rewind_past_a_cleanup(void *argument)
{
    (void)argument;
    struct arena arena;
    arena_init(&arena, 10000);
    struct arena_mark mark = arena_mark(&arena);
    arena_on_end(&arena, note, NULL);
    arena_rewind(&arena, mark);
}

static void rewind_past_a_cleanup_aborts(void **state)
{
    (void)state;
    assert_true(aborts_with(rewind_past_a_cleanup, NULL, "assertion failed"));
}

static void cleanups_before_the_mark_stay(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10000);
    order[0] = '\0';
    char name = 'a';
    assert_true(arena_on_end(&arena, note, &name));
    struct arena_mark mark = arena_mark(&arena);
    assert_non_null(arena_alloc(&arena, 100));
    arena_rewind(&arena, mark);
    assert_string_equal(order, "");
    arena_fini(&arena);
    assert_string_equal(order, "a");
}

static void reset_keeps_the_first_chunk(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char *first = arena_alloc(&arena, 10);
    for (int i = 0; i < 100; i++)
        assert_non_null(arena_alloc(&arena, 1000));
    assert_true(arena_bytes(&arena) > 100000);
    arena_reset(&arena);
    assert_int_equal(arena_bytes(&arena), CHUNK_FIRST);
    assert_ptr_equal(arena_alloc(&arena, 10), first);
    arena_fini(&arena);
}

static void reset_drops_a_large_first_chunk(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_non_null(arena_alloc(&arena, 500000));
    arena_reset(&arena);
    assert_int_equal(arena_bytes(&arena), 0);
    assert_non_null(arena_alloc(&arena, 10));
    assert_int_equal(arena_bytes(&arena), CHUNK_FIRST);
    arena_fini(&arena);
}

static void joins_parts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    const struct span parts[] = {SPAN("ab"), SPAN_NONE, SPAN("c"), SPAN("")};
    struct span joined = arena_join(&arena, parts, 4);
    assert_int_equal(joined.len, 3);
    assert_string_equal(joined.ptr, "abc");
    assert_int_equal(arena_join(&arena, NULL, 0).len, 0);
    arena_fini(&arena);
    arena_init(&arena, 16);
    const struct span large[] = {SPAN("0123456789"), SPAN("0123456789")};
    assert_null(arena_join(&arena, large, 2).ptr);
    assert_true(arena_failed(&arena));
    arena_fini(&arena);
}

int test_arena(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_parts),
        cmocka_unit_test(no_memory_before_use),
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(chunks_double_to_64_kib),
        cmocka_unit_test(the_cap_is_a_bound_and_failure_sticks),
        cmocka_unit_test(absurd_sizes_fail),
        cmocka_unit_test(arrays),
        cmocka_unit_test(copies_end_in_nul),
        cmocka_unit_test(prints_any_length),
        cmocka_unit_test(a_print_that_fails_is_a_failure),
        cmocka_unit_test(cleanups_run_last_first_and_once),
        cmocka_unit_test(a_cleanup_may_register_another),
        cmocka_unit_test(a_cleanup_over_the_cap_is_not_registered),
        cmocka_unit_test(rewind_gives_back),
        cmocka_unit_test(rewind_to_an_empty_arena),
        cmocka_unit_test(marks_nest),
        cmocka_unit_test(rewind_takes_failure_back),
        cmocka_unit_test(rewind_past_a_cleanup_aborts),
        cmocka_unit_test(cleanups_before_the_mark_stay),
        cmocka_unit_test(reset_keeps_the_first_chunk),
        cmocka_unit_test(reset_drops_a_large_first_chunk),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
