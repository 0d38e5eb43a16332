/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of an estimate: a table of fingerprints, sets of a few entries each. Two kinds of entry
 * share it. A list's holds what it was billed and its features: the next request of the conversation
 * is off the lines by as much as that one was. A head's holds how far requests with those tools and
 * that system prompt were off the lines, the newest counting half; a conversation's first request
 * alone corrects it, for later ones hold what is off for other reasons.
 */
#include "estimate_private.h"

#define HEAD_SHARE 0.5

/* Tools that are defined but left out (tool_choice "none") make it another request. */
static uint64_t key_of(uint64_t print, const struct count_features *features)
{
    uint64_t key = print + features->has_tools;
    return key != 0 ? key : 1; /* 0 is a free entry */
}

static const struct estimate_known *find(const struct estimate *estimate, uint64_t key)
{
    const struct estimate_known *set = estimate->memory[key % ESTIMATE_SETS];
    for (int i = 0; i < ESTIMATE_WAYS; i++)
        if (set[i].print == key)
            return &set[i];
    return NULL;
}

/* The entry of that key, or the one that may go. */
static struct estimate_known *place(struct estimate *estimate, uint64_t key)
{
    struct estimate_known *set = estimate->memory[key % ESTIMATE_SETS];
    struct estimate_known *oldest = &set[0];
    for (int i = 0; i < ESTIMATE_WAYS; i++) {
        if (set[i].print == key)
            return &set[i];
        if (set[i].learned < oldest->learned)
            oldest = &set[i];
    }
    return oldest;
}

static const struct estimate_known *find_list(const struct estimate *estimate,
                                              const struct count_features *features)
{
    const struct estimate_known *known = NULL;
    for (int64_t i = 0; i < features->list_print_count && known == NULL; i++)
        known = find(estimate, key_of(features->list_prints[i], features));
    return known;
}

double estimate_recall(const struct estimate *estimate, const struct count_features *features)
{
    const struct estimate_known *list = find_list(estimate, features);
    if (list != NULL) {
        double then[ESTIMATE_FEATURES];
        for (size_t i = 0; i < ESTIMATE_FEATURES; i++)
            then[i] = (double)list->features[i];
        return list->tokens - estimate_line_tokens(estimate, then);
    }
    if (features->head_print == 0)
        return 0;
    const struct estimate_known *head = find(estimate, key_of(features->head_print, features));
    return head != NULL ? head->tokens : 0;
}

static void remember_head(struct estimate *estimate, const struct count_features *features,
                          double off)
{
    uint64_t key = key_of(features->head_print, features);
    struct estimate_known *head = place(estimate, key);
    if (head->print == key)
        off = HEAD_SHARE * off + (1 - HEAD_SHARE) * head->tokens;
    *head = (struct estimate_known){.print = key, .learned = estimate->learned, .tokens = off};
}

void estimate_remember(struct estimate *estimate, const struct count_features *features,
                       double bill)
{
    double now[ESTIMATE_FEATURES];
    estimate_features(features, now);
    bool first = find_list(estimate, features) == NULL && features->opaque_bytes == 0;
    if (first && features->head_print != 0)
        remember_head(estimate, features, bill - estimate_line_tokens(estimate, now));
    if (features->list_print_count == 0)
        return;
    uint64_t key = key_of(features->list_prints[0], features);
    struct estimate_known *list = place(estimate, key);
    *list = (struct estimate_known){.print = key, .learned = estimate->learned, .tokens = bill};
    for (size_t i = 0; i < ESTIMATE_FEATURES; i++)
        list->features[i] = (float)now[i];
}
