/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Edits: what is between them stays as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/json.h"

int test_json_edit(void);

static void assert_edited(struct span text, const struct json_edit *edits, size_t count,
                          struct span expected)
{
    struct buf out;
    buf_init(&out, expected.len, 0);
    assert_true(json_edit(text, edits, count, &out));
    assert_true(span_equal(buf_span(&out), expected));
    buf_fini(&out);
    /* One byte less room. */
    if (expected.len > 0) {
        buf_init(&out, expected.len - 1, 0);
        assert_false(json_edit(text, edits, count, &out));
        buf_fini(&out);
    }
}

static void edits_replace_insert_and_remove(void **state)
{
    (void)state;
    struct span text = SPAN("{\"a\":1,\"b\":2}");
    const struct json_edit edits[] = {
        {1, 1, SPAN("\"new\":0,")}, /* inserts */
        {5, 6, SPAN("10000")},      /* replaces */
        {6, 12, SPAN_NONE},         /* removes */
        {12, 12, SPAN(",\"c\":3")}, {13, 13, SPAN("\n")},
    };
    assert_edited(text, edits, 5, SPAN("{\"new\":0,\"a\":10000,\"c\":3}\n"));
    assert_edited(text, edits, 1, SPAN("{\"new\":0,\"a\":1,\"b\":2}"));
    assert_edited(text, NULL, 0, text);
    assert_edited(text, &(struct json_edit){0, 13, SPAN("null")}, 1, SPAN("null"));
    assert_edited(SPAN_NONE, NULL, 0, SPAN_NONE);
    assert_edited(SPAN_NONE, &(struct json_edit){0, 0, SPAN("x")}, 1, SPAN("x"));
}

/* As the gateway does it: find with the scan, write the model and the limit, keep the rest. */
static void a_scanned_body_is_edited_by_its_members(void **state)
{
    (void)state;
    struct span text =
        SPAN("{ \"big\":9007199254740993, \"model\" : \"alias\",\"x\":\"\\u00e9\" }");
    struct arena arena;
    struct json_object object;
    struct json_fault fault;
    arena_init(&arena, 1 << 16);
    assert_true(json_scan(text, &arena, &object, &fault));
    struct span model = json_member(&object, SPAN("model"))->value;
    size_t close = (size_t)(object.text.ptr - text.ptr) + object.text.len - 1;
    const struct json_edit edits[] = {
        {(size_t)(model.ptr - text.ptr), (size_t)(model.ptr - text.ptr) + model.len,
         SPAN("\"real\"")},
        {close, close, SPAN(",\"max_tokens\":5")},
    };
    assert_edited(text, edits, 2,
                  SPAN("{ \"big\":9007199254740993, \"model\" : \"real\",\"x\":\"\\u00e9\" "
                       ",\"max_tokens\":5}"));
    arena_fini(&arena);
}

int test_json_edit(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_replace_insert_and_remove),
        cmocka_unit_test(a_scanned_body_is_edited_by_its_members),
    };
    return cmocka_run_group_tests_name("wire/json_edit", tests, NULL, NULL);
}
