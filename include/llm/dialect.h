/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialect is how one family of clients or providers speaks. This is the whole interface; a table
 * of functions, pure, any thread. OpenAI's three kinds of request are a dialect each.
 */
#ifndef LLM_DIALECT_H
#define LLM_DIALECT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "llm/call.h"
#include "llm/usage.h"

#include <stdbool.h>
#include <stdint.h>

/* What must differ in the request that goes to the provider. */
struct call_changes {
    struct span model;       /* the target's model name */
    int64_t output_limit;    /* written into the request; 0: leave the client's own, if any */
    struct span limit_field; /* the field this provider honours: "max_completion_tokens"; only chats
                              * have a choice, completions have "max_tokens" */
    bool ask_usage;          /* streams: stream_options.include_usage = true */
};

#define REPLY_MAX_TEXTS 8 /* events have one or two */

/* What one event of a stream, or a whole answer, says. */
struct reply_facts {
    bool is_object;     /* it is what this dialect sends: not HTML, half a text, nothing */
    bool is_done;       /* OpenAI's [DONE]: the end of the stream */
    bool is_usage_only; /* a chunk that exists for its usage alone */
    bool is_error;      /* carries an error object */
    bool finished;      /* carries a finish reason */
    enum usage_verdict usage_verdict;
    struct usage usage;  /* when USAGE_GOOD */
    uint64_t text_bytes; /* generated text in it: content, reasoning, refusal, tool arguments */
    struct span
        texts[REPLY_MAX_TEXTS]; /* the same as JSON strings, as they are written in the data */
    size_t text_count;
    uint64_t more_bytes;    /* of text_bytes, in texts for which there was no place */
    struct span usage_null; /* the member `"usage":null` with one comma, to cut; or empty */
    size_t usage_end; /* offset of the closing brace of the usage object in the data; 0: none */
    struct span usage_cost; /* the value of a `cost` that the provider put into it; or empty */
};

struct dialect {
    const char *name;

    /* Scans and reads a body. ERR_NONE, or the refusal with *why filled. Spans live as long as the
     * body and the arena. */
    enum err (*read_call)(struct span body, struct arena *arena, struct call *out,
                          struct complaint *why);
    /* The provider's body: the client's bytes with the changes. False when `out` is full. A limit
     * (ours, or the client's where we give none) goes into limit_field, and no other field keeps
     * one; with an empty limit_field the client's fields stay. */
    bool (*write_call)(const struct call *call, const struct call_changes *changes,
                       struct buf *out);
    /* Reads a whole answer or the data of one stream event (a whole answer with good usage is not
     * measured: text_bytes and finished stay 0); tolerant: anything unreadable gives
     * facts that say nothing. What it takes from the arena it gives back. */
    void (*read_reply)(struct span data, bool stream, const struct usage_limits *limits,
                       struct arena *scratch, struct reply_facts *out);
    /* The last part of a whole answer that is too large to be kept: the usage in it, and no other
     * facts. */
    void (*read_tail)(struct span tail, const struct usage_limits *limits, struct arena *scratch,
                      struct reply_facts *out);
    /* The stream event with what the client did not ask for removed, and with `cost_nusd` in its
     * usage when it is not negative. `data` and `facts` as read. Writes a complete event. */
    bool (*write_event)(struct span data, const struct reply_facts *facts, int64_t cost_nusd,
                        struct buf *out);
    /* An error body; `message` NULL: the error's own sentence; `param` NULL or "": none. */
    void (*write_error)(enum err err, const char *message, const char *param, struct buf *out);
    /* The last event of a stream that breaks: an error event, no end mark. */
    void (*write_stream_error)(enum err err, const char *message, struct buf *out);
};

extern const struct dialect dialect_openai;             /* chat completions */
extern const struct dialect dialect_openai_completions; /* legacy completions */
extern const struct dialect dialect_openai_embeddings;

#endif
