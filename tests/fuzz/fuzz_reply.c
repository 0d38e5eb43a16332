/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider's answer, whole and as the data of an event. No figure is ever negative or above its
 * limit, and the event that is written, with a cost or without its null, says the same when it is
 * read back from the stream.
 */
#include "fuzz.h"

#include "base/money.h"
#include "llm/dialect.h"
#include "llm/price.h"
#include "wire/json.h"
#include "wire/sse_reader.h"

static void check_usage(const struct usage *usage, const struct usage_limits *limits)
{
    static const struct price price = {.known = true,
                                       .rates = {.input_pusd = 2500000,
                                                 .cached_input_pusd = 1250000,
                                                 .cache_write_pusd = 3125000,
                                                 .output_pusd = 10000000},
                                       .per_request_nusd = 1000};
    int64_t cost;
    FUZZ_CHECK(usage->input >= 0 && usage->cached_input >= 0 && usage->cache_write >= 0);
    FUZZ_CHECK(usage->output >= 0 && usage->reasoning >= 0);
    FUZZ_CHECK(usage->cached_input + usage->cache_write <= usage->input);
    FUZZ_CHECK(usage->input > 0 || usage->output > 0);
    FUZZ_CHECK(limits->context_window == 0 || usage->input <= limits->context_window);
    FUZZ_CHECK(limits->output_limit == 0 || usage->output <= limits->output_limit);
    FUZZ_CHECK(!price_cost(&price, usage, &cost) || cost > 0);
}

/* -1 where there is none. */
static double figure(const struct json *usage, const char *key)
{
    double number;
    return json_number(json_get(usage, key), &number) ? number : -1;
}

/* The figures again, by way of the tree; all that are good are exact in a double. */
static void check_figures(struct span data, const struct usage *usage)
{
    struct json *root = json_parse(data);
    const struct json *report = json_get(root, "usage");
    if (json_type(report) == JSON_OBJECT) {
        double prompt = figure(report, "prompt_tokens");
        double completion = figure(report, "completion_tokens");
        double beside = figure(report, "total_tokens") - prompt;
        const struct json *written = json_get(report, "completion_tokens");
        FUZZ_CHECK(prompt == (double)usage->input);
        FUZZ_CHECK(json_type(written) != JSON_NUMBER || completion >= 0);
        completion = completion > 0 ? completion : 0;
        FUZZ_CHECK((double)usage->output == (completion > beside ? completion : beside));
    }
    json_free(&root);
}

static void check_facts(const struct reply_facts *facts, struct span data, bool stream,
                        const struct usage_limits *limits)
{
    FUZZ_CHECK(facts->text_bytes <= data.len && usage_estimate_tokens(facts->text_bytes) >= 0);
    FUZZ_CHECK(stream || (!facts->is_done && !facts->is_usage_only));
    FUZZ_CHECK(!facts->is_usage_only || facts->text_bytes == 0);
    FUZZ_CHECK(facts->usage_null.len == 0 || fuzz_inside(facts->usage_null, data));
    FUZZ_CHECK(facts->usage_cost.len == 0 || fuzz_inside(facts->usage_cost, data));
    FUZZ_CHECK(facts->usage_null.len == 0 || facts->usage_end == 0);
    if (facts->usage_end > 0)
        FUZZ_CHECK(facts->usage_end < data.len && data.ptr[facts->usage_end] == '}');
    if (facts->usage_verdict != USAGE_GOOD)
        return;
    check_usage(&facts->usage, limits);
    check_figures(data, &facts->usage);
}

/* The scratch arena is as it was, whatever was read: a stream has any number of events. */
static struct reply_facts read_reply(struct span data, bool stream,
                                     const struct usage_limits *limits, size_t room)
{
    struct arena scratch;
    struct reply_facts facts;
    arena_init(&scratch, room);
    FUZZ_CHECK(ARENA_NEW(&scratch, int64_t) != NULL);
    struct arena_mark before = arena_mark(&scratch);
    dialect_openai.read_reply(data, stream, limits, &scratch, &facts);
    struct arena_mark after = arena_mark(&scratch);
    FUZZ_CHECK(after.chunk == before.chunk && after.used == before.used && !after.failed);
    arena_fini(&scratch);
    check_facts(&facts, data, stream, limits);
    return facts;
}

