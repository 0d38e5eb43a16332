/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The learned estimate of one provider's model (llm/estimate.h) as a cell: shared by all workers
 * under a mutex of its own, outlives snapshots, and is written to a file between runs. Any thread.
 */
#ifndef POLICY_ESTIMATE_CELL_H
#define POLICY_ESTIMATE_CELL_H

#include "base/ref.h"
#include "llm/estimate.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct estimate_cell {
    struct ref ref;
    pthread_mutex_t mutex; /* of what follows */
    struct estimate estimate;
};

struct estimate_cell *estimate_cell_new(struct span provider, struct span model);
/* Accepts NULL. */
void estimate_cell_unref(struct estimate_cell **cell);

/* See estimate_tokens. */
int64_t estimate_cell_tokens(struct estimate_cell *cell, const struct count_features *features);
/* What the provider billed for a request that was counted so: corrects the estimate of models that
 * are estimated. True: a model that is counted exactly has drifted, which is said once. */
bool estimate_cell_learn(struct estimate_cell *cell, const struct input_count *count,
                         int64_t billed_input);

#endif
