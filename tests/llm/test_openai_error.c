/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Error bodies and the error event that ends a broken stream. */
#include "support.h"

static void writes_bodies(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096, 0);
    dialect_openai.write_error(ERR_BUDGET_EXCEEDED, NULL, NULL, &out);
    assert_span_equal(buf_span(&out), "{\"error\":{\"message\":\"A budget is spent.\","
                                      "\"type\":\"insufficient_quota\",\"param\":null,"
                                      "\"code\":\"budget_exceeded\"}}");
    buf_reset(&out, 0);
    dialect_openai.write_error(ERR_FIELD_INVALID, "'n' is \"wrong\"\n", "n", &out);
    assert_span_equal(buf_span(&out), "{\"error\":{\"message\":\"'n' is \\\"wrong\\\"\\n\","
                                      "\"type\":\"invalid_request_error\",\"param\":\"n\","
                                      "\"code\":\"invalid_value\"}}");
    buf_reset(&out, 0);
    dialect_openai.write_error(ERR_FIELD_INVALID, "m", "", &out);
    assert_true(span_search(buf_span(&out), SPAN("\"param\":null")) < buf_len(&out));
    buf_fini(&out);
}

static void every_error_is_json(void **state)
{
    (void)state;
    struct arena arena;
    struct buf out;
    arena_init(&arena, 65536);
    buf_init(&out, 4096, 0);
    for (int err = ERR_NONE + 1; err < ERR_COUNT; err++) {
        struct json_object root;
        struct json_fault fault;
        dialect_openai.write_error((enum err)err, NULL, NULL, &out);
        assert_true(json_scan(buf_span(&out), &arena, &root, &fault));
        assert_int_equal(root.count, 1);
        assert_span_equal(root.members[0].key, "error");
        buf_reset(&out, 4096);
        arena_reset(&arena);
    }
    buf_fini(&out);
    arena_fini(&arena);
}

static void writes_a_stream_event(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096, 0);
    dialect_openai.write_stream_error(ERR_UPSTREAM_BROKEN, "two\nlines", &out);
    assert_span_equal(buf_span(&out), "data: {\"error\":{\"message\":\"two\\nlines\","
                                      "\"type\":\"upstream_error\",\"param\":null,"
                                      "\"code\":\"upstream_broken\"}}\n\n");
    buf_reset(&out, 0);
    dialect_openai.write_stream_error(ERR_UPSTREAM_BROKEN, NULL, &out);
    assert_true(span_search(buf_span(&out), SPAN("made no sense.")) < buf_len(&out));
    buf_fini(&out);
}

int test_openai_error(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_bodies),
        cmocka_unit_test(every_error_is_json),
        cmocka_unit_test(writes_a_stream_event),
    };
    return cmocka_run_group_tests_name("llm/openai_error", tests, NULL, NULL);
}
