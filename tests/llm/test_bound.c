/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The bound: each of its parts, what has none, and that no sum of a peer's sizes overflows. */
#include "support.h"

#include "llm/bound.h"
#include "llm/model.h"

static const char body[1000];

static struct call call_of(uint64_t bytes)
{
    return (struct call){.body = {.text = span_make(body, bytes)}, .prompts = 1, .choices = 1};
}

static int64_t bound(const struct call *call, const char *model)
{
    struct bound_request request = {
        .call = call, .model = span_from_string(model), .hidden_input = -1};
    return bound_input(&request);
}

static void bytes_and_what_is_hidden(void **state)
{
    (void)state;
    struct call call = call_of(1000);
    struct bound_request request = {
        .call = &call, .model = SPAN("gpt-4o"), .added_bytes = 50, .hidden_input = 7};
    assert_int_equal(bound_input(&request), 1057);
    request.hidden_input = -1;
    assert_int_equal(bound_input(&request), 1050 + model_family(SPAN("gpt-4o"))->plain);
    request.context_window = 800;
    assert_int_equal(bound_input(&request), 800);
    call.prompts = 3; /* each with a window of its own */
    assert_int_equal(bound_input(&request), 1050 + model_family(SPAN("gpt-4o"))->plain);
    request.context_window = 100;
    assert_int_equal(bound_input(&request), 300);
    call.prompts = 1;
    request.model = SPAN("sim");
    request.context_window = 0;
    assert_int_equal(bound_input(&request), 1050);
}

static void media_cost_by_the_item(void **state)
{
    (void)state;
    struct call call = call_of(1000);
    int64_t plain = bound(&call, "gpt-4o");
    int64_t unheard = bound(&call, "unheard-of");
    call.images = 3;
    call.media_bytes = 900;
    call.audio_tokens = 500;
    assert_int_equal(bound(&call, "gpt-4o"),
                     plain - 900 + 3 * model_family(SPAN("gpt-4o"))->image + 500);
    /* who may not know what an image is gets the bytes too */
    assert_int_equal(bound(&call, "unheard-of"),
                     unheard + 3 * model_family(SPAN("unheard-of"))->image + 500);
}

static void structured_parts_may_be_written_wider(void **state)
{
    (void)state;
    struct call call = call_of(1000);
    call.structured_bytes = 400;
    struct bound_request request = {.call = &call, .model = SPAN("gpt-4o"), .hidden_input = 0};
    assert_int_equal(bound_input(&request), 1400);
    request.model = SPAN("llama-3.3-70b-versatile");
    assert_int_equal(bound_input(&request), 1800);
    request.model = SPAN("unheard-of");
    assert_int_equal(bound_input(&request), 1800);
    request.model = SPAN("sim");
    assert_int_equal(bound_input(&request), 1000);
}

static void the_operators_figure_is_for_what_is_unseen(void **state)
{
    (void)state;
    struct call call = call_of(1000);
    struct bound_request request = {
        .call = &call, .model = SPAN("sim"), .hidden_input = -1, .max_input_bound = 50000};
    assert_int_equal(bound_input(&request), 1000); /* all is seen */
    call.unboundable = "file";
    assert_int_equal(bound_input(&request), 50000);
    request.max_input_bound = 600; /* less than what is seen */
    assert_int_equal(bound_input(&request), 1000);
    request.max_input_bound = 50000;
    request.context_window = 8000;
    assert_int_equal(bound_input(&request), 8000);
}

static void sums_stop_at_the_largest_number(void **state)
{
    (void)state;
    struct call call = call_of(1000);
    call.images = INT64_MAX / 2;
    assert_true(bound(&call, "gpt-4o") == INT64_MAX);
    call.images = 0;
    call.audio_tokens = INT64_MAX;
    assert_true(bound(&call, "gpt-4o") == INT64_MAX);
    call.audio_tokens = 0;
    struct bound_request request = {
        .call = &call, .model = SPAN("x"), .added_bytes = INT64_MAX, .hidden_input = 5};
    assert_true(bound_input(&request) == INT64_MAX);
    request.context_window = 8192;
    assert_int_equal(bound_input(&request), 8192);
}

