/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long answers are, by tenant and target: the 95th percentile of the output of past requests, for
 * `hold: learned`. A histogram each, of eight steps between a power of two and the next, in which old
 * answers fade. The pair that was longest not asked for is forgotten when there are too many. Any
 * thread.
 */
#ifndef POLICY_OUTPUTS_H
#define POLICY_OUTPUTS_H

#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

#define OUTPUTS_LEAST 50   /* answers before anything is said */
#define OUTPUTS_FADE  2000 /* at so many all counts are halved */

struct outputs;

struct outputs *outputs_new(void);
struct outputs *outputs_ref(struct outputs *outputs);
/* Accepts NULL. */
void outputs_unref(struct outputs **address);

/* The pair's key: the tenant's path, and what tells the target apart. */
uint64_t outputs_key(struct span tenant, struct span provider, struct span model);
/* An answer of so many tokens a choice. */
void outputs_note(struct outputs *outputs, uint64_t key, int64_t tokens);
/* 19 of 20 answers had no more (rounded up to the histogram's next step); 0: too few were seen. */
int64_t outputs_p95(struct outputs *outputs, uint64_t key);

#endif
