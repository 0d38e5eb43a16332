/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LLM request in canonical form: what the pipeline needs to know of it, with spans into the
 * client's body, which is never printed again but forwarded with edits.
 */
#ifndef LLM_CALL_H
#define LLM_CALL_H

#include "base/span.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>

/* The output limit the client gave, by the field it used. */
enum limit_field {
    LIMIT_FIELD_NONE,
    LIMIT_FIELD_MAX_TOKENS,
    LIMIT_FIELD_MAX_COMPLETION_TOKENS,
    LIMIT_FIELD_BOTH, /* both, with equal values */
};

struct call {
    struct json_object body; /* scanned; the text is the client's */
    struct span model;       /* as asked for, decoded */
    bool stream;
    bool wants_usage;     /* stream_options.include_usage */
    int64_t choices;      /* n; 1 when absent */
    int64_t output_limit; /* 0: the client gave none */
    enum limit_field limit_field;
    int64_t messages;
    bool has_tools;
    bool has_reasoning;      /* reasoning_effort other than none */
    struct span user;        /* the body's `user`, or empty */
    const char *unboundable; /* the first part whose cost we cannot bound ("image_url"), or NULL */
};

/* Why a body was refused: a sentence for the client and the field it is about. */
struct complaint {
    char message[256];
    char param[64]; /* empty: none */
};

#endif
