/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain text by each template: the examples of OpenAI's cookbook with the figures that the API gave
 * for them, and the parts of the formulas one by one.
 */
#include "count_support.h"

#define JARGON                                                                                 \
    "{\"messages\":["                                                                          \
    "{\"role\":\"system\",\"content\":\"You are a helpful, pattern-following assistant that "  \
    "translates corporate jargon into plain English.\"},"                                      \
    "{\"role\":\"system\",\"name\":\"example_user\",\"content\":\"New synergies will help "    \
    "drive top-line growth.\"},"                                                               \
    "{\"role\":\"system\",\"name\":\"example_assistant\",\"content\":\"Things working well "   \
    "together will increase revenue.\"},"                                                      \
    "{\"role\":\"system\",\"name\":\"example_user\",\"content\":\"Let's circle back when we "  \
    "have more bandwidth to touch base on opportunities for increased leverage.\"},"           \
    "{\"role\":\"system\",\"name\":\"example_assistant\",\"content\":\"Let's talk later when " \
    "we're less busy about how to do better.\"},"                                              \
    "{\"role\":\"user\",\"content\":\"This late pivot means we don't have time to boil the "   \
    "ocean for the client deliverable.\"}]}"

static void the_cookbook_example(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int64_t tokens;
    } cases[] = {
        {"gpt-3.5-turbo-0301", 127}, {"gpt-3.5-turbo", 129}, {"gpt-3.5-turbo-0613", 129},
        {"gpt-4-0613", 129},         {"gpt-4", 129},         {"gpt-4o", 124},
        {"gpt-4o-mini", 124},        {"gpt-4.1", 124},       {"ft:gpt-4o:org::id", 124},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct input_count count = count_body(BODY_CHAT, cases[i].model, JARGON);
        assert_int_equal(count.tokens, cases[i].tokens);
        assert_int_equal(count.quality, COUNT_EXACT);
        assert_int_equal(count.features.messages, 6);
        assert_true(count.by_role.system > count.by_role.user);
        assert_int_equal(count.by_role.assistant, 0);
    }
}

#define HELLO "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello there\"}]}"
#define TURNS                                                                   \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello there\"},{\"role\":" \
    "\"assistant\",\"content\":\"Yes\"},{\"role\":\"user\",\"content\":\"Good\"}]}"

static void each_template_has_its_frame(void **state)
{
    (void)state;
    int64_t text = text_tokens("Hello there");
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o", HELLO), 3 + 3 + 1 + text);
    assert_int_equal(count_tokens_of(BODY_CHAT, "o3-mini", HELLO), 2 + 3 + 1 + text);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-5-mini", HELLO), 2 + 3 + 1 + text);
    assert_int_equal(count_tokens_of(BODY_CHAT, "o1-mini", HELLO), 10 + 3 + 1 + text);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o-audio-preview", HELLO), 2 + 3 + 1 + text);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o-search-preview", HELLO), text);
    text += text_tokens("Yes") + text_tokens("Good");
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o", TURNS), 3 + 3 * 4 + text);
    assert_int_equal(count_tokens_of(BODY_CHAT, "o3-mini", TURNS), 2 + 3 * 4 + text);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-5", TURNS), 2 + 3 * 4 + 2 + text);
    struct input_count count = count_body(BODY_CHAT, "gpt-5", TURNS);
    assert_int_equal(count.by_role.assistant, 3 + 1 + 2 + text_tokens("Yes"));
    assert_int_equal(count.by_role.user, count.tokens - 2 - count.by_role.assistant);
}

static void parts_are_one_text(void **state)
{
    (void)state;
    const char *parts = "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                        "\"text\":\"Hel\"},{\"type\":\"text\",\"text\":\"lo there\"}]}]}";
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o", parts),
                     count_tokens_of(BODY_CHAT, "gpt-4o", HELLO));
    const char *escaped =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"\\u0048ello\\u0020there\"}]}";
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o", escaped),
                     count_tokens_of(BODY_CHAT, "gpt-4o", HELLO));
}

