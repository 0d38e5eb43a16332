/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A request as the simulated provider understands it. */
#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H

#include "behaviour.h"
#include "reply.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>

enum request_kind { REQUEST_CHAT, REQUEST_COMPLETION, REQUEST_EMBEDDING };

/* An OpenAI limit. */
#define REQUEST_TEXTS_MAX 2048

struct request {
    enum request_kind kind;
    struct behaviour behaviour;
    struct span model;
    struct span tool; /* the function to call; empty: answer with text */
    int64_t choices;
    int64_t discarded; /* choices beside them that are written, billed and thrown away: best_of */
    int64_t tokens;    /* to write for each choice */
    int64_t reasoning; /* tokens before them, of each choice, without text */
    int64_t prompt;    /* tokens */
    int64_t cached;    /* of them */
    int64_t written;   /* of them, others */
    bool cut_short;    /* by the limit: finish_reason "length" */
    bool stream;
    bool include_usage;
    const struct json *input; /* what to embed, see request_text */
    int64_t texts;            /* in it, or in a completion's prompt */
    int64_t dimensions;       /* of an embedding */
    bool base64;              /* its numbers, as 32 bits each */
};

/* One text of a prompt: a string, or an array of token ids. `at` NULL: the first. NULL at the end,
 * and always for a single text, which is the container itself. */
const struct json *request_text(const struct json *container, const struct json *at);

/* prompt.c: fills `prompt` and `texts` from what is to be completed or embedded; false fills
 * *refusal. */
bool request_read_texts(const struct json *root, const char *key, struct request *out,
                        struct refusal *refusal);

/* Spans borrow from the tree. With a `fault` that is what happens, whatever the model's name says.
 * False fills *refusal. */
bool request_read(enum request_kind kind, const struct json *root, const struct behaviour *fault,
                  struct request *out, struct refusal *refusal);

#endif
