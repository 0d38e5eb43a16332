/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated provider as its own files see it. */
#ifndef SIM_SIM_PRIVATE_H
#define SIM_SIM_PRIVATE_H

#include "base/buf.h"
#include "behaviour.h"
#include "bill.h"
#include "ids.h"
#include "sim/sim.h"

#include <stdint.h>

struct server;

struct sim {
    struct loop *loop;
    struct server *server;
    struct prices *prices;
    struct bill *bill;
    struct ids ids;
    struct buf out; /* scratch for what is sent within one callback */
    char *records;  /* the folder of recorded exchanges, or NULL */
    struct behaviour fault;
    uint64_t faulty; /* requests to come to which the fault applies */
    int64_t started_ns;
    uint64_t open;          /* answers being produced */
    uint64_t cancelled;     /* of those, the client went away; since the last reset */
    int64_t last_cancel_ns; /* wall time; 0: none since the last reset */
};

/* The scratch, emptied. */
struct buf *sim_scratch(struct sim *sim);

#endif
