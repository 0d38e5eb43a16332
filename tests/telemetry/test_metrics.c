/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: what is added by workers comes out summed, exact, and in the words of both formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/money.h"
#include "telemetry/metrics.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LABELS(...) ((const struct span[]){__VA_ARGS__})
#define TEXT_MAX    ((size_t)1 << 20)

struct fixture {
    struct metrics *workers[3];
    struct buf out;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    for (size_t i = 0; i < 3; i++)
        fixture->workers[i] = metrics_new();
    buf_init(&fixture->out, TEXT_MAX, 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++) {
        metrics_free(&fixture->workers[i]);
        metrics_free(&fixture->workers[i]); /* NULL now */
    }
    buf_fini(&fixture->out);
    free(fixture);
    return 0;
}

static const char *render(struct fixture *fixture, bool openmetrics)
{
    buf_reset(&fixture->out, 0);
    metrics_render(fixture->workers, 3, NULL, 0, openmetrics, &fixture->out);
    assert_false(buf_failed(&fixture->out));
    buf_append_byte(&fixture->out, '\0');
    return buf_span(&fixture->out).ptr;
}

static const char *render_gauges(struct fixture *fixture, const struct gauge_sample *gauges,
                                 size_t count, bool openmetrics)
{
    buf_reset(&fixture->out, 0);
    metrics_render(NULL, 0, gauges, count, openmetrics, &fixture->out);
    buf_append_byte(&fixture->out, '\0');
    return buf_span(&fixture->out).ptr;
}

