/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Legacy completions and embeddings: their texts in four shapes, what is answered, what is billed. */
#include "harness.h"

#include <math.h>

int test_prompts(void);

#define COMPLETIONS "/v1/completions"
#define EMBEDDINGS  "/v1/embeddings"

static void post(struct harness *harness, const char *path, const char *body, int status,
                 struct raw_reply *reply)
{
    request(harness, "POST", path, body, reply);
    if (reply->status != status)
        fail_msg("%s gave %d: %.*s", body, reply->status, SPAN_ARG(buf_span(&reply->body)));
}

static struct json *post_json(struct harness *harness, const char *path, const char *body)
{
    struct raw_reply reply;
    post(harness, path, body, 200, &reply);
    struct json *root = parse(buf_span(&reply.body));
    raw_reply_fini(&reply);
    return root;
}

/* ---- completions ---- */

static void a_completion_has_the_shape_of_openai(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct json *root =
        post_json(&harness, COMPLETIONS, "{\"model\":\"sim:out=3\",\"prompt\":\"hello there\"}");
    assert_true(span_starts_with(json_string(look(root, "id")), SPAN("cmpl-")));
    assert_text(root, "object", "text_completion");
    assert_text(root, "model", "sim:out=3");
    assert_text(root, "choices.0.text", "word word word ");
    assert_text(root, "choices.0.finish_reason", "stop");
    assert_null_member(root, "choices.0.logprobs");
    assert_null(look(root, "choices.0.message"));
    assert_int_equal(number(root, "usage.prompt_tokens"), 3);
    assert_int_equal(number(root, "usage.completion_tokens"), 3);
    assert_int_equal(number(root, "usage.total_tokens"), 6);
    assert_bill(&harness, "prompt_tokens", 3);
    assert_bill(&harness, "completion_tokens", 3);
    json_free(&root);
    harness_fini(&harness);
}

struct text_case {
    const char *texts;
    int64_t count;
    int64_t tokens;
};

static const struct text_case text_cases[] = {
    {"\"\"", 1, 1},
    {"\"abcd\"", 1, 1},
    {"\"abcde\"", 1, 2},
    {"[\"abcd\",\"abcde\"]", 2, 3},
    {"[1,22,333]", 1, 3},
    {"[[1,22,333],[4]]", 2, 4},
    {"[\"\",\"\",\"\"]", 3, 3},
};

static void texts_come_in_four_shapes(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(text_cases) / sizeof(text_cases[0]); i++) {
        char body[512];
        const struct text_case *one = &text_cases[i];
        snprintf(body, sizeof(body), "{\"model\":\"sim:out=2\",\"n\":2,\"prompt\":%s}", one->texts);
        struct json *root = post_json(&harness, COMPLETIONS, body);
        assert_int_equal(number(root, "usage.prompt_tokens"), one->tokens);
        assert_int_equal(number(root, "usage.completion_tokens"), 2 * 2 * one->count);
        json_free(&root);
        snprintf(body, sizeof(body), "{\"model\":\"sim\",\"dimensions\":3,\"input\":%s}",
                 one->texts);
        root = post_json(&harness, EMBEDDINGS, body);
        assert_int_equal(number(root, "usage.prompt_tokens"), one->tokens);
        assert_int_equal(number(root, "usage.total_tokens"), one->tokens);
        assert_null(look(root, "usage.completion_tokens"));
        snprintf(body, sizeof(body), "data.%lld.index", (long long)one->count - 1);
        assert_int_equal(number(root, body), one->count - 1);
        snprintf(body, sizeof(body), "data.%lld", (long long)one->count);
        assert_null(look(root, body));
        json_free(&root);
    }
    harness_fini(&harness);
}

static void what_is_thrown_away_is_billed(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct json *root =
        post_json(&harness, COMPLETIONS,
                  "{\"model\":\"sim:out=4\",\"prompt\":[\"a\",\"b\"],\"n\":2,\"best_of\":5}");
    assert_non_null(look(root, "choices.3"));
    assert_null(look(root, "choices.4"));
    assert_int_equal(number(root, "usage.completion_tokens"), 2 * 5 * 4);
    assert_bill(&harness, "completion_tokens", 2 * 5 * 4);
    json_free(&root);
    harness_fini(&harness);
}

