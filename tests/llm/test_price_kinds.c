/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Prices of every kind of token, steps and tiers: sums worked out by hand from providers' lists. */
#include "llm/price.h"

#include "support.h"

int test_price_kinds(void);

static int64_t cost_of(const struct price *price, struct usage usage)
{
    int64_t nusd = -1;
    assert_true(price_cost(price, &usage, &nusd));
    return nusd;
}

static int64_t bound_of(const struct price *price, struct price_scope scope, int64_t input,
                        int64_t output)
{
    int64_t nusd = -1;
    assert_true(price_bound(price, &scope, input, output, &nusd));
    return nusd;
}

/* Claude Sonnet: 3 a million, written 3.75 for 5 minutes and 6 for an hour, read 0.30, output 15;
 * a search 0.01 */
static const struct price sonnet = {.known = true,
                                    .rates = {.input_pusd = 3000000,
                                              .cached_input_pusd = 300000,
                                              .cache_write_pusd = 3750000,
                                              .cache_write_1h_pusd = 6000000,
                                              .audio_input_pusd = 3000000,
                                              .cached_audio_pusd = 300000,
                                              .image_input_pusd = 3000000,
                                              .output_pusd = 15000000,
                                              .reasoning_pusd = 15000000,
                                              .audio_output_pusd = 15000000,
                                              .image_output_pusd = 15000000},
                                    .web_search_nusd = 10000000};

static void both_lives_of_a_cache_write(void **state)
{
    (void)state;
    /* 2,000 written, of which 500 for an hour; 10,000 read; 100 plain; 200 out with 50 thinking */
    struct usage usage = {.input = 12100,
                          .cached_input = 10000,
                          .cache_write = 2000,
                          .cache_write_1h = 500,
                          .output = 200,
                          .reasoning = 50};
    assert_int_equal(cost_of(&sonnet, usage),
                     100 * 3000 + 10000 * 300 + 1500 * 3750 + 500 * 6000 + 200 * 15000);
    usage.web_searches = 3;
    assert_int_equal(cost_of(&sonnet, usage), 14925000 + 3 * 10000000);
    /* an hour's writes that nobody put into the total are still an hour's */
    assert_int_equal(cost_of(&sonnet, (struct usage){.input = 10, .cache_write_1h = 4}),
                     4 * 6000 + 6 * 3000);
}

/* gpt-4o-audio-preview: text 2.50 and 10, audio 40 and 80; cached 1.25, cached audio 2.50 */
static const struct price audio = {.known = true,
                                   .rates = {.input_pusd = 2500000,
                                             .cached_input_pusd = 1250000,
                                             .cache_write_pusd = 2500000,
                                             .cache_write_1h_pusd = 2500000,
                                             .audio_input_pusd = 40000000,
                                             .cached_audio_pusd = 2500000,
                                             .image_input_pusd = 5000000,
                                             .output_pusd = 10000000,
                                             .reasoning_pusd = 10000000,
                                             .audio_output_pusd = 80000000,
                                             .image_output_pusd = 32000000}};

static void audio_and_images_have_prices_of_their_own(void **state)
{
    (void)state;
    struct usage usage = {.input = 1000,
                          .cached_input = 400,
                          .audio_input = 500,
                          .cached_audio = 300,
                          .image_input = 50,
                          .output = 100,
                          .audio_output = 60,
                          .image_output = 10};
    /* cached: 300 of audio, 100 of text; fresh audio 200; images 50; the other 350 are text */
    assert_int_equal(cost_of(&audio, usage), 300 * 2500 + 100 * 1250 + 200 * 40000 + 50 * 5000 +
                                                 350 * 2500 + 60 * 80000 + 10 * 32000 + 30 * 10000);
}

