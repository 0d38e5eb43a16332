/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every recorded exchange of every vendor: usage and cost are those that scripts/exchange_usage.py
 * computed by itself. Streams are fed whole, byte by byte, and cut off after each event. And where a
 * provider put its own bill into the answer, ours is the same to the nano-dollar.
 */
#include "exchange_expectations.h"
#include "support.h"
#include "usage_same.h"

#include "wire/event_stream.h"
#include "wire/sse_reader.h"

#include <dirent.h>
#include <zlib.h>

#define ROOM         ((size_t)8 << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct usage_limits no_limits = {0, 0};

/* ---- one exchange ---- */

struct replay {
    const struct exchange_expectation *expected;
    struct usage_reader usage;
    struct arena arena;
    int events;
    int final_after; /* the event with which the verdict became good; 0: none did */
};

static void assert_usage(const char *name, const struct usage *got, const struct usage *expected)
{
    if (usage_same(got, expected))
        return;
    print_error("%s: input %lld, cached %lld, written %lld, output %lld, reasoning %lld, "
                "searches %lld, tier %d\n",
                name, (long long)got->input, (long long)got->cached_input,
                (long long)got->cache_write, (long long)got->output, (long long)got->reasoning,
                (long long)got->web_searches, (int)got->service_tier);
    fail_msg("not as expected");
}

/* What is final stays: a good verdict on the way is that of the end, and before there is none. */
static void on_data(struct replay *replay, struct span data)
{
    struct usage usage;
    usage_reader_event(&replay->usage, data);
    replay->events++;
    enum usage_verdict verdict = usage_reader_result(&replay->usage, &usage);
    assert_int_not_equal(verdict, USAGE_IMPOSSIBLE);
    if (verdict == USAGE_GOOD) {
        replay->final_after = replay->final_after > 0 ? replay->final_after : replay->events;
        assert_usage(replay->expected->name, &usage, &replay->expected->usage);
    } else {
        assert_int_equal(replay->final_after, 0);
    }
}

static bool on_event(void *argument, const struct sse_event *event)
{
    if (event->has_data)
        on_data(argument, event->data);
    return true;
}

static bool on_frame(void *argument, const struct event_frame *frame)
{
    assert_true(span_equal(frame->message_type, SPAN("event")));
    assert_true(frame->event_type.len > 0);
    on_data(argument, frame->payload);
    return true;
}

static void feed_sse(struct replay *replay, struct span bytes, size_t step)
{
    struct sse_reader reader;
    sse_reader_init(&reader, ROOM);
    while (bytes.len > 0) {
        size_t size = step < bytes.len ? step : bytes.len;
        assert_true(sse_reader_feed(&reader, span_make(bytes.ptr, size), on_event, replay));
        bytes = span_from(bytes, size);
    }
    sse_reader_end(&reader, on_event, replay);
    sse_reader_fini(&reader);
}

static void feed_frames(struct replay *replay, struct span bytes, size_t step)
{
    struct event_stream stream;
    event_stream_init(&stream, ROOM);
    while (bytes.len > 0) {
        size_t size = step < bytes.len ? step : bytes.len;
        assert_int_equal(event_stream_feed(&stream, span_make(bytes.ptr, size), on_frame, replay),
                         EVENT_STREAM_FINE);
        bytes = span_from(bytes, size);
    }
    assert_true(event_stream_is_whole(&stream));
    event_stream_fini(&stream);
}

/* One recording was stored as it came over the wire, compressed. */
static void feed_gzip(struct replay *replay, struct span bytes)
{
    char text[65536];
    z_stream zip = {.next_in = (unsigned char *)(uintptr_t)bytes.ptr,
                    .avail_in = (unsigned)bytes.len,
                    .next_out = (unsigned char *)text,
                    .avail_out = sizeof(text)};
    assert_int_equal(inflateInit2(&zip, 15 + 16), Z_OK);
    assert_int_equal(inflate(&zip, Z_FINISH), Z_STREAM_END);
    on_data(replay, span_make(text, zip.total_out));
    inflateEnd(&zip);
}