static void responses_are_the_same_messages(void **state)
{
    (void)state;
    int64_t chat = count_tokens_of(BODY_CHAT, "gpt-4o", HELLO);
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-4o", "{\"input\":\"Hello there\"}"),
                     chat);
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-4o",
                                     "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
                                     "\"input_text\",\"text\":\"Hello there\"}]}]}"),
                     chat);
    struct input_count count = count_body(
        BODY_RESPONSES, "gpt-4o", "{\"instructions\":\"Be brief.\",\"input\":\"Hello there\"}");
    assert_int_equal(count.tokens, chat + 4 + text_tokens("Be brief."));
    assert_int_equal(count.by_role.system, 4 + text_tokens("Be brief."));
    assert_int_equal(count.quality, COUNT_EXACT);
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-4o",
                                     "{\"instructions\":\"\",\"input\":\"Hello there\"}"),
                     chat);
}

static void what_lies_at_the_provider_is_an_estimate(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"input\":\"Hello\",\"previous_response_id\":\"resp_1\"}",
        "{\"input\":\"Hello\",\"conversation\":\"conv_1\"}",
        "{\"input\":\"Hello\",\"prompt\":{\"id\":\"pmpt_1\"}}",
        "{\"input\":\"Hello\",\"reasoning\":{\"mode\":\"pro\"}}",
        "{\"input\":[{\"type\":\"item_reference\",\"id\":\"a\"}]}",
        "{\"input\":\"Hello\",\"tools\":[{\"type\":\"web_search\"}]}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct input_count count = count_body(BODY_RESPONSES, "gpt-5", bodies[i]);
        assert_int_equal(count.quality, COUNT_ESTIMATE);
        assert_true(count.features.has_hosted);
    }
    struct input_count count =
        count_body(BODY_RESPONSES, "gpt-5", "{\"input\":\"Hello\",\"previous_response_id\":null}");
    assert_int_equal(count.quality, COUNT_EXACT);
}

static void reasoning_counts_in_its_turn(void **state)
{
    (void)state;
    char body[8192];
    char sealed[2001];
    memset(sealed, 'A', 2000);
    sealed[2000] = '\0';
    const char *form = "{\"input\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"type\":"
                       "\"reasoning\",\"encrypted_content\":\"%s\"}%s]}";
    snprintf(body, sizeof(body), form, sealed, "");
    struct input_count count = count_body(BODY_RESPONSES, "gpt-5", body);
    assert_int_equal(count.quality, COUNT_ESTIMATE);
    assert_int_equal(count.features.opaque_bytes, 2000);
    assert_in_range(count.tokens, 150, 250);
    snprintf(body, sizeof(body), form, sealed, ",{\"role\":\"user\",\"content\":\"Hi\"}");
    count = count_body(BODY_RESPONSES, "gpt-5", body);
    assert_int_equal(count.features.opaque_bytes, 0);
    assert_in_range(count.tokens, 10, 14);
    snprintf(body, sizeof(body),
             "{\"input\":[{\"role\":\"user\",\"content\":\"%s\"},{\"type\":"
             "\"compaction\",\"encrypted_content\":\"%s\"}]}",
             sealed, sealed);
    count = count_body(BODY_RESPONSES, "gpt-4.1", body);
    assert_int_equal(count.by_role.user, 0);
    assert_in_range(count.tokens, 150, 250);
}

static void prompts_have_no_frame(void **state)
{
    (void)state;
    int64_t text = text_tokens("Hello there");
    static const char *const model = "text-embedding-3-small";
    struct input_count count = count_body(BODY_EMBEDDINGS, model, "{\"input\":\"Hello there\"}");
    assert_int_equal(count.tokens, text);
    assert_int_equal(count.quality, COUNT_EXACT);
    assert_int_equal(
        count_tokens_of(BODY_EMBEDDINGS, model, "{\"input\":[\"Hello there\",\"Hello there\"]}"),
        2 * text);
    assert_int_equal(count_tokens_of(BODY_EMBEDDINGS, model, "{\"input\":\"\"}"), 1);
    assert_int_equal(count_tokens_of(BODY_EMBEDDINGS, model, "{\"input\":[1,2,3]}"), 3);
    assert_int_equal(count_tokens_of(BODY_EMBEDDINGS, model, "{\"input\":[[1,2],[3]]}"), 3);
    assert_int_equal(count_tokens_of(BODY_COMPLETIONS, "davinci-002", "{\"prompt\":[]}"), 0);
    assert_int_equal(count_body(BODY_COMPLETIONS, "davinci-002", "{\"prompt\":{\"a\":1}}").quality,
                     COUNT_ESTIMATE);
    assert_int_equal(count_tokens_of(BODY_COMPLETIONS, "davinci-002", "{}"), 0);
}

