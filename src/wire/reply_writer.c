/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reply heads and chunks. A buffer's failure is sticky, so nothing here checks an append: the owner
 * of the buffer asks once, before it sends.
 */
#include "wire/reply_writer.h"

#include <string.h>

/* RFC 9110, section 15, and those of RFC 6585, 7725, 8297, 4918. Our own answers come first: the
 * table is searched from the top. No client reads the phrase, but old ones want one. */
static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    /* What providers may answer and we pass on. */
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {416, "Range Not Satisfiable"},
    {421, "Misdirected Request"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {451, "Unavailable For Legal Reasons"},
    {501, "Not Implemented"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

const char *status_reason(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

/* In one piece: an answer has a dozen of these. */
static void write_field(struct buf *out, const struct header *field)
{
    size_t size = field->name.len + field->value.len + 4;
    char *at = buf_reserve(out, size);
    if (at == NULL)
        return;
    memcpy(at, field->name.ptr, field->name.len);
    at += field->name.len;
    memcpy(at, ": ", 2);
    if (field->value.len > 0)
        memcpy(at + 2, field->value.ptr, field->value.len);
    memcpy(at + 2 + field->value.len, "\r\n", 2);
    buf_commit(out, size);
}

static void write_framing(struct buf *out, enum reply_framing framing, uint64_t content_length)
{
    switch (framing) {
    case REPLY_LENGTH:
        buf_append(out, SPAN("Content-Length: "));
        buf_append_u64(out, content_length);
        buf_append(out, SPAN("\r\n"));
        break;
    case REPLY_CHUNKED:
        buf_append(out, SPAN("Transfer-Encoding: chunked\r\n"));
        break;
    case REPLY_NO_BODY:
        break; /* RFC 9110, section 8.6 and RFC 9112, section 6.1 forbid both in 1xx and 204 */
    }
}

void reply_write_head(struct buf *out, int status, struct span date, const struct header *fields,
                      size_t count, enum reply_framing framing, uint64_t content_length,
                      bool keep_alive)
{
    const struct header dated = {SPAN("Date"), date};
    if (status < 100 || status > 999)
        status = 502; /* only an upstream can have sent it, and no client can read it */
    buf_append(out, SPAN("HTTP/1.1 "));
    buf_append_u64(out, (uint64_t)status);
    buf_append_byte(out, ' ');
    buf_append(out, span_from_string(status_reason(status)));
    buf_append(out, SPAN("\r\n"));
    if (date.len > 0)
        write_field(out, &dated);
    for (size_t i = 0; i < count; i++) {
        /* The last line of defence against response splitting; callers check what they pass on. */
        if (field_safe(fields[i].name) && field_safe(fields[i].value))
            write_field(out, &fields[i]);
    }
    write_framing(out, framing, content_length);
    if (!keep_alive)
        buf_append(out, SPAN("Connection: close\r\n"));
    buf_append(out, SPAN("\r\n"));
}

void reply_write_continue(struct buf *out)
{
    buf_append(out, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
}

void reply_write_chunk(struct buf *out, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    char head[2 * sizeof(size_t) + 2];
    size_t at = sizeof(head);
    if (bytes.len == 0)
        return;
    /* Written backwards: the number of digits need not be known first. */
    head[--at] = '\n';
    head[--at] = '\r';
    for (size_t size = bytes.len; size > 0; size >>= 4)
        head[--at] = digits[size & 15];
    buf_append(out, span_make(head + at, sizeof(head) - at));
    buf_append(out, bytes);
    buf_append(out, SPAN("\r\n"));
}

void reply_write_last_chunk(struct buf *out)
{
    buf_append(out, SPAN("0\r\n\r\n"));
}
