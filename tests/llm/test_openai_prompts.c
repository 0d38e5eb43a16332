/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of legacy completions and of embeddings: read, refused, written for the provider; and the
 * answers of completions. */
#include "support.h"

struct reading {
    struct arena arena;
    struct call call;
    struct complaint why;
};

static enum err read_with(struct reading *reading, const struct dialect *dialect, const char *text)
{
    arena_init(&reading->arena, 1 << 20);
    reading->why = (struct complaint){.message = ""};
    return dialect->read_call(span_from_string(text), &reading->arena, &reading->call,
                              &reading->why);
}

static void done(struct reading *reading)
{
    arena_fini(&reading->arena);
}

static const struct call *accept(struct reading *reading, const struct dialect *dialect,
                                 const char *text)
{
    if (read_with(reading, dialect, text) != ERR_NONE)
        fail_msg("refused: %s: %s", text, reading->why.message);
    return &reading->call;
}

static void refuse(const struct dialect *dialect, const char *text, enum err expected,
                   const char *param)
{
    struct reading reading;
    enum err err = read_with(&reading, dialect, text);
    if (err != expected || strcmp(reading.why.param, param) != 0)
        fail_msg("%s gave %s on <%s>: %s", text, err_info(err)->name, reading.why.param,
                 reading.why.message);
    done(&reading);
}

#define COMPLETIONS &dialect_openai_completions
#define EMBEDDINGS  &dialect_openai_embeddings

/* ---- shapes ---- */

static const struct {
    const char *texts;
    int64_t count;
} shapes[] = {
    {"\"\"", 1},    {"\"a\"", 1},          {"[\"a\"]", 1},           {"[\"a\",\"\",\"b\"]", 3},
    {"[1,2,3]", 1}, {"[[1,2],[3],[]]", 3}, {"[ [ 1 ] , \"a\" ]", 2},
};

static void reads_each_shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct reading reading;
        char text[200];
        snprintf(text, sizeof(text), "{\"model\":\"m\",\"n\":2,\"best_of\":3,\"prompt\":%s}",
                 shapes[i].texts);
        const struct call *call = accept(&reading, COMPLETIONS, text);
        assert_int_equal(call->kind, CALL_COMPLETIONS);
        assert_int_equal(call->prompts, shapes[i].count);
        assert_int_equal(call->choices, 3 * shapes[i].count);
        assert_null(call->unboundable);
        done(&reading);
        snprintf(text, sizeof(text), "{\"model\":\"m\",\"n\":2,\"input\":%s}", shapes[i].texts);
        call = accept(&reading, EMBEDDINGS, text);
        assert_int_equal(call->kind, CALL_EMBEDDINGS);
        assert_int_equal(call->prompts, shapes[i].count);
        assert_int_equal(call->choices, 1);
        assert_int_equal(call->output_limit, 0);
        assert_null(call->unboundable);
        done(&reading);
    }
}

static void refuses_other_shapes(void **state)
{
    (void)state;
    static const char *const wrong[] = {"true",    "5",         "{}",        "[]",
                                        "[null]",  "[true]",    "[1,\"a\"]", "[\"a\",1]",
                                        "[[1],2]", "[[\"a\"]]", "[[[1]]]",   "[[1,null]]"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), "{\"model\":\"m\",\"prompt\":%s}", wrong[i]);
        refuse(COMPLETIONS, text, ERR_FIELD_INVALID, "prompt");
        snprintf(text, sizeof(text), "{\"model\":\"m\",\"input\":%s}", wrong[i]);
        refuse(EMBEDDINGS, text, ERR_FIELD_INVALID, "input");
    }
    refuse(EMBEDDINGS, "{\"model\":\"m\",\"input\":null}", ERR_FIELD_INVALID, "input");
    refuse(EMBEDDINGS, "{\"model\":\"m\"}", ERR_FIELD_MISSING, "input");
    refuse(EMBEDDINGS, "{\"input\":\"a\"}", ERR_FIELD_MISSING, "model");
    refuse(COMPLETIONS, "{\"prompt\":\"a\"}", ERR_FIELD_MISSING, "model");
    refuse(COMPLETIONS, "[]", ERR_JSON_INVALID, "");
}

/* Without a prompt a model writes what it likes. */
static void a_prompt_may_be_absent(void **state)
{
    (void)state;
    struct reading reading;
    assert_int_equal(accept(&reading, COMPLETIONS, "{\"model\":\"m\"}")->choices, 1);
    done(&reading);
    assert_int_equal(accept(&reading, COMPLETIONS, "{\"model\":\"m\",\"prompt\":null}")->prompts,
                     1);
    done(&reading);
}

