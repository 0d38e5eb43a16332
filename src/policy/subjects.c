/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table in shards, one mutex each, held for a look-up only. An entry owns its name and a reference to
 * its cell; a cell that nobody else has a reference to cannot be in use, as everybody gets theirs under
 * the shard's mutex.
 */
#include "policy/subjects.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/table.h"
#include "budget_private.h"
#include "crypto/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS      16
#define SUBJECT_MAX 200 /* bytes; a longer name, or one with a NUL, is told by its digest */

/* When there is no place left, those that are idle are looked for: not at every request. */
#define SWEEP_EVERY_NS NS_PER_S

struct shard {
    pthread_mutex_t mutex;
    struct table cells; /* by the subject's part of the cell's name */
};

struct budget_subjects {
    struct ref ref;
    char *name;
    size_t name_len;
    _Atomic int64_t limits[BUDGET_UNITS];
    atomic_size_t count;
    _Atomic int64_t swept_wall_ns;
    struct shard shards[SHARDS];
};

struct budget_subjects *budget_subjects_new(const char *name)
{
    struct budget_subjects *subjects = MEMORY_NEW(struct budget_subjects);
    ref_init(&subjects->ref);
    subjects->name_len = strlen(name);
    subjects->name = memory_string(name, subjects->name_len);
    atomic_init(&subjects->limits[BUDGET_TOKENS], BUDGET_NO_LIMIT);
    atomic_init(&subjects->swept_wall_ns, INT64_MIN);
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&subjects->shards[i].mutex, NULL);
        table_init(&subjects->shards[i].cells);
    }
    return subjects;
}

struct budget_subjects *budget_subjects_ref(struct budget_subjects *subjects)
{
    ref_take(&subjects->ref);
    return subjects;
}

void budget_subjects_unref(struct budget_subjects **address)
{
    struct budget_subjects *subjects = *address;
    *address = NULL;
    if (subjects == NULL || !ref_drop(&subjects->ref))
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &subjects->shards[i];
        size_t cursor = 0;
        struct table_slot *slot;
        while ((slot = table_next(&shard->cells, &cursor)) != NULL) {
            struct budget_cell *cell = slot->value;
            budget_cell_unref(&cell);
        }
        table_fini(&shard->cells);
        pthread_mutex_destroy(&shard->mutex);
    }
    free(subjects->name);
    free(subjects);
}

size_t budget_subjects_count(const struct budget_subjects *subjects)
{
    return atomic_load(&subjects->count);
}

void budget_subjects_walk(struct budget_subjects *subjects,
                          void (*visit)(struct budget_cell *cell, void *argument), void *argument)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &subjects->shards[i];
        size_t cursor = 0;
        struct table_slot *slot;
        pthread_mutex_lock(&shard->mutex);
        while ((slot = table_next(&shard->cells, &cursor)) != NULL)
            visit(slot->value, argument);
        pthread_mutex_unlock(&shard->mutex);
    }
}

static void give_limits(struct budget_cell *cell, void *argument)
{
    struct budget_subjects *subjects = argument;
    for (enum budget_unit unit = 0; unit < BUDGET_UNITS; unit++)
        budget_cell_set_limit(cell, unit, atomic_load(&subjects->limits[unit]));
}

void budget_subjects_set_limits(struct budget_subjects *subjects, int64_t limit_nusd,
                                int64_t limit_tokens)
{
    atomic_store(&subjects->limits[BUDGET_NUSD], limit_nusd);
    atomic_store(&subjects->limits[BUDGET_TOKENS], limit_tokens);
    budget_subjects_walk(subjects, give_limits, subjects);
}

/* ---- names ---- */

/* The subject as part of a name; the digest's text goes into room. */
static struct span short_name(struct span subject, char room[SHA256_SIZE * 2 + 8])
{
    uint8_t digest[SHA256_SIZE];
    if (subject.len <= SUBJECT_MAX && span_find(subject, '\0') == subject.len)
        return subject;
    sha256(subject, digest);
    size_t len = (size_t)snprintf(room, 8, "sha256:");
    for (size_t i = 0; i < SHA256_SIZE; i++)
        len += (size_t)snprintf(room + len, 3, "%02x", digest[i]);
    return span_make(room, len);
}

static struct shard *shard_of(struct budget_subjects *subjects, struct span name)
{
    return &subjects->shards[hash_bytes(name) >> 60];
}
_Static_assert(SHARDS == 16, "the top four bits choose the shard");

