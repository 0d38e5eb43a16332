/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The breaker of one target. Each figure is an atomic of its own: a race between two reports can
 * count one failure more or less, or give two probes instead of one, which harms nobody.
 */
#include "policy/health.h"

#include "base/memory.h"

#include <stdlib.h>

/* A worker that died with the probe must not keep the target closed for ever. */
#define PROBE_LOST_NS 60000000000LL

struct health_cell *health_cell_new(void)
{
    struct health_cell *cell = MEMORY_NEW(struct health_cell);
    ref_init(&cell->ref);
    return cell;
}

void health_cell_unref(struct health_cell **address)
{
    struct health_cell *cell = *address;
    *address = NULL;
    if (cell != NULL && ref_drop(&cell->ref))
        free(cell);
}

enum health_state health_look(const struct health_cell *cell, int64_t now_ns)
{
    int64_t until = atomic_load(&cell->rest_until_ns);
    if (until == 0)
        return HEALTH_CLOSED;
    return now_ns < until ? HEALTH_OPEN : HEALTH_HALF_OPEN;
}

int64_t health_left_ns(const struct health_cell *cell, int64_t now_ns)
{
    int64_t until = atomic_load(&cell->rest_until_ns);
    return now_ns < until ? until - now_ns : 0;
}

/* The rest is over: one caller at a time finds out whether the target is well again. */
static bool take_probe(struct health_cell *cell, int64_t now_ns)
{
    int64_t probe = atomic_load(&cell->probe_ns);
    if (probe != 0 && now_ns - probe < PROBE_LOST_NS)
        return false;
    return atomic_compare_exchange_strong(&cell->probe_ns, &probe, now_ns > 0 ? now_ns : 1);
}

bool health_permit(struct health_cell *cell, int64_t now_ns)
{
    switch (health_look(cell, now_ns)) {
    case HEALTH_CLOSED:
        return true;
    case HEALTH_HALF_OPEN:
        return take_probe(cell, now_ns);
    case HEALTH_OPEN:
        break;
    }
    return false;
}

static void recover(struct health_cell *cell)
{
    atomic_store(&cell->failures, 0);
    atomic_store(&cell->rest_ns, 0);
    atomic_store(&cell->rest_until_ns, 0);
    atomic_store(&cell->probe_ns, 0);
}

static void fall(struct health_cell *cell, int64_t now_ns)
{
    int64_t rest = atomic_load(&cell->rest_ns) * 2;
    if (rest < HEALTH_REST_FIRST_NS)
        rest = HEALTH_REST_FIRST_NS;
    if (rest > HEALTH_REST_MOST_NS)
        rest = HEALTH_REST_MOST_NS;
    atomic_store(&cell->rest_ns, rest);
    atomic_store(&cell->rest_until_ns, now_ns + rest);
    atomic_store(&cell->probe_ns, 0);
}

void health_report(struct health_cell *cell, enum health_result result, int64_t now_ns)
{
    bool probing = health_look(cell, now_ns) == HEALTH_HALF_OPEN;
    switch (result) {
    case HEALTH_GOOD:
        /* Late answers of before the fall do not end a rest; the probe's does. */
        if (probing || atomic_load(&cell->rest_until_ns) == 0)
            recover(cell);
        break;
    case HEALTH_BAD:
        if (probing || (atomic_fetch_add(&cell->failures, 1) + 1 >= HEALTH_FAILURES &&
                        atomic_load(&cell->rest_until_ns) == 0))
            fall(cell, now_ns);
        break;
    case HEALTH_NEITHER:
        if (probing)
            atomic_store(&cell->probe_ns, 0);
        break;
    }
}

void health_rest(struct health_cell *cell, int64_t pause_ns, int64_t now_ns)
{
    if (pause_ns > HEALTH_REST_MOST_NS)
        pause_ns = HEALTH_REST_MOST_NS;
    if (pause_ns <= 0)
        return;
    int64_t until = now_ns + pause_ns;
    if (atomic_load(&cell->rest_until_ns) < until)
        atomic_store(&cell->rest_until_ns, until);
    atomic_store(&cell->probe_ns, 0);
}

/* ---- breaches ---- */

bool health_note_breach(struct health_cell *cell)
{
    return !atomic_exchange(&cell->breached, true);
}

bool health_is_breached(const struct health_cell *cell)
{
    return atomic_load_explicit(&cell->breached, memory_order_relaxed);
}

void health_acknowledge(struct health_cell *cell)
{
    atomic_store(&cell->breached, false);
}
