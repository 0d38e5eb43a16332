/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The making of one answer in time: the wait for its first byte, its events, its failures.
 *
 *   WAITING --ttft--> STREAMING --last event--> ENDED
 *      |                  |  gap, or a slow reader
 *      |                  +--stall--> SILENT
 *      +--another framing--> RAW --last byte--> ENDED
 *      +--a whole answer, an error--> ENDED         (from everywhere: the client leaves)
 *
 * What is billed: the prompt and the reasoning when the answer is accepted, tokens as they are
 * written, and those that the provider runs ahead of a client that left; a whole answer at once
 * when it is accepted, since that work is done whoever waits for it.
 */
#ifndef SIM_PRODUCTION_H
#define SIM_PRODUCTION_H

#include "request.h"
#include "sim_private.h"

struct conn;
struct production;

/* Accepts the request; `authorization` is what it had, for an error that echoes it. The connection is not touched once it has ended the exchange (on_sent,
 * on_gone), which is when production_free comes. */
struct production *production_start(struct sim *sim, struct conn *conn,
                                    const struct request *request, const char *authorization);
void production_free(struct production **address);

/* What the connection tells. */
void production_drain(struct production *production);
void production_half_close(struct production *production);
void production_gone(struct production *production);

#endif
