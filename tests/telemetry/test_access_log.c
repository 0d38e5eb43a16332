/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: what a line says, and what becomes of lines when the descriptor is slow, full,
 * broken, replaced or shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "loop/loop.h"
#include "telemetry/access_log.h"
#include "wire/json.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 10000

struct fixture {
    struct loop *loop;
    struct access_log *log;
    int in; /* the reader's end */
    int out;
    struct buf got;
    struct receipt receipt;
};

static struct receipt make_receipt(void)
{
    struct receipt receipt = {
        .id = {.high = 1, .low = 2},
        .begun_wall_ns = 1779260820123456789,
        .duration_ns = 1234567899,
        .first_byte_ns = 250000,
        .overhead_ns = 41999,
        .status = 200,
        .outcome = "none",
        .detail = "cut",
        .step = "record",
        .endpoint = "/v1/chat/completions",
        .stream = true,
        .attempts = 2,
        .retried = true,
        .tenant = "acme/search",
        .key = "search-prod",
        .user = "u1",
        .session = "s1",
        .prompt = "greeting@7",
        .tags = "feature=chat,team=search",
        .context = {.counted = 11,
                    .quality = "exact",
                    .system = 5,
                    .user = 3,
                    .assistant = 2,
                    .tool = 1,
                    .repeated = 4},
        .requested_model = "fast",
        .model = "large",
        .provider = "openai",
        .usage = {.input = 10, .cached_input = 4, .cache_write = 3, .output = 7, .reasoning = 2},
        .usage_source = USAGE_REPORTED,
        .cost_nusd = 123456,
        .uncertain_nusd = 1,
    };
    return receipt;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    fixture->in = ends[0];
    fixture->out = ends[1];
    fixture->loop = loop_new();
    fixture->log = access_log_new(fixture->loop, fixture->out);
    fixture->receipt = make_receipt();
    buf_init(&fixture->got, (size_t)16 << 20, 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    access_log_free(&fixture->log);
    access_log_free(&fixture->log); /* NULL now */
    loop_free(&fixture->loop);
    buf_fini(&fixture->got);
    if (fixture->in >= 0)
        close(fixture->in);
    close(fixture->out);
    free(fixture);
    return 0;
}

static void turn(struct fixture *fixture)
{
    loop_run_once(fixture->loop, 0);
}

/* Reads what is there. */
static void drain(struct fixture *fixture)
{
    char bytes[65536];
    ssize_t got;
    while ((got = read(fixture->in, bytes, sizeof(bytes))) > 0)
        assert_true(buf_append(&fixture->got, span_make(bytes, (size_t)got)));
}

static int64_t count_lines(struct span text)
{
    int64_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

/* Every line is a JSON object, the last one has its end; returns how many. */
static int64_t check_lines(struct span text)
{
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    int64_t lines = 0;
    assert_true(text.len == 0 || text.ptr[text.len - 1] == '\n');
    while (text.len > 0) {
        struct span line;
        struct json_object object;
        struct json_fault fault;
        text = span_cut(text, '\n', &line);
        arena_reset(&arena);
        if (!json_scan(line, &arena, &object, &fault))
            fail_msg("%s: %.*s", fault.what, SPAN_ARG(line));
        assert_int_equal(object.type, JSON_OBJECT);
        lines++;
    }
    arena_fini(&arena);
    return lines;
}

static void test_a_line(void **state)
{
    struct fixture *fixture = *state;
    access_log_write(fixture->log, &fixture->receipt);
    turn(fixture);
    drain(fixture);
    buf_append_byte(&fixture->got, '\0');
    assert_string_equal(
        buf_span(&fixture->got).ptr,
        "{\"time\":\"2026-05-20T07:07:00.123Z\",\"id\":\"req_0000000000000G000000000002\","
        "\"tenant\":\"acme/search\",\"key\":\"search-prod\",\"user\":\"u1\",\"session\":\"s1\","
        "\"prompt\":\"greeting@7\",\"tags\":\"feature=chat,team=search\","
        "\"endpoint\":\"/v1/chat/completions\",\"stream\":true,\"requested_model\":\"fast\","
        "\"model\":\"large\",\"provider\":\"openai\",\"status\":200,\"outcome\":\"none\","
        "\"step\":\"record\",\"detail\":\"cut\",\"attempts\":2,\"retried\":true,"
        "\"context\":{\"counted\":11,\"quality\":\"exact\",\"system\":5,\"user\":3,\"assistant\":2,"
        "\"tool\":1,\"repeated\":4},\"input_tokens\":10,\"output_tokens\":7,"
        "\"token_details\":{\"cached_input\":4,\"cache_write\":3,\"reasoning\":2},"
        "\"service_tier\":\"standard\","
        "\"usage_source\":\"reported\",\"cost_usd\":0.000123456,\"uncertain_usd\":0.000000001,"
        "\"duration_ms\":1234.567,\"first_byte_ms\":0.250,\"overhead_us\":41}\n");
}

static void test_what_does_not_exist(void **state)
{
    struct fixture *fixture = *state;
    struct receipt empty = {.outcome = "client_gone"};
    access_log_write(fixture->log, &empty);
    turn(fixture);
    drain(fixture);
    assert_int_equal(check_lines(buf_span(&fixture->got)), 1);
    buf_append_byte(&fixture->got, '\0');
    const char *line = buf_span(&fixture->got).ptr;
    assert_non_null(
        strstr(line, "\"status\":null,\"outcome\":\"client_gone\",\"step\":null,\"detail\":null"));
    assert_non_null(strstr(line, "\"tenant\":\"\",\"key\":\"\""));
    assert_non_null(strstr(line, "\"prompt\":\"\",\"tags\":\"\""));
    assert_non_null(strstr(line, "\"context\":null,"));
    assert_non_null(strstr(line, "\"output_tokens\":0,\"token_details\":{},"));
    assert_non_null(strstr(line, "\"usage_source\":\"none\",\"cost_usd\":0.00,"));
    assert_non_null(
        strstr(line, "\"duration_ms\":0.000,\"first_byte_ms\":null,\"overhead_us\":0}"));
}

static struct span member(const struct json_object *object, const char *key)
{
    const struct json_member *found = json_member(object, span_from_string(key));
    assert_non_null(found);
    return found->value;
}

/* Names try to end the line and begin one of their own; the longest of the worst fit a pipe. */
static void test_injection(void **state)
{
    struct fixture *fixture = *state;
    struct receipt *receipt = &fixture->receipt;
    struct arena arena;
    struct json_object object;
    struct json_fault fault;
    const char *attack = "\"}\n{\"cost_usd\":0,\"tenant\":\"x\\\r\x1b[2J";
    arena_init(&arena, (size_t)1 << 20);
    strcpy(receipt->user, attack);
    memset(receipt->session, '"', RECEIPT_NAME_SIZE); /* no NUL at all */
    memset(receipt->requested_model, '\\', RECEIPT_NAME_SIZE - 1);
    memset(receipt->model, '\n', RECEIPT_NAME_SIZE - 1);
    access_log_write(fixture->log, receipt);
    turn(fixture);
    drain(fixture);
    struct span line = buf_span(&fixture->got);
    assert_true(line.len <= PIPE_BUF);
    assert_int_equal(count_lines(line), 1);
    for (size_t i = 0; i + 1 < line.len; i++)
        assert_true((unsigned char)line.ptr[i] >= 0x20);
    assert_true(json_scan(line, &arena, &object, &fault));
    assert_int_equal(object.count, 30);
    struct span user = json_decode_string(member(&object, "user"), &arena);
    assert_true(span_equal(user, span_from_string(attack)));
    assert_int_equal(json_decode_string(member(&object, "session"), &arena).len, RECEIPT_NAME_SIZE);
    assert_true(span_equal(member(&object, "cost_usd"), SPAN("0.000123456")));
    arena_fini(&arena);
}

static void test_one_write_a_turn(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++)
        access_log_write(fixture->log, &fixture->receipt);
    drain(fixture);
    assert_int_equal(buf_len(&fixture->got), 0);
    turn(fixture);
    drain(fixture);
    assert_int_equal(check_lines(buf_span(&fixture->got)), 3);
}

/* Fills the pipe, then the buffer. */
static void test_a_slow_reader(void **state)
{
    struct fixture *fixture = *state;
    int64_t written = 0;
    while (access_log_dropped(fixture->log) < 100) {
        access_log_write(fixture->log, &fixture->receipt);
        if (++written % 50 == 0)
            turn(fixture);
        assert_true(written < 100000);
    }
    assert_true(written > ((1 << 20) + 65536) / 1000);
    /* The reader wakes: the timer brings the rest without another line. */
    int64_t deadline = clock_monotonic_ns() + DEADLINE_MS * NS_PER_MS;
    int64_t expected = written - access_log_dropped(fixture->log);
    while (count_lines(buf_span(&fixture->got)) < expected) {
        assert_true(clock_monotonic_ns() < deadline);
        drain(fixture);
        loop_run_once(fixture->loop, 100);
    }
    assert_int_equal(check_lines(buf_span(&fixture->got)), expected);
    assert_int_equal(access_log_dropped(fixture->log), 100);
    /* And all is as before. */
    access_log_write(fixture->log, &fixture->receipt);
    turn(fixture);
    drain(fixture);
    assert_int_equal(check_lines(buf_span(&fixture->got)), expected + 1);
}

static void test_free_writes_the_rest(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 20; i++)
        access_log_write(fixture->log, &fixture->receipt);
    access_log_free(&fixture->log);
    drain(fixture);
    assert_int_equal(check_lines(buf_span(&fixture->got)), 20);
    fixture->log = access_log_new(fixture->loop, fixture->out);
}

