/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalization Form C (Unicode Standard Annex #15), by the tables of share/unicode/nfc_*.bin that
 * scripts/make_unicode.py writes: all characters are taken apart, marks are put in order, and what
 * can be composed is. Most text is in that form, and a scan over the characters' status says so.
 *
 * Linear but for the order of marks, which is a counting sort where a peer has put many in a row.
 */
#include "tokens_class.h"
#include "tokens_data.h"
#include "tokens_text.h"

#include <stdlib.h>
#include <string.h>

/* nfc_status.bin: combining classes, then the table in two stages. */
#define STATUS_CLASSES  64
#define STATUS_UNSTABLE 128

/* No character below has a combining class or changes by itself; its UTF-8 begins with this. */
#define FIRST_MARK_LEAD 0xCC

/* Unicode 16.0, 3.12. */
#define HANGUL_LEADS     0x1100U
#define HANGUL_VOWELS    0x1161U
#define HANGUL_TAILS     0x11A7U
#define HANGUL_SYLLABLES 0xAC00U
#define LEAD_COUNT       19U
#define VOWEL_COUNT      21U
#define TAIL_COUNT       28U
#define SYLLABLE_COUNT   (LEAD_COUNT * VOWEL_COUNT * TAIL_COUNT)

/* A character taken apart, with its combining class above its code. */
#define CLASS_SHIFT 24
#define CODE_MASK   0x1FFFFFU

/* Marks in a row that are sorted by insertion. */
#define FEW_MARKS 32

struct triple {
    uint32_t a;
    uint32_t b;
    uint32_t c;
};

static unsigned status_of(uint32_t code)
{
    const unsigned char *table = tokens_nfc_status + STATUS_CLASSES;
    return table[CLASS_INDEX_SIZE + table[code >> 8] * 256U + (code & 255)];
}

static unsigned combining_class(uint32_t code)
{
    return tokens_nfc_status[status_of(code) % STATUS_CLASSES];
}

bool nfc_is_certain(struct span text)
{
    unsigned last = 0;
    const char *end = text.ptr + text.len;
    for (const char *at = text.ptr; at < end;) {
        if ((unsigned char)*at < FIRST_MARK_LEAD) {
            last = 0;
            at += (unsigned char)*at < 0x80 ? 1 : 2;
            continue;
        }
        struct character c = character_at(at);
        unsigned status = status_of(c.code);
        unsigned combining = tokens_nfc_status[status % STATUS_CLASSES];
        if ((status & STATUS_UNSTABLE) != 0 || (combining > 0 && combining < last))
            return false;
        last = combining;
        at += c.len;
    }
    return true;
}

/* ---- taking apart ---- */

static int compare_first(const void *key, const void *entry)
{
    uint32_t code = *(const uint32_t *)key;
    uint32_t other = ((const struct triple *)entry)->a;
    return code < other ? -1 : code > other;
}

static size_t put(uint32_t *out, uint32_t code)
{
    *out = code | combining_class(code) << CLASS_SHIFT;
    return 1;
}

/* Writes what the character stands for; at most four. (Only the first of two parts may have parts of
 * its own.) */
static size_t decompose(uint32_t code, uint32_t *out)
{
    if (code - HANGUL_SYLLABLES < SYLLABLE_COUNT) {
        uint32_t index = code - HANGUL_SYLLABLES;
        size_t count = put(out, HANGUL_LEADS + index / TAIL_COUNT / VOWEL_COUNT);
        count += put(out + count, HANGUL_VOWELS + index / TAIL_COUNT % VOWEL_COUNT);
        if (index % TAIL_COUNT > 0)
            count += put(out + count, HANGUL_TAILS + index % TAIL_COUNT);
        return count;
    }
    size_t known =
        (size_t)(tokens_nfc_decompose_end - tokens_nfc_decompose) / sizeof(struct triple);
    const struct triple *parts =
        bsearch(&code, tokens_nfc_decompose, known, sizeof(struct triple), compare_first);
    if (parts == NULL)
        return put(out, code);
    size_t count = decompose(parts->b, out);
    return parts->c != 0 ? count + put(out + count, parts->c) : count;
}

/* ---- order ---- */

static void sort_few(uint32_t *marks, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint32_t mark = marks[i];
        size_t at = i;
        for (; at > 0 && marks[at - 1] >> CLASS_SHIFT > mark >> CLASS_SHIFT; at--)
            marks[at] = marks[at - 1];
        marks[at] = mark;
    }
}

