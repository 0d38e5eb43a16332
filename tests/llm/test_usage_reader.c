/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage off answers and streams: what each dialect counts and where, what replaces what, what is
 * final, and what is impossible. Anthropic, Bedrock and Gemini have files of their own.
 */
#include "usage_support.h"

/* ---- OpenAI ---- */

static void openai_parts(void **state)
{
    (void)state;
    GOOD(OPENAI,
         U(.input = 100, .cached_input = 40, .cache_write = 20, .cache_write_1h = 5,
           .audio_input = 10, .image_input = 15, .output = 50, .reasoning = 8, .audio_output = 30,
           .image_output = 2, .service_tier = SERVICE_TIER_FLEX),
         "{\"choices\":[{\"message\":{},\"finish_reason\":\"stop\"}],\"service_tier\":\"flex\","
         "\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150,"
         "\"prompt_tokens_details\":{\"cached_tokens\":40,\"cache_write_tokens\":20,"
         "\"cache_write_tokens_details\":{\"ttl_30m_tokens\":15,\"ttl_12h_tokens\":5},"
         "\"audio_tokens\":10,\"image_tokens\":15,\"text_tokens\":75},"
         "\"completion_tokens_details\":{\"reasoning_tokens\":8,\"audio_tokens\":30,"
         "\"image_tokens\":2,\"rejected_prediction_tokens\":9}}}");
    GOOD(OPENAI, U(.input = 7),
         "{\"object\":\"list\",\"data\":[],\"usage\":"
         "{\"prompt_tokens\":7,\"total_tokens\":7}}");
    GOOD(
        OPENAI, U(.input = 31, .output = 25),
        "{\"object\":\"text_completion\",\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}],"
        "\"usage\":{\"prompt_tokens\":31,\"completion_tokens\":25,\"total_tokens\":56}}");
    /* OpenRouter's searches */
    GOOD(OPENAI, U(.input = 8, .output = 3, .web_searches = 2),
         "{\"choices\":[],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":3,"
         "\"server_tool_use_details\":{\"web_search_requests\":2}}}");
    /* older Groq */
    GOOD(OPENAI, U(.input = 3, .output = 4),
         "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],"
         "\"x_groq\":{\"id\":\"r\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}}");
}

static void openai_streams(void **state)
{
    (void)state;
    const char *content = "{\"service_tier\":\"priority\",\"choices\":[{\"delta\":{\"content\":"
                          "\"a\"},\"finish_reason\":null}],\"usage\":null}";
    const char *finish = "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}";
    const char *last = "{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}";
    NONE(OPENAI, ABSENT, content, finish, "[DONE]");
    /* the tier rides on chunks without usage, too, and later ones that say nothing leave it */
    GOOD(OPENAI, U(.input = 9, .output = 2, .service_tier = SERVICE_TIER_PRIORITY), content, finish,
         last, "{\"choices\":[],\"service_tier\":\"auto\"}",
         "{\"choices\":[],\"service_tier\":\"\"}", "[DONE]");
    GOOD(OPENAI, U(.input = 9, .output = 2), content, last,
         "{\"choices\":[],\"service_tier\":\"default\"}");
    /* figures on the way: of vLLM, with every chunk */
    const char *some = "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}],"
                       "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}";
    PARTIAL(OPENAI, U(.input = 9, .output = 1), some);
    GOOD(OPENAI, U(.input = 9, .output = 1), some, finish);
    GOOD(OPENAI, U(.input = 9, .output = 1), some, " [DONE]");
    GOOD(OPENAI, U(.input = 9, .output = 2), some, last);
    /* zeros and nulls after figures take nothing back */
    GOOD(OPENAI, U(.input = 9, .output = 2, .service_tier = SERVICE_TIER_PRIORITY), last,
         "{\"choices\":[],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}}", content);
    /* the last report counts, also against one before it */
    NONE(OPENAI, IMPOSSIBLE, last, "{\"usage\":{\"prompt_tokens\":-9}}");
    GOOD(OPENAI, U(.input = 9, .output = 2), "{\"usage\":\"12\"}", last);
    NONE(OPENAI, ABSENT, "", "{", "<html>", "[]", "12", "{\"usage\":{}}",
         "{\"usage\":{\"prompt_tokens\":1,\"prompt_tokens\":2}}");
}

