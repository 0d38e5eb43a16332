/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recorded exchange and its serving. DIR/NAME.response.sse or .json is the body; the status and
 * the content type are those of DIR/NAME.meta.json where it is there. It is served as it lies there,
 * cut into pieces from a seed: each is a chunk of its own and leaves in a turn of its own.
 */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include "behaviour.h"
#include "sim_private.h"

struct conn;
struct replay;

/* Begins the answer. NULL when there is no such record: nothing was sent. As with a production, the
 * connection is not touched once it has ended the exchange. */
struct replay *replay_start(struct sim *sim, struct conn *conn, const struct behaviour *behaviour);
void replay_free(struct replay **address);
void replay_drain(struct replay *replay);

#endif
