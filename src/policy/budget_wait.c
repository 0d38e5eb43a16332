/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of those who wait for a cell's room. `first` lets every request see without a lock whether
 * there is a queue, and whether it is itself at its head.
 */
#include "budget_private.h"

#include "base/assert.h"

static struct budget_waiter *head_of(struct budget_cell *cell)
{
    return list_empty(&cell->waiters) ? NULL
                                      : LIST_ITEM(cell->waiters.next, struct budget_waiter, link);
}

/* With the mutex. One that has been woken and has not tried yet is not told twice. */
static void wake_locked(struct budget_cell *cell)
{
    struct budget_waiter *waiter = head_of(cell);
    if (waiter != NULL && !atomic_exchange(&waiter->woken, true) && waiter->wake != NULL)
        waiter->wake(waiter->argument);
}

void budget_cell_wake(struct budget_cell *cell)
{
    if (atomic_load(&cell->first) == NULL)
        return;
    pthread_mutex_lock(&cell->mutex);
    wake_locked(cell);
    pthread_mutex_unlock(&cell->mutex);
}

bool budget_cell_is_queued(struct budget_cell *cell, const struct budget_waiter *waiter)
{
    const struct budget_waiter *first = atomic_load(&cell->first);
    return first != NULL && first != waiter;
}

void budget_wait_start(struct budget_waiter *waiter, struct budget_cell *cell)
{
    ASSERT(waiter->cell == NULL);
    waiter->cell = budget_cell_ref(cell);
    atomic_store(&waiter->woken, false);
    pthread_mutex_lock(&cell->mutex);
    list_append(&cell->waiters, &waiter->link);
    atomic_store(&cell->first, head_of(cell));
    pthread_mutex_unlock(&cell->mutex);
}

void budget_wait_end(struct budget_waiter *waiter)
{
    struct budget_cell *cell = waiter->cell;
    if (cell == NULL)
        return;
    waiter->cell = NULL;
    pthread_mutex_lock(&cell->mutex);
    bool was_first = head_of(cell) == waiter;
    list_remove(&waiter->link);
    atomic_store(&cell->first, head_of(cell));
    if (was_first) /* it may have left room for the next one */
        wake_locked(cell);
    pthread_mutex_unlock(&cell->mutex);
    budget_cell_unref(&cell);
}
