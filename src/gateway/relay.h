/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of an answer from an attempt to the client: collected whole, or event by event. Facts go
 * into the exchange; the steps decide.
 */
#ifndef GATEWAY_RELAY_H
#define GATEWAY_RELAY_H

#include "base/err.h"

#include <stdbool.h>

struct attempt_events;
struct exchange;

/* For attempt_start; the argument is the exchange. */
extern const struct attempt_events relay_events;

/* The head of a stream of events goes to the client. */
void relay_begin(struct exchange *exchange);
/* What an answer that was collected whole says of its usage. */
void relay_read_whole(struct exchange *exchange);
/* An answer that was collected whole goes to the client, with what it cost. */
void relay_reply(struct exchange *exchange);
/* The end of a reply that ended well. */
void relay_end(struct exchange *exchange);
/* A reply that has begun and cannot be finished: an error event where it is a stream of events, and
 * in every case an end that no client takes for a good one. */
void relay_break(struct exchange *exchange, enum err cause);
/* The attempt under way, if any, is cancelled; the facts are as of now. */
void relay_cancel(struct exchange *exchange);

/* From the connection: the queue has drained; or the client has shut its sending side and must be
 * probed, because it may be gone. */
void relay_drained(struct exchange *exchange);
void relay_probe(struct exchange *exchange);
/* The client is gone. Whether the attempt goes on without it, to the answer's end and for the sake
 * of its usage (`on_client_gone: drain`): the outcome is set, and nothing is paused any more. */
bool relay_unattended(struct exchange *exchange);

#endif
