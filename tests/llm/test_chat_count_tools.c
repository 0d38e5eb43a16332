/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools, their history and answer formats: the cookbook's example with the API's own figures, and
 * the text that a definition becomes, by comparing counts with those of the text itself.
 */
#include "count_support.h"

#define WEATHER                                                                              \
    "{\"type\":\"function\",\"function\":{\"name\":\"get_current_weather\",\"description\":" \
    "\"Get the current weather in a given location\",\"parameters\":{\"type\":\"object\","   \
    "\"properties\":{\"location\":{\"type\":\"string\",\"description\":\"The city and "      \
    "state, e.g. San Francisco, CA\"},\"unit\":{\"type\":\"string\",\"description\":\"The "  \
    "unit of temperature to return\",\"enum\":[\"celsius\",\"fahrenheit\"]}},\"required\":[" \
    "\"location\"]}}}"
#define WEATHER_CHAT                                                                         \
    "\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful assistant that can " \
    "answer to questions about the weather.\"},{\"role\":\"user\",\"content\":\"What's the " \
    "weather like in San Francisco?\"}]"

static void the_cookbook_example(void **state)
{
    (void)state;
    const char *body = "{" WEATHER_CHAT ",\"tools\":[" WEATHER "]}";
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-3.5-turbo", body), 105);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4", body), 105);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o", body), 101);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o-mini", body), 101);
    struct input_count count = count_body(BODY_CHAT, "gpt-4o", body);
    assert_int_equal(count.quality, COUNT_NEAR);
    assert_true(count.features.has_tools);
    assert_true(count.by_role.system > count.by_role.user);
}

/* What a function with this schema adds, in the template without surprises: chat, gpt-4o, no system
 * message. */
static int64_t added_by(const char *function)
{
    char body[4096];
    snprintf(body, sizeof(body),
             "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[{\"type\":"
             "\"function\",\"function\":%s}]}",
             function);
    return count_tokens_of(BODY_CHAT, "gpt-4o", body) -
           count_tokens_of(BODY_CHAT, "gpt-4o",
                           "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
}

static void definitions_become_types(void **state)
{
    (void)state;
    static const struct {
        const char *function;
        const char *text;
    } cases[] = {
        {"{\"name\":\"f\"}", "type f = () => any;\n\n"},
        {"{\"name\":\"f\",\"description\":\"Does it.\\n\\nWell. \\n\",\"parameters\":{}}",
         "// Does it.\n\nWell.\ntype f = () => any;\n\n"},
        {"{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{ }}}",
         "type f = () => any;\n\n"},
        {"{\"name\":\"f\",\"parameters\":{\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{"
         "\"type\":\"array\",\"items\":{\"type\":\"string\"},\"default\":[]}},\"required\":["
         "\"a\"]}}",
         "type f = (_: { a: number, b?: string[] }) => any;\n\n"},
        {"{\"name\":\"f\",\"parameters\":{\"properties\":{\"a\":{\"type\":\"string\","
         "\"description\":\"A.\",\"default\":\"x\"},\"b\":{\"enum\":[\"p\",\"q\"]}}}}",
         "type f = (_: {\n// A.\na?: string, // default: \"x\"\nb?: \"p\" | \"q\",\n}) => "
         "any;\n\n"},
        {"{\"name\":\"f\",\"parameters\":{\"title\":\"T\",\"description\":\"D\",\"properties\":{"
         "\"a\":{\"title\":\"A\",\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}}}}",
         "type f = (_: // T\n// D\n{\n// A\n//\na?: string | null,\n}) => any;\n\n"},
        {"{\"name\":\"f\",\"parameters\":{\"properties\":{\"o\":{\"type\":\"object\","
         "\"properties\":{\"k\":{\"type\":\"boolean\"}},\"required\":[\"k\"]},\"d\":{\"type\":"
         "\"object\",\"description\":\"Deep.\"}}}}",
         "type f = (_: {\no?: { k: boolean },\n// Deep.\nd?: object,\n}) => any;\n\n"},
        {"{\"name\":\"f\",\"parameters\":{\"properties\":{\"t\":{\"type\":[\"string\","
         "\"integer\"]},\"c\":{\"const\":1},\"n\":{},\"l\":{\"type\":\"array\"}}}}",
         "type f = (_: { t?: string | number, c?: 1, n?: any, l?: any[] }) => any;\n\n"},
        {"{\"name\":\"f\",\"parameters\":{\"properties\":{\"o\":{\"type\":\"array\",\"items\":{"
         "\"properties\":{\"k\":{\"type\":\"null\",\"description\":\"K\"}}}}}}}",
         "type f = (_: {\no?: {\n// K\nk?: null,\n}[],\n}) => any;\n\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "namespace functions {\n\n%s} // namespace functions",
                 cases[i].text);
        if (added_by(cases[i].function) != text_tokens(text) + 9)
            fail_msg("case %zu: %lld instead of %lld", i, (long long)added_by(cases[i].function),
                     (long long)text_tokens(text) + 9);
    }
}

#define NO_TOOLS "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
#define ONE_TOOL NO_TOOLS ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"
#define TEXT     "namespace functions {\n\ntype f = () => any;\n\n} // namespace functions"

static void choices_and_endpoints_add_theirs(void **state)
{
    (void)state;
    const char *responses = "{\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"f\","
                            "\"strict\":true}]";
    char body[1024];
    int64_t text = text_tokens(TEXT);
    int64_t none = count_tokens_of(BODY_CHAT, "gpt-4o", NO_TOOLS "}");
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o", NO_TOOLS ",\"tools\":[]}"), none);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o", ONE_TOOL ",\"tool_choice\":\"none\"}"),
                     none + text + 9 + 1);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o",
                                     ONE_TOOL ",\"tool_choice\":{\"type\":"
                                              "\"function\",\"function\":{"
                                              "\"name\":\"f\"}}}"),
                     none + text + 9 + 8);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o",
                                     NO_TOOLS ",\"functions\":[{\"name\":\"f\"}],"
                                              "\"function_call\":{\"name\":\"f\"}}"),
                     none + text + 9 + 5);
    snprintf(body, sizeof(body), "%s}", responses);
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-4o", body), none + text + 3);
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-5", body), none - 1 + text + 8);
    snprintf(body, sizeof(body), "%s,\"tool_choice\":\"required\"}", responses);
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-4o", body), none + text + 3 + 9);
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-5", body), none - 1 + text + 8);
    snprintf(body, sizeof(body), "%s,\"parallel_tool_calls\":false}", responses);
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-5", body), none - 1 + text + 8 + 78);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-5", ONE_TOOL "}"), none - 1 + text + 90);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-5.4", ONE_TOOL "}"), none - 1 + text + 89);
}

