/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the nearest of the words that would have been right. Pure. */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include "base/span.h"

#include <stddef.h>

struct suggestion {
    struct span word; /* what was written */
    struct span best; /* empty: nothing near */
    size_t distance;
};

void suggestion_init(struct suggestion *suggestion, struct span word);
/* Borrows the candidate. */
void suggestion_offer(struct suggestion *suggestion, struct span candidate);

/* "; did you mean 'models'?" or "", into out; returns out. */
#define SUGGESTION_SIZE 128
char *suggestion_text(const struct suggestion *suggestion, char out[SUGGESTION_SIZE]);

#endif
