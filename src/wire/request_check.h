/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the RFCs, and we, ask of a head beyond its grammar. */
#ifndef WIRE_REQUEST_CHECK_H
#define WIRE_REQUEST_CHECK_H

#include "wire/request_reader.h"

/* Given method, target, headers and version, fills in the rest of the head. ERR_NONE,
 * ERR_MALFORMED_HTTP, or ERR_EXPECTATION. */
enum err request_check(struct request_head *head);

/* Whether a field may stand in trailers: none that frames, routes or authenticates. */
bool trailer_allowed(struct span name);

#endif
