/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LLM request in canonical form: what the pipeline needs to know of it, with spans into the
 * client's body, which is never printed again but forwarded with edits.
 */
#ifndef LLM_CALL_H
#define LLM_CALL_H

#include "base/span.h"
#include "llm/usage.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>

/* What is asked for: one a path at the provider. */
enum call_kind {
    CALL_CHAT,        /* POST {base_url}/chat/completions */
    CALL_COMPLETIONS, /* POST {base_url}/completions, the legacy form */
    CALL_EMBEDDINGS,  /* POST {base_url}/embeddings: no output, no stream */
    CALL_KIND_COUNT
};

/* The output limit the client gave, by the field it used. */
enum limit_field {
    LIMIT_FIELD_NONE,
    LIMIT_FIELD_MAX_TOKENS,
    LIMIT_FIELD_MAX_COMPLETION_TOKENS,
    LIMIT_FIELD_BOTH, /* both, with equal values */
};

struct call {
    enum call_kind kind;
    struct json_object body; /* scanned; the text is the client's */
    struct span model;       /* as asked for, decoded */
    bool stream;
    bool wants_usage; /* stream_options.include_usage */
    int64_t prompts;  /* of completions and embeddings, each its own input; 1 of a chat */
    int64_t choices;  /* outputs that are written and billed: prompts × max(n, best_of); 1: none */
    int64_t output_limit; /* 0: the client gave none */
    enum limit_field limit_field;
    int64_t messages;
    bool has_tools;
    bool has_schema;    /* the answer is to follow a schema, which the prompt then explains */
    bool has_reasoning; /* reasoning_effort other than none */
    bool has_images;    /* in whatever form, as the next two */
    bool has_audio;
    bool has_searches;      /* of the web, by the provider */
    enum service_tier tier; /* asked for */
    struct span user;       /* the body's `user`, or empty */

    /* what llm/bound.h works from */
    int64_t images;            /* data: URIs */
    int64_t audio_tokens;      /* of the audio that is in the body, at most */
    uint64_t media_bytes;      /* of the body: data of images and audio, no text */
    uint64_t structured_bytes; /* of the body: JSON that the provider writes anew for the model, as
                                * it likes (definitions and calls of tools, schemas) */
    const char *unboundable;   /* the first part whose input tokens nobody can tell from the body (a
                              * remote image: "image_url"), or NULL */
    const char *unpriced;      /* the first that brings in prices which nobody gave ("models"), or
                              * NULL */
};

/* Why a body was refused: a sentence for the client and the field it is about. */
struct complaint {
    char message[256];
    char param[64]; /* empty: none */
};

#endif
