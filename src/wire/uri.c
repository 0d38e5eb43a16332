/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Narrower than RFC 3986: a host is a DNS name or an IP address. Percent-encoded and sub-delims
 * hosts are allowed by the grammar and used by nobody but those who look for a parser that differs.
 */
#include "uri.h"

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters, digits, hyphens and dots; the underscore is in no host name by the RFCs and in many by
 * the habits of container networks. */
static bool name_valid(struct span host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (!is_alnum(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    return host.len > 0;
}

/* Only the alphabet: whether it is an address is for the resolver to say. */
static bool v6_valid(struct span host)
{
    bool colon = false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        colon |= c == ':';
        if (!hex && c != ':' && c != '.')
            return false;
    }
    return colon;
}

static bool port_parse(struct span digits, struct authority *out)
{
    uint64_t number;
    if (digits.len > 5 || !span_to_u64(digits, &number) || number > UINT16_MAX)
        return false;
    out->port = digits;
    out->port_number = (uint16_t)number;
    return true;
}

bool authority_parse(struct span text, struct authority *out)
{
    struct span rest;
    *out = (struct authority){0};
    if (text.len > 0 && text.ptr[0] == '[') {
        size_t close = span_find(text, ']');
        if (close == text.len)
            return false;
        out->host = span_make(text.ptr + 1, close - 1);
        rest = span_from(text, close + 1);
        if (!v6_valid(out->host))
            return false;
    } else {
        out->host = span_make(text.ptr, span_find(text, ':'));
        rest = span_from(text, out->host.len);
        if (!name_valid(out->host))
            return false;
    }
    if (rest.len == 0)
        return true;
    return rest.ptr[0] == ':' && port_parse(span_from(rest, 1), out);
}

/* The longer scheme first, though "://" tells them apart anyway. */
bool uri_cut_scheme(struct span text, struct span *scheme, struct span *rest)
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

struct span uri_cut_authority(struct span rest, struct span *authority)
{
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    *authority = span_make(rest.ptr, end);
    return span_from(rest, end);
}

bool uri_bytes_valid(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '#' || c == '<' || c == '>' || c == '\\')
            return false;
    }
    return true;
}
