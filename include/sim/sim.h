/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated provider: OpenAI's chat completions, legacy completions and embeddings from nothing,
 * for the quick start, tests and benchmarks. It keeps a bill of its own, with prices and arithmetic of its own, so that it can
 * judge ours: it includes nothing of llm. What it does is chosen by the model's name, and most of
 * it is hostile; docs/simulator.md says what each does in full and what is billed.
 *
 *   sim[:option,option…]     any other name is a `sim` without options
 *   replay:NAME[,seed=N]     answers with a recorded exchange
 *
 * Size    out=N in=N cached=N written=N reasoning=N     tokens; the limit in the request is honoured
 * Time    ttft=T gap=T                                  T: 20ms, 1.5s
 * Breaks  cut=N stall=N error=N                         after N events of a stream
 * Errors  status=N retry=S error=body html empty echo billed
 * Money   over=N ahead=N usage=off|negative|string|huge|twice|late
 * Wire    giant=SIZE comments=N eol=crlf|cr done=off close bytewise length=short|long framing=eof
 * Other   tools
 *
 * POST /v1/{chat/completions,completions,embeddings}, GET /v1/models, GET /sim/bill, POST /sim/reset,
 * POST /sim/fault. Any key is good. Loop thread only; the process must ignore SIGPIPE.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/span.h"

#include <stdint.h>

struct loop;
struct sim;

struct sim_settings {
    const char *address; /* "127.0.0.1:0" */
    /* JSON: {"MODEL": {"input": "2.50", "output": "10.00"}}, in USD per million tokens with at
     * most six decimals; cached_input and cache_write are input where they are left out. MODEL is
     * the whole name, or "*" for every other model: 0.15 (cached 0.075, written 0.1875) and 0.60 if
     * it is not given. Empty: those for all. */
    struct span prices;
    /* The folder of recorded exchanges, NAME.response.{sse,json} and NAME.meta.json; or NULL. */
    const char *records;
};

/* Copies what it keeps of the settings. NULL when it cannot listen or the prices are no good; then
 * *error says why (static, or the system's text). */
struct sim *sim_start(struct loop *loop, const struct sim_settings *settings, const char **error);
/* Closes every connection at once. Accepts NULL. */
void sim_stop(struct sim **address);
uint16_t sim_port(const struct sim *sim);

#endif