/* A reader that never comes is not waited for long. */
static void test_free_with_a_full_pipe(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 200; i++)
        access_log_write(fixture->log, &fixture->receipt);
    int64_t begun = clock_monotonic_ns();
    access_log_free(&fixture->log);
    assert_true(clock_monotonic_ns() - begun < DEADLINE_MS * NS_PER_MS);
    drain(fixture);
    int64_t lines = check_lines(buf_span(&fixture->got));
    assert_true(lines > 50 && lines < 200);
    fixture->log = access_log_new(fixture->loop, fixture->out);
}

/* A stream socket takes lines in part: the rest follows, nothing is lost or doubled. */
static void test_partial_writes(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];
    int size = 4608;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    close(fixture->in);
    fixture->in = ends[0];
    access_log_set_fd(fixture->log, ends[1]);
    for (int i = 0; i < 500; i++)
        access_log_write(fixture->log, &fixture->receipt);
    int64_t deadline = clock_monotonic_ns() + DEADLINE_MS * NS_PER_MS;
    while (count_lines(buf_span(&fixture->got)) < 500) {
        assert_true(clock_monotonic_ns() < deadline);
        access_log_write(fixture->log, &fixture->receipt);
        turn(fixture);
        drain(fixture);
    }
    access_log_set_fd(fixture->log, -1);
    shutdown(ends[1], SHUT_WR);
    drain(fixture);
    /* Whole lines, but for one that the change of descriptor may have cut. */
    struct span got = buf_span(&fixture->got);
    while (got.len > 0 && got.ptr[got.len - 1] != '\n')
        got.len--;
    assert_true(check_lines(got) >= 500);
    close(ends[1]);
}

