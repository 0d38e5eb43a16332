/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes: checked and put into curl's terms once, so that an attempt only points at them. What the
 * operator wrote may not break the framing of requests: names are tokens, values hold no control
 * bytes, and the fields that frame a message are curl's own.
 *
 * The lines and the proxy may hold credentials: every copy made here is wiped.
 */
#include "base/assert.h"
#include "base/memory.h"
#include "crypto/secret.h"
#include "head.h"
#include "route_private.h"
#include "upstream/client.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* An operator's "Transfer-Encoding: chunked" would make curl send the body in chunks, and so on. */
static bool name_reserved(struct span name)
{
    static const char *const reserved[] = {"connection", "content-length", "expect",
                                           "transfer-encoding"};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (span_equal_nocase(name, span_from_string(reserved[i])))
            return true;
    return false;
}

/* False out of memory; the list is whole then. */
static bool add_line(struct upstream_route *route, const char *line)
{
    struct curl_slist *longer = curl_slist_append(route->lines, line);
    if (longer != NULL)
        route->lines = longer;
    return longer != NULL;
}

/* Built in a buffer of the exact size: one that grew would leave pieces of a key behind. */
static bool add_header(struct upstream_route *route, const struct header *header)
{
    struct span name = header->name;
    struct span value = span_trim(header->value);
    if (!field_name_ok(name) || !field_safe(value) || name_reserved(name))
        return false;
    /* Curl takes "Name:" for a wish to send none, and "Name;" for an empty one. */
    const char *separator = value.len > 0 ? ": " : ";";
    size_t size = name.len + strlen(separator) + value.len + 1;
    char *line = memory_new(size);
    char *end = mempcpy(line, name.ptr, name.len);
    end = stpcpy(end, separator);
    if (value.len > 0)
        memcpy(end, value.ptr, value.len);
    bool ok = add_line(route, line);
    secret_wipe(line, size);
    free(line);
    return ok;
}

static bool add_headers(struct upstream_route *route, const struct upstream_route_settings *from)
{
    struct headers headers = {from->headers, from->header_count};
    for (size_t i = 0; i < headers.count; i++)
        if (!add_header(route, &headers.items[i]))
            return false;
    /* Without these lines curl would add fields of its own, a form's content type among them; and
     * with "Expect" it would hold back a large body for up to a second. */
    if (headers_find(&headers, SPAN("accept")) == NULL && !add_line(route, "Accept:"))
        return false;
    if (headers_find(&headers, SPAN("content-type")) == NULL && !add_line(route, "Content-Type:"))
        return false;
    return add_line(route, "Expect:");
}

/* NULL when the text holds a NUL. */
static char *copy_text(struct span text)
{
    if (span_find(text, '\0') < text.len)
        return NULL;
    return memory_string(text.ptr, text.len);
}

/* Whether `text` is an absolute http or https URL without credentials (those go into headers). */
static bool set_url(CURLU *url, const char *text)
{
    char *scheme = NULL;
    if (curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return false;
    bool ok = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
    curl_free(scheme);
    return ok;
}

static bool add_url(struct upstream_route *route, struct span url)
{
    char *text = copy_text(url);
    if (text == NULL)
        return false;
    route->url = curl_url();
    bool ok = route->url != NULL && set_url(route->url, text);
    free(text);
    return ok;
}

/* Only checked here: curl wants the text, and parses it for each connection. */
static bool add_proxy(struct upstream_route *route, struct span proxy)
{
    route->proxy = copy_text(proxy);
    if (route->proxy == NULL || proxy.len == 0)
        return route->proxy != NULL;
    CURLU *parsed = curl_url();
    bool ok =
        parsed != NULL && curl_url_set(parsed, CURLUPART_URL, route->proxy,
                                       CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) == CURLUE_OK;
    curl_url_cleanup(parsed);
    return ok;
}

static bool add_ca_file(struct upstream_route *route, struct span ca_file)
{
    if (ca_file.len == 0)
        return true;
    route->ca_file = copy_text(ca_file);
    return route->ca_file != NULL;
}

static void route_free(struct upstream_route *route)
{
    for (struct curl_slist *line = route->lines; line != NULL; line = line->next)
        secret_wipe(line->data, strlen(line->data));
    curl_slist_free_all(route->lines);
    curl_url_cleanup(route->url);
    if (route->proxy != NULL)
        secret_wipe(route->proxy, strlen(route->proxy));
    free(route->proxy);
    free(route->ca_file);
    free(route);
}

struct upstream_route *upstream_route_new(const struct upstream_route_settings *settings)
{
    ASSERT(settings->connect_timeout_ms > 0 && settings->connect_timeout_ms <= LONG_MAX);
    struct upstream_route *route = MEMORY_NEW(struct upstream_route);
    ref_init(&route->ref);
    route->http2 = settings->http2;
    route->connect_timeout_ms = (long)settings->connect_timeout_ms;
    if (!add_url(route, settings->url) || !add_headers(route, settings) ||
        !add_proxy(route, settings->proxy) || !add_ca_file(route, settings->ca_file)) {
        route_free(route);
        return NULL;
    }
    return route;
}

struct upstream_route *upstream_route_ref(struct upstream_route *route)
{
    ref_take(&route->ref);
    return route;
}

void upstream_route_unref(struct upstream_route **route)
{
    struct upstream_route *gone = *route;
    *route = NULL;
    if (gone != NULL && ref_drop(&gone->ref))
        route_free(gone);
}
