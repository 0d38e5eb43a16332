/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header fields of an answer to the client (INTERFACE section 4), collected and then handed to
 * the connection. Values live in the exchange's arena. fields_reply and fields_begin are the only
 * ways a reply starts.
 */
#ifndef GATEWAY_FIELDS_H
#define GATEWAY_FIELDS_H

#include "base/err.h"
#include "wire/headers.h"

#include <stdbool.h>
#include <stddef.h>

struct exchange;

#define FIELDS_MAX 32

struct fields {
    struct header items[FIELDS_MAX];
    size_t count;
    bool own; /* whether x-weir-* fields are wanted (response_headers) */
};

/* Begins with x-request-id. */
void fields_init(struct fields *fields, struct exchange *exchange);
/* `name` and `value` must live until the reply is begun. An empty value adds nothing (and what is not
 * safe in a field is left out by the writer). */
void fields_add(struct fields *fields, struct span name, struct span value);

/* From the provider's answer: content type, retry-after; and who served it. */
void fields_add_answer(struct fields *fields, struct exchange *exchange);
/* x-ratelimit-*, where a limit is configured; x-weir-budget; x-weir-max-tokens when clamped. */
void fields_add_limits(struct fields *fields, struct exchange *exchange);
/* Cost and tokens of a whole answer. */
void fields_add_bill(struct fields *fields, struct exchange *exchange);
/* What tells clients to come again, or not to. */
void fields_add_refusal(struct fields *fields, struct exchange *exchange, enum err err);

/* The whole reply: the fields, and exchange->reply as its body. */
void fields_reply(const struct fields *fields, struct exchange *exchange, int status);
/* A reply in chunks: sends its head. */
void fields_begin(const struct fields *fields, struct exchange *exchange, int status);

#endif
