/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request cases of llhttp's own documentation, those of its strict mode. What it refuses we must
 * refuse; what it takes we take, but for a list of things that are refused on purpose. Most cases
 * have no Host field, without which all would be refused alike, and all have lost their last line
 * end: both are put in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "suite_file.h"
#include "wire/json.h"
#include "wire/request_reader.h"

#include <llhttp.h>
#include <string.h>

int test_llhttp_cases(void);

/* llhttp's errors that refuse nothing: it stops at what follows a last message, and at an offer to
 * switch protocols, which to us is a field like any other. */
enum { LLHTTP_CLOSED_CONNECTION = 5, LLHTTP_PAUSED_UPGRADE = 22 };

/* Good to llhttp, and not to us: not HTTP/1.1, or read differently by whom we may stand behind. */
static const char *const refused_on_purpose[] = {
    /* not HTTP */
    "SOURCE request with ICE",
    "OPTIONS request with RTSP",
    "ANNOUNCE request with RTSP",
    "No HTTP version",
    /* targets: an asterisk, a fragment, quotes, a user part */
    "M-SEARCH request",
    "Fragment in URI",
    "Quotes in URI",
    "`host:port` and basic auth",
    /* a Host that is none */
    "curl GET",
    "Firefox GET",
    /* lengths that some read as octal, or with tabs behind */
    "`Content-Length` with zeroes",
    "`Content-Length` with follow-up headers",
    "Tabs in `Content-Length` (surrounding)",
    /* codings besides chunked, framing fields in trailers */
    "POST with `chunked` as last transfer-encoding",
    "POST with `chunked` as last transfer-encoding (multiple headers)",
    "Trailing headers",
#if LLHTTP_VERSION_MAJOR < 9
    /* not on purpose: llhttp 8 does not know the method, and no more of extensions than one value */
    "QUERY request",
    "Chunk extensions",
    "Chunk extensions quoting",
#endif
};

struct seen {
    int heads;
    int ends;
};

static bool on_head(void *argument, const struct request_head *head)
{
    struct seen *seen = argument;
    (void)head;
    seen->heads++;
    return true;
}

static void on_body(void *argument, struct span bytes)
{
    (void)argument;
    (void)bytes;
}

static void on_end(void *argument)
{
    struct seen *seen = argument;
    seen->ends++;
}

/* What Host must say of a target in absolute form. */
static struct span host_of(struct span line)
{
    size_t at = span_search(line, SPAN("://"));
    if (at == line.len)
        return SPAN("a");
    struct span rest = span_from(line, at + 3);
    size_t end = 0;
    while (end < rest.len && strchr("/? ", rest.ptr[end]) == NULL)
        end++;
    return span_make(rest.ptr, end);
}

/* Adds a Host field after each request line whose head has none. */
static void write_case(struct buf *out, struct span text)
{
    static const struct span version = {" HTTP/1.", 8};
    for (size_t at; (at = span_search(text, version)) < text.len;) {
        size_t end = at + version.len + 1;
        struct span line = span_make(text.ptr, at);
        struct span rest = span_from(text, end);
        struct span head = span_make(rest.ptr, span_search(rest, SPAN("\r\n\r\n")));
        bool has_host = span_search(head, SPAN("Host:")) < head.len;
        buf_append(out, span_make(text.ptr, end));
        if (!has_host && (rest.len == 0 || span_starts_with(rest, SPAN("\r\n"))))
            buf_printf(out, "\r\nHost: %.*s", SPAN_ARG(host_of(line)));
        text = rest;
    }
    buf_append(out, text);
}

static enum err feed(struct request_reader *reader, struct span bytes)
{
    enum err err = ERR_NONE;
    while (bytes.len > 0 && err == ERR_NONE) {
        size_t consumed = 0;
        err = request_reader_feed(reader, bytes, &consumed);
        bytes = span_from(bytes, consumed);
    }
    return err;
}

