/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text is cut into chunks at blank lines (documents that a pipeline pastes together are parted by
 * them; messages are apart anyway), of at least CHUNK_MIN bytes. A chunk's tokens are its share of
 * the text's, by bytes. A prompt's prints stand in a set of open addressing, which is also what a
 * session keeps of its last call.
 */
#include "context.h"

#include "base/fingerprint.h"
#include "base/memory.h"

#include <stdlib.h>

#define CHUNK_MIN    64
#define SESSIONS_MAX 4096 /* 8 KiB each */

/* ---- chunks ---- */

static void add_chunk(struct context *context, struct span text, int64_t tokens)
{
    if (context->count == CONTEXT_MAX_CHUNKS)
        return;
    uint32_t print = (uint32_t)(fingerprint(text, 0) >> 32);
    context->room->chunks[context->count++] =
        (struct context_chunk){.print = print != 0 ? print : 1, /* 0 is an empty slot */
                               .tokens = tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX};
}

/* The end of the chunk that begins the text: after a blank line, or the text's end. */
static size_t chunk_end(struct span text)
{
    size_t at = CHUNK_MIN;
    while (at < text.len) {
        const char *line = memchr(text.ptr + at, '\n', text.len - at);
        if (line == NULL)
            break;
        at = (size_t)(line - text.ptr) + 1;
        if (at < text.len && text.ptr[at] == '\n')
            return at + 1;
    }
    return text.len;
}

void context_text(void *argument, enum count_role role, struct span text, int64_t tokens)
{
    struct context *context = argument;
    if (role == COUNT_ROLE_SYSTEM)
        context->prompt = fingerprint(text, context->prompt);
    size_t whole = text.len;
    int64_t given = 0; /* tokens of the chunks so far: shares are rounded, their sum is not */
    for (size_t from = 0; from < whole;) {
        size_t end = from + chunk_end(span_from(text, from));
        int64_t upto = (int64_t)((__int128)tokens * (int64_t)end / (int64_t)whole);
        add_chunk(context, span_make(text.ptr + from, end - from), upto - given);
        given = upto;
        from = end;
    }
}

/* ---- sets ---- */

/* Whether it was in the set already. */
static bool set_add(struct context_set *set, uint32_t print)
{
    size_t at = print % CONTEXT_SET_SLOTS;
    for (; set->slots[at] != 0; at = (at + 1) % CONTEXT_SET_SLOTS)
        if (set->slots[at] == print)
            return true;
    set->slots[at] = print;
    return false;
}

static bool set_has(const struct context_set *set, uint32_t print)
{
    for (size_t at = print % CONTEXT_SET_SLOTS; set->slots[at] != 0;
         at = (at + 1) % CONTEXT_SET_SLOTS)
        if (set->slots[at] == print)
            return true;
    return false;
}

/* ---- sessions ---- */

struct session {
    struct context_set *last; /* of its last call; NULL: this is the first */
};

static void session_drop(void *entry)
{
    free(((struct session *)entry)->last);
}

struct shards *context_sessions_new(void)
{
    return shards_new(
        &(struct shards_settings){sizeof(struct session), SESSIONS_MAX, session_drop});
}

/* Gives the session this call's prints, and takes those of its last one. */
static struct context_set *swap_sets(struct shards *sessions, uint64_t session,
                                     struct context_set *set)
{
    bool is_new;
    struct session *entry = shards_hold(sessions, session, &is_new);
    struct context_set *last = entry->last;
    entry->last = set;
    shards_release(sessions, session);
    return last;
}

/* Fills the set. A chunk that is in it already has its tokens counted, and is not looked at again: its
 * print is taken out. */
static int64_t repeated_within(const struct context *context, struct context_set *set)
{
    int64_t tokens = 0;
    memset(set, 0, sizeof *set);
    for (size_t i = 0; i < context->count; i++) {
        struct context_chunk *chunk = &context->room->chunks[i];
        if (!set_add(set, chunk->print))
            continue;
        tokens += chunk->tokens;
        chunk->print = 0;
    }
    return tokens;
}

static int64_t repeated_since(const struct context *context, const struct context_set *last)
{
    int64_t tokens = 0;
    for (size_t i = 0; i < context->count; i++) {
        const struct context_chunk *chunk = &context->room->chunks[i];
        if (chunk->print != 0 && set_has(last, chunk->print))
            tokens += chunk->tokens;
    }
    return tokens;
}

int64_t context_repeated(const struct context *context, struct shards *sessions, uint64_t session)
{
    struct context_set *set = &context->room->set;
    bool alone = session == 0 || sessions == NULL;
    if (context->count < 2 && alone)
        return 0; /* most requests: one text says nothing twice */
    int64_t tokens = repeated_within(context, set);
    if (alone)
        return tokens;
    struct context_set *kept = MEMORY_NEW(struct context_set);
    *kept = *set;
    struct context_set *last = swap_sets(sessions, session, kept);
    if (last != NULL)
        tokens += repeated_since(context, last);
    free(last);
    return tokens;
}