static void other_vendors_are_estimates(void **state)
{
    (void)state;
    struct input_count count =
        count_body(BODY_MESSAGES, "claude-sonnet-4-5",
                   "{\"system\":\"Be brief.\",\"messages\":[{\"role\":\"user\",\"content\":"
                   "\"What is the capital of France?\"}]}");
    assert_int_equal(count.quality, COUNT_ESTIMATE);
    assert_int_equal(count.features.messages, 1);
    assert_in_range(count.tokens, 15, 21);
    count = count_body(BODY_GEMINI, "gemini-2.0-flash",
                       "{\"system_instruction\":{\"parts\":{\"text\":\"Be brief.\"}},\"contents\":["
                       "{\"role\":\"user\",\"parts\":[{\"text\":\"Hello there\"}]},{\"role\":"
                       "\"model\",\"parts\":[{\"text\":\"Hm\",\"thought\":true},{\"text\":"
                       "\"Yes\"}]}]}");
    assert_int_equal(count.quality, COUNT_ESTIMATE);
    assert_int_equal(count.features.text_tokens,
                     text_tokens("Be brief.") + text_tokens("Hello there") + text_tokens("Yes"));
    count = count_body(BODY_CHAT, "grok-4.3", HELLO);
    assert_in_range(count.tokens, 190, 200);
    count = count_body(BODY_CHAT, "some/unheard-of", HELLO);
    assert_int_equal(count.quality, COUNT_ESTIMATE);
    assert_int_equal(count.features.text_tokens, text_tokens("Hello there"));
}

struct heard {
    int texts;
    int64_t tokens;
    enum count_role last;
};

static void on_text(void *argument, enum count_role role, struct span text, int64_t tokens)
{
    struct heard *heard = argument;
    assert_true(text.len > 0);
    heard->texts++;
    heard->tokens += tokens;
    heard->last = role;
}

static void the_listener_hears_each_text(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct count_listener listener = {on_text, &heard};
    struct input_count count =
        count_with(BODY_CHAT, "gpt-4o", span_from_string(TURNS), SCRATCH_MAX, &listener);
    assert_int_equal(heard.texts, 3);
    assert_int_equal(heard.tokens, count.features.text_tokens);
    assert_int_equal(heard.last, COUNT_ROLE_USER);
}

static void qualities_have_names(void **state)
{
    (void)state;
    assert_string_equal(count_quality_name(COUNT_EXACT), "exact");
    assert_string_equal(count_quality_name(COUNT_NEAR), "near");
    assert_string_equal(count_quality_name(COUNT_ESTIMATE), "estimate");
    bool exact;
    assert_int_equal(model_encoding(SPAN("gpt-4"), &exact), ENCODING_CL100K_BASE);
    assert_true(exact);
    assert_int_equal(model_encoding(SPAN("claude-opus-5"), &exact), ENCODING_O200K_BASE);
    assert_false(exact);
}

int test_chat_count(void);

int test_chat_count(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cookbook_example),
        cmocka_unit_test(each_template_has_its_frame),
        cmocka_unit_test(parts_are_one_text),
        cmocka_unit_test(responses_are_the_same_messages),
        cmocka_unit_test(what_lies_at_the_provider_is_an_estimate),
        cmocka_unit_test(reasoning_counts_in_its_turn),
        cmocka_unit_test(prompts_have_no_frame),
        cmocka_unit_test(other_vendors_are_estimates),
        cmocka_unit_test(the_listener_hears_each_text),
        cmocka_unit_test(qualities_have_names),
    };
    return cmocka_run_group_tests_name("llm/chat_count", tests, NULL, NULL);
}
