/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an estimate remembers: bills of lists, also of the beginning of a list; how far a head is off;
 * what is no hit; that it is bounded and forgets the oldest; that it is not written.
 */
#include "support.h"

#include "llm/estimate.h"

static struct estimate started(void)
{
    struct estimate estimate;
    estimate_init(&estimate, SPAN("anthropic"), SPAN("claude-haiku-4-5"));
    return estimate;
}

/* A request with those tokens whose list ends in these prints, the whole first. */
static struct count_features request(int64_t tokens, int64_t messages, uint64_t whole,
                                     uint64_t before)
{
    struct count_features features = {.text_tokens = tokens, .messages = messages};
    if (whole != 0)
        features.list_prints[features.list_print_count++] = whole;
    if (before != 0)
        features.list_prints[features.list_print_count++] = before;
    return features;
}

/* What the lines say, without the memory. */
static int64_t by_lines(const struct estimate *estimate, struct count_features features)
{
    features.head_print = 0;
    features.list_print_count = 0;
    return estimate_tokens(estimate, &features);
}

static void a_list_is_known_again(void **state)
{
    (void)state;
    struct estimate estimate = started();
    struct count_features first = request(1000, 1, 0xA, 0);
    estimate_learn(&estimate, &first, 1500);
    assert_int_equal(estimate_tokens(&estimate, &first), 1500);
    assert_true(by_lines(&estimate, first) < 1400);
    estimate_learn(&estimate, &first, 1300); /* the newest bill is what counts */
    assert_int_equal(estimate_tokens(&estimate, &first), 1300);
    assert_true(estimate_high(&estimate, &first) >= 1300);
}

static void a_conversation_grows(void **state)
{
    (void)state;
    struct estimate estimate = started();
    struct count_features now = request(1000, 1, 0xA, 0);
    int64_t bill = 1500;
    for (uint64_t turn = 1; turn <= 20; turn++) {
        estimate_learn(&estimate, &now, bill);
        struct count_features next =
            request(1000 + 100 * (int64_t)turn, 1 + 2 * (int64_t)turn, 0xA + turn, 0xA + turn - 1);
        int64_t added = by_lines(&estimate, next) - by_lines(&estimate, now);
        assert_in_range(estimate_tokens(&estimate, &next), bill + added - 1, bill + added + 1);
        bill += 118;
        now = next;
    }
}

static void another_list_is_no_hit(void **state)
{
    (void)state;
    struct estimate estimate = started();
    struct count_features first = request(1000, 1, 0xA, 0);
    first.has_tools = true;
    first.structure_tokens = 500;
    estimate_learn(&estimate, &first, 2400);
    struct count_features other = first;
    other.list_prints[0] = 0xB;
    assert_int_equal(estimate_tokens(&estimate, &other), by_lines(&estimate, other));
    other = first; /* the same texts, its tools left out */
    other.has_tools = false;
    other.structure_tokens = 0;
    assert_int_equal(estimate_tokens(&estimate, &other), by_lines(&estimate, other));
    other = first;
    other.list_print_count = 0;
    assert_int_equal(estimate_tokens(&estimate, &other), by_lines(&estimate, other));
}

static void a_head_is_off_by_what_it_was(void **state)
{
    (void)state;
    struct estimate estimate = started();
    for (uint64_t i = 1; i <= 8; i++) {
        struct count_features features = request(40 + (int64_t)i, 1, 100 + i, 0);
        features.head_print = i % 2 != 0 ? 7 : 9;
        estimate_learn(&estimate, &features, 51 + (int64_t)i + (i % 2 != 0 ? 60 : 0));
    }
    struct count_features next = request(90, 1, 200, 0);
    int64_t lines = by_lines(&estimate, next);
    next.head_print = 7;
    int64_t odd = estimate_tokens(&estimate, &next);
    next.head_print = 9;
    int64_t plain = estimate_tokens(&estimate, &next);
    assert_in_range(odd - plain, 45, 65);
    next.head_print = 8;
    assert_int_equal(estimate_tokens(&estimate, &next), lines);
}

