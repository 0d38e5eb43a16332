/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Reference counts that several threads may share. The object is made with one reference. */
#ifndef BASE_REF_H
#define BASE_REF_H

#include "base/assert.h"

#include <stdatomic.h>
#include <stdbool.h>

struct ref {
    atomic_int count;
};

static inline void ref_init(struct ref *ref)
{
    atomic_init(&ref->count, 1);
}
static inline void ref_take(struct ref *ref)
{
    int before = atomic_fetch_add_explicit(&ref->count, 1, memory_order_relaxed);
    ASSERT(before > 0);
}
/* True for the caller that dropped the last one: it alone frees the object. */
static inline bool ref_drop(struct ref *ref)
{
    int before = atomic_fetch_sub_explicit(&ref->count, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    return before == 1;
}

#endif
