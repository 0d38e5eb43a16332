/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The families of metrics.def as a table, and the bounds of the histograms. A bound's text follows
 * OpenMetrics' canonical numbers in both formats, so that a series keeps its name whichever is
 * asked for.
 */
#include "metrics_private.h"

#include <assert.h>

#define METRIC(metric, kind_, name_, unit_, help_, ...)                                          \
    [METRIC_##metric] = {                                                                        \
        .name = name_,                                                                           \
        .help = help_,                                                                           \
        .kind = KIND_##kind_,                                                                    \
        .unit = unit_,                                                                           \
        .label_count = sizeof((const char *[]){NULL, ##__VA_ARGS__}) / sizeof(const char *) - 1, \
        .labels = {__VA_ARGS__}},
const struct family metric_families[METRIC_COUNT] = {
#include "telemetry/metrics.def"
};
#undef METRIC

/* In nanoseconds. */
static const struct bucket seconds[] = {
    {100000, "0.0001"},      {250000, "0.00025"},     {500000, "0.0005"},
    {1000000, "0.001"},      {2500000, "0.0025"},     {5000000, "0.005"},
    {10000000, "0.01"},      {25000000, "0.025"},     {50000000, "0.05"},
    {100000000, "0.1"},      {250000000, "0.25"},     {500000000, "0.5"},
    {1000000000, "1.0"},     {2500000000, "2.5"},     {5000000000, "5.0"},
    {10000000000, "10.0"},   {30000000000, "30.0"},   {60000000000, "60.0"},
    {120000000000, "120.0"}, {300000000000, "300.0"}, {600000000000, "600.0"},
};

/* In nano-dollars. */
static const struct bucket dollars[] = {
    {10000, "1e-05"},      {100000, "0.0001"},  {500000, "0.0005"},  {1000000, "0.001"},
    {5000000, "0.005"},    {10000000, "0.01"},  {50000000, "0.05"},  {100000000, "0.1"},
    {500000000, "0.5"},    {1000000000, "1.0"}, {5000000000, "5.0"}, {10000000000, "10.0"},
    {50000000000, "50.0"},
};

/* In tokens: by four, as OpenTelemetry's GenAI conventions have them. */
static const struct bucket tokens[] = {
    {1, "1.0"},
    {4, "4.0"},
    {16, "16.0"},
    {64, "64.0"},
    {256, "256.0"},
    {1024, "1024.0"},
    {4096, "4096.0"},
    {16384, "16384.0"},
    {65536, "65536.0"},
    {262144, "262144.0"},
    {1048576, "1.048576e+06"},
};

#define COUNT_OF(array)    (sizeof(array) / sizeof((array)[0]))
#define FIRST_TOKEN_BEGINS 3 /* at 0.001 */

static const struct bucket_set bucket_sets[] = {
    [KIND_COUNTER] = {NULL, 0},
    [KIND_SECONDS] = {seconds, COUNT_OF(seconds)},
    [KIND_FIRST_TOKEN] = {seconds + FIRST_TOKEN_BEGINS, COUNT_OF(seconds) - FIRST_TOKEN_BEGINS},
    [KIND_DOLLARS] = {dollars, COUNT_OF(dollars)},
    [KIND_TOKENS] = {tokens, COUNT_OF(tokens)},
};

static_assert(COUNT_OF(seconds) + 2 <= METRIC_MAX_CELLS, "a sum, the buckets, one without bound");
static_assert(COUNT_OF(dollars) + 2 <= METRIC_MAX_CELLS, "a sum, the buckets, one without bound");
static_assert(METRIC_COUNT <= 127, "a key's first byte");

const struct bucket_set *metric_buckets(enum metric metric)
{
    return &bucket_sets[metric_families[metric].kind];
}

size_t metric_cell_count(enum metric metric)
{
    size_t buckets = metric_buckets(metric)->count;
    return buckets > 0 ? buckets + 2 : 1;
}
