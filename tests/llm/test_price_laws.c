/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three laws over random prices of every kind, steps, tiers and scopes: a cost within the bound's
 * tokens and scope is never above the bound, the affordable output is the largest, and a cost is
 * the exact sum rounded up once.
 */
#include "llm/price.h"

#include "support.h"

int test_price_laws(void);

static struct price_rates any_rates(struct chance *chance, unsigned bits)
{
    return (struct price_rates){
        .input_pusd = chance_scaled(chance, bits),
        .cached_input_pusd = chance_scaled(chance, bits),
        .cache_write_pusd = chance_scaled(chance, bits),
        .cache_write_1h_pusd = chance_scaled(chance, bits),
        .audio_input_pusd = chance_scaled(chance, bits),
        .cached_audio_pusd = chance_scaled(chance, bits),
        .image_input_pusd = chance_scaled(chance, bits),
        .output_pusd = chance_scaled(chance, bits),
        .reasoning_pusd = chance_scaled(chance, bits),
        .audio_output_pusd = chance_scaled(chance, bits),
        .image_output_pusd = chance_scaled(chance, bits),
    };
}

/* `bits`: of rates; `tokens`: of the steps' thresholds. */
static struct price any_price(struct chance *chance, unsigned bits, unsigned tokens)
{
    struct price price = {
        .known = true,
        .rates = any_rates(chance, bits),
        .step_count = chance_below(chance, PRICE_MAX_STEPS + 1),
        .tiers = {.flex_permille = (int64_t)chance_below(chance, 1001),
                  .priority_permille = (int64_t)chance_below(chance, 4000),
                  .batch_permille = (int64_t)chance_below(chance, 1001)},
        .per_request_nusd = chance_scaled(chance, bits),
        .web_search_nusd = chance_scaled(chance, bits),
    };
    int64_t above = 0;
    for (size_t i = 0; i < price.step_count; i++) {
        above += chance_scaled(chance, tokens);
        price.steps[i] =
            (struct price_step){.above_tokens = above, .rates = any_rates(chance, bits)};
    }
    return price;
}

static struct price_scope any_scope(struct chance *chance)
{
    return (struct price_scope){.audio_input = chance_below(chance, 2) == 0,
                                .image_input = chance_below(chance, 2) == 0,
                                .audio_output = chance_below(chance, 2) == 0,
                                .image_output = chance_below(chance, 2) == 0,
                                .any_tier = chance_below(chance, 2) == 0,
                                .web_searches = chance_scaled(chance, 6)};
}

static int64_t upto(struct chance *chance, int64_t most)
{
    return most == INT64_MAX ? most : (int64_t)chance_below(chance, (uint64_t)most + 1);
}

/* Within the scope; parts may exceed their total, as reports have it. */
static struct usage any_usage(struct chance *chance, const struct price_scope *scope, int64_t input,
                              int64_t output)
{
    struct usage usage = {
        .input = upto(chance, input),
        .cached_input = upto(chance, input),
        .cache_write = upto(chance, input),
        .cache_write_1h = upto(chance, input),
        .output = upto(chance, output),
        .reasoning = upto(chance, output),
        .web_searches = upto(chance, scope->web_searches),
    };
    if (scope->audio_input) {
        usage.audio_input = upto(chance, input);
        usage.cached_audio = upto(chance, input);
    }
    if (scope->image_input)
        usage.image_input = upto(chance, input);
    if (scope->audio_output)
        usage.audio_output = upto(chance, output);
    if (scope->image_output)
        usage.image_output = upto(chance, output);
    if (scope->any_tier)
        usage.service_tier = (enum service_tier)chance_below(chance, SERVICE_TIER_OTHER + 1);
    return usage;
}

static void no_cost_is_above_its_bound(void **state)
{
    (void)state;
    struct chance chance = {1};
    int compared = 0;
    int met = 0;
    for (int round = 0; round < 300000; round++) {
        unsigned bits = (unsigned)(10 + chance_below(&chance, 54));
        unsigned tokens = (unsigned)chance_below(&chance, 54);
        struct price price = any_price(&chance, bits, tokens);
        struct price_scope scope = any_scope(&chance);
        int64_t input = chance_scaled(&chance, tokens);
        int64_t output = chance_scaled(&chance, tokens);
        struct usage usage = any_usage(&chance, &scope, input, output);
        int64_t bound;
        int64_t cost;
        if (!price_bound(&price, &scope, input, output, &bound))
            continue;
        compared++;
        assert_true(price_cost(&price, &usage, &cost));
        assert_true(cost >= 0);
        assert_true(cost <= bound);
        met += cost > 0 && cost == bound;
    }
    assert_true(compared > 100000);
    assert_true(met > 0); /* or the bound is only far away */
}

