/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs from the configuration, and targets from requests. The path that target_path gives is the
 * only one used, for authorisation and for dispatch, and is decoded exactly once: so "%2e", "%2f"
 * and "%252f" cannot mean one thing here and another thing there.
 */
#include "wire/url.h"

#include "authority.h"

/* Splits "http://rest" off; false for other schemes. */
static bool cut_scheme(struct span text, struct span *scheme, struct span *rest)
{
    static const struct span schemes[] = {{"https", 5}, {"http", 4}};
    for (size_t i = 0; i < 2; i++) {
        struct span after = span_from(text, schemes[i].len);
        if (span_starts_with_nocase(text, schemes[i]) && span_starts_with(after, SPAN("://"))) {
            *scheme = schemes[i];
            *rest = span_from(after, 3);
            return true;
        }
    }
    return false;
}

/* Bytes that RFC 3986 allows in a path, percent signs included. */
static bool path_valid(struct span path)
{
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\')
            return false;
    }
    return true;
}

bool url_parse(struct span text, struct url *out)
{
    struct span rest;
    struct authority authority;
    *out = (struct url){0};
    if (span_find(text, '?') < text.len || span_find(text, '#') < text.len)
        return false;
    if (!cut_scheme(text, &out->scheme, &rest))
        return false;
    size_t slash = span_find(rest, '/');
    if (!authority_parse(span_make(rest.ptr, slash), &authority))
        return false;
    if (authority.port.len > 0 && authority.port_number == 0)
        return false;
    out->host = authority.host;
    out->port = authority.port_number;
    if (authority.port.len == 0)
        out->port = out->scheme.len == 5 ? 443 : 80;
    out->path = span_from(rest, slash);
    while (out->path.len > 0 && out->path.ptr[out->path.len - 1] == '/')
        out->path.len--;
    return path_valid(out->path);
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
    if (cut_scheme(target, &scheme, &rest)) {
        struct authority authority;
        size_t end = 0;
        while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
            end++;
        if (!authority_parse(span_make(rest.ptr, end), &authority))
            return false;
        target = span_from(rest, end);
        /* RFC 9112, section 3.2.2: an absolute form without a path means the root. */
        if (target.len == 0 || target.ptr[0] == '?') {
            *path = SPAN("/");
            *query = span_from(target, 1);
            return path_valid(*query) && span_find(*query, '#') == query->len;
        }
    }
    if (target.len == 0 || target.ptr[0] != '/' || !path_valid(target) ||
        span_find(target, '#') < target.len)
        return false;
    *query = span_cut(target, '?', path);
    return span_find(*path, '%') == path->len || percent_decode(*path, arena, path);
}
