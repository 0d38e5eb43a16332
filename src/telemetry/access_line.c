/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receipt as one line of JSON. Every text goes through JSON escaping, which leaves neither a
 * quote nor a control character bare: no name can end the line or the object early. Money and times
 * are numbers with exact decimals; what does not exist is null.
 */
#include "access_line.h"

#include "base/clock.h"
#include "base/money.h"

#include <string.h>

/* With the comma before it: the first member, time, is written by hand. */
static void put_key(struct buf *out, const char *key)
{
    buf_printf(out, ",\"%s\":", key);
}

static void put_string(struct buf *out, const char *key, const char *text)
{
    put_key(out, key);
    buf_append_json_string(out, span_from_string(text));
}

/* A receipt's field ends at a NUL or at its size. */
static void put_field(struct buf *out, const char *key, const char *field, size_t size)
{
    put_key(out, key);
    buf_append_json_string(out, span_make(field, strnlen(field, size)));
}

static void put_name(struct buf *out, const char *key, const char name[RECEIPT_NAME_SIZE])
{
    put_field(out, key, name, RECEIPT_NAME_SIZE);
}

static void put_integer(struct buf *out, const char *key, int64_t value)
{
    put_key(out, key);
    buf_printf(out, "%lld", (long long)value);
}

static void put_nusd(struct buf *out, const char *key, int64_t nusd)
{
    char text[MONEY_TEXT_SIZE];
    put_key(out, key);
    buf_append(out, span_from_string(money_format(nusd, text)));
}

/* Milliseconds to the microsecond. */
static void put_ms(struct buf *out, const char *key, int64_t ns)
{
    int64_t us = ns > 0 ? ns / NS_PER_US : 0;
    put_key(out, key);
    buf_printf(out, "%lld.%03d", (long long)(us / 1000), (int)(us % 1000));
}

static void put_null(struct buf *out, const char *key)
{
    put_key(out, key);
    buf_append(out, SPAN("null"));
}

static void put_who_and_what(struct buf *out, const struct receipt *receipt)
{
    put_name(out, "tenant", receipt->tenant);
    put_name(out, "key", receipt->key);
    put_name(out, "user", receipt->user);
    put_name(out, "session", receipt->session);
    put_name(out, "prompt", receipt->prompt);
    put_field(out, "tags", receipt->tags, RECEIPT_TAGS_SIZE);
    put_string(out, "endpoint", receipt->endpoint);
    put_key(out, "stream");
    buf_append(out, receipt->stream ? SPAN("true") : SPAN("false"));
    put_name(out, "requested_model", receipt->requested_model);
    put_name(out, "model", receipt->model);
    put_name(out, "provider", receipt->provider);
}

static void put_ending(struct buf *out, const struct receipt *receipt)
{
    if (receipt->status != 0)
        put_integer(out, "status", receipt->status);
    else
        put_null(out, "status");
    put_string(out, "outcome", receipt->outcome);
    put_string(out, "step", receipt->step);
    put_string(out, "detail", receipt->detail);
    put_integer(out, "attempts", receipt->attempts);
    put_key(out, "retried");
    buf_append(out, receipt->retried ? SPAN("true") : SPAN("false"));
}

/* What was counted of the input before it was sent, and where it goes; null where nothing was. */
static void put_context(struct buf *out, const struct receipt_context *context)
{
    put_key(out, "context");
    if (context->quality == NULL) {
        buf_append(out, SPAN("null"));
        return;
    }
    buf_printf(out, "{\"counted\":%lld,\"quality\":\"%s\"", (long long)context->counted,
               context->quality);
    put_integer(out, "system", context->system);
    put_integer(out, "user", context->user);
    put_integer(out, "assistant", context->assistant);
    put_integer(out, "tool", context->tool);
    put_integer(out, "repeated", context->repeated);
    buf_append(out, SPAN("}"));
}

/* Of the input and output tokens, those with a name of their own: {"cached_input":4,…}; only what
 * there was. */
static void put_parts(struct buf *out, const struct usage *usage)
{
    bool any = false;
    put_key(out, "token_details");
    for (size_t kind = 0; kind < USAGE_KINDS; kind++) {
        int64_t tokens = usage_kind_value(usage, kind);
        bool is_total = usage_kinds[kind].offset == offsetof(struct usage, input) ||
                        usage_kinds[kind].offset == offsetof(struct usage, output);
        if (tokens == 0 || is_total)
            continue;
        buf_printf(out, "%c\"%s\":%lld", any ? ',' : '{', usage_kinds[kind].name,
                   (long long)tokens);
        any = true;
    }
    buf_append(out, any ? SPAN("}") : SPAN("{}"));
    put_string(out, "service_tier", service_tier_name(usage->service_tier));
}

static void put_use(struct buf *out, const struct receipt *receipt)
{
    put_integer(out, "input_tokens", receipt->usage.input);
    put_integer(out, "output_tokens", receipt->usage.output);
    put_parts(out, &receipt->usage);
    put_string(out, "usage_source", usage_source_name(receipt->usage_source));
    put_nusd(out, "cost_usd", receipt->cost_nusd);
    put_nusd(out, "uncertain_usd", receipt->uncertain_nusd);
}

void access_line_append(struct buf *out, const struct receipt *receipt)
{
    char time[CLOCK_RFC3339_SIZE];
    char id[ID_TEXT_SIZE];
    buf_printf(out, "{\"time\":\"%s\"", clock_rfc3339(receipt->begun_wall_ns, time));
    put_string(out, "id", id_format(receipt->id, id));
    put_who_and_what(out, receipt);
    put_ending(out, receipt);
    put_context(out, &receipt->context);
    put_use(out, receipt);
    put_ms(out, "duration_ms", receipt->duration_ns);
    if (receipt->first_byte_ns != 0)
        put_ms(out, "first_byte_ms", receipt->first_byte_ns);
    else
        put_null(out, "first_byte_ms");
    put_integer(out, "overhead_us", receipt->overhead_ns / NS_PER_US);
    buf_append(out, SPAN("}\n"));
}
