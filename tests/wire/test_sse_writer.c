/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Events out, to the byte, and back through the reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/sse_reader.h"
#include "wire/sse_writer.h"

int test_sse_writer(void);

static void assert_written(struct buf *buf, struct span expected)
{
    assert_false(buf_failed(buf));
    if (!span_equal(buf_span(buf), expected))
        print_error("wrote:\n%.*s\n", SPAN_ARG(buf_span(buf)));
    assert_true(span_equal(buf_span(buf), expected));
    buf_reset(buf, 0);
}

static void events_are_written(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000, 0);
    sse_write_event(&buf, SPAN_NONE, SPAN("{\"a\":1}"));
    assert_written(&buf, SPAN("data: {\"a\":1}\n\n"));
    sse_write_event(&buf, SPAN("error"), SPAN(""));
    assert_written(&buf, SPAN("event: error\ndata: \n\n"));
    sse_write_event(&buf, SPAN_NONE, SPAN_NONE);
    assert_written(&buf, SPAN("data: \n\n"));
    sse_write_comment(&buf, SPAN("ping"));
    assert_written(&buf, SPAN(": ping\n\n"));
    buf_fini(&buf);
}

static void line_ends_inside_start_lines(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000, 0);
    sse_write_event(&buf, SPAN_NONE, SPAN("a\nb\rc\r\nd\n\ne\n"));
    assert_written(&buf, SPAN("data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\ndata: \n\n"));
    sse_write_event(&buf, SPAN("x\ndata: evil\n\n"), SPAN("y"));
    assert_written(&buf, SPAN("event: x\nevent: data: evil\nevent: \nevent: \ndata: y\n\n"));
    sse_write_comment(&buf, SPAN("x\r\rdata: evil"));
    assert_written(&buf, SPAN(": x\n: \n: data: evil\n\n"));
    buf_fini(&buf);
}

static bool compare_event(void *argument, const struct sse_event *event)
{
    const struct span *expected = argument;
    assert_true(event->complete);
    assert_true(span_equal(event->data, *expected));
    assert_true(span_equal(event->name, SPAN("n")));
    return true;
}

static void the_reader_reads_it_back(void **state)
{
    (void)state;
    struct span texts[] = {SPAN(""),   SPAN(" lead"), SPAN("\n"),   SPAN("a\nb\n\n c"),
                           SPAN(":x"), SPAN("data:"), SPAN("\n\n"), SPAN("\xef\xbb\xbf")};
    struct sse_reader reader;
    struct buf buf;
    sse_reader_init(&reader, 1000);
    buf_init(&buf, 1000, 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        sse_write_event(&buf, SPAN("n"), texts[i]);
        assert_true(sse_reader_feed(&reader, buf_span(&buf), compare_event, &texts[i]));
        buf_reset(&buf, 1000);
    }
    buf_fini(&buf);
    sse_reader_fini(&reader);
}

static void a_full_buffer_says_so(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 8, 0);
    sse_write_event(&buf, SPAN_NONE, SPAN("abc"));
    assert_true(buf_failed(&buf));
    buf_fini(&buf);
}

int test_sse_writer(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_written),
        cmocka_unit_test(line_ends_inside_start_lines),
        cmocka_unit_test(the_reader_reads_it_back),
        cmocka_unit_test(a_full_buffer_says_so),
    };
    return cmocka_run_group_tests_name("wire/sse_writer", tests, NULL, NULL);
}