static void openai_impossible(void **state)
{
    (void)state;
    static const char *const details[] = {
        "\"prompt_tokens_details\":{\"audio_tokens\":6}",
        "\"prompt_tokens_details\":{\"image_tokens\":6}",
        "\"prompt_tokens_details\":{\"audio_tokens\":3,\"image_tokens\":3}",
        ("\"prompt_tokens_details\":{\"cache_write_tokens\":1,"
         "\"cache_write_tokens_details\":{\"ttl_12h_tokens\":2}}"),
        "\"prompt_tokens_details\":{\"cache_write_tokens_details\":[]}",
        "\"completion_tokens_details\":{\"audio_tokens\":6}",
        "\"completion_tokens_details\":{\"image_tokens\":3,\"audio_tokens\":3}",
        "\"completion_tokens_details\":{\"image_tokens\":0.5}",
        "\"server_tool_use_details\":{\"web_search_requests\":-1}",
    };
    for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
        char text[400];
        snprintf(text, sizeof(text), "{\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":5,%s}}",
                 details[i]);
        NONE(OPENAI, IMPOSSIBLE, text);
    }
}

/* ---- Responses ---- */

static void responses_answers_and_streams(void **state)
{
    (void)state;
    const char *usage = "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],"
                        "\"service_tier\":\"flex\",\"usage\":{\"input_tokens\":90,"
                        "\"input_tokens_details\":{\"cached_tokens\":30,\"cache_write_tokens\":20,"
                        "\"cache_write_tokens_details\":{\"ttl_12h_tokens\":20}},"
                        "\"output_tokens\":12,\"output_tokens_details\":{\"reasoning_tokens\":4},"
                        "\"total_tokens\":102}}";
    const struct usage expected = {.input = 90,
                                   .cached_input = 30,
                                   .cache_write = 20,
                                   .cache_write_1h = 20,
                                   .output = 12,
                                   .reasoning = 4,
                                   .service_tier = SERVICE_TIER_FLEX};
    check(&(struct stream){USAGE_DIALECT_RESPONSES, {usage}}, USAGE_GOOD, expected);
    static const char *const ends[] = {"completed", "incomplete", "failed"};
    const char *created = "{\"type\":\"response.created\",\"response\":{\"usage\":null,"
                          "\"service_tier\":\"auto\"}}";
    for (size_t i = 0; i < 3; i++) {
        char text[600];
        snprintf(text, sizeof(text), "{\"type\":\"response.%s\",\"response\":%s}", ends[i], usage);
        check(&(struct stream){USAGE_DIALECT_RESPONSES, {created, text}}, USAGE_GOOD, expected);
    }
    NONE(RESPONSES, ABSENT, created, "{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}",
         "{\"type\":\"error\",\"code\":\"server_error\"}");
    PARTIAL(RESPONSES, U(.input = 9, .output = 1),
            "{\"type\":\"response.in_progress\",\"response\":{\"usage\":{\"input_tokens\":9,"
            "\"output_tokens\":1}}}");
}

static void responses_searches_and_media(void **state)
{
    (void)state;
    const char *counted =
        "{\"output\":[{\"type\":\"web_search_call\",\"action\":{\"type\":\"search\"}},"
        "{\"type\":\"web_search_call\",\"action\":{\"type\":\"open_page\"}},"
        "{\"type\":\"web_search_call\",\"action\":{\"type\":\"find_in_page\"}},"
        "{\"type\":\"web_search_call\"},{\"type\":\"message\"},7],"
        "\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}";
    GOOD(RESPONSES, U(.input = 9, .output = 1, .web_searches = 2), counted);
    GOOD(RESPONSES, U(.input = 9, .output = 1, .web_searches = 5),
         "{\"output\":[{\"type\":\"web_search_call\"}],"
         "\"tool_usage\":{\"web_search\":{\"num_requests\":5}},"
         "\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}");
    NONE(RESPONSES, IMPOSSIBLE,
         "{\"tool_usage\":{\"web_search\":{\"num_requests\":-5}},"
         "\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}");
    /* images; transcriptions by tokens and by time */
    GOOD(RESPONSES, U(.input = 50, .image_input = 40, .output = 200, .image_output = 190),
         "{\"data\":[],\"usage\":{\"input_tokens\":50,\"input_tokens_details\":{\"text_tokens\":10,"
         "\"image_tokens\":40},\"output_tokens\":200,\"output_tokens_details\":"
         "{\"image_tokens\":190,\"text_tokens\":10},\"total_tokens\":250}}");
    GOOD(RESPONSES, U(.input = 14, .audio_input = 14, .output = 45),
         "{\"text\":\"a\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":14,"
         "\"input_token_details\":{\"text_tokens\":0,\"audio_tokens\":14},\"output_tokens\":45,"
         "\"total_tokens\":59}}");
    NONE(RESPONSES, ABSENT, "{\"text\":\"a\",\"usage\":{\"type\":\"duration\",\"seconds\":7}}");
    NONE(RESPONSES, IMPOSSIBLE, "{\"usage\":{\"output_tokens\":9}}");
}

