/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lines, each by recursive least squares: the covariance says how far a weight may still be off,
 * so the family's figures stand until bills speak against them, and forgetting keeps it able to
 * follow. A bill far from what the covariance allows counts less: one odd answer moves
 * little. What the memory knows (estimate_memory.c) comes on top. docs/internals/counting.md has what
 * was measured.
 */
#include "llm/estimate.h"

#include "count_private.h"
#include "estimate_private.h"

#include <math.h>

#define FORGETTING 0.998
#define RATIO_MIN  0.5
#define RATIO_MAX  3.0

/* The variance of a bill about its line: something for rounding, a share of the bill for its many
 * tokens, and the square of a share, for one text is of one kind. */
#define TEXT_NOISE      0.05
#define TEXT_ROUNDING   1.0
#define STRUCTURE_NOISE 0.3
#define STRUCTURE_ROUND 4.0
#define ONE_KIND        0.05
#define TEXT_FAR        2.0
#define STRUCTURE_FAR   3.0
#define HIDDEN_SHARE    0.2
#define HIDDEN_LEAST    3.0 /* … and at least */

#define WIDE 10.0 /* of a family that nobody knows */

#define MARGIN_SHARE   0.5 /* of the high figure, while little is learned */
#define MARGIN_TOKENS  16
#define LEARNED_LITTLE 16
#define SPREAD_MAX     1e6
#define TOKENS_MAX     1e15
#define DRIFT_CERTAIN  5

enum { W_ONE, W_MESSAGES, W_TEXT, W_NON_ASCII };
enum { W_TOOLS, W_STRUCTURE, W_SYNTAX, W_OPAQUE };

static const double text_spread[ESTIMATE_WEIGHTS] = {0.4, 0.25, 0.03, 0.15};
static const double structure_spread[ESTIMATE_WEIGHTS] = {0, 0.08, 0.3, 0.02};

/* ---- the start ---- */

struct start {
    double text[ESTIMATE_WEIGHTS];
    double structure[ESTIMATE_WEIGHTS];
    double hidden; /* the prompt that tools bring */
    double wide;   /* how many times further off than a known family's figures these may be */
};

static bool names(struct span provider, struct span part)
{
    return span_search(provider, part) < provider.len;
}

/* What a provider's name says of its bodies, where the model's says nothing. */
static enum body_kind kind_of(struct span provider)
{
    if (names(provider, SPAN("anthropic")))
        return BODY_MESSAGES;
    if (names(provider, SPAN("gemini")) || names(provider, SPAN("google")) ||
        names(provider, SPAN("vertex")))
        return BODY_GEMINI;
    return BODY_CHAT;
}

static struct start start_of(struct span provider, struct span model)
{
    const struct openai_family *openai = openai_family_find(model);
    if (openai != NULL)
        return (struct start){
            .text = {openai->base, openai->message + (openai->message > 0), 1, 0},
            .structure = {0, 1, 1, 0},
            .wide = 1,
        };
    const struct vendor_family *vendor = vendor_family_find(model, kind_of(provider));
    /* Vertex shows the model a form of its own, and bills no signatures. */
    bool vertex = names(provider, SPAN("vertex")) || names(provider, SPAN("aiplatform"));
    return (struct start){
        .text = {vendor->base, vertex ? 0 : vendor->message, vendor->ratio, vendor->non_ascii},
        .structure = {0, 1, vertex ? 0 : vendor->syntax,
                      vertex ? vendor->opaque_vertex : vendor->opaque},
        .hidden = vendor->tools,
        .wide = vendor->prefix.len > 0 ? 1 : WIDE,
    };
}

static void line_init(struct estimate_line *line, const double *weights, const double *spread,
                      double first, double wide)
{
    *line = (struct estimate_line){.weights = {0}};
    for (int i = 0; i < ESTIMATE_WEIGHTS; i++) {
        double off = wide * (i == 0 ? fmax(spread[0], first) : spread[i]);
        line->weights[i] = weights[i];
        line->covariance[i][i] = off * off;
    }
}

void estimate_init(struct estimate *estimate, struct span provider, struct span model)
{
    struct start start = start_of(provider, model);
    *estimate = (struct estimate){
        .error_p50 = {.p = 0.50},
        .error_p90 = {.p = 0.90},
        .over_p99 = {.p = 0.99},
    };
    line_init(&estimate->text, start.text, text_spread, start.text[W_ONE] / 10, start.wide);
    estimate->hidden_spread = fmax(HIDDEN_LEAST, HIDDEN_SHARE * start.hidden);
    line_init(&estimate->structure, start.structure, structure_spread, estimate->hidden_spread,
              start.wide);
}

/* ---- the estimate ---- */

static void text_features(const struct count_features *features, double *out)
{
    out[W_ONE] = 1;
    out[W_MESSAGES] = (double)features->messages;
    out[W_TEXT] = (double)features->text_tokens;
    out[W_NON_ASCII] = (double)features->non_ascii;
}

static void structure_features(const struct count_features *features, double *out)
{
    out[W_TOOLS] = features->has_tools;
    out[W_STRUCTURE] = (double)features->structure_tokens;
    out[W_SYNTAX] = (double)features->syntax_tokens;
    out[W_OPAQUE] = (double)features->opaque_bytes;
}

void estimate_features(const struct count_features *features, double *out)
{
    text_features(features, out);
    structure_features(features, out + ESTIMATE_WEIGHTS);
}

static double at(const struct estimate_line *line, const double *features)
{
    double sum = 0;
    for (int i = 0; i < ESTIMATE_WEIGHTS; i++)
        sum += line->weights[i] * features[i];
    return sum;
}

