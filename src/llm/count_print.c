/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints of what is counted, for the memory of estimates: one hash runs along the tools, the
 * formats and every text; what it is before the first text that is no system's is the head's, what it
 * is after each message the list's so far. Of the texts as decoded, so that neither ids nor marks for
 * caching nor white space in the JSON make two of one.
 */
#include "count_private.h"

#include "base/fingerprint.h"

void count_print(struct counter *counter, struct member value)
{
    if (value.type != JSON_NULL)
        counter->print = fingerprint(value.value, counter->print);
}

void count_print_text(struct counter *counter, enum count_role role, struct span text)
{
    if (role != COUNT_ROLE_SYSTEM && !counter->head_ended) {
        counter->head_ended = true;
        counter->out->features.head_print = counter->print;
    }
    counter->print = fingerprint(text, counter->print + role);
}

void count_print_message(struct counter *counter)
{
    counter->print = fingerprint(SPAN("."), counter->print);
    counter->prints[counter->print_count++ % COUNT_PRINTS] = counter->print;
}

void count_prints_end(struct counter *counter)
{
    struct count_features *features = &counter->out->features;
    size_t kept = counter->print_count < COUNT_PRINTS ? counter->print_count : COUNT_PRINTS;
    for (size_t i = 0; i < kept; i++)
        features->list_prints[i] = counter->prints[(counter->print_count - 1 - i) % COUNT_PRINTS];
    features->list_print_count = (int64_t)kept;
}
