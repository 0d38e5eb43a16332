/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting tokens as tiktoken counts them (tiktoken_ext/openai_public.py; Unicode 16.0), exactly and
 * at the speed of memory.
 *
 *   text ──> splitter (hand-coded, by grammar) ──> pieces ──> piece cache ──> byte-pair encoding
 *                                                              a worker's      immutable, shared
 *
 * A tokenizer is a vocabulary with the grammar that cuts text for it: immutable once made, shared by
 * all threads. What a count needs to remember for speed lies in a `token_cache` of the caller's
 * thread, which keeps pieces of at most 15 bytes: no text of a user's beyond that.
 *
 * Text is counted as ordinary text (special tokens' names are just text). Bytes that are no UTF-8 are
 * counted as the replacement characters that Python's "replace" would put there. docs/internals/
 * tokens.md says how it works and what was measured.
 */
#ifndef LLM_TOKENS_H
#define LLM_TOKENS_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The encodings in the program itself. */
enum encoding {
    ENCODING_CL100K_BASE,
    ENCODING_O200K_BASE,
    ENCODING_O200K_HARMONY, /* o200k_base's ranks with other special tokens */
    ENCODING_COUNT
};

/* How a family of vocabularies cuts text into pieces. */
enum token_grammar {
    GRAMMAR_CL100K,
    GRAMMAR_O200K,
    GRAMMAR_LLAMA3,   /* cl100k's */
    GRAMMAR_QWEN,     /* cl100k's with single digits, of text put into NFC (Unicode 16.0) */
    GRAMMAR_DEEPSEEK, /* three stages: digits, ideographs and kana, the rest */
    GRAMMAR_TEKKEN,   /* o200k's without contractions, single digits */
    GRAMMAR_COUNT
};

struct tokenizer;
struct token_cache;

/* "cl100k_base"; NULL-free. */
const char *encoding_name(enum encoding encoding);
/* False where no encoding has that name. */
bool encoding_find(struct span name, enum encoding *out);
/* The encoding of a model's name at its provider (tiktoken's model.py: "gpt-4o-2024-08-06",
 * "text-embedding-3-small", "gpt-oss-120b", "ft:gpt-4o:…"); false for names it does not know. */
bool encoding_of_model(struct span model, enum encoding *out);
/* "llama3". */
bool token_grammar_find(struct span name, enum token_grammar *out);

/* The tokenizer of a built-in encoding. The first call for each builds its tables (tens of
 * milliseconds; 10 MB for cl100k_base, 18 for o200k_base): call it off the event loop, or where
 * tokenizer_ready says so. Lives as long as the process. Any thread; a second caller waits for the
 * first. */
const struct tokenizer *tokenizer_builtin(enum encoding encoding);
/* Whether the next call will not wait. */
bool tokenizer_ready(enum encoding encoding);

/* A tokenizer from the text of a rank file (tiktoken's format: base64, a space, the rank, a line
 * each; at most 16 MiB, 255 bytes a token, and all 256 single bytes among them). NULL with a sentence
 * in `why` that names the line. The text is not kept. Takes tens to hundreds of milliseconds. Counted:
 * tokenizers of files may be shared by snapshots. */
struct tokenizer *tokenizer_new(struct span ranks, enum token_grammar grammar, char why[128]);
struct tokenizer *tokenizer_ref(struct tokenizer *tokenizer);
void tokenizer_unref(struct tokenizer **address);

/* A thread's own. `slots`: a power of two, at least 2, of 16 bytes each; 0: the default, 65,536. They
 * are taken for each tokenizer when it is first used with the cache, for at most four of them: a fifth
 * takes the place of another. */
struct token_cache *token_cache_new(size_t slots);
void token_cache_free(struct token_cache **address);

/* How many tokens the text is. Linear in its length, whatever it is. `cache` may be NULL (slower).
 * Where there is no memory for what a strange text needs (malformed, not normalised, one piece of more
 * than 512 bytes), a figure that is certainly not below it. */
int64_t tokens_count(const struct tokenizer *tokenizer, struct token_cache *cache,
                     struct span text);
/* The same, but stops once the count is over `limit`, and then returns some number over it. */
int64_t tokens_count_until(const struct tokenizer *tokenizer, struct token_cache *cache,
                           struct span text, int64_t limit);
/* The ids (ranks). Writes at most `room` of them and returns how many there are. 0 where there is no
 * memory to repair or normalise the text. */
size_t tokens_encode(const struct tokenizer *tokenizer, struct span text, uint32_t *ids,
                     size_t room);

/* ---- counting what comes in parts ---- */

/* A count of text that arrives in parts, cut anywhere (inside a character too): token_stream_total
 * gives what tokens_count gives of all that came. Holds back at most the text since the last place
 * where what follows can change nothing: the last word, usually. Of a text without such a place that is
 * longer than TOKEN_STREAM_MAX (no language's) what is certain is counted; a single piece that is
 * longer is cut, and may count a token or two more or fewer. */
#define TOKEN_STREAM_MAX ((size_t)64 * 1024)

struct token_stream {
    const struct tokenizer *tokenizer;
    int64_t counted; /* of the text that is settled */
    char *held;      /* the rest */
    size_t held_len;
    size_t held_room;
};

void token_stream_init(struct token_stream *stream, const struct tokenizer *tokenizer);
void token_stream_fini(struct token_stream *stream);
void token_stream_feed(struct token_stream *stream, struct token_cache *cache, struct span part);
/* The count of all that was fed, in the time that what is held takes. More may be fed after. */
int64_t token_stream_total(const struct token_stream *stream, struct token_cache *cache);

#endif
