/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours
 * each cost one. Three rows of the table suffice, and long words are left alone.
 */
#include "suggest.h"

#include <stdio.h>

#define WORD_MAX 48

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Both words are at most WORD_MAX long. */
static size_t distance(struct span a, struct span b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0]; /* two letters of `a` ago */
    size_t *above = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        above[j] = before[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t cost = a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1;
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.len];
}

void suggestion_init(struct suggestion *suggestion, struct span word)
{
    *suggestion = (struct suggestion){.word = word, .distance = SIZE_MAX};
}

void suggestion_offer(struct suggestion *suggestion, struct span candidate)
{
    struct span word = suggestion->word;
    if (word.len > WORD_MAX || candidate.len > WORD_MAX || candidate.len == 0)
        return;
    size_t far = distance(word, candidate);
    /* One slip in three letters: more is another word. */
    if (far > least(word.len + 2, candidate.len + 2) / 3 || far >= suggestion->distance)
        return;
    suggestion->best = candidate;
    suggestion->distance = far;
}

char *suggestion_text(const struct suggestion *suggestion, char out[SUGGESTION_SIZE])
{
    out[0] = '\0';
    if (suggestion->best.len > 0)
        snprintf(out, SUGGESTION_SIZE, "; did you mean '%.*s'?", SPAN_ARG(suggestion->best));
    return out;
}
