/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Two usages, compared. */
#ifndef TESTS_LLM_USAGE_SAME_H
#define TESTS_LLM_USAGE_SAME_H

#include "llm/usage.h"

/* By members: what lies between them is nobody's. */
static inline bool usage_same(const struct usage *a, const struct usage *b)
{
    return a->input == b->input && a->cached_input == b->cached_input &&
           a->cache_write == b->cache_write && a->cache_write_1h == b->cache_write_1h &&
           a->audio_input == b->audio_input && a->cached_audio == b->cached_audio &&
           a->image_input == b->image_input && a->output == b->output &&
           a->reasoning == b->reasoning && a->audio_output == b->audio_output &&
           a->image_output == b->image_output && a->web_searches == b->web_searches &&
           a->service_tier == b->service_tier;
}

#endif
