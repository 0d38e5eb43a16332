/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sixteen bytes of a string at a time, where the processor can (JSON_BLOCK is defined then; whether it
 * really can is known when the program runs). Which bytes end a run is one mask; whether they are
 * well-formed UTF-8 is told by three look-ups for each pair of neighbours, as Keiser and Lemire have
 * published ("Validating UTF-8 in less than one instruction per byte", 2020).
 *
 *   before: … a b c | block: d e f …     pairs (c,d) (d,e) (e,f) …
 *
 * Each table says which mistakes a nibble leaves possible; what all three leave possible has happened.
 * Only the third and fourth bytes of a sequence need more than their neighbour: there two
 * continuations in a row must be, and nowhere else.
 */
#ifndef WIRE_JSON_BLOCK_H
#define WIRE_JSON_BLOCK_H

#if defined(__x86_64__) && defined(__GNUC__)

#include <stdbool.h>
#include <tmmintrin.h>

#define JSON_BLOCK 16
/* Nothing here is called where json_block_usable() is false. */
#define JSON_BLOCK_CODE __attribute__((target("ssse3")))

static inline bool json_block_usable(void)
{
    return __builtin_cpu_supports("ssse3");
}

/* The mistakes that a pair of bytes can be. */
enum {
    TOO_SHORT = 1 << 0,    /* a lead, then no continuation */
    TOO_LONG = 1 << 1,     /* ASCII, then a continuation */
    OVERLONG_3 = 1 << 2,   /* E0, then 80 … 9F */
    TOO_LARGE = 1 << 3,    /* F4, then 90 … BF; F5 … FF, then the same */
    SURROGATE = 1 << 4,    /* ED, then A0 … BF */
    OVERLONG_2 = 1 << 5,   /* C0 or C1 */
    OVERLONG_4 = 1 << 6,   /* F0, then 80 … 8F */
    TOO_LARGE_80 = 1 << 6, /* F5 … FF, then 80 … 8F; F0 tells it from the one above */
    TWO_CONTINUE = 1 << 7, /* two continuations: right or wrong, by what is before them */
    ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTINUE, /* the low nibble does not matter */
    LARGE_LOW = ANY_LOW | TOO_LARGE | TOO_LARGE_80,
    CONTINUES = TOO_LONG | OVERLONG_2 | TWO_CONTINUE,
};

#define BYTES(...)  _mm_setr_epi8(__VA_ARGS__)
#define B(mistakes) ((char)(mistakes))

JSON_BLOCK_CODE static inline __m128i json_block_pairs(__m128i first, __m128i second)
{
    const __m128i first_high = BYTES(
        B(TOO_LONG), B(TOO_LONG), B(TOO_LONG), B(TOO_LONG), B(TOO_LONG), B(TOO_LONG), B(TOO_LONG),
        B(TOO_LONG), B(TWO_CONTINUE), B(TWO_CONTINUE), B(TWO_CONTINUE), B(TWO_CONTINUE),
        B(TOO_SHORT | OVERLONG_2), B(TOO_SHORT), B(TOO_SHORT | OVERLONG_3 | SURROGATE),
        B(TOO_SHORT | TOO_LARGE | TOO_LARGE_80 | OVERLONG_4));
    const __m128i first_low =
        BYTES(B(ANY_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4), B(ANY_LOW | OVERLONG_2),
              B(ANY_LOW), B(ANY_LOW), B(ANY_LOW | TOO_LARGE), B(LARGE_LOW), B(LARGE_LOW),
              B(LARGE_LOW), B(LARGE_LOW), B(LARGE_LOW), B(LARGE_LOW), B(LARGE_LOW), B(LARGE_LOW),
              B(LARGE_LOW | SURROGATE), B(LARGE_LOW), B(LARGE_LOW));
    const __m128i second_high =
        BYTES(B(TOO_SHORT), B(TOO_SHORT), B(TOO_SHORT), B(TOO_SHORT), B(TOO_SHORT), B(TOO_SHORT),
              B(TOO_SHORT), B(TOO_SHORT), B(CONTINUES | OVERLONG_3 | TOO_LARGE_80 | OVERLONG_4),
              B(CONTINUES | OVERLONG_3 | TOO_LARGE), B(CONTINUES | SURROGATE | TOO_LARGE),
              B(CONTINUES | SURROGATE | TOO_LARGE), B(TOO_SHORT), B(TOO_SHORT), B(TOO_SHORT),
              B(TOO_SHORT));
    const __m128i nibble = _mm_set1_epi8(0x0F);
    __m128i a = _mm_shuffle_epi8(first_high, _mm_and_si128(_mm_srli_epi16(first, 4), nibble));
    __m128i b = _mm_shuffle_epi8(first_low, _mm_and_si128(first, nibble));
    __m128i c = _mm_shuffle_epi8(second_high, _mm_and_si128(_mm_srli_epi16(second, 4), nibble));
    return _mm_and_si128(_mm_and_si128(a, b), c);
}

#undef BYTES
#undef B

/* Whether `block`, which follows `before`, goes on with well-formed UTF-8. A sequence that its end
 * cuts is the next block's business. */
JSON_BLOCK_CODE static inline bool json_block_is_utf8(__m128i block, __m128i before)
{
    __m128i mistakes = json_block_pairs(_mm_alignr_epi8(block, before, 15), block);
    /* The high bit where two bytes back begins a sequence of three, or three back one of four. */
    __m128i third = _mm_subs_epu8(_mm_alignr_epi8(block, before, 14), _mm_set1_epi8(0xE0 - 0x80));
    __m128i fourth = _mm_subs_epu8(_mm_alignr_epi8(block, before, 13), _mm_set1_epi8(0xF0 - 0x80));
    __m128i wanted = _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8((char)0x80));
    __m128i wrong = _mm_xor_si128(wanted, mistakes);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) == 0xFFFF;
}

/* A bit for each quote, backslash and control character. */
JSON_BLOCK_CODE static inline unsigned json_block_marks(__m128i block)
{
    const __m128i last_control = _mm_set1_epi8(0x1F);
    __m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i backslashes = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    __m128i controls = _mm_cmpeq_epi8(_mm_max_epu8(block, last_control), last_control);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), controls));
}

#endif
#endif
