/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that cannot fail, and the assertion that it ends in. */
#include "base/assert.h"
#include "base/memory.h"

#include "helpers.h"

#include <stdlib.h>

/* The sanitizers' allocators end the process on absurd sizes unless told to answer NULL. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void memory_is_zeroed(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size++) {
        unsigned char *one = memory_new(size);
        unsigned char *many = memory_array(size, 3);
        assert_non_null(one);
        assert_non_null(many);
        for (size_t i = 0; i < size; i++)
            assert_true(one[i] == 0 && many[i * 3] == 0 && many[i * 3 + 2] == 0);
        free(one);
        free(many);
    }
    struct span *s = MEMORY_NEW(struct span);
    assert_null(s->ptr);
    free(s);
}

static void resize_keeps_contents(void **state)
{
    (void)state;
    uint32_t *numbers = memory_resize(NULL, 1, sizeof(*numbers));
    numbers[0] = 42;
    numbers = memory_resize(numbers, 1000, sizeof(*numbers));
    assert_int_equal(numbers[0], 42);
    numbers = memory_resize(numbers, 0, sizeof(*numbers));
    assert_non_null(numbers);
    free(numbers);
}

static void strings(void **state)
{
    (void)state;
    char *text = memory_string("hello", 4);
    assert_string_equal(text, "hell");
    free(text);
    text = memory_string(NULL, 0);
    assert_string_equal(text, "");
    free(text);
}

static void array_overflow(void *argument)
{
    free(memory_array(*(size_t *)argument, 16));
}

static void resize_overflow(void *argument)
{
    free(memory_resize(NULL, *(size_t *)argument, 16));
}

static void new_too_large(void *argument)
{
    free(memory_new(*(size_t *)argument));
}

static void failure_aborts(void **state)
{
    (void)state;
    size_t count = SIZE_MAX / 8;
    assert_true(aborts_with(array_overflow, &count, "out of memory"));
    assert_true(aborts_with(resize_overflow, &count, "out of memory"));
    size_t size = (size_t)1 << 60;
    assert_true(aborts_with(new_too_large, &size, "out of memory"));
}

static void assert_small(void *argument)
{
    int number = *(int *)argument;
    ASSERT(number < 10);
}

static void unreachable(void *argument)
{
    (void)argument;
    UNREACHABLE();
}

static void fail_at_length(void *argument)
{
    assert_failed(argument, "file.c", 7);
}

static void assertions(void **state)
{
    (void)state;
    int number = 9;
    assert_small(&number);
    number = 10;
    assert_false(aborts_with(unreachable, NULL, "some other text"));
    assert_true(aborts_with(assert_small, &number, "assertion failed: number < 10 at "));
    assert_true(aborts_with(unreachable, NULL, "assertion failed: unreachable at "));
    assert_true(aborts_with(fail_at_length, "short", "assertion failed: short at file.c:7\n"));
    char text[2000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_true(aborts_with(fail_at_length, text, "assertion failed: xxx"));
}

int test_memory(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed), cmocka_unit_test(resize_keeps_contents),
        cmocka_unit_test(strings),          cmocka_unit_test(failure_aborts),
        cmocka_unit_test(assertions),
    };
    return cmocka_run_group_tests_name("base/memory", tests, NULL, NULL);
}