static void expect_line(const char *text, const char *line)
{
    const char *at = strstr(text, line);
    if (at == NULL || (at != text && at[-1] != '\n') || at[strlen(line)] != '\n')
        fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void test_nothing(void **state)
{
    assert_string_equal(render(*state, false), "");
    assert_string_equal(render(*state, true), "# EOF\n");
}

static void test_counters_are_summed(void **state)
{
    struct fixture *fixture = *state;
    metrics_add(fixture->workers[0], METRIC_COST, LABELS(SPAN("acme"), SPAN("large")), 1);
    metrics_add(fixture->workers[0], METRIC_COST, LABELS(SPAN("acme"), SPAN("large")), 1250000000);
    metrics_add(fixture->workers[1], METRIC_COST, LABELS(SPAN("acme"), SPAN("large")), 9);
    metrics_add(fixture->workers[2], METRIC_COST, LABELS(SPAN("acme"), SPAN("small")), 0);
    metrics_add(fixture->workers[2], METRIC_COST, LABELS(SPAN("acmel"), SPAN("arge")), 5000);
    metrics_add(fixture->workers[2], METRIC_REQUESTS,
                LABELS(SPAN("acme"), SPAN("large"), SPAN("openai"), SPAN("200")), 3);
    assert_string_equal(render(fixture, false),
                        "# HELP weir_requests_total Requests answered, by final status.\n"
                        "# TYPE weir_requests_total counter\n"
                        "weir_requests_total{tenant=\"acme\",model=\"large\",provider=\"openai\","
                        "status=\"200\"} 3\n"
                        "# HELP weir_cost_usd_total Dollars spent.\n"
                        "# TYPE weir_cost_usd_total counter\n"
                        "weir_cost_usd_total{tenant=\"acme\",model=\"large\"} 1.25000001\n"
                        "weir_cost_usd_total{tenant=\"acme\",model=\"small\"} 0\n"
                        "weir_cost_usd_total{tenant=\"acmel\",model=\"arge\"} 0.000005\n");
    const char *text = render(fixture, true);
    expect_line(text, "# TYPE weir_cost_usd counter");
    expect_line(text, "# HELP weir_cost_usd Dollars spent.");
    expect_line(text, "weir_cost_usd_total{tenant=\"acme\",model=\"large\"} 1.25000001");
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
    assert_int_equal(metrics_total(fixture->workers, 3, METRIC_COST), 1250005010);
    assert_int_equal(metrics_total(fixture->workers, 1, METRIC_COST), 1250000001);
    assert_int_equal(metrics_total(fixture->workers, 3, METRIC_TOKENS), 0);
}

static void test_largest_numbers(void **state)
{
    struct fixture *fixture = *state;
    const struct span *labels = LABELS(SPAN("t"), SPAN("m"));
    metrics_add(fixture->workers[0], METRIC_COST, labels, INT64_MAX - 1);
    expect_line(render(fixture, false),
                "weir_cost_usd_total{tenant=\"t\",model=\"m\"} 9223372036.854775806");
    metrics_add(fixture->workers[0], METRIC_COST, labels, 100);
    metrics_add(fixture->workers[1], METRIC_COST, labels, INT64_MAX);
    expect_line(render(fixture, false),
                "weir_cost_usd_total{tenant=\"t\",model=\"m\"} 9223372036.854775807");
    assert_int_equal(metrics_total(fixture->workers, 3, METRIC_COST), INT64_MAX);
}

static void test_histogram(void **state)
{
    struct fixture *fixture = *state;
    const struct span *labels = LABELS(SPAN("t"), SPAN("m"));
    metrics_observe(fixture->workers[0], METRIC_REQUEST_COST, labels, 0);
    metrics_observe(fixture->workers[0], METRIC_REQUEST_COST, labels,
                    10000); /* a bound is within */
    metrics_observe(fixture->workers[1], METRIC_REQUEST_COST, labels, 10001);
    metrics_observe(fixture->workers[1], METRIC_REQUEST_COST, labels, 50 * NUSD_PER_USD);
    metrics_observe(fixture->workers[2], METRIC_REQUEST_COST, labels, 50 * NUSD_PER_USD + 1);
    const char *head = "weir_request_cost_usd_bucket{tenant=\"t\",model=\"m\",le=\"";
    static const char *const rest[] = {
        "1e-05\"} 2", "0.0001\"} 3", "0.0005\"} 3", "0.001\"} 3", "0.005\"} 3",
        "0.01\"} 3",  "0.05\"} 3",   "0.1\"} 3",    "0.5\"} 3",   "1.0\"} 3",
        "5.0\"} 3",   "10.0\"} 3",   "50.0\"} 4",   "+Inf\"} 5",
    };
    char expected[2048] = "# HELP weir_request_cost_usd Dollars a request.\n"
                          "# TYPE weir_request_cost_usd histogram\n";
    for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
        strcat(expected, head);
        strcat(expected, rest[i]);
        strcat(expected, "\n");
    }
    strcat(expected, "weir_request_cost_usd_sum{tenant=\"t\",model=\"m\"} 100.000020002\n"
                     "weir_request_cost_usd_count{tenant=\"t\",model=\"m\"} 5\n");
    assert_string_equal(render(fixture, false), expected);
    strcat(expected, "# EOF\n");
    assert_string_equal(render(fixture, true), expected);
}

/* The bounds in the order they are printed, read back from the text. */
static size_t read_bounds(const char *text, const char *name, double *bounds)
{
    size_t count = 0;
    char head[64];
    snprintf(head, sizeof(head), "%s_bucket", name);
    for (const char *at = strstr(text, head); at != NULL; at = strstr(at + 1, head))
        bounds[count++] = strtod(strstr(at, "le=\"") + 4, NULL);
    return count;
}