static void a_head_hears_of_first_requests_alone(void **state)
{
    (void)state;
    struct estimate estimate = started();
    struct count_features first = request(100, 1, 0xA, 0);
    first.head_print = 7;
    estimate_learn(&estimate, &first, 112);
    struct count_features fresh = request(100, 1, 0xF, 0);
    fresh.head_print = 7;
    struct count_features later = request(200, 3, 0xB, 0xA); /* hits its list */
    later.head_print = 7;
    estimate_learn(&estimate, &later, 900);
    struct count_features sealed = request(100, 1, 0xC, 0);
    sealed.head_print = 7;
    sealed.opaque_bytes = 500;
    estimate_learn(&estimate, &sealed, 900);
    int64_t lines = by_lines(&estimate, fresh);
    assert_in_range(estimate_tokens(&estimate, &fresh), lines - 8, lines + 8);
}

static void nonsense_is_not_remembered(void **state)
{
    (void)state;
    struct estimate estimate = started();
    struct count_features features = request(1000, 1, 0xA, 0);
    estimate_learn(&estimate, &features, 0);
    estimate_learn(&estimate, &features, 100);
    features.has_media = true;
    estimate_learn(&estimate, &features, 1500);
    features.has_media = false;
    assert_int_equal(estimate_tokens(&estimate, &features), by_lines(&estimate, features));
}

/* Prints of one set. */
static uint64_t of_a_set(uint64_t number)
{
    return number * ESTIMATE_SETS + 5;
}

static void the_oldest_of_a_set_is_forgotten(void **state)
{
    (void)state;
    struct estimate estimate = started();
    for (uint64_t i = 1; i <= ESTIMATE_WAYS; i++) {
        struct count_features features = request(1000, 1, of_a_set(i), 0);
        estimate_learn(&estimate, &features, 1500 + (int64_t)i);
    }
    struct count_features first = request(1000, 1, of_a_set(1), 0);
    struct count_features second = request(1000, 1, of_a_set(2), 0);
    struct count_features more = request(1000, 1, of_a_set(ESTIMATE_WAYS + 1), 0);
    estimate_learn(&estimate, &first, 1501); /* used again: stays */
    assert_int_equal(estimate_tokens(&estimate, &second), 1502);
    estimate_learn(&estimate, &more, 1600);
    assert_int_equal(estimate_tokens(&estimate, &first), 1501);
    assert_int_equal(estimate_tokens(&estimate, &more), 1600);
    assert_int_equal(estimate_tokens(&estimate, &second), by_lines(&estimate, second));
}

static void any_number_of_lists_fits(void **state)
{
    (void)state;
    struct chance chance = {11};
    struct estimate estimate = started();
    int kept = 0;
    for (int i = 0; i < 5000; i++) {
        struct count_features features =
            request(100, 1, chance_next(&chance), chance_next(&chance));
        features.head_print = chance_next(&chance);
        estimate_learn(&estimate, &features, 112 + i % 40);
    }
    for (int set = 0; set < ESTIMATE_SETS; set++)
        for (int way = 0; way < ESTIMATE_WAYS; way++)
            kept += estimate.memory[set][way].learned > 4000; /* the newest, at two a request */
    assert_true(kept > ESTIMATE_SETS * ESTIMATE_WAYS * 9 / 10);
    struct count_features zero = request(100, 1, 0, 0);
    zero.list_print_count = 1; /* a print of 0 is one like any other */
    assert_int_equal(estimate_tokens(&estimate, &zero), by_lines(&estimate, zero));
}

static void it_is_not_written(void **state)
{
    (void)state;
    struct estimate again;
    struct buf line;
    struct estimate estimate = started();
    struct count_features features = request(1000, 1, 0xA, 0);
    estimate_learn(&estimate, &features, 1500);
    buf_init(&line, 8192, 0);
    estimate_write(&estimate, &line);
    assert_true(estimate_read(buf_span(&line), &again));
    assert_int_equal(estimate_tokens(&again, &features), by_lines(&estimate, features));
    assert_int_equal(estimate_tokens(&estimate, &features), 1500);
    buf_fini(&line);
}

int test_estimate_memory(void);

int test_estimate_memory(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_known_again),
        cmocka_unit_test(a_conversation_grows),
        cmocka_unit_test(another_list_is_no_hit),
        cmocka_unit_test(a_head_is_off_by_what_it_was),
        cmocka_unit_test(a_head_hears_of_first_requests_alone),
        cmocka_unit_test(nonsense_is_not_remembered),
        cmocka_unit_test(the_oldest_of_a_set_is_forgotten),
        cmocka_unit_test(any_number_of_lists_fits),
        cmocka_unit_test(it_is_not_written),
    };
    return cmocka_run_group_tests_name("llm/estimate_memory", tests, NULL, NULL);
}
