/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered instead of a completion: an error, a page, nothing. */
#ifndef SIM_FAILURE_H
#define SIM_FAILURE_H

#include "answer.h"
#include "behaviour.h"
#include "reply.h"

struct failure {
    const struct behaviour *behaviour;
    const struct answer *usage; /* what the error reports as billed, or NULL */
    const char *authorization;  /* what the request had, to be echoed; or NULL */
    struct span location;       /* for a redirect */
};

int failure_status(const struct behaviour *behaviour);
/* Writes the body, and says what fields the reply has; they borrow from the failure. */
void failure_write(const struct failure *failure, struct reply_fields *fields, struct buf *out);
/* {"error":{…}} alone. */
void failure_write_error(const struct failure *failure, struct buf *out);

#endif
