/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Equality of secrets, wiping, and the form of client keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/secret.h"

#include <ctype.h>
#include <string.h>

int test_secret(void);

static void equal_looks_at_every_byte(void **state)
{
    (void)state;
    unsigned char a[64] = {0};
    unsigned char b[64] = {0};
    assert_true(secret_equal(a, b, sizeof(a)));
    assert_true(secret_equal(a, b, 0));
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] = 0x80;
        assert_false(secret_equal(a, b, sizeof(a)));
        assert_true(secret_equal(a, b, i));
        b[i] = 0;
    }
}

static void equal_spans_compares_length_and_bytes(void **state)
{
    (void)state;
    assert_true(secret_equal_spans(SPAN("token"), SPAN("token")));
    assert_true(secret_equal_spans(SPAN_NONE, SPAN("")));
    assert_false(secret_equal_spans(SPAN("token"), SPAN("tokeN")));
    assert_false(secret_equal_spans(SPAN("token"), SPAN("toke")));
    assert_false(secret_equal_spans(SPAN("token"), SPAN("token\0")));
    assert_false(secret_equal_spans(SPAN_NONE, SPAN("token")));
}

static void wipe_leaves_zeros(void **state)
{
    (void)state;
    char bytes[32];
    memset(bytes, 'x', sizeof(bytes));
    secret_wipe(bytes + 1, sizeof(bytes) - 2);
    assert_int_equal(bytes[0], 'x');
    assert_int_equal(bytes[31], 'x');
    for (size_t i = 1; i < 31; i++)
        assert_int_equal(bytes[i], 0);
}

static void keys_are_prefixed_base64url(void **state)
{
    (void)state;
    char keys[200][KEY_TEXT_SIZE + 1];
    bool seen[128] = {false};
    for (size_t i = 0; i < 200; i++) {
        keys[i][KEY_TEXT_SIZE] = '~';
        assert_ptr_equal(key_generate(keys[i]), keys[i]);
        assert_int_equal(keys[i][KEY_TEXT_SIZE], '~');
        assert_int_equal(strlen(keys[i]), KEY_TEXT_SIZE - 1);
        assert_memory_equal(keys[i], "weir_", 5);
        for (const char *c = keys[i] + 5; *c != '\0'; c++) {
            assert_true(isalnum((unsigned char)*c) || *c == '-' || *c == '_');
            seen[(unsigned char)*c] = true;
        }
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(keys[i], keys[j]);
    }
    /* 8,600 characters: each of the 64 comes up. */
    size_t alphabet = 0;
    for (size_t c = 0; c < 128; c++)
        alphabet += seen[c];
    assert_int_equal(alphabet, 64);
}

int test_secret(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_looks_at_every_byte),
        cmocka_unit_test(equal_spans_compares_length_and_bytes),
        cmocka_unit_test(wipe_leaves_zeros),
        cmocka_unit_test(keys_are_prefixed_base64url),
    };
    return cmocka_run_group_tests_name("crypto/secret", tests, NULL, NULL);
}
