/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Each number of a vector follows from the text's hash (FNV-1a) and its place (SplitMix64). */
#include "embeddings.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

#define NUMBER_BYTES 4 /* a float, its low byte first */

/* ---- texts ---- */

static uint64_t hash_bytes(uint64_t hash, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * UINT64_C(0x100000001B3);
    return hash;
}

static uint64_t seed_of(const struct json *text)
{
    uint64_t hash = hash_bytes(UINT64_C(0xCBF29CE484222325), json_string(text));
    for (const struct json *id = json_first(text); id != NULL; id = json_next(id)) {
        int64_t value = 0;
        json_integer(id, &value);
        hash = hash_bytes(hash, span_make((const char *)&value, sizeof(value)));
    }
    return hash;
}

void embeddings_init(struct embeddings *embeddings, const struct request *request)
{
    *embeddings = (struct embeddings){.count = (size_t)request->texts,
                                      .dimensions = (size_t)request->dimensions,
                                      .base64 = request->base64};
    embeddings->seeds = memory_resize(NULL, embeddings->count, sizeof(*embeddings->seeds));
    uint64_t *next = embeddings->seeds;
    for (const struct json *text = request_text(request->input, NULL); text != NULL;
         text = request_text(request->input, text))
        *next++ = seed_of(text);
}

void embeddings_fini(struct embeddings *embeddings)
{
    free(embeddings->seeds);
    *embeddings = (struct embeddings){.seeds = NULL};
}

/* ---- numbers ---- */

/* From -1 to 1. */
static double number_at(uint64_t seed, size_t place)
{
    uint64_t z = seed + ((uint64_t)place + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (double)(int64_t)z / 9223372036854775808.0;
}

static double length_of(uint64_t seed, size_t dimensions)
{
    double sum = 0;
    for (size_t i = 0; i < dimensions; i++)
        sum += number_at(seed, i) * number_at(seed, i);
    return sum > 0 ? sqrt(sum) : 1;
}

static void write_floats(uint64_t seed, size_t dimensions, struct buf *out)
{
    double length = length_of(seed, dimensions);
    buf_append_byte(out, '[');
    for (size_t i = 0; i < dimensions; i++)
        buf_printf(out, i > 0 ? ",%.8f" : "%.8f", number_at(seed, i) / length);
    buf_append_byte(out, ']');
}

/* The bytes of the vector, three at a time. */
static void write_base64(const unsigned char *bytes, size_t count, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (left > 1)
            bits |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2)
            bits |= bytes[i + 2];
        buf_append_byte(out, digits[bits >> 18]);
        buf_append_byte(out, digits[bits >> 12 & 63]);
        buf_append_byte(out, left > 1 ? digits[bits >> 6 & 63] : '=');
        buf_append_byte(out, left > 2 ? digits[bits & 63] : '=');
    }
}

static void write_packed(uint64_t seed, size_t dimensions, struct buf *out)
{
    double length = length_of(seed, dimensions);
    unsigned char *bytes = memory_resize(NULL, dimensions, NUMBER_BYTES);
    for (size_t i = 0; i < dimensions; i++) {
        float number = (float)(number_at(seed, i) / length);
        uint32_t bits;
        memcpy(&bits, &number, sizeof(bits));
        for (size_t byte = 0; byte < NUMBER_BYTES; byte++)
            bytes[i * NUMBER_BYTES + byte] = (unsigned char)(bits >> (8 * byte));
    }
    buf_append_byte(out, '"');
    write_base64(bytes, dimensions * NUMBER_BYTES, out);
    buf_append_byte(out, '"');
    free(bytes);
}

void embeddings_write(const struct embeddings *embeddings, struct buf *out)
{
    for (size_t i = 0; i < embeddings->count; i++) {
        buf_append(out, i > 0 ? SPAN(",{\"object\":\"embedding\",\"index\":")
                              : SPAN("{\"object\":\"embedding\",\"index\":"));
        buf_append_u64(out, i);
        buf_append(out, SPAN(",\"embedding\":"));
        if (embeddings->base64)
            write_packed(embeddings->seeds[i], embeddings->dimensions, out);
        else
            write_floats(embeddings->seeds[i], embeddings->dimensions, out);
        buf_append_byte(out, '}');
    }
}
