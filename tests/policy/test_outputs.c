/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Learned outputs against the exact percentile of the same numbers, and a target's breach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/health.h"
#include "policy/outputs.h"
#include "policy_support.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void test_nothing_is_said_of_few(void **state)
{
    (void)state;
    struct outputs *outputs = outputs_new();
    uint64_t key = outputs_key(SPAN("acme"), SPAN("openai"), SPAN("gpt"));
    assert_true(key != outputs_key(SPAN("acme"), SPAN("azure"), SPAN("gpt")));
    assert_true(key != outputs_key(SPAN("zoo"), SPAN("openai"), SPAN("gpt")));
    for (int i = 0; i < OUTPUTS_LEAST; i++) {
        assert_int_equal(outputs_p95(outputs, key), 0);
        outputs_note(outputs, key, 100);
    }
    int64_t p95 = outputs_p95(outputs, key);
    assert_true(p95 >= 100 && p95 <= 112);
    assert_int_equal(outputs_p95(outputs, key + 1), 0);
    struct outputs *same = outputs_ref(outputs);
    outputs_unref(&outputs);
    assert_int_equal(outputs_p95(same, key), p95);
    outputs_unref(&same);
    outputs_unref(&same);
}

static void test_against_sorting(void **state)
{
    (void)state;
    uint64_t seed = 20261124, random = seed;
    for (int round = 0; round < 200; round++) {
        int64_t seen[1000];
        size_t count = OUTPUTS_LEAST + (size_t)random_upto(&random, 900);
        int64_t most = (int64_t)1 << random_upto(&random, 22);
        struct outputs *outputs = outputs_new();
        for (size_t i = 0; i < count; i++) {
            seen[i] = random_upto(&random, most);
            outputs_note(outputs, 5, seen[i]);
        }
        qsort(seen, count, sizeof(seen[0]), compare);
        /* The least number that 19 of 20 do not pass. */
        int64_t exact = seen[count - count / 20 - 1];
        int64_t p95 = outputs_p95(outputs, 5);
        if (p95 < exact || p95 > exact + exact / 8 + 1)
            fail_msg("seed %llu round %d: %lld for %lld", (unsigned long long)seed, round,
                     (long long)p95, (long long)exact);
        outputs_unref(&outputs);
    }
}

static void test_old_answers_fade(void **state)
{
    (void)state;
    struct outputs *outputs = outputs_new();
    for (int i = 0; i < 1500; i++)
        outputs_note(outputs, 5, 10000);
    for (int i = 0; i < 20 * OUTPUTS_FADE; i++)
        outputs_note(outputs, 5, 10);
    assert_int_equal(outputs_p95(outputs, 5), 10);
    outputs_note(outputs, 6, INT64_MAX); /* no place is too far */
    outputs_note(outputs, 6, 0);
    outputs_unref(&outputs);
}

static void test_breach(void **state)
{
    (void)state;
    struct health_cell *cell = health_cell_new();
    assert_false(health_is_breached(cell));
    assert_true(health_note_breach(cell)); /* news */
    assert_false(health_note_breach(cell));
    assert_true(health_is_breached(cell));
    assert_true(health_permit(cell, 0)); /* it is well all the same */
    health_acknowledge(cell);
    assert_false(health_is_breached(cell));
    assert_true(health_note_breach(cell));
    health_cell_unref(&cell);
}

int test_outputs(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_said_of_few),
        cmocka_unit_test(test_against_sorting),
        cmocka_unit_test(test_old_answers_fade),
        cmocka_unit_test(test_breach),
    };
    return cmocka_run_group_tests_name("policy/outputs", tests, NULL, NULL);
}
