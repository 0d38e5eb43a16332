/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a request body is read: json_scan beside cJSON's parse (and free) of the same text.
 * Processor time counts, both take turns in short bursts, each ratio is of two neighbours, and medians
 * are printed, so that a busy machine does not decide. ROUNDS × 2 × BURST_NS for each kind of body.
 */
#include "wire/json.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "bodies.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BODY_SIZE (100 << 10)
#define SEED      20261124
#define ROUNDS    21
#define BURST_NS  (10 * NS_PER_MS)

static void read_by_scan(struct span text)
{
    static struct arena arena;
    struct json_object root;
    struct json_fault fault;
    if (arena.cap == 0)
        arena_init(&arena, 1 << 20);
    arena_reset(&arena);
    if (!json_scan(text, &arena, &root, &fault)) {
        fprintf(stderr, "bench: json_scan refused its text at %zu: %s\n", fault.offset, fault.what);
        exit(1);
    }
}

static void read_by_cjson(struct span text)
{
    cJSON *root = cJSON_ParseWithLength(text.ptr, text.len);
    if (root == NULL) {
        fprintf(stderr, "bench: cJSON refused its text\n");
        exit(1);
    }
    cJSON_Delete(root);
}

static int64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Gigabytes a second. */
static double burst(void (*read)(struct span text), struct span text)
{
    int64_t begun = processor_ns(), now;
    size_t bytes = 0;
    do {
        read(text);
        bytes += text.len;
        now = processor_ns();
    } while (now - begun < BURST_NS);
    return (double)bytes / (double)(now - begun);
}

static int rising(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void measure(enum body_kind kind)
{
    struct buf body;
    buf_init(&body, 2 * BODY_SIZE, 0);
    body_write(kind, BODY_SIZE, SEED, &body);
    double scan[ROUNDS], cjson[ROUNDS], ratio[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        scan[i] = burst(read_by_scan, buf_span(&body));
        cjson[i] = burst(read_by_cjson, buf_span(&body));
        ratio[i] = scan[i] / cjson[i];
    }
    qsort(scan, ROUNDS, sizeof(double), rising);
    qsort(cjson, ROUNDS, sizeof(double), rising);
    qsort(ratio, ROUNDS, sizeof(double), rising);
    printf("  %-46s %5.2f    %5.2f    %5.1f (%.1f to %.1f)\n", body_texts[kind], scan[ROUNDS / 2],
           cjson[ROUNDS / 2], ratio[ROUNDS / 2], ratio[0], ratio[ROUNDS - 1]);
    buf_fini(&body);
}

int main(void)
{
    printf("chat bodies of %d KiB, GB/s:                    json_scan   cJSON    ratio\n",
           BODY_SIZE >> 10);
    for (enum body_kind kind = 0; kind < BODY_KINDS; kind++)
        measure(kind);
    return 0;
}