static void affordable_output_is_the_largest(void **state)
{
    (void)state;
    struct chance chance = {2};
    int fitting = 0;
    for (int round = 0; round < 200000; round++) {
        struct price price = any_price(&chance, (unsigned)(10 + chance_below(&chance, 54)), 30);
        struct price_scope scope = any_scope(&chance);
        int64_t input = chance_scaled(&chance, 30);
        int64_t choices = 1 + (int64_t)chance_below(&chance, 128);
        int64_t nusd = chance_scaled(&chance, 63);
        int64_t limit = price_affordable_output(&price, &scope, input, choices, nusd);
        int64_t bound;
        if (limit < 0) {
            assert_true(!price_bound(&price, &scope, input, 0, &bound) || bound > nusd);
            continue;
        }
        if (limit > INT64_MAX / choices) {
            assert_true(limit == INT64_MAX && price.rates.output_pusd == 0);
            continue;
        }
        fitting++;
        assert_true(price_bound(&price, &scope, input, choices * limit, &bound));
        assert_true(bound <= nusd);
        if (limit < INT64_MAX / choices)
            assert_true(!price_bound(&price, &scope, input, choices * (limit + 1), &bound) ||
                        bound > nusd);
    }
    assert_true(fitting > 20000);
}

/* Drawn from the parts upwards, and summed in plain 64-bit arithmetic as the oracle. */
static void a_cost_is_the_exact_sum_rounded_up(void **state)
{
    (void)state;
    struct chance chance = {3};
    for (int round = 0; round < 100000; round++) {
        struct price price = any_price(&chance, 20, 14);
        struct usage usage = {.cached_input = chance_scaled(&chance, 16),
                              .cache_write = chance_scaled(&chance, 16),
                              .audio_input = chance_scaled(&chance, 16),
                              .image_input = chance_scaled(&chance, 16),
                              .reasoning = chance_scaled(&chance, 16),
                              .audio_output = chance_scaled(&chance, 16),
                              .image_output = chance_scaled(&chance, 16),
                              .web_searches = chance_scaled(&chance, 6),
                              .service_tier = SERVICE_TIER_FLEX};
        price.tiers.flex_permille = 1 + (int64_t)chance_below(&chance, 2000);
        usage.cache_write_1h = upto(&chance, usage.cache_write);
        usage.cached_audio =
            upto(&chance,
                 usage.cached_input < usage.audio_input ? usage.cached_input : usage.audio_input);
        int64_t plain = chance_scaled(&chance, 16);
        int64_t said = chance_scaled(&chance, 16);
        usage.input = plain + usage.cached_input + usage.cache_write + usage.audio_input -
                      usage.cached_audio + usage.image_input;
        usage.output = said + usage.reasoning + usage.audio_output + usage.image_output;

        const struct price_rates *rates = &price.rates;
        for (size_t i = 0; i < price.step_count; i++)
            if (usage.input > price.steps[i].above_tokens)
                rates = &price.steps[i].rates;
        int64_t pusd = plain * rates->input_pusd +
                       (usage.cached_input - usage.cached_audio) * rates->cached_input_pusd +
                       usage.cached_audio * rates->cached_audio_pusd +
                       (usage.audio_input - usage.cached_audio) * rates->audio_input_pusd +
                       (usage.cache_write - usage.cache_write_1h) * rates->cache_write_pusd +
                       usage.cache_write_1h * rates->cache_write_1h_pusd +
                       usage.image_input * rates->image_input_pusd + said * rates->output_pusd +
                       usage.reasoning * rates->reasoning_pusd +
                       usage.audio_output * rates->audio_output_pusd +
                       usage.image_output * rates->image_output_pusd;
        int64_t milli =
            pusd * price.tiers.flex_permille +
            (price.per_request_nusd + usage.web_searches * price.web_search_nusd) * 1000000;
        int64_t cost = -1;
        assert_true(price_cost(&price, &usage, &cost));
        assert_true(cost * 1000000 >= milli && cost * 1000000 - milli < 1000000);
    }
}

int test_price_laws(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_cost_is_above_its_bound),
        cmocka_unit_test(affordable_output_is_the_largest),
        cmocka_unit_test(a_cost_is_the_exact_sum_rounded_up),
    };
    return cmocka_run_group_tests_name("llm/price_laws", tests, NULL, NULL);
}
