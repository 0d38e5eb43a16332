/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated provider: OpenAI's chat completions from nothing, for the quick start, tests and
 * benchmarks. It keeps a bill of its own, with prices and arithmetic of its own, so that it can
 * judge ours: it includes nothing of llm. What it does is chosen by the model's name:
 *
 *   sim[:option,option…]     any other name is a `sim` without options
 *     out=N      output tokens it would like to write (64); the limit in the request is honoured
 *     in=N       prompt tokens it bills, instead of its own count
 *     ttft=T     time to the first byte of an answer (0)        T: 20ms, 1.5s
 *     gap=T      time between the events of a stream (0)
 *     cut=N      the connection dies after N events of a stream (or N bytes of a whole answer);
 *                0: without any answer
 *     stall=N    falls silent there, and leaves the connection open
 *     status=N   answers with this HTTP error, which is not billed
 *     usage=off  reports no usage (it is billed all the same)
 *     over=N     writes and bills N tokens more than the limit in the request allows
 *     cached=N   of the prompt tokens, read from its cache
 *     tools      answers the user with a tool call
 *
 * POST /v1/chat/completions, GET /v1/models, GET /sim/bill, POST /sim/reset; docs/simulator.md says
 * what they answer and what is billed. Any key is good. Loop thread only; the process must ignore
 * SIGPIPE.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/span.h"

#include <stdint.h>

struct loop;
struct sim;

struct sim_settings {
    const char *address; /* "127.0.0.1:0" */
    /* JSON: {"MODEL": {"input": "2.50", "cached_input": "1.25", "output": "10.00"}}, in USD per
     * million tokens with at most six decimals; cached_input is input where it is left out. MODEL
     * is the whole name, or "*" for every other model: 0.15, 0.075 and 0.60 if it is not given.
     * Empty: those for all. */
    struct span prices;
};

/* Copies what it keeps of the settings. NULL when it cannot listen or the prices are no good; then
 * *error says why (static, or the system's text). */
struct sim *sim_start(struct loop *loop, const struct sim_settings *settings, const char **error);
/* Closes every connection at once. Accepts NULL. */
void sim_stop(struct sim **address);
uint16_t sim_port(const struct sim *sim);

#endif
