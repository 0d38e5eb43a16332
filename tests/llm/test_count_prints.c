/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints of bodies: a list that grows keeps the print of what it began with, in each kind of
 * body; the head is tools, format and system prompt; what the model does not read makes no
 * difference. And what vendors add that a body must be looked at for.
 */
#include "count_support.h"

#define Q  "{\"role\":\"user\",\"content\":\"What is it?\"}"
#define A  "{\"role\":\"assistant\",\"content\":\"A house.\"}"
#define R  "{\"role\":\"user\",\"content\":\"Whose?\"}"
#define GQ "{\"role\":\"user\",\"parts\":[{\"text\":\"What is it?\"}]}"
#define GA "{\"role\":\"model\",\"parts\":[{\"text\":\"A house.\"}]}"
#define GR "{\"role\":\"user\",\"parts\":[{\"text\":\"Whose?\"}]}"

static struct count_features features_of(enum body_kind kind, const char *model, const char *body)
{
    return count_body(kind, model, body).features;
}

static void a_list_begins_with_what_was_before(void **state)
{
    (void)state;
    static const struct {
        enum body_kind kind;
        const char *before;
        const char *after;
        const char *other;
    } cases[] = {
        {BODY_CHAT, "{\"messages\":[" Q "]}", "{\"messages\":[" Q "," A "," R "]}",
         "{\"messages\":[" R "," A "," R "]}"},
        {BODY_RESPONSES, "{\"input\":[" Q "]}", "{\"input\":[" Q "," A "," R "]}",
         "{\"input\":[" R "," A "," R "]}"},
        {BODY_MESSAGES, "{\"messages\":[" Q "]}", "{\"messages\":[" Q "," A "," R "]}",
         "{\"messages\":[" R "," A "," R "]}"},
        {BODY_GEMINI, "{\"contents\":[" GQ "]}", "{\"contents\":[" GQ "," GA "," GR "]}",
         "{\"contents\":[" GR "," GA "," GR "]}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct count_features before = features_of(cases[i].kind, "some", cases[i].before);
        struct count_features after = features_of(cases[i].kind, "some", cases[i].after);
        struct count_features other = features_of(cases[i].kind, "some", cases[i].other);
        assert_int_equal(before.list_print_count, 1);
        assert_int_equal(after.list_print_count, 3);
        assert_true(after.list_prints[2] == before.list_prints[0]);
        assert_true(after.list_prints[0] != after.list_prints[1]);
        assert_true(other.list_prints[2] != before.list_prints[0]);
        assert_int_equal(before.head_print, 0);
    }
}

static void a_list_of_texts_is_whole(void **state)
{
    (void)state;
    struct count_features two = features_of(BODY_EMBEDDINGS, "some", "{\"input\":[\"a b\",\"c\"]}");
    assert_int_equal(two.list_print_count, 1);
    assert_int_equal(two.messages, 2);
    assert_int_equal(features_of(BODY_EMBEDDINGS, "some", "{\"input\":\"a\"}").messages, 1);
    assert_int_equal(features_of(BODY_EMBEDDINGS, "some", "{\"input\":[1,2,3]}").messages, 1);
    assert_int_equal(features_of(BODY_EMBEDDINGS, "some", "{\"input\":[[1,2],[3]]}").messages, 1);
}

static void long_lists_keep_their_end(void **state)
{
    (void)state;
    static const char *const body =
        "{\"messages\":[" Q "," A "," Q "," A "," Q "," A "," Q "," A "," Q "," A "," R "]}";
    struct count_features all = features_of(BODY_CHAT, "some", body);
    assert_int_equal(all.list_print_count, COUNT_PRINTS);
    struct count_features five =
        features_of(BODY_CHAT, "some", "{\"messages\":[" Q "," A "," Q "," A "]}");
    assert_true(all.list_prints[7] == five.list_prints[0]);
}

#define TOOL(id) "\"tools\":[{\"name\":\"look\",\"input_schema\":{\"type\":\"object\"}" id "}],"
#define CLAUDE(tools, system, text)                                                     \
    "{" tools "\"system\":[{\"type\":\"text\",\"text\":\"" system "\"}],\"messages\":[" \
    "{\"role\":\"user\",\"content\":[" text "]}]}"
#define TEXT "{\"type\":\"text\",\"text\":\"Hi\"}"
#define MARKED \
    "{ \"type\":\"text\",\"cache_control\":{\"type\":\"ephemeral\"},\"text\":\"\\u0048i\"}"

static void the_head_is_tools_and_system(void **state)
{
    (void)state;
    const char *body = CLAUDE(TOOL(""), "Be brief", TEXT);
    struct count_features one = features_of(BODY_MESSAGES, "claude-x", body);
    assert_true(one.head_print != 0);
    struct count_features two =
        features_of(BODY_MESSAGES, "claude-x", CLAUDE(TOOL(""), "Be brief", MARKED));
    assert_true(one.head_print == two.head_print);
    assert_true(one.list_prints[0] == two.list_prints[0]);
    two = features_of(BODY_MESSAGES, "claude-x", CLAUDE(TOOL(""), "Be long", TEXT));
    assert_true(one.head_print != two.head_print);
    assert_true(one.list_prints[0] != two.list_prints[0]);
    two = features_of(BODY_MESSAGES, "claude-x", CLAUDE("", "Be brief", TEXT));
    assert_true(two.head_print != 0 && one.head_print != two.head_print);
    one = features_of(BODY_CHAT, "some",
                      "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief\"}," Q "]}");
    two = features_of(BODY_CHAT, "some",
                      "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief\"}," R "]}");
    assert_true(one.head_print == two.head_print && one.head_print != 0);
}

static int64_t claude_tools(const char *choice)
{
    char body[512];
    snprintf(body, sizeof(body), "{" TOOL("") "\"messages\":[" Q "]%s}", choice);
    return count_tokens_of(BODY_MESSAGES, "claude-haiku-4-5", body);
}

static void vendors_templates_look_at_more(void **state)
{
    (void)state;
    /* A hidden prompt that speaks of several calls at once is left out with them. */
    int64_t with = claude_tools("");
    assert_int_equal(
        with -
            claude_tools(",\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true}"),
        183);
    assert_int_equal(
        claude_tools(",\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":false}"),
        with);
    const char *plain = "{\"messages\":[" Q "]";
    char body[256];
    snprintf(body, sizeof(body), "%s,\"response_format\":{\"type\":\"json_object\"}}", plain);
    struct count_features json = features_of(BODY_CHAT, "deepseek-chat", body);
    assert_int_equal(json.structure_tokens, 20);
    assert_int_equal(features_of(BODY_CHAT, "mistral-large", body).structure_tokens, 0);
    snprintf(body, sizeof(body), "%s,\"reasoning_effort\":\"none\"}", plain);
    assert_int_equal(features_of(BODY_CHAT, "qwen3-32b", body).structure_tokens, 4);
    snprintf(body, sizeof(body), "%s,\"reasoning_effort\":\"high\"}", plain);
    assert_int_equal(features_of(BODY_CHAT, "qwen3-32b", body).structure_tokens, 0);
}

static int64_t more_of(const char *model, const char *text)
{
    char body[256];
    snprintf(body, sizeof(body), "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}", text);
    return features_of(BODY_CHAT, model, body).text_tokens -
           features_of(BODY_CHAT, "some", body).text_tokens;
}

static void contractions_are_no_words_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(more_of("mistral-large", "It's what's so"), 2);
    assert_int_equal(more_of("gemini-2.5-flash", "It's what's so"), 4);
    assert_int_equal(more_of("deepseek-chat", "It's what's so"), 0);
    assert_int_equal(more_of("mistral-large", "'It' is 'x' '' it'"), 0);
    assert_int_equal(more_of("mistral-large", "'"), 0);
}

