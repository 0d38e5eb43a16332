/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The log's lines, read back from a pipe put in the place of stderr. */
#include "base/log.h"

#include "helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define PREFIX_LEN (sizeof("2026-11-24T15:07:00.123Z") - 1)

static int saved_stderr;
static int pipe_end;

static void capture(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    saved_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    pipe_end = ends[0];
}

static void restore(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
}

/* What was logged since capture(). */
static const char *captured(void)
{
    static char output[8192];
    restore();
    read_all(pipe_end, output, sizeof(output));
    return output;
}

static void assert_line(const char *line, const char *after_time)
{
    /* Every digit of the time as '0'. */
    char time[PREFIX_LEN + 1] = "";
    assert_true(strlen(line) > PREFIX_LEN);
    for (size_t i = 0; i < PREFIX_LEN; i++)
        time[i] = line[i] >= '0' && line[i] <= '9' ? '0' : line[i];
    assert_string_equal(time, "0000-00-00T00:00:00.000Z");
    assert_string_equal(line + PREFIX_LEN, after_time);
}

static void levels(void **state)
{
    (void)state;
    capture();
    log_debug("hidden");
    assert_string_equal(captured(), "");
    capture();
    log_info("listening on %s:%d", "127.0.0.1", 8080);
    assert_line(captured(), " info listening on 127.0.0.1:8080\n");
    capture();
    log_warn("w");
    assert_line(captured(), " warn w\n");
    capture();
    log_error("e");
    assert_line(captured(), " error e\n");

    log_set_level(LOG_LEVEL_ERROR);
    capture();
    log_warn("hidden");
    assert_string_equal(captured(), "");
    log_set_level(LOG_LEVEL_DEBUG);
    capture();
    log_debug("shown");
    assert_line(captured(), " debug shown\n");
    log_set_level(LOG_LEVEL_INFO);
}

static void control_characters_are_replaced(void **state)
{
    (void)state;
    capture();
    log_info("%s", "a\nb\tc\033[31m\x7f \xc3\xa9 \xc2\x9b \xc2\xa0 \xe2\x82\xac \xc2");
    assert_line(captured(), " info a?b?c?[31m? \xc3\xa9 ?? \xc2\xa0 \xe2\x82\xac \xc2\n");
}

static void an_empty_message_is_a_line(void **state)
{
    (void)state;
    capture();
    log_info("%s", "");
    assert_line(captured(), " info \n");
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    capture();
    log_info("%s", text);
    const char *line = captured();
    size_t len = strlen(line);
    assert_int_equal(len, 2047);
    assert_string_equal(line + len - 5, "x...\n");
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);

    /* Around the limit: all of the message, or a cut one. */
    for (size_t size = 1900; size < 2100; size++) {
        text[size] = '\0';
        capture();
        log_info("%s", text);
        line = captured();
        bool whole = strlen(line) == PREFIX_LEN + strlen(" info \n") + size;
        assert_true(whole || strcmp(line + strlen(line) - 5, "x...\n") == 0);
        if (size <= 2000)
            assert_true(whole);
        text[size] = 'x';
    }
}

static void errno_is_kept_and_printable(void **state)
{
    (void)state;
    capture();
    errno = ENOENT;
    log_info("open: %m");
    assert_int_equal(errno, ENOENT);
    assert_line(captured(), " info open: No such file or directory\n");
}

/* A stderr that is full loses the line and no more. */
static void a_full_stderr_does_not_block(void **state)
{
    (void)state;
    capture();
    fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
    errno = ENOENT;
    for (int i = 0; i < 5000; i++)
        log_info("a line of some length, so that the pipe fills up at last: %d", i);
    assert_int_equal(errno, ENOENT);
    restore();
    static char output[1 << 20];
    size_t len = read_all(pipe_end, output, sizeof(output));
    assert_true(len > 0);
    assert_int_equal(output[len - 1], '\n');
    assert_null(strstr(output, ": 4999\n"));
}

int test_log(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(control_characters_are_replaced),
        cmocka_unit_test(an_empty_message_is_a_line),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(errno_is_kept_and_printable),
        cmocka_unit_test(a_full_stderr_does_not_block),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
