/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs from the configuration, and targets from requests. The path that target_path gives is the
 * only one used, for authorisation and for dispatch, and is decoded exactly once: so "%2e", "%2f"
 * and "%252f" cannot mean one thing here and another thing there.
 */
#include "wire/url.h"

#include "uri.h"

/* A base URL has no query: what is appended to its path would end up behind it. A user part would
 * be a secret in a place that is logged. */
bool url_parse(struct span text, struct url *out)
{
    struct span rest;
    struct span text_of_authority;
    struct authority authority;
    *out = (struct url){0};
    if (!uri_cut_scheme(text, &out->scheme, &rest))
        return false;
    out->path = uri_cut_authority(rest, &text_of_authority);
    if (!authority_parse(text_of_authority, &authority) || !uri_bytes_valid(out->path) ||
        span_find(out->path, '?') < out->path.len)
        return false;
    if (authority.port.len > 0 && authority.port_number == 0)
        return false;
    out->host = authority.host;
    out->port = authority.port_number;
    if (authority.port.len == 0)
        out->port = span_equal(out->scheme, SPAN("https")) ? 443 : 80;
    /* "https://host/v1/" plus "/models" must not have two slashes. */
    while (span_ends_with(out->path, SPAN("/")))
        out->path.len--;
    return true;
}

bool address_parse(struct span text, struct span *host, uint16_t *port)
{
    struct authority authority;
    if (!authority_parse(text, &authority) || authority.port.len == 0)
        return false;
    *host = authority.host;
    *port = authority.port_number;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XX" at s stands for; -1 when it is malformed or may not be in a path. */
static int decode_escape(struct span s)
{
    int high = s.len >= 3 ? hex_digit(s.ptr[1]) : -1;
    int low = s.len >= 3 ? hex_digit(s.ptr[2]) : -1;
    int byte = high < 0 || low < 0 ? -1 : high << 4 | low;
    return byte < 0x20 || byte == '/' || byte == 0x7f ? -1 : byte;
}

/* Never longer than what is encoded. What is decoded is not decoded again. */
static bool percent_decode(struct span text, struct arena *arena, struct span *out)
{
    char *decoded = arena_alloc(arena, text.len);
    size_t len = 0;
    if (decoded == NULL)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int byte = (unsigned char)text.ptr[i];
        if (byte == '%') {
            byte = decode_escape(span_from(text, i));
            i += 2;
        }
        if (byte < 0)
            return false;
        decoded[len++] = (char)byte;
    }
    *out = span_make(decoded, len);
    return true;
}

bool target_path(struct span target, struct arena *arena, struct span *path, struct span *query)
{
    struct span scheme;
    struct span rest;
    if (uri_cut_scheme(target, &scheme, &rest)) {
        struct span text;
        struct authority authority;
        target = uri_cut_authority(rest, &text);
        if (!authority_parse(text, &authority))
            return false;
    } else if (!span_starts_with(target, SPAN("/"))) {
        return false;
    }
    if (!uri_bytes_valid(target))
        return false;
    *query = span_cut(target, '?', path);
    /* RFC 9112, section 3.2.2: an absolute form without a path means the root. */
    if (path->len == 0)
        *path = SPAN("/");
    return span_find(*path, '%') == path->len || percent_decode(*path, arena, path);
}
