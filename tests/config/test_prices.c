/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Prices in the configuration: of a model in full, from a file of the operator's, as shipped. */
#include "fixture.h"

int test_prices(void);

#define OPENAI "providers: {openai: {kind: openai, api_key: k}}\n"
#define PRICED(TEXT) \
    PROVIDERS "models: {m: {targets: [{provider: p, model: x}], price: {" TEXT "}}}\n" TENANTS
#define GIVEN "input: 1, output: 2, "

/* A price file of two providers, beside the configuration. */
static const char price_file[] =
    "{\"format\":\"weir-prices-1\",\"source\":\"by hand\",\"providers\":[\n"
    "{\"id\":\"first\",\"urls\":[\"http://127.0.0.1:9/*\"],\"models\":[\n"
    "{\"id\":\"x\",\"context_window\":1000,\"max_output_tokens\":500,\n"
    " \"prices\":[{\"input\":3,\"output\":6},{\"from\":\"2030-01-01\",\"input\":1,\"output\":2}]}]},\n"
    "{\"id\":\"second\",\"models\":[{\"id\":\"y\",\"context_window\":800,\"prices\":[{\"input\":4,\"output\":8}]}]}]}\n";

static const struct target *target_of(const struct snapshot *s, size_t i)
{
    return &s->models[0]->targets[i];
}

static const struct price *price_at(const struct snapshot *s, size_t i, int64_t wall_ns)
{
    return price_schedule_at(&target_of(s, i)->prices, wall_ns);
}

static void a_price_in_full(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state,
        PRICED("input: 2.5, cached_input: 0.25, cache_write: 3.125, cache_write_1h: 5, "
               "audio_input: 40, cached_audio: 2.5, image_input: 5, output: 10, reasoning: 9, "
               "audio_output: 80, image_output: 32, per_request: 0.01, web_search: 0.02, tiers: "
               "[{above: 200000, input: 5, output: 15}, {above: 1M, input: 7, output: 20, "
               "cached_input: 1}], service_tiers: {flex: 0.5, priority: 1.75, batch: 0.5}"));
    const struct price *price = price_at(s, 0, 0);
    static const int64_t expected[PRICE_KINDS] = {2500000,  250000,   3125000, 5000000,
                                                  40000000, 2500000,  5000000, 10000000,
                                                  9000000,  80000000, 32000000};
    assert_true(price->known);
    for (size_t i = 0; i < PRICE_KINDS; i++)
        assert_int_equal(price_rate_of(&price->rates, &price_kinds[i]), expected[i]);
    assert_int_equal(price->per_request_nusd, 10000000);
    assert_int_equal(price->web_search_nusd, 20000000);
    assert_int_equal(price->step_count, 2);
    assert_int_equal(price->steps[0].above_tokens, 200000);
    assert_int_equal(price->steps[0].rates.cached_input_pusd, 5000000);
    assert_int_equal(price->steps[1].above_tokens, 1000000);
    assert_int_equal(price->steps[1].rates.cached_input_pusd, 1000000);
    assert_int_equal(price->steps[1].rates.reasoning_pusd, 20000000);
    assert_int_equal(price->tiers.flex_permille, 500);
    assert_int_equal(price->tiers.priority_permille, 1750);
    assert_int_equal(price->tiers.batch_permille, 500);
    assert_null(target_of(s, 0)->priced_by);
    snapshot_unref(&s);
}

#define RATE "US dollars per million tokens, such as 2.50, at most 1000000\n"

