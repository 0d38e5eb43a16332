/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The strict pass: keys that come twice, and the members of the root that it finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json_verdict.h"

int test_json_members(void);

static void duplicate_keys_are_refused(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"{\"a\":1,\"a\":2}", "duplicate key", 7},
        {"{\"a\":1,\"b\":2,\"a\":3}", "duplicate key", 13},
        {"{\"\":1,\"\":2}", "duplicate key", 6},
        {"[{\"a\":1,\"a\":1}]", "duplicate key", 8},
        {"{\"x\":[{\"b\":{\"a\":1,\"a\":2}}]}", "duplicate key", 18},
        {"{\"model\":1,\"mod\\u0065l\":2}", "duplicate key", 11},
        {"{\"mod\\u0065l\":1,\"model\":2}", "duplicate key", 16},
        {"{\"\\u0061\\u0062\":1,\"a\\u0062\":2}", "duplicate key", 18},
        {"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "duplicate key", 18},
        {"{\"\\/\":1,\"/\":2}", "duplicate key", 8},
        /* the outer object goes on after an inner one */
        {"{\"a\":{\"a\":1,\"b\":2},\"b\":3,\"a\":4}", "duplicate key", 25},
        {"{\"\\u0061\":{\"\\u0061\":1,\"\\u0062\":2},\"\\u0062\":3,\"a\":4}", "duplicate key", 45},
    };
    refuse_each(cases, COUNT(cases));
    accept(SPAN("{\"a\":{\"a\":1,\"b\":2},\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":2}]}"));
    accept(SPAN("{\"\\u0061\":{\"\\u0061\":1,\"\\u0062\":2},\"\\u0062\":3}"));
}

/* An object of `count` keys, some with escapes, in which key `again` comes a second time as the
 * last (or no key does). Sets *offset to where that is. */
static char *many_keys(size_t count, size_t again, size_t *offset)
{
    char *text = malloc(count * 32 + 64);
    assert_non_null(text);
    size_t len = 0;
    text[len++] = '{';
    for (size_t i = 0; i < count; i++)
        len += (size_t)sprintf(text + len, i % 3 == 0 ? "\"\\u006b%zu\":0," : "\"k%zu\":0,", i);
    *offset = len;
    if (again < count)
        len += (size_t)sprintf(text + len, "\"k%zu\":0}", again);
    else
        memcpy(text + len - 1, "}", 2);
    return text;
}

static void duplicate_keys_of_any_number_are_refused(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 300; count += count < 40 ? 1 : 37) {
        size_t offset;
        char *text = many_keys(count, SIZE_MAX, &offset);
        accept(span_from_string(text));
        free(text);
        for (size_t again = 0; again < count; again++) {
            text = many_keys(count, again, &offset);
            refuse(span_from_string(text), "duplicate key", offset);
            free(text);
        }
    }
}

/* A million keys: comparing each pair would take hours. */
static void a_million_keys_are_not_quadratic(void **state)
{
    (void)state;
    size_t offset;
    struct json_fault fault;
    struct json_object object;
    struct arena arena;
    char *text = many_keys(1000000, 999999, &offset);
    arena_init(&arena, 1 << 20);
    assert_false(json_scan(span_from_string(text), &arena, &object, &fault));
    assert_string_equal(fault.what, "duplicate key");
    assert_int_equal(fault.offset, offset);
    assert_int_equal(arena_bytes(&arena), 0);
    free(text);
    /* Valid, but more members than the arena has room for. */
    text = many_keys(1000000, SIZE_MAX, &offset);
    assert_false(json_scan(span_from_string(text), &arena, &object, &fault));
    assert_string_equal(fault.what, "too many members");
    assert_int_equal(object.count, 0);
    free(text);
    arena_fini(&arena);
}