static void feed(struct replay *replay, struct span bytes, size_t step)
{
    struct span name = span_from_string(replay->expected->name);
    if (span_ends_with(name, SPAN(".sse")))
        feed_sse(replay, bytes, step);
    else if (span_ends_with(name, SPAN(".bin")))
        feed_frames(replay, bytes, step);
    else if (span_starts_with(bytes, SPAN("\x1f\x8b")))
        feed_gzip(replay, bytes);
    else
        on_data(replay, bytes);
}

/* Reads it in pieces of `step` bytes; returns how many events that gave. */
static int replay_one(const struct exchange_expectation *expected, struct span bytes, size_t step)
{
    struct replay replay = {.expected = expected};
    struct usage usage;
    arena_init(&replay.arena, ROOM);
    usage_reader_init(&replay.usage, expected->dialect, &no_limits, &replay.arena);
    feed(&replay, bytes, step);
    enum usage_verdict verdict = usage_reader_result(&replay.usage, &usage);
    if (verdict != expected->verdict)
        fail_msg("%s: verdict %d", expected->name, (int)verdict);
    if (verdict == USAGE_GOOD) {
        int64_t cost = -1;
        assert_usage(expected->name, &usage, &expected->usage);
        assert_true(price_cost(&exchange_price, &usage, &cost));
        if (cost != expected->cost_nusd)
            fail_msg("%s: %lld nano-dollars", expected->name, (long long)cost);
    }
    arena_fini(&replay.arena);
    return replay.events;
}

/* NULL where there are no recordings. */
static char *read_exchange(const char *name, size_t *len)
{
    char path[600];
    snprintf(path, sizeof(path), SHARED_DATA "/exchanges/%s", name);
    return read_file(path, len);
}

static char *need_exchange(const char *name, size_t *len)
{
    char *text = read_exchange(name, len);
    if (text == NULL) {
        print_message("no recorded exchanges here: skipped\n");
        skip();
    }
    return text;
}

/* ---- all of them ---- */

struct vendor {
    char name[32];
    int exchanges;
    int with_usage;
    int64_t cost_nusd;
};

static void count_vendor(struct vendor *vendors, const struct exchange_expectation *row)
{
    size_t len = strcspn(row->name, "/");
    while (vendors->exchanges > 0 && strncmp(vendors->name, row->name, len + 1) != 0)
        vendors++;
    snprintf(vendors->name, sizeof(vendors->name), "%.*s/", (int)len, row->name);
    vendors->exchanges++;
    vendors->with_usage += row->verdict == USAGE_GOOD;
    vendors->cost_nusd += row->cost_nusd;
}

static void print_vendors(const struct vendor *vendors)
{
    int exchanges = 0;
    int with_usage = 0;
    for (; vendors->exchanges > 0; vendors++) {
        print_message("    %-12s %3d exchanges, %3d with usage, %12lld nano-dollars\n",
                      vendors->name, vendors->exchanges, vendors->with_usage,
                      (long long)vendors->cost_nusd);
        exchanges += vendors->exchanges;
        with_usage += vendors->with_usage;
    }
    print_message("    %d exchanges, %d with usage: all as expected\n", exchanges, with_usage);
}

static void every_exchange_costs_what_it_should(void **state)
{
    (void)state;
    struct vendor vendors[16] = {0};
    for (size_t i = 0; i < COUNT(exchange_expectations); i++) {
        const struct exchange_expectation *row = &exchange_expectations[i];
        size_t len;
        char *text = need_exchange(row->name, &len);
        struct span bytes = span_make(text, len);
        int events = replay_one(row, bytes, SIZE_MAX);
        assert_true(events > 0);
        assert_int_equal(replay_one(row, bytes, 1), events);
        assert_int_equal(replay_one(row, bytes, 7), events);
        count_vendor(vendors, row);
        free(text);
    }
    print_vendors(vendors);
}

/* A recording that the script has not seen would be one that nobody checks. */
static int count_responses(const char *folder)
{
    char path[600];
    int count = 0;
    snprintf(path, sizeof(path), SHARED_DATA "/exchanges/%s", folder);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += strstr(entry->d_name, ".response.") != NULL;
    closedir(dir);
    return count;
}

