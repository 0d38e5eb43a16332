/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to another thread's loop: a queue and a wake-up. Items are intrusive and change hands:
 * the poster gives one away, `deliver` owns it. Order is kept for each poster.
 */
#ifndef LOOP_INBOX_H
#define LOOP_INBOX_H

struct loop;
struct inbox;

struct inbox_item {
    struct inbox_item *next; /* private */
};

/* On the loop's thread. */
struct inbox *inbox_new(struct loop *loop, void (*deliver)(void *argument, struct inbox_item *item),
                        void *argument);
/* On the loop's thread, when nobody posts any more (the posters have returned from inbox_post());
 * items still queued are delivered first. Also from inside `deliver`. Accepts NULL. */
void inbox_free(struct inbox **address);

/* Any thread. */
void inbox_post(struct inbox *inbox, struct inbox_item *item);

#endif
