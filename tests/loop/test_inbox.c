/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox: nothing lost, nothing twice, in the order of each poster; for the thread sanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"
#include "base/memory.h"
#include "loop/inbox.h"
#include "loop/loop.h"
#include "until.h"

#include <pthread.h>
#include <stdlib.h>

enum { POSTERS = 4, ITEMS = 5000 };

struct message {
    struct inbox_item item;
    int poster;
    int number;
};

struct receiver {
    struct loop *loop;
    struct inbox *inbox;
    int count;
    int next[POSTERS]; /* the number expected from each */
    int out_of_order;
    bool free_when_two_came;
};

struct poster {
    pthread_t thread;
    struct inbox *inbox;
    int id;
};

static void deliver(void *argument, struct inbox_item *item)
{
    struct receiver *r = argument;
    struct message *message = LIST_ITEM(item, struct message, item);

    r->count++;
    if (message->number != r->next[message->poster]++)
        r->out_of_order++;
    free(message); /* it is ours now */
    if (r->free_when_two_came && r->count == 2)
        inbox_free(&r->inbox);
}

static void post(struct inbox *inbox, int poster, int number)
{
    struct message *message = MEMORY_NEW(struct message);

    message->poster = poster;
    message->number = number;
    inbox_post(inbox, &message->item);
}

static void *post_many(void *argument)
{
    struct poster *poster = argument;

    for (int number = 0; number < ITEMS; number++)
        post(poster->inbox, poster->id, number);
    return NULL;
}

static void receiver_init(struct receiver *r)
{
    *r = (struct receiver){.loop = loop_new()};
    r->inbox = inbox_new(r->loop, deliver, r);
}

static void start_posters(struct poster *posters, struct inbox *inbox)
{
    for (int id = 0; id < POSTERS; id++) {
        posters[id].inbox = inbox;
        posters[id].id = id;
        assert_int_equal(pthread_create(&posters[id].thread, NULL, post_many, &posters[id]), 0);
    }
}

static void join_posters(struct poster *posters)
{
    for (int id = 0; id < POSTERS; id++)
        assert_int_equal(pthread_join(posters[id].thread, NULL), 0);
}

static void several_posters(void **state)
{
    struct receiver r;
    struct poster posters[POSTERS];

    (void)state;
    receiver_init(&r);
    start_posters(posters, r.inbox);
    assert_true(run_until(r.loop, &r.count, POSTERS * ITEMS));
    join_posters(posters);
    assert_true(falls_asleep(r.loop));
    assert_int_equal(r.count, POSTERS * ITEMS);
    assert_int_equal(r.out_of_order, 0);
    inbox_free(&r.inbox);
    assert_null(r.inbox);
    inbox_free(&r.inbox);
    loop_free(&r.loop);
}

/* The loop never runs: all come out of inbox_free(). */
static void freeing_delivers_what_is_queued(void **state)
{
    struct receiver r;
    struct poster posters[POSTERS];

    (void)state;
    receiver_init(&r);
    start_posters(posters, r.inbox);
    join_posters(posters);
    assert_int_equal(r.count, 0);
    inbox_free(&r.inbox);
    assert_int_equal(r.count, POSTERS * ITEMS);
    assert_int_equal(r.out_of_order, 0);
    loop_free(&r.loop);
}

static void *post_three_one_by_one(void *argument)
{
    struct poster *poster = argument;

    for (int number = 0; number < 3; number++)
        post(poster->inbox, poster->id, number);
    return NULL;
}

/* A post must wake a loop that sleeps without a limit. */
static void stop_at_three(void *argument, struct inbox_item *item)
{
    struct receiver *r = argument;

    deliver(argument, item);
    if (r->count == 3)
        loop_stop(r->loop);
}

static void wakes_a_sleeping_loop(void **state)
{
    struct receiver r = {.loop = loop_new()};
    struct poster poster = {.id = 0};

    (void)state;
    r.inbox = inbox_new(r.loop, stop_at_three, &r);
    poster.inbox = r.inbox;
    assert_int_equal(pthread_create(&poster.thread, NULL, post_three_one_by_one, &poster), 0);
    loop_run(r.loop);
    assert_int_equal(pthread_join(poster.thread, NULL), 0);
    assert_int_equal(r.count, 3);
    inbox_free(&r.inbox);
    loop_free(&r.loop);
}

static void deliver_may_free_the_inbox(void **state)
{
    struct receiver r;

    (void)state;
    receiver_init(&r);
    r.free_when_two_came = true;
    for (int number = 0; number < 5; number++)
        post(r.inbox, 0, number);
    assert_true(run_until(r.loop, &r.count, 5));
    assert_null(r.inbox);
    assert_int_equal(r.out_of_order, 0);
    loop_free(&r.loop);
}

int test_inbox(void);
int test_inbox(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_posters),
        cmocka_unit_test(freeing_delivers_what_is_queued),
        cmocka_unit_test(wakes_a_sleeping_loop),
        cmocka_unit_test(deliver_may_free_the_inbox),
    };

    return cmocka_run_group_tests_name("loop/inbox", tests, NULL, NULL);
}
