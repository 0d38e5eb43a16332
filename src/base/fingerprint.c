/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight bytes a step, folded through a 128-bit product (the idea of wyhash and of the hash tables of
 * several languages): two multiplications a step in flight hide each other's latency. The length
 * goes in first, so that a text and the same text with zeros behind it differ.
 */
#include "base/fingerprint.h"

#include <endian.h>

#define MIX_A UINT64_C(0x9e3779b97f4a7c15) /* 2^64 ÷ the golden ratio */
#define MIX_B UINT64_C(0xd6e8feb86659fd93)

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const char *bytes, size_t count)
{
    uint64_t word = 0;
    memcpy(&word, bytes, count);
    return le64toh(word);
}

uint64_t fingerprint(struct span text, uint64_t seed)
{
    uint64_t a = seed ^ fold(text.len ^ MIX_A, MIX_B), b = a ^ MIX_B;
    size_t at = 0;
    for (; text.len - at >= 16; at += 16) {
        a = fold(a ^ load(text.ptr + at, 8), MIX_A);
        b = fold(b ^ load(text.ptr + at + 8, 8), MIX_B);
    }
    if (text.len - at >= 8) {
        a = fold(a ^ load(text.ptr + at, 8), MIX_A);
        at += 8;
    }
    if (text.len > at)
        b = fold(b ^ load(text.ptr + at, text.len - at), MIX_B);
    return fold(a ^ MIX_B, b ^ MIX_A);
}
