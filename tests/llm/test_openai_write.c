/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the provider's body: exact bytes for each edit, then a law over generated bodies: what is
 * written is strict JSON that reads back as the changes say, and every member that no change is
 * about keeps its bytes and its order.
 */
#include "support.h"

#define MESSAGES "\"messages\":[{\"role\":\"user\"}]"

struct written {
    struct arena arena;
    struct buf out;
    struct call call;
};

static void written_init(struct written *written)
{
    arena_init(&written->arena, 1 << 20);
    buf_init(&written->out, 1 << 20, 0);
}

static void written_fini(struct written *written)
{
    arena_fini(&written->arena);
    buf_fini(&written->out);
}

static void read_call(struct written *written, struct span body, struct call *call)
{
    struct complaint why;
    if (dialect_openai.read_call(body, &written->arena, call, &why) != ERR_NONE)
        fail_msg("%.*s: %s", SPAN_ARG(body), why.message);
}

static void assert_written(const char *body, struct call_changes changes, const char *expected)
{
    struct written written;
    written_init(&written);
    read_call(&written, span_from_string(body), &written.call);
    assert_true(dialect_openai.write_call(&written.call, &changes, &written.out));
    assert_span_equal(buf_span(&written.out), expected);
    struct call again;
    read_call(&written, buf_span(&written.out), &again);
    written_fini(&written);
}

static void leaves_what_need_not_change(void **state)
{
    (void)state;
    const char *body = "{ \"model\" : \"m\" ,\n " MESSAGES ", \"max_tokens\" : 5 }";
    assert_written(body, (struct call_changes){0}, body);
    assert_written(body, (struct call_changes){.model = SPAN("m")}, body);
    assert_written(
        body, (struct call_changes){.model = SPAN("m"), .limit_field = SPAN("max_tokens")}, body);
    assert_written(
        body, (struct call_changes){.output_limit = 5, .limit_field = SPAN("max_tokens")}, body);
    /* usage is asked of streams only */
    assert_written(body, (struct call_changes){.ask_usage = true}, body);
}

static void replaces_the_model(void **state)
{
    (void)state;
    struct call_changes changes = {.model = SPAN("gpt-4o")};
    assert_written("{\"model\" : \"m\"," MESSAGES "}", changes,
                   "{\"model\" : \"gpt-4o\"," MESSAGES "}");
    assert_written("{\"mod\\u0065l\":\"m\"," MESSAGES "}", changes,
                   "{\"mod\\u0065l\":\"gpt-4o\"," MESSAGES "}");
    /* the same name, written in another way */
    assert_written("{\"model\":\"gpt\\u002d4o\"," MESSAGES "}", changes,
                   "{\"model\":\"gpt\\u002d4o\"," MESSAGES "}");
    changes.model = SPAN("a\"b\\c");
    assert_written("{" MESSAGES ",\"model\":\"m\"}", changes,
                   "{" MESSAGES ",\"model\":\"a\\\"b\\\\c\"}");
}

static void writes_the_limit(void **state)
{
    (void)state;
    struct call_changes changes = {.output_limit = 64,
                                   .limit_field = SPAN("max_completion_tokens")};
    assert_written("{\"model\":\"m\"," MESSAGES "}", changes,
                   "{\"max_completion_tokens\":64,\"model\":\"m\"," MESSAGES "}");
    assert_written("{ \"model\":\"m\"," MESSAGES ",\"max_completion_tokens\": 100 }", changes,
                   "{ \"model\":\"m\"," MESSAGES ",\"max_completion_tokens\": 64 }");
    assert_written("{\"max_completion_tokens\":null,\"model\":\"m\"," MESSAGES "}", changes,
                   "{\"max_completion_tokens\":64,\"model\":\"m\"," MESSAGES "}");
    changes.limit_field = SPAN("max_output_tokens"); /* a name of neither kind */
    assert_written("{\"max_tokens\":7,\"model\":\"m\"," MESSAGES ",\"max_completion_tokens\":7}",
                   changes, "{\"max_output_tokens\":64,\"model\":\"m\"," MESSAGES "}");
    assert_written("{\"model\":\"m\"," MESSAGES ",\"max_tokens\":7, \"max_completion_tokens\":7 }",
                   changes, "{\"max_output_tokens\":64,\"model\":\"m\"," MESSAGES " }");
    assert_written("{\"max_output_tokens\":1,\"max_tokens\":7,\"model\":\"m\"," MESSAGES "}",
                   changes, "{\"max_output_tokens\":64,\"model\":\"m\"," MESSAGES "}");
}

