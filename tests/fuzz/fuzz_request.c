/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests fed whole, byte by byte, and cut where the input says: the same heads, bodies and ends,
 * and the same end. A request that two cuts read in two ways is one that the network can smuggle.
 */
#include "fuzz.h"

#include "wire/request_reader.h"
#include "wire/url.h"

struct transcript {
    struct buf text;
    int64_t declared;  /* content_length of the message */
    uint64_t received; /* of its body */
};

/* What the gateway does next with a target: whatever it says, no escape may smuggle a slash. */
static void check_target(struct span target)
{
    struct arena arena;
    struct span path;
    struct span query;
    arena_init(&arena, FUZZ_ROOM);
    FUZZ_CHECK(target.len > 0 && target.len <= REQUEST_MAX_TARGET);
    if (target_path(target, &arena, &path, &query)) {
        FUZZ_CHECK(path.len <= target.len && span_starts_with(path, SPAN("/")));
        for (size_t i = 0; i < path.len; i++)
            FUZZ_CHECK((unsigned char)path.ptr[i] >= 0x20 && path.ptr[i] != 0x7F);
    }
    arena_fini(&arena);
}

static void check_head(const struct request_head *head)
{
    FUZZ_CHECK(head->content_length >= -1 && head->minor_version <= 1);
    FUZZ_CHECK(head->headers.count <= REQUEST_MAX_HEADERS);
    FUZZ_CHECK(!head->keep_alive || head->minor_version == 1);
    FUZZ_CHECK(!head->expects_continue || head->content_length != 0);
    FUZZ_CHECK(headers_count(&head->headers, SPAN("host")) <= 1);
    size_t bytes = 0;
    for (size_t i = 0; i < head->headers.count; i++) {
        struct header header = head->headers.items[i];
        FUZZ_CHECK(header.name.len > 0 && field_safe(header.value));
        bytes += header.name.len + header.value.len;
    }
    FUZZ_CHECK(bytes <= REQUEST_MAX_HEAD);
    check_target(head->target);
}

static bool on_head(void *argument, const struct request_head *head)
{
    struct transcript *transcript = argument;
    check_head(head);
    transcript->declared = head->content_length;
    transcript->received = 0;
    buf_printf(&transcript->text, "<%.*s %.*s %d %lld%s%s", SPAN_ARG(head->method),
               SPAN_ARG(head->target), head->minor_version, (long long)head->content_length,
               head->keep_alive ? " keep" : "", head->expects_continue ? " continue" : "");
    for (size_t i = 0; i < head->headers.count; i++)
        buf_printf(&transcript->text, "|%.*s=%.*s", SPAN_ARG(head->headers.items[i].name),
                   SPAN_ARG(head->headers.items[i].value));
    buf_append_byte(&transcript->text, '>');
    return !span_starts_with(head->target, SPAN("/stop"));
}

static void on_body(void *argument, struct span bytes)
{
    struct transcript *transcript = argument;
    transcript->received += bytes.len;
    FUZZ_CHECK(transcript->declared < 0 || transcript->received <= (uint64_t)transcript->declared);
    buf_append(&transcript->text, bytes);
}

static void on_end(void *argument)
{
    struct transcript *transcript = argument;
    FUZZ_CHECK(transcript->declared < 0 || transcript->received == (uint64_t)transcript->declared);
    buf_append(&transcript->text, SPAN("."));
}

/* Of a head that is both too large and malformed, the guard sees the one and llhttp the other; which
 * speaks first depends on the cut. */
static const char *refusal(enum err err)
{
    bool too_large = err == ERR_URI_TOO_LONG || err == ERR_HEADERS_TOO_LARGE;
    FUZZ_CHECK(too_large || err == ERR_MALFORMED_HTTP || err == ERR_EXPECTATION);
    return err_info(too_large ? ERR_MALFORMED_HTTP : err)->name;
}

/* One input, message after message. False after an error. */
static bool feed(struct request_reader *reader, struct transcript *transcript, struct span bytes)
{
    while (bytes.len > 0) {
        size_t consumed = 0;
        enum err err = request_reader_feed(reader, bytes, &consumed);
        FUZZ_CHECK(consumed > 0 && consumed <= bytes.len);
        if (err != ERR_NONE) {
            buf_printf(&transcript->text, "!%s", refusal(err));
            return false;
        }
        bytes = span_from(bytes, consumed);
        request_reader_trim(reader);
    }
    return true;
}

static void run(struct transcript *transcript, struct span input, enum fuzz_cut cut)
{
    static const struct request_events events = {on_head, on_body, on_end};
    struct fuzz_chance chance = fuzz_chance_of(input);
    *transcript = (struct transcript){.declared = 0};
    buf_init(&transcript->text, FUZZ_ROOM, 0);
    struct request_reader *reader = request_reader_new(&events, transcript);
    bool going = true;
    while (input.len > 0 && going) {
        struct span piece = fuzz_piece(&input, cut, &chance);
        going = feed(reader, transcript, piece);
        free((char *)(uintptr_t)piece.ptr);
    }
    if (going && request_reader_idle(reader))
        buf_append(&transcript->text, SPAN(" idle"));
    if (going && request_reader_in_body(reader))
        buf_append(&transcript->text, SPAN(" in body"));
    request_reader_free(&reader);
}

void fuzz_request(struct span input)
{
    struct transcript whole;
    run(&whole, input, FUZZ_WHOLE);
    for (enum fuzz_cut cut = FUZZ_BYTES; cut < FUZZ_CUTS; cut++) {
        struct transcript parts;
        run(&parts, input, cut);
        FUZZ_CHECK(span_equal(buf_span(&parts.text), buf_span(&whole.text)));
        buf_fini(&parts.text);
    }
    buf_fini(&whole.text);
}
