/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Tokenizers' birth and end; those of the program itself are made when they are first asked for. */
#include "tokens_data.h"
#include "tokens_private.h"

#include "base/assert.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct builtin {
    enum token_grammar grammar;
    const unsigned char *packed;
    const unsigned char *packed_end;
    pthread_mutex_t lock; /* of the making */
    atomic_bool ready;
    struct tokenizer tokenizer;
};

static struct builtin cl100k_base = {.grammar = GRAMMAR_CL100K,
                                     .packed = tokens_cl100k_base,
                                     .packed_end = tokens_cl100k_base_end,
                                     .lock = PTHREAD_MUTEX_INITIALIZER};
static struct builtin o200k_base = {.grammar = GRAMMAR_O200K,
                                    .packed = tokens_o200k_base,
                                    .packed_end = tokens_o200k_base_end,
                                    .lock = PTHREAD_MUTEX_INITIALIZER};

static struct builtin *builtin_of(enum encoding encoding)
{
    switch (encoding) {
    case ENCODING_CL100K_BASE:
        return &cl100k_base;
    case ENCODING_O200K_BASE:
    case ENCODING_O200K_HARMONY: /* they differ in special tokens only, which no text has */
        return &o200k_base;
    case ENCODING_COUNT:
        break;
    }
    UNREACHABLE();
}

void tokenizer_init(struct tokenizer *tokenizer, enum token_grammar grammar)
{
    static atomic_uint_fast64_t last_serial;
    *tokenizer = (struct tokenizer){.grammar = grammar};
    tokenizer->serial = atomic_fetch_add_explicit(&last_serial, 1, memory_order_relaxed) + 1;
    ref_init(&tokenizer->ref);
}

static void make(struct builtin *builtin)
{
    uint32_t count = 0;
    for (const unsigned char *at = builtin->packed; at < builtin->packed_end; at += 1 + *at)
        count++;
    tokenizer_init(&builtin->tokenizer, builtin->grammar);
    vocabulary_init(&builtin->tokenizer.vocabulary, builtin->packed, count, true);
    atomic_store_explicit(&builtin->ready, true, memory_order_release);
}

bool tokenizer_ready(enum encoding encoding)
{
    return atomic_load_explicit(&builtin_of(encoding)->ready, memory_order_acquire);
}

const struct tokenizer *tokenizer_builtin(enum encoding encoding)
{
    struct builtin *builtin = builtin_of(encoding);
    if (!tokenizer_ready(encoding)) {
        pthread_mutex_lock(&builtin->lock);
        if (!tokenizer_ready(encoding))
            make(builtin);
        pthread_mutex_unlock(&builtin->lock);
    }
    return &builtin->tokenizer;
}

struct tokenizer *tokenizer_ref(struct tokenizer *tokenizer)
{
    ref_take(&tokenizer->ref);
    return tokenizer;
}

void tokenizer_unref(struct tokenizer **address)
{
    struct tokenizer *tokenizer = *address;
    *address = NULL;
    if (tokenizer == NULL || !ref_drop(&tokenizer->ref))
        return;
    vocabulary_fini(&tokenizer->vocabulary);
    free(tokenizer->ranks);
    free(tokenizer);
}
