/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Reading answers and stream events, one fixture a quirk, and writing events with an edit. */
#include "support.h"

static const struct usage_limits no_limits = {0, 0};

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct reply_facts read_chunk(const char *data)
{
    struct reply_facts facts;
    dialect_openai.read_reply(span_from_string(data), true, &no_limits, &arena, &facts);
    return facts;
}

static struct reply_facts read_answer(const char *data)
{
    struct reply_facts facts;
    dialect_openai.read_reply(span_from_string(data), false, &no_limits, &arena, &facts);
    return facts;
}

/* The event's bytes, in a buffer that lives until the next call. */
static const char *write_event(const char *data, int64_t cost_nusd)
{
    static char text[4096];
    struct reply_facts facts = read_chunk(data);
    struct buf out;
    buf_init(&out, sizeof(text) - 1, 0);
    assert_true(dialect_openai.write_event(span_from_string(data), &facts, cost_nusd, &out));
    struct span written = buf_span(&out);
    memcpy(text, written.ptr, written.len);
    text[written.len] = '\0';
    buf_fini(&out);
    return text;
}

static void assert_says_nothing(struct reply_facts facts)
{
    assert_false(facts.is_done || facts.is_usage_only || facts.is_error || facts.finished);
    assert_int_equal(facts.usage_verdict, USAGE_ABSENT);
    assert_int_equal(facts.text_bytes, 0);
    assert_int_equal(facts.usage_null.len, 0);
    assert_int_equal(facts.usage_end, 0);
    assert_int_equal(facts.usage_cost.len, 0);
}

/* ---- ends and what cannot be read ---- */

static void finds_the_end(void **state)
{
    (void)state;
    assert_true(read_chunk("[DONE]").is_done);
    assert_true(read_chunk("[DONE] ").is_done);
    assert_says_nothing(read_answer("[DONE]"));
    assert_says_nothing(read_chunk("[done]"));
    assert_says_nothing(read_chunk("[DONE]x"));
    assert_says_nothing(read_chunk("\"[DONE]\""));
}

static void unreadable_data_says_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "<html>",
        "null",
        "5",
        "[]",
        "[{\"usage\":{\"prompt_tokens\":5}}]",
        "{",
        "{\"usage\":{\"prompt_tokens\":5}",
        "{\"usage\":{\"prompt_tokens\":5}}}",
        "{\"error\":1,\"error\":2}",
        "{}",
        "{\"choices\":5,\"x_groq\":null}",
        "{\"choices\":[null,5,[],\"text\"]}",
        "{\"choices\":[{\"delta\":null}]}",
        "{\"choices\":[{\"delta\":\"\"}]}",
        "{\"choices\":{}}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_says_nothing(read_chunk(texts[i]));
        assert_says_nothing(read_answer(texts[i]));
    }
}

static void gives_back_what_it_took(void **state)
{
    (void)state;
    struct arena small;
    arena_init(&small, 8192);
    for (int i = 0; i < 1000; i++) {
        struct reply_facts facts;
        dialect_openai.read_reply(SPAN("{\"a\":1,\"b\":2,\"c\":3,\"usage\":null,\"choices\":[]}"),
                                  true, &no_limits, &small, &facts);
        assert_true(facts.usage_null.len > 0);
    }
    assert_false(arena_failed(&small));
    arena_fini(&small);

    arena_init(&small, 16); /* no room at all: unreadable, and no lasting failure */
    struct reply_facts facts;
    dialect_openai.read_reply(SPAN("{\"error\":1}"), true, &no_limits, &small, &facts);
    assert_says_nothing(facts);
    assert_false(arena_failed(&small));
    arena_fini(&small);
}

/* ---- usage, host by host ---- */

