/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* There are as many sources as workers: the lowest is found by looking at each. */
#include "cursor.h"

#include "base/memory.h"

#include <stdlib.h>

void merge_add(struct merge *merge, uint32_t stream, struct cursor *cursor, uint64_t upto)
{
    merge->sources = memory_resize(merge->sources, merge->count + 1, sizeof(*merge->sources));
    merge->sources[merge->count++] =
        (struct merge_source){.cursor = cursor, .stream = stream, .upto = upto};
    merge->last = NULL;
}

void merge_fini(struct merge *merge)
{
    for (size_t i = 0; i < merge->count; i++)
        cursor_close(&merge->sources[i].cursor);
    free(merge->sources);
    *merge = (struct merge){.sources = NULL};
}

static bool load(struct merge_source *source, struct ledger_fault *fault)
{
    if (source->next != NULL || source->ended)
        return true;
    enum cursor_verdict verdict = cursor_next(source->cursor, source->upto, &source->next, fault);
    source->ended = verdict == CURSOR_END;
    return verdict != CURSOR_FAULT;
}

enum cursor_verdict merge_next(struct merge *merge, const struct record **out,
                               struct ledger_fault *fault)
{
    struct merge_source *lowest = NULL;
    for (size_t i = 0; i < merge->count; i++) {
        struct merge_source *source = &merge->sources[i];
        if (!load(source, fault))
            return CURSOR_FAULT;
        if (source->next != NULL && (lowest == NULL || source->next->order < lowest->next->order))
            lowest = source;
    }
    merge->last = lowest;
    if (lowest == NULL)
        return CURSOR_END;
    *out = lowest->next;
    lowest->next = NULL;
    return CURSOR_RECORD;
}
