/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness of foreign descriptors (curl's now, hiredis's later), arranged so that a connection
 * which is used again and again costs no system call: one uv_poll a descriptor is kept in a table
 * until the descriptor is forgotten. Wanting less only clears the wanted bits: IN stays armed, OUT
 * is dropped when it fires unwanted; an event on a descriptor nobody wants disarms it. Loop thread
 * only.
 */
#ifndef LOOP_POLL_H
#define LOOP_POLL_H

struct loop;
struct poller;

enum { POLLER_IN = 1, POLLER_OUT = 2, POLLER_ERROR = 4 };

/* `ready(argument, fd, events)`: events wanted and there. On an error all that is wanted counts as
 * there, and POLLER_ERROR is added; a hang-up comes as what is wanted, for reads and writes to find
 * out. It may call any function here but poller_free, and may close or reuse the descriptor. */
struct poller *poller_new(struct loop *loop, void (*ready)(void *argument, int fd, int events),
                          void *argument);
/* Forgets every descriptor. Accepts NULL. */
void poller_free(struct poller **address);

/* Wanted: POLLER_IN | POLLER_OUT, or 0 to hear nothing for now. Makes the descriptor non-blocking.
 * 0, or a negative errno: EBADF, EPERM for a file, EEXIST when another poller here has it. */
int poller_want(struct poller *poller, int fd, int events);
/* Must be called before the descriptor is closed. Unknown ones are ignored. */
void poller_forget(struct poller *poller, int fd);

#endif
