/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Usage of Anthropic's answers and streams: merging, splits, passes, advisors. */
#include "usage_support.h"

static void anthropic_answers(void **state)
{
    (void)state;
    GOOD(
        ANTHROPIC,
        U(.input = 2100, .cached_input = 1500, .cache_write = 500, .cache_write_1h = 200,
          .output = 30, .reasoning = 12, .web_searches = 3, .service_tier = SERVICE_TIER_BATCH),
        "{\"type\":\"message\",\"usage\":{\"input_tokens\":100,\"cache_read_input_tokens\":1500,"
        "\"cache_creation_input_tokens\":500,\"cache_creation\":{\"ephemeral_5m_input_tokens\":300,"
        "\"ephemeral_1h_input_tokens\":200},\"output_tokens\":30,"
        "\"output_tokens_details\":{\"thinking_tokens\":12},\"service_tier\":\"batch\","
        "\"server_tool_use\":{\"web_search_requests\":3,\"web_fetch_requests\":1}}}");
    /* the split alone says the total */
    GOOD(ANTHROPIC, U(.input = 8, .cache_write = 7, .cache_write_1h = 3, .output = 1),
         "{\"usage\":{\"input_tokens\":1,\"output_tokens\":1,\"cache_creation\":"
         "{\"ephemeral_5m_input_tokens\":4,\"ephemeral_1h_input_tokens\":3}}}");
    GOOD(ANTHROPIC, U(.input = 5, .output = 1),
         "{\"usage\":{\"input_tokens\":5,\"output_tokens\":1,\"cache_read_input_tokens\":null,"
         "\"cache_creation\":null,\"server_tool_use\":null,\"iterations\":null}}");
    NONE(ANTHROPIC, ABSENT, "{\"type\":\"error\",\"error\":{\"message\":\"m\"}}");
    NONE(ANTHROPIC, ABSENT, "{\"input_tokens\":12}"); /* count_tokens */
    NONE(ANTHROPIC, ABSENT, "{\"usage\":{\"input_tokens\":0,\"output_tokens\":0}}");
    NONE(ANTHROPIC, IMPOSSIBLE, "{\"usage\":{\"output_tokens\":5}}");
    NONE(ANTHROPIC, IMPOSSIBLE, "{\"usage\":[]}");
    NONE(ANTHROPIC, IMPOSSIBLE,
         "{\"usage\":{\"input_tokens\":1,\"output_tokens\":1,"
         "\"cache_creation_input_tokens\":5,\"cache_creation\":"
         "{\"ephemeral_1h_input_tokens\":6}}}");
}

static void anthropic_tiers(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        enum service_tier tier;
    } rows[] = {
        {"\"service_tier\":\"standard\",\"inference_geo\":\"global\"", SERVICE_TIER_STANDARD},
        {"\"service_tier\":null,\"inference_geo\":\"not_available\"", SERVICE_TIER_STANDARD},
        {"\"service_tier\":\"priority\"", SERVICE_TIER_PRIORITY},
        {"\"speed\":\"fast\",\"service_tier\":\"standard\"", SERVICE_TIER_PRIORITY},
        {"\"service_tier\":\"standard\",\"speed\":\"fast\"", SERVICE_TIER_PRIORITY},
        {"\"speed\":\"standard\"", SERVICE_TIER_STANDARD},
        {"\"inference_geo\":\"us\"", SERVICE_TIER_OTHER},
        {"\"inference_geo\":\"us\",\"speed\":\"fast\"", SERVICE_TIER_PRIORITY},
        {"\"inference_geo\":null", SERVICE_TIER_STANDARD},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[300];
        snprintf(text, sizeof(text), "{\"usage\":{\"input_tokens\":5,\"output_tokens\":1,%s}}",
                 rows[i].members);
        GOOD(ANTHROPIC, U(.input = 5, .output = 1, .service_tier = rows[i].tier), text);
    }
}

