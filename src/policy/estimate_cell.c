/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A mutex, since the estimate is a matrix: it is held for some hundred multiplications. */
#include "policy/estimate_cell.h"

#include "base/memory.h"

#include <stdlib.h>

struct estimate_cell *estimate_cell_new(struct span provider, struct span model)
{
    struct estimate_cell *cell = MEMORY_NEW(struct estimate_cell);
    ref_init(&cell->ref);
    pthread_mutex_init(&cell->mutex, NULL);
    estimate_init(&cell->estimate, provider, model);
    return cell;
}

void estimate_cell_unref(struct estimate_cell **cell)
{
    struct estimate_cell *last = *cell;
    *cell = NULL;
    if (last == NULL || !ref_drop(&last->ref))
        return;
    pthread_mutex_destroy(&last->mutex);
    free(last);
}

int64_t estimate_cell_tokens(struct estimate_cell *cell, const struct count_features *features)
{
    pthread_mutex_lock(&cell->mutex);
    int64_t tokens = estimate_tokens(&cell->estimate, features);
    pthread_mutex_unlock(&cell->mutex);
    return tokens;
}

bool estimate_cell_learn(struct estimate_cell *cell, const struct input_count *count,
                         int64_t billed_input)
{
    bool drifted = false;
    pthread_mutex_lock(&cell->mutex);
    if (count->quality == COUNT_EXACT)
        drifted = estimate_drifted(&cell->estimate, count, billed_input);
    else
        estimate_learn(&cell->estimate, &count->features, billed_input);
    pthread_mutex_unlock(&cell->mutex);
    return drifted;
}