static void test_no_descriptor(void **state)
{
    struct fixture *fixture = *state;
    access_log_set_fd(fixture->log, -1);
    access_log_write(fixture->log, &fixture->receipt);
    turn(fixture);
    access_log_set_fd(fixture->log, fixture->out);
    access_log_write(fixture->log, &fixture->receipt);
    turn(fixture);
    drain(fixture);
    assert_int_equal(check_lines(buf_span(&fixture->got)), 1);
    assert_int_equal(access_log_dropped(fixture->log), 0);
}

static void fill_pipe(int fd)
{
    static const char line[512] = {[0 ... 510] = 'x', '\n'};
    while (write(fd, line, sizeof(line)) > 0)
        ;
}

static int open_unnamed(void)
{
    char path[] = "/tmp/weir-access-log-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    return file;
}

static void read_file(struct fixture *fixture, int file)
{
    static char bytes[1 << 18];
    ssize_t size = pread(file, bytes, sizeof(bytes), 0);
    assert_true(size >= 0 && size < (ssize_t)sizeof(bytes));
    buf_append(&fixture->got, span_make(bytes, (size_t)size));
}

static void test_new_descriptor(void **state)
{
    struct fixture *fixture = *state;
    int file = open_unnamed();
    /* The old one takes what it can … */
    access_log_write(fixture->log, &fixture->receipt);
    access_log_set_fd(fixture->log, file);
    drain(fixture);
    assert_int_equal(check_lines(buf_span(&fixture->got)), 1);
    for (int i = 0; i < 100; i++)
        access_log_write(fixture->log, &fixture->receipt);
    turn(fixture);
    /* … and what it cannot take goes to the new one. */
    fill_pipe(fixture->out);
    access_log_set_fd(fixture->log, fixture->out);
    access_log_write(fixture->log, &fixture->receipt);
    turn(fixture);
    access_log_set_fd(fixture->log, file);
    turn(fixture);
    buf_reset(&fixture->got, 0);
    read_file(fixture, file);
    assert_int_equal(check_lines(buf_span(&fixture->got)), 101);
    /* Unless there is none. */
    access_log_set_fd(fixture->log, fixture->out);
    access_log_write(fixture->log, &fixture->receipt);
    turn(fixture);
    access_log_set_fd(fixture->log, -1);
    assert_int_equal(access_log_dropped(fixture->log), 1);
    close(file);
}

