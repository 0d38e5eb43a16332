/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of an estimate (estimate_memory.c), and what it asks of the lines (estimate.c).
 */
#ifndef LLM_ESTIMATE_PRIVATE_H
#define LLM_ESTIMATE_PRIVATE_H

#include "llm/estimate.h"

#define ESTIMATE_FEATURES ((size_t)2 * ESTIMATE_WEIGHTS)

/* The features of both lines; what the lines make of them. Nothing is bounded. */
void estimate_features(const struct count_features *features, double *out);
double estimate_line_tokens(const struct estimate *estimate, const double *features);

/* How far such a request is from what the lines say, by what is known of others; 0: nothing is. */
double estimate_recall(const struct estimate *estimate, const struct count_features *features);
/* It was billed so. To be called with the lines corrected and `learned` counted up. */
void estimate_remember(struct estimate *estimate, const struct count_features *features,
                       double bill);

#endif
