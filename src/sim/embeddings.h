/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors for texts: invented, of length one, and always the same for the same text, whether it came
 * as a string or as that string again. They say nothing of what a text means.
 */
#ifndef SIM_EMBEDDINGS_H
#define SIM_EMBEDDINGS_H

#include "base/buf.h"
#include "request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of the texts once the request is gone. Zeroed: none. */
struct embeddings {
    uint64_t *seeds; /* one a text */
    size_t count;
    size_t dimensions;
    bool base64;
};

void embeddings_init(struct embeddings *embeddings, const struct request *request);
void embeddings_fini(struct embeddings *embeddings);
/* The elements of "data". */
void embeddings_write(const struct embeddings *embeddings, struct buf *out);

#endif
