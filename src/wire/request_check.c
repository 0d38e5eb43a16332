/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of RFC 9110 and 9112 that decide where a message ends and whom it is for. Where they
 * let a server choose between repairing and refusing, we refuse: whoever sits in front of us may
 * have repaired it another way.
 */
#include "request_check.h"

#include "uri.h"

static bool has(const struct request_head *head, struct span name)
{
    return headers_find(&head->headers, name) != NULL;
}

/* Fields that mean one thing only; a second one is an attempt to mean another. */
static bool singles_valid(const struct request_head *head)
{
    static const struct span singles[] = {
        {"Host", 4}, {"Content-Length", 14}, {"Transfer-Encoding", 17}, {"Content-Type", 12}};
    for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++)
        if (headers_count(&head->headers, singles[i]) > 1)
            return false;
    return true;
}

/* Origin form, absolute form, or the asterisk; never authority form, which is CONNECT's. */
static bool target_valid(const struct request_head *head)
{
    struct span target = head->target;
    struct span scheme;
    struct span rest;
    struct span authority;
    if (!uri_bytes_valid(target))
        return false;
    if (span_equal(target, SPAN("*")))
        return span_equal(head->method, SPAN("OPTIONS"));
    if (span_starts_with(target, SPAN("/")))
        return true;
    if (!uri_cut_scheme(target, &scheme, &rest))
        return false;
    /* RFC 9112, section 3.2: Host must then say the same. */
    struct span host = headers_get(&head->headers, SPAN("Host"));
    uri_cut_authority(rest, &authority);
    return host.len == 0 || span_equal_nocase(host, authority);
}

/* RFC 9112, section 3.2: exactly one, though it may be missing in HTTP/1.0. An empty one is for
 * targets without an authority, which a gateway does not have. */
static bool host_valid(const struct request_head *head)
{
    struct authority authority;
    if (!has(head, SPAN("Host")))
        return head->minor_version == 0;
    return authority_parse(headers_get(&head->headers, SPAN("Host")), &authority);
}

/* Where the body ends. RFC 9112, section 6.1 lets Transfer-Encoding win over Content-Length; that
 * is the oldest way to smuggle a request, so having both is refused, and so is every coding list
 * but the one word "chunked". */
static bool body_valid(struct request_head *head)
{
    struct span length = headers_get(&head->headers, SPAN("Content-Length"));
    uint64_t value = 0;
    head->content_length = 0;
    if (has(head, SPAN("Transfer-Encoding"))) {
        struct span coding = headers_get(&head->headers, SPAN("Transfer-Encoding"));
        head->content_length = -1;
        return head->minor_version > 0 && !has(head, SPAN("Content-Length")) &&
               span_equal_nocase(coding, SPAN("chunked"));
    }
    if (!has(head, SPAN("Content-Length")))
        return true;
    /* Some read leading zeros as octal. */
    if (!span_to_u64(length, &value) || value > INT64_MAX || (length.len > 1 && *length.ptr == '0'))
        return false;
    head->content_length = (int64_t)value;
    return true;
}

/* Whether a Connection field lists the option "close". */
static bool wants_close(const struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        struct span rest = headers->items[i].value;
        if (!span_equal_nocase(headers->items[i].name, SPAN("Connection")))
            continue;
        while (rest.len > 0) {
            struct span option;
            rest = span_cut(rest, ',', &option);
            if (span_equal_nocase(span_trim(option), SPAN("close")))
                return true;
        }
    }
    return false;
}

enum err request_check(struct request_head *head)
{
    if (span_equal(head->method, SPAN("CONNECT")) || !singles_valid(head) || !target_valid(head) ||
        !host_valid(head) || !body_valid(head))
        return ERR_MALFORMED_HTTP;
    head->keep_alive = head->minor_version > 0 && !wants_close(&head->headers);
    head->expects_continue = false;
    /* RFC 9110, section 10.1.1: an HTTP/1.0 client's expectation is ignored. */
    for (size_t i = 0; head->minor_version > 0 && i < head->headers.count; i++) {
        const struct header *field = &head->headers.items[i];
        if (!span_equal_nocase(field->name, SPAN("Expect")))
            continue;
        if (!span_equal_nocase(field->value, SPAN("100-continue")))
            return ERR_EXPECTATION;
        head->expects_continue = head->content_length != 0;
    }
    return ERR_NONE;
}

bool trailer_allowed(struct span name)
{
    static const char *const refused[] = {
        "Content-Length", "Transfer-Encoding", "Content-Type",  "Content-Encoding",
        "Host",           "Authorization",     "Cache-Control", "Idempotency-Key",
        "Expect",         "Connection",        "Trailer",       "TE"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (span_equal_nocase(name, span_from_string(refused[i])))
            return false;
    return true;
}
