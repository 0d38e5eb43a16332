/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS against the openssl command: the route's file of authorities is what decides, names are
 * checked, and versions before 1.2 are refused. Skipped where the command is missing.
 */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char directory[] = "/tmp/weir-tls-XXXXXX";
static char certificate[64];
static char key[64];
static bool available;

struct server {
    pid_t pid;
    int input;  /* what it sends to its client */
    int output; /* what its client sent, and its own words */
    char base[64];
    char said[65536];
    size_t said_len;
};

static int run(const char *const *arguments)
{
    pid_t pid;
    int status = -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, arguments[0], &actions, NULL, (char *const *)(uintptr_t)arguments,
                     environ) == 0)
        waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&actions);
    return status;
}

static int make_certificate(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(certificate, sizeof(certificate), "%s/cert.pem", directory);
    snprintf(key, sizeof(key), "%s/key.pem", directory);
    const char *const arguments[] = {"openssl",
                                     "req",
                                     "-x509",
                                     "-newkey",
                                     "ec",
                                     "-pkeyopt",
                                     "ec_paramgen_curve:prime256v1",
                                     "-nodes",
                                     "-days",
                                     "2",
                                     "-keyout",
                                     key,
                                     "-out",
                                     certificate,
                                     "-subj",
                                     "/CN=test",
                                     "-addext",
                                     "subjectAltName=IP:127.0.0.1",
                                     NULL};
    available = run(arguments) == 0;
    return 0;
}

static int remove_certificate(void **state)
{
    (void)state;
    unlink(certificate);
    unlink(key);
    rmdir(directory);
    return 0;
}

static void server_start(struct server *server, const char *option)
{
    int in[2];
    int out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
    const char *const arguments[] = {"openssl", "s_server",        "-accept", "127.0.0.1:0",
                                     "-cert",   certificate,       "-key",    key,
                                     "-cipher", "ALL:@SECLEVEL=0", option,    NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    *server = (struct server){.input = in[1], .output = out[0]};
    assert_int_equal(posix_spawnp(&server->pid, "openssl", &actions, NULL,
                                  (char *const *)(uintptr_t)arguments, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
}

/* Whether the server has said `text` by now. */
static bool has_said(struct server *server, const char *text)
{
    ssize_t got;
    while ((got = read(server->output, server->said + server->said_len,
                       sizeof(server->said) - 1 - server->said_len)) > 0)
        server->said_len += (size_t)got;
    server->said[server->said_len] = '\0';
    return strstr(server->said, text) != NULL;
}

static void server_say(struct server *server, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(write(server->input, text, len), len);
}

static void server_open(struct fixture *fixture, struct server *server, const char *option)
{
    unsigned port = 0;
    server_start(server, option);
    TURN_UNTIL(fixture, has_said(server, "ACCEPT 127.0.0.1:") && has_said(server, "\n"));
    assert_int_equal(sscanf(strstr(server->said, "ACCEPT"), "ACCEPT 127.0.0.1:%u", &port), 1);
    snprintf(server->base, sizeof(server->base), "https://127.0.0.1:%u", port);
}

static void server_close(struct server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    close(server->input);
    close(server->output);
}

static struct upstream_route *tls_route(const char *base, const char *ca_file)
{
    struct upstream_route *route =
        upstream_route_new(&(struct upstream_route_settings){.url = span_from_string(base),
                                                             .ca_file = span_from_string(ca_file),
                                                             .connect_timeout_ms = 5000});
    assert_non_null(route);
    return route;
}

static void start_tls(struct record *record, struct fixture *fixture, const char *base,
                      const char *ca_file)
{
    struct upstream_route *route = tls_route(base, ca_file);
    record_init(record, fixture);
    struct attempt_spec spec = spec_of(fixture, SPAN("the body"));
    spec.route = route;
    start(record, &spec);
    upstream_route_unref(&route);
}

#define SKIP_WITHOUT_OPENSSL() \
    do {                       \
        if (!available)        \
            skip();            \
    } while (0)

static size_t occurrences(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        count++;
    return count;
}

static void test_verified(void **state)
{
    struct fixture *fixture = *state;
    struct server server;
    SKIP_WITHOUT_OPENSSL();
    server_open(fixture, &server, "-tls1_3");
    for (size_t i = 1; i <= 3; i++) {
        struct record record;
        start_tls(&record, fixture, server.base, certificate);
        TURN_UNTIL(fixture,
                   has_said(&server, "the body") && occurrences(server.said, "the body") == i);
        server_say(&server, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
        TURN_UNTIL(fixture, record.dones == 1);
        assert_whole(&record, 200, "secret");
        record_fini(&record);
    }
    assert_int_equal(occurrences(server.said, "CIPHER is"), 1); /* all on one connection */
    server_close(&server);
}

static void check_unreachable(struct fixture *fixture, const char *option, const char *ca_file,
                              bool other_name)
{
    struct server server;
    struct record record;
    server_open(fixture, &server, option);
    char base[64];
    snprintf(base, sizeof(base), "https://%s%s", other_name ? "localhost" : "127.0.0.1",
             strrchr(server.base, ':'));
    start_tls(&record, fixture, base, ca_file);
    TURN_UNTIL(fixture, record.dones == 1);
    assert_failed_as(&record, ERR_UPSTREAM_UNREACHABLE, false);
    assert_false(has_said(&server, "the body"));
    record_fini(&record);
    server_close(&server);
}

static void test_unknown_authority(void **state)
{
    SKIP_WITHOUT_OPENSSL();
    check_unreachable(*state, "-tls1_3", "", false);
}

static void test_missing_authorities(void **state)
{
    SKIP_WITHOUT_OPENSSL();
    check_unreachable(*state, "-tls1_3", "/nonexistent/ca.pem", false);
}

static void test_other_name(void **state)
{
    SKIP_WITHOUT_OPENSSL();
    check_unreachable(*state, "-tls1_3", certificate, true);
}

static void test_old_version(void **state)
{
    SKIP_WITHOUT_OPENSSL();
    check_unreachable(*state, "-tls1_1", certificate, false);
}

/* A server that writes to a connection which is kept, as most do before they close it (a TLS notice):
 * the command "P" sends some bytes. Such a connection is ended as they come, which makes the server
 * say so and accept the next; so no request suffers. */
static void test_kept_connections(void **state)
{
    struct fixture *fixture = *state;
    struct server server;
    SKIP_WITHOUT_OPENSSL();
    server_open(fixture, &server, "-tls1_2");
    for (int i = 0; i < 3; i++) {
        struct record record;
        server.said_len = 0;
        start_tls(&record, fixture, server.base, certificate);
        TURN_UNTIL(fixture, has_said(&server, "the body"));
        server_say(&server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        TURN_UNTIL(fixture, record.dones == 1);
        assert_whole(&record, 200, "ok");
        record_fini(&record);
        server_say(&server, "P\n");
        TURN_UNTIL(fixture, has_said(&server, "ERROR\n"));
    }
    server_close(&server);
}

int test_tls(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_verified),   TEST(test_unknown_authority), TEST(test_missing_authorities),
        TEST(test_other_name), TEST(test_old_version),       TEST(test_kept_connections),
    };
    return cmocka_run_group_tests_name("upstream/tls", tests, make_certificate, remove_certificate);
}
