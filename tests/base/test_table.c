/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash table against a plain array, and SipHash-1-3 against published results.
 */
#include "base/table.h"

#include "../../src/base/siphash.h"
#include "helpers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void empty(void **state)
{
    (void)state;
    struct table table;
    size_t cursor = 0;
    table_init(&table);
    assert_null(table_get(&table, SPAN("a")));
    assert_null(table_remove(&table, SPAN("a")));
    assert_null(table_next(&table, &cursor));
    table_fini(&table);
}

static void put_get_remove(void **state)
{
    (void)state;
    struct table table;
    int one = 1;
    int two = 2;
    table_init(&table);
    assert_null(table_put(&table, SPAN("a"), &one));
    assert_null(table_put(&table, SPAN(""), &two));
    assert_int_equal(table.count, 2);
    assert_ptr_equal(table_get(&table, SPAN("a")), &one);
    assert_ptr_equal(table_get(&table, SPAN_NONE), &two);
    assert_null(table_get(&table, SPAN("b")));
    assert_ptr_equal(table_put(&table, SPAN("a"), &two), &one);
    assert_int_equal(table.count, 2);
    assert_ptr_equal(table_remove(&table, SPAN("a")), &two);
    assert_null(table_remove(&table, SPAN("a")));
    assert_null(table_get(&table, SPAN("a")));
    assert_int_equal(table.count, 1);
    table_fini(&table);
    assert_int_equal(table.count, 0);
}

/* A key often lives in its value: the entry must not go on using the old one. */
static void put_takes_the_new_key(void **state)
{
    (void)state;
    struct table table;
    char old_key[] = "key";
    char new_key[] = "key";
    int value = 1;
    size_t cursor = 0;
    table_init(&table);
    table_put(&table, span_make(old_key, 3), &value);
    table_put(&table, span_make(new_key, 3), &value);
    memset(old_key, 'x', 3);
    assert_ptr_equal(table_get(&table, SPAN("key")), &value);
    assert_ptr_equal(table_next(&table, &cursor)->key.ptr, new_key);
    table_fini(&table);
}

static void put_null(void *argument)
{
    table_put(argument, SPAN("a"), NULL);
}

static void a_null_value_aborts(void **state)
{
    (void)state;
    struct table table;
    table_init(&table);
    assert_true(aborts_with(put_null, &table, "assertion failed"));
    table_fini(&table);
}

enum { KEYS = 400 };

struct model {
    struct table table;
    char keys[KEYS][8];
    int values[KEYS][2];
    void *present[KEYS];
    size_t count;
};

static struct span key_of(const struct model *m, size_t i)
{
    return span_from_string(m->keys[i]);
}

/* Every key is found or not as the model says, and the walk meets each entry once. */
static void check(const struct model *m, size_t keys)
{
    for (size_t i = 0; i < keys; i++)
        if (table_get(&m->table, key_of(m, i)) != m->present[i])
            fail_msg("key %zu", i);
    assert_int_equal(m->table.count, m->count);
    bool seen[KEYS] = {false};
    size_t cursor = 0;
    size_t walked = 0;
    struct table_slot *slot;
    while ((slot = table_next(&m->table, &cursor)) != NULL) {
        size_t i = (size_t)strtoul(slot->key.ptr + 1, NULL, 10);
        assert_ptr_equal(slot->value, m->present[i]);
        assert_false(seen[i]);
        seen[i] = true;
        walked++;
    }
    assert_int_equal(walked, m->count);
}

static void random_step(struct model *m, size_t keys, size_t bias, uint64_t *random)
{
    size_t i = random_below(random, keys);
    if (random_below(random, 10) < bias) {
        void *value = &m->values[i][random_below(random, 2)];
        assert_ptr_equal(table_put(&m->table, key_of(m, i), value), m->present[i]);
        m->count += m->present[i] == NULL;
        m->present[i] = value;
    } else {
        assert_ptr_equal(table_remove(&m->table, key_of(m, i)), m->present[i]);
        m->count -= m->present[i] != NULL;
        m->present[i] = NULL;
    }
}

/* Few keys make small, full tables whose runs wrap round the end; phases of growth and of decay. */
static void random_operations_match_a_model(void **state)
{
    (void)state;
    static struct model m;
    const size_t key_counts[] = {6, 12, 24, 96, KEYS};
    for (uint64_t seed = 1; seed <= 50; seed++) {
        uint64_t random = seed;
        size_t keys = key_counts[seed % 5];
        m = (struct model){.count = 0};
        table_init(&m.table);
        for (size_t i = 0; i < KEYS; i++)
            snprintf(m.keys[i], sizeof(m.keys[i]), "k%zu", i);
        for (size_t step = 0; step < 1000; step++) {
            random_step(&m, keys, step / 250 % 2 == 0 ? 8 : 3, &random);
            if (keys <= 24 || step % 20 == 0)
                check(&m, keys);
        }
        table_fini(&m.table);
    }
}

