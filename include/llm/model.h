/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of models whatever the configuration says. Pure. */
#ifndef LLM_MODEL_H
#define LLM_MODEL_H

#include "base/span.h"
#include "llm/call.h"

#include <stdint.h>

enum model_trait {
    MODEL_SAME_BYTES =
        1,             /* its tokens are pieces of the very bytes: nothing is normalised before */
    MODEL_SEES = 2,    /* it is known to take images and sound for what they are, not for text */
    MODEL_INDENTS = 4, /* its template may write structured parts with a line for each value */
    MODEL_LITERAL = 8, /* it writes nothing anew */
};

struct model_family {
    struct span prefix;
    int64_t plain;     /* tokens beside the body: always … */
    int64_t tools;     /* … where there are tools or a schema for the answer … */
    int64_t reasoning; /* … and where reasoning was asked for */
    int64_t image;     /* the most that one image costs */
    unsigned traits;   /* enum model_trait */
};

/* By the model's name at its provider; never NULL: what nobody here knows is a family of its own. */
const struct model_family *model_family(struct span model);

/* Tokens that a provider may add to a request and bill (tool preambles, reasoning modes); generous,
 * more so for models nobody here knows. */
int64_t model_hidden_input(struct span model, const struct call *call);

#endif