static void test_broken_descriptors(void **state)
{
    struct fixture *fixture = *state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    access_log_set_fd(fixture->log, full);
    for (int round = 1; round <= 3; round++) {
        access_log_write(fixture->log, &fixture->receipt);
        access_log_write(fixture->log, &fixture->receipt);
        turn(fixture);
        assert_int_equal(access_log_dropped(fixture->log), 2 * round);
    }
    close(fixture->in);
    fixture->in = -1;
    access_log_set_fd(fixture->log, fixture->out);
    access_log_write(fixture->log, &fixture->receipt);
    turn(fixture);
    assert_int_equal(access_log_dropped(fixture->log), 7);
    close(full);
}

/* The disk fills up within a line: the next line that finds room does not continue that one. */
static void test_a_cut_line_is_ended(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before;
    int file = open_unnamed();
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    access_log_set_fd(fixture->log, file);
    for (int i = 0; i < 4; i++)
        access_log_write(fixture->log, &fixture->receipt);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 1500, .rlim_max = before.rlim_max});
    turn(fixture);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(lseek(file, 0, SEEK_CUR), 1500);
    access_log_write(fixture->log, &fixture->receipt);
    turn(fixture);
    read_file(fixture, file);
    struct span rest = buf_span(&fixture->got);
    int64_t good = 0;
    int64_t bad = 0;
    while (rest.len > 0) {
        struct span line;
        rest = span_cut(rest, '\n', &line);
        if (span_ends_with(line, SPAN("}")))
            good += check_lines(span_make(line.ptr, line.len + 1));
        else
            bad++;
    }
    assert_int_equal(bad, 1);
    assert_int_equal(good + access_log_dropped(fixture->log), 5);
    assert_true(good >= 2);
    close(file);
}

/* Half a line is with a socket when the descriptor is replaced: the new one begins with a whole. */
static void test_a_torn_line_does_not_move(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];
    int size = 1; /* as little as there can be */
    int file = open_unnamed();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    close(fixture->in);
    fixture->in = ends[0];
    access_log_set_fd(fixture->log, ends[1]);
    for (int i = 0; i < 40; i++)
        access_log_write(fixture->log, &fixture->receipt);
    turn(fixture);
    access_log_set_fd(fixture->log, file);
    turn(fixture);
    drain(fixture);
    struct span socket_got = buf_span(&fixture->got);
    bool torn = socket_got.len > 0 && socket_got.ptr[socket_got.len - 1] != '\n';
    int64_t lines = count_lines(socket_got);
    buf_reset(&fixture->got, 0);
    read_file(fixture, file);
    lines += check_lines(buf_span(&fixture->got));
    assert_int_equal(access_log_dropped(fixture->log), torn ? 1 : 0);
    assert_int_equal(lines + (torn ? 1 : 0), 40);
    close(ends[1]);
    close(file);
}

/* ---- several workers ---- */

#define WORKERS 3
#define LINES   400

struct crowd {
    int fd;
    atomic_int running;
};

static void *write_lines(void *argument)
{
    struct crowd *crowd = argument;
    struct loop *loop = loop_new();
    struct access_log *log = access_log_new(loop, crowd->fd);
    struct receipt receipt = make_receipt();
    for (int i = 0; i < LINES; i++) {
        access_log_write(log, &receipt);
        if (i % 9 == 0)
            loop_run_once(loop, 0);
    }
    access_log_free(&log);
    loop_free(&loop);
    crowd->running--;
    return NULL;
}

static void test_workers_share_a_pipe(void **state)
{
    struct fixture *fixture = *state;
    struct crowd crowd = {.fd = fixture->out, .running = WORKERS};
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&threads[i], NULL, write_lines, &crowd);
    /* More than the pipe holds, so all wait for this reader, even in access_log_free. */
    while (crowd.running > 0)
        drain(fixture);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    drain(fixture);
    assert_int_equal(check_lines(buf_span(&fixture->got)), WORKERS * LINES);
}

#define LOG_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int test_access_log(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_a_line),
        LOG_TEST(test_what_does_not_exist),
        LOG_TEST(test_injection),
        LOG_TEST(test_one_write_a_turn),
        LOG_TEST(test_a_slow_reader),
        LOG_TEST(test_free_writes_the_rest),
        LOG_TEST(test_free_with_a_full_pipe),
        LOG_TEST(test_partial_writes),
        LOG_TEST(test_no_descriptor),
        LOG_TEST(test_new_descriptor),
        LOG_TEST(test_broken_descriptors),
        LOG_TEST(test_a_cut_line_is_ended),
        LOG_TEST(test_a_torn_line_does_not_move),
        LOG_TEST(test_workers_share_a_pipe),
    };
    return cmocka_run_group_tests_name("telemetry/access_log", tests, NULL, NULL);
}