static void openai_sends_a_chunk_for_usage(void **state)
{
    (void)state;
    struct reply_facts facts =
        read_chunk("{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},"
                   "\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"x\"}");
    assert_span_equal(facts.usage_null, ",\"usage\":null");
    assert_false(facts.is_usage_only || facts.finished || facts.is_error);
    assert_int_equal(facts.usage_verdict, USAGE_ABSENT);
    assert_int_equal(facts.text_bytes, 2);

    facts = read_chunk("{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}");
    assert_true(facts.finished);

    const char *last = "{\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":12,"
                       "\"completion_tokens\":100,\"total_tokens\":112}}";
    facts = read_chunk(last);
    assert_true(facts.is_usage_only);
    assert_false(facts.finished);
    assert_int_equal(facts.usage_verdict, USAGE_GOOD);
    assert_int_equal(facts.usage.input, 12);
    assert_int_equal(facts.usage.output, 100);
    assert_int_equal(facts.usage_end, strlen(last) - 2);
    assert_false(read_answer(last).is_usage_only); /* a whole answer is never dropped */
}

static void groq_puts_usage_on_the_finish_chunk(void **state)
{
    (void)state;
    struct reply_facts facts = read_chunk(
        "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}],"
        "\"x_groq\":{\"id\":\"r\",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}},"
        "\"usage\":{\"queue_time\":0.004,\"prompt_tokens\":304,\"completion_tokens\":49,"
        "\"total_tokens\":353,\"completion_tokens_details\":{\"reasoning_tokens\":23}}}");
    assert_true(facts.finished);
    assert_false(facts.is_usage_only);
    assert_int_equal(facts.usage_verdict, USAGE_GOOD);
    assert_int_equal(facts.usage.input, 304);
    assert_int_equal(facts.usage.reasoning, 23);

    /* as it was before there was a member of the root */
    facts = read_chunk("{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],"
                       "\"x_groq\":{\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":9}}}");
    assert_int_equal(facts.usage_verdict, USAGE_GOOD);
    assert_int_equal(facts.usage.output, 9);
    assert_int_equal(facts.usage_end, 0);
    facts = read_chunk("{\"choices\":[],\"x_groq\":{\"id\":\"r\"}}");
    assert_int_equal(facts.usage_verdict, USAGE_ABSENT);
    assert_false(facts.is_usage_only);
}

static void azure_begins_with_filter_results(void **state)
{
    (void)state;
    struct reply_facts facts =
        read_chunk("{\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\","
                   "\"prompt_filter_results\":[{\"prompt_index\":0}]}");
    assert_says_nothing(facts);
    facts = read_chunk("{\"choices\":[],\"prompt_filter_results\":[{}],\"usage\":{}}");
    assert_false(facts.is_usage_only);
}

static void moderation_chunks_are_not_usage(void **state)
{
    (void)state;
    struct reply_facts facts = read_chunk("{\"choices\":[],\"moderation\":{\"input\":{}},"
                                          "\"usage\":null,\"obfuscation\":\"L\"}");
    assert_false(facts.is_usage_only);
    assert_span_equal(facts.usage_null, ",\"usage\":null");
    facts = read_chunk("{\"choices\":[],\"moderation\":{\"output\":{}},"
                       "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}");
    assert_false(facts.is_usage_only);
    assert_int_equal(facts.usage_verdict, USAGE_GOOD);
    facts = read_chunk("{\"choices\":[],\"moderation\":null,"
                       "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}");
    assert_true(facts.is_usage_only);
}

static void openrouter_sends_errors_beside_choices(void **state)
{
    (void)state;
    struct reply_facts facts =
        read_chunk("{\"error\":{\"code\":400,\"message\":\"Token limit reached\"},"
                   "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                   "\"finish_reason\":null}],\"usage\":{\"prompt_tokens\":43,"
                   "\"completion_tokens\":10,\"total_tokens\":53,\"cost\":0.5,\"is_byok\":false,"
                   "\"completion_tokens_details\":{\"reasoning_tokens\":11}}}");
    assert_true(facts.is_error);
    assert_false(facts.is_usage_only || facts.finished);
    assert_int_equal(facts.usage_verdict, USAGE_GOOD);
    assert_int_equal(facts.usage.reasoning, 11);
    assert_span_equal(facts.usage_cost, "0.5");
    assert_false(
        read_chunk("{\"choices\":[],\"error\":{},\"usage\":{\"prompt_tokens\":1}}").is_usage_only);
}