static void no_exchange_is_left_out(void **state)
{
    (void)state;
    int count = 0;
    DIR *dir = opendir(SHARED_DATA "/exchanges");
    if (dir == NULL) {
        print_message("no recorded exchanges here: skipped\n");
        skip();
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            count += count_responses(entry->d_name);
    closedir(dir);
    assert_int_equal(count, COUNT(exchange_expectations));
}

/* ---- bills that providers put into their answers ---- */

struct bill {
    const char *name;
    enum usage_dialect dialect;
    int64_t input_pusd; /* as listed for the model, or as cost_details has it */
    int64_t cached_input_pusd;
    int64_t output_pusd;
    int64_t web_search_nusd;
    int64_t nusd; /* the provider's own figure */
};

static const struct bill bills[] = {
    {"openrouter/stream-cache.response.sse", USAGE_DIALECT_OPENAI, 3000000, 300000, 15000000, 0,
     837000},
    {"openrouter/stream-reasoning.response.sse", USAGE_DIALECT_OPENAI, 3000000, 300000, 15000000, 0,
     669000},
    /* 0.0032696 + 0.000048, and the search that server_tool_use_details counts */
    {"openrouter/stream-websearch.response.sse", USAGE_DIALECT_OPENAI, 400000, 100000, 1600000,
     10000000, 13317600},
    {"openrouter/usage-cost.response.json", USAGE_DIALECT_OPENAI, 250000, 25000, 2000000, 0,
     4358250},
    /* 1497500 ticks of 10^-10 dollars: only with the reasoning beside completion_tokens */
    {"others/xai-stream-tool.response.sse", USAGE_DIALECT_OPENAI, 300000, 75000, 500000, 0, 149750},
    {"others/pydantic-gateway-openai.response.json", USAGE_DIALECT_OPENAI, 1250000, 125000,
     10000000, 0, 126250},
    {"others/pydantic-gateway-anthropic.response.json", USAGE_DIALECT_ANTHROPIC, 3000000, 300000,
     15000000, 0, 192000},
};

static const struct exchange_expectation *find_expectation(const char *name)
{
    for (size_t i = 0; i < COUNT(exchange_expectations); i++)
        if (strcmp(exchange_expectations[i].name, name) == 0)
            return &exchange_expectations[i];
    fail_msg("%s is not expected", name);
    return NULL;
}

static void agrees_with_the_bills_in_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bills); i++) {
        const struct bill *bill = &bills[i];
        struct price price = {.known = true,
                              .rates = {.input_pusd = bill->input_pusd,
                                        .cached_input_pusd = bill->cached_input_pusd,
                                        .output_pusd = bill->output_pusd,
                                        .reasoning_pusd = bill->output_pusd},
                              .web_search_nusd = bill->web_search_nusd};
        struct exchange_expectation expected = *find_expectation(bill->name);
        struct replay replay = {.expected = &expected};
        struct usage usage;
        size_t len;
        int64_t cost;
        char *text = need_exchange(bill->name, &len);
        arena_init(&replay.arena, ROOM);
        usage_reader_init(&replay.usage, bill->dialect, &no_limits, &replay.arena);
        feed(&replay, span_make(text, len), SIZE_MAX);
        assert_int_equal(usage_reader_result(&replay.usage, &usage), USAGE_GOOD);
        assert_true(price_cost(&price, &usage, &cost));
        if (cost != bill->nusd)
            fail_msg("%s: %lld, not %lld", bill->name, (long long)cost, (long long)bill->nusd);
        arena_fini(&replay.arena);
        free(text);
    }
    print_message("    %zu bills that providers put into their answers: the same\n", COUNT(bills));
}

int test_exchange_costs(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_exchange_costs_what_it_should),
        cmocka_unit_test(no_exchange_is_left_out),
        cmocka_unit_test(agrees_with_the_bills_in_answers),
    };
    return cmocka_run_group_tests_name("llm/exchange_costs", tests, NULL, NULL);
}