static void no_token_is_paid_twice(void **state)
{
    (void)state;
    /* all of it images, most of it from the cache: the overlap was read from the cache */
    struct usage images = {.input = 1000, .cached_input = 900, .image_input = 1000};
    assert_int_equal(cost_of(&audio, images), 900 * 1250 + 100 * 5000);
    /* seen: reasoning of 11 tokens in 10 of output */
    struct price thinking = audio;
    thinking.rates.reasoning_pusd = 3000000;
    assert_int_equal(cost_of(&thinking, (struct usage){.output = 10, .reasoning = 11}), 10 * 3000);
    assert_int_equal(cost_of(&thinking, (struct usage){.output = 10, .reasoning = 4}),
                     4 * 3000 + 6 * 10000);
    assert_int_equal(
        cost_of(&thinking, (struct usage){.output = 10, .reasoning = 9, .audio_output = 8}),
        8 * 80000 + 2 * 3000);
    /* cached audio beyond what is said of audio, and beyond what is said of the cache */
    assert_int_equal(cost_of(&audio, (struct usage){.input = 10, .cached_audio = 4}),
                     4 * 2500 + 6 * 2500);
}

static void refuses_negative_parts(void **state)
{
    (void)state;
    struct usage bad[] = {{.cache_write_1h = -1}, {.audio_input = -1},  {.cached_audio = -1},
                          {.image_input = -1},    {.reasoning = -1},    {.audio_output = -1},
                          {.image_output = -1},   {.web_searches = -1}, {.cache_write = -1}};
    int64_t nusd = -7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(price_cost(&audio, &bad[i], &nusd));
    assert_int_equal(nusd, -7);
}

/* Gemini 2.5 Pro: 1.25 and 10 up to 200,000 tokens of input, beyond it 2.50 and 15 for all */
static struct price gemini(void)
{
    struct price price = {.known = true, .rates = price_rates_unknown(), .step_count = 1};
    price.rates.input_pusd = 1250000;
    price.rates.cached_input_pusd = 125000;
    price.rates.output_pusd = 10000000;
    price.steps[0] = (struct price_step){.above_tokens = 200000, .rates = price_rates_unknown()};
    price.steps[0].rates.input_pusd = 2500000;
    price.steps[0].rates.cached_input_pusd = 250000;
    price.steps[0].rates.output_pusd = 15000000;
    price_rates_complete(&price.rates);
    price_rates_complete(&price.steps[0].rates);
    return price;
}

static void a_step_prices_all_tokens(void **state)
{
    (void)state;
    struct price price = gemini();
    struct usage usage = {.input = 200000, .cached_input = 1000, .output = 500};
    assert_int_equal(cost_of(&price, usage), 199000LL * 1250 + 1000 * 125 + 500 * 10000);
    usage.input = 200001;
    assert_int_equal(cost_of(&price, usage), 199001LL * 2500 + 1000 * 250 + 500 * 15000);

    price.steps[1] = price.steps[0];
    price.steps[1].above_tokens = 1000000;
    price.steps[1].rates.input_pusd = 1000000; /* a step may be cheaper */
    price.step_count = 2;
    assert_int_equal(cost_of(&price, (struct usage){.input = 1000001}), 1000001LL * 1000);
    assert_int_equal(cost_of(&price, (struct usage){.input = 1000000}), 1000000LL * 2500);
    /* … but what is billed may be fewer tokens, at the dearer step below */
    assert_int_equal(bound_of(&price, (struct price_scope){0}, 1000001, 0), 1000001LL * 2500);
    assert_int_equal(bound_of(&price, (struct price_scope){0}, 200000, 1), 200000LL * 1250 + 10000);
    assert_int_equal(bound_of(&price, (struct price_scope){0}, 200001, 1), 200001LL * 2500 + 15000);
    assert_false(price_is_free(&price));
}

