/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in a receipt's field, whatever was copied into it. */
#include "llm/receipt.h"

#include "support.h"

static void assert_copied(const char *text, size_t len, const char *expected)
{
    char field[RECEIPT_NAME_SIZE];
    memset(field, 'x', sizeof(field));
    receipt_copy(field, span_make(text, len));
    assert_string_equal(field, expected);
}

static void copies_text(void **state)
{
    (void)state;
    assert_copied("", 0, "");
    assert_copied(NULL, 0, "");
    assert_copied("gpt-4o", 6, "gpt-4o");
    assert_copied("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", 14,
                  "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
}

static void replaces_control_characters(void **state)
{
    (void)state;
    assert_copied("a\nb\tc\x1B[31m\x7F", 11, "a?b?c?[31m?");
    assert_copied("a\0b", 3, "a?b");
    assert_copied("a\xC2\x85z", 4, "a?z"); /* NEL, a C1 control */
    assert_copied("\xC2\x80\xC2\x9F", 4, "??");
    assert_copied("\xC2\xA0", 2, "\xC2\xA0");
}

static void replaces_what_is_not_utf8(void **state)
{
    (void)state;
    assert_copied("\x80 \xFF", 3, "? ?");
    assert_copied("\xC3(", 2, "?(");
    assert_copied("\xC0\xAF", 2, "??");           /* overlong */
    assert_copied("\xE0\x80\xAF", 3, "???");      /* overlong */
    assert_copied("\xED\xA0\x80", 3, "???");      /* a surrogate */
    assert_copied("\xF4\x90\x80\x80", 4, "????"); /* above U+10FFFF */
    assert_copied("ab\xE2\x82", 4, "ab??");       /* cut off */
}

static void keeps_the_ends_of_each_range(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "~",
        "\xDF\xBF",
        "\xE0\xA0\x80",
        "\xED\x9F\xBF",
        "\xEE\x80\x80",
        "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_copied(texts[i], strlen(texts[i]), texts[i]);
    assert_copied("\xED\xBF\xBF", 3, "???");
    assert_copied("\xE0\x9F\xBF", 3, "???");
    assert_copied("\xF0\x8F\xBF\xBF", 4, "????");
}

static void cuts_between_characters(void **state)
{
    (void)state;
    char text[200];
    char expected[200];
    memset(text, 'a', sizeof(text));
    memset(expected, 0, sizeof(expected));
    memset(expected, 'a', RECEIPT_NAME_SIZE - 1);
    assert_copied(text, RECEIPT_NAME_SIZE - 1, expected);
    assert_copied(text, sizeof(text), expected);

    /* a character that would need one byte more than there is */
    memcpy(text + RECEIPT_NAME_SIZE - 3, "\xE2\x82\xAC", 3);
    expected[RECEIPT_NAME_SIZE - 3] = '\0';
    assert_copied(text, sizeof(text), expected);
    memcpy(text + RECEIPT_NAME_SIZE - 4, "\xE2\x82\xAC", 3);
    memcpy(expected + RECEIPT_NAME_SIZE - 4, "\xE2\x82\xAC", 4);
    assert_copied(text, RECEIPT_NAME_SIZE - 1, expected);
}

static void leaves_nothing_behind(void **state)
{
    (void)state;
    char field[RECEIPT_NAME_SIZE];
    memset(field, 'x', sizeof(field));
    receipt_copy(field, SPAN("abc"));
    for (size_t i = 3; i < sizeof(field); i++)
        assert_int_equal(field[i], 0);
}

static void any_bytes_give_clean_text(void **state)
{
    (void)state;
    struct chance chance = {4};
    for (int round = 0; round < 20000; round++) {
        /* of its exact size, so that a read past the end is seen */
        size_t len = chance_below(&chance, 121);
        char *text = memory_array(len, 1);
        for (size_t i = 0; i < len; i++)
            text[i] = (char)chance_next(&chance);
        char once[RECEIPT_NAME_SIZE];
        char twice[RECEIPT_NAME_SIZE];
        receipt_copy(once, span_make(text, len));
        receipt_copy(twice, span_from_string(once));
        assert_memory_equal(once, twice, sizeof(once)); /* clean text is copied as it is */
        free(text);
        for (const char *c = once; *c != '\0'; c++)
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7F);
    }
}

int test_receipt(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_text),
        cmocka_unit_test(replaces_control_characters),
        cmocka_unit_test(replaces_what_is_not_utf8),
        cmocka_unit_test(keeps_the_ends_of_each_range),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(leaves_nothing_behind),
        cmocka_unit_test(any_bytes_give_clean_text),
    };
    return cmocka_run_group_tests_name("llm/receipt", tests, NULL, NULL);
}
