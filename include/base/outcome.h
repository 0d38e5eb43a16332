/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* How an exchange ended: the first cause wins, with the step it struck in. */
#ifndef BASE_OUTCOME_H
#define BASE_OUTCOME_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct outcome {
    enum err cause; /* ERR_NONE: as asked */
    uint8_t step;   /* the owner's step number at that moment */
    bool set;
};

/* Keeps an earlier ending; true when this one was kept. */
static inline bool outcome_set(struct outcome *outcome, enum err cause, uint8_t step)
{
    if (outcome->set)
        return false;
    *outcome = (struct outcome){.cause = cause, .step = step, .set = true};
    return true;
}

#endif