static void members_of_the_root_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *whole;
        const char *value;
        enum json_type type;
    } expected[] = {
        {"model", "\"model\" : \"gpt\\n\"", "\"gpt\\n\"", JSON_STRING},
        {"n\"", "\"\\u006e\\\"\":-1.5e3", "-1.5e3", JSON_NUMBER},
        {"", "\"\":null", "null", JSON_NULL},
        {"t", "\"t\":true", "true", JSON_TRUE},
        {"f", "\"f\":\n false", "false", JSON_FALSE},
        {"a", "\"a\":[ {\"model\":1}, [] ]", "[ {\"model\":1}, [] ]", JSON_ARRAY},
        {"o", "\"o\":{\"t\":{\"x\":[1]}}", "{\"t\":{\"x\":[1]}}", JSON_OBJECT},
        {"\xc3\xa9", "\"\xc3\xa9\":0", "0", JSON_NUMBER},
    };
    struct span text =
        SPAN(" {\"model\" : \"gpt\\n\" , \"\\u006e\\\"\":-1.5e3,\"\":null,\"t\":true,"
             "\"f\":\n false,\"a\":[ {\"model\":1}, [] ],\"o\":{\"t\":{\"x\":[1]}},"
             "\"\xc3\xa9\":0 }\r\n");
    struct arena arena;
    struct json_object object;
    struct json_fault fault;
    arena_init(&arena, 1 << 16);
    assert_true(json_scan(text, &arena, &object, &fault));
    assert_int_equal(object.type, JSON_OBJECT);
    assert_ptr_equal(object.text.ptr, text.ptr + 1);
    assert_int_equal(object.text.len, text.len - 3);
    assert_int_equal(object.count, COUNT(expected));
    for (size_t i = 0; i < object.count; i++) {
        const struct json_member *member = &object.members[i];
        assert_true(span_equal(member->key, span_from_string(expected[i].key)));
        assert_true(span_equal(member->whole, span_from_string(expected[i].whole)));
        assert_true(span_equal(member->value, span_from_string(expected[i].value)));
        assert_int_equal(member->type, expected[i].type);
        assert_ptr_equal(json_member(&object, span_from_string(expected[i].key)), member);
    }
    assert_ptr_equal(object.members[0].key.ptr, text.ptr + 3);
    assert_null(json_member(&object, SPAN("Model")));
    assert_null(json_member(&object, SPAN("x")));
    arena_fini(&arena);
}

static void roots_that_are_no_object_have_no_members(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum json_type type;
    } cases[] = {{"[{\"a\":1}]", JSON_ARRAY}, {"\"{}\"", JSON_STRING}, {"-1", JSON_NUMBER},
                 {"null", JSON_NULL},         {"true", JSON_TRUE},     {"false", JSON_FALSE},
                 {"{}", JSON_OBJECT}};
    struct arena arena;
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json_object object;
        struct json_fault fault;
        assert_true(json_scan(span_from_string(cases[i].text), &arena, &object, &fault));
        assert_int_equal(object.type, cases[i].type);
        assert_int_equal(object.count, 0);
        assert_null(json_member(&object, SPAN("a")));
        assert_true(span_equal(object.text, span_from_string(cases[i].text)));
    }
    assert_int_equal(arena_bytes(&arena), 0);
    arena_fini(&arena);
}

static void many_members_are_found(void **state)
{
    (void)state;
    enum { MEMBERS = 2000 };
    size_t offset;
    char *text = many_keys(MEMBERS, SIZE_MAX, &offset);
    struct arena arena;
    struct json_object object;
    struct json_fault fault;
    arena_init(&arena, 1 << 20);
    assert_true(json_scan(span_from_string(text), &arena, &object, &fault));
    assert_int_equal(object.count, MEMBERS);
    for (size_t i = 0; i < MEMBERS; i++) {
        char key[32];
        snprintf(key, sizeof(key), "k%zu", i);
        assert_true(span_equal(object.members[i].key, span_from_string(key)));
        assert_true(span_equal(object.members[i].value, SPAN("0")));
    }
    arena_fini(&arena);
    /* No room for the decoded keys, at each size up to enough. */
    bool room = false;
    for (size_t cap = 0; !room; cap += 4000) {
        arena_init(&arena, cap);
        room = json_scan(span_from_string(text), &arena, &object, &fault);
        assert_true(room || strcmp(fault.what, "too many members") == 0);
        assert_int_equal(object.count, room ? MEMBERS : 0);
        arena_fini(&arena);
    }
    free(text);
}

int test_json_members(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duplicate_keys_are_refused),
        cmocka_unit_test(duplicate_keys_of_any_number_are_refused),
        cmocka_unit_test(a_million_keys_are_not_quadratic),
        cmocka_unit_test(members_of_the_root_are_found),
        cmocka_unit_test(roots_that_are_no_object_have_no_members),
        cmocka_unit_test(many_members_are_found),
    };
    return cmocka_run_group_tests_name("wire/json_members", tests, NULL, NULL);
}
