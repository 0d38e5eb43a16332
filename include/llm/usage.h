/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token usage in one normal form, whatever the dialect (wire reference 2.6): totals that include
 * their parts, the parts beside them.
 */
#ifndef LLM_USAGE_H
#define LLM_USAGE_H

#include "base/span.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>

/* The tier that served a request, as the provider's answer says: prices differ. */
enum service_tier {
    SERVICE_TIER_STANDARD, /* "default", "standard", or not said */
    SERVICE_TIER_FLEX,
    SERVICE_TIER_PRIORITY, /* and "fast" */
    SERVICE_TIER_BATCH,
    SERVICE_TIER_OTHER, /* "scale", …: a contract's, whose prices nobody here knows */
};

struct usage {
    int64_t input;          /* all input tokens */
    int64_t cached_input;   /* of them, read from the provider's prompt cache */
    int64_t cache_write;    /* of them, written to it, for however long */
    int64_t cache_write_1h; /* of cache_write, to be kept for an hour */
    int64_t audio_input;    /* of input; cached_audio lies in both this and cached_input */
    int64_t cached_audio;
    int64_t image_input;  /* of input */
    int64_t output;       /* all output tokens */
    int64_t reasoning;    /* of them, hidden reasoning (may exceed output: seen) */
    int64_t audio_output; /* of output */
    int64_t image_output; /* of output */
    int64_t web_searches; /* tool calls that the provider ran and bills each */
    enum service_tier service_tier;
};

enum usage_source {
    USAGE_NONE,     /* nothing was used: the attempt never reached the provider, or failed there */
    USAGE_REPORTED, /* the provider's own figures */
    USAGE_COUNTED,  /* ours: what we sent and delivered, where the provider said nothing */
};

/* "none", "reported", "counted". */
const char *usage_source_name(enum usage_source source);

enum usage_verdict {
    USAGE_ABSENT,     /* null, missing, or totals all zero */
    USAGE_GOOD,       /* *out is filled */
    USAGE_IMPOSSIBLE, /* negative, no number, a part above its total …: as absent, but flagged */
};

/* What a report can be at most: more is impossible. 0: unknown. */
struct usage_limits {
    int64_t context_window;
    int64_t output_limit; /* n × the limit sent */
};

/* OpenAI's chat and completions `usage` object and its imitators' (DeepSeek's
 * prompt_cache_hit_tokens, xAI's reasoning beside completion_tokens …). The text is a JSON value
 * that json_scan has passed, or empty. *out is written only where the verdict is USAGE_GOOD. */
enum usage_verdict usage_read_openai(struct span usage_json, const struct usage_limits *limits,
                                     struct usage *out);

/* Tokens of `bytes` of text by the rule of four bytes a token, rounded up, until the tokenizer
 * comes. An estimate, always marked USAGE_COUNTED. */
int64_t usage_estimate_tokens(uint64_t bytes);

#endif
