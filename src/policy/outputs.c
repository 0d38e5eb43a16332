/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms in base/shards: an entry is a row of counters, of which the top twentieth is sought. */
#include "policy/outputs.h"

#include "base/fingerprint.h"
#include "base/memory.h"
#include "base/ref.h"
#include "base/shards.h"

#include <stdbool.h>
#include <stdlib.h>

#define PAIRS_MAX ((size_t)16 << 10)
#define STEPS     8  /* between powers of two */
#define DOUBLINGS 24 /* up to 16 million tokens */
#define BUCKETS   (STEPS * DOUBLINGS)

struct outputs {
    struct ref ref;
    struct shards *pairs;
};

struct pair {
    uint32_t count;
    uint16_t buckets[BUCKETS];
};
_Static_assert(OUTPUTS_FADE <= UINT16_MAX, "a bucket may hold all");

struct outputs *outputs_new(void)
{
    struct outputs *outputs = MEMORY_NEW(struct outputs);
    ref_init(&outputs->ref);
    outputs->pairs = shards_new(&(struct shards_settings){sizeof(struct pair), PAIRS_MAX, NULL});
    return outputs;
}

struct outputs *outputs_ref(struct outputs *outputs)
{
    ref_take(&outputs->ref);
    return outputs;
}

void outputs_unref(struct outputs **address)
{
    struct outputs *outputs = *address;
    *address = NULL;
    if (outputs == NULL || !ref_drop(&outputs->ref))
        return;
    shards_free(&outputs->pairs);
    free(outputs);
}

uint64_t outputs_key(struct span tenant, struct span provider, struct span model)
{
    return fingerprint(model, fingerprint(provider, fingerprint(tenant, 1)));
}

/* ---- buckets ---- */

/* Below STEPS each number has one; above, each doubling has STEPS of equal width. */
static size_t bucket_of(int64_t tokens)
{
    if (tokens < STEPS)
        return tokens > 0 ? (size_t)tokens : 0;
    int doubling = 63 - __builtin_clzll((uint64_t)tokens); /* at least 3 */
    size_t step = (size_t)(tokens >> (doubling - 3)) - STEPS;
    size_t bucket = ((size_t)doubling - 2) * STEPS + step;
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* The most that falls in it. */
static int64_t bucket_top(size_t bucket)
{
    if (bucket < STEPS)
        return (int64_t)bucket;
    size_t doubling = bucket / STEPS + 2;
    int64_t width = (int64_t)1 << (doubling - 3);
    return (int64_t)(STEPS + bucket % STEPS + 1) * width - 1;
}

static void fade(struct pair *pair)
{
    pair->count = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        pair->buckets[i] /= 2;
        pair->count += pair->buckets[i];
    }
}

void outputs_note(struct outputs *outputs, uint64_t key, int64_t tokens)
{
    bool is_new;
    struct pair *pair = shards_hold(outputs->pairs, key, &is_new);
    pair->buckets[bucket_of(tokens)]++;
    if (++pair->count >= OUTPUTS_FADE)
        fade(pair);
    shards_release(outputs->pairs, key);
}

static int64_t p95(const struct pair *pair)
{
    if (pair->count < OUTPUTS_LEAST)
        return 0;
    uint32_t above = 0;
    size_t bucket = BUCKETS;
    while (bucket > 1 && (above + pair->buckets[bucket - 1]) * 20 <= pair->count)
        above += pair->buckets[--bucket];
    int64_t top = bucket_top(bucket - 1);
    return top > 0 ? top : 1;
}

int64_t outputs_p95(struct outputs *outputs, uint64_t key)
{
    bool is_new;
    struct pair *pair = shards_hold(outputs->pairs, key, &is_new);
    int64_t tokens = p95(pair);
    shards_release(outputs->pairs, key);
    return tokens;
}