static void stays_at_most_three_quarters_full(void **state)
{
    (void)state;
    struct table table;
    static char keys[3000][8];
    int value = 1;
    table_init(&table);
    for (size_t i = 0; i < 3000; i++) {
        int len = snprintf(keys[i], sizeof(keys[i]), "%zu", i);
        table_put(&table, span_make(keys[i], (size_t)len), &value);
        assert_true(table.count * 4 <= table.capacity * 3);
        assert_int_equal(table.capacity & (table.capacity - 1), 0);
    }
    assert_true(table.capacity <= 4096);
    table_fini(&table);
}

/* Replacing and removing for ever needs no more room: there are no tombstones. */
static void churn_does_not_grow(void **state)
{
    (void)state;
    struct table table;
    static char keys[5000][8];
    int value = 1;
    table_init(&table);
    for (size_t i = 0; i < 5000; i++) {
        int len = snprintf(keys[i], sizeof(keys[i]), "%zu", i);
        table_put(&table, span_make(keys[i], (size_t)len), &value);
        if (i >= 4)
            assert_ptr_equal(table_remove(&table, span_from_string(keys[i - 4])), &value);
    }
    assert_int_equal(table.count, 4);
    assert_int_equal(table.capacity, 8);
    table_fini(&table);
}

/*
 * Key 00 01 .. 0f, message 00 01 .. of length 0 to 23: every tail, up to two whole blocks. The
 * values are those that other implementations of SipHash-1-3 are tested with.
 */
static const uint64_t vectors[] = {
    0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb,
    0xcf75576088d38328, 0xdef9d52f49533b67, 0xc50d2b50c59f22a7, 0xd3927d989bb11140,
    0x369095118d299a8e, 0x25a48eb36c063de4, 0x79de85ee92ff097f, 0x70c118c1f94dc352,
    0x78a384b157b4d9a2, 0x306f760c1229ffa7, 0x605aa111c0f95d34, 0xd320d86d2a519956,
    0xcc4fdd1a7d908b66, 0x9cf2689063dbd80c, 0x8ffc389cb473e63e, 0xf21f9de58d297d1c,
    0xc0dc2f46a6cce040, 0xb992abfe2b45f844, 0x7ffe7b9ba320872e, 0x525a0e7fdae6c123,
};

static void siphash_matches_known_answers(void **state)
{
    (void)state;
    char message[64];
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (char)i;
    struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        assert_true(siphash13(key, span_make(message, i)) == vectors[i]);
    /* A message longer than its length byte can say, under the zero key. */
    char zeros[300] = {0};
    struct siphash_key zero = {0, 0};
    assert_true(siphash13(zero, span_make(zeros, 300)) == 0x3c878aa3e3c65480);
    assert_true(siphash13(zero, span_make("\xff\xfe\xfd", 3)) == 0x1a3b5eca76d772b7);
    /* Alignment does not matter. */
    char shifted[65];
    memcpy(shifted + 1, message, 64);
    assert_true(siphash13(key, span_make(shifted + 1, 64)) ==
                siphash13(key, span_make(message, 64)));
}

static void the_process_has_one_key(void **state)
{
    (void)state;
    char copy[] = "some text";
    assert_true(hash_bytes(SPAN("some text")) == hash_bytes(span_from_string(copy)));
    assert_true(hash_bytes(SPAN_NONE) == hash_bytes(SPAN("")));
    assert_true(hash_bytes(SPAN("a")) != hash_bytes(SPAN("b")));
    /* Not a key that an outsider could guess. */
    struct siphash_key zero = {0, 0};
    assert_true(hash_bytes(SPAN("some text")) != siphash13(zero, SPAN("some text")));
}

static void *hash_in_thread(void *argument)
{
    *(uint64_t *)argument = hash_bytes(SPAN("shared"));
    return NULL;
}

static void threads_share_the_key(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    uint64_t hashes[THREADS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_in_thread, &hashes[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_true(hashes[i] == hash_bytes(SPAN("shared")));
}

int test_table(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_the_key),
        cmocka_unit_test(empty),
        cmocka_unit_test(put_get_remove),
        cmocka_unit_test(put_takes_the_new_key),
        cmocka_unit_test(a_null_value_aborts),
        cmocka_unit_test(random_operations_match_a_model),
        cmocka_unit_test(stays_at_most_three_quarters_full),
        cmocka_unit_test(churn_does_not_grow),
        cmocka_unit_test(siphash_matches_known_answers),
        cmocka_unit_test(the_process_has_one_key),
    };
    return cmocka_run_group_tests_name("base/table", tests, NULL, NULL);
}
