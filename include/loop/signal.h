/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as loop events. Loop thread only. */
#ifndef LOOP_SIGNAL_H
#define LOOP_SIGNAL_H

struct loop;
struct signal_watch;

/* NULL when the signal cannot be caught. Several may watch one. `caught` may free its watch. */
struct signal_watch *signal_watch_new(struct loop *loop, int signum,
                                      void (*caught)(void *argument, int signum), void *argument);
/* `caught` is not called again. Accepts NULL. */
void signal_watch_free(struct signal_watch **address);

#endif
