/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Shards: entries by key, the oldest leaves, everything is dropped once, and threads share it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/shards.h"

#include <pthread.h>

int test_shards(void);

static int dropped;

static void count_drop(void *entry)
{
    dropped += *(int *)entry != 0;
}

static struct shards *new_shards(size_t max_entries)
{
    dropped = 0;
    return shards_new(&(struct shards_settings){sizeof(int), max_entries, count_drop});
}

/* Puts a value where there is none, and returns what is there. */
static int put(struct shards *shards, uint64_t key, int value, bool *is_new)
{
    int *entry = shards_hold(shards, key, is_new);
    if (*is_new)
        *entry = value;
    int now = *entry;
    shards_release(shards, key);
    return now;
}

/* Keys as hashes are: spread over all bits. */
static uint64_t key_of(uint64_t number)
{
    return number * UINT64_C(0x9e3779b97f4a7c15);
}

static void entries_are_found_again(void **state)
{
    (void)state;
    struct shards *shards = new_shards(1 << 16);
    bool is_new;
    for (int i = 1; i <= 1000; i++) {
        assert_int_equal(put(shards, key_of((uint64_t)i), i, &is_new), i);
        assert_true(is_new);
    }
    for (int i = 1; i <= 1000; i++) {
        assert_int_equal(put(shards, key_of((uint64_t)i), -1, &is_new), i);
        assert_false(is_new);
    }
    assert_int_equal(shards_count(shards), 1000);
    shards_remove(shards, key_of(7));
    shards_remove(shards, key_of(7));
    assert_int_equal(dropped, 1);
    assert_int_equal(put(shards, key_of(7), 70, &is_new), 70);
    assert_true(is_new);
    shards_free(&shards);
    assert_null(shards);
    assert_int_equal(dropped, 1001);
    shards_free(&shards);
}

/* Keys of one shard: their low bits are alike. */
static uint64_t of_one_shard(uint64_t number)
{
    return number << 32;
}

static void the_longest_unused_leaves(void **state)
{
    (void)state;
    struct shards *shards = new_shards(16 * 4); /* four a shard */
    bool is_new;
    for (int i = 1; i <= 4; i++)
        put(shards, of_one_shard((uint64_t)i), i, &is_new);
    put(shards, of_one_shard(1), 0, &is_new); /* used again */
    put(shards, of_one_shard(5), 5, &is_new);
    assert_int_equal(dropped, 1);
    assert_int_equal(put(shards, of_one_shard(1), 100, &is_new), 1);
    assert_int_equal(put(shards, of_one_shard(3), 100, &is_new), 3);
    assert_int_equal(put(shards, of_one_shard(2), 200, &is_new), 200); /* it had left */
    assert_true(is_new);
    assert_int_equal(shards_count(shards), 4);
    shards_free(&shards);
}

enum { THREADS = 4, ROUNDS = 20000, KEYS = 500 };

static void *add_ones(void *argument)
{
    struct shards *shards = argument;
    bool is_new;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t key = key_of(i % KEYS);
        int *entry = shards_hold(shards, key, &is_new);
        ++*entry;
        shards_release(shards, key);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    struct shards *shards = new_shards(1 << 14);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_ones, shards), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    bool is_new;
    for (uint64_t i = 0; i < KEYS; i++)
        assert_int_equal(put(shards, key_of(i), 0, &is_new), THREADS * ROUNDS / KEYS);
    shards_free(&shards);
}

int test_shards(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_again),
        cmocka_unit_test(the_longest_unused_leaves),
        cmocka_unit_test(threads_lose_nothing),
    };
    return cmocka_run_group_tests_name("base/shards", tests, NULL, NULL);
}