static void the_tier_that_served_is_charged(void **state)
{
    (void)state;
    struct price price = gemini();
    price.tiers = (struct price_tiers){.flex_permille = 500, .priority_permille = 1800};
    price.per_request_nusd = 77;
    struct usage usage = {.input = 1000, .output = 100, .service_tier = SERVICE_TIER_FLEX};
    assert_int_equal(cost_of(&price, usage), (1000 * 1250 + 100 * 10000) / 2 + 77);
    usage.service_tier = SERVICE_TIER_PRIORITY;
    assert_int_equal(cost_of(&price, usage), (1000 * 1250 + 100 * 10000) * 18 / 10 + 77);
    assert_true(price_knows_tier(&price, SERVICE_TIER_PRIORITY));

    /* unpriced ones cost as the dearest that is known … */
    usage.service_tier = SERVICE_TIER_BATCH;
    assert_int_equal(cost_of(&price, usage), (1000 * 1250 + 100 * 10000) * 18 / 10 + 77);
    usage.service_tier = SERVICE_TIER_OTHER;
    assert_int_equal(cost_of(&price, usage), (1000 * 1250 + 100 * 10000) * 18 / 10 + 77);
    assert_false(price_knows_tier(&price, SERVICE_TIER_BATCH));
    assert_false(price_knows_tier(&price, SERVICE_TIER_OTHER));
    /* … and never below the standard one */
    price.tiers.priority_permille = 0;
    assert_int_equal(cost_of(&price, usage), 1000 * 1250 + 100 * 10000 + 77);
    assert_true(price_knows_tier(&price, SERVICE_TIER_STANDARD));
}

static void a_bound_is_as_wide_as_its_scope(void **state)
{
    (void)state;
    struct price price = audio;
    price.tiers = (struct price_tiers){.flex_permille = 500, .priority_permille = 1700};
    price.web_search_nusd = 10000000;
    assert_int_equal(bound_of(&price, (struct price_scope){0}, 10, 10), 10 * 2500 + 10 * 10000);
    assert_int_equal(bound_of(&price, (struct price_scope){.image_input = true}, 10, 10),
                     10 * 5000 + 10 * 10000);
    assert_int_equal(bound_of(&price, (struct price_scope){.audio_input = true}, 10, 10),
                     10 * 40000 + 10 * 10000);
    assert_int_equal(bound_of(&price, (struct price_scope){.image_output = true}, 10, 10),
                     10 * 2500 + 10 * 32000);
    assert_int_equal(bound_of(&price, (struct price_scope){.audio_output = true}, 10, 10),
                     10 * 2500 + 10 * 80000);
    assert_int_equal(bound_of(&price, (struct price_scope){.any_tier = true}, 10, 10),
                     (10 * 2500 + 10 * 10000) * 17 / 10);
    assert_int_equal(bound_of(&price, (struct price_scope){.web_searches = 2}, 0, 0), 20000000);
    assert_int_equal(bound_of(&sonnet, (struct price_scope){0}, 10, 0), 10 * 6000);
    int64_t nusd;
    assert_false(price_bound(&price, &(struct price_scope){.web_searches = -1}, 1, 1, &nusd));
    price.rates.cache_write_1h_pusd = -1;
    assert_false(price_bound(&price, &(struct price_scope){0}, 1, 1, &nusd));
    price.rates = audio.rates;
    price.rates.reasoning_pusd = -1;
    assert_false(price_bound(&price, &(struct price_scope){0}, 1, 1, &nusd));
}