/* With as many line ends as the last head needs, or the last chunk. */
static enum err run(struct span text, struct seen *seen)
{
    static const struct request_events events = {on_head, on_body, on_end};
    struct buf input;
    *seen = (struct seen){0};
    buf_init(&input, 1 << 20, 0);
    write_case(&input, text);
    struct request_reader *reader = request_reader_new(&events, seen);
    enum err err = feed(reader, buf_span(&input));
    if (err == ERR_NONE && !request_reader_idle(reader))
        err = feed(reader, SPAN("\r\n"));
    if (err == ERR_NONE && !request_reader_idle(reader) && !request_reader_in_body(reader))
        err = feed(reader, SPAN("\r\n"));
    request_reader_free(&reader);
    buf_fini(&input);
    return err;
}

static bool is_refused_on_purpose(struct span title)
{
    for (size_t i = 0; i < sizeof(refused_on_purpose) / sizeof(refused_on_purpose[0]); i++)
        if (span_equal(title, span_from_string(refused_on_purpose[i])))
            return true;
    return false;
}

enum verdict { TAKEN, REFUSED, REFUSED_ON_PURPOSE, WRONG };

static enum verdict judge(const struct json *test, struct span text)
{
    struct seen seen;
    enum err err = run(text, &seen);
    int64_t llhttp_error = 0;
    const struct json *refusal = json_first(json_get(test, "llhttp_error"));
    if (refusal != NULL)
        json_integer(refusal, &llhttp_error);
    /* What follows on a connection that is given up or given away is for nobody to read. */
    if (llhttp_error == LLHTTP_CLOSED_CONNECTION || llhttp_error == LLHTTP_PAUSED_UPGRADE)
        return seen.ends <= 1 && seen.heads <= 1 ? (err == ERR_NONE ? TAKEN : REFUSED) : WRONG;
    if (refusal != NULL)
        return err != ERR_NONE && seen.ends == 0 ? REFUSED : WRONG;
    if (is_refused_on_purpose(json_string(json_get(test, "title"))))
        return err != ERR_NONE ? REFUSED_ON_PURPOSE : WRONG;
    /* After those that the suite counts there may be a rest that means nothing. */
    int64_t complete = 0;
    json_integer(json_get(test, "messages_complete"), &complete);
    bool taken = err == ERR_NONE || (complete > 0 && seen.ends >= complete);
    return taken && seen.heads > 0 ? TAKEN : WRONG;
}

static void the_strict_cases_are_decided_right(void **state)
{
    (void)state;
    struct span file = suite_load("llhttp_request_cases.json");
    struct json *root = json_parse(file);
    size_t counts[WRONG + 1] = {0};
    for (const struct json *test = json_first(json_get(root, "cases")); test != NULL;
         test = json_next(test)) {
        if (!span_equal(json_string(json_get(json_get(test, "meta"), "type")), SPAN("request")))
            continue;
        struct span coded = json_string(json_get(test, "request_b64"));
        char *text = malloc(coded.len + 1);
        assert_non_null(text);
        enum verdict verdict = judge(test, base64_decode(coded, text));
        free(text);
        counts[verdict]++;
        if (verdict == WRONG)
            print_error("%.*s\n", SPAN_ARG(json_string(json_get(test, "title"))));
    }
    print_message("llhttp's strict request cases: %zu taken, %zu refused, %zu more refused on "
                  "purpose, %zu wrong\n",
                  counts[TAKEN], counts[REFUSED], counts[REFUSED_ON_PURPOSE], counts[WRONG]);
    assert_int_equal(counts[WRONG], 0);
    assert_int_equal(counts[TAKEN] + counts[REFUSED] + counts[REFUSED_ON_PURPOSE], 134);
    json_free(&root);
    suite_unload(file);
}

int test_llhttp_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strict_cases_are_decided_right),
    };
    return cmocka_run_group_tests_name("wire/llhttp_cases", tests, NULL, NULL);
}
