/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usage of any dialect, off the events of a stream: the first byte ('0' …) chooses the dialect,
 * each line is an event. Whatever they say, no figure is negative, no part above its total, no total
 * above its limit, and an event that comes twice says what it says once.
 *
 * '7' and '8' choose Bedrock's frames: the rest as it is, cut in three ways; and the rest as the
 * headers and the payload of one frame whose checksums fit, since chance does not find those.
 */
#include "fuzz.h"

#include "llm/price.h"
#include "llm/usage.h"
#include "wire/event_stream.h"

#define FRAME_CEILING ((size_t)1 << 16)

static const struct usage_limits limits[] = {{0, 0}, {128000, 4096}};

/* ---- what holds of every result ---- */

static void check_figures(const struct usage *usage)
{
    FUZZ_CHECK(usage->input >= 0 && usage->output >= 0 && usage->reasoning >= 0);
    FUZZ_CHECK(usage->cached_input >= 0 && usage->cache_write >= 0);
    FUZZ_CHECK(usage->cached_input + usage->cache_write <= usage->input);
    FUZZ_CHECK(usage->cache_write_1h >= 0 && usage->cache_write_1h <= usage->cache_write);
    FUZZ_CHECK(usage->audio_input >= 0 && usage->image_input >= 0);
    FUZZ_CHECK(usage->audio_input + usage->image_input <= usage->input);
    FUZZ_CHECK(usage->cached_audio >= 0 && usage->cached_audio <= usage->audio_input);
    FUZZ_CHECK(usage->cached_audio <= usage->cached_input);
    FUZZ_CHECK(usage->audio_output >= 0 && usage->image_output >= 0);
    FUZZ_CHECK(usage->audio_output + usage->image_output <= usage->output);
    FUZZ_CHECK(usage->web_searches >= 0 && usage->service_tier <= SERVICE_TIER_OTHER);
    FUZZ_CHECK(usage->input > 0 || usage->output > 0);
}

/* Only Anthropic's passes may exceed the limits of one. */
static void check_limits(const struct usage_reader *reader, const struct usage *usage)
{
    const struct usage_limits *most = &reader->limits;
    if (reader->dialect == USAGE_DIALECT_ANTHROPIC)
        return;
    FUZZ_CHECK(most->context_window == 0 || usage->input <= most->context_window);
    FUZZ_CHECK(most->output_limit == 0 || usage->output <= most->output_limit);
}

static void check_cost(const struct usage *usage)
{
    static const struct price price = {.known = true,
                                       .rates = {.input_pusd = 2500000,
                                                 .cached_input_pusd = 1250000,
                                                 .cache_write_pusd = 3125000,
                                                 .cache_write_1h_pusd = 5000000,
                                                 .audio_input_pusd = 40000000,
                                                 .cached_audio_pusd = 2500000,
                                                 .image_input_pusd = 5000000,
                                                 .output_pusd = 10000000,
                                                 .reasoning_pusd = 10000000,
                                                 .audio_output_pusd = 80000000,
                                                 .image_output_pusd = 30000000},
                                       .web_search_nusd = 10000000};
    int64_t cost;
    FUZZ_CHECK(!price_cost(&price, usage, &cost) || cost > 0);
}

static void check_result(const struct usage_reader *reader)
{
    struct usage usage;
    struct span model;
    enum usage_verdict verdict = usage_reader_result(reader, &usage);
    if (verdict == USAGE_GOOD || verdict == USAGE_PARTIAL) {
        check_figures(&usage);
        check_limits(reader, &usage);
        check_cost(&usage);
    }
    if (usage_reader_advisor(reader, &usage, &model))
        FUZZ_CHECK(model.len > 0 && usage.input >= 0 && usage.output >= 0);
}

/* ---- events ---- */

/* The arena is as it was after each event: a stream has any number of them. */
static void feed_event(struct usage_reader *reader, struct span event)
{
    struct arena_mark before = arena_mark(reader->scratch);
    usage_reader_event(reader, event);
    struct arena_mark after = arena_mark(reader->scratch);
    FUZZ_CHECK(after.chunk == before.chunk && after.used == before.used && !after.failed);
    check_result(reader);
}