/* ---- Cohere, Ollama ---- */

static void cohere(void **state)
{
    (void)state;
    /* recorded: more were cached than are billed, of which at least so many were */
    GOOD(COHERE, U(.input = 2406, .cached_input = 2399, .output = 2),
         "{\"usage\":{\"billed_units\":{\"input_tokens\":2406,\"output_tokens\":2},"
         "\"cached_tokens\":2928,\"tokens\":{\"input_tokens\":2935,\"output_tokens\":4}}}");
    GOOD(COHERE, U(.input = 10, .output = 2),
         "{\"usage\":{\"billed_units\":{\"input_tokens\":10,\"output_tokens\":2},"
         "\"cached_tokens\":50,\"tokens\":{\"input_tokens\":90,\"output_tokens\":4}}}");
    GOOD(COHERE, U(.input = 90, .cached_input = 50, .output = 4), "{\"type\":\"content-delta\"}",
         "{\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":{"
         "\"cached_tokens\":50,\"tokens\":{\"input_tokens\":90,\"output_tokens\":4}}}}");
    NONE(COHERE, ABSENT, "{\"message\":\"m\"}", "{\"usage\":{\"billed_units\":{}}}");
    NONE(COHERE, IMPOSSIBLE,
         "{\"usage\":{\"billed_units\":{\"input_tokens\":5},\"cached_tokens\":6}}");
    NONE(COHERE, IMPOSSIBLE, "{\"usage\":{\"billed_units\":{\"input_tokens\":5.5}}}");
    NONE(COHERE, IMPOSSIBLE, "{\"usage\":{\"billed_units\":{\"output_tokens\":5}}}");
}

static void ollama(void **state)
{
    (void)state;
    GOOD(OLLAMA, U(.input = 26, .output = 298),
         "{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":false}",
         "{\"model\":\"m\",\"done\":true,\"total_duration\":4883583458,\"prompt_eval_count\":26,"
         "\"eval_count\":298,\"eval_duration\":4799921000}");
    GOOD(OLLAMA, U(.output = 298), "{\"done\":true,\"eval_count\":298}"); /* all of it cached */
    GOOD(OLLAMA, U(.input = 8), "{\"embeddings\":[],\"prompt_eval_count\":8}");
    NONE(OLLAMA, ABSENT, "{\"done\":false}", "{\"error\":\"e\"}");
    NONE(OLLAMA, IMPOSSIBLE, "{\"prompt_eval_count\":\"26\",\"eval_count\":298}");
}

/* ---- all ---- */

