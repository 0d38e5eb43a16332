/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammars of tokens_split.c on words of 64 bits: bit i stands for byte i, `x << 1` for "the byte
 * before is x", `x >> 1` for "the byte after is x". In ASCII, a word's body is letters; what may come
 * before it is one byte that is neither letter, number nor newline.
 *
 * tests/llm/test_tokens_split.c holds it against split_piece.
 */
#include "tokens_block.h"

#ifdef __SSE2__

#include <emmintrin.h>

/* A start that depends on what follows (an apostrophe's) looks no further than this. */
#define LOOK_AHEAD 2

struct block {
    uint64_t upper;
    uint64_t lower;
    uint64_t number;
    uint64_t space; /* ' ' */
    uint64_t white; /* all of \s */
    uint64_t newline;
    uint64_t apostrophe;
    uint64_t slash;
    unsigned len; /* bytes that are ASCII */
};

/* ---- classes ---- */

static __m128i in_range(__m128i bytes, char first, int count)
{
    /* Moved to the bottom of the signed numbers, so that one comparison is enough. */
    __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8((char)(-128 - first)));
    return _mm_cmplt_epi8(moved, _mm_set1_epi8((char)(-128 + count)));
}

static uint64_t bits_of(__m128i marks)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(marks);
}

static struct block read_block(const char *at)
{
    struct block block = {0};
    uint64_t beyond = 0;
    for (unsigned i = 0; i < BLOCK_SIZE; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        __m128i space = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '));
        __m128i newline = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')),
                                       _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
        block.upper |= bits_of(in_range(bytes, 'A', 26)) << i;
        block.lower |= bits_of(in_range(bytes, 'a', 26)) << i;
        block.number |= bits_of(in_range(bytes, '0', 10)) << i;
        block.space |= bits_of(space) << i;
        block.white |= bits_of(_mm_or_si128(space, in_range(bytes, '\t', 5))) << i;
        block.newline |= bits_of(newline) << i;
        block.apostrophe |= bits_of(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\''))) << i;
        block.slash |= bits_of(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('/'))) << i;
        beyond |= bits_of(bytes) << i;
    }
    block.len = beyond != 0 ? (unsigned)__builtin_ctzll(beyond) : BLOCK_SIZE;
    return block;
}

/* ---- parts of the grammars ---- */

/* `seeds`, and all of `run` that follows them without a gap. */
static uint64_t fill(uint64_t seeds, uint64_t run)
{
    for (unsigned step = 1; step < 64; step *= 2) {
        seeds |= run & (seeds << step);
        run &= run << step;
    }
    return seeds;
}

/* Where pieces begin in runs of \s, which `white` is without what belongs to the symbols before. */
static uint64_t white_starts(uint64_t white, uint64_t newline)
{
    uint64_t blank = white & ~newline;
    uint64_t first = white & ~(white << 1);
    uint64_t last = blank & ~(white >> 1);
    /* What follows the last newline begins a piece: blanks after a newline, but for those that
     * another newline follows. */
    uint64_t after = blank & (white & newline) << 1;
    uint64_t before_newline = ((blank + after) & ~blank) & newline;
    for (; before_newline != 0; before_newline &= before_newline - 1) {
        uint64_t below = after & ((before_newline & -before_newline) - 1);
        after &= ~((uint64_t)1 << (63 - __builtin_clzll(below)));
    }
    return first | last | after;
}

/* Every third of a run of numbers. */
static uint64_t number_starts(uint64_t number, bool single)
{
    uint64_t starts = number & ~(number << 1);
    uint64_t fourth = number & number << 1 & number << 2 & number << 3;
    if (single)
        return number;
    for (uint64_t more = starts << 3 & fourth; more != 0; more = more << 3 & fourth)
        starts |= more;
    return starts;
}

/* How long the contraction is that begins with the apostrophe at `at`; 0 where that begins none. */
static unsigned contraction_len(const char *at)
{
    char first = at[1] | 0x20;
    char second = at[2] | 0x20;
    if (first == 's' || first == 't' || first == 'm' || first == 'd')
        return 2;
    bool two = (first == 'l' && second == 'l') || ((first == 'v' || first == 'r') && second == 'e');
    return two ? 3 : 0;
}

struct contractions {
    uint64_t begins;
    uint64_t inside;
    uint64_t after;
};

/* Of the apostrophes, which begin a contraction. `chained`: one that comes after another's end is
 * none. */
