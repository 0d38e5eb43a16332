/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast tokens are counted: Weir's side of bench/tokens.py, which starts this beside the other
 * engines and gives each its turn. Takes commands from standard input, a line each, and answers each
 * with a line of numbers:
 *   count ENCODING FILE   all documents of a corpus: tokens, and seconds for them with a cache that
 *                         begins empty, for the later half times two with a cache that has seen the
 *                         earlier half, and for all with a cache that has seen them
 *   prompts ENCODING FILE prompts of 1 KiB, each timed, with a cache that knows other text of the
 *                         kind: p50 and p99 in microseconds
 *   worst ENCODING KIND   a MiB of what is hard to cut or to merge: tokens, seconds
 * Beside FILE lies FILE.ends, where its documents end, a number a line.
 */
#include "llm/tokens.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROMPT_SIZE ((size_t)1024)
#define WORST_SIZE  ((size_t)1 << 20)
#define FILE_MAX    ((size_t)64 << 20)

struct corpus {
    struct buf text;
    size_t *ends;
    size_t count;
};

static _Noreturn void fail(const char *what, const char *which)
{
    fprintf(stderr, "bench_tokens: %s: %s\n", what, which);
    exit(1);
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Processor time: others use the machine too. */
static int64_t processor_ns(void)
{
    return now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static double seconds_since(int64_t begun)
{
    return (double)(processor_ns() - begun) / (double)NS_PER_S;
}

/* ---- corpora ---- */

static void read_text(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    buf_init(out, FILE_MAX, 0);
    if (file == NULL)
        fail("cannot read", path);
    for (size_t got = 1; got > 0;) {
        char *room = buf_reserve(out, 1 << 16);
        if (room == NULL)
            fail("too large", path);
        got = fread(room, 1, 1 << 16, file);
        buf_commit(out, got);
    }
    fclose(file);
}

static void corpus_read(struct corpus *corpus, const char *path)
{
    char ends[512];
    *corpus = (struct corpus){0};
    read_text(path, &corpus->text);
    snprintf(ends, sizeof ends, "%s.ends", path);
    FILE *file = fopen(ends, "re");
    if (file == NULL)
        fail("cannot read", ends);
    for (char line[32]; fgets(line, sizeof line, file) != NULL; corpus->count++) {
        corpus->ends = memory_resize(corpus->ends, corpus->count + 1, sizeof(size_t));
        corpus->ends[corpus->count] = strtoul(line, NULL, 10);
    }
    fclose(file);
}

static void corpus_free(struct corpus *corpus)
{
    buf_fini(&corpus->text);
    free(corpus->ends);
}

/* The documents from one to before another. */
static int64_t count_documents(const struct tokenizer *tokenizer, struct token_cache *cache,
                               const struct corpus *corpus, size_t from, size_t to)
{
    int64_t tokens = 0;
    size_t begin = from > 0 ? corpus->ends[from - 1] : 0;
    for (size_t i = from; i < to; begin = corpus->ends[i++]) {
        struct span rest = span_from(buf_span(&corpus->text), begin);
        tokens += tokens_count(tokenizer, cache, span_make(rest.ptr, corpus->ends[i] - begin));
    }
    return tokens;
}

/* ---- the commands ---- */

static void run_count(const struct tokenizer *tokenizer, const char *path)
{
    struct corpus corpus;
    corpus_read(&corpus, path);
    size_t half = corpus.count / 2, all = corpus.count;
    struct token_cache *cache = token_cache_new(0);
    int64_t begun = processor_ns();
    int64_t earlier = count_documents(tokenizer, cache, &corpus, 0, half);
    double to_half = seconds_since(begun);
    int64_t tokens = earlier + count_documents(tokenizer, cache, &corpus, half, all);
    double cold = seconds_since(begun);
    begun = processor_ns();
    if (count_documents(tokenizer, cache, &corpus, 0, all) != tokens)
        fail("two counts of the same text differ", path);
    printf("%lld %.9f %.9f %.9f\n", (long long)tokens, cold, 2 * (cold - to_half),
           seconds_since(begun));
    token_cache_free(&cache);
    corpus_free(&corpus);
}

static int rising(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The first half of the text goes before: a gateway's cache is never empty, nor has it seen this. */
static void run_prompts(const struct tokenizer *tokenizer, const char *path)
{
    struct corpus corpus;
    corpus_read(&corpus, path);
    struct span text = buf_span(&corpus.text);
    struct span prompts = span_from(text, text.len / 2);
    struct token_cache *cache = token_cache_new(0);
    tokens_count(tokenizer, cache, span_make(text.ptr, text.len / 2));
    size_t count = prompts.len / PROMPT_SIZE;
    double *us = memory_array(count, sizeof *us);
    for (size_t i = 0; i < count; i++) {
        /* Asking for processor time would take a tenth of what is measured. */
        int64_t begun = now_ns(CLOCK_MONOTONIC);
        tokens_count(tokenizer, cache, span_make(prompts.ptr + i * PROMPT_SIZE, PROMPT_SIZE));
        us[i] = (double)(now_ns(CLOCK_MONOTONIC) - begun) / 1000.0;
    }
    if (count == 0)
        fail("too small", path);
    qsort(us, count, sizeof *us, rising);
    printf("%.3f %.3f\n", us[count / 2], us[count * 99 / 100]);
    free(us);
    token_cache_free(&cache);
    corpus_free(&corpus);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static size_t put_character(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char heads[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(heads[more] | code >> 6 * more);
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (code >> 6 * (more - i) & 0x3F));
    return 1 + more;
}

/* Characters from `first` on, `width` of them, in any order. */
static const struct {
    const char *name;
    uint32_t first;
    uint32_t width;
} worst_kinds[] = {
    {"one-letter", 'a', 1},  {"letters", 'a', 26},      {"spaces", ' ', 1},
    {"line-feeds", '\n', 1}, {"digits", '0', 10},       {"punctuation", '!', 15},
    {"han", 0x4E00, 20000},  {"one-han", 0x4E2D, 1},    {"hangul", 0xAC00, 11000},
    {"emoji", 0x1F600, 64},  {"one-emoji", 0x1F600, 1}, {"marks", 0x300, 80},
    {"two-letters", 'a', 2},
};

static void run_worst(const struct tokenizer *tokenizer, const char *name)
{
    size_t kind = 0, kinds = sizeof worst_kinds / sizeof worst_kinds[0];
    while (kind < kinds && strcmp(worst_kinds[kind].name, name) != 0)
        kind++;
    if (kind == kinds)
        fail("no such kind", name);
    char *text = memory_new(WORST_SIZE + 4);
    size_t size = 0;
    for (uint64_t state = 20261124; size < WORST_SIZE;)
        size += put_character(
            worst_kinds[kind].first + next_random(&state) % worst_kinds[kind].width, text + size);
    struct token_cache *cache = token_cache_new(0);
    int64_t begun = processor_ns();
    int64_t tokens = tokens_count(tokenizer, cache, span_make(text, size));
    printf("%lld %.9f\n", (long long)tokens, seconds_since(begun));
    token_cache_free(&cache);
    free(text);
}

int main(void)
{
    char line[1024], command[16], encoding_text[32], argument[512];
    while (fgets(line, sizeof line, stdin) != NULL) {
        enum encoding encoding;
        if (sscanf(line, "%15s %31s %511s", command, encoding_text, argument) != 3 ||
            !encoding_find(span_from_string(encoding_text), &encoding))
            fail("not a command", line);
        const struct tokenizer *tokenizer = tokenizer_builtin(encoding);
        if (strcmp(command, "count") == 0)
            run_count(tokenizer, argument);
        else if (strcmp(command, "prompts") == 0)
            run_prompts(tokenizer, argument);
        else if (strcmp(command, "worst") == 0)
            run_worst(tokenizer, argument);
        else
            fail("not a command", line);
        fflush(stdout);
    }
    return 0;
}
