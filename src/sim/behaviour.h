/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What a model's name asks of the simulation: the options of sim/sim.h. Owns what it says. */
#ifndef SIM_BEHAVIOUR_H
#define SIM_BEHAVIOUR_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define BEHAVIOUR_NEVER  INT64_MAX
#define BEHAVIOUR_TEXT   32  /* with its end */
#define BEHAVIOUR_RECORD 128 /* with its end */

enum report {
    REPORT_TRUE,
    REPORT_OFF,
    REPORT_NEGATIVE,
    REPORT_STRING,
    REPORT_HUGE,
    REPORT_TWICE,
    REPORT_LATE
};
enum substance { SUBSTANCE_ANSWER, SUBSTANCE_ERROR, SUBSTANCE_HTML, SUBSTANCE_EMPTY };
enum line_end { LINE_END_LF, LINE_END_CRLF, LINE_END_CR };
/* Those after HONEST bypass the server: raw.h. BYTEWISE is honest, but a byte a packet. */
enum framing { FRAMING_HONEST, FRAMING_BYTEWISE, FRAMING_SHORT, FRAMING_LONG, FRAMING_NONE };

#define SEED_WHOLE    INT64_C(-1) /* of a recorded answer: in one piece */
#define SEED_BYTEWISE INT64_C(0)

/* All are int64_t, so that one table can fill them. */
struct behaviour {
    int64_t output;    /* tokens */
    int64_t prompt;    /* tokens; -1: its own count */
    int64_t cached;    /* tokens */
    int64_t written;   /* tokens */
    int64_t reasoning; /* tokens */
    int64_t over;      /* tokens */
    int64_t ahead;     /* tokens */
    int64_t cut_at;    /* events or bytes; BEHAVIOUR_NEVER */
    int64_t stall_at;  /* events or bytes; BEHAVIOUR_NEVER */
    int64_t error_at;  /* events; BEHAVIOUR_NEVER */
    int64_t comments;  /* lines */
    int64_t giant;     /* bytes; 0: no such event */
    int64_t ttft_ms;
    int64_t gap_ms;
    int64_t status;    /* 0: no error */
    int64_t report;    /* enum report */
    int64_t substance; /* enum substance */
    int64_t line_end;  /* enum line_end */
    int64_t framing;   /* enum framing */
    int64_t tools;     /* the rest are yes or no */
    int64_t billed;
    int64_t echo;
    int64_t endless; /* no [DONE] */
    int64_t closes;
    int64_t seed;
    char retry_after[BEHAVIOUR_TEXT]; /* "": none */
    char record[BEHAVIOUR_RECORD];    /* the recorded exchange's name; "": none */
};

/* False when the name has an option that is not known or out of its range; *fault is that option
 * as it stands in the name. */
bool behaviour_parse(struct span model, struct behaviour *out, struct span *fault);

/* Whether something else than a completion is answered, which is not billed unless asked for. */
static inline bool behaviour_fails(const struct behaviour *behaviour)
{
    return behaviour->status != 0 || behaviour->substance != SUBSTANCE_ANSWER;
}

#endif
