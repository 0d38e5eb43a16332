/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Usage objects: each host's form, and every way in which one can be absent or impossible. */
#include "llm/usage.h"

#include "support.h"
#include "usage_same.h"

static const struct usage_limits no_limits = {0, 0};

static enum usage_verdict read_object(const char *text, struct usage_limits limits,
                                      struct usage *out)
{
    /* what comes to usage_read_openai has passed the strict pass */
    struct arena arena;
    struct json_object root;
    struct json_fault fault;
    arena_init(&arena, 65536);
    assert_true(json_scan(span_from_string(text), &arena, &root, &fault));
    enum usage_verdict verdict = usage_read_openai(root.text, &limits, out);
    arena_fini(&arena);
    return verdict;
}

static void assert_good(const char *text, struct usage expected)
{
    struct usage usage = {
        .input = -1, .cached_input = -1, .cache_write = -1, .output = -1, .reasoning = -1};
    if (read_object(text, no_limits, &usage) != USAGE_GOOD)
        fail_msg("not good: %s", text);
    if (!usage_same(&usage, &expected))
        fail_msg("%s gave %lld %lld %lld %lld %lld", text, (long long)usage.input,
                 (long long)usage.cached_input, (long long)usage.cache_write,
                 (long long)usage.output, (long long)usage.reasoning);
}

/* And leaves *out alone. */
static void assert_verdict(const char *text, enum usage_verdict expected)
{
    struct usage usage = {
        .input = 7, .cached_input = 7, .cache_write = 7, .output = 7, .reasoning = 7};
    struct usage before = usage;
    if (read_object(text, no_limits, &usage) != expected)
        fail_msg("wrong verdict: %s", text);
    assert_memory_equal(&usage, &before, sizeof(usage));
}

static void reads_each_form(void **state)
{
    (void)state;
    /* OpenAI */
    assert_good(
        "{\"completion_tokens\":4,\"completion_tokens_details\":{"
        "\"accepted_prediction_tokens\":0,\"audio_tokens\":0,\"reasoning_tokens\":2},"
        "\"prompt_tokens\":4020,\"prompt_tokens_details\":{\"audio_tokens\":0,"
        "\"cache_write_tokens\":8,\"cached_tokens\":4012},\"total_tokens\":4024}",
        (struct usage){
            .input = 4020, .cached_input = 4012, .cache_write = 8, .output = 4, .reasoning = 2});
    /* DeepSeek, with and without OpenAI's details */
    assert_good(
        "{\"prompt_tokens\":339,\"completion_tokens\":83,\"total_tokens\":422,"
        "\"prompt_tokens_details\":{\"cached_tokens\":320},"
        "\"prompt_cache_hit_tokens\":320,\"prompt_cache_miss_tokens\":19}",
        (struct usage){
            .input = 339, .cached_input = 320, .cache_write = 0, .output = 83, .reasoning = 0});
    assert_good(
        "{\"prompt_tokens\":339,\"completion_tokens\":83,\"total_tokens\":422,"
        "\"prompt_cache_hit_tokens\":256,\"prompt_cache_miss_tokens\":83}",
        (struct usage){
            .input = 339, .cached_input = 256, .cache_write = 0, .output = 83, .reasoning = 0});
    /* the details say none: that is a figure */
    assert_good(
        "{\"prompt_tokens\":339,\"completion_tokens\":83,"
        "\"prompt_tokens_details\":{\"cached_tokens\":0},"
        "\"prompt_cache_hit_tokens\":256}",
        (struct usage){
            .input = 339, .cached_input = 0, .cache_write = 0, .output = 83, .reasoning = 0});
    /* the largest number that JSON carries without loss */
    assert_good("{\"prompt_tokens\":9007199254740992,\"completion_tokens\":1}",
                (struct usage){.input = 9007199254740992,
                               .cached_input = 0,
                               .cache_write = 0,
                               .output = 1,
                               .reasoning = 0});
    /* Moonshot */
    assert_good(
        "{\"prompt_tokens\":90,\"completion_tokens\":1,\"total_tokens\":91,"
        "\"cached_tokens\":64}",
        (struct usage){
            .input = 90, .cached_input = 64, .cache_write = 0, .output = 1, .reasoning = 0});
    /* Mistral, recorded */
    assert_good(
        "{\"completion_tokens\":6,\"num_cached_tokens\":32,\"prompt_tokens\":64,"
        "\"total_tokens\":70}",
        (struct usage){
            .input = 64, .cached_input = 32, .cache_write = 0, .output = 6, .reasoning = 0});
}

