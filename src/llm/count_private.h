/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the input counter share. A body is walked once, in place; each text is counted
 * as it comes by and booked on a role; what the chat template adds is booked beside it by the
 * family's figures.
 *
 *   chat_count.c ── by kind ──> chat_count_chat / _responses / _prompts / _messages / _gemini
 *                                  │ text, content parts      count_text.c
 *                                  │ tools, formats           count_tools.c  count_schema.c
 *                                  │ images, audio, files     count_media.c  count_image.c
 *                                  │ fingerprints             count_print.c
 *                                  └ figures of families      count_family.c
 *
 * A model of OpenAI's has an `openai` family: its template is known, token by token. Any other has a
 * `vendor` family, whose figures are the start of an estimate (estimate.c learns the rest). Exactly
 * one of the two is set. Where the figures are from: docs/internals/counting.md.
 */
#ifndef LLM_COUNT_PRIVATE_H
#define LLM_COUNT_PRIVATE_H

#include "base/buf.h"
#include "llm/chat_count.h"
#include "wire/json.h"

/* ---- families (count_family.c) ---- */

enum count_template {
    TEMPLATE_CLASSIC,  /* <|im_start|>role … : gpt-3.5, gpt-4, gpt-4o, gpt-4.1 */
    TEMPLATE_CHANNELS, /* harmony: the reasoning models */
    TEMPLATE_BARE,     /* only the texts are billed */
};

struct openai_family {
    struct span prefix;
    struct span infix; /* anywhere in the name; empty: no matter */
    enum count_template template;
    enum count_quality best; /* of a body of plain text */
    int base;                /* the start of the reply */
    int message;             /* around each message, without its role */
    int assistant;           /* more on the assistant's */
    int name;                /* on a message with a name, beside its text */
};

struct vendor_family {
    struct span prefix;
    double base;
    double message;
    double ratio;     /* the vendor's tokens for one of ours */
    double non_ascii; /* more for each character beyond ASCII */
    double tool_ratio;
    double syntax;        /* of the JSON syntax around tool definitions, the part that is billed */
    double opaque;        /* tokens for a byte of reasoning that came back sealed … */
    double opaque_vertex; /* … at Google's other host */
    int tools;            /* the hidden prompt that tools bring */
    int tool;             /* each tool … */
    int tool_syntax;      /* … more, where syntax is billed … */
    int parameters;       /* … and that for its parameters */
    int call;             /* each call of a tool with its result */
    int forced;           /* tool_choice that forces a call */
    int parallel;         /* of the hidden prompt: it speaks of several calls at once */
    int thinking;         /* thinking enabled */
    int format;           /* a JSON schema for the answer */
    int json_mode;        /* an answer in JSON, of any schema */
    int unthinking;       /* reasoning that is turned off */
    int responses;        /* this body by way of the Responses API */
    bool none_drops;      /* tool_choice "none" leaves the tools out */
    bool single_digits;   /* the vocabulary has no token of two digits */
    int contraction; /* what "'s" takes more than in our vocabulary, where it is part of its word */
    bool thoughts;   /* earlier thinking is part of the prompt */
    bool keeps_sealed; /* so is what came back sealed, in every turn */
};

/* NULL: no model of OpenAI's. */
const struct openai_family *openai_family_find(struct span model);
/* Never NULL. Where no name fits, the family that bodies of that kind belong to. */
const struct vendor_family *vendor_family_find(struct span model, enum body_kind kind);

/* ---- the counter (count_text.c) ---- */

#define COUNT_CALLS_KEPT 128 /* results follow their calls closely */

struct count_call {
    struct span id; /* raw, in the body */
    struct span name;
};

struct counter {
    const struct count_request *request;
    struct input_count *out;
    const struct openai_family *openai;
    const struct vendor_family *vendor;
    int64_t roles[4];                          /* by enum count_role */
    int64_t unowned;                           /* nobody's: the start of the reply */
    struct count_call calls[COUNT_CALLS_KEPT]; /* a ring */
    size_t call_count;
    int64_t sealed_tokens; /* reasoning since the last user message, estimated */
    int64_t sealed_bytes;
    size_t looks;       /* bytes of `required` lists that were searched */
    bool system_merges; /* the next system message is one with the tools before it */
    bool responses;
    bool searches; /* for tools, by the provider */
    bool results;  /* of tools stand in the same message */
    bool head_ended;
    uint64_t print;                /* of all so far … */
    uint64_t prints[COUNT_PRINTS]; /* … and as it was after each message: a ring */
    size_t print_count;
};