#define CALL(id, name, arguments)                                             \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name \
    "\",\"arguments\":\"" arguments "\"}}"
#define CALLED "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["

static void calls_and_results_stand_in_messages(void **state)
{
    (void)state;
    const char *one = CALLED CALL("c1", "look", "{}") "]},{\"role\":\"tool\",\"tool_call_id\":"
                                                      "\"c1\",\"content\":\"found\"}]}";
    int64_t call = 3 + text_tokens("assistant to=functions.look") + text_tokens("{}") + 2;
    int64_t result = 3 + text_tokens("functions.look") + text_tokens("found");
    struct input_count count = count_body(BODY_CHAT, "gpt-4o", one);
    assert_int_equal(count.tokens, 3 + call + result);
    assert_int_equal(count.by_role.assistant, call);
    assert_int_equal(count.by_role.tool, result);
    assert_int_equal(count.quality, COUNT_NEAR);
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-5", one), 2 + call + 2 + result + 4);
    const char *two = CALLED CALL("c1", "look", "{}") "," CALL("c2", "see", "{\\\"a\\\":1}") "]}]}";
    assert_int_equal(
        count_tokens_of(BODY_CHAT, "gpt-4o", two),
        3 + 3 + text_tokens("assistant to=multi_tool_use.parallel") +
            text_tokens("{\"tool_uses\":[{\"recipient_name\":\"functions.look\",\"parameters\":{}},"
                        "{\"recipient_name\":\"functions.see\",\"parameters\":{\"a\":1}}]}"));
    const char *legacy = "{\"messages\":[{\"role\":\"assistant\",\"function_call\":{\"name\":"
                         "\"look\",\"arguments\":\"{}\"}},{\"role\":\"function\",\"name\":"
                         "\"look\",\"content\":\"found\"}]}";
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o", legacy), 3 + call + result);
    const char *items = "{\"input\":[{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":"
                        "\"look\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\","
                        "\"call_id\":\"c1\",\"output\":\"found\"}]}";
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-4o", items), 3 + call + result - 2);
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-5.4", items), 2 + call + 2 + result + 5);
    assert_int_equal(count_tokens_of(BODY_RESPONSES, "gpt-5.5", items), 2 + call + 2 + result + 2);
}

