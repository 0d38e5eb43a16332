/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes fill exactly what they are given, and differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/random.h"

#include <string.h>

int test_random(void);

static void bytes_fill_exactly_the_space_given(void **state)
{
    (void)state;
    /* Larger than the 256 bytes that the kernel promises in one call. */
    static unsigned char bytes[100002];
    unsigned seen[256] = {0};
    bytes[0] = bytes[sizeof(bytes) - 1] = 0x5a;
    random_bytes(bytes + 1, sizeof(bytes) - 2);
    assert_int_equal(bytes[0], 0x5a);
    assert_int_equal(bytes[sizeof(bytes) - 1], 0x5a);
    for (size_t i = 1; i < sizeof(bytes) - 1; i++)
        seen[bytes[i]]++;
    /* 390 expected of each value; 200 is beyond nine standard deviations. */
    for (size_t i = 0; i < 256; i++)
        assert_in_range(seen[i], 200, 600);
    random_bytes(bytes, 0);
    assert_int_equal(bytes[0], 0x5a);
}

static void numbers_differ(void **state)
{
    (void)state;
    uint64_t drawn[64];
    for (size_t i = 0; i < 64; i++) {
        drawn[i] = random_u64();
        for (size_t j = 0; j < i; j++)
            assert_true(drawn[i] != drawn[j]);
    }
}

int test_random(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_fill_exactly_the_space_given),
        cmocka_unit_test(numbers_differ),
    };
    return cmocka_run_group_tests_name("crypto/random", tests, NULL, NULL);
}