static void parts_without_a_price_cost_as_their_whole(void **state)
{
    (void)state;
    struct price_rates rates = price_rates_unknown();
    rates.input_pusd = 7;
    rates.output_pusd = 9;
    price_rates_complete(&rates);
    const int64_t *all = &rates.input_pusd;
    for (size_t i = 0; i < sizeof rates / sizeof *all; i++)
        assert_int_equal(all[i], &all[i] < &rates.output_pusd ? 7 : 9);

    struct {
        int64_t audio, cached, expected;
    } cached_audio[] = {{PRICE_NOT_GIVEN, PRICE_NOT_GIVEN, 7},
                        {PRICE_NOT_GIVEN, 3, 3},
                        {20, PRICE_NOT_GIVEN, 20},
                        {20, 3, 20},
                        {2, 3, 3}};
    for (size_t i = 0; i < sizeof cached_audio / sizeof cached_audio[0]; i++) {
        rates = price_rates_unknown();
        rates.input_pusd = 7;
        rates.output_pusd = 9;
        rates.audio_input_pusd = cached_audio[i].audio;
        rates.cached_input_pusd = cached_audio[i].cached;
        price_rates_complete(&rates);
        assert_int_equal(rates.cached_audio_pusd, cached_audio[i].expected);
    }
    rates = price_rates_unknown();
    rates.input_pusd = 7;
    rates.output_pusd = 9;
    rates.cache_write_pusd = 8;
    price_rates_complete(&rates);
    assert_int_equal(rates.cache_write_1h_pusd, 8);
    rates = price_rates_unknown();
    rates.input_pusd = 7;
    rates.output_pusd = 9;
    rates.cache_write_pusd = 0; /* free for five minutes is not free for an hour */
    rates.cached_input_pusd = 0;
    price_rates_complete(&rates);
    assert_int_equal(rates.cache_write_1h_pusd, 7);
    assert_int_equal(rates.cached_input_pusd, 0);
}

static void what_goes_without_saying_is_not_said(void **state)
{
    (void)state;
    struct chance chance = {7};
    for (int round = 0; round < 20000; round++) {
        struct price_rates rates = price_rates_unknown();
        for (size_t i = 0; i < PRICE_KINDS; i++)
            if (chance_below(&chance, 2) == 0)
                *price_rate(&rates, &price_kinds[i]) = (int64_t)chance_below(&chance, 3);
        rates.input_pusd = (int64_t)chance_below(&chance, 3);
        rates.output_pusd = (int64_t)chance_below(&chance, 3);
        price_rates_complete(&rates);
        struct price_rates given = price_rates_given(&rates);
        size_t said = 0;
        for (size_t i = 0; i < PRICE_KINDS; i++)
            said += price_rate_of(&given, &price_kinds[i]) != PRICE_NOT_GIVEN;
        price_rates_complete(&given);
        assert_memory_equal(&given, &rates, sizeof rates);
        assert_true(said >= 2);
    }
    struct price_rates rates = price_rates_unknown();
    rates.input_pusd = 7;
    rates.cached_input_pusd = 3;
    rates.output_pusd = 9;
    struct price_rates given = rates;
    price_rates_complete(&rates);
    rates = price_rates_given(&rates);
    assert_memory_equal(&given, &rates, sizeof rates);
}

static void free_is_what_costs_nothing_in_any_way(void **state)
{
    (void)state;
    struct price price = {.known = true, .step_count = 1, .steps[0].above_tokens = 5};
    assert_true(price_is_free(&price));
    price.web_search_nusd = 1;
    assert_false(price_is_free(&price));
    price.web_search_nusd = 0;
    price.steps[0].rates.image_output_pusd = 1;
    assert_false(price_is_free(&price));
    price.steps[0].rates.image_output_pusd = 0;
    price.rates.cached_audio_pusd = 1;
    assert_false(price_is_free(&price));
}

int test_price_kinds(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_lives_of_a_cache_write),
        cmocka_unit_test(audio_and_images_have_prices_of_their_own),
        cmocka_unit_test(no_token_is_paid_twice),
        cmocka_unit_test(refuses_negative_parts),
        cmocka_unit_test(a_step_prices_all_tokens),
        cmocka_unit_test(the_tier_that_served_is_charged),
        cmocka_unit_test(a_bound_is_as_wide_as_its_scope),
        cmocka_unit_test(parts_without_a_price_cost_as_their_whole),
        cmocka_unit_test(what_goes_without_saying_is_not_said),
        cmocka_unit_test(free_is_what_costs_nothing_in_any_way),
    };
    return cmocka_run_group_tests_name("llm/price_kinds", tests, NULL, NULL);
}
