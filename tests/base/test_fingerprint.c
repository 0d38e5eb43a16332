/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The fingerprint: the same everywhere and at every alignment, and no two of many near texts alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fingerprint.h"

#include <stdlib.h>

int test_fingerprint(void);

static void is_the_same_for_ever(void **state)
{
    (void)state;
    /* Fingerprints are compared between nodes and across restarts: these may not change. */
    assert_true(fingerprint(SPAN_NONE, 0) == fingerprint(SPAN(""), 0));
    assert_true(fingerprint(SPAN("You are a helpful assistant."), 0) ==
                UINT64_C(0xf288431f42bfb178));
    assert_true(fingerprint(SPAN("a"), 7) == UINT64_C(0x2fe98e62a327750));
}

static void does_not_depend_on_the_alignment(void **state)
{
    (void)state;
    char room[80];
    const struct span text = SPAN("0123456789abcdefghijklmnopqrstuvwxyz");
    for (size_t len = 0; len <= text.len; len++)
        for (size_t shift = 0; shift < 16; shift++) {
            memset(room, (int)shift, sizeof room);
            memcpy(room + shift, text.ptr, len);
            assert_true(fingerprint(span_make(room + shift, len), 3) ==
                        fingerprint(span_make(text.ptr, len), 3));
        }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

enum { LENGTHS = 40, MANY = LENGTHS * 8 * LENGTHS / 2 + LENGTHS };

/* Every text of zeros with one bit set, of every length: nothing is lost on the way. */
static void near_texts_differ(void **state)
{
    (void)state;
    static uint64_t hashes[MANY];
    size_t count = 0;
    for (size_t len = 0; len < LENGTHS; len++) {
        char room[LENGTHS] = {0};
        hashes[count++] = fingerprint(span_make(room, len), 0);
        for (size_t bit = 0; bit < len * 8; bit++) {
            room[bit / 8] = (char)(1 << bit % 8);
            hashes[count++] = fingerprint(span_make(room, len), 0);
            room[bit / 8] = 0;
        }
    }
    qsort(hashes, count, sizeof hashes[0], compare);
    for (size_t i = 1; i < count; i++)
        assert_true(hashes[i] != hashes[i - 1]);
}

static void sequences_are_told_apart(void **state)
{
    (void)state;
    uint64_t ab = fingerprint(SPAN("b"), fingerprint(SPAN("a"), 0));
    uint64_t ba = fingerprint(SPAN("a"), fingerprint(SPAN("b"), 0));
    assert_true(ab != ba);
    assert_true(ab != fingerprint(SPAN("ab"), 0));
}

int test_fingerprint(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_same_for_ever),
        cmocka_unit_test(does_not_depend_on_the_alignment),
        cmocka_unit_test(near_texts_differ),
        cmocka_unit_test(sequences_are_told_apart),
    };
    return cmocka_run_group_tests_name("base/fingerprint", tests, NULL, NULL);
}
