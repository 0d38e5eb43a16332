/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log: one JSON object a line for each exchange, from its receipt, and one before it for
 * each failed attempt that another followed (retried: true; its cost is within the exchange's). A
 * worker has its own log on a shared descriptor; lines of a turn are written together at its end.
 * When the reader is slow, lines are kept up to 1 MiB and tried again, then dropped and counted,
 * never waited for.
 *
 * Members, always all of them: time, id, tenant, key, user, session, prompt, tags, endpoint, stream,
 * requested_model, model, provider, status, outcome, step, detail, attempts, retried, context
 * (counted, quality, system, user, assistant, tool, repeated), input_tokens, output_tokens,
 * token_details (of those two, the kinds that there were: cached_input, cache_write, reasoning …),
 * service_tier, usage_source, cost_usd, uncertain_usd, duration_ms, first_byte_ms, overhead_us.
 * Dollars and milliseconds are numbers with exact decimals; context, status and first_byte_ms are
 * null where there is nothing to say.
 *
 * The worker's thread only, but for access_log_dropped.
 */
#ifndef TELEMETRY_ACCESS_LOG_H
#define TELEMETRY_ACCESS_LOG_H

#include "llm/receipt.h"

#include <stdint.h>

struct access_log;
struct loop;

/* `fd` stays the caller's; -1: nothing is written. Pipes, sockets and terminals must not block
 * (O_NONBLOCK), and SIGPIPE must be ignored. On a pipe or a file opened with O_APPEND the lines of
 * several workers never mix. */
struct access_log *access_log_new(struct loop *loop, int fd);
/* Writes what is left, waiting at most a quarter of a second for the descriptor. Accepts NULL. */
void access_log_free(struct access_log **log);

void access_log_write(struct access_log *log, const struct receipt *receipt);
/* From the next line on; the old one is not used after the call. Lines that it would not take now
 * go to the new one. */
void access_log_set_fd(struct access_log *log, int fd);
/* Lines dropped so far. Any thread. */
int64_t access_log_dropped(const struct access_log *log);

#endif
