/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies, as `weir tokens --chat` counts them. */
#ifndef APP_TOKENS_CHAT_H
#define APP_TOKENS_CHAT_H

#include "base/arena.h"
#include "llm/chat_count.h"

struct chat_counter {
    const char *model;                 /* of the command line; NULL: the body's */
    const struct tokenizer *tokenizer; /* of the command line; NULL: the model's */
    bool tokenizer_is_exact;           /* the operator says so */
    struct token_cache *cache;
    struct arena scratch;
    enum count_quality worst; /* of all that were counted */
};

/* What is wrong with a body, and at which byte. */
struct chat_fault {
    const char *what;
    size_t offset;
};

bool chat_counter_count(struct chat_counter *counter, struct span body, int64_t *tokens,
                        struct chat_fault *fault);

#endif