#define G_CALL                                                                      \
    "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"look\",\"args\":" \
    "{\"at\":\"it\"}},\"thoughtSignature\":\"abcdefgh\"}]}"
#define G_RESULT     "{\"functionResponse\":{\"name\":\"look\",\"response\":{\"a\":[\"b\",1,true]}}}"
#define G_BODY(more) "{\"contents\":[" GQ "," G_CALL ",{\"role\":\"user\",\"parts\":[" more "]}]}"

static void a_text_beside_a_result_ends_no_turn(void **state)
{
    (void)state;
    const char *model = "gemini-3-flash";
    const char *text = "{\"text\":\"It is here\"}";
    char body[1024];
    snprintf(body, sizeof(body), G_BODY("%s"),
             G_RESULT ","
                      "{\"text\":\"It is here\"}");
    assert_int_equal(features_of(BODY_GEMINI, model, body).opaque_bytes, 8);
    snprintf(body, sizeof(body), G_BODY("%s"), text);
    assert_int_equal(features_of(BODY_GEMINI, model, body).opaque_bytes, 0);
    /* The syntax of calls and results counts apart where it is not billed. */
    snprintf(body, sizeof(body), G_BODY("%s"), G_RESULT);
    struct count_features old = features_of(BODY_GEMINI, "gemini-2.0-flash", body);
    struct count_features new = features_of(BODY_GEMINI, model, body);
    assert_true(old.text_tokens < new.text_tokens);
    assert_true(old.syntax_tokens > 0);
}

int test_count_prints(void);

int test_count_prints(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_begins_with_what_was_before),
        cmocka_unit_test(a_list_of_texts_is_whole),
        cmocka_unit_test(long_lists_keep_their_end),
        cmocka_unit_test(the_head_is_tools_and_system),
        cmocka_unit_test(vendors_templates_look_at_more),
        cmocka_unit_test(contractions_are_no_words_elsewhere),
        cmocka_unit_test(a_text_beside_a_result_ends_no_turn),
    };
    return cmocka_run_group_tests_name("llm/count_prints", tests, NULL, NULL);
}