/* Named "NAME subject"; the table borrows the second part from the cell. */
static struct budget_cell *new_cell(const struct budget_subjects *subjects, struct span name,
                                    const struct window_rule *rule)
{
    char *whole = memory_new(subjects->name_len + 1 + name.len + 1);
    memcpy(whole, subjects->name, subjects->name_len);
    whole[subjects->name_len] = ' ';
    if (name.len > 0)
        memcpy(whole + subjects->name_len + 1, name.ptr, name.len);
    struct budget_cell *cell = budget_cell_new(whole, rule);
    free(whole);
    return cell;
}

static struct span name_in(const struct budget_subjects *subjects, const struct budget_cell *cell)
{
    return span_from_string(cell->name + subjects->name_len + 1);
}

/* ---- sweeping ---- */

static bool is_idle(struct budget_cell *cell, const struct window_rule *rule, int64_t wall_ns)
{
    struct budget_view view;
    if (atomic_load(&cell->ref.count) > 1)
        return false;
    budget_cell_look(cell, rule, wall_ns, &view);
    return view.committed_nusd == 0 && view.tokens.committed == 0;
}

/* With the shard's mutex. A removal may move others, so the walk begins anew after a few. */
static void sweep_shard(struct budget_subjects *subjects, struct shard *shard,
                        const struct window_rule *rule, int64_t wall_ns)
{
    struct budget_cell *idle[64];
    size_t count;
    do {
        size_t cursor = 0;
        struct table_slot *slot;
        count = 0;
        while (count < 64 && (slot = table_next(&shard->cells, &cursor)) != NULL)
            if (is_idle(slot->value, rule, wall_ns))
                idle[count++] = slot->value;
        for (size_t i = 0; i < count; i++) {
            table_remove(&shard->cells, name_in(subjects, idle[i]));
            budget_cell_unref(&idle[i]);
            atomic_fetch_sub(&subjects->count, 1);
        }
    } while (count == 64);
}

static void sweep(struct budget_subjects *subjects, const struct window_rule *rule, int64_t wall_ns)
{
    int64_t last = atomic_load(&subjects->swept_wall_ns);
    bool recent = last != INT64_MIN && wall_ns >= last && wall_ns - last < SWEEP_EVERY_NS;
    if (recent || !atomic_compare_exchange_strong(&subjects->swept_wall_ns, &last, wall_ns))
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&subjects->shards[i].mutex);
        sweep_shard(subjects, &subjects->shards[i], rule, wall_ns);
        pthread_mutex_unlock(&subjects->shards[i].mutex);
    }
}

/* ---- finding ---- */

static struct budget_cell *find_locked(struct shard *shard, struct span name)
{
    struct budget_cell *cell = table_get(&shard->cells, name);
    return cell != NULL ? budget_cell_ref(cell) : NULL;
}

/* NULL: there is no place. */
static struct budget_cell *find_or_add(struct budget_subjects *subjects, struct span name,
                                       int64_t max_subjects, const struct window_rule *rule)
{
    struct shard *shard = shard_of(subjects, name);
    pthread_mutex_lock(&shard->mutex);
    struct budget_cell *cell = find_locked(shard, name);
    if (cell == NULL) {
        if ((int64_t)atomic_fetch_add(&subjects->count, 1) < max_subjects) {
            cell = new_cell(subjects, name, rule);
            give_limits(cell, subjects);
            table_put(&shard->cells, name_in(subjects, cell), cell);
            budget_cell_ref(cell);
        } else {
            atomic_fetch_sub(&subjects->count, 1);
        }
    }
    pthread_mutex_unlock(&shard->mutex);
    return cell;
}

struct budget_cell *budget_subjects_cell(struct budget_subjects *subjects, struct span subject,
                                         int64_t max_subjects, const struct window_rule *rule,
                                         int64_t wall_ns)
{
    char room[SHA256_SIZE * 2 + 8];
    struct span name = short_name(subject, room);
    struct budget_cell *cell = find_or_add(subjects, name, max_subjects, rule);
    if (cell != NULL)
        return cell;
    sweep(subjects, rule, wall_ns);
    return find_or_add(subjects, name, max_subjects, rule);
}

struct budget_cell *budget_subjects_find(struct budget_subjects *subjects, struct span subject)
{
    char room[SHA256_SIZE * 2 + 8];
    struct span name = short_name(subject, room);
    struct shard *shard = shard_of(subjects, name);
    pthread_mutex_lock(&shard->mutex);
    struct budget_cell *cell = find_locked(shard, name);
    pthread_mutex_unlock(&shard->mutex);
    return cell;
}
