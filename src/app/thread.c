/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* One worker a thread; see thread.h. */
#include "thread.h"

#include "base/assert.h"
#include "base/memory.h"
#include "ledger/journal.h"
#include "loop/inbox.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct worker_thread {
    pthread_t thread;
    bool started;
    struct loop *loop;
    struct inbox *inbox;
    struct journal_stream *stream;
    struct gateway_worker *gateway;
    void (*drained)(void *argument);
    void *argument;
};

enum order { ORDER_SNAPSHOT, ORDER_DRAIN, ORDER_INTERRUPT, ORDER_STOP };

struct message {
    struct inbox_item item; /* first */
    enum order order;
    struct snapshot *snapshot;
};

static void obey(struct worker_thread *thread, struct message *message)
{
    switch (message->order) {
    case ORDER_SNAPSHOT:
        gateway_worker_set_snapshot(thread->gateway, message->snapshot);
        break;
    case ORDER_DRAIN:
        gateway_worker_drain(thread->gateway, thread->drained, thread->argument);
        break;
    case ORDER_INTERRUPT:
        gateway_worker_interrupt(thread->gateway);
        break;
    case ORDER_STOP:
        loop_stop(thread->loop);
        break;
    }
}

static void deliver(void *argument, struct inbox_item *item)
{
    struct message *message = (struct message *)(void *)item;
    obey(argument, message);
    free(message);
}

static void send(struct worker_thread *thread, enum order order, struct snapshot *snapshot)
{
    struct message *message = MEMORY_NEW(struct message);
    message->order = order;
    message->snapshot = snapshot;
    inbox_post(thread->inbox, &message->item);
}

/* The stream is used by nobody yet, so it may be handed on with the thread. */
static bool open_stream(struct worker_thread *thread, struct journal *journal)
{
    struct ledger_fault fault;
    thread->stream = journal_stream_open(journal, thread->loop, &fault);
    if (thread->stream == NULL)
        fprintf(stderr, "weir: ledger: %s\n", fault.text);
    return thread->stream != NULL;
}

static bool open_gateway(struct worker_thread *thread,
                         const struct worker_thread_settings *settings)
{
    const char *address = "", *error = "";
    struct gateway_settings gateway = {.loop = thread->loop,
                                       .snapshot = snapshot_ref(settings->snapshot),
                                       .access_log_fd = settings->access_log_fd,
                                       .shared = settings->shared,
                                       .stream = thread->stream};
    thread->gateway = gateway_worker_new(&gateway);
    bool listens = gateway_worker_listen(thread->gateway, &address, &error);
    if (!listens)
        fprintf(stderr, "weir: cannot listen on %s: %s\n", address, error);
    return listens;
}

struct worker_thread *worker_thread_new(const struct worker_thread_settings *settings)
{
    struct loop *loop = loop_new();
    if (loop == NULL) {
        fprintf(stderr, "weir: out of file descriptors\n");
        return NULL;
    }
    struct worker_thread *thread = MEMORY_NEW(struct worker_thread);
    thread->drained = settings->drained;
    thread->argument = settings->argument;
    thread->loop = loop;
    thread->inbox = inbox_new(thread->loop, deliver, thread);
    if (!open_stream(thread, settings->journal) || !open_gateway(thread, settings))
        worker_thread_free(&thread);
    return thread;
}

static void *run(void *argument)
{
    struct worker_thread *thread = argument;
    loop_run(thread->loop);
    return NULL;
}

void worker_thread_start(struct worker_thread *thread)
{
    int failed = pthread_create(&thread->thread, NULL, run, thread);
    ASSERT(failed == 0);
    thread->started = true;
}

void worker_thread_set_snapshot(struct worker_thread *thread, struct snapshot *snapshot)
{
    send(thread, ORDER_SNAPSHOT, snapshot);
}

void worker_thread_drain(struct worker_thread *thread)
{
    send(thread, ORDER_DRAIN, NULL);
}

void worker_thread_interrupt(struct worker_thread *thread)
{
    send(thread, ORDER_INTERRUPT, NULL);
}

void worker_thread_free(struct worker_thread **address)
{
    struct worker_thread *thread = *address;
    if (thread == NULL)
        return;
    *address = NULL;
    if (thread->started) {
        send(thread, ORDER_STOP, NULL);
        pthread_join(thread->thread, NULL);
    }
    gateway_worker_free(&thread->gateway);
    journal_stream_close(&thread->stream); /* after the last receipts */
    inbox_free(&thread->inbox);
    loop_free(&thread->loop);
    free(thread);
}

bool worker_thread_journals(const struct worker_thread *thread)
{
    return journal_ok(thread->stream);
}

struct gateway_worker *worker_thread_gateway(struct worker_thread *thread)
{
    return thread->gateway;
}
