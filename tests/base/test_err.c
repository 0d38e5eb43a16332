/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The table of errors: complete, and each entry fit to be sent. */
#include "base/err.h"

#include "helpers.h"

#include <pthread.h>

static void the_table_is_sane(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++) {
        const struct err_info *info = err_info((enum err)i);
        assert_non_null(info);
        assert_true(info->name[0] != '\0');
        assert_int_equal(strspn(info->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                         strlen(info->name));
        assert_true(info->sentence[0] != '\0');
        /* They go into JSON as they are. */
        assert_null(strpbrk(info->sentence, "\"\\\n"));
        if (i == ERR_NONE)
            continue;
        assert_in_range(info->status, 400, 599);
        assert_true(info->type[0] != '\0');
        assert_int_equal(info->sentence[strlen(info->sentence) - 1], '.');
    }
}

static void names_are_unique(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(err_info((enum err)i)->name, err_info((enum err)j)->name);
}

static void known_entries(void **state)
{
    (void)state;
    assert_string_equal(err_info(ERR_NONE)->name, "none");
    assert_int_equal(err_info(ERR_NONE)->status, 200);
    assert_null(err_info(ERR_NONE)->code);
    const struct err_info *spent = err_info(ERR_BUDGET_EXCEEDED_429);
    assert_string_equal(spent->name, "budget_exceeded_429");
    assert_int_equal(spent->status, 429);
    assert_string_equal(spent->type, "insufficient_quota");
    assert_string_equal(spent->code, "budget_exceeded");
    assert_int_equal(err_info(ERR_BUDGET_EXCEEDED)->status, 402);
}

static void *read_name(void *argument)
{
    (void)argument;
    const char *name = err_info(ERR_CLIENT_GONE)->name;
    return strcmp(name, "client_gone") == 0 ? argument : NULL;
}

static void any_thread_may_ask(void **state)
{
    (void)state;
    int token = 0;
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_name, &token), 0);
    for (size_t i = 0; i < 4; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &token);
    }
}

static void ask_past_the_end(void *argument)
{
    (void)argument;
    err_info(ERR_COUNT);
}

static void out_of_range_aborts(void **state)
{
    (void)state;
    assert_true(aborts_with(ask_past_the_end, NULL, "ERR_COUNT"));
}

int test_err(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_thread_may_ask),  cmocka_unit_test(the_table_is_sane),
        cmocka_unit_test(names_are_unique),    cmocka_unit_test(known_entries),
        cmocka_unit_test(out_of_range_aborts),
    };
    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