static void reads_forms_with_less(void **state)
{
    (void)state;
    /* Groq */
    assert_good(
        "{\"queue_time\":0.00491786,\"prompt_tokens\":304,\"prompt_time\":0.01460151,"
        "\"completion_tokens\":49,\"completion_time\":0.11216431,\"total_tokens\":353,"
        "\"total_time\":0.12676582,\"completion_tokens_details\":{"
        "\"reasoning_tokens\":23}}",
        (struct usage){
            .input = 304, .cached_input = 0, .cache_write = 0, .output = 49, .reasoning = 23});
    /* Novita: details that are null */
    assert_good("{\"prompt_tokens\":40,\"completion_tokens\":2,\"total_tokens\":42,"
                "\"prompt_tokens_details\":null,\"completion_tokens_details\":null}",
                (struct usage){
                    .input = 40, .cached_input = 0, .cache_write = 0, .output = 2, .reasoning = 0});
    /* embeddings: input alone */
    assert_good("{\"prompt_tokens\":5,\"total_tokens\":5}",
                (struct usage){
                    .input = 5, .cached_input = 0, .cache_write = 0, .output = 0, .reasoning = 0});
    /* Ollama on a full prompt-cache hit */
    assert_good("{\"prompt_tokens\":0,\"completion_tokens\":5,\"total_tokens\":5}",
                (struct usage){
                    .input = 0, .cached_input = 0, .cache_write = 0, .output = 5, .reasoning = 0});
    /* white space, an escaped name */
    assert_good("{ \"prompt\\u005ftokens\" : 3 ,\n \"completion_tokens\" : 4 }",
                (struct usage){
                    .input = 3, .cached_input = 0, .cache_write = 0, .output = 4, .reasoning = 0});
}

static void takes_the_larger_of_output_and_total(void **state)
{
    (void)state;
    /* xAI: reasoning beside completion_tokens, recorded */
    assert_good(
        "{\"prompt_tokens\":307,\"completion_tokens\":26,\"total_tokens\":560,"
        "\"prompt_tokens_details\":{\"text_tokens\":307,\"cached_tokens\":306},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":227}}",
        (struct usage){
            .input = 307, .cached_input = 306, .cache_write = 0, .output = 253, .reasoning = 227});
    /* OpenRouter: more reasoning than completion, recorded */
    assert_good(
        "{\"prompt_tokens\":43,\"completion_tokens\":10,\"total_tokens\":53,\"cost\":0,"
        "\"completion_tokens_details\":{\"reasoning_tokens\":11}}",
        (struct usage){
            .input = 43, .cached_input = 0, .cache_write = 0, .output = 10, .reasoning = 11});
    /* a total below the sum, none, and one that is null */
    assert_good(
        "{\"prompt_tokens\":100,\"completion_tokens\":10,\"total_tokens\":105}",
        (struct usage){
            .input = 100, .cached_input = 0, .cache_write = 0, .output = 10, .reasoning = 0});
    assert_good(
        "{\"prompt_tokens\":100,\"completion_tokens\":10,\"total_tokens\":0}",
        (struct usage){
            .input = 100, .cached_input = 0, .cache_write = 0, .output = 10, .reasoning = 0});
    assert_good(
        "{\"prompt_tokens\":100,\"completion_tokens\":10,\"total_tokens\":null}",
        (struct usage){
            .input = 100, .cached_input = 0, .cache_write = 0, .output = 10, .reasoning = 0});
    assert_good(
        "{\"prompt_tokens\":100,\"completion_tokens\":10}",
        (struct usage){
            .input = 100, .cached_input = 0, .cache_write = 0, .output = 10, .reasoning = 0});
}

