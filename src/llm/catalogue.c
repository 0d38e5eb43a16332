/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* A catalogue in memory: its lists, and finding in them. Loads are rare and finds are rarer, so lists
 * are walked; the largest provider has some seven hundred models. */
#include "catalogue_private.h"

#include "base/memory.h"

#include <stdlib.h>

#define ARENA_CAP   ((size_t)256 << 20)
#define LOOKUP_SIZE 512 /* longer names and URLs match nothing */

/* ---- building ---- */

struct catalogue *catalogue_make(void)
{
    struct catalogue *catalogue = MEMORY_NEW(struct catalogue);
    arena_init(&catalogue->arena, ARENA_CAP);
    return catalogue;
}

void catalogue_free(struct catalogue **catalogue)
{
    if (*catalogue == NULL)
        return;
    arena_fini(&(*catalogue)->arena);
    free(*catalogue);
    *catalogue = NULL;
}

static char lower_of(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

struct span catalogue_lower(struct arena *arena, struct span text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    if (copy == NULL)
        return SPAN_NONE;
    for (size_t i = 0; i < text.len; i++)
        copy[i] = lower_of(text.ptr[i]);
    return span_make(copy, text.len);
}

struct catalogue_provider *catalogue_add_provider(struct catalogue *catalogue, struct span id)
{
    struct catalogue_provider *provider = ARENA_NEW(&catalogue->arena, struct catalogue_provider);
    if (provider == NULL)
        return NULL;
    provider->id = arena_copy(&catalogue->arena, id);
    if (catalogue->last_provider == NULL)
        catalogue->first_provider = provider;
    else
        catalogue->last_provider->next = provider;
    catalogue->last_provider = provider;
    return provider;
}

void catalogue_add_entry(struct catalogue *catalogue, struct catalogue_entry *entry)
{
    struct catalogue_provider *provider = catalogue->last_provider;
    entry->provider = provider->id;
    if (catalogue->last_entry != NULL)
        catalogue->last_entry->next = entry;
    catalogue->last_entry = entry;
    if (provider->first_entry == NULL)
        provider->first_entry = entry;
    provider->last_entry = entry;
}

void words_add(struct words *words, struct arena *arena, struct span text)
{
    struct word *word = ARENA_NEW(arena, struct word);
    if (word == NULL)
        return;
    word->text = text;
    if (words->last == NULL)
        words->first = word;
    else
        words->last->next = word;
    words->last = word;
}

/* ---- finding ---- */

struct span catalogue_source(const struct catalogue *catalogue)
{
    return catalogue->source;
}

const struct catalogue_entry *catalogue_first(const struct catalogue *catalogue)
{
    for (const struct catalogue_provider *provider = catalogue->first_provider; provider != NULL;
         provider = provider->next)
        if (provider->first_entry != NULL)
            return provider->first_entry;
    return NULL;
}

const struct catalogue_provider *catalogue_provider(const struct catalogue *catalogue,
                                                    struct span id)
{
    for (const struct catalogue_provider *provider = catalogue->first_provider; provider != NULL;
         provider = provider->next)
        if (span_equal_nocase(provider->id, id))
            return provider;
    return NULL;
}

/* In `room`; the empty span when it is too long. */
static struct span lower_into(struct span text, char room[LOOKUP_SIZE])
{
    if (text.len >= LOOKUP_SIZE)
        return SPAN_NONE;
    for (size_t i = 0; i < text.len; i++)
        room[i] = lower_of(text.ptr[i]);
    return span_make(room, text.len);
}

static bool is_reached_at(const struct catalogue_provider *provider, struct span url)
{
    for (const struct word *pattern = provider->urls.first; pattern != NULL;
         pattern = pattern->next)
        if (clause_like(pattern->text, url))
            return true;
    return false;
}

static const struct catalogue_provider *find_by_url(const struct catalogue *catalogue,
                                                    struct span base_url)
{
    char room[LOOKUP_SIZE];
    struct span url = lower_into(base_url, room);
    if (url.len == 0)
        return NULL;
    for (const struct catalogue_provider *provider = catalogue->first_provider; provider != NULL;
         provider = provider->next)
        if (is_reached_at(provider, url))
            return provider;
    return NULL;
}

static const struct catalogue_provider *find_by_name(const struct catalogue *catalogue,
                                                     struct span name)
{
    const struct catalogue_provider *found = catalogue_provider(catalogue, name);
    for (const struct catalogue_provider *provider = catalogue->first_provider;
         found == NULL && provider != NULL; provider = provider->next)
        for (const struct word *other = provider->names.first; other != NULL; other = other->next)
            if (span_equal_nocase(other->text, name))
                found = provider;
    return found;
}

static const struct catalogue_entry *find_among(const struct catalogue_provider *provider,
                                                struct span lower)
{
    const struct catalogue_entry *end =
        provider->last_entry != NULL ? provider->last_entry->next : NULL;
    const struct catalogue_entry *entry;
    for (entry = provider->first_entry; entry != end; entry = entry->next)
        if (clause_names_exactly(entry->match, lower))
            return entry;
    for (entry = provider->first_entry; entry != end; entry = entry->next)
        if (clause_matches(entry->match, lower))
            return entry;
    return NULL;
}

static const struct catalogue_entry *find_at(const struct catalogue *catalogue,
                                             const struct catalogue_provider *provider,
                                             struct span model)
{
    char room[LOOKUP_SIZE];
    struct span lower = lower_into(model, room);
    if (provider == NULL || lower.len == 0)
        return NULL;
    const struct catalogue_entry *entry = find_among(provider, lower);
    for (const struct word *id = provider->also.first; entry == NULL && id != NULL; id = id->next) {
        const struct catalogue_provider *other = catalogue_provider(catalogue, id->text);
        entry = other != NULL ? find_among(other, lower) : NULL;
    }
    return entry;
}

const struct catalogue_entry *catalogue_find(const struct catalogue *catalogue,
                                             struct span provider, struct span base_url,
                                             struct span model)
{
    const struct catalogue_provider *found = find_by_url(catalogue, base_url);
    if (found == NULL)
        found = find_by_name(catalogue, provider);
    return find_at(catalogue, found, model);
}

const struct catalogue_entry *catalogue_find_id(const struct catalogue *catalogue,
                                                struct span provider, struct span model)
{
    const struct catalogue_provider *found = find_by_name(catalogue, provider);
    if (found == NULL || found->last_entry == NULL)
        return NULL;
    for (const struct catalogue_entry *entry = found->first_entry; entry != found->last_entry->next;
         entry = entry->next)
        if (span_equal(entry->model, model))
            return entry;
    return find_at(catalogue, found, model);
}