static void run_lines(enum usage_dialect dialect, struct span input,
                      const struct usage_limits *most)
{
    struct arena scratch;
    struct usage_reader reader;
    arena_init(&scratch, FUZZ_ROOM);
    FUZZ_CHECK(ARENA_NEW(&scratch, int64_t) != NULL);
    usage_reader_init(&reader, dialect, most, &scratch);
    while (input.len > 0) {
        struct span line;
        input = span_cut(input, '\n', &line);
        feed_event(&reader, line);
        struct usage_reader again = reader;
        usage_reader_event(&again, line); /* an event twice says what it said once */
        FUZZ_CHECK(again.ended == reader.ended && again.impossible == reader.impossible);
    }
    arena_fini(&scratch);
}

/* ---- frames ---- */

struct frames {
    struct usage_reader *reader;
    struct buf raw;
};

static bool on_frame(void *argument, const struct event_frame *frame)
{
    struct frames *frames = argument;
    const struct span parts[] = {frame->message_type, frame->event_type,    frame->exception_type,
                                 frame->error_code,   frame->error_message, frame->payload};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        FUZZ_CHECK(parts[i].len == 0 || fuzz_inside(parts[i], frame->raw));
    buf_append(&frames->raw, frame->raw);
    feed_event(frames->reader, frame->payload);
    return true;
}

/* Returns the fault; *size gets how many bytes were frames. */
static enum event_stream_fault run_frames(struct span input, enum fuzz_cut cut, size_t *size)
{
    struct arena scratch;
    struct usage_reader reader;
    struct event_stream stream;
    struct frames frames = {.reader = &reader};
    struct fuzz_chance chance = fuzz_chance_of(input);
    struct span rest = input;
    enum event_stream_fault fault = EVENT_STREAM_FINE;
    arena_init(&scratch, FUZZ_ROOM);
    FUZZ_CHECK(ARENA_NEW(&scratch, int64_t) != NULL);
    buf_init(&frames.raw, FUZZ_ROOM, 0);
    usage_reader_init(&reader, USAGE_DIALECT_BEDROCK, &limits[0], &scratch);
    event_stream_init(&stream, FRAME_CEILING);
    while (rest.len > 0) {
        struct span piece = fuzz_piece(&rest, cut, &chance);
        fault = event_stream_feed(&stream, piece, on_frame, &frames);
        free((char *)(uintptr_t)piece.ptr);
    }
    *size = buf_len(&frames.raw);
    FUZZ_CHECK(*size <= input.len);
    FUZZ_CHECK(span_equal(buf_span(&frames.raw), span_make(input.ptr, *size)));
    FUZZ_CHECK(event_stream_is_whole(&stream) ==
               (fault == EVENT_STREAM_FINE && *size == input.len));
    event_stream_fini(&stream);
    buf_fini(&frames.raw);
    arena_fini(&scratch);
    return fault;
}

static enum event_stream_fault check_frames(struct span input)
{
    size_t whole;
    enum event_stream_fault fault = run_frames(input, FUZZ_WHOLE, &whole);
    for (enum fuzz_cut cut = FUZZ_BYTES; cut < FUZZ_CUTS; cut++) {
        size_t size;
        FUZZ_CHECK(run_frames(input, cut, &size) == fault && size == whole);
    }
    return fault;
}

static uint32_t checksum(struct span bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.ptr[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    return ~crc;
}

static void put_u32(struct buf *buf, size_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_append_byte(buf, (char)(value >> shift & 0xFF));
}

/* The first byte says how many of the others are headers. */
static void check_framed(struct span input)
{
    struct buf frame;
    if (input.len == 0)
        return;
    size_t headers = (unsigned char)input.ptr[0];
    input = span_from(input, 1);
    buf_init(&frame, FUZZ_ROOM, 0);
    put_u32(&frame, input.len + 16);
    put_u32(&frame, headers);
    put_u32(&frame, checksum(buf_span(&frame)));
    buf_append(&frame, input);
    put_u32(&frame, checksum(buf_span(&frame)));
    FUZZ_CHECK(check_frames(buf_span(&frame)) != EVENT_STREAM_BAD_CHECKSUM);
    buf_fini(&frame);
}

void fuzz_usage(struct span input)
{
    if (input.len == 0)
        return;
    unsigned choice = (unsigned char)(input.ptr[0] - '0') % (USAGE_DIALECTS + 2);
    input = span_from(input, 1);
    if (choice == USAGE_DIALECTS)
        check_frames(input);
    else if (choice > USAGE_DIALECTS)
        check_framed(input);
    else
        for (size_t i = 0; i < 2; i++)
            run_lines((enum usage_dialect)choice, input, &limits[i]);
}