/* What the gateway sees of an answer: the tier comes from beside the usage. */
static void replies_carry_all_kinds(void **state)
{
    (void)state;
    struct arena scratch;
    struct reply_facts facts;
    arena_init(&scratch, 65536);
    dialect_openai.read_reply(
        SPAN("{\"choices\":[],\"service_tier\":\"flex\",\"usage\":{\"prompt_tokens\":9,"
             "\"completion_tokens\":5,\"prompt_tokens_details\":{\"audio_tokens\":4},"
             "\"completion_tokens_details\":{\"audio_tokens\":3}}}"),
        true, &no_limits, &scratch, &facts);
    struct usage expected = {.input = 9,
                             .audio_input = 4,
                             .output = 5,
                             .audio_output = 3,
                             .service_tier = SERVICE_TIER_FLEX};
    assert_int_equal(facts.usage_verdict, USAGE_GOOD);
    assert_true(usage_same(&facts.usage, &expected));
    dialect_openai.read_reply(SPAN("{\"service_tier\":\"scale\",\"x_groq\":{\"usage\":{"
                                   "\"prompt_tokens\":1,\"completion_tokens\":1}}}"),
                              true, &no_limits, &scratch, &facts);
    assert_int_equal(facts.usage.service_tier, SERVICE_TIER_OTHER);
    dialect_openai.read_reply(
        SPAN("{\"service_tier\":null,\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}"),
        false, &no_limits, &scratch, &facts);
    assert_int_equal(facts.usage.service_tier, SERVICE_TIER_STANDARD);
    arena_fini(&scratch);
}

static void absent_reports(void **state)
{
    (void)state;
    assert_verdict("null", USAGE_ABSENT);
    assert_verdict("{}", USAGE_ABSENT);
    assert_verdict("{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}",
                   USAGE_ABSENT);
    assert_verdict("{\"prompt_tokens\":null,\"completion_tokens\":null}", USAGE_ABSENT);
    assert_verdict("{\"queue_time\":0.5}", USAGE_ABSENT);
    struct usage usage;
    assert_int_equal(usage_read_openai(SPAN_NONE, &no_limits, &usage), USAGE_ABSENT);
}

static void impossible_reports(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\"12\"",
        "12",
        "[]",
        "true",
        "{\"prompt_tokens\":-1,\"completion_tokens\":5}",
        "{\"prompt_tokens\":5,\"completion_tokens\":-5,\"total_tokens\":10}",
        "{\"prompt_tokens\":\"5\",\"completion_tokens\":5}",
        "{\"prompt_tokens\":5,\"completion_tokens\":\"5\"}",
        "{\"prompt_tokens\":5,\"completion_tokens\":5,\"total_tokens\":\"10\"}",
        "{\"prompt_tokens\":5,\"completion_tokens\":5,\"total_tokens\":-10}",
        "{\"prompt_tokens\":1e300,\"completion_tokens\":5}",
        "{\"prompt_tokens\":5,\"completion_tokens\":1.5}",
        "{\"prompt_tokens\":true,\"completion_tokens\":5}",
        "{\"prompt_tokens\":[5],\"completion_tokens\":5}",
        "{\"prompt_tokens\":9007199254740993,\"completion_tokens\":5}",
        "{\"prompt_tokens\":5,\"completion_tokens\":9223372036854775808}",
        "{\"completion_tokens\":5}",
        "{\"total_tokens\":5}",
        "{\"prompt_tokens\":100,\"completion_tokens\":1,\"total_tokens\":99}",
        "{\"prompt_tokens\":1,\"completion_tokens\":100,\"total_tokens\":99}",
        "{\"prompt_tokens\":5,\"completion_tokens\":5,"
        "\"prompt_tokens_details\":{\"cached_tokens\":6}}",
        "{\"prompt_tokens\":5,\"completion_tokens\":5,"
        "\"prompt_tokens_details\":{\"cached_tokens\":3,\"cache_write_tokens\":3}}",
        "{\"prompt_tokens\":5,\"completion_tokens\":5,"
        "\"prompt_tokens_details\":{\"cached_tokens\":-1}}",
        "{\"prompt_tokens\":5,\"completion_tokens\":5,"
        "\"prompt_tokens_details\":{\"cached_tokens\":\"3\"}}",
        "{\"prompt_tokens\":5,\"completion_tokens\":5,\"prompt_tokens_details\":[3]}",
        "{\"prompt_tokens\":5,\"completion_tokens\":5,\"prompt_cache_hit_tokens\":6}",
        "{\"prompt_tokens\":5,\"completion_tokens\":5,"
        "\"completion_tokens_details\":{\"reasoning_tokens\":-1}}",
        "{\"prompt_tokens\":5,\"completion_tokens\":5,\"completion_tokens_details\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_verdict(texts[i], USAGE_IMPOSSIBLE);
}

