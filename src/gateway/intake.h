/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The connection's callbacks: from net to exchanges. */
#ifndef GATEWAY_INTAKE_H
#define GATEWAY_INTAKE_H

struct server_handler;

/* For server_listen; the context is the gateway_worker. */
extern const struct server_handler intake_handler;

#endif
