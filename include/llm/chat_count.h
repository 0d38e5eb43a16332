/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many input tokens a request body is, before it is sent: the text by the tokenizer, and around
 * it what the provider's chat template adds (messages, names, tools and their history, images,
 * audio), by the formulas of the model's family. Formulas and where they come from:
 * docs/internals/counting.md. A family that nobody knows is an estimate, and says so. Pure; any
 * thread with a cache and a scratch arena of its own.
 */
#ifndef LLM_CHAT_COUNT_H
#define LLM_CHAT_COUNT_H

#include "base/arena.h"
#include "base/span.h"
#include "llm/tokens.h"

#include <stdbool.h>
#include <stdint.h>

/* What a body is. */
enum body_kind {
    BODY_CHAT,        /* OpenAI's chat completions */
    BODY_RESPONSES,   /* OpenAI's Responses API */
    BODY_COMPLETIONS, /* legacy completions: string, strings, token ids, lists of token ids */
    BODY_EMBEDDINGS,  /* the same forms under `input` */
    BODY_MESSAGES,    /* Anthropic's messages */
    BODY_GEMINI,      /* generateContent */
};

enum count_quality {
    COUNT_EXACT,    /* the family's formula, on a body of a kind that it was proven exact for */
    COUNT_NEAR,     /* the formula, with parts that it is known to miss by a few tokens */
    COUNT_ESTIMATE, /* a proxy tokenizer or an unknown family: the estimator's to correct */
};

/* "exact", "near", "estimate". */
const char *count_quality_name(enum count_quality quality);

enum count_role { COUNT_ROLE_SYSTEM, COUNT_ROLE_USER, COUNT_ROLE_ASSISTANT, COUNT_ROLE_TOOL };

/* Who the prompt's tokens belong to: content and its framing. Tool definitions count as system. */
struct tokens_by_role {
    int64_t system; /* and developer, instructions, tool definitions */
    int64_t user;
    int64_t assistant;
    int64_t tool; /* results of tools */
};

#define COUNT_PRINTS 8 /* messages at the end of a list, whose fingerprints are kept */

/* What the learned estimator (llm/estimate.h) works from. */
struct count_features {
    int64_t text_tokens;      /* all text by the tokenizer, without any framing */
    int64_t messages;         /* and system prompts, tool results: each thing with a role */
    int64_t non_ascii;        /* characters beyond ASCII in all text */
    int64_t structure_tokens; /* what tools, calls and formats add by the family's figures … */
    int64_t syntax_tokens;    /* … without the JSON syntax around definitions: not all bill it */
    int64_t opaque_bytes;     /* sealed reasoning of the present turn, in base64 */
    int64_t media_tokens;     /* images, audio, files, by the family's figures */
    bool has_tools;
    bool has_media;  /* what no text count speaks of */
    bool has_hosted; /* tools that the provider runs, or state that it keeps: not to be known */
    /* Fingerprints of texts: of tools, formats and system prompt, 0 where there are none … */
    uint64_t head_print;
    /* … and of all with the list of messages up to its last, to the one before, and so on. */
    uint64_t list_prints[COUNT_PRINTS];
    int64_t list_print_count;
};

struct input_count {
    int64_t tokens; /* what the provider should bill as input */
    enum count_quality quality;
    struct tokens_by_role by_role; /* its sum is at most `tokens` */
    int64_t media_tokens;          /* of `tokens` */
    struct count_features features;
};

/* Hears of each piece of text that is counted, in order: its tokens, whose it is. For attribution of
 * what repeats. `text` is decoded and lives during the call. */
struct count_listener {
    void (*text)(void *argument, enum count_role role, struct span text, int64_t tokens);
    void *argument;
};

struct count_request {
    enum body_kind kind;
    struct span body;                      /* JSON that json_scan has passed */
    struct span model;                     /* the name at the provider: decides the family */
    const struct tokenizer *tokenizer;     /* the operator's, or the family's (model_encoding) */
    bool tokenizer_is_exact;               /* it is the model's own, no proxy */
    struct token_cache *cache;             /* may be NULL */
    struct arena *scratch;                 /* what is taken is given back */
    const struct count_listener *listener; /* may be NULL */
};

/* The encoding to count this model's text with, and whether it is the model's own; where it is not,
 * o200k_base as the best proxy (docs/internals/counting.md). */
enum encoding model_encoding(struct span model, bool *is_exact);

/* Never fails: what it does not understand counts as text of its bytes, and makes it an estimate. */
void input_count(const struct count_request *request, struct input_count *out);

#endif
