/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Whole replies of the simulated provider: JSON, and errors in OpenAI's shape. */
#ifndef SIM_REPLY_H
#define SIM_REPLY_H

#include "base/buf.h"
#include "ids.h"

struct conn;

/* An error as a value. Texts are static, but for the message. */
struct refusal {
    int status;
    const char *type;
    const char *param; /* or NULL */
    const char *code;  /* or NULL */
    char message[256];
};

/* The type and code that OpenAI gives with this status, and a message for people. */
void refusal_set(struct refusal *refusal, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* 400 on one parameter of the request. Returns false, for `return refuse_param(…)`. */
bool refusal_set_param(struct refusal *refusal, const char *param, const char *code,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Fields of a reply beside Content-Type and x-request-id; an empty value leaves its field out. */
struct reply_fields {
    struct span media_type;
    struct span retry_after;
    struct span location;
};

void reply_whole(struct conn *conn, struct ids *ids, int status, const struct reply_fields *fields,
                 struct buf *body);
void reply_json(struct conn *conn, struct ids *ids, int status, struct buf *body);
void reply_refusal(struct conn *conn, struct ids *ids, const struct refusal *refusal);
/* {"error":{…} without the brace that ends it: more members may follow. */
void reply_write_refusal(const struct refusal *refusal, struct buf *out);
/* Begins a reply of unknown length. */
void reply_begin(struct conn *conn, struct ids *ids, int status, struct span media_type);

#endif
