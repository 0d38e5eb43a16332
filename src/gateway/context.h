/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a prompt's tokens went: how much of it was said before, in the call before of the same
 * session or earlier in the same prompt, and which prompt it is. Only fingerprints of text are kept.
 */
#ifndef GATEWAY_CONTEXT_H
#define GATEWAY_CONTEXT_H

#include "base/shards.h"
#include "llm/chat_count.h"

#include <stdint.h>

#define CONTEXT_MAX_CHUNKS 1024 /* what comes after is taken for new */

/* A paragraph, or several small ones. */
struct context_chunk {
    uint32_t print;
    uint32_t tokens;
};

#define CONTEXT_SET_SLOTS (2 * CONTEXT_MAX_CHUNKS)

/* Prints by open addressing, 0 is an empty slot; at most half are taken. */
struct context_set {
    uint32_t slots[CONTEXT_SET_SLOTS];
};

/* What one prompt at a time needs: a worker's, or a job's. Need not be cleared. */
struct context_room {
    struct context_chunk chunks[CONTEXT_MAX_CHUNKS];
    struct context_set set;
};

struct context {
    struct context_room *room;
    size_t count;    /* of its chunks */
    uint64_t prompt; /* fingerprint of system prompt and tools; 0: there are none */
};

static inline void context_init(struct context *context, struct context_room *room)
{
    *context = (struct context){.room = room};
}
/* input_count's listener. */
void context_text(void *argument, enum count_role role, struct span text, int64_t tokens);
/* Tokens that were there before. Remembers this prompt for the session's next call; `session` 0: it
 * belongs to none. */
int64_t context_repeated(const struct context *context, struct shards *sessions, uint64_t session);

/* The table of sessions, for all workers. */
struct shards *context_sessions_new(void);

#endif