static void test_bucket_sets(void **state)
{
    struct fixture *fixture = *state;
    static const double expected[] = {.0001, .00025, .0005, .001, .0025, .005, .01,
                                      .025,  .05,    .1,    .25,  .5,    1,    2.5,
                                      5,     10,     30,    60,   120,   300,  600};
    double bounds[64];
    /* Each value into its bucket, the value after it into the next. */
    for (size_t i = 0; i < 21; i++) {
        int64_t bound_ns = (int64_t)(expected[i] * 1e9 + .5);
        metrics_observe(fixture->workers[0], METRIC_OVERHEAD, NULL, bound_ns);
        metrics_observe(fixture->workers[0], METRIC_OVERHEAD, NULL, bound_ns + 1);
    }
    metrics_observe(fixture->workers[0], METRIC_FIRST_TOKEN, LABELS(SPAN("m")), 1);
    const char *text = render(fixture, false);
    assert_int_equal(read_bounds(text, "weir_overhead_seconds", bounds), 22);
    assert_memory_equal(bounds, expected, sizeof(expected));
    expect_line(text, "weir_overhead_seconds_bucket{le=\"0.0001\"} 1");
    expect_line(text, "weir_overhead_seconds_bucket{le=\"1.0\"} 25");
    expect_line(text, "weir_overhead_seconds_bucket{le=\"600.0\"} 41");
    expect_line(text, "weir_overhead_seconds_bucket{le=\"+Inf\"} 42");
    expect_line(text, "weir_overhead_seconds_count 42");
    assert_int_equal(read_bounds(text, "weir_time_to_first_token_seconds", bounds), 19);
    assert_memory_equal(bounds, expected + 3, sizeof(expected) - 3 * sizeof(double));
}

static void test_labels(void **state)
{
    struct fixture *fixture = *state;
    char longest[METRIC_MAX_LABEL_SIZE + 1];
    char longer[METRIC_MAX_LABEL_SIZE + 3];
    char line[400];
    metrics_add(fixture->workers[0], METRIC_BOUND_BREACHES, LABELS(SPAN("a\"b\\c\nd\xC3\xA9")), 1);
    metrics_add(fixture->workers[0], METRIC_BOUND_BREACHES, LABELS(SPAN_NONE), 2);
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    metrics_add(fixture->workers[0], METRIC_BOUND_BREACHES,
                LABELS(span_make(longest, METRIC_MAX_LABEL_SIZE)), 4);
    /* A character of two bytes across the limit goes as a whole. */
    memset(longer, 'y', sizeof(longer));
    memcpy(longer + METRIC_MAX_LABEL_SIZE - 1, "\xC3\xA9", 2);
    metrics_add(fixture->workers[0], METRIC_BOUND_BREACHES,
                LABELS(span_make(longer, sizeof(longer))), 8);
    const char *text = render(fixture, false);
    expect_line(text, "weir_bound_breaches_total{model=\"a\\\"b\\\\c\\nd\xC3\xA9\"} 1");
    expect_line(text, "weir_bound_breaches_total{model=\"\"} 2");
    snprintf(line, sizeof(line), "weir_bound_breaches_total{model=\"%s\"} 4", longest);
    expect_line(text, line);
    snprintf(line, sizeof(line), "weir_bound_breaches_total{model=\"%.*s\"} 8",
             METRIC_MAX_LABEL_SIZE - 1, longer);
    expect_line(text, line);
}

static void test_gauges(void **state)
{
    const struct gauge_sample gauges[] = {
        {"weir_budget_spent_usd", "Dollars spent.", "budget=\"a\"", 1500000000, 1000000000, false},
        {"weir_budget_spent_usd", "Dollars spent.", "budget=\"b\"", -1, 1000000000, false},
        {"weir_lag", "Records.", "", 7, 1, false},
        {"weir_low", "The lowest.", "", INT64_MIN, 1000, false},
    };
    const char *expected = "# HELP weir_budget_spent_usd Dollars spent.\n"
                           "# TYPE weir_budget_spent_usd gauge\n"
                           "weir_budget_spent_usd{budget=\"a\"} 1.5\n"
                           "weir_budget_spent_usd{budget=\"b\"} -0.000000001\n"
                           "# HELP weir_lag Records.\n"
                           "# TYPE weir_lag gauge\n"
                           "weir_lag 7\n"
                           "# HELP weir_low The lowest.\n"
                           "# TYPE weir_low gauge\n"
                           "weir_low -9223372036854775.808\n";
    assert_string_equal(render_gauges(*state, gauges, 4, false), expected);
    const char *text = render_gauges(*state, gauges, 4, true);
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    assert_string_equal(text + strlen(expected), "# EOF\n");
}

