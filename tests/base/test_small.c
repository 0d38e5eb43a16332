/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The header-only parts: list, ref, outcome. */
#include "base/directory.h"
#include "base/list.h"
#include "base/outcome.h"
#include "base/ref.h"

#include "helpers.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct item {
    int before;
    struct list link;
    char name;
};

/* The names in order, after checking every pair of pointers. */
static const char *names(const struct list *head)
{
    static char text[16];
    size_t len = 0;
    assert_ptr_equal(head->next->prev, head);
    LIST_FOR_EACH (link, (struct list *)(uintptr_t)head) {
        assert_ptr_equal(link->next->prev, link);
        text[len++] = LIST_ITEM(link, struct item, link)->name;
    }
    text[len] = '\0';
    return text;
}

static void list_order(void **state)
{
    (void)state;
    struct list head;
    struct item a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
    list_init(&head);
    assert_true(list_empty(&head));
    assert_string_equal(names(&head), "");
    list_append(&head, &b.link);
    list_append(&head, &c.link);
    list_prepend(&head, &a.link);
    assert_false(list_empty(&head));
    assert_string_equal(names(&head), "abc");
    list_remove(&b.link);
    assert_string_equal(names(&head), "ac");
    list_remove(&b.link);
    assert_string_equal(names(&head), "ac");
    assert_true(list_empty(&b.link));
    list_prepend(&head, &b.link);
    assert_string_equal(names(&head), "bac");
}

static void list_body_may_remove(void **state)
{
    (void)state;
    struct list head;
    struct item items[5];
    list_init(&head);
    for (size_t i = 0; i < 5; i++) {
        items[i].name = (char)('a' + i);
        list_append(&head, &items[i].link);
    }
    LIST_FOR_EACH (link, &head) {
        if (LIST_ITEM(link, struct item, link)->name % 2 == 1)
            list_remove(link);
    }
    assert_string_equal(names(&head), "bd");
    LIST_FOR_EACH (link, &head) {
        list_remove(link);
    }
    assert_true(list_empty(&head));
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *take_and_drop(void *argument)
{
    struct ref *ref = argument;
    intptr_t last = 0;
    for (int i = 0; i < ROUNDS; i++) {
        ref_take(ref);
        last += ref_drop(ref);
    }
    last += ref_drop(ref);
    return (void *)last;
}

static void exactly_one_thread_drops_the_last(void **state)
{
    (void)state;
    struct ref ref;
    pthread_t threads[THREADS];
    ref_init(&ref);
    for (int i = 0; i < THREADS; i++)
        ref_take(&ref);
    assert_false(ref_drop(&ref));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, &ref), 0);
    intptr_t last = 0;
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        last += (intptr_t)result;
    }
    assert_int_equal(last, 1);
}

static void drop_twice(void *argument)
{
    ref_drop(argument);
    ref_drop(argument);
}

static void take_after_the_end(void *argument)
{
    ref_drop(argument);
    ref_take(argument);
}

static void ref_misuse_aborts(void **state)
{
    (void)state;
    struct ref ref;
    ref_init(&ref);
    assert_true(aborts_with(drop_twice, &ref, "assertion failed"));
    assert_true(aborts_with(take_after_the_end, &ref, "assertion failed"));
    assert_true(ref_drop(&ref));
}

static void the_first_outcome_wins(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    assert_true(outcome_set(&outcome, ERR_CLIENT_GONE, 7));
    assert_false(outcome_set(&outcome, ERR_INTERNAL, 8));
    assert_int_equal(outcome.cause, ERR_CLIENT_GONE);
    assert_int_equal(outcome.step, 7);
    /* "As asked" is an ending too. */
    struct outcome good = {0};
    assert_true(outcome_set(&good, ERR_NONE, 11));
    assert_false(outcome_set(&good, ERR_CLIENT_GONE, 12));
    assert_int_equal(good.cause, ERR_NONE);
    assert_int_equal(good.step, 11);
}

static void a_directory_is_read_or_refused(void **state)
{
    (void)state;
    bool found = false;
    DIR *directory = directory_open(WEIR_SOURCE_DIR "/tests/base");
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        found = found || strcmp(entry->d_name, "test_small.c") == 0;
    assert_true(found);
    closedir(directory);
    errno = 0;
    assert_null(directory_open(WEIR_SOURCE_DIR "/tests/base/test_small.c"));
    assert_int_equal(errno, ENOTDIR);
    assert_null(directory_open("/no/such/directory"));
    assert_int_equal(errno, ENOENT);
}

int test_small(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_order),
        cmocka_unit_test(list_body_may_remove),
        cmocka_unit_test(exactly_one_thread_drops_the_last),
        cmocka_unit_test(ref_misuse_aborts),
        cmocka_unit_test(the_first_outcome_wins),
        cmocka_unit_test(a_directory_is_read_or_refused),
    };
    return cmocka_run_group_tests_name("base/small", tests, NULL, NULL);
}
