/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What a model's name asks of the simulation: the options of sim/sim.h. */
#ifndef SIM_BEHAVIOUR_H
#define SIM_BEHAVIOUR_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define BEHAVIOUR_NEVER INT64_MAX

struct behaviour {
    int64_t output;   /* tokens */
    int64_t prompt;   /* tokens; -1: its own count */
    int64_t cached;   /* tokens */
    int64_t over;     /* tokens */
    int64_t cut_at;   /* events or bytes; BEHAVIOUR_NEVER */
    int64_t stall_at; /* events or bytes; BEHAVIOUR_NEVER */
    int64_t ttft_ms;
    int64_t gap_ms;
    int64_t status; /* 0: no error */
    bool hides_usage;
    bool calls_tools;
};

/* False when the name has an option that is not known or out of its range; *fault is that option
 * as it stands in the name. */
bool behaviour_parse(struct span model, struct behaviour *out, struct span *fault);

#endif