static void removes_the_other_limit(void **state)
{
    (void)state;
    struct call_changes changes = {.output_limit = 64, .limit_field = SPAN("max_tokens")};
    assert_written("{\"max_completion_tokens\":9,\"model\":\"m\"," MESSAGES "}", changes,
                   "{\"max_tokens\":64,\"model\":\"m\"," MESSAGES "}");
    assert_written("{\"model\":\"m\" , \"max_completion_tokens\" : 9 , " MESSAGES "}", changes,
                   "{\"max_tokens\":64,\"model\":\"m\" , " MESSAGES "}");
    assert_written("{\"model\":\"m\"," MESSAGES " , \"max_completion_tokens\":9 }", changes,
                   "{\"max_tokens\":64,\"model\":\"m\"," MESSAGES " }");
    assert_written("{\"model\":\"m\"," MESSAGES ",\"max_tokens\":9,\"max_completion_tokens\":9}",
                   changes, "{\"model\":\"m\"," MESSAGES ",\"max_tokens\":64}");
    assert_written("{\"max_completion_tokens\":null,\"max_tokens\":9,\"model\":\"m\"," MESSAGES "}",
                   changes, "{\"max_tokens\":64,\"model\":\"m\"," MESSAGES "}");
    assert_written("{\"model\":\"m\",\"max_completion\\u005ftokens\":9," MESSAGES "}", changes,
                   "{\"max_tokens\":64,\"model\":\"m\"," MESSAGES "}");
}

static void renames_the_clients_limit(void **state)
{
    (void)state;
    struct call_changes changes = {.limit_field = SPAN("max_tokens")};
    assert_written("{\"max_completion_tokens\":9,\"model\":\"m\"," MESSAGES "}", changes,
                   "{\"max_tokens\":9,\"model\":\"m\"," MESSAGES "}");
    assert_written("{\"max_tokens\":null,\"model\":\"m\"," MESSAGES ",\"max_completion_tokens\":9}",
                   changes, "{\"max_tokens\":9,\"model\":\"m\"," MESSAGES "}");
    assert_written("{\"max_tokens\":9,\"model\":\"m\"," MESSAGES ",\"max_completion_tokens\":9}",
                   changes, "{\"max_tokens\":9,\"model\":\"m\"," MESSAGES "}");
    /* no limit, or no field of the provider's: nothing to rename */
    const char *none = "{\"max_completion_tokens\":null,\"model\":\"m\"," MESSAGES "}";
    assert_written(none, changes, none);
    changes.limit_field = SPAN_NONE;
    const char *both =
        "{\"max_tokens\":9,\"model\":\"m\"," MESSAGES ",\"max_completion_tokens\":9}";
    assert_written(both, changes, both);
}