static void other_inputs_have_no_bound(void **state)
{
    (void)state;
    struct reading reading;
    const struct call *call =
        accept(&reading, EMBEDDINGS, "{\"model\":\"m\",\"input\":[{\"image\":\"https://x\"}]}");
    assert_string_equal(call->unboundable, "input");
    done(&reading);
    call = accept(&reading, COMPLETIONS, "{\"model\":\"m\",\"prompt\":[{\"x\":1}]}");
    assert_string_equal(call->unboundable, "prompt");
    done(&reading);
    call = accept(&reading, COMPLETIONS, "{\"model\":\"m\",\"prompt_embeds\":\"x\"}");
    assert_string_equal(call->unpriced, "prompt_embeds");
    done(&reading);
}

/* ---- the other members ---- */

static void reads_completions(void **state)
{
    (void)state;
    struct reading reading;
    const struct call *call =
        accept(&reading, COMPLETIONS,
               "{\"model\":\"m\",\"prompt\":\"a\",\"suffix\":\"z\",\"echo\":true,\"logprobs\":5,"
               "\"max_tokens\":7,\"stream\":true,\"stream_options\":{\"include_usage\":true},"
               "\"user\":\"u\",\"service_tier\":\"flex\"}");
    assert_true(call->stream && call->wants_usage);
    assert_int_equal(call->output_limit, 7);
    assert_int_equal(call->limit_field, LIMIT_FIELD_MAX_TOKENS);
    assert_int_equal(call->tier, SERVICE_TIER_FLEX);
    assert_span_equal(call->user, "u");
    done(&reading);
    /* a prompt is scored with a limit of 0 */
    call = accept(&reading, COMPLETIONS, "{\"model\":\"m\",\"echo\":true,\"max_tokens\":0}");
    assert_int_equal(call->output_limit, 0);
    assert_int_equal(call->limit_field, LIMIT_FIELD_MAX_TOKENS);
    done(&reading);
    call = accept(&reading, COMPLETIONS, "{\"model\":\"m\",\"max_tokens\":null}");
    assert_int_equal(call->limit_field, LIMIT_FIELD_NONE);
    done(&reading);
}

static void refuses_what_would_cost_unseen(void **state)
{
    (void)state;
    refuse(COMPLETIONS, "{\"model\":\"m\",\"max_tokens\":-1}", ERR_FIELD_INVALID, "max_tokens");
    refuse(COMPLETIONS, "{\"model\":\"m\",\"n\":3,\"best_of\":2}", ERR_FIELD_INVALID, "best_of");
    refuse(COMPLETIONS, "{\"model\":\"m\",\"best_of\":\"3\"}", ERR_FIELD_INVALID, "best_of");
    refuse(COMPLETIONS, "{\"model\":\"m\",\"stream_options\":{}}", ERR_FIELD_INVALID,
           "stream_options");
    refuse(COMPLETIONS, "{\"model\":\"m\",\"messages\":[]}", ERR_FIELD_INVALID, "messages");
    refuse(EMBEDDINGS, "{\"model\":\"m\",\"input\":\"a\",\"stream\":true}", ERR_FIELD_INVALID,
           "stream");
    struct reading reading;
    accept(&reading, EMBEDDINGS, "{\"model\":\"m\",\"input\":\"a\",\"stream\":false}");
    done(&reading);
}

static void refuses_more_outputs_than_a_batch(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20, 0);
    buf_append(&text, SPAN("{\"model\":\"m\",\"n\":128,\"prompt\":[\"\""));
    for (int i = 0; i < 512; i++)
        buf_append(&text, SPAN(",\"\""));
    buf_append(&text, SPAN("]}\0"));
    refuse(COMPLETIONS, buf_span(&text).ptr, ERR_FIELD_INVALID, "prompt");
    buf_fini(&text);
}

/* ---- written ---- */

static void check_written(const struct dialect *dialect, const char *text, int64_t limit,
                          const char *expected)
{
    struct reading reading;
    struct buf out;
    struct call_changes changes = {.model = SPAN("target"),
                                   .output_limit = limit,
                                   .limit_field = SPAN("max_completion_tokens"),
                                   .ask_usage = true};
    buf_init(&out, 4096, 0);
    accept(&reading, dialect, text);
    assert_true(dialect->write_call(&reading.call, &changes, &out));
    assert_span_equal(buf_span(&out), expected);
    buf_fini(&out);
    done(&reading);
}

static void writes_the_limit_of_completions(void **state)
{
    (void)state;
    check_written(COMPLETIONS, "{\"model\":\"m\",\"prompt\":[1, 2]}", 9,
                  "{\"max_tokens\":9,\"model\":\"target\",\"prompt\":[1, 2]}");
    check_written(COMPLETIONS, "{\"model\":\"m\",\"max_tokens\":30,\"max_completion_tokens\":99}",
                  9, "{\"model\":\"target\",\"max_tokens\":9}");
    check_written(COMPLETIONS, "{\"model\":\"m\",\"max_tokens\":30,\"stream\":true}", 0,
                  "{\"stream_options\":{\"include_usage\":true},\"model\":\"target\","
                  "\"max_tokens\":30,\"stream\":true}");
    check_written(COMPLETIONS, "{\"model\":\"m\",\"max_tokens\":0}", 0,
                  "{\"model\":\"target\",\"max_tokens\":0}");
}

