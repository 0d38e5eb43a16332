/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every price of a real list against an independent computation: the list's own numbers, read as
 * doubles from a tree, with its own rule for kinds that have no price (they cost as what holds
 * them). Costs agree to the rounding of one nano-dollar and of prices finer than a pico-dollar.
 */
#include "llm/price_import.h"

#include "base/clock.h"
#include "support.h"
#include "wire/json.h"

#include <math.h>

int test_price_real(void);

#define LIST SHARED_DATA "/prices/genai_prices_v2.json"

static void count_note(void *context, struct span key, const char *what)
{
    (void)key;
    *(size_t *)context += strncmp(what, "left out", 8) == 0;
}

/* Dollars a million tokens of a kind at so many input tokens; -1: not priced. */
static double rate_of(const struct json *prices, const char *key, int64_t input)
{
    const struct json *value = json_get(prices, key);
    double rate = -1;
    if (value == NULL || json_number(value, &rate))
        return rate;
    assert_true(json_number(json_get(value, "base"), &rate));
    for (const struct json *tier = json_first(json_get(value, "tiers")); tier != NULL;
         tier = json_next(tier)) {
        int64_t start;
        assert_true(json_integer(json_get(tier, "start"), &start));
        if (input > start)
            assert_true(json_number(json_get(tier, "price"), &rate));
    }
    return rate;
}

static double or_else(double rate, double otherwise)
{
    return rate >= 0 ? rate : otherwise;
}

static double count_rate(const struct json *prices, const char *key)
{
    double rate = 0;
    json_number(json_get(prices, key), &rate);
    return rate / 1000;
}

/* In dollars. */
static double expected_cost(const struct json *prices, const struct usage *usage)
{
    int64_t n = usage->input;
    double input = rate_of(prices, "input_mtok", n);
    double cached = rate_of(prices, "cache_read_mtok", n);
    double write = or_else(rate_of(prices, "cache_write_mtok", n), input);
    double write_1h = or_else(rate_of(prices, "cache_write_1h_mtok", n), fmax(write, input));
    double audio = rate_of(prices, "input_audio_mtok", n);
    double cached_audio =
        or_else(rate_of(prices, "cache_audio_read_mtok", n), or_else(fmax(audio, cached), input));
    double image = or_else(rate_of(prices, "input_image_mtok", n), input);
    double output = or_else(rate_of(prices, "output_mtok", n), input);
    double reasoning = or_else(rate_of(prices, "output_reasoning_mtok", n), output);
    double audio_output = or_else(rate_of(prices, "output_audio_mtok", n), output);
    double image_output = or_else(rate_of(prices, "output_image_mtok", n), output);
    cached = or_else(cached, input);
    audio = or_else(audio, input);
    double plain = (double)(n - usage->cached_input - usage->cache_write - usage->audio_input +
                            usage->cached_audio - usage->image_input);
    double said =
        (double)(usage->output - usage->reasoning - usage->audio_output - usage->image_output);
    double tokens =
        plain * input + (double)(usage->cached_input - usage->cached_audio) * cached +
        (double)usage->cached_audio * cached_audio +
        (double)(usage->cache_write - usage->cache_write_1h) * write +
        (double)usage->cache_write_1h * write_1h +
        (double)(usage->audio_input - usage->cached_audio) * audio +
        (double)usage->image_input * image + said * output + (double)usage->reasoning * reasoning +
        (double)usage->audio_output * audio_output + (double)usage->image_output * image_output;
    return tokens / 1e6 + (double)usage->web_searches * count_rate(prices, "web_searches_kcount") +
           count_rate(prices, "requests_kcount");
}