static void anthropic_streams(void **state)
{
    (void)state;
    const char *start = START("{\"input_tokens\":17,\"output_tokens\":1,"
                              "\"cache_read_input_tokens\":40,\"service_tier\":\"batch\"}");
    PARTIAL(ANTHROPIC,
            U(.input = 57, .cached_input = 40, .output = 1, .service_tier = SERVICE_TIER_BATCH),
            start, "{\"type\":\"ping\"}");
    /* what the delta says replaces, what it does not say stays */
    GOOD(ANTHROPIC,
         U(.input = 57, .cached_input = 40, .output = 227, .service_tier = SERVICE_TIER_BATCH),
         start, DELTA("{\"output_tokens\":227,\"input_tokens\":null}"),
         "{\"type\":\"message_stop\"}");
    GOOD(ANTHROPIC, U(.input = 61, .output = 2, .service_tier = SERVICE_TIER_BATCH), start,
         DELTA("{\"input_tokens\":61,\"output_tokens\":2,\"cache_read_input_tokens\":0}"));
    /* a message that begins anew in the middle is the one that counts */
    GOOD(ANTHROPIC, U(.input = 18, .output = 65), start,
         START("{\"input_tokens\":18,\"output_tokens\":1}"), DELTA("{\"output_tokens\":65}"));
    PARTIAL(ANTHROPIC, U(.input = 18, .output = 1), start, DELTA("{\"output_tokens\":65}"),
            START("{\"input_tokens\":18,\"output_tokens\":1}"));
    GOOD(ANTHROPIC, U(.input = 18, .output = 65), START("{\"input_tokens\":-1}"),
         START("{\"input_tokens\":18,\"output_tokens\":1}"), DELTA("{\"output_tokens\":65}"));
    /* impossible on either side */
    NONE(ANTHROPIC, IMPOSSIBLE, START("{\"input_tokens\":-17,\"output_tokens\":1}"),
         DELTA("{\"input_tokens\":17,\"output_tokens\":65}"));
    NONE(ANTHROPIC, IMPOSSIBLE, start, DELTA("{\"output_tokens\":\"65\"}"));
    NONE(ANTHROPIC, IMPOSSIBLE, DELTA("{\"output_tokens\":65}"));
}

/* Written tokens whose split came before their total grew: the dearer kind, if there was any. */
static void anthropic_splits_of_the_start(void **state)
{
    (void)state;
    const char *both = START("{\"input_tokens\":1,\"cache_creation_input_tokens\":9,"
                             "\"cache_creation\":{\"ephemeral_5m_input_tokens\":4,"
                             "\"ephemeral_1h_input_tokens\":5},\"output_tokens\":1}");
    const char *short_kept = START("{\"input_tokens\":1,\"cache_creation_input_tokens\":9,"
                                   "\"cache_creation\":{\"ephemeral_5m_input_tokens\":9},"
                                   "\"output_tokens\":1}");
    GOOD(ANTHROPIC, U(.input = 10, .cache_write = 9, .cache_write_1h = 5, .output = 2), both,
         DELTA("{\"output_tokens\":2,\"cache_creation_input_tokens\":9}"));
    GOOD(ANTHROPIC, U(.input = 21, .cache_write = 20, .cache_write_1h = 16, .output = 2), both,
         DELTA("{\"output_tokens\":2,\"cache_creation_input_tokens\":20}"));
    GOOD(ANTHROPIC, U(.input = 4, .cache_write = 3, .cache_write_1h = 3, .output = 2), both,
         DELTA("{\"output_tokens\":2,\"cache_creation_input_tokens\":3}"));
    GOOD(ANTHROPIC, U(.input = 21, .cache_write = 20, .output = 2), short_kept,
         DELTA("{\"output_tokens\":2,\"cache_creation_input_tokens\":20}"));
}