static void asks_for_usage(void **state)
{
    (void)state;
    struct call_changes changes = {.ask_usage = true};
    assert_written("{\"model\":\"m\"," MESSAGES ",\"stream\":true}", changes,
                   "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\"," MESSAGES
                   ",\"stream\":true}");
    static const struct {
        const char *before;
        const char *after;
    } rows[] = {
        {"null", "{\"include_usage\":true}"},
        {"{}", "{\"include_usage\":true}"},
        {"{ }", "{\"include_usage\":true }"},
        {"{\"include_usage\":true}", "{\"include_usage\":true}"},
        {"{\"include_usage\" : false }", "{\"include_usage\" : true }"},
        {"{\"include_us\\u0061ge\":null}", "{\"include_us\\u0061ge\":true}"},
        {"{ \"include_obfuscation\":false}",
         "{\"include_usage\":true, \"include_obfuscation\":false}"},
        {"{\"a\":1,\"include_usage\":false,\"b\":{}}", "{\"a\":1,\"include_usage\":true,\"b\":{}}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char before[200];
        char after[200];
        const char *form = "{\"stream\":true,\"model\":\"m\",\"stream_options\": %s ," MESSAGES "}";
        snprintf(before, sizeof(before), form, rows[i].before);
        snprintf(after, sizeof(after), form, rows[i].after);
        assert_written(before, changes, after);
    }
}

static void makes_all_changes_at_once(void **state)
{
    (void)state;
    struct call_changes changes = {.model = SPAN("target"),
                                   .output_limit = 64,
                                   .limit_field = SPAN("max_output_tokens"),
                                   .ask_usage = true};
    assert_written("{\"max_tokens\":9,\"stream\":true,\"stream_options\":{\"x\":1},"
                   "\"model\":\"m\",\"max_completion_tokens\":9," MESSAGES "}",
                   changes,
                   "{\"max_output_tokens\":64,\"stream\":true,"
                   "\"stream_options\":{\"include_usage\":true,\"x\":1},"
                   "\"model\":\"target\"," MESSAGES "}");
    assert_written("{\"stream\":true,\"model\":\"m\"," MESSAGES "}", changes,
                   "{\"max_output_tokens\":64,\"stream_options\":{\"include_usage\":true},"
                   "\"stream\":true,\"model\":\"target\"," MESSAGES "}");
}

static void says_when_there_is_no_room(void **state)
{
    (void)state;
    struct written written;
    written_init(&written);
    read_call(&written, SPAN("{\"model\":\"m\"," MESSAGES "}"), &written.call);
    struct call_changes changes = {.model = SPAN("a-longer-name")};
    struct buf small;
    buf_init(&small, 40, 0);
    assert_false(dialect_openai.write_call(&written.call, &changes, &small));
    buf_fini(&small);

    char *name = memory_new(10000); /* more words than edits may have */
    memset(name, 'a', 10000);
    changes.model = span_make(name, 10000);
    assert_false(dialect_openai.write_call(&written.call, &changes, &written.out));
    free(name);
    written_fini(&written);
}

/* ---- the law ---- */

static const char *const others[] = {
    "\"temperature\":0.5",
    "\"stop\":[\"a\",\"}\"]",
    "\"x\": {\"model\":\"no\",\"y\":[]}",
    "\"user\":\"\\u007b\\\"\"",
    "\"metadata\":{ }",
    "\"max_output_tokens\" : null",
    "\"max\\u0020tokens\":12",
    "\"Max_tokens\":13",
    "\"\":1",
    "\"stream_options \":{\"include_usage\":false}",
};

static const char *const limits[][3] = {
    {"\"max_tokens\":100", "\"max_t\\u006fkens\" : 100", "\"max_tokens\":null"},
    {"\"max_completion_tokens\":100", "\"max_completion_token\\u0073\" :\t100",
     "\"max_completion_tokens\":null"},
};

static const char *const options[] = {
    "\"stream_options\":null",
    "\"stream_options\":{}",
    "\"stream_options\":{\"include_usage\":false,\"a\":1}",
    "\"stream_options\" : { \"include_usage\" : true }",
    "\"stream_option\\u0073\":{\"b\":[{}]}",
};

/* Members in any order with any white space between them. */
static void generate_body(struct chance *chance, struct buf *body)
{
    const char *members[32];
    size_t count = 0;
    members[count++] = chance_below(chance, 2) ? "\"model\":\"m\"" : "\"mod\\u0065l\" : \"m\"";
    members[count++] = "\"messages\":[{\"role\":\"user\",\"content\":\"max_tokens\"}]";
    bool stream = chance_below(chance, 2) != 0;
    if (stream)
        members[count++] = "\"stream\":true";
    if (stream && chance_below(chance, 2))
        members[count++] = options[chance_below(chance, 5)];
    for (size_t i = 0; i < 2; i++)
        if (chance_below(chance, 2))
            members[count++] = limits[i][chance_below(chance, 3)];
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (chance_below(chance, 4) == 0)
            members[count++] = others[i];
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = chance_below(chance, i + 1);
        const char *other = members[i];
        members[i] = members[j];
        members[j] = other;
    }
    static const char *const spaces[] = {"", "", " ", "\n  "};
    buf_append_byte(body, '{');
    for (size_t i = 0; i < count; i++) {
        buf_append(body, span_from_string(spaces[chance_below(chance, 4)]));
        buf_append(body, span_from_string(members[i]));
        buf_append(body, span_from_string(spaces[chance_below(chance, 4)]));
        buf_append(body, i + 1 < count ? SPAN(",") : SPAN("}"));
    }
}