static void bad_prices_are_told(void **state)
{
    static const char *const table[][2] = {
        {PRICED("input: 1, output: 2, cache_wirte: 3"),
         "2:79: unknown key 'cache_wirte' in 'price'; did you mean 'cache_write'?\n"},
        {PRICED(GIVEN "reasoning: -1"), "2:90: 'reasoning' must not be negative\n"},
        {PRICED(GIVEN "reasoning: x"), "2:90: 'reasoning' must be " RATE},
        {PRICED(GIVEN "image_output: 1000001"), "2:93: 'image_output' must be " RATE},
        {PRICED(GIVEN "audio_input: 0.0000001"),
         "2:92: 'audio_input' must have at most 6 decimals\n"},
        {PRICED(GIVEN "web_search: x"), "2:91: 'web_search' must be US dollars, such as 0.01\n"},
        {PRICED(GIVEN "tiers: 5"), "2:86: 'tiers' must be a list\n"},
        {PRICED(GIVEN "tiers: [{above: 0, input: 1, output: 1}]"),
         "2:95: 'above' must be a whole number, from 1 to 100000000\n"},
        {PRICED(GIVEN "tiers: [{input: 1, output: 1}]"), "2:87: 'above' is missing in a tier\n"},
        {PRICED(GIVEN "tiers: [{above: 5, output: 1}]"), "2:87: 'input' is missing in a tier\n"},
        {PRICED(GIVEN "tiers: [{above: 5, input: 1, output: 1}, {above: 5, input: 1, output: 1}]"),
         "2:120: 'above' must rise from tier to tier\n"},
        {PRICED(GIVEN "tiers: [{}, {}, {}, {}]"), "2:86: 'tiers' must have at most 3 entries\n"},
        {PRICED(GIVEN "service_tiers: {flex: 0}"),
         "2:101: 'flex' must be what it costs beside the standard one, such as 0.5, at most 100\n"},
        {PRICED(GIVEN "service_tiers: {batch: 0.0005}"),
         "2:102: 'batch' must have at most 3 decimals\n"},
        {PRICED(GIVEN "service_tiers: {fast: 2}"), "2:95: unknown key 'fast' in 'service_tiers'\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_bad(*state, table[i][0], table[i][1]);
}

static void a_file_prices_what_has_no_price(void **state)
{
    struct fixture *fixture = *state;
    fixture_write(fixture, "prices.json", price_file);
    struct snapshot *s = fixture_load_good(
        fixture, "prices: prices.json\n"
                 "providers: {p: {kind: openai, base_url: http://127.0.0.1:9/v1},\n"
                 "            second: {kind: openai, base_url: http://127.0.0.1:8/v1}}\n"
                 "models: {m: {targets: [{provider: p, model: X}, {provider: second, model: y},\n"
                 "                       {provider: second, model: unknown}]}}\n" TENANTS);
    assert_int_equal(price_at(s, 0, 0)->rates.input_pusd, 3000000);
    assert_int_equal(price_at(s, 0, INT64_C(1893456000) * 1000000000)->rates.input_pusd, 1000000);
    assert_int_equal(price_at(s, 0, INT64_C(1893456000) * 1000000000 - 1)->rates.input_pusd,
                     3000000);
    assert_int_equal(price_at(s, 1, 0)->rates.output_pusd, 8000000);
    assert_null(price_at(s, 2, 0));
    assert_true(model_is_priced(s->models[0]));
    assert_string_equal(target_of(s, 0)->priced_by, "first/x");
    assert_string_equal(target_of(s, 1)->priced_by, "second/y");
    /* the least that any of them has */
    assert_int_equal(s->models[0]->context_window, 800);
    assert_int_equal(s->models[0]->max_output_tokens, 500);
    /* watched, as other files are */
    assert_int_equal(s->file_count, 2);
    assert_non_null(strstr(s->files[1], "/prices.json"));
    assert_string_equal(s->prices_file, s->files[1]);
    bool told = false;
    for (size_t i = 0; i < s->warning_count; i++)
        told |= strcmp(s->warnings[i],
                       "target second, unknown of model 'm' has no price: it is passed over for "
                       "those under a money budget, and its spend counts as 0 for others") == 0;
    assert_true(told);
    snapshot_unref(&s);
}

static void what_is_written_goes_before_the_catalogue(void **state)
{
    struct fixture *fixture = *state;
    fixture_write(fixture, "prices.json", price_file);
    struct snapshot *s = fixture_load_good(
        fixture, "prices: prices.json\n" PROVIDERS
                 "models: {m: {targets: [{provider: p, model: x}], price: {input: 9, output: 9},\n"
                 "  max_output_tokens: 100}}\n" TENANTS);
    assert_int_equal(price_at(s, 0, INT64_MAX)->rates.input_pusd, 9000000);
    assert_int_equal(s->models[0]->context_window, 1000);
    assert_int_equal(s->models[0]->max_output_tokens, 100);
    snapshot_unref(&s);

    /* a window that what is written contradicts is not taken */
    s = fixture_load_good(fixture,
                          "prices: prices.json\n" PROVIDERS
                          "models: {m: {targets: [{provider: p, model: x}], max_output_tokens: "
                          "2000}}\n" TENANTS);
    assert_int_equal(s->models[0]->context_window, 0);
    assert_int_equal(s->models[0]->max_output_tokens, 2000);
    snapshot_unref(&s);
    s = fixture_load_good(fixture,
                          "prices: prices.json\n" PROVIDERS
                          "models: {m: {targets: [{provider: p, model: x}], min_output_tokens: "
                          "600}}\n" TENANTS);
    assert_int_equal(s->models[0]->context_window, 1000);
    assert_int_equal(s->models[0]->max_output_tokens, 1000);
    snapshot_unref(&s);
}

static void a_bad_file_is_told(void **state)
{
    struct fixture *fixture = *state;
    char expected[300];
    snprintf(expected, sizeof expected,
             "1:9: 'prices' cannot be read from '%s/none.json': No such file or directory\n",
             fixture->directory);
    assert_bad(fixture, "prices: none.json\n" REST, expected);
    fixture_write(fixture, "bad.json", "{\"format\":\"weir-prices-1\",\n \"providres\":[]}");
    snprintf(expected, sizeof expected,
             "1:9: 'prices' cannot be used: %s/bad.json:2:3: unknown key 'providres' in the file\n",
             fixture->directory);
    assert_bad(fixture, "prices: bad.json\n" REST, expected);
    assert_bad(fixture, "prices: [1]\n" REST, "1:9: 'prices' must be a single value\n");
}

static void the_shipped_catalogue_is_the_default(void **state)
{
    static const char models[] =
        "models: {m: {targets: [{provider: openai, model: gpt-4o}]}}\n" TENANTS;
    char yaml[400];
    snprintf(yaml, sizeof yaml, OPENAI "%s", models);
    struct snapshot *s = fixture_load_good(*state, yaml);
    assert_int_equal(price_at(s, 0, 0)->rates.input_pusd, 2500000);
    assert_int_equal(price_at(s, 0, 0)->rates.cached_input_pusd, 1250000);
    assert_int_equal(price_at(s, 0, 0)->rates.output_pusd, 10000000);
    assert_int_equal(s->models[0]->context_window, 128000);
    assert_string_equal(target_of(s, 0)->priced_by, "openai/gpt-4o");
    assert_null(s->prices_file);
    snapshot_unref(&s);

    snprintf(yaml, sizeof yaml, "prices: off\n" OPENAI "%s", models);
    s = fixture_load_good(*state, yaml);
    assert_false(model_is_priced(s->models[0]));
    assert_int_equal(s->models[0]->context_window, 0);
    snapshot_unref(&s);
}

/* The caller frees it. */
static char *summary(struct snapshot *snapshot)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_summary(snapshot, out);
    fclose(out);
    return text;
}

static void assert_told(struct snapshot *s, const char *expected)
{
    char *text = summary(s);
    if (strstr(text, expected) == NULL)
        print_error("in this summary:\n%s\n", text);
    assert_non_null(strstr(text, expected));
    free(text);
}

static void the_summary_says_who_priced_it(void **state)
{
    struct fixture *fixture = *state;
    struct snapshot *s = fixture_load_good(
        fixture, PRICED(GIVEN "cache_write_1h: 3, reasoning: 2, web_search: 0.01, tiers: [{above: "
                              "5, input: 2, output: 3}], service_tiers: {flex: 0.5}"));
    assert_told(s,
                "; USD per million tokens: input 1.00, cached input 1.00, cache write 1.00, cache "
                "write for an hour 3.00, output 2.00; above 5 tokens: input 2.00, cached input "
                "2.00, cache write 2.00, output 3.00; flex 0.500 times; USD per web search: "
                "0.01\n");
    snapshot_unref(&s);

    fixture_write(fixture, "prices.json", price_file);
    s = fixture_load_good(
        fixture,
        "prices: prices.json\n"
        "providers: {first: {kind: openai, base_url: http://127.0.0.1:7/v1},\n"
        "            second: {kind: openai, base_url: http://127.0.0.1:8/v1}}\n"
        "models: {m: {targets: [{provider: first, model: x}, {provider: second, model: y},\n"
        "                       {provider: second, model: z}]}}\n" TENANTS);
    assert_told(s,
                "/prices.json\n  m: first, x (weight 1) or second, y (weight 1) or second, z "
                "(weight 1); 2 tries; output at most 500 tokens\n"
                "    first, x: USD per million tokens: input 3.00, cached input 3.00, cache write "
                "3.00, output 6.00; by the catalogue, first/x; now, and other prices at other "
                "times\n"
                "    second, y: USD per million tokens: input 4.00, cached input 4.00, cache "
                "write 4.00, output 8.00; by the catalogue, second/y\n"
                "    second, z: no price\n");
    snapshot_unref(&s);
}

int test_prices(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_price_in_full),
        FIXTURE_TEST(bad_prices_are_told),
        FIXTURE_TEST(a_file_prices_what_has_no_price),
        FIXTURE_TEST(what_is_written_goes_before_the_catalogue),
        FIXTURE_TEST(a_bad_file_is_told),
        FIXTURE_TEST(the_shipped_catalogue_is_the_default),
        FIXTURE_TEST(the_summary_says_who_priced_it),
    };
    return cmocka_run_group_tests_name("config/prices", tests, NULL, NULL);
}
