/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The learned estimate: where it starts, that it finds a line it is shown, what it does not listen
 * to, drift of exact models, its line of text, and quantiles against exact ones.
 */
#include "support.h"

#include "llm/estimate.h"

#include <math.h>

static struct count_features text_of(int64_t tokens, int64_t messages)
{
    return (struct count_features){.text_tokens = tokens, .messages = messages};
}

static struct estimate started(const char *provider, const char *model)
{
    struct estimate estimate;
    estimate_init(&estimate, span_from_string(provider), span_from_string(model));
    return estimate;
}

static void families_start_apart(void **state)
{
    (void)state;
    struct count_features features = text_of(1000, 1);
    struct estimate exact = started("openai", "gpt-4o");
    assert_int_equal(estimate_tokens(&exact, &features), 1007);
    struct estimate claude = started("anthropic", "claude-opus-4-8");
    assert_in_range(estimate_tokens(&claude, &features), 1350, 1450);
    struct estimate unnamed = started("my-anthropic", "alias");
    assert_in_range(estimate_tokens(&unnamed, &features), 1350, 1450);
    struct estimate grok = started("x", "grok-4.3");
    assert_in_range(estimate_tokens(&grok, &features), 1150, 1250);
    features = (struct count_features){.text_tokens = 10,
                                       .messages = 1,
                                       .syntax_tokens = 50,
                                       .opaque_bytes = 1000,
                                       .has_tools = true};
    struct estimate studio = started("gemini", "gemini-3-flash");
    struct estimate vertex = started("vertex", "gemini-3-flash");
    assert_int_equal(estimate_tokens(&studio, &features) - estimate_tokens(&vertex, &features),
                     1 + 50 + 205); /* Vertex has no token for a message */
    features.media_tokens = 258;
    features.has_media = true;
    assert_in_range(estimate_tokens(&vertex, &features), 265, 275);
    features = (struct count_features){0};
    assert_true(estimate_tokens(&vertex, &features) >= 1);
}

/* A provider with a line of its own, a little noise. */
static int64_t bill_of(const struct count_features *features, struct chance *chance)
{
    double tokens = 12 + 6 * (double)features->messages + 1.31 * (double)features->text_tokens +
                    0.5 * (double)features->non_ascii;
    if (features->has_tools)
        tokens += 400 + 1.2 * (double)features->structure_tokens;
    return (int64_t)(tokens + 0.5) + (int64_t)chance_below(chance, 3) - 1;
}

static struct count_features any_features(struct chance *chance, bool tools)
{
    return (struct count_features){
        .text_tokens = (int64_t)chance_below(chance, 2000) + 5,
        .messages = (int64_t)chance_below(chance, 10) + 1,
        .non_ascii = (int64_t)chance_below(chance, 50),
        .structure_tokens = tools ? (int64_t)chance_below(chance, 300) : 0,
        .has_tools = tools,
    };
}

static void it_finds_the_line(void **state)
{
    (void)state;
    struct chance chance = {42};
    struct estimate estimate = started("someone", "unheard-of");
    for (int i = 0; i < 600; i++) {
        struct count_features features = any_features(&chance, i % 3 == 0);
        estimate_learn(&estimate, &features, bill_of(&features, &chance));
    }
    assert_int_equal(estimate.learned, 600);
    for (int i = 0; i < 100; i++) {
        struct count_features features = any_features(&chance, i % 3 == 0);
        double bill = (double)bill_of(&features, &chance);
        assert_true(fabs((double)estimate_tokens(&estimate, &features) - bill) < 6 + bill / 50);
        assert_true((double)estimate_high(&estimate, &features) >= bill);
    }
    assert_true(quantile_value(&estimate.error_p50) < 0.02);
    if (quantile_value(&estimate.error_p90) >= 0.10)
        fail_msg("p90 %f", quantile_value(&estimate.error_p90));
}

static void it_follows_a_change(void **state)
{
    (void)state;
    struct count_features tools = {
        .text_tokens = 20, .messages = 1, .structure_tokens = 550, .has_tools = true};
    struct count_features text = text_of(20, 1);
    struct estimate estimate = started("anthropic", "claude-haiku-4-5");
    int64_t before = estimate_tokens(&estimate, &text);
    for (int i = 0; i < 20; i++)
        estimate_learn(&estimate, &tools, 580);
    for (int i = 0; i < 4; i++) /* the hidden prompt shrinks */
        estimate_learn(&estimate, &tools, 400);
    assert_in_range(estimate_tokens(&estimate, &tools), 390, 420);
    assert_int_equal(estimate_tokens(&estimate, &text), before); /* not the text's affair */
}

static void it_does_not_listen_to_nonsense(void **state)
{
    (void)state;
    struct estimate estimate = started("anthropic", "claude-haiku-4-5");
    struct estimate before = estimate;
    struct count_features features = text_of(1000, 1);
    estimate_learn(&estimate, &features, 0);
    estimate_learn(&estimate, &features, -5);
    estimate_learn(&estimate, &features, 100);
    estimate_learn(&estimate, &features, INT64_MAX);
    features.has_media = true;
    estimate_learn(&estimate, &features, 1050);
    features.has_media = false;
    features.has_hosted = true;
    estimate_learn(&estimate, &features, 1050);
    assert_memory_equal(&estimate, &before, sizeof(before));
    features.has_hosted = false;
    for (int i = 0; i < 100; i++) /* possible, but no vocabulary's: the ratio stays within bounds */
        estimate_learn(&estimate, &features, 6000);
    assert_true(estimate.text.weights[2] <= 3.0);
    for (int i = 0; i < 300; i++)
        estimate_learn(&estimate, &features, 251);
    assert_true(estimate.text.weights[2] >= 0.5);
}

