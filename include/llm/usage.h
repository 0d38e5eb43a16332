/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token usage in one normal form, whatever the dialect (wire reference 2.6): totals that include
 * their parts, the parts beside them.
 */
#ifndef LLM_USAGE_H
#define LLM_USAGE_H

#include "base/arena.h"
#include "base/span.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stddef.h>
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
    int64_t cache_write_1h; /* of cache_write, to be kept for an hour or longer */
    int64_t audio_input;    /* of input; cached_audio lies in both this and cached_input */
    int64_t cached_audio;
    int64_t image_input;  /* of input; where it is known which, not of cached_input */
    int64_t output;       /* all output tokens */
    int64_t reasoning;    /* of them, hidden reasoning (may exceed output: seen) */
    int64_t audio_output; /* of output */
    int64_t image_output; /* of output */
    int64_t web_searches; /* tool calls that the provider ran and bills each */
    enum service_tier service_tier;
};

/* The kinds by name, for whatever lists them: "input", "cached_input", … */
struct usage_kind {
    const char *name;
    size_t offset; /* of its int64_t in struct usage */
};
#define USAGE_KINDS 12
extern const struct usage_kind usage_kinds[USAGE_KINDS];
int64_t usage_kind_value(const struct usage *usage, size_t kind);
/* Adds every kind to the sum; the tier becomes the latest one. */
void usage_add(struct usage *sum, const struct usage *usage);
/* "standard", "flex", "priority", "batch", "other". */
const char *service_tier_name(enum service_tier tier);

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
    USAGE_PARTIAL,    /* *out is filled with what a stream reported on its way, so at least that was
                       * used; the final figures never came. Only usage_reader_result says so. */
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

/* The tier of a service tier's name as some provider writes it ("default", "on_demand",
 * "ON_DEMAND_FLEX" …): a JSON value, or empty. Null, "" and "auto" say nothing: the standard one. */
enum service_tier usage_service_tier(struct span value);

/* ---- any dialect's answer or stream ---- */

enum usage_dialect {
    USAGE_DIALECT_OPENAI,    /* chat, completions, embeddings, and the hosts that imitate them */
    USAGE_DIALECT_RESPONSES, /* and OpenAI's images and transcriptions, which count alike */
    USAGE_DIALECT_ANTHROPIC, /* Messages */
    USAGE_DIALECT_BEDROCK,   /* Converse; the payloads of the frames that event_stream.h reads */
    USAGE_DIALECT_GEMINI,    /* the Gemini API and Vertex */
    USAGE_DIALECT_COHERE,    /* v2 */
    USAGE_DIALECT_OLLAMA,    /* native: an answer, or each line of a stream */
};
#define USAGE_DIALECTS 7

#define USAGE_FIGURES    20
#define USAGE_MODEL_SIZE 128

/* What was reported so far, in the dialect's own terms. Of src/llm/usage_*.c alone. */
struct usage_report {
    int64_t figures[USAGE_FIGURES]; /* -1: not said */
    enum service_tier tier;
    struct usage passes; /* Anthropic: the sum of pass_count samplings */
    int64_t pass_count;
    struct usage advisor; /* Anthropic: what another model did */
    char advisor_model[USAGE_MODEL_SIZE];
    size_t advisor_model_len; /* 0: none did anything */
};

/* Reads the usage off the events of one stream, or off one whole answer. The fields are private. */
struct usage_reader {
    enum usage_dialect dialect;
    struct usage_limits limits;
    struct arena *scratch;
    struct usage_report report;
    bool reported;
    bool impossible;
    bool ended; /* what only comes with or after the final figures was seen */
};

/* `scratch` must outlive the reader; what each event takes from it is given back at once. */
void usage_reader_init(struct usage_reader *reader, enum usage_dialect dialect,
                       const struct usage_limits *limits, struct arena *scratch);
/* The data of one event, in the order of the stream ("[DONE]" too), or the whole body. What is no
 * JSON or says nothing about usage changes nothing; later figures replace earlier ones. */
void usage_reader_event(struct usage_reader *reader, struct span json);
/* What all events together say. Service tiers are part of it. *out is written only where the verdict
 * is USAGE_GOOD or USAGE_PARTIAL. May be asked at any time. */
enum usage_verdict usage_reader_result(const struct usage_reader *reader, struct usage *out);
/* Anthropic: tokens that another model used for this answer, to be paid at its own prices and not
 * part of the result. False: none. `*model` lies in the reader. */
bool usage_reader_advisor(const struct usage_reader *reader, struct usage *out, struct span *model);

/* ---- without usage ---- */

/* Tokens of `bytes` of text by the rule of four bytes a token, rounded up, where nothing has counted
 * it. An estimate, always marked USAGE_COUNTED. */
int64_t usage_estimate_tokens(uint64_t bytes);

#endif