/* ---- what has no bound ---- */

static void says_what_is_in_the_way(void **state)
{
    (void)state;
    struct price price = {.known = true, .rates = {.input_pusd = 1, .output_pusd = 2}};
    struct call call = call_of(10);
    assert_null(bound_obstacle(&call, &price, 0));
    call.unboundable = "image_url";
    assert_string_equal(bound_obstacle(&call, &price, 0), "image_url");
    assert_null(bound_obstacle(&call, &price, 1000));
    call.unpriced = "models"; /* no number of tokens helps */
    assert_string_equal(bound_obstacle(&call, &price, 1000), "models");
    call = call_of(10);
    call.tier = SERVICE_TIER_PRIORITY;
    assert_string_equal(bound_obstacle(&call, &price, 1000), "service_tier");
    price.tiers.priority_permille = 2000;
    assert_null(bound_obstacle(&call, &price, 0));
    call.tier = SERVICE_TIER_OTHER;
    assert_string_equal(bound_obstacle(&call, &price, 0), "service_tier");
    struct price free = {.known = true};
    call.unpriced = "models";
    assert_null(bound_obstacle(&call, &free, 0));
}

static void the_scope_is_what_may_be_billed(void **state)
{
    (void)state;
    struct call call = call_of(10);
    struct price_scope scope = bound_scope(&call);
    assert_true(!scope.audio_input && !scope.image_input && scope.web_searches == 0);
    assert_true(scope.audio_output && scope.image_output && scope.any_tier);
    call.has_audio = true;
    assert_true(bound_scope(&call).audio_input && !bound_scope(&call).image_input);
    call = call_of(10);
    call.has_images = true;
    assert_true(!bound_scope(&call).audio_input && bound_scope(&call).image_input);
    call = call_of(10);
    call.unboundable = "file";
    assert_true(bound_scope(&call).audio_input && bound_scope(&call).image_input);
    call.has_searches = true;
    assert_true(bound_scope(&call).web_searches > 0);
}

/* ---- outputs ---- */

static void a_choice_gets_its_limit(void **state)
{
    (void)state;
    struct call call = call_of(10);
    assert_int_equal(bound_output_wish(&call, 4096), 4096);
    call.limit_field = LIMIT_FIELD_MAX_TOKENS;
    call.output_limit = 100;
    assert_int_equal(bound_output_wish(&call, 4096), 100);
    assert_int_equal(bound_output_wish(&call, 64), 64);
    call = call_of(10);
    call.kind = CALL_COMPLETIONS;
    assert_int_equal(bound_output_wish(&call, 4096), 16); /* what an absent limit means there */
    assert_int_equal(bound_output_wish(&call, 8), 8);
    call.limit_field = LIMIT_FIELD_MAX_TOKENS; /* 0: a prompt to be scored */
    assert_int_equal(bound_output_wish(&call, 4096), 0);
    call.kind = CALL_EMBEDDINGS;
    call.limit_field = LIMIT_FIELD_NONE;
    assert_int_equal(bound_output_wish(&call, 4096), 0);
}

int test_bound(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_and_what_is_hidden),
        cmocka_unit_test(media_cost_by_the_item),
        cmocka_unit_test(structured_parts_may_be_written_wider),
        cmocka_unit_test(the_operators_figure_is_for_what_is_unseen),
        cmocka_unit_test(sums_stop_at_the_largest_number),
        cmocka_unit_test(says_what_is_in_the_way),
        cmocka_unit_test(the_scope_is_what_may_be_billed),
        cmocka_unit_test(a_choice_gets_its_limit),
    };
    return cmocka_run_group_tests_name("llm/bound", tests, NULL, NULL);
}