static void leaves_embeddings_as_they_are(void **state)
{
    (void)state;
    check_written(EMBEDDINGS,
                  "{\"input\": [[1,2],[3]], \"model\":\"m\",\"encoding_format\":\"base64\","
                  "\"dimensions\":256}",
                  0,
                  "{\"input\": [[1,2],[3]], \"model\":\"target\",\"encoding_format\":\"base64\","
                  "\"dimensions\":256}");
}

/* ---- answers ---- */

static struct reply_facts facts_of(const char *data, bool stream)
{
    static const struct usage_limits no_limits = {0, 0};
    struct arena scratch;
    struct reply_facts facts;
    arena_init(&scratch, 1 << 16);
    dialect_openai_completions.read_reply(span_from_string(data), stream, &no_limits, &scratch,
                                          &facts);
    arena_fini(&scratch);
    return facts;
}

static void reads_the_events_of_completions(void **state)
{
    (void)state;
    struct reply_facts facts = facts_of(
        "{\"object\":\"text_completion\",\"choices\":[{\"text\":\"w\\u00f6rd\",\"index\":0,"
        "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}",
        true);
    assert_int_equal(facts.text_bytes, 5);
    assert_false(facts.finished);
    assert_true(facts.usage_null.len > 0);
    facts = facts_of(
        "{\"choices\":[{\"text\":\"a\",\"finish_reason\":\"length\"},{\"text\":\"bc\"}]}", true);
    assert_int_equal(facts.text_bytes, 3);
    assert_true(facts.finished);
    facts = facts_of("{\"choices\":[],\"usage\":{\"prompt_tokens\":31,\"completion_tokens\":25,"
                     "\"total_tokens\":56}}",
                     true);
    assert_true(facts.is_usage_only);
    assert_int_equal(facts.usage_verdict, USAGE_GOOD);
    assert_int_equal(facts.usage.input, 31);
    assert_int_equal(facts.usage.output, 25);
}

static void reads_the_usage_of_embeddings(void **state)
{
    (void)state;
    struct reply_facts facts =
        facts_of("{\"object\":\"list\",\"data\":[{\"embedding\":[0.1,-0.2],\"index\":0}],"
                 "\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}",
                 false);
    assert_int_equal(facts.usage_verdict, USAGE_GOOD);
    assert_int_equal(facts.usage.input, 7);
    assert_int_equal(facts.usage.output, 0);
}

struct tail_case {
    const char *tail;
    int64_t input; /* 0: no usage is found */
};

static const struct tail_case tail_cases[] = {
    {"0.25],\"index\":9}],\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}", 7},
    {"\"usage\" : { \"prompt_tokens\" : 8 } , \"model\" : \"m\" } \n", 8},
    {"\"usage\",\"b\"],\"usage\":{\"prompt_tokens\":9}}", 9},
    {"x \\\"usage\":{\"prompt_tokens\":1}}", 0},       /* within a name */
    {"{\"usage\":{\"prompt_tokens\":1}}}", 0},         /* deeper than the root */
    {"\"usage\":{\"prompt_tokens\":1}},\"z\":{}}", 0}, /* deeper, and more to come */
    {"\"usage\":{\"prompt_tokens\":1}", 0},            /* cut */
    {"\"usage\":null}", 0},
    {"\"usage\":{\"prompt_tokens\":-1}}", 0},
    {"\"usage", 0},
    {"\"usage\"", 0},
    {"", 0},
};

static void reads_the_usage_off_the_end(void **state)
{
    (void)state;
    static const struct usage_limits no_limits = {0, 0};
    for (size_t i = 0; i < sizeof(tail_cases) / sizeof(tail_cases[0]); i++) {
        struct arena scratch;
        struct reply_facts facts;
        arena_init(&scratch, 1 << 16);
        dialect_openai_embeddings.read_tail(span_from_string(tail_cases[i].tail), &no_limits,
                                            &scratch, &facts);
        bool good = facts.usage_verdict == USAGE_GOOD;
        if (good != (tail_cases[i].input > 0) || (good && facts.usage.input != tail_cases[i].input))
            fail_msg("%s: %d", tail_cases[i].tail, facts.usage_verdict);
        arena_fini(&scratch);
    }
}

int test_openai_prompts(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_shape),
        cmocka_unit_test(refuses_other_shapes),
        cmocka_unit_test(a_prompt_may_be_absent),
        cmocka_unit_test(other_inputs_have_no_bound),
        cmocka_unit_test(reads_completions),
        cmocka_unit_test(refuses_what_would_cost_unseen),
        cmocka_unit_test(refuses_more_outputs_than_a_batch),
        cmocka_unit_test(writes_the_limit_of_completions),
        cmocka_unit_test(leaves_embeddings_as_they_are),
        cmocka_unit_test(reads_the_events_of_completions),
        cmocka_unit_test(reads_the_usage_of_embeddings),
        cmocka_unit_test(reads_the_usage_off_the_end),
    };
    return cmocka_run_group_tests_name("llm/openai_prompts", tests, NULL, NULL);
}
