/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flat final record of one exchange. Text is copied into fixed fields (cut where too long), so
 * that a receipt may be kept, queued and copied without thinking of lifetimes.
 */
#ifndef LLM_RECEIPT_H
#define LLM_RECEIPT_H

#include "base/id.h"
#include "llm/price.h"
#include "llm/usage.h"

#include <stdbool.h>
#include <stdint.h>

#define RECEIPT_NAME_SIZE 96
#define RECEIPT_TAGS_SIZE 512

/* Where the input went, as far as it was counted here (llm/chat_count.h), in tokens. */
struct receipt_context {
    int64_t counted;     /* input tokens before it was sent; 0: not counted */
    const char *quality; /* count_quality_name(), static; NULL: not counted */
    int64_t system;
    int64_t user;
    int64_t assistant;
    int64_t tool;
    int64_t repeated; /* of them, seen in the session's call before, or twice in this prompt */
};

struct receipt {
    struct id id;
    int64_t begun_wall_ns;
    int64_t duration_ns;
    int64_t first_byte_ns; /* to the first byte of the answer sent on; 0: none */
    int64_t overhead_ns;   /* of the duration, ours: until the request went upstream */
    int status;            /* sent to the client; 0: it was gone before */
    const char *outcome;   /* err_info()->name, or "none" */
    const char *step;      /* where it ended */
    const char *detail;    /* what the attempt died of, for people; static; NULL: nothing to say */
    const char *endpoint;
    bool stream;
    uint32_t attempts;
    bool retried; /* of one failed attempt that another followed; not of the exchange */
    char tenant[RECEIPT_NAME_SIZE];
    char key[RECEIPT_NAME_SIZE];
    char user[RECEIPT_NAME_SIZE];
    char session[RECEIPT_NAME_SIZE];
    char prompt[RECEIPT_NAME_SIZE]; /* name@version, or a fingerprint of system prompt and tools */
    char
        tags[RECEIPT_TAGS_SIZE]; /* "feature=chat,team=search": unique names, in order of arrival */
    char requested_model[RECEIPT_NAME_SIZE];
    char model[RECEIPT_NAME_SIZE]; /* that served it */
    char provider[RECEIPT_NAME_SIZE];
    struct receipt_context context;
    struct usage usage;
    enum usage_source usage_source;
    int64_t cost_nusd;
    int64_t meter_nusd[PRICE_METERS]; /* of the cost; the rest is for requests and searches */
    int64_t uncertain_nusd;
};

/* Copies into a fixed field, cut at the size on a character boundary, control characters and
 * invalid UTF-8 replaced by '?', always NUL-terminated. */
void receipt_copy(char field[RECEIPT_NAME_SIZE], struct span text);

#endif