double estimate_line_tokens(const struct estimate *estimate, const double *features)
{
    return at(&estimate->text, features) + at(&estimate->structure, features + ESTIMATE_WEIGHTS);
}

static double estimate_of(const struct estimate *estimate, const struct count_features *features)
{
    double now[ESTIMATE_FEATURES];
    estimate_features(features, now);
    double tokens = estimate_line_tokens(estimate, now) + estimate_recall(estimate, features) +
                    (double)features->media_tokens;
    return fmin(fmax(1, tokens), TOKENS_MAX);
}

int64_t estimate_tokens(const struct estimate *estimate, const struct count_features *features)
{
    return (int64_t)(estimate_of(estimate, features) + 0.5);
}

int64_t estimate_high(const struct estimate *estimate, const struct count_features *features)
{
    double tokens = estimate_of(estimate, features);
    double over = fmax(0, quantile_value(&estimate->over_p99));
    if (estimate->learned < LEARNED_LITTLE)
        return (int64_t)ceil(tokens * (1 + fmax(over, MARGIN_SHARE))) + MARGIN_TOKENS;
    return (int64_t)ceil(tokens * (1 + over)) + 1;
}

/* ---- learning ---- */

static void line_learn(struct estimate_line *line, const double *x, double bill, double noise,
                       double far)
{
    double px[ESTIMATE_WEIGHTS];
    double spread = noise;
    double off = bill - at(line, x);
    for (int i = 0; i < ESTIMATE_WEIGHTS; i++) {
        px[i] = 0;
        for (int k = 0; k < ESTIMATE_WEIGHTS; k++)
            px[i] += line->covariance[i][k] * x[k];
        spread += px[i] * x[i];
    }
    double limit = far * sqrt(spread);
    if (fabs(off) > limit)
        spread += noise * (off * off / (limit * limit) - 1);
    for (int i = 0; i < ESTIMATE_WEIGHTS; i++)
        line->weights[i] += px[i] / spread * off;
    for (int i = 0; i < ESTIMATE_WEIGHTS; i++)
        for (int k = 0; k < ESTIMATE_WEIGHTS; k++) {
            double *cell = &line->covariance[i][k];
            *cell = (*cell - px[i] * px[k] / spread) / FORGETTING;
            if (i == k) /* forgetting alone makes no weight wild; nor does rounding below 0 */
                *cell = fmin(fmax(*cell, 0), SPREAD_MAX);
        }
}

static void learn_text(struct estimate *estimate, const double *text, double bill, double noise)
{
    struct estimate_line *line = &estimate->text;
    line_learn(line, text, bill, noise, TEXT_FAR);
    line->weights[W_TEXT] = fmin(fmax(line->weights[W_TEXT], RATIO_MIN), RATIO_MAX);
}

static double noise_of(double bill, double rounding, double share)
{
    return rounding + share * bill + ONE_KIND * bill * ONE_KIND * bill;
}

/* Hidden prompts change from one day to the next: that weight stays free to move. */
static void learn_structure(struct estimate *estimate, const double *structure, double rest,
                            double noise)
{
    struct estimate_line *line = &estimate->structure;
    double *hidden = &line->covariance[W_TOOLS][W_TOOLS];
    if (structure[W_TOOLS] > 0)
        *hidden = fmax(*hidden, estimate->hidden_spread * estimate->hidden_spread);
    line_learn(line, structure, rest, noise, STRUCTURE_FAR);
    for (int i = W_STRUCTURE; i < ESTIMATE_WEIGHTS; i++)
        line->weights[i] = fmax(0, line->weights[i]);
}

/* No vocabulary takes a fourth of our tokens for a text, nor eight times as many. */
static bool is_possible(const struct count_features *features, double estimate, double bill)
{
    return bill >= 1 && bill >= (double)features->text_tokens / 4 && bill <= 8 * estimate + 2000;
}

static void feed_quantiles(struct estimate *estimate, double guess, double bill)
{
    quantile_feed(&estimate->error_p50, fabs(guess - bill) / bill);
    quantile_feed(&estimate->error_p90, fabs(guess - bill) / bill);
    quantile_feed(&estimate->over_p99, bill / guess - 1);
}

void estimate_learn(struct estimate *estimate, const struct count_features *features,
                    int64_t billed_input)
{
    double now[ESTIMATE_FEATURES];
    const double *structure = now + ESTIMATE_WEIGHTS;
    double bill = (double)billed_input;
    double guess = (double)estimate_tokens(estimate, features);
    if (features->has_media || features->has_hosted || !is_possible(features, guess, bill))
        return;
    feed_quantiles(estimate, guess, bill);
    estimate_features(features, now);
    bool plain = true;
    for (int i = 0; i < ESTIMATE_WEIGHTS; i++)
        plain = plain && structure[i] == 0;
    if (plain)
        learn_text(estimate, now, bill, noise_of(bill, TEXT_ROUNDING, TEXT_NOISE));
    else
        learn_structure(estimate, structure, bill - at(&estimate->text, now),
                        noise_of(bill, STRUCTURE_ROUND, STRUCTURE_NOISE));
    estimate->learned++;
    estimate_remember(estimate, features, bill);
}

bool estimate_drifted(struct estimate *estimate, const struct input_count *count,
                      int64_t billed_input)
{
    if (count->quality != COUNT_EXACT || billed_input <= 0)
        return false;
    if (count->tokens == billed_input) {
        estimate->exact_run++;
        estimate->drift_run = 0;
        return false;
    }
    estimate->exact_run = 0;
    return ++estimate->drift_run == DRIFT_CERTAIN;
}
