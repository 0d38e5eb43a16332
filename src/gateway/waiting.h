/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges that wait in RESERVE for money that others hold, each in the queue of its budget
 * (policy/lease.h) and in the list of its worker. Whoever makes room, on any thread, posts one message;
 * the worker then looks which of its own were woken.
 */
#ifndef GATEWAY_WAITING_H
#define GATEWAY_WAITING_H

#include "base/list.h"
#include "loop/inbox.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct gateway_worker;
struct timer;

/* Of a worker. */
struct waiting_room {
    struct inbox *inbox;
    struct list exchanges;
    struct inbox_item message; /* there is one at most */
    atomic_bool posted;
};

/* Of an exchange. */
struct waiting {
    struct list link;    /* in its worker's list, while it waits */
    struct timer *timer; /* NULL until it waits */
    bool over;           /* the time is: it takes what there is, or nothing */
    int64_t begun_ns;
    int64_t waited_ns; /* in all */
};

void waiting_room_init(struct gateway_worker *worker);
void waiting_room_fini(struct gateway_worker *worker);

/* After BUDGET_BUSY, for at most so long in all. True: try again at once; false: it waits, and its
 * pipeline will be resumed. */
bool waiting_begin(struct exchange *exchange, int64_t most_ms);
/* It waits no more, whatever came of it. */
void waiting_end(struct exchange *exchange);

#endif
