/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Ids: unique, in order whatever the clock does, and their text. */
#include "base/clock.h"
#include "base/id.h"

#include "helpers.h"

#include <stdlib.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static struct id parse(const char *text)
{
    assert_int_equal(strlen(text), ID_TEXT_SIZE - 1);
    assert_memory_equal(text, "req_", 4);
    unsigned __int128 bits = 0;
    for (const char *c = text + 4; *c != '\0'; c++) {
        const char *at = strchr(alphabet, *c);
        assert_non_null(at);
        bits = (bits << 5) | (unsigned)(at - alphabet);
    }
    return (struct id){.high = (uint64_t)(bits >> 64), .low = (uint64_t)bits};
}

static void known_texts(void **state)
{
    (void)state;
    char text[ID_TEXT_SIZE];
    assert_ptr_equal(id_format((struct id){0, 0}, text), text);
    assert_string_equal(text, "req_00000000000000000000000000");
    assert_string_equal(id_format((struct id){0, 33}, text), "req_00000000000000000000000011");
    assert_string_equal(id_format((struct id){UINT64_MAX, UINT64_MAX}, text),
                        "req_7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    /* The ULID specification's example begins with the time 1469922850259. */
    uint64_t ms = 1469922850259;
    id_format((struct id){ms << 16, 0}, text);
    assert_memory_equal(text, "req_01ARZ3NDEK", 14);
}

static void text_round_trips(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (int i = 0; i < 10000; i++) {
        struct id id = {next_random(&random), next_random(&random)};
        char text[ID_TEXT_SIZE];
        struct id back = parse(id_format(id, text));
        assert_true(back.high == id.high && back.low == id.low);
    }
}

static void the_time_is_in_it(void **state)
{
    (void)state;
    struct id_source source;
    id_source_init(&source, 1);
    int64_t now = 1795532820123 * NS_PER_MS;
    assert_int_equal(id_next(&source, now).high, (uint64_t)1795532820123 << 16);
    assert_int_equal(id_next(&source, now).high, ((uint64_t)1795532820123 << 16) + 1);
    assert_int_equal(id_next(&source, now + NS_PER_MS).high, (uint64_t)1795532820124 << 16);
}

/* The clock stands, jumps forward, goes back, and is before 1970. */
static void always_increasing(void **state)
{
    (void)state;
    struct id_source source;
    id_source_init(&source, 99);
    uint64_t random = 11;
    int64_t now = 1000 * NS_PER_S;
    char last[ID_TEXT_SIZE] = "";
    for (int i = 0; i < 200000; i++) {
        int64_t jumps[] = {0, 0, NS_PER_MS, 5 * NS_PER_S, -3 * NS_PER_S, -2000 * NS_PER_S};
        now += i % 100 == 0 ? jumps[random_below(&random, 6)] : 0;
        char text[ID_TEXT_SIZE];
        id_format(id_next(&source, now), text);
        assert_true(strcmp(text, last) > 0);
        memcpy(last, text, sizeof(last));
    }
}

/* More ids in one millisecond than the counter holds. */
static void the_counter_may_overflow(void **state)
{
    (void)state;
    struct id_source source;
    id_source_init(&source, 5);
    uint64_t first = id_next(&source, NS_PER_S).high;
    for (uint64_t i = 1; i < 200000; i++)
        assert_int_equal(id_next(&source, NS_PER_S).high, first + i);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sources that differ only in their seed share no low half, even with one common clock. */
static void sources_stay_apart(void **state)
{
    (void)state;
    enum { SOURCES = 16, EACH = 5000 };
    uint64_t *lows = malloc(SOURCES * EACH * sizeof(*lows));
    assert_non_null(lows);
    size_t count = 0;
    for (uint64_t seed = 0; seed < SOURCES; seed++) {
        struct id_source source;
        id_source_init(&source, seed);
        for (int i = 0; i < EACH; i++)
            lows[count++] = id_next(&source, NS_PER_S).low;
    }
    qsort(lows, count, sizeof(*lows), compare_u64);
    for (size_t i = 1; i < count; i++)
        assert_true(lows[i] != lows[i - 1]);
    free(lows);
}

int test_id(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),        cmocka_unit_test(text_round_trips),
        cmocka_unit_test(the_time_is_in_it),  cmocka_unit_test(always_increasing),
        cmocka_unit_test(sources_stay_apart), cmocka_unit_test(the_counter_may_overflow),
    };
    return cmocka_run_group_tests_name("base/id", tests, NULL, NULL);
}