static void sort_many(uint32_t *marks, size_t count, uint32_t *spare)
{
    size_t places[256] = {0};
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        places[marks[i] >> CLASS_SHIFT]++;
    for (int class = 0; class < 256; class ++) {
        size_t size = places[class];
        places[class] = sum;
        sum += size;
    }
    for (size_t i = 0; i < count; i++)
        spare[places[marks[i] >> CLASS_SHIFT]++] = marks[i];
    memcpy(marks, spare, count * sizeof(marks[0]));
}

/* Marks in a row are put in the order of their classes, equals as they were. */
static void sort_marks(uint32_t *codes, size_t count, uint32_t *spare)
{
    for (size_t from = 0, to; from < count; from = to + 1) {
        for (to = from; to < count && codes[to] >> CLASS_SHIFT > 0; to++)
            ;
        if (to - from > FEW_MARKS)
            sort_many(codes + from, to - from, spare);
        else
            sort_few(codes + from, to - from);
    }
}

/* ---- composing ---- */

static int compare_both(const void *key, const void *entry)
{
    const struct triple *a = key;
    const struct triple *b = entry;
    if (a->a != b->a)
        return a->a < b->a ? -1 : 1;
    return a->b < b->b ? -1 : a->b > b->b;
}

/* The character that the two make; 0 where they make none. */
static uint32_t compose_two(uint32_t first, uint32_t second)
{
    if (first - HANGUL_LEADS < LEAD_COUNT && second - HANGUL_VOWELS < VOWEL_COUNT)
        return HANGUL_SYLLABLES +
               ((first - HANGUL_LEADS) * VOWEL_COUNT + second - HANGUL_VOWELS) * TAIL_COUNT;
    if (first - HANGUL_SYLLABLES < SYLLABLE_COUNT && (first - HANGUL_SYLLABLES) % TAIL_COUNT == 0 &&
        second - HANGUL_TAILS - 1 < TAIL_COUNT - 1)
        return first + second - HANGUL_TAILS;
    struct triple key = {first, second, 0};
    size_t known = (size_t)(tokens_nfc_compose_end - tokens_nfc_compose) / sizeof(struct triple);
    const struct triple *found =
        bsearch(&key, tokens_nfc_compose, known, sizeof(struct triple), compare_both);
    return found != NULL ? found->c : 0;
}

/* In place; returns how many are left. A character goes together with the last starter unless one
 * of its own class or a higher one stands between. */
static size_t compose(uint32_t *codes, size_t count)
{
    size_t starter = SIZE_MAX; /* where it is */
    size_t out = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t class = codes[i] >> CLASS_SHIFT;
        bool open =
            starter != SIZE_MAX && (starter == out - 1 || codes[out - 1] >> CLASS_SHIFT < class);
        uint32_t made = open ? compose_two(codes[starter], codes[i] & CODE_MASK) : 0;
        if (made != 0) {
            codes[starter] = made; /* of class 0, as all that are composed */
            continue;
        }
        codes[out] = codes[i];
        if (class == 0)
            starter = out;
        out++;
    }
    return out;
}

static char *encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 63));
        *out++ = (char)(0x80 | (code & 63));
    } else {
        *out++ = (char)(0xF0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 63));
        *out++ = (char)(0x80 | (code >> 6 & 63));
        *out++ = (char)(0x80 | (code & 63));
    }
    return out;
}

struct span nfc_normalize(struct span text)
{
    const char *end = text.ptr + text.len;
    size_t count = 0;
    /* A character of one byte stands for itself, others for at most twice as many as they have
     * bytes (two bytes: three characters). */
    uint32_t *codes = malloc(text.len * 2 * sizeof(codes[0]) + 1);
    uint32_t *spare = malloc(text.len * 2 * sizeof(codes[0]) + 1);
    char *copy = malloc(text.len * 3 + 1);
    char *out = copy;
    if (codes != NULL && spare != NULL && copy != NULL) {
        for (const char *at = text.ptr; at < end;) {
            struct character c = character_at(at);
            count += decompose(c.code, codes + count);
            at += c.len;
        }
        sort_marks(codes, count, spare);
        count = compose(codes, count);
        for (size_t i = 0; i < count; i++)
            out = encode(codes[i] & CODE_MASK, out);
    } else {
        free(copy);
        copy = NULL;
    }
    free(codes);
    free(spare);
    return span_make(copy, (size_t)(out - copy));
}