/* OpenAI's limit where there is none is 16; a limit of 0 is one. */
static void limits_are_those_of_completions(void **state)
{
    (void)state;
    static const struct {
        const char *limit;
        int64_t tokens;
    } cases[] = {{"", 16},
                 {",\"max_tokens\":20", 20},
                 {",\"max_tokens\":0", 0},
                 {",\"max_completion_tokens\":5", 16}};
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[256];
        snprintf(body, sizeof(body), "{\"model\":\"sim:out=64\",\"prompt\":\"a\"%s}",
                 cases[i].limit);
        struct json *root = post_json(&harness, COMPLETIONS, body);
        assert_int_equal(number(root, "usage.completion_tokens"), cases[i].tokens);
        assert_text(root, "choices.0.finish_reason", "length");
        json_free(&root);
    }
    harness_fini(&harness);
}

static size_t count_of(struct span text, struct span what)
{
    size_t count = 0;
    for (size_t at = span_search(text, what); at < text.len; at = span_search(text, what)) {
        text = span_from(text, at + what.len);
        count++;
    }
    return count;
}

static void a_completion_is_streamed(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    harness_init(&harness);
    post(&harness, COMPLETIONS,
         "{\"model\":\"sim:out=4\",\"prompt\":[\"a\",\"b\"],\"stream\":true,"
         "\"stream_options\":{\"include_usage\":true}}",
         200, &reply);
    struct span body = buf_span(&reply.body);
    assert_int_equal(count_of(body, SPAN("data: ")), 2 * 4 + 2 + 1 + 1);
    assert_int_equal(count_of(body, SPAN("\"object\":\"text_completion\"")), 2 * 4 + 2 + 1);
    assert_int_equal(count_of(body, SPAN("\"text\":\"word \"")), 2 * 4);
    assert_int_equal(count_of(body, SPAN("\"finish_reason\":\"stop\"")), 2);
    assert_int_equal(count_of(body, SPAN("\"usage\":null")), 2 * 4 + 2);
    assert_int_equal(count_of(body, SPAN("\"completion_tokens\":8,")), 1);
    assert_true(span_ends_with(body, SPAN("data: [DONE]\n\n")));
    assert_bill(&harness, "completion_tokens", 8);
    raw_reply_fini(&reply);
    harness_fini(&harness);
}

/* ---- embeddings ---- */

static void vectors_have_length_one(void **state)
{
    (void)state;
    struct harness harness;
    harness_init(&harness);
    struct json *root =
        post_json(&harness, EMBEDDINGS, "{\"model\":\"sim\",\"input\":[\"a\",\"b\",\"a\"]}");
    assert_text(root, "object", "list");
    assert_text(root, "model", "sim");
    assert_text(root, "data.0.object", "embedding");
    double sum = 0, same = 0, other = 0;
    size_t count = 0;
    const struct json *b = look(root, "data.1.embedding.0");
    const struct json *c = look(root, "data.2.embedding.0");
    for (const struct json *a = look(root, "data.0.embedding.0"); a != NULL; a = json_next(a)) {
        double x = 0, y = 0, z = 0;
        assert_true(json_number(a, &x) && json_number(b, &y) && json_number(c, &z));
        sum += x * x;
        other += x * y;
        same += x * z;
        b = json_next(b);
        c = json_next(c);
        count++;
    }
    assert_int_equal(count, 256);
    assert_true(fabs(sum - 1) < 1e-5 && fabs(same - 1) < 1e-5 && fabs(other) < 0.5);
    json_free(&root);
    harness_fini(&harness);
}

/* Base64 of 32-bit floats, which is what clients ask for unasked. */
static void vectors_are_packed(void **state)
{
    (void)state;
    static const struct {
        int dimensions;
        size_t length;
        const char *end;
    } cases[] = {{1, 8, "=="}, {2, 12, "="}, {3, 16, ""}, {256, 1368, "=="}};
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[256];
        snprintf(body, sizeof(body),
                 "{\"model\":\"sim\",\"input\":\"a\",\"encoding_format\":\"base64\","
                 "\"dimensions\":%d}",
                 cases[i].dimensions);
        struct json *root = post_json(&harness, EMBEDDINGS, body);
        struct span packed = json_string(look(root, "data.0.embedding"));
        assert_int_equal(packed.len, cases[i].length);
        assert_true(span_ends_with(packed, span_from_string(cases[i].end)));
        json_free(&root);
    }
    harness_fini(&harness);
}