static void errors_have_many_forms(void **state)
{
    (void)state;
    assert_true(read_answer("{\"error\":{\"message\":\"m\",\"code\":null}}").is_error);
    assert_true(read_answer("{\"error\":\"text\"}").is_error);
    assert_true(read_answer("{\"object\":\"error\",\"message\":\"m\"}").is_error);
    assert_false(read_answer("{\"error\":null,\"choices\":[]}").is_error);
    assert_false(read_answer("{\"object\":\"chat.completion\"}").is_error);
    assert_false(read_answer("{\"object\":5}").is_error);
}

static void deepseek_reports_cache_hits(void **state)
{
    (void)state;
    struct reply_facts facts = read_chunk(
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\",\"reasoning_content\":null},"
        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":339,\"completion_tokens\":83,"
        "\"total_tokens\":422,\"prompt_cache_hit_tokens\":320,\"prompt_cache_miss_tokens\":19}}");
    assert_int_equal(facts.usage.cached_input, 320);
    assert_true(facts.finished);
    assert_int_equal(read_chunk("{\"choices\":[{\"delta\":{\"content\":null,"
                                "\"reasoning_content\":\"Hmm\"}}],\"usage\":null}")
                         .text_bytes,
                     3);
}

static void ollama_sends_empty_usage(void **state)
{
    (void)state;
    struct reply_facts facts =
        read_chunk("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},"
                   "\"finish_reason\":null}],\"usage\":{\"prompt_tokens\":0,"
                   "\"completion_tokens\":0,\"total_tokens\":0}}");
    assert_int_equal(facts.usage_verdict, USAGE_ABSENT);
    assert_false(facts.is_usage_only);
    facts = read_chunk("{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{}}");
    assert_int_equal(facts.usage_verdict, USAGE_ABSENT);
    /* alone in its chunk it is for usage all the same */
    assert_true(read_chunk("{\"choices\":[],\"usage\":{\"total_tokens\":0}}").is_usage_only);
    assert_true(read_chunk("{\"choices\":null,\"usage\":{\"prompt_tokens\":1}}").is_usage_only);
}

static void snowflake_never_finishes(void **state)
{
    (void)state;
    struct reply_facts facts =
        read_chunk("{\"choices\":[{\"delta\":{\"content\":\"4\",\"refusal\":\"\","
                   "\"role\":\"assistant\",\"tool_calls\":null},\"index\":0,\"logprobs\":"
                   "{\"content\":null}}],\"created\":0,\"id\":\"\"}");
    assert_false(facts.finished);
    assert_int_equal(facts.text_bytes, 1);
    assert_false(read_chunk("{\"choices\":[{\"finish_reason\":\"\"}]}").finished);
    assert_false(read_chunk("{\"choices\":[{\"finish_reason\":5}]}").finished);
}

static void impossible_usage_is_flagged(void **state)
{
    (void)state;
    struct reply_facts facts = read_chunk("{\"choices\":[],\"usage\":{\"prompt_tokens\":-1}}");
    assert_int_equal(facts.usage_verdict, USAGE_IMPOSSIBLE);
    assert_true(facts.is_usage_only);
    assert_int_equal(read_answer("{\"usage\":\"12\"}").usage_verdict, USAGE_IMPOSSIBLE);
    struct usage_limits limits = {.output_limit = 5};
    dialect_openai.read_reply(SPAN("{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":6}}"),
                              false, &limits, &arena, &facts);
    assert_int_equal(facts.usage_verdict, USAGE_IMPOSSIBLE);
}

/* ---- generated text ---- */

