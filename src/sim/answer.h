/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of one chat completion, whole or as the events of a stream. The events of n choices with
 * t tokens each, in order:
 *
 *   n × role   n·t × token, the choices taking turns   n × finish   usage, if asked for   [DONE]
 */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include "base/buf.h"
#include "ids.h"
#include "request.h"

#include <stdbool.h>
#include <stdint.h>

/* Of the arguments of a tool call. */
#define ANSWER_TOOL_TOKENS 5

struct answer {
    struct ids *ids;
    struct buf head; /* the members before "choices", the same in every event */
    struct buf tool; /* the function's name as JSON; empty: text */
    int64_t choices;
    int64_t tokens; /* of each choice */
    int64_t prompt;
    int64_t cached;
    bool cut_short;
    bool stream;
    bool shows_usage;
};

void answer_init(struct answer *answer, struct ids *ids, const struct chat_request *request,
                 int64_t created_s);
void answer_fini(struct answer *answer);

/* Of all choices. */
int64_t answer_tokens(const struct answer *answer);
void answer_write_whole(const struct answer *answer, struct buf *out);

int64_t answer_events(const struct answer *answer);
/* index < answer_events(). */
void answer_write_event(const struct answer *answer, int64_t index, struct buf *out);
/* Tokens in the first `events` events. */
int64_t answer_tokens_in(const struct answer *answer, int64_t events);

#endif
