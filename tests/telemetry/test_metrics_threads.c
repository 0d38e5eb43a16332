/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Workers write and make new series while the scraper reads: nothing is torn, nothing goes down,
 * nothing is lost. The thread sanitizer is the other half of this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "telemetry/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITERS 2
#define ROUNDS  60000
#define MODELS  300

struct writer {
    struct metrics *metrics;
    pthread_t thread;
    atomic_int *running;
};

static void *work(void *argument)
{
    struct writer *writer = argument;
    for (int i = 0; i < ROUNDS; i++) {
        char model[16];
        /* New models keep coming until the end. */
        snprintf(model, sizeof(model), "m%d", i % (1 + i / (ROUNDS / MODELS)));
        struct span label = span_from_string(model);
        metrics_add(writer->metrics, METRIC_BOUND_BREACHES, &label, 1);
        metrics_observe(writer->metrics, METRIC_DURATION, &label, i * 1000);
    }
    atomic_fetch_sub(writer->running, 1);
    return NULL;
}

/* The +Inf bucket and the count of each series are one number, and series follow one another. */
static void check_histograms(const char *text)
{
    const char *at = text;
    while ((at = strstr(at, "le=\"+Inf\"} ")) != NULL) {
        at += strlen("le=\"+Inf\"} ");
        long long all = atoll(at);
        at = strstr(at, "_count{");
        assert_non_null(at);
        assert_true(atoll(strstr(at, "} ") + 2) == all);
    }
}

static void test_scrape_while_writing(void **state)
{
    (void)state;
    struct writer writers[WRITERS];
    struct metrics *all[WRITERS];
    struct buf out;
    atomic_int running = WRITERS;
    int64_t last = 0;
    buf_init(&out, (size_t)8 << 20, 0);
    for (int i = 0; i < WRITERS; i++) {
        all[i] = metrics_new();
        writers[i] = (struct writer){.metrics = all[i], .running = &running};
        pthread_create(&writers[i].thread, NULL, work, &writers[i]);
    }
    while (atomic_load(&running) > 0) {
        buf_reset(&out, (size_t)8 << 20);
        metrics_render(all, WRITERS, NULL, 0, true, &out);
        assert_false(buf_failed(&out));
        buf_append_byte(&out, '\0');
        check_histograms(buf_span(&out).ptr);
        int64_t total = metrics_total(all, WRITERS, METRIC_BOUND_BREACHES);
        assert_true(total >= last);
        last = total;
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    assert_int_equal(metrics_total(all, WRITERS, METRIC_BOUND_BREACHES), WRITERS * ROUNDS);
    for (int i = 0; i < WRITERS; i++)
        metrics_free(&all[i]);
    buf_fini(&out);
}

int test_metrics_threads(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scrape_while_writing),
    };
    return cmocka_run_group_tests_name("telemetry/metrics_threads", tests, NULL, NULL);
}