static void counts_generated_text(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        uint64_t bytes;
    } rows[] = {
        {"{\"role\":\"assistant\",\"content\":\"four\"}", 4},
        {"{\"content\":null,\"refusal\":\"no\"}", 2},
        {"{\"content\":\"a\",\"reasoning\":\"bc\",\"reasoning_details\":[{\"text\":\"bc\"}]}", 3},
        {"{\"content\":[{\"type\":\"text\",\"text\":\"abc\"},{\"type\":\"text\",\"text\":\"d\"}]}",
         4},
        {"{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\","
         "\"text\":\"Okay\"}]},{\"type\":\"text\",\"text\":\"!\"}]}",
         5},
        {"{\"content\":[\"abc\",{\"type\":\"image\",\"data\":\"zzzz\"}]}", 3},
        {"{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":"
         "{\"name\":\"get\",\"arguments\":\"{}\"}},"
         "{\"function\":{\"arguments\":\"{\\\"a\\\":1}\"}}]}",
         3 + 2 + 7},
        {"{\"tool_calls\":[{\"type\":\"custom\",\"custom\":{\"name\":\"n\",\"input\":\"in\"}}]}",
         3},
        {"{\"function_call\":{\"name\":\"ab\",\"arguments\":\"c\"}}", 3},
        {"{\"audio\":{\"id\":\"x\",\"data\":\"AAAA\",\"transcript\":\"said\"}}", 4},
        {"{\"content\":\"\\\"\\\\\\n\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"}", 3 + 1 + 2 + 3 + 4},
        {"{\"content\":\"\xC3\xA9\"}", 2},
        {"{\"content\":\"\\u007f\\u0080\\u07ff\\u0800\\ud7ff\\ue000\\uffff\"}",
         1 + 2 + 2 + 3 + 3 + 3 + 3},
        {"{\"content\":\"\\ud800\\udc00\\uDBFF\\uDFFF\"}", 4 + 4},
        {"{\"cont\\u0065nt\":\"xyz\"}", 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[400];
        snprintf(text, sizeof(text), "{\"choices\":[{\"delta\":%s}]}", rows[i].message);
        uint64_t bytes = read_chunk(text).text_bytes;
        if (bytes != rows[i].bytes)
            fail_msg("%s has %llu bytes", rows[i].message, (unsigned long long)bytes);
        snprintf(text, sizeof(text), "{\"choices\":[{\"message\":%s},{\"message\":%s}]}",
                 rows[i].message, rows[i].message);
        assert_int_equal(read_answer(text).text_bytes, 2 * rows[i].bytes);
    }
}

/* ---- events with an edit ---- */

static void cuts_usage_that_is_null(void **state)
{
    (void)state;
    assert_string_equal(write_event("{\"a\":1,\"usage\":null,\"b\":2}", -1),
                        "data: {\"a\":1,\"b\":2}\n\n");
    assert_string_equal(write_event("{\"a\":1, \"usage\" : null }", -1), "data: {\"a\":1 }\n\n");
    assert_string_equal(write_event("{\"usage\":null,\"a\":1}", -1), "data: {\"a\":1}\n\n");
    assert_string_equal(write_event("{\"usage\":null}", -1), "data: {}\n\n");
    assert_string_equal(write_event("{\"us\\u0061ge\":null,\"a\":{\"usage\":null}}", -1),
                        "data: {\"a\":{\"usage\":null}}\n\n");
    /* a cost has no place there */
    assert_string_equal(write_event("{\"a\":1,\"usage\":null}", 5), "data: {\"a\":1}\n\n");
}

static void leaves_other_events_alone(void **state)
{
    (void)state;
    assert_string_equal(write_event("{\"a\":1}", -1), "data: {\"a\":1}\n\n");
    assert_string_equal(write_event("{\"a\":1}", 5), "data: {\"a\":1}\n\n");
    assert_string_equal(write_event("[DONE]", -1), "data: [DONE]\n\n");
    assert_string_equal(write_event("not JSON", -1), "data: not JSON\n\n");
    assert_string_equal(write_event("{\"usage\":{\"prompt_tokens\":5}}", -1),
                        "data: {\"usage\":{\"prompt_tokens\":5}}\n\n");
    assert_string_equal(write_event("{\"usage\":5}", 7), "data: {\"usage\":5}\n\n");
}