static void limits_bound_what_is_possible(void **state)
{
    (void)state;
    const char *text = "{\"prompt_tokens\":128,\"completion_tokens\":64,\"total_tokens\":192}";
    struct usage usage;
    assert_int_equal(read_object(text, (struct usage_limits){128, 64}, &usage), USAGE_GOOD);
    assert_int_equal(read_object(text, (struct usage_limits){127, 64}, &usage), USAGE_IMPOSSIBLE);
    assert_int_equal(read_object(text, (struct usage_limits){128, 63}, &usage), USAGE_IMPOSSIBLE);
    assert_int_equal(read_object(text, (struct usage_limits){0, 64}, &usage), USAGE_GOOD);
    assert_int_equal(read_object(text, (struct usage_limits){128, 0}, &usage), USAGE_GOOD);
    const char *beside = "{\"prompt_tokens\":10,\"completion_tokens\":4,\"total_tokens\":24}";
    assert_int_equal(read_object(beside, (struct usage_limits){0, 14}, &usage), USAGE_GOOD);
    assert_int_equal(usage.output, 14);
    assert_int_equal(read_object(beside, (struct usage_limits){0, 13}, &usage), USAGE_IMPOSSIBLE);
}

static void estimates_round_up(void **state)
{
    (void)state;
    assert_int_equal(usage_estimate_tokens(0), 0);
    assert_int_equal(usage_estimate_tokens(1), 1);
    assert_int_equal(usage_estimate_tokens(4), 1);
    assert_int_equal(usage_estimate_tokens(5), 2);
    assert_true(usage_estimate_tokens(UINT64_MAX) == INT64_C(1) << 62);
}

static void names_sources(void **state)
{
    (void)state;
    assert_string_equal(usage_source_name(USAGE_NONE), "none");
    assert_string_equal(usage_source_name(USAGE_REPORTED), "reported");
    assert_string_equal(usage_source_name(USAGE_COUNTED), "counted");
}

static void kinds_are_added_and_named(void **state)
{
    (void)state;
    struct usage sum = {.input = 5, .output = 1, .service_tier = SERVICE_TIER_FLEX};
    struct usage more = {.input = INT64_MAX, .cached_input = 2, .web_searches = 3};
    usage_add(&sum, &more);
    assert_true(sum.input == INT64_MAX);
    assert_int_equal(sum.cached_input, 2);
    assert_int_equal(sum.output, 1);
    assert_int_equal(sum.web_searches, 3);
    assert_string_equal(service_tier_name(sum.service_tier), "standard");
    assert_string_equal(usage_kinds[0].name, "input");
    assert_string_equal(usage_kinds[USAGE_KINDS - 1].name, "web_searches");
    assert_int_equal(usage_kind_value(&sum, USAGE_KINDS - 1), 3);
}

int test_usage(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_added_and_named),
        cmocka_unit_test(reads_each_form),
        cmocka_unit_test(reads_forms_with_less),
        cmocka_unit_test(replies_carry_all_kinds),
        cmocka_unit_test(takes_the_larger_of_output_and_total),
        cmocka_unit_test(absent_reports),
        cmocka_unit_test(impossible_reports),
        cmocka_unit_test(limits_bound_what_is_possible),
        cmocka_unit_test(estimates_round_up),
        cmocka_unit_test(names_sources),
    };
    return cmocka_run_group_tests_name("llm/usage", tests, NULL, NULL);
}
