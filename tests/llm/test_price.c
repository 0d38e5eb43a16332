/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Prices of plain text: known sums, and the edges of 64 and 128 bits. */
#include "llm/price.h"

#include "base/money.h"
#include "support.h"

/* Kinds beside these four cost 0 here, so that what is charged for them shows. */
static const struct price gpt_4o = {
    .known = true,
    .rates.input_pusd = 2500000,
    .rates.cached_input_pusd = 1250000,
    .rates.cache_write_pusd = 2500000,
    .rates.output_pusd = 10000000,
    .rates.reasoning_pusd = 10000000,
};

static const struct price_scope text = {0};

/* The bound and what it affords of text at the standard tier. */
static bool bound_of(const struct price *price, int64_t input, int64_t output, int64_t *nusd)
{
    return price_bound(price, &text, input, output, nusd);
}

static int64_t affordable(const struct price *price, int64_t input, int64_t choices, int64_t nusd)
{
    return price_affordable_output(price, &text, input, choices, nusd);
}

static void costs_of_known_usage(void **state)
{
    (void)state;
    int64_t nusd = 0;
    struct usage usage = {.input = 1000, .cached_input = 400, .output = 100};
    assert_true(price_cost(&gpt_4o, &usage, &nusd));
    assert_int_equal(nusd, 600 * 2500 + 400 * 1250 + 100 * 10000);

    /* gpt-5.6-sol as billed: written 1.25 times, read 0.1 times the input price */
    struct price sol = {.known = true,
                        .rates = {.input_pusd = 5000000,
                                  .cached_input_pusd = 500000,
                                  .cache_write_pusd = 6250000,
                                  .output_pusd = 30000000},
                        .per_request_nusd = 0};
    struct usage cached = {.input = 4020, .cached_input = 4012, .cache_write = 8, .output = 4};
    assert_true(price_cost(&sol, &cached, &nusd));
    assert_int_equal(nusd, 4012 * 500 + 8 * 6250 + 4 * 30000);

    struct price request = gpt_4o;
    request.per_request_nusd = 5000000;
    assert_true(price_cost(&request, &(struct usage){0}, &nusd));
    assert_int_equal(nusd, 5000000);
}

static void rounds_up_once(void **state)
{
    (void)state;
    int64_t nusd = 0;
    struct price tiny = {
        .known = true,
        .rates = {.input_pusd = 1, .cached_input_pusd = 1, .cache_write_pusd = 1, .output_pusd = 1},
        .per_request_nusd = 0};
    struct usage usage = {.input = 3, .cached_input = 1, .cache_write = 1, .output = 1};
    assert_true(price_cost(&tiny, &usage, &nusd));
    assert_int_equal(nusd, 1);
    usage.output = 997;
    assert_true(price_cost(&tiny, &usage, &nusd));
    assert_int_equal(nusd, 1);
    usage.output = 998;
    assert_true(price_cost(&tiny, &usage, &nusd));
    assert_int_equal(nusd, 2);
    assert_true(price_cost(&tiny, &(struct usage){0}, &nusd));
    assert_int_equal(nusd, 0);
}

/* Each part is what the rounded sum grows by: together they are the cost. */
static void parts_are_the_cost(void **state)
{
    (void)state;
    struct price price = {.known = true,
                          .rates = {.input_pusd = 1700,
                                    .cached_input_pusd = 1,
                                    .cache_write_pusd = 999,
                                    .cache_write_1h_pusd = 2000,
                                    .output_pusd = 3001,
                                    .reasoning_pusd = 1},
                          .tiers.flex_permille = 500};
    struct usage usage = {.input = 10,
                          .cached_input = 3,
                          .cache_write = 2,
                          .cache_write_1h = 1,
                          .output = 4,
                          .reasoning = 1};
    int64_t parts[PRICE_METERS], cost = 0;
    assert_true(price_parts(&price, &usage, parts));
    /* 8500 pUSD; with 3, with 2999, with 9003, with 1 */
    assert_int_equal(parts[PRICE_METER_INPUT], 9);
    assert_int_equal(parts[PRICE_METER_CACHED_INPUT], 0);
    assert_int_equal(parts[PRICE_METER_CACHE_WRITE], 3);
    assert_int_equal(parts[PRICE_METER_OUTPUT], 9);
    assert_int_equal(parts[PRICE_METER_REASONING], 0);
    assert_true(price_cost(&price, &usage, &cost));
    assert_int_equal(cost, 9 + 3 + 9);
    usage.service_tier = SERVICE_TIER_FLEX;
    assert_true(price_parts(&price, &usage, parts));
    assert_int_equal(parts[PRICE_METER_INPUT], 5); /* 4250 pUSD */
    price.per_request_nusd = 7;                    /* in no meter */
    assert_true(price_parts(&price, &usage, parts));
    assert_true(price_cost(&price, &usage, &cost));
    int64_t together = 0;
    for (size_t i = 0; i < PRICE_METERS; i++)
        together += parts[i];
    assert_int_equal(cost - together, 7);
    price.known = false;
    assert_false(price_parts(&price, &usage, parts));
    price.known = true;
    usage.output = -1;
    assert_false(price_parts(&price, &usage, parts));
}