static void adds_the_cost(void **state)
{
    (void)state;
    assert_string_equal(write_event("{\"usage\":{\"prompt_tokens\":5},\"x\":{}}", 120000),
                        "data: {\"usage\":{\"prompt_tokens\":5,\"cost\":0.00012},\"x\":{}}\n\n");
    assert_string_equal(write_event("{\"usage\":{\"prompt_tokens\":5 }}", 0),
                        "data: {\"usage\":{\"prompt_tokens\":5 ,\"cost\":0.00}}\n\n");
    assert_string_equal(write_event("{\"usage\":{}}", 1),
                        "data: {\"usage\":{\"cost\":0.000000001}}\n\n");
    assert_string_equal(write_event("{\"usage\":{\n}}", 1),
                        "data: {\"usage\":{\ndata: \"cost\":0.000000001}}\n\n");
    assert_string_equal(write_event("{\"usage\":{\t }}", 1),
                        "data: {\"usage\":{\t \"cost\":0.000000001}}\n\n");
    assert_string_equal(write_event("{\"usage\":{ }}", 1),
                        "data: {\"usage\":{ \"cost\":0.000000001}}\n\n");
    assert_string_equal(write_event("{\"usage\":{\"cost\":0.5,\"prompt_tokens\":5}}", 1500000000),
                        "data: {\"usage\":{\"cost\":1.50,\"prompt_tokens\":5}}\n\n");
    assert_string_equal(write_event("{\"usage\":{\"prompt_tokens\":5,\"c\\u006fst\":null}}", 1),
                        "data: {\"usage\":{\"prompt_tokens\":5,\"c\\u006fst\":0.000000001}}\n\n");
    assert_string_equal(
        write_event("{\"usage\":{\"cost_details\":{\"cost\":1},\"prompt_tokens\":5}}", INT64_MAX),
        "data: {\"usage\":{\"cost_details\":{\"cost\":1},\"prompt_tokens\":5,"
        "\"cost\":9223372036.854775807}}\n\n");
}

static void data_of_many_lines_stays_one_event(void **state)
{
    (void)state;
    assert_string_equal(write_event("{\n\"a\":1,\n\"usage\":null\n}", -1),
                        "data: {\ndata: \"a\":1\ndata: }\n\n");
    assert_string_equal(write_event("{\"usage\":{\n\"prompt_tokens\":5\n}}", 10000000),
                        "data: {\"usage\":{\ndata: \"prompt_tokens\":5\n"
                        "data: ,\"cost\":0.01}}\n\n");
}

static void says_when_there_is_no_room(void **state)
{
    (void)state;
    struct buf small;
    struct span data = SPAN("{\"a\":1}");
    struct reply_facts facts = read_chunk("{\"a\":1}");
    buf_init(&small, 8, 0);
    assert_false(dialect_openai.write_event(data, &facts, -1, &small));
    buf_fini(&small);
}

int test_openai_reply(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_end),
        cmocka_unit_test(unreadable_data_says_nothing),
        cmocka_unit_test(gives_back_what_it_took),
        cmocka_unit_test(openai_sends_a_chunk_for_usage),
        cmocka_unit_test(groq_puts_usage_on_the_finish_chunk),
        cmocka_unit_test(azure_begins_with_filter_results),
        cmocka_unit_test(moderation_chunks_are_not_usage),
        cmocka_unit_test(openrouter_sends_errors_beside_choices),
        cmocka_unit_test(errors_have_many_forms),
        cmocka_unit_test(deepseek_reports_cache_hits),
        cmocka_unit_test(ollama_sends_empty_usage),
        cmocka_unit_test(snowflake_never_finishes),
        cmocka_unit_test(impossible_usage_is_flagged),
        cmocka_unit_test(counts_generated_text),
        cmocka_unit_test(cuts_usage_that_is_null),
        cmocka_unit_test(leaves_other_events_alone),
        cmocka_unit_test(adds_the_cost),
        cmocka_unit_test(data_of_many_lines_stays_one_event),
        cmocka_unit_test(says_when_there_is_no_room),
    };
    return cmocka_run_group_tests_name("llm/openai_reply", tests, set_up, tear_down);
}