static void high_has_a_margin_at_first(void **state)
{
    (void)state;
    struct count_features features = text_of(1000, 1);
    struct estimate estimate = started("openai", "gpt-4o");
    assert_true(estimate_high(&estimate, &features) >= 1500);
    for (int i = 0; i < 40; i++)
        estimate_learn(&estimate, &features, 1007);
    assert_in_range(estimate_high(&estimate, &features), 1007, 1012);
}

static void drift_is_said_once(void **state)
{
    (void)state;
    struct estimate estimate = started("openai", "gpt-4o");
    struct input_count count = {.tokens = 100, .quality = COUNT_EXACT};
    struct input_count near = {.tokens = 100, .quality = COUNT_NEAR};
    for (int round = 0; round < 2; round++) {
        assert_false(estimate_drifted(&estimate, &count, 100));
        for (int i = 1; i <= 10; i++) {
            assert_false(estimate_drifted(&estimate, &near, 103));
            assert_false(estimate_drifted(&estimate, &count, 0));
            assert_true(estimate_drifted(&estimate, &count, 103) == (i == 5));
        }
    }
    assert_false(estimate_drifted(&estimate, &count, 100));
    assert_int_equal(estimate.exact_run, 1);
}

static void a_line_of_text_is_exact(void **state)
{
    (void)state;
    struct chance chance = {7};
    struct estimate estimate = started("someone", "unheard-of");
    struct buf line;
    buf_init(&line, 8192, 0);
    for (int i = 0; i < 50; i++) {
        struct estimate again;
        struct count_features features = any_features(&chance, i % 2 == 0);
        estimate_learn(&estimate, &features, bill_of(&features, &chance));
        buf_reset(&line, SIZE_MAX);
        estimate_write(&estimate, &line);
        assert_true(estimate_read(buf_span(&line), &again));
        assert_memory_equal(&again, &estimate, offsetof(struct estimate, memory));
    }
    /* No byte may be missing, added, or other than it was written. */
    struct estimate kept = estimate;
    struct span text = buf_span(&line);
    assert_false(estimate_read(SPAN(""), &kept));
    assert_false(estimate_read(SPAN("estimate1 "), &kept));
    assert_false(estimate_read(span_make(text.ptr, text.len - 1), &kept));
    assert_true(buf_append_byte(&line, '0'));
    assert_false(estimate_read(buf_span(&line), &kept));
    buf_truncate(&line, text.len);
    static const char garbage[] = {'g', 'A', ' ', '\0', '\n'};
    for (size_t at = 0; at < text.len; at += 13) {
        char was = line.data[line.start + at];
        line.data[line.start + at] = garbage[at % sizeof(garbage)];
        if (garbage[at % sizeof(garbage)] != was)
            assert_false(estimate_read(buf_span(&line), &kept));
        line.data[line.start + at] = was;
    }
    /* A weight that is no number, a share that is none of ours. */
    memcpy(line.data + line.start + strlen("estimate1 "), "7ff8000000000000", 16);
    assert_false(estimate_read(buf_span(&line), &kept));
    struct estimate odd = estimate;
    odd.error_p90.p = 0.5;
    buf_reset(&line, SIZE_MAX);
    estimate_write(&odd, &line);
    assert_false(estimate_read(buf_span(&line), &kept));
    odd = estimate;
    odd.learned = -1;
    buf_reset(&line, SIZE_MAX);
    estimate_write(&odd, &line);
    assert_false(estimate_read(buf_span(&line), &kept));
    odd = estimate;
    odd.error_p50.places[2] = odd.error_p50.places[1];
    buf_reset(&line, SIZE_MAX);
    estimate_write(&odd, &line);
    assert_false(estimate_read(buf_span(&line), &kept));
    assert_memory_equal(&kept, &estimate, sizeof(kept));
    buf_fini(&line);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void quantiles_are_near_exact_ones(void **state)
{
    (void)state;
    enum { VALUES = 20000 };
    static const double shares[] = {0.5, 0.9, 0.99};
    double *values = test_malloc(VALUES * sizeof(double));
    for (size_t s = 0; s < 3; s++) {
        struct chance chance = {99 + s};
        struct quantile quantile = {.p = shares[s]};
        assert_true(quantile_value(&quantile) == 0);
        for (int i = 0; i < VALUES; i++) {
            double u = (double)chance_below(&chance, 1000000) / 1e6;
            values[i] = u * u; /* more small ones */
            quantile_feed(&quantile, values[i]);
        }
        qsort(values, VALUES, sizeof(double), by_size);
        double exact = values[(int)(shares[s] * VALUES)];
        assert_true(fabs(quantile_value(&quantile) - exact) < 0.02);
    }
    test_free(values);
    struct quantile few = {.p = 0.5};
    quantile_feed(&few, 3);
    assert_true(quantile_value(&few) == 3);
    quantile_feed(&few, 1);
    quantile_feed(&few, 2);
    assert_true(quantile_value(&few) == 2);
    struct quantile same = {.p = 0.9};
    for (int i = 0; i < 100; i++)
        quantile_feed(&same, 4);
    assert_true(quantile_value(&same) == 4);
}

int test_estimate(void);

int test_estimate(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_start_apart),
        cmocka_unit_test(it_finds_the_line),
        cmocka_unit_test(it_follows_a_change),
        cmocka_unit_test(it_does_not_listen_to_nonsense),
        cmocka_unit_test(high_has_a_margin_at_first),
        cmocka_unit_test(drift_is_said_once),
        cmocka_unit_test(a_line_of_text_is_exact),
        cmocka_unit_test(quantiles_are_near_exact_ones),
    };
    return cmocka_run_group_tests_name("llm/estimate", tests, NULL, NULL);
}