static void check_price(const struct price *price, const struct json *prices)
{
    static const struct usage usages[] = {
        {.input = 1000000, .output = 1000000},
        {.input = 100000, .output = 0},
        {.input = 90000,
         .cached_input = 50000,
         .cache_write = 20000,
         .cache_write_1h = 5000,
         .audio_input = 7000,
         .cached_audio = 3000,
         .image_input = 4000,
         .output = 30000,
         .reasoning = 9000,
         .audio_output = 800,
         .image_output = 70,
         .web_searches = 3},
        {.input = 600000, .cached_input = 599999, .cache_write = 1, .output = 17},
    };
    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++) {
        int64_t nusd;
        assert_true(price_cost(price, &usages[i], &nusd));
        double expected = expected_cost(prices, &usages[i]) * 1e9;
        double slack = 1.01 + (double)(usages[i].input + usages[i].output) / 1000;
        if ((double)nusd < expected - 0.01 || (double)nusd > expected + slack)
            fail_msg("usage %zu: %lld, not %.3f", i, (long long)nusd, expected);
    }
}

static void check_entry(const struct catalogue_entry *entry, const struct json *model)
{
    const struct json *prices = json_get(model, "prices");
    size_t count = 0;
    double window = 0;
    json_number(json_get(model, "context_window"), &window);
    assert_true(entry->context_window == (int64_t)window);
    if (json_type(prices) == JSON_OBJECT) {
        assert_int_equal(entry->prices.count, 1);
        check_price(&entry->prices.periods[0].price, prices);
        return;
    }
    for (const struct json *one = json_first(prices); one != NULL; one = json_next(one)) {
        assert_true(count < entry->prices.count);
        const struct price_period *period = &entry->prices.periods[count++];
        check_price(&period->price, json_get(one, "prices"));
        assert_true((period->from_wall_ns != INT64_MIN) ==
                    (json_get(json_get(one, "constraint"), "start_date") != NULL));
        assert_true((period->daily_from_s != period->daily_to_s) ==
                    (json_get(json_get(one, "constraint"), "start_time") != NULL));
    }
    assert_int_equal(entry->prices.count, count);
}

/* Found by what its clause says in plain words. */
static void check_names(const struct catalogue *catalogue, const struct catalogue_entry *entry,
                        const struct json *clause)
{
    struct span name = json_string(json_get(clause, "equals"));
    if (name.len > 0)
        assert_ptr_equal(catalogue_find(catalogue, entry->provider, SPAN(""), name), entry);
    for (const struct json *part = json_first(json_get(clause, "or")); part != NULL;
         part = json_next(part))
        check_names(catalogue, entry, part);
}

static void every_price_of_a_real_list(void **state)
{
    (void)state;
    size_t len = 0;
    size_t left_out = 0;
    size_t models = 0;
    size_t checked = 0;
    struct catalogue_fault fault;
    const struct import_notes notes = {count_note, &left_out};
    char *text = read_file(LIST, &len);
    if (text == NULL) {
        print_message("    skipped: there is no %s\n", LIST);
        skip();
    }
    struct catalogue *catalogue = price_import(span_make(text, len), &notes, &fault);
    struct json *root = json_parse(span_make(text, len));
    assert_non_null(catalogue);
    for (const struct json *provider = json_first(root); provider != NULL;
         provider = json_next(provider))
        for (const struct json *model = json_first(json_get(provider, "models")); model != NULL;
             model = json_next(model)) {
            const struct catalogue_entry *entry = catalogue_first(catalogue);
            models++;
            while (entry != NULL &&
                   (!span_equal(entry->provider, json_string(json_get(provider, "id"))) ||
                    !span_equal(entry->model, json_string(json_get(model, "id")))))
                entry = entry->next;
            if (entry == NULL)
                continue;
            checked++;
            check_entry(entry, model);
            check_names(catalogue, entry, json_get(model, "match"));
        }
    print_message("    %zu models, %zu prices checked, %zu left out\n", models, checked, left_out);
    assert_int_equal(models, 1466);
    assert_int_equal(checked + left_out, models);
    assert_true(checked > 1290);
    json_free(&root);
    catalogue_free(&catalogue);
    free(text);
}

int test_price_real(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_price_of_a_real_list)};
    return cmocka_run_group_tests_name("llm/price_real", tests, NULL, NULL);
}