/* What a value is; of a member that is absent: JSON_NULL, empty. */
struct member {
    struct span value;
    enum json_type type;
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Fills `out` with the members of an object by `keys`, in one walk. */
void members_read(struct member object, const struct span *keys, size_t count, struct member *out);
/* The contents of a string without its quotes, escapes and all; empty for anything else. */
struct span member_raw(struct member member);
bool member_is(struct member member, struct span text);
bool member_true(struct member member);

/* The body is not what this counter knows in full. */
void count_degrade(struct counter *counter, enum count_quality quality);

/* Decoded; in the scratch arena where it has escapes. Where that is full, raw and an estimate. */
struct span count_decode(struct counter *counter, struct member string);
/* Tokens, booked nowhere. */
int64_t count_tokens(struct counter *counter, struct span text);
/* The same, as the vendor's vocabulary has digits. */
int64_t count_words(struct counter *counter, struct span text);
/* Counts a text of a role: books it, feeds the features, tells the listener. */
int64_t count_text(struct counter *counter, enum count_role role, struct span text);
/* The same of a JSON string. */
int64_t count_string(struct counter *counter, enum count_role role, struct member string);
/* Any other value, as compact JSON; a null or absent one is nothing. */
int64_t count_json(struct counter *counter, enum count_role role, struct member value);
/* Books tokens of the template. */
void count_frame(struct counter *counter, enum count_role role, int64_t tokens);

enum count_role count_role_of(struct member role);

/* A message's content: null, a string, or parts, whose texts count as one text. True when there was
 * any. `newline`: one more at the end. */
bool count_content(struct counter *counter, enum count_role role, struct member content,
                   bool newline);

void count_call_keep(struct counter *counter, struct span id, struct span name);
/* The name of the function that was called; empty when unknown. */
struct span count_call_name(const struct counter *counter, struct span id);

/* Sealed reasoning of the present turn. */
void count_sealed(struct counter *counter, struct member string);
/* A message of the user's: reasoning before it is dropped. */
void count_turn(struct counter *counter);

/* ---- fingerprints (count_print.c) ---- */

/* Tools, formats: as they stand in the body. */
void count_print(struct counter *counter, struct member value);
void count_print_text(struct counter *counter, enum count_role role, struct span text);
/* A message ends. */
void count_print_message(struct counter *counter);
/* Puts them into the features. */
void count_prints_end(struct counter *counter);

/* ---- tools and formats (count_tools.c, count_schema.c, count_json.c) ---- */

#define COUNT_MERGED (-4) /* a system message that shares the tools' message */

#define COUNT_SEARCH 560 /* a search for tools that the provider runs before it answers */

/* What a request says about tools. */
struct tool_request {
    struct member tools;
    struct member functions; /* the legacy form */
    struct member choice;    /* tool_choice or function_call */
    struct member parallel;
};
void count_tools_openai(struct counter *counter, const struct tool_request *request);
/* Tools that an item of the input brings (tool search). */
void count_tools_added(struct counter *counter, struct member tools);
/* A tool that the provider runs itself: what it brings along is the provider's secret. */
void count_tool_hosted(struct counter *counter, struct member type);
/* {"type": "json_schema", …} in either endpoint's form. */
void count_format_openai(struct counter *counter, struct member format);
/* One definition: name, description and schema, wherever a vendor has them. */
void count_tool_vendor(struct counter *counter, struct member name, struct member description,
                       struct member schema);
/* What the vendor's template adds when there are tools; `forced`: one must be called. */
void count_tools_vendor_end(struct counter *counter, bool forced);
/* A JSON schema that the answer must keep to. */
void count_format_vendor(struct counter *counter, struct member schema);
/* Books what a template adds for tools, formats and modes; and the syntax around calls and
 * definitions, of which not all vendors bill all. */
void count_structure(struct counter *counter, enum count_role role, int64_t tokens);
void count_syntax(struct counter *counter, enum count_role role, int64_t tokens);
/* A value as JSON, its syntax apart from its words. */
void count_json_apart(struct counter *counter, enum count_role role, struct member value);
/* A call of a tool in a vendor's history. */
void count_call_vendor(struct counter *counter, struct member name, struct member arguments);

/* "type NAME = (_: {…}) => any;" with its comments, as OpenAI's templates render a function. True
 * when a property has a comment. */
bool schema_write_function(struct counter *counter, struct buf *out, struct member function);
/* The marks that the renderer leaves for itself, taken out. */
void schema_finish(struct buf *out, size_t from);

#define JSON_DROP_REQUIRED    1u /* "required": […] */
#define JSON_DROP_ADDITIONAL  2u /* "additionalProperties": true or false */
#define JSON_DROP_DESCRIPTION 4u /* of the root */
/* The value without white space, strings escaped as little as can be. */
void json_write_compact(struct counter *counter, struct buf *out, struct member value,
                        unsigned drop);

/* ---- media (count_media.c, count_image.c) ---- */

/* A part that is no text. */
void count_media(struct counter *counter, enum count_role role, struct member part);
void count_media_tokens(struct counter *counter, enum count_role role, int64_t tokens);

struct image_size {
    uint32_t width;
    uint32_t height;
};
/* From the first bytes of base64 data: PNG, JPEG, GIF, WebP. */
bool image_size_read(struct span base64, struct image_size *out);
/* What a model of OpenAI's bills for it. */
int64_t image_tokens_openai(struct span model, struct image_size size, bool low);

/* ---- bodies ---- */

void chat_count_chat(struct counter *counter, struct member body);
void chat_count_responses(struct counter *counter, struct member body);
void chat_count_prompts(struct counter *counter, struct member body);
void chat_count_messages(struct counter *counter, struct member body);
void chat_count_gemini(struct counter *counter, struct member body);

#endif
