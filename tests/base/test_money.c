/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Money: overflow, rounding, and exact decimal text both ways. */
#include "base/money.h"

#include "helpers.h"

#define UNTOUCHED (-77)

static void sums_are_checked(void **state)
{
    (void)state;
    int64_t out = UNTOUCHED;
    assert_false(money_add(INT64_MAX, 1, &out));
    assert_false(money_add(INT64_MIN, -1, &out));
    assert_false(money_add(INT64_MAX, INT64_MAX, &out));
    assert_int_equal(out, UNTOUCHED);
    assert_true(money_add(INT64_MAX, 0, &out));
    assert_int_equal(out, INT64_MAX);
    assert_true(money_add(INT64_MAX, INT64_MIN, &out));
    assert_int_equal(out, -1);
    assert_true(money_add(out, 3, &out));
    assert_int_equal(out, 2);
}

static void assert_rounds_to(money_pusd pusd, int64_t expected)
{
    int64_t nusd = UNTOUCHED;
    assert_true(money_round_up(pusd, &nusd));
    assert_int_equal(nusd, expected);
}

static void rounding_goes_up(void **state)
{
    (void)state;
    assert_rounds_to(0, 0);
    assert_rounds_to(1, 1);
    assert_rounds_to(999, 1);
    assert_rounds_to(1000, 1);
    assert_rounds_to(1001, 2);
    assert_rounds_to((money_pusd)INT64_MAX * 1000, INT64_MAX);
    assert_rounds_to((money_pusd)INT64_MAX * 1000 - 999, INT64_MAX);

    int64_t nusd = UNTOUCHED;
    money_pusd most = (money_pusd)(~(unsigned __int128)0 >> 1);
    assert_false(money_round_up(-1, &nusd));
    assert_false(money_round_up(-most - 1, &nusd));
    assert_false(money_round_up((money_pusd)INT64_MAX * 1000 + 1, &nusd));
    assert_false(money_round_up(most, &nusd));
    assert_int_equal(nusd, UNTOUCHED);
}

static void rounding_property(void **state)
{
    (void)state;
    uint64_t random = 17;
    for (int i = 0; i < 100000; i++) {
        money_pusd pusd = (money_pusd)(next_random(&random) >> (1 + random_below(&random, 60)));
        pusd *= (money_pusd)random_below(&random, 1000) + 1;
        int64_t nusd;
        assert_true(money_round_up(pusd, &nusd));
        money_pusd above = (money_pusd)nusd * 1000 - pusd;
        assert_true(above >= 0 && above < 1000);
    }
}

static const char *const malformed[] = {
    "",
    ".",
    "-1",
    "+1",
    " 1",
    "1 ",
    "1.",
    ".5",
    "1..2",
    "1.2.",
    "1.2.3",
    "1e5",
    "0x1",
    "1,5",
    "1.0000000001",
    "$1",
    "1.-5",
    "1. 5",
    "abc",
    "1\n",
    "\xd9\xa1",
    "9223372036.854775808",
    "9223372037",
    "99999999999999999999",
    "9223372036854775807",
    "1.0000000000",
};

static void malformed_amounts_are_refused(void **state)
{
    (void)state;
    int64_t out = UNTOUCHED;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        if (money_parse_nusd(span_from_string(malformed[i]), &out))
            fail_msg("accepted '%s'", malformed[i]);
    assert_false(money_parse_nusd(SPAN_NONE, &out));
    assert_false(money_parse_nusd(span_make("1\0", 2), &out));
    assert_int_equal(out, UNTOUCHED);
}

static void assert_amount(const char *text, int64_t expected)
{
    int64_t out = UNTOUCHED;
    if (!money_parse_nusd(span_from_string(text), &out))
        fail_msg("refused '%s'", text);
    assert_int_equal(out, expected);
}

static void amounts_are_parsed(void **state)
{
    (void)state;
    assert_amount("0", 0);
    assert_amount("0.0", 0);
    assert_amount("12.50", 12500000000);
    assert_amount("1", NUSD_PER_USD);
    assert_amount("0.000000001", 1);
    assert_amount("0.100000000", 100000000);
    assert_amount("007.5", 7500000000);
    assert_amount("9223372036.854775807", INT64_MAX);
    assert_amount("00000000000000000000000000000000001", NUSD_PER_USD);
}

static void prices_are_parsed(void **state)
{
    (void)state;
    int64_t pusd = UNTOUCHED;
    assert_true(money_parse_price(SPAN("2.50"), &pusd));
    assert_int_equal(pusd, 2500000);
    assert_true(money_parse_price(SPAN("1"), &pusd));
    assert_int_equal(pusd, 1000000);
    assert_true(money_parse_price(SPAN("0.000001"), &pusd));
    assert_int_equal(pusd, 1);
    assert_true(money_parse_price(SPAN("9223372036854.775807"), &pusd));
    assert_int_equal(pusd, INT64_MAX);
    pusd = UNTOUCHED;
    assert_false(money_parse_price(SPAN("0.0000001"), &pusd));
    assert_false(money_parse_price(SPAN("9223372036854.775808"), &pusd));
    assert_false(money_parse_price(SPAN("-1"), &pusd));
    assert_false(money_parse_price(SPAN(""), &pusd));
    assert_int_equal(pusd, UNTOUCHED);
}

static void assert_text(int64_t nusd, const char *expected)
{
    char text[MONEY_TEXT_SIZE];
    assert_ptr_equal(money_format(nusd, text), text);
    assert_string_equal(text, expected);
}

static void known_texts(void **state)
{
    (void)state;
    assert_text(0, "0.00");
    assert_text(12500000000, "12.50");
    assert_text(12000000000, "12.00");
    assert_text(1, "0.000000001");
    assert_text(10, "0.00000001");
    assert_text(1230000000, "1.23");
    assert_text(1234000000, "1.234");
    assert_text(1200000000, "1.20");
    assert_text(1002000000, "1.002");
    assert_text(-1, "-0.000000001");
    assert_text(-1250000000, "-1.25");
    assert_text(INT64_MAX, "9223372036.854775807");
    assert_text(INT64_MIN, "-9223372036.854775808");
}

static void text_round_trips(void **state)
{
    (void)state;
    uint64_t random = 23;
    for (int i = 0; i < 200000; i++) {
        int64_t nusd = (int64_t)(next_random(&random) >> (1 + random_below(&random, 63)));
        if (i % 2 == 0) /* with zeros at the end */
            nusd -= nusd % 10000000;
        char text[MONEY_TEXT_SIZE];
        struct span s = span_from_string(money_format(nusd, text));
        int64_t back = UNTOUCHED;
        assert_true(money_parse_nusd(s, &back));
        assert_int_equal(back, nusd);
        size_t decimals = s.len - span_find(s, '.') - 1;
        assert_true(decimals >= 2 && decimals <= 9);
        assert_true(decimals == 2 || s.ptr[s.len - 1] != '0');
    }
}

int test_money(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_checked),   cmocka_unit_test(rounding_goes_up),
        cmocka_unit_test(rounding_property),  cmocka_unit_test(malformed_amounts_are_refused),
        cmocka_unit_test(amounts_are_parsed), cmocka_unit_test(prices_are_parsed),
        cmocka_unit_test(known_texts),        cmocka_unit_test(text_round_trips),
    };
    return cmocka_run_group_tests_name("base/money", tests, NULL, NULL);
}
