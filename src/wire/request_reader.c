/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One llhttp parser, begun anew for each message.
 *
 *   BETWEEN --first byte--> HEAD --blank line--> BODY --last chunk--> TRAILER
 *      ^                      '------------+------'-------------------'
 *      '-------------- end of message -----'
 *
 * Owns the text of the head: target, then names and values in the order they came, addressed by
 * offsets because the buffer moves as it grows. In HEAD and TRAILER each input is cut at the blank
 * line that head_guard finds, and llhttp must see the end at the same byte.
 */
#include "wire/request_reader.h"

#include "base/buf.h"
#include "base/memory.h"
#include "head_guard.h"
#include "request_check.h"

#include <llhttp.h>
#include <stdlib.h>

#if LLHTTP_VERSION_MAJOR < 9 && !LLHTTP_STRICT_MODE
#error "llhttp 8 must be built in strict mode"
#endif

#define TEXT_KEPT ((size_t)2048) /* by request_reader_trim */
#define EXTENSIONS_MAX \
    ((size_t)1024) /* bytes of all chunk extensions of a message; nobody uses any */

enum phase { PHASE_BETWEEN, PHASE_HEAD, PHASE_BODY, PHASE_TRAILER };

/* Offsets into text. */
struct field {
    uint16_t name_at;
    uint16_t value_at; /* where the name ends, too */
    uint16_t end;
};
_Static_assert(REQUEST_MAX_TARGET + REQUEST_MAX_HEAD <= UINT16_MAX, "offsets of fields");

struct request_reader {
    llhttp_t parser;
    const struct request_events *events;
    void *argument;
    enum phase phase;
    enum err error;
    bool stopped;    /* by on_head, or after a message without keep_alive */
    bool ended;      /* llhttp has seen the end of the message */
    bool keep_alive; /* of the message being read */
    bool naming;     /* in the name of the last field */
    uint8_t blank;   /* bytes of an empty line before the request line */
    struct head_guard guard;
    struct buf text;
    size_t target_len;
    size_t extension_bytes;
    size_t field_count;
    struct field fields[REQUEST_MAX_HEADERS];
};

static struct request_reader *reader_of(llhttp_t *parser)
{
    return parser->data;
}

/* Remembers the first error; llhttp stops at the value returned. */
static int fail(struct request_reader *reader, enum err error)
{
    if (reader->error == ERR_NONE)
        reader->error = error;
    return -1;
}

/* ---- the head ---- */

/* The target, which is the first thing in text. */
static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct request_reader *reader = reader_of(parser);
    if (len > REQUEST_MAX_TARGET - reader->target_len)
        return fail(reader, ERR_URI_TOO_LONG);
    reader->target_len += len;
    return buf_append(&reader->text, span_make(at, len)) ? 0 : fail(reader, ERR_HEADERS_TOO_LARGE);
}

/* More of the last field's name or value; both arrive in as many pieces as inputs were cut into. */
static int add_text(struct request_reader *reader, const char *at, size_t len)
{
    if (len > REQUEST_MAX_HEAD - (buf_len(&reader->text) - reader->target_len) ||
        !buf_append(&reader->text, span_make(at, len)))
        return fail(reader, ERR_HEADERS_TOO_LARGE);
    reader->fields[reader->field_count - 1].end = (uint16_t)buf_len(&reader->text);
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct request_reader *reader = reader_of(parser);
    if (!reader->naming) {
        if (reader->field_count == REQUEST_MAX_HEADERS)
            return fail(reader, ERR_HEADERS_TOO_LARGE);
        uint16_t end = (uint16_t)buf_len(&reader->text);
        reader->fields[reader->field_count++] = (struct field){end, end, end};
        reader->naming = true;
    }
    return add_text(reader, at, len);
}

