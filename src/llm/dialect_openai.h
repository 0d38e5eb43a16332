/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of OpenAI's dialects share: the functions of their tables, and how member names and
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
/* Whether the contents begin with what means `plain`. */
bool openai_text_starts_with(struct span contents, struct span plain);
/* Reads one character of ASCII; `*at` moves past it. Anything else is returned as a value that no
 * ASCII byte has. */
unsigned openai_next_ascii(struct span contents, size_t *at);
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

/* ---- dialect_openai_members.c ---- */

#define NOT_GIVEN INT64_C(-1)

/* A body while it is read. */
struct openai_reading {
    struct call *call;
    struct arena *arena;
    struct complaint *why;
    int64_t max_tokens; /* or NOT_GIVEN, as the next one */
    int64_t max_completion_tokens;
    int64_t n;
    int64_t best_of; /* 0: none */
    bool has_messages;
    bool has_input; /* of embeddings; in a chat, the Responses API's member */
    bool has_stream_options;
};

/* A member of a form's root, and what reads it. */
struct openai_member {
    struct span key;
    enum err (*read)(struct openai_reading *reading, const struct json_member *member);
};

/* A member that brings in what the body's bytes say nothing of, whatever it says but null: what is
 * to be noted, openai_unbound or openai_unprice. */
struct openai_mark {
    struct span key;
    void (*mark)(struct openai_reading *reading, const char *name);
};

/* What the body of one endpoint may say. */
struct openai_form {
    enum call_kind kind;
    const struct openai_member *members;
    size_t member_count;
    const struct openai_mark *marks;
    size_t mark_count;
    enum err (*check)(struct openai_reading *reading); /* all members were read */
};

/* dialect.h's read_call, by a form. */
enum err openai_read_form(const struct openai_form *form, struct span body, struct arena *arena,
                          struct call *out, struct complaint *why);

/* Fills reading->why and returns `err`. `param` is one of our own names; so are the arguments. */
enum err openai_refuse(struct openai_reading *reading, enum err err, const char *param,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Remember the first part whose input tokens have no bound, or whose prices nobody gave; `name` is
 * static. */
void openai_unbound(struct openai_reading *reading, const char *name);
void openai_unprice(struct openai_reading *reading, const char *name);
/* Whether a member says more than null or one of these words. */
bool openai_says_more(const struct json_member *member, struct span a, struct span b);

enum err openai_read_model(struct openai_reading *reading, const struct json_member *member);
enum err openai_read_stream(struct openai_reading *reading, const struct json_member *member);
enum err openai_read_stream_options(struct openai_reading *reading,
                                    const struct json_member *member);
enum err openai_read_max_tokens(struct openai_reading *reading, const struct json_member *member);
enum err openai_read_max_completion_tokens(struct openai_reading *reading,
                                           const struct json_member *member);
enum err openai_read_n(struct openai_reading *reading, const struct json_member *member);
enum err openai_read_best_of(struct openai_reading *reading, const struct json_member *member);
enum err openai_read_service_tier(struct openai_reading *reading, const struct json_member *member);
enum err openai_read_user(struct openai_reading *reading, const struct json_member *member);

/* ---- dialect_openai_messages.c ---- */

enum err openai_read_messages(struct openai_reading *reading, const struct json_member *member);
enum err openai_read_tools(struct openai_reading *reading, const struct json_member *member);

/* ---- dialect_openai_media.c ---- */

/* A content part of these types: counted where it can be, else noted as having no bound. */
void openai_read_image(struct openai_reading *reading, struct span part);
void openai_read_audio(struct openai_reading *reading, struct span part);

/* ---- the tables ---- */

enum err openai_read_chat(struct span body, struct arena *arena, struct call *out,
                          struct complaint *why);
enum err openai_read_completions(struct span body, struct arena *arena, struct call *out,
                                 struct complaint *why);
enum err openai_read_embeddings(struct span body, struct arena *arena, struct call *out,
                                struct complaint *why);
bool openai_write_call(const struct call *call, const struct call_changes *changes,
                       struct buf *out);
void openai_read_reply(struct span data, bool stream, const struct usage_limits *limits,
                       struct arena *scratch, struct reply_facts *out);
void openai_read_tail(struct span tail, const struct usage_limits *limits, struct arena *scratch,
                      struct reply_facts *out);
bool openai_write_event(struct span data, const struct reply_facts *facts, int64_t cost_nusd,
                        struct buf *out);
void openai_write_error(enum err err, const char *message, const char *param, struct buf *out);
void openai_write_stream_error(enum err err, const char *message, struct buf *out);

#endif
