/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of OpenAI's dialect share: the functions of its table, and how member names and
 * strings are compared as they are written, escapes and all, without a copy. The comparison matters
 * for money: "typ\u0065": "image\u005furl" is an image to the provider.
 */
#ifndef LLM_DIALECT_OPENAI_H
#define LLM_DIALECT_OPENAI_H

#include "llm/dialect.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- dialect_openai_text.c ---- */

/* Whether the contents of a JSON string (between its quotes, as written) mean `plain`, which is
 * ASCII. */
bool openai_escaped_text_is(struct span contents, struct span plain);
static inline bool openai_text_is(struct span contents, struct span plain)
{
    /* An escape makes a text longer: most names are told apart by their length. */
    if (contents.len <= plain.len)
        return span_equal(contents, plain);
    return openai_escaped_text_is(contents, plain);
}
/* The contents of a string value "…": what is between the quotes, as written. */
struct span openai_text(struct span value);
/* Whether a value is a string that means `plain`. */
bool openai_value_is(struct span value, enum json_type type, struct span plain);
/* Bytes of UTF-8 that a string value "…" stands for. */
uint64_t openai_text_bytes(struct span value);

/* What to cut from the object's text so that member `index` goes with one comma. `kept_before`:
 * some member before it stays (the comma before it goes then, else the one after it). */
struct span openai_member_cut(const struct json_object *object, size_t index, bool kept_before);

/* A walk over the members of an object or the elements of an array that json_scan has passed: start
 * with only `inside` set. */
struct openai_walk {
    struct span inside;
    size_t at;
    struct span key;
    struct span value;
    enum json_type type;
};

static inline bool openai_walk_next(struct openai_walk *walk)
{
    return json_walk(walk->inside, &walk->at, &walk->key, &walk->value, &walk->type);
}

/* ---- dialect_openai_call.c, dialect_openai_messages.c ---- */

/* A body while it is read. */
struct openai_reading {
    struct call *call;
    struct arena *arena;
    struct complaint *why;
    int64_t max_tokens; /* 0: none */
    int64_t max_completion_tokens;
    bool has_messages;
    bool has_input; /* the Responses API's member */
    bool has_stream_options;
};

/* Fills reading->why and returns `err`. `param` is one of our own names; so are the arguments. */
enum err openai_refuse(struct openai_reading *reading, enum err err, const char *param,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Remembers the first part that has no bound; `name` is static. */
void openai_unbound(struct openai_reading *reading, const char *name);

enum err openai_read_messages(struct openai_reading *reading, const struct json_member *member);
enum err openai_read_tools(struct openai_reading *reading, const struct json_member *member);

/* ---- the table ---- */

enum err openai_read_call(struct span body, struct arena *arena, struct call *out,
                          struct complaint *why);
bool openai_write_call(const struct call *call, const struct call_changes *changes,
                       struct buf *out);
void openai_read_reply(struct span data, bool stream, const struct usage_limits *limits,
                       struct arena *scratch, struct reply_facts *out);
bool openai_write_event(struct span data, const struct reply_facts *facts, int64_t cost_nusd,
                        struct buf *out);
void openai_write_error(enum err err, const char *message, const char *param, struct buf *out);
void openai_write_stream_error(enum err err, const char *message, struct buf *out);

#endif