/* At the colon. From here the field's text is its value. */
static int on_header_field_complete(llhttp_t *parser)
{
    struct request_reader *reader = reader_of(parser);
    /* llhttp 8 lets a field without a name through, and need not have told us that it began. */
    if (!reader->naming)
        return fail(reader, ERR_MALFORMED_HTTP);
    struct field *field = &reader->fields[reader->field_count - 1];
    reader->naming = false;
    field->value_at = field->end;
    struct span name = span_make(buf_span(&reader->text).ptr + field->name_at,
                                 (size_t)(field->value_at - field->name_at));
    if (name.len == 0 || (reader->phase == PHASE_TRAILER && !trailer_allowed(name)))
        return fail(reader, ERR_MALFORMED_HTTP);
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    return add_text(reader_of(parser), at, len);
}

static struct header field_header(const struct request_reader *reader, const struct field *field)
{
    const char *text = buf_span(&reader->text).ptr;
    return (struct header){
        .name = span_make(text + field->name_at, (size_t)(field->value_at - field->name_at)),
        .value =
            span_trim(span_make(text + field->value_at, (size_t)(field->end - field->value_at))),
    };
}

/* At the blank line: the buffer will not move any more, so offsets become spans. */
static int on_headers_complete(llhttp_t *parser)
{
    struct request_reader *reader = reader_of(parser);
    UNINITIALIZED struct header items[REQUEST_MAX_HEADERS];
    for (size_t i = 0; i < reader->field_count; i++)
        items[i] = field_header(reader, &reader->fields[i]);
    struct request_head head = {
        .method = span_from_string(llhttp_method_name(parser->method)),
        .target = span_make(buf_span(&reader->text).ptr, reader->target_len),
        .headers = {.items = items, .count = reader->field_count},
        .minor_version = parser->http_minor, /* the major one is 1: see head_guard */
    };
    enum err error = request_check(&head);
    if (error != ERR_NONE)
        return fail(reader, error);
    reader->phase = PHASE_BODY;
    reader->keep_alive = head.keep_alive;
    reader->stopped = !reader->events->on_head(reader->argument, &head);
    /* An offer to switch protocols is not taken up: what follows is HTTP, with the body it has. */
    parser->upgrade = 0;
    return reader->stopped ? -1 : 0;
}

/* ---- the body ---- */

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct request_reader *reader = reader_of(parser);
    reader->events->on_body(reader->argument, span_make(at, len));
    return 0;
}

/* Read and dropped, but a peer must not make us read them for ever without a body coming. */
static int on_chunk_extension(llhttp_t *parser, const char *at, size_t len)
{
    struct request_reader *reader = reader_of(parser);
    (void)at;
    if (len > EXTENSIONS_MAX - reader->extension_bytes)
        return fail(reader, ERR_MALFORMED_HTTP);
    reader->extension_bytes += len;
    return 0;
}

/* Pauses after the last chunk: what follows are lines again, for the guard to watch. */
static int on_chunk_header(llhttp_t *parser)
{
    struct request_reader *reader = reader_of(parser);
    if (parser->content_length > 0)
        return 0;
    reader->phase = PHASE_TRAILER;
    head_guard_init(&reader->guard, true);
    buf_reset(&reader->text, SIZE_MAX);
    reader->target_len = reader->field_count = 0;
    return HPE_PAUSED;
}

/* Pauses, so that llhttp gives back the exact byte where the next message begins. */
static int on_message_complete(llhttp_t *parser)
{
    reader_of(parser)->ended = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_message_complete = on_message_complete,
};

/* ---- feeding ---- */

static bool halted(const struct request_reader *reader)
{
    return reader->error != ERR_NONE || reader->stopped;
}

/* Gives bytes to llhttp; returns how many it has taken. Anything but success or a pause of ours is
 * an error, also its wish to leave for another protocol. */
static size_t execute(struct request_reader *reader, struct span bytes)
{
    llhttp_errno_t code = llhttp_execute(&reader->parser, bytes.ptr, bytes.len);
    if (code == HPE_OK)
        return bytes.len;
    if (code == HPE_PAUSED) {
        size_t taken = (size_t)(llhttp_get_error_pos(&reader->parser) - bytes.ptr);
        llhttp_resume(&reader->parser);
        return taken;
    }
    if (!halted(reader))
        fail(reader, ERR_MALFORMED_HTTP);
    return 0;
}