/* ---- events written and read back ---- */

static bool keep_data(void *argument, const struct sse_event *event)
{
    struct buf *data = argument;
    FUZZ_CHECK(event->complete && event->has_data && event->name.len == 0);
    FUZZ_CHECK(data->ceiling == 0); /* the first event, and the only one */
    buf_init(data, FUZZ_ROOM, 0);
    buf_append(data, event->data);
    return true;
}

/* Its data, to be ended by the caller. */
static struct buf write_and_read(struct span data, const struct reply_facts *facts, int64_t cost)
{
    struct buf out;
    struct buf kept = {.ceiling = 0};
    struct sse_reader reader;
    buf_init(&out, FUZZ_ROOM, 0);
    FUZZ_CHECK(dialect_openai.write_event(data, facts, cost, &out));
    sse_reader_init(&reader, FUZZ_ROOM);
    FUZZ_CHECK(sse_reader_feed(&reader, buf_span(&out), keep_data, &kept));
    FUZZ_CHECK(buf_len(&reader.pending) == 0 && kept.ceiling != 0);
    sse_reader_fini(&reader);
    buf_fini(&out);
    return kept;
}

/* Data as an event can carry it: every line end is an LF. */
static struct buf with_lf(struct span data)
{
    struct buf out;
    buf_init(&out, FUZZ_ROOM, 0);
    for (size_t i = 0; i < data.len; i++) {
        bool cr = data.ptr[i] == '\r';
        buf_append_byte(&out, cr ? '\n' : data.ptr[i]);
        if (cr && i + 1 < data.len && data.ptr[i + 1] == '\n')
            i++;
    }
    return out;
}

static void check_same(const struct reply_facts *a, const struct reply_facts *b)
{
    FUZZ_CHECK(a->is_done == b->is_done && a->is_usage_only == b->is_usage_only);
    FUZZ_CHECK(a->is_error == b->is_error && a->finished == b->finished);
    FUZZ_CHECK(a->usage_verdict == b->usage_verdict && a->text_bytes == b->text_bytes);
    if (a->usage_verdict == USAGE_GOOD)
        FUZZ_CHECK(memcmp(&a->usage, &b->usage, sizeof(a->usage)) == 0);
}

static void check_written(struct span data, const struct reply_facts *facts, int64_t cost,
                          const struct usage_limits *limits)
{
    struct buf kept = write_and_read(data, facts, cost);
    struct reply_facts again = read_reply(buf_span(&kept), true, limits, FUZZ_ROOM);
    char money[MONEY_TEXT_SIZE];
    check_same(facts, &again);
    FUZZ_CHECK(again.usage_null.len == 0 && (facts->usage_end > 0) == (again.usage_end > 0));
    if (facts->usage_end > 0 && cost >= 0)
        FUZZ_CHECK(span_equal(again.usage_cost, span_from_string(money_format(cost, money))));
    if (facts->usage_null.len == 0 && (facts->usage_end == 0 || cost < 0)) {
        struct buf plain = with_lf(data);
        FUZZ_CHECK(span_equal(buf_span(&kept), buf_span(&plain)));
        buf_fini(&plain);
    }
    buf_fini(&kept);
}

void fuzz_reply(struct span input)
{
    static const struct usage_limits limits[] = {{0, 0}, {128000, 4096}};
    static const int64_t costs[] = {-1, 0, 12345, INT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        read_reply(input, false, &limits[i], FUZZ_ROOM);
        struct reply_facts facts = read_reply(input, true, &limits[i], FUZZ_ROOM);
        for (size_t j = 0; j < sizeof(costs) / sizeof(costs[0]); j++)
            check_written(input, &facts, costs[j], &limits[i]);
        read_reply(input, true, &limits[i], 4096);
    }
}