static struct call_changes generate_changes(struct chance *chance)
{
    static const struct span fields[] = {SPAN("max_tokens"), SPAN("max_completion_tokens"),
                                         SPAN("max_output_tokens"), SPAN_NONE};
    static const struct span models[] = {SPAN_NONE, SPAN("m"), SPAN("n\"1"), SPAN("a/longer:name")};
    struct call_changes changes = {
        .model = models[chance_below(chance, 4)],
        .limit_field = fields[chance_below(chance, 4)],
        .ask_usage = chance_below(chance, 2) != 0,
    };
    if (changes.limit_field.len > 0 && chance_below(chance, 3) != 0)
        changes.output_limit = 1 + chance_scaled(chance, 20);
    return changes;
}

static bool is_edited(struct span key, const struct call_changes *changes)
{
    return span_equal(key, SPAN("model")) || span_equal(key, SPAN("stream_options")) ||
           span_equal(key, SPAN("max_tokens")) || span_equal(key, SPAN("max_completion_tokens")) ||
           span_equal(key, changes->limit_field);
}

/* Members that no change is about: same bytes, same order. */
static void assert_rest_kept(const struct json_object *before, const struct json_object *after,
                             const struct call_changes *changes)
{
    size_t at = 0;
    for (size_t i = 0; i < before->count; i++) {
        if (is_edited(before->members[i].key, changes))
            continue;
        while (at < after->count && is_edited(after->members[at].key, changes))
            at++;
        assert_true(at < after->count);
        assert_true(span_equal(before->members[i].whole, after->members[at].whole));
        at++;
    }
    while (at < after->count)
        assert_true(is_edited(after->members[at++].key, changes));
}

static void assert_limit_written(const struct call *before, const struct call *after,
                                 const struct call_changes *changes)
{
    int64_t limit = changes->output_limit != 0 ? changes->output_limit : before->output_limit;
    if (limit == 0 || changes->limit_field.len == 0) {
        assert_int_equal(after->output_limit, before->output_limit);
        assert_int_equal(after->limit_field, before->limit_field);
        return;
    }
    const struct json_member *member = json_member(&after->body, changes->limit_field);
    int64_t value = 0;
    assert_non_null(member);
    assert_true(json_value_to_i64(member->value, &value));
    assert_int_equal(value, limit);
    static const struct span fields[] = {SPAN("max_tokens"), SPAN("max_completion_tokens")};
    for (size_t i = 0; i < 2; i++)
        if (!span_equal(fields[i], changes->limit_field))
            assert_null(json_member(&after->body, fields[i]));
}

static void written_bodies_say_what_was_asked(void **state)
{
    (void)state;
    struct chance chance = {5};
    struct buf body;
    struct written written;
    written_init(&written);
    buf_init(&body, 1 << 16, 0);
    for (int round = 0; round < 30000; round++) {
        buf_reset(&body, 1 << 16);
        buf_reset(&written.out, 1 << 16);
        arena_reset(&written.arena);
        generate_body(&chance, &body);
        struct call_changes changes = generate_changes(&chance);
        read_call(&written, buf_span(&body), &written.call);
        assert_true(dialect_openai.write_call(&written.call, &changes, &written.out));
        struct call after;
        read_call(&written, buf_span(&written.out), &after);
        struct span model = changes.model.len > 0 ? changes.model : SPAN("m");
        assert_true(span_equal(after.model, model));
        assert_int_equal(after.stream, written.call.stream);
        assert_int_equal(after.wants_usage,
                         written.call.wants_usage || (changes.ask_usage && after.stream));
        assert_limit_written(&written.call, &after, &changes);
        assert_rest_kept(&written.call.body, &after.body, &changes);
    }
    buf_fini(&body);
    written_fini(&written);
}

int test_openai_write(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_what_need_not_change),
        cmocka_unit_test(replaces_the_model),
        cmocka_unit_test(writes_the_limit),
        cmocka_unit_test(removes_the_other_limit),
        cmocka_unit_test(renames_the_clients_limit),
        cmocka_unit_test(asks_for_usage),
        cmocka_unit_test(makes_all_changes_at_once),
        cmocka_unit_test(says_when_there_is_no_room),
        cmocka_unit_test(written_bodies_say_what_was_asked),
    };
    return cmocka_run_group_tests_name("llm/openai_write", tests, NULL, NULL);
}