static void hidden_reasoning_costs_nothing_more(void **state)
{
    (void)state;
    int64_t nusd = 0;
    struct usage usage = {.input = 43, .output = 10, .reasoning = 11};
    assert_true(price_cost(&gpt_4o, &usage, &nusd));
    assert_int_equal(nusd, 43 * 2500 + 10 * 10000);
}

static void refuses_what_no_price_can_be(void **state)
{
    (void)state;
    int64_t nusd = -7;
    struct usage usage = {.input = 1, .output = 1};
    struct price bad[] = {
        {.known = false, .rates.input_pusd = 1, .rates.output_pusd = 1},
        {.known = true, .rates.input_pusd = -1},
        {.known = true, .rates.output_pusd = -1},
        {.known = true, .per_request_nusd = -1},
        {.known = true,
         .rates = {.input_pusd = 0,
                   .cached_input_pusd = 0,
                   .cache_write_pusd = 0,
                   .output_pusd = INT64_MAX},
         .per_request_nusd = INT64_MAX},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(price_cost(&bad[i], &usage, &nusd));
    struct usage negative[] = {{.input = -1},
                               {.output = -1},
                               {.cached_input = -1},
                               {.cache_write = -1},
                               {.input = 5, .cached_input = INT64_MIN}};
    for (size_t i = 0; i < sizeof(negative) / sizeof(negative[0]); i++)
        assert_false(price_cost(&gpt_4o, &negative[i], &nusd));
    assert_int_equal(nusd, -7);
}

static void overflow_is_a_false_result(void **state)
{
    (void)state;
    int64_t nusd = -7;
    struct price dear = {.known = true,
                         .rates = {.input_pusd = INT64_MAX,
                                   .cached_input_pusd = INT64_MAX,
                                   .cache_write_pusd = INT64_MAX,
                                   .output_pusd = INT64_MAX},
                         .per_request_nusd = INT64_MAX};
    struct usage most = {.input = INT64_MAX,
                         .cached_input = INT64_MAX,
                         .cache_write = INT64_MAX,
                         .output = INT64_MAX};
    assert_false(price_cost(&dear, &most, &nusd));
    assert_false(bound_of(&dear, INT64_MAX, INT64_MAX, &nusd));
    assert_false(bound_of(&gpt_4o, INT64_MAX, 0, &nusd));
    assert_false(bound_of(&gpt_4o, -1, 0, &nusd));
    assert_false(bound_of(&gpt_4o, 0, -1, &nusd));
    assert_int_equal(nusd, -7);

    struct price one = {.known = true,
                        .rates = {.input_pusd = 1000,
                                  .cached_input_pusd = 1000,
                                  .cache_write_pusd = 1000,
                                  .output_pusd = 1000},
                        .per_request_nusd = 0};
    assert_true(bound_of(&one, INT64_MAX - 1, 1, &nusd));
    assert_true(nusd == INT64_MAX);
    assert_false(bound_of(&one, INT64_MAX, 1, &nusd));
}

static void parts_above_their_total_give_no_negative_cost(void **state)
{
    (void)state;
    int64_t nusd = -7;
    struct usage usage = {.input = 10, .cached_input = 30};
    assert_true(price_cost(&gpt_4o, &usage, &nusd));
    assert_int_equal(nusd, 10 * 1250);
}

static void bounds_take_the_dearest_input_price(void **state)
{
    (void)state;
    int64_t nusd = 0;
    struct price write = {.known = true,
                          .rates = {.input_pusd = 5000000,
                                    .cached_input_pusd = 500000,
                                    .cache_write_pusd = 6250000,
                                    .output_pusd = 30000000},
                          .per_request_nusd = 100};
    assert_true(bound_of(&write, 1000, 10, &nusd));
    assert_int_equal(nusd, 1000 * 6250 + 10 * 30000 + 100);
    struct price cached = {.known = true,
                           .rates = {.input_pusd = 1000,
                                     .cached_input_pusd = 3000,
                                     .cache_write_pusd = 2000,
                                     .output_pusd = 0},
                           .per_request_nusd = 0};
    assert_true(bound_of(&cached, 7, 10, &nusd));
    assert_int_equal(nusd, 21);
}

static void affords_known_outputs(void **state)
{
    (void)state;
    assert_int_equal(affordable(&gpt_4o, 0, 1, 10000 * 50), 50);
    assert_int_equal(affordable(&gpt_4o, 0, 1, 10000 * 50 - 1), 49);
    assert_int_equal(affordable(&gpt_4o, 4, 1, 10000 * 50), 49);
    assert_int_equal(affordable(&gpt_4o, 4, 7, 10000 * 50), 7);
    assert_int_equal(affordable(&gpt_4o, 200, 1, 10000 * 50), 0);
    assert_int_equal(affordable(&gpt_4o, 201, 1, 10000 * 50), -1);
    assert_int_equal(affordable(&gpt_4o, 0, 1, -1), -1);
    assert_int_equal(affordable(&gpt_4o, -1, 1, 5), -1);

    struct price none = {.known = false};
    assert_int_equal(affordable(&none, 0, 1, INT64_MAX), -1);
    struct price negative = {.known = true,
                             .rates = {.input_pusd = 0,
                                       .cached_input_pusd = 0,
                                       .cache_write_pusd = 0,
                                       .output_pusd = -5},
                             .per_request_nusd = 0};
    assert_int_equal(affordable(&negative, 0, 1, INT64_MAX), -1);
    struct price input_only = {.known = true,
                               .rates = {.input_pusd = 1000,
                                         .cached_input_pusd = 1000,
                                         .cache_write_pusd = 1000,
                                         .output_pusd = 0},
                               .per_request_nusd = 0};
    assert_true(affordable(&input_only, 9, 1, 9) == INT64_MAX);
    assert_int_equal(affordable(&input_only, 10, 1, 9), -1);
    struct price nearly_free = {
        .known = true,
        .rates = {.input_pusd = 0, .cached_input_pusd = 0, .cache_write_pusd = 0, .output_pusd = 1},
        .per_request_nusd = 0};
    assert_true(affordable(&nearly_free, 0, 1, INT64_MAX) == INT64_MAX);
    assert_true(affordable(&nearly_free, 0, 3, INT64_MAX) == INT64_MAX / 3);
}

static void knows_what_is_free(void **state)
{
    (void)state;
    assert_true(price_is_free(&(struct price){.known = true}));
    assert_false(price_is_free(&(struct price){.known = false}));
    assert_false(price_is_free(&(struct price){.known = true, .rates.input_pusd = 1}));
    assert_false(price_is_free(&(struct price){.known = true, .rates.cached_input_pusd = 1}));
    assert_false(price_is_free(&(struct price){.known = true, .rates.cache_write_pusd = 1}));
    assert_false(price_is_free(&(struct price){.known = true, .rates.output_pusd = 1}));
    assert_false(price_is_free(&(struct price){.known = true, .per_request_nusd = 1}));
}

int test_price(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs_of_known_usage),
        cmocka_unit_test(rounds_up_once),
        cmocka_unit_test(parts_are_the_cost),
        cmocka_unit_test(hidden_reasoning_costs_nothing_more),
        cmocka_unit_test(refuses_what_no_price_can_be),
        cmocka_unit_test(overflow_is_a_false_result),
        cmocka_unit_test(parts_above_their_total_give_no_negative_cost),
        cmocka_unit_test(bounds_take_the_dearest_input_price),
        cmocka_unit_test(affords_known_outputs),
        cmocka_unit_test(knows_what_is_free),
    };
    return cmocka_run_group_tests_name("llm/price", tests, NULL, NULL);
}