static void anthropic_iterations(void **state)
{
    (void)state;
    const char *start = START("{\"input_tokens\":100,\"cache_read_input_tokens\":55096,"
                              "\"output_tokens\":7}");
    /* recorded: the top leaves the compaction out */
    GOOD(ANTHROPIC, U(.input = 55377, .cached_input = 55096, .output = 91), start,
         DELTA("{" TOP ",\"iterations\":[" PASS("compaction", 100, 55096,
                                                83) "," PASS("message", 181, 0, 8) "]}"));
    /* where a fallback answered, the top is right; and never less than it */
    GOOD(ANTHROPIC, U(.input = 181, .output = 8), start,
         DELTA("{" TOP ",\"iterations\":[" PASS("message", 900, 0, 80) "," PASS("fallback_message",
                                                                                181, 0, 8) "]}"));
    GOOD(ANTHROPIC, U(.input = 181, .output = 8), start,
         DELTA("{" TOP ",\"iterations\":[" PASS("message", 1, 0, 1) "]}"));
    /* kinds that nobody knows, and none */
    GOOD(ANTHROPIC, U(.input = 181, .output = 8), start,
         DELTA("{" TOP ",\"iterations\":[" PASS("other", 1000, 0, 1000) "]}"));
    GOOD(ANTHROPIC, U(.input = 181, .output = 8), start, DELTA("{" TOP ",\"iterations\":[]}"));
    NONE(ANTHROPIC, IMPOSSIBLE, start, DELTA("{" TOP ",\"iterations\":{}}"));
    NONE(ANTHROPIC, IMPOSSIBLE, start, DELTA("{" TOP ",\"iterations\":[7]}"));
    NONE(ANTHROPIC, IMPOSSIBLE, start,
         DELTA("{" TOP ",\"iterations\":[" PASS("message", -1, 0, 1) "]}"));
    NONE(ANTHROPIC, IMPOSSIBLE, start,
         DELTA("{" TOP ",\"iterations\":[{\"type\":\"message\",\"output_tokens\":1}]}"));
    NONE(ANTHROPIC, IMPOSSIBLE, start,
         DELTA("{" TOP ",\"iterations\":[" PASS("message", 9007199254740992, 0,
                                                1) "," PASS("message", 1, 0, 1) "]}"));
}

#define ADVICE(model, output) \
    "{\"type\":\"advisor_message\"" model ",\"input_tokens\":50,\"output_tokens\":" #output "}"

static void anthropic_advisors(void **state)
{
    (void)state;
    struct usage usage;
    struct span model;
    struct stream stream = {
        USAGE_DIALECT_ANTHROPIC,
        {START("{\"input_tokens\":1,\"output_tokens\":1}"),
         DELTA("{" TOP ",\"iterations\":[" PASS("message", 181, 0, 8) "," ADVICE(
             ",\"model\":\"claude-dear\"", 20) "," ADVICE(",\"model\":\"claude-dear\"", 5) "]}")}};
    assert_int_equal(read_within(&stream, &no_limits, &usage), USAGE_GOOD);
    assert_int_equal(usage.input, 181);
    assert_int_equal(usage.output, 8);
    assert_true(usage_reader_advisor(&reader, &usage, &model));
    assert_span_equal(model, "claude-dear");
    assert_int_equal(usage.input, 100);
    assert_int_equal(usage.output, 25);

    stream.events[1] = NULL;
    read_within(&stream, &no_limits, &usage);
    assert_false(usage_reader_advisor(&reader, &usage, &model));
    /* without a model, with a name that is none, and two of them */
    NONE(ANTHROPIC, IMPOSSIBLE, DELTA("{" TOP ",\"iterations\":[" ADVICE("", 5) "]}"));
    NONE(ANTHROPIC, IMPOSSIBLE,
         DELTA("{" TOP ",\"iterations\":[" ADVICE(",\"model\":\"\"", 5) "]}"));
    NONE(ANTHROPIC, IMPOSSIBLE,
         DELTA("{" TOP ",\"iterations\":[" ADVICE(",\"model\":\"a\"",
                                                  5) "," ADVICE(",\"model\":\"b\"", 5) "]}"));
}

int test_usage_anthropic(void)
{
    const struct CMUnitTest tests[] = {
        TEST(anthropic_answers),    TEST(anthropic_tiers),
        TEST(anthropic_streams),    TEST(anthropic_splits_of_the_start),
        TEST(anthropic_iterations), TEST(anthropic_advisors),
    };
    return cmocka_run_group_tests_name("llm/usage_anthropic", tests, NULL, NULL);
}