static void test_counters_of_the_scraper(void **state)
{
    const struct gauge_sample samples[] = {
        {"process_cpu_seconds_total", "Processor time.", "", 12340000000, 1000000000, true},
    };
    assert_string_equal(render_gauges(*state, samples, 1, false),
                        "# HELP process_cpu_seconds_total Processor time.\n"
                        "# TYPE process_cpu_seconds_total counter\n"
                        "process_cpu_seconds_total 12.34\n");
    assert_string_equal(render_gauges(*state, samples, 1, true),
                        "# HELP process_cpu_seconds Processor time.\n"
                        "# TYPE process_cpu_seconds counter\n"
                        "process_cpu_seconds_total 12.34\n# EOF\n");
}

/* More series than the index and the list of totals begin with. */
static void test_many_series(void **state)
{
    struct fixture *fixture = *state;
    char name[16];
    char line[80];
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "m%d", i % 1000);
        metrics_add(fixture->workers[i % 2], METRIC_BOUND_BREACHES, LABELS(span_from_string(name)),
                    i);
    }
    assert_int_equal(metrics_total(fixture->workers, 2, METRIC_BOUND_BREACHES), 2999 * 1500);
    const char *text = render(fixture, false);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof(line), "weir_bound_breaches_total{model=\"m%d\"} %d", i,
                 3 * i + 3000);
        expect_line(text, line);
    }
    size_t lines = 0;
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 1002);
}

static void test_full_buffer(void **state)
{
    struct fixture *fixture = *state;
    struct buf small;
    buf_init(&small, 100, 0);
    metrics_observe(fixture->workers[0], METRIC_OVERHEAD, NULL, 5);
    metrics_render(fixture->workers, 3, NULL, 0, false, &small);
    assert_true(buf_failed(&small));
    buf_fini(&small);
}

/* OpenMetrics asks that counters be called so. */
static void test_names_of_counters(void **state)
{
    (void)state;
#define METRIC(id, kind, name, unit, help, ...)                                                  \
    assert_int_equal(span_ends_with(SPAN(name), SPAN("_total")), strcmp(#kind, "COUNTER") == 0); \
    assert_int_equal(strpbrk(help, "\\\"\n"), NULL);
#include "telemetry/metrics.def"
#undef METRIC
}

static bool add_aborts(enum metric metric, int64_t amount, bool observe)
{
    pid_t child = fork();
    if (child == 0) {
        struct metrics *metrics = metrics_new();
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        if (observe)
            metrics_observe(metrics, metric, LABELS(SPAN("a"), SPAN("b")), amount);
        else
            metrics_add(metrics, metric, LABELS(SPAN("a"), SPAN("b")), amount);
        metrics_free(&metrics);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_assertions(void **state)
{
    (void)state;
    assert_false(add_aborts(METRIC_COST, 1, false));
    assert_true(add_aborts(METRIC_COST, -1, false));
    assert_true(add_aborts(METRIC_COST, 1, true));
    assert_true(add_aborts(METRIC_REQUEST_COST, -1, true));
    assert_true(add_aborts(METRIC_REQUEST_COST, 1, false));
}

#define METRICS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int test_metrics(void)
{
    const struct CMUnitTest tests[] = {
        METRICS_TEST(test_nothing),
        METRICS_TEST(test_counters_are_summed),
        METRICS_TEST(test_largest_numbers),
        METRICS_TEST(test_histogram),
        METRICS_TEST(test_bucket_sets),
        METRICS_TEST(test_labels),
        METRICS_TEST(test_gauges),
        METRICS_TEST(test_counters_of_the_scraper),
        METRICS_TEST(test_many_series),
        METRICS_TEST(test_full_buffer),
        cmocka_unit_test(test_names_of_counters),
        cmocka_unit_test(test_assertions),
    };
    return cmocka_run_group_tests_name("telemetry/metrics", tests, NULL, NULL);
}