static void embeddings_bill_their_prompt(void **state)
{
    (void)state;
    struct harness harness;
    harness_init_priced(&harness, "{\"*\":{\"input\":\"2\",\"output\":\"100\"}}");
    struct json *root =
        post_json(&harness, EMBEDDINGS, "{\"model\":\"sim:in=1000\",\"input\":\"a\"}");
    assert_int_equal(number(root, "usage.prompt_tokens"), 1000);
    assert_bill(&harness, "nano_usd", 2000000);
    json_free(&root);
    harness_fini(&harness);
}

/* ---- no ---- */

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *body;
        const char *param;
    } cases[] = {
        {COMPLETIONS, "{\"model\":\"sim\"}", "prompt"},
        {COMPLETIONS, "{\"model\":\"sim\",\"prompt\":[]}", "prompt"},
        {COMPLETIONS, "{\"model\":\"sim\",\"prompt\":[1.5]}", "prompt"},
        {COMPLETIONS, "{\"model\":\"sim\",\"prompt\":[[]]}", "prompt"},
        {COMPLETIONS, "{\"model\":\"sim\",\"prompt\":[\"a\",true]}", "prompt"},
        {COMPLETIONS, "{\"model\":\"sim\",\"prompt\":\"a\",\"n\":3,\"best_of\":2}", "best_of"},
        {COMPLETIONS, "{\"model\":\"sim\",\"prompt\":\"a\",\"best_of\":2,\"stream\":true}",
         "best_of"},
        {COMPLETIONS, "{\"model\":\"sim\",\"prompt\":\"a\",\"max_tokens\":-1}", "max_tokens"},
        {EMBEDDINGS, "{\"model\":\"sim\"}", "input"},
        {EMBEDDINGS, "{\"model\":\"sim\",\"input\":[]}", "input"},
        {EMBEDDINGS, "{\"model\":\"sim\",\"input\":\"a\",\"dimensions\":0}", "dimensions"},
        {EMBEDDINGS, "{\"model\":\"sim\",\"input\":\"a\",\"encoding_format\":\"hex\"}",
         "encoding_format"},
    };
    struct harness harness;
    harness_init(&harness);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct raw_reply reply;
        post(&harness, cases[i].path, cases[i].body, 400, &reply);
        struct json *root = parse(buf_span(&reply.body));
        assert_text(root, "error.param", cases[i].param);
        json_free(&root);
        raw_reply_fini(&reply);
    }
    assert_bill(&harness, "billed_requests", 0);
    harness_fini(&harness);
}

static void too_many_numbers_are_refused(void **state)
{
    (void)state;
    struct harness harness;
    struct raw_reply reply;
    struct buf body;
    harness_init(&harness);
    buf_init(&body, 65536, 0);
    buf_append(&body, SPAN("{\"model\":\"sim\",\"dimensions\":8192,\"input\":[\"a\""));
    for (int i = 0; i < 255; i++)
        buf_append(&body, SPAN(",\"a\""));
    buf_append(&body, SPAN("]}\0"));
    post(&harness, EMBEDDINGS, buf_span(&body).ptr, 400, &reply);
    raw_reply_fini(&reply);
    buf_fini(&body);
    harness_fini(&harness);
}

int test_prompts(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_completion_has_the_shape_of_openai),
        cmocka_unit_test(texts_come_in_four_shapes),
        cmocka_unit_test(what_is_thrown_away_is_billed),
        cmocka_unit_test(limits_are_those_of_completions),
        cmocka_unit_test(a_completion_is_streamed),
        cmocka_unit_test(vectors_have_length_one),
        cmocka_unit_test(vectors_are_packed),
        cmocka_unit_test(embeddings_bill_their_prompt),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(too_many_numbers_are_refused),
    };
    return cmocka_run_group_tests_name("sim/prompts", tests, NULL, NULL);
}