static void formats_are_a_text(void **state)
{
    (void)state;
    const char *body = "{\"input\":\"x\",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":"
                       "\"person\",\"strict\":true,\"schema\":{ \"type\": \"object\", "
                       "\"properties\":{\"required\":{\"type\":\"string\"}},\"required\":["
                       "\"required\"],\"additionalProperties\":false}}}}";
    struct input_count count = count_body(BODY_RESPONSES, "gpt-5", body);
    assert_int_equal(count.tokens,
                     2 + 4 + text_tokens("x") +
                         text_tokens("# Response Formats\n\n## person\n\n{\"type\":\"object\","
                                     "\"properties\":{\"required\":{\"type\":\"string\"}}}"));
    assert_int_equal(count.quality, COUNT_EXACT);
    const char *chat = NO_TOOLS ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
                                "\"name\":\"p\",\"schema\":{\"type\":\"object\"}}}}";
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o", chat),
                     count_tokens_of(BODY_CHAT, "gpt-4o", NO_TOOLS "}") + 8 +
                         text_tokens("# Response Formats\n\n## p\n\n{\"type\":\"object\"}"));
    assert_int_equal(count_tokens_of(BODY_CHAT, "gpt-4o",
                                     NO_TOOLS ",\"response_format\":{\"type\":\"json_object\"}}"),
                     count_tokens_of(BODY_CHAT, "gpt-4o", NO_TOOLS "}"));
}

static void other_vendors_have_figures(void **state)
{
    (void)state;
    const char *claude = "{\"messages\":[{\"role\":\"user\",\"content\":\"What time is it?\"}],"
                         "\"tools\":[{\"name\":\"clock\",\"input_schema\":{\"type\":\"object\","
                         "\"properties\":{}}}]%s}";
    char body[1024];
    snprintf(body, sizeof(body), claude, "");
    struct input_count plain = count_body(BODY_MESSAGES, "claude-haiku-4-5", body);
    assert_in_range(plain.tokens, 530, 560);
    snprintf(body, sizeof(body), claude,
             ",\"tool_choice\":{\"type\":\"any\"},\"thinking\":{\"type\":\"enabled\"}");
    struct input_count forced = count_body(BODY_MESSAGES, "claude-haiku-4-5", body);
    assert_int_equal(forced.tokens, plain.tokens + 93 + 29);
    assert_int_equal(
        count_tokens_of(BODY_CHAT, "deepseek-chat", ONE_TOOL ",\"tool_choice\":\"none\"}"),
        count_tokens_of(BODY_CHAT, "deepseek-chat", NO_TOOLS "}"));
    assert_in_range(count_tokens_of(BODY_CHAT, "deepseek-chat", ONE_TOOL "}"), 235, 260);
    struct input_count gemini = count_body(
        BODY_GEMINI, "gemini-2.5-flash",
        "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]},{\"role\":\"model\",\"parts\":[{"
        "\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":\"1234\"}},\"thoughtSignature\":"
        "\"abcdefgh\"}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\","
        "\"response\":{\"r\":1}}}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
        "\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}}}}]}]}");
    assert_int_equal(gemini.features.opaque_bytes, 8);
    assert_true(gemini.features.has_tools && !gemini.features.has_hosted);
    assert_true(gemini.features.syntax_tokens > 10);
    assert_true(gemini.by_role.tool > 0);
}

int test_chat_count_tools(void);

int test_chat_count_tools(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cookbook_example),
        cmocka_unit_test(definitions_become_types),
        cmocka_unit_test(choices_and_endpoints_add_theirs),
        cmocka_unit_test(calls_and_results_stand_in_messages),
        cmocka_unit_test(formats_are_a_text),
        cmocka_unit_test(other_vendors_have_figures),
    };
    return cmocka_run_group_tests_name("llm/chat_count_tools", tests, NULL, NULL);
}