static struct contractions find_contractions(const char *at, uint64_t apostrophes, bool chained)
{
    struct contractions found = {0, 0, 0};
    for (; apostrophes != 0; apostrophes &= apostrophes - 1) {
        uint64_t bit = apostrophes & -apostrophes;
        unsigned place = (unsigned)__builtin_ctzll(apostrophes);
        unsigned len = place + LOOK_AHEAD < BLOCK_SIZE ? contraction_len(at + place) : 0;
        if (len == 0 || (chained && (found.after & bit) != 0))
            continue;
        found.begins |= bit;
        found.inside |= (bit << len) - (bit << 1);
        found.after |= bit << len;
    }
    return found;
}

/* The starts that are certain: where a run of \s reaches the end, what it is cut into is not. */
static uint64_t certain(uint64_t starts, uint64_t white, unsigned len)
{
    if (len <= LOOK_AHEAD + 1)
        return 1;
    uint64_t last = (uint64_t)1 << (len - 1 - LOOK_AHEAD);
    uint64_t known = len < 64 ? ((uint64_t)1 << len) - 1 : UINT64_MAX;
    uint64_t solid = known & ~white;
    if (solid == 0)
        return 1;
    /* The run at the end begins after the last byte that is no \s. */
    unsigned run = 64 - (unsigned)__builtin_clzll(solid);
    if (run < len && (uint64_t)1 << run < last)
        last = (uint64_t)1 << run;
    return starts & ((last << 1) - 1);
}

/* ---- grammars ---- */

struct rules {
    bool o200k;        /* words break before upper case; slashes follow newlines after symbols */
    bool contractions; /* o200k's; cl100k always has its own */
    bool single_numbers;
};

static inline uint64_t starts_of(const char *at, struct rules rules)
{
    struct block block = read_block(at);
    uint64_t letter = block.upper | block.lower;
    uint64_t symbol = ~(letter | block.number | block.white);
    uint64_t white = block.white;

    /* Newlines right after symbols belong to them; in o200k slashes after those do, too. */
    uint64_t tail = block.newline & symbol << 1;
    if (tail != 0) {
        tail = fill(tail, rules.o200k ? block.newline | block.slash : block.newline);
        symbol &= ~tail;
        white &= ~tail;
    }
    uint64_t symbol_starts = symbol & ~(symbol << 1) & ~(block.space << 1);
    uint64_t prefix = symbol_starts & letter >> 1;
    uint64_t starts = 0;
    uint64_t word_starts =
        letter & ~(letter << 1) & ~((block.white & ~block.newline) << 1) & ~(prefix << 1);
    if (rules.o200k)
        word_starts |= block.upper & block.lower << 1;
    uint64_t quotes = block.apostrophe & prefix & (rules.o200k ? letter << 1 : UINT64_MAX);
    if (quotes != 0 && (!rules.o200k || rules.contractions)) {
        struct contractions found = find_contractions(at, quotes, rules.o200k);
        if (rules.o200k) {
            symbol_starts &= ~found.begins;
            word_starts &= ~found.inside;
        }
        starts |= found.after;
    }
    starts |= symbol_starts | word_starts | white_starts(white, block.newline) |
              number_starts(block.number, rules.single_numbers);
    return certain(starts | 1, block.white, block.len);
}

bool block_splits(enum token_grammar grammar)
{
    return grammar != GRAMMAR_DEEPSEEK;
}

uint64_t block_starts(enum token_grammar grammar, const char *at)
{
    switch (grammar) {
    case GRAMMAR_O200K:
        return starts_of(at, (struct rules){.o200k = true, .contractions = true});
    case GRAMMAR_TEKKEN:
        return starts_of(at, (struct rules){.o200k = true, .single_numbers = true});
    case GRAMMAR_QWEN:
        return starts_of(at, (struct rules){.single_numbers = true});
    case GRAMMAR_CL100K:
    case GRAMMAR_LLAMA3:
    case GRAMMAR_DEEPSEEK:
    case GRAMMAR_COUNT:
        break;
    }
    return starts_of(at, (struct rules){.o200k = false});
}

#else

/* Elsewhere split_piece does it all. */
bool block_splits(enum token_grammar grammar)
{
    (void)grammar;
    return false;
}

uint64_t block_starts(enum token_grammar grammar, const char *at)
{
    (void)grammar;
    (void)at;
    return 1;
}

#endif
