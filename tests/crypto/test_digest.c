/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against published vectors (FIPS 180-4 examples), from several threads; hex both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/digest.h"

#include <pthread.h>
#include <string.h>

int test_digest(void);

static void assert_digest(struct span s, const char *expected)
{
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    sha256(s, digest);
    assert_string_equal(hex_format(digest, sizeof(digest), hex), expected);
}

static void sha256_gives_published_digests(void **state)
{
    (void)state;
    static char million_a[1000000];
    memset(million_a, 'a', sizeof(million_a));
    assert_digest(SPAN_NONE, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_digest(SPAN("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_digest(SPAN("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_digest(span_make(million_a, sizeof(million_a)),
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void *digest_often(void *argument)
{
    uint8_t expected[SHA256_SIZE];
    memcpy(expected, argument, sizeof(expected));
    for (int i = 0; i < 1000; i++) {
        uint8_t digest[SHA256_SIZE];
        sha256(SPAN("abc"), digest);
        if (memcmp(digest, expected, sizeof(digest)) != 0)
            return NULL;
    }
    return argument;
}

static void sha256_is_safe_from_any_thread(void **state)
{
    (void)state;
    uint8_t expected[SHA256_SIZE];
    assert_true(hex_parse(SPAN("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
                          expected, sizeof(expected)));
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, digest_often, expected), 0);
    for (size_t i = 0; i < 4; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, expected);
    }
}

static void hex_goes_both_ways(void **state)
{
    (void)state;
    uint8_t bytes[256];
    uint8_t back[256];
    char text[513];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_ptr_equal(hex_format(bytes, sizeof(bytes), text), text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102030405060708090a0b", 24);
    assert_true(hex_parse(span_make(text, 512), back, sizeof(back)));
    assert_memory_equal(bytes, back, sizeof(bytes));
    assert_true(hex_parse(SPAN("00fFAbCd"), back, 4));
    assert_memory_equal(back, "\x00\xff\xab\xcd", 4);
    assert_true(hex_parse(SPAN_NONE, back, 0));
    assert_string_equal(hex_format(bytes, 0, text), "");
}

static void hex_refuses_what_is_not_hex(void **state)
{
    (void)state;
    uint8_t out[4];
    static const char *const wrong[] = {
        "",         "00112",    "0011223",  "001122334", "0011223344", "0011223g", "g0112233",
        "0x112233", " 0112233", "001122/3", "001122:3",  "001122@3",   "001122`3"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(hex_parse(span_make(wrong[i], strlen(wrong[i])), out, sizeof(out)));
}

int test_digest(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_published_digests),
        cmocka_unit_test(sha256_is_safe_from_any_thread),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(hex_refuses_what_is_not_hex),
    };
    return cmocka_run_group_tests_name("crypto/digest", tests, NULL, NULL);
}
