/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The learned estimate of input tokens, for models whose tokenizer or template we do not have: two
 * lines through what was counted, corrected by what providers bill (recursive least squares with
 * forgetting), with running quantiles of their relative error (the P-square algorithm: R. Jain, I.
 * Chlamtac, CACM 28(10), 1985). One line is for the text; requests of plain text alone correct it.
 * The other is for what tools, formats and sealed reasoning add, by what is left of the bill. Beside
 * them a memory of what was billed lately, for traffic repeats itself: a request whose list of
 * messages begins with one that was billed is that bill and what was added since, by the lines; one
 * with the tools and system prompt of others is off the lines by what they were. One estimate for
 * each provider and model. It serves headers and limits; a bound never rests on it. The same learner
 * watches exact models: a residual that stays is drift.
 *
 * Values only: copy it, keep it under your own lock, write it to a file (without the memory, which
 * is of an hour, not of a run). Pure.
 */
#ifndef LLM_ESTIMATE_H
#define LLM_ESTIMATE_H

#include "base/buf.h"
#include "base/span.h"
#include "llm/chat_count.h"

#include <stdbool.h>
#include <stdint.h>

#define ESTIMATE_WEIGHTS 4

/* A line through so many features, and how far each weight may still be off. */
struct estimate_line {
    double weights[ESTIMATE_WEIGHTS];
    double covariance[ESTIMATE_WEIGHTS][ESTIMATE_WEIGHTS];
};

/* A running quantile of what is fed. Zeroed except `p`: new. */
struct quantile {
    double p;
    double heights[5];
    double wanted[5];
    int64_t places[5];
    int64_t count;
};

void quantile_feed(struct quantile *quantile, double value);
/* 0 before anything was fed. */
double quantile_value(const struct quantile *quantile);

/* What is remembered: at most so many requests; of a set, the one learned from longest ago goes. */
#define ESTIMATE_SETS 64
#define ESTIMATE_WAYS 4

struct estimate_known {
    uint64_t print;  /* of a list of messages, or of tools and system prompt; 0: free */
    int64_t learned; /* the estimate's `learned` when it was learned from last */
    double tokens;   /* what a list was billed; what bills of a head were above the lines */
    float features[2 * ESTIMATE_WEIGHTS]; /* of a list: of both lines */
};

struct estimate {
    struct estimate_line text;      /* 1, messages, text tokens, non-ASCII characters */
    struct estimate_line structure; /* has tools, structure, syntax, sealed bytes */
    double hidden_spread; /* how far the hidden prompt of tools may move from one day to the next */
    struct quantile error_p50; /* of |estimate − billed| ÷ billed */
    struct quantile error_p90;
    struct quantile over_p99; /* of billed ÷ estimate − 1 */
    int64_t learned;          /* requests it was corrected by */
    int64_t exact_run;        /* drift: requests in a row that an exact count got right … */
    int64_t drift_run;        /* … or wrong */
    struct estimate_known memory[ESTIMATE_SETS][ESTIMATE_WAYS]; /* the last: not written */
};

/* The start: what the family of that model at that provider is known to be like. */
void estimate_init(struct estimate *estimate, struct span provider, struct span model);

/* Tokens, and a figure that 99 of 100 such requests stay under once there is something learned (the
 * estimate with a wide margin before). At least 1. */
int64_t estimate_tokens(const struct estimate *estimate, const struct count_features *features);
int64_t estimate_high(const struct estimate *estimate, const struct count_features *features);

/* The provider billed this. Ignores what would mislead (media, tools that the provider runs: their
 * tokens are no text's) and figures that no such request can have. */
void estimate_learn(struct estimate *estimate, const struct count_features *features,
                    int64_t billed_input);

/* For models counted exactly: true when this bill makes it certain that the count no longer is
 * (several in a row of plain text requests that differ); said once until it is exact again. */
bool estimate_drifted(struct estimate *estimate, const struct input_count *count,
                      int64_t billed_input);

/* One line of text, without its end, that estimate_read takes; exact to the bit, but for the memory,
 * which is empty when read. */
void estimate_write(const struct estimate *estimate, struct buf *out);
/* False for anything that estimate_write did not write: *out is as it was. */
bool estimate_read(struct span line, struct estimate *out);

#endif
