/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of one answer, whole or as the events of a stream. The events of n choices with t tokens
 * each, in order:
 *
 *   n × role   n·t × token, the choices taking turns   n × finish   usage, if asked for   [DONE]
 *
 * Legacy completions have no roles; embeddings have no events. Where the name asks for it: usage twice, usage after [DONE], no [DONE].
 */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include "base/buf.h"
#include "embeddings.h"
#include "ids.h"
#include "request.h"

#include <stdbool.h>
#include <stdint.h>

/* Of the arguments of a tool call. */
#define ANSWER_TOOL_TOKENS 5

struct answer {
    struct ids *ids;
    enum request_kind kind;
    struct buf head; /* the members before "choices", the same in every event */
    struct buf tool; /* the function's name as JSON; empty: text */
    struct embeddings embeddings;
    int64_t choices;
    int64_t discarded; /* as the request has it */
    int64_t tokens;    /* of each choice, with text */
    int64_t reasoning; /* of each choice, without */
    int64_t prompt;
    int64_t cached;
    int64_t written;
    enum report report;
    struct span line_end;
    bool cut_short;
    bool stream;
    bool shows_usage;
    bool endless;
};

void answer_init(struct answer *answer, struct ids *ids, const struct request *request,
                 int64_t created_s);
void answer_fini(struct answer *answer);

/* Of all choices, reasoning and those that are thrown away among them. */
int64_t answer_tokens(const struct answer *answer);
void answer_write_whole(const struct answer *answer, struct buf *out);

int64_t answer_events(const struct answer *answer);
/* index < answer_events(). */
void answer_write_event(const struct answer *answer, int64_t index, struct buf *out);
/* Tokens in the first `events` events, and the reasoning before them. */
int64_t answer_tokens_in(const struct answer *answer, int64_t events);

/* An event that is not of the answer's own: the error that ends a stream, and one with as much text
 * as is put between its two parts. */
void answer_write_error_event(const struct answer *answer, struct span error, struct buf *out);
void answer_write_giant_start(const struct answer *answer, struct buf *out);
void answer_write_giant_end(const struct answer *answer, struct buf *out);

/* ,"usage":{…}: what is reported, and what a provider reports that corrects itself later. */
void answer_write_usage(const struct answer *answer, struct buf *out);
void answer_write_early_usage(const struct answer *answer, struct buf *out);

#endif
