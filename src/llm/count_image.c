/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size of an image in its first bytes, and what OpenAI's models bill for a size (images-vision
 * guide): tiles of 512 after fitting into 2048 and 768, or patches of 32 under a budget.
 */
#include "count_private.h"

#include <math.h>

#define HEAD_MAX ((size_t)192 * 1024) /* a JPEG's frame comes after its thumbnail */

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/* Bytes of base64, decoded where they are asked for. */
struct reader {
    struct span base64;
    size_t len; /* of the bytes */
};

/* 0 past the end or where the text is no base64. */
static uint32_t byte_at(const struct reader *reader, size_t at)
{
    size_t group = at / 3 * 4;
    if (at >= reader->len || group + at % 3 + 1 >= reader->base64.len)
        return 0;
    int high = base64_value(reader->base64.ptr[group + at % 3]);
    int low = base64_value(reader->base64.ptr[group + at % 3 + 1]);
    if (high < 0 || low < 0)
        return 0;
    unsigned shift = (unsigned)(at % 3) * 2;
    return ((uint32_t)high << (2 + shift) | (uint32_t)low >> (4 - shift)) & 0xFF;
}

static uint32_t big16(const struct reader *reader, size_t at)
{
    return byte_at(reader, at) << 8 | byte_at(reader, at + 1);
}

static uint32_t big32(const struct reader *reader, size_t at)
{
    return big16(reader, at) << 16 | big16(reader, at + 2);
}

static uint32_t little16(const struct reader *reader, size_t at)
{
    return byte_at(reader, at + 1) << 8 | byte_at(reader, at);
}

static bool has_bytes(const struct reader *reader, size_t at, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (byte_at(reader, at + i) != (unsigned char)bytes.ptr[i])
            return false;
    return true;
}

/* The frame header among the segments. */
static bool jpeg_size(const struct reader *reader, struct image_size *out)
{
    size_t at = 2;
    while (at + 9 < reader->len && byte_at(reader, at) == 0xFF) {
        uint32_t marker = byte_at(reader, at + 1);
        bool frame =
            marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
        if (frame) {
            *out = (struct image_size){big16(reader, at + 7), big16(reader, at + 5)};
            return true;
        }
        size_t length = big16(reader, at + 2);
        if (length < 2)
            return false;
        at += 2 + length;
    }
    return false;
}

static bool webp_size(const struct reader *reader, struct image_size *out)
{
    if (has_bytes(reader, 12, SPAN("VP8X"))) {
        uint32_t width = little16(reader, 24) | byte_at(reader, 26) << 16;
        uint32_t height = little16(reader, 27) | byte_at(reader, 29) << 16;
        *out = (struct image_size){width + 1, height + 1};
    } else if (has_bytes(reader, 12, SPAN("VP8L"))) {
        uint32_t bits = little16(reader, 21) | little16(reader, 23) << 16;
        *out = (struct image_size){(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1};
    } else {
        *out = (struct image_size){little16(reader, 26) & 0x3FFF, little16(reader, 28) & 0x3FFF};
    }
    return true;
}

bool image_size_read(struct span base64, struct image_size *out)
{
    struct reader reader = {base64, base64.len / 4 * 3};
    if (reader.len > HEAD_MAX)
        reader.len = HEAD_MAX;
    bool known = true;
    if (has_bytes(&reader, 0, SPAN("\x89PNG")))
        *out = (struct image_size){big32(&reader, 16), big32(&reader, 20)};
    else if (has_bytes(&reader, 0, SPAN("GIF8")))
        *out = (struct image_size){little16(&reader, 6), little16(&reader, 8)};
    else if (has_bytes(&reader, 0, SPAN("\xFF\xD8")))
        known = jpeg_size(&reader, out);
    else if (has_bytes(&reader, 0, SPAN("RIFF")) && has_bytes(&reader, 8, SPAN("WEBP")))
        known = webp_size(&reader, out);
    else
        known = false;
    return known && out->width > 0 && out->height > 0;
}

/* ---- what is billed ---- */

struct image_rule {
    struct span prefix;
    int base; /* tiles; 0: patches */
    int tile;
    double multiplier;
    int budget; /* patches */
    int more;   /* patches: beside the image's own */
};

/* The first that fits. Multipliers of the gpt-5 minis are those billed, not those published. */
static const struct image_rule rules[] = {
    {SPAN_INIT("gpt-4o-mini"), 2833, 5667, 0, 0, 0},
    {SPAN_INIT("gpt-4.1-mini"), 0, 0, 1.62, 1536, 1},
    {SPAN_INIT("gpt-4.1-nano"), 0, 0, 2.46, 1536, 1},
    {SPAN_INIT("gpt-5-mini"), 0, 0, 1.2, 1536, 2},
    {SPAN_INIT("gpt-5-nano"), 0, 0, 1.5, 1536, 0},
    {SPAN_INIT("gpt-5-chat"), 70, 140, 0, 0, 0},
    {SPAN_INIT("gpt-5.1"), 70, 140, 0, 0, 0},
    {SPAN_INIT("gpt-5."), 0, 0, 1.2, 2500, 1},
    {SPAN_INIT("gpt-5"), 70, 140, 0, 0, 0},
    {SPAN_INIT("o4-mini"), 0, 0, 1.72, 1536, 1},
    {SPAN_INIT("o1"), 75, 150, 0, 0, 0},
    {SPAN_INIT("o3"), 75, 150, 0, 0, 0},
    {SPAN_INIT("computer-use"), 65, 129, 0, 0, 0},
    {SPAN_INIT(""), 85, 170, 0, 0, 0},
};

static int64_t tile_tokens(const struct image_rule *rule, double width, double height)
{
    double fit = fmin(1.0, 2048.0 / fmax(width, height));
    fit = fmin(fit, 768.0 / fmin(width, height));
    double across = ceil(floor(width * fit + 0.5) / 512.0);
    double down = ceil(floor(height * fit + 0.5) / 512.0);
    return rule->base + (int64_t)((double)rule->tile * across * down);
}

static int64_t patch_tokens(const struct image_rule *rule, double width, double height)
{
    double budget = (double)rule->budget;
    double patches = ceil(width / 32.0) * ceil(height / 32.0);
    if (patches > budget) {
        double shrink = sqrt(1024.0 * budget / (width * height));
        double across = width * shrink / 32.0;
        double down = height * shrink / 32.0;
        shrink *= fmin(floor(across) / across, floor(down) / down);
        patches = ceil(width * shrink / 32.0 - 1e-9) * ceil(height * shrink / 32.0 - 1e-9);
    }
    return (int64_t)ceil(fmin(patches, budget) * rule->multiplier - 1e-9) + rule->more;
}

int64_t image_tokens_openai(struct span model, struct image_size size, bool low)
{
    size_t i = 0;
    while (!span_starts_with(model, rules[i].prefix))
        i++;
    const struct image_rule *rule = &rules[i];
    double width = (double)size.width;
    double height = (double)size.height;
    if (rule->base == 0)
        return patch_tokens(rule, width, height);
    return low ? rule->base : tile_tokens(rule, width, height);
}
