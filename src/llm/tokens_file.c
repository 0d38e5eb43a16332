/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vocabularies from rank files, which operators bring: a line a token, "base64 rank". Read strictly:
 * what is wrong is refused with the line it is in. Lines may come in any order; the order of the
 * ranks is what counts, and gaps between them mean nothing.
 */
#include "tokens_private.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

/* Several times what there is. A trie of fewer bytes has no more nodes than there are numbers for. */
#define FILE_MAX ((size_t)16 << 20)
#define WHY_MAX  128

/* A token as it was read; they are sorted by rank. */
struct line {
    uint32_t rank;
    uint32_t number; /* from 1 */
    uint32_t at;     /* of its length and bytes in `read` */
};

struct reader {
    struct line *lines;
    size_t count;
    size_t room;
    unsigned char *read; /* tokens as in a vocabulary's `packed` */
    uint32_t read_len;
    char *why;
};

static bool refuse(struct reader *reader, size_t number, const char *what)
{
    snprintf(reader->why, WHY_MAX, "line %zu: %s", number, what);
    return false;
}

/* ---- a line ---- */

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Strictly as RFC 4648 has it: padded, no bits left over. False where it is not, or over 255 bytes;
 * `out` has room for those. */
static bool decode_base64(struct span text, unsigned char *out, size_t *len)
{
    size_t digits = text.len;
    while (digits > 0 && text.len - digits < 2 && text.ptr[digits - 1] == '=')
        digits--;
    *len = digits * 3 / 4;
    if (text.len % 4 != 0 || digits == 0 || *len > TOKEN_LEN_MAX)
        return false;
    uint32_t bits = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = base64_digit(text.ptr[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 > 0) /* each digit but the first of four ends a byte */
            *out++ = (unsigned char)(bits >> (6 - i % 4 * 2));
    }
    unsigned left = digits % 4 == 2 ? 15 : digits % 4 == 3 ? 3 : 0;
    return (bits & left) == 0;
}

static void add_room(struct reader *reader)
{
    if (reader->count < reader->room)
        return;
    reader->room = reader->room * 2 + 1024;
    reader->lines = memory_resize(reader->lines, reader->room, sizeof(reader->lines[0]));
}

static bool read_line(struct reader *reader, struct span text, size_t number)
{
    struct span token;
    uint64_t rank;
    size_t len;
    struct span digits = span_cut(text, ' ', &token);
    if (token.len == text.len)
        return refuse(reader, number, "no space between token and rank");
    if (!decode_base64(token, reader->read + reader->read_len + 1, &len))
        return refuse(reader, number, "the token is no base64 of 1 to 255 bytes");
    if (!span_to_u64(digits, &rank) || rank >= UINT32_MAX)
        return refuse(reader, number, "the rank is no number below 2^32 - 1");
    if (reader->count == TOKEN_COUNT_MAX)
        return refuse(reader, number, "too many tokens");
    add_room(reader);
    reader->lines[reader->count++] =
        (struct line){(uint32_t)rank, (uint32_t)number, reader->read_len};
    reader->read[reader->read_len] = (unsigned char)len;
    reader->read_len += 1 + (uint32_t)len;
    return true;
}

static bool read_lines(struct reader *reader, struct span text)
{
    for (size_t number = 1; text.len > 0; number++) {
        struct span line;
        text = span_cut(text, '\n', &line);
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (!read_line(reader, line, number))
            return false;
    }
    return true;
}

/* ---- all lines ---- */

static int compare_ranks(const void *a, const void *b)
{
    const struct line *first = a;
    const struct line *second = b;
    if (first->rank != second->rank)
        return first->rank < second->rank ? -1 : 1;
    return first->number < second->number ? -1 : 1;
}

static struct span bytes_of(const struct reader *reader, const struct line *line)
{
    return span_make((const char *)reader->read + line->at + 1, reader->read[line->at]);
}

struct by_bytes {
    struct span bytes;
    uint32_t number;
};

static int compare_bytes(const void *a, const void *b)
{
    const struct by_bytes *first = a;
    const struct by_bytes *second = b;
    int order = span_compare(first->bytes, second->bytes);
    return order != 0 ? order : first->number < second->number ? -1 : 1;
}

/* No token twice. */
static bool check_tokens(struct reader *reader)
{
    struct by_bytes *sorted = memory_array(reader->count, sizeof(sorted[0]));
    bool good = true;
    for (size_t i = 0; i < reader->count; i++)
        sorted[i] = (struct by_bytes){bytes_of(reader, &reader->lines[i]), reader->lines[i].number};
    qsort(sorted, reader->count, sizeof(sorted[0]), compare_bytes);
    for (size_t i = 1; i < reader->count && good; i++)
        if (span_equal(sorted[i].bytes, sorted[i - 1].bytes))
            good = refuse(reader, sorted[i].number, "the token was there before");
    free(sorted);
    return good;
}

/* No rank twice; sorts. */
static bool check_ranks(struct reader *reader)
{
    qsort(reader->lines, reader->count, sizeof(reader->lines[0]), compare_ranks);
    for (size_t i = 1; i < reader->count; i++)
        if (reader->lines[i].rank == reader->lines[i - 1].rank)
            return refuse(reader, reader->lines[i].number, "the rank was there before");
    return true;
}

static bool check_bytes(struct reader *reader)
{
    bool seen[256] = {false};
    for (size_t i = 0; i < reader->count; i++) {
        struct span bytes = bytes_of(reader, &reader->lines[i]);
        if (bytes.len == 1)
            seen[(unsigned char)bytes.ptr[0]] = true;
    }
    for (int byte = 0; byte < 256; byte++) {
        if (seen[byte])
            continue;
        snprintf(reader->why, WHY_MAX, "no token for the single byte 0x%02X", (unsigned)byte);
        return false;
    }
    return true;
}

static struct tokenizer *build(const struct reader *reader, enum token_grammar grammar)
{
    struct tokenizer *tokenizer = MEMORY_NEW(struct tokenizer);
    unsigned char *packed = memory_new(reader->read_len);
    uint32_t count = (uint32_t)reader->count;
    size_t len = 0;
    tokenizer_init(tokenizer, grammar);
    tokenizer->ranks = memory_array(count, sizeof(tokenizer->ranks[0]));
    for (uint32_t i = 0; i < count; i++) {
        const struct line *line = &reader->lines[i];
        size_t size = 1U + reader->read[line->at];
        memcpy(packed + len, reader->read + line->at, size);
        len += size;
        tokenizer->ranks[i] = line->rank;
    }
    vocabulary_init(&tokenizer->vocabulary, packed, count, false);
    free(packed);
    return tokenizer;
}

struct tokenizer *tokenizer_new(struct span ranks, enum token_grammar grammar, char why[WHY_MAX])
{
    struct reader reader = {.why = why};
    struct tokenizer *tokenizer = NULL;
    if (ranks.len > FILE_MAX) {
        snprintf(why, WHY_MAX, "longer than %zu bytes", FILE_MAX);
        return NULL;
    }
    /* Base64 is longer than what it stands for by more than the length's byte. */
    reader.read = memory_new(ranks.len + TOKEN_LEN_MAX + 1);
    if (read_lines(&reader, ranks) && check_bytes(&reader) && check_ranks(&reader) &&
        check_tokens(&reader))
        tokenizer = build(&reader, grammar);
    free(reader.lines);
    free(reader.read);
    return tokenizer;
}