static void limits_hold_everywhere(void **state)
{
    (void)state;
    static const struct stream streams[] = {
        {USAGE_DIALECT_OPENAI, {"{\"usage\":{\"prompt_tokens\":128,\"completion_tokens\":64}}"}},
        {USAGE_DIALECT_RESPONSES, {"{\"usage\":{\"input_tokens\":128,\"output_tokens\":64}}"}},
        {USAGE_DIALECT_ANTHROPIC,
         {"{\"usage\":{\"input_tokens\":100,\"cache_read_input_tokens\":28,"
          "\"output_tokens\":64}}"}},
        {USAGE_DIALECT_BEDROCK, {"{\"usage\":{\"inputTokens\":128,\"outputTokens\":64}}"}},
        {USAGE_DIALECT_GEMINI,
         {FINISH("{\"promptTokenCount\":128,\"candidatesTokenCount\":60,"
                 "\"thoughtsTokenCount\":4}")}},
        {USAGE_DIALECT_COHERE,
         {"{\"usage\":{\"billed_units\":{\"input_tokens\":128,\"output_tokens\":64}}}"}},
        {USAGE_DIALECT_OLLAMA, {"{\"prompt_eval_count\":128,\"eval_count\":64}"}},
    };
    _Static_assert(sizeof(streams) / sizeof(streams[0]) == USAGE_DIALECTS, "each dialect");
    for (size_t i = 0; i < USAGE_DIALECTS; i++) {
        struct usage usage;
        struct usage_limits exact = {128, 64};
        struct usage_limits window = {127, 0};
        struct usage_limits output = {0, 63};
        assert_int_equal(read_within(&streams[i], &exact, &usage), USAGE_GOOD);
        assert_int_equal(usage.input, 128);
        assert_int_equal(usage.output, 64);
        assert_int_equal(read_within(&streams[i], &window, &usage), USAGE_IMPOSSIBLE);
        assert_int_equal(read_within(&streams[i], &output, &usage), USAGE_IMPOSSIBLE);
    }
    /* each pass may fill the window */
    struct stream passes = {USAGE_DIALECT_ANTHROPIC,
                            {DELTA("{" TOP ",\"iterations\":[" PASS(
                                "compaction", 100, 100, 83) "," PASS("message", 181, 0, 8) "]}")}};
    struct usage usage;
    struct usage_limits window = {200, 10};
    assert_int_equal(read_within(&passes, &window, &usage), USAGE_GOOD);
    window.context_window = 190;
    assert_int_equal(read_within(&passes, &window, &usage), USAGE_IMPOSSIBLE);
    window.context_window = INT64_MAX;
    assert_int_equal(read_within(&passes, &window, &usage), USAGE_GOOD);
}

/* A stream has any number of events, and an event may be too large for the arena. */
static void gives_back_what_it_takes(void **state)
{
    (void)state;
    struct arena small;
    struct usage usage;
    char many[4000] = "{";
    size_t used = 1;
    for (int i = 0; i < 200; i++)
        used += (size_t)snprintf(many + used, sizeof(many) - used, "\"k%d\":0,", i);
    snprintf(many + used, sizeof(many) - used, "\"usage\":{\"prompt_tokens\":-1}}");
    arena_init(&small, 4096);
    usage_reader_init(&reader, USAGE_DIALECT_OPENAI, &no_limits, &small);
    for (int i = 0; i < 1000; i++) {
        usage_reader_event(&reader, SPAN("{\"usage\":{\"prompt_tokens\":5}}"));
        usage_reader_event(&reader, span_from_string(many));
    }
    assert_int_equal(usage_reader_result(&reader, &usage), USAGE_GOOD);
    assert_false(arena_failed(&small));
    arena_fini(&small);
}

static void names_of_tiers(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum service_tier tier;
    } rows[] = {
        {"", SERVICE_TIER_STANDARD},
        {"null", SERVICE_TIER_STANDARD},
        {"\"\"", SERVICE_TIER_STANDARD},
        {"\"auto\"", SERVICE_TIER_STANDARD},
        {"\"default\"", SERVICE_TIER_STANDARD},
        {"\"standard\"", SERVICE_TIER_STANDARD},
        {"\"on_demand\"", SERVICE_TIER_STANDARD},
        {"\"ON_DEMAND\"", SERVICE_TIER_STANDARD},
        {"\"flex\"", SERVICE_TIER_FLEX},
        {"\"fle\\u0078\"", SERVICE_TIER_FLEX},
        {"\"ON_DEMAND_FLEX\"", SERVICE_TIER_FLEX},
        {"\"priority\"", SERVICE_TIER_PRIORITY},
        {"\"fast\"", SERVICE_TIER_PRIORITY},
        {"\"ON_DEMAND_PRIORITY\"", SERVICE_TIER_PRIORITY},
        {"\"batch\"", SERVICE_TIER_BATCH},
        {"\"scale\"", SERVICE_TIER_OTHER},
        {"\"Flex\"", SERVICE_TIER_OTHER},
        {"7", SERVICE_TIER_OTHER},
        {"{}", SERVICE_TIER_OTHER},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(usage_service_tier(span_from_string(rows[i].value)), rows[i].tier);
}

int test_usage_reader(void)
{
    const struct CMUnitTest tests[] = {
        TEST(openai_parts),
        TEST(openai_streams),
        TEST(openai_impossible),
        TEST(responses_answers_and_streams),
        TEST(responses_searches_and_media),
        TEST(cohere),
        TEST(ollama),
        TEST(limits_hold_everywhere),
        TEST(gives_back_what_it_takes),
        TEST(names_of_tiers),
    };
    return cmocka_run_group_tests_name("llm/usage_reader", tests, NULL, NULL);
}