/* HEAD and TRAILER: llhttp gets the bytes that the guard has passed, and both must find the end at
 * the same byte or not at all. Where they differ, someone in front of us may side with either. */
static size_t feed_lines(struct request_reader *reader, struct span bytes)
{
    enum phase phase = reader->phase;
    size_t lines = 0;
    enum head_guard_result result = head_guard_take(&reader->guard, bytes, &lines);
    if (result == HEAD_GUARD_BAD) {
        fail(reader, ERR_MALFORMED_HTTP);
        return 0;
    }
    size_t taken = execute(reader, span_make(bytes.ptr, lines));
    bool over = phase == PHASE_HEAD ? reader->phase != PHASE_HEAD : reader->ended;
    if (!halted(reader) && (over != (result == HEAD_GUARD_END) || taken != lines))
        fail(reader, ERR_MALFORMED_HTTP);
    return taken;
}

static void begin_message(struct request_reader *reader)
{
    llhttp_reset(&reader->parser);
    head_guard_init(&reader->guard, false);
    buf_reset(&reader->text, SIZE_MAX);
    reader->phase = PHASE_HEAD;
    reader->naming = false;
    reader->target_len = reader->extension_bytes = reader->field_count = 0;
}

/* RFC 9112, section 2.2: one empty line before a request line is skipped. */
static size_t feed_between(struct request_reader *reader, char byte)
{
    if (reader->blank < 2 && byte == "\r\n"[reader->blank]) {
        reader->blank++;
        return 1;
    }
    if (reader->blank == 1 || byte == '\r' || byte == '\n')
        fail(reader, ERR_MALFORMED_HTTP);
    else
        begin_message(reader);
    return 0;
}

/* One step; at least one byte is taken, or the phase changes, or the reader halts. */
static size_t feed_some(struct request_reader *reader, struct span bytes)
{
    switch (reader->phase) {
    case PHASE_BETWEEN:
        return feed_between(reader, bytes.ptr[0]);
    case PHASE_HEAD:
    case PHASE_TRAILER:
        return feed_lines(reader, bytes);
    case PHASE_BODY:
        break;
    }
    return execute(reader, bytes);
}

struct request_reader *request_reader_new(const struct request_events *events, void *argument)
{
    struct request_reader *reader = MEMORY_NEW(struct request_reader);
    reader->events = events;
    reader->argument = argument;
    buf_init(&reader->text, REQUEST_MAX_TARGET + REQUEST_MAX_HEAD, 0);
    llhttp_init(&reader->parser, HTTP_REQUEST, &settings);
    reader->parser.data = reader;
    return reader;
}

void request_reader_free(struct request_reader **reader)
{
    if (*reader == NULL)
        return;
    buf_fini(&(*reader)->text);
    free(*reader);
    *reader = NULL;
}

enum err request_reader_feed(struct request_reader *reader, struct span bytes, size_t *consumed)
{
    *consumed = 0;
    while (*consumed < bytes.len && !halted(reader) && !reader->ended)
        *consumed += feed_some(reader, span_from(bytes, *consumed));
    if (halted(reader)) {
        *consumed = bytes.len;
    } else if (reader->ended) {
        reader->phase = PHASE_BETWEEN;
        reader->ended = false;
        reader->blank = 0;
        reader->stopped = !reader->keep_alive;
        reader->events->on_end(reader->argument);
    }
    return reader->error;
}

bool request_reader_idle(const struct request_reader *reader)
{
    return reader->phase == PHASE_BETWEEN && reader->error == ERR_NONE;
}

bool request_reader_in_body(const struct request_reader *reader)
{
    return reader->phase == PHASE_BODY || reader->phase == PHASE_TRAILER;
}

void request_reader_trim(struct request_reader *reader)
{
    if (reader->phase == PHASE_BETWEEN)
        buf_reset(&reader->text, TEXT_KEPT);
}
