/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A chat request as the simulated provider understands it. */
#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H

#include "behaviour.h"
#include "reply.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>

struct chat_request {
    struct behaviour behaviour;
    struct span model;
    struct span tool; /* the function to call; empty: answer with text */
    int64_t choices;
    int64_t tokens;    /* to write for each choice */
    int64_t reasoning; /* tokens before them, of each choice, without text */
    int64_t prompt;    /* tokens */
    int64_t cached;    /* of them */
    int64_t written;   /* of them, others */
    bool cut_short;    /* by the limit: finish_reason "length" */
    bool stream;
    bool include_usage;
};

/* Spans borrow from the tree. With a `fault` that is what happens, whatever the model's name says.
 * False fills *refusal. */
bool request_read(const struct json *root, const struct behaviour *fault, struct chat_request *out,
                  struct refusal *refusal);

#endif
