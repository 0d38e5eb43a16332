/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images and sound in a message. What is in the body has a bound: an image costs what its model
 * makes of one at most, whatever its size; sound costs by its length, which its head and its bytes
 * tell. What the body only points at has none.
 *
 * Sound is believed only where its bytes say what they are: a provider that looks at them rather than
 * at `format` would find hours in a few bytes of another coding (silence in FLAC).
 */
#include "dialect_openai.h"

/* OpenAI bills 10 tokens a second, Gemini 32. */
#define AUDIO_TOKENS_PER_S 50

/* Of MP3 at its least: a frame of layer II without sound, 144 ms long at 8 kHz, is 15 bytes. */
#define MP3_BYTES_PER_S 100

/* Of WAV: what claims less is no sound that anybody sends. */
#define WAV_BYTES_PER_S_LEAST 1000

#define WAV_HEAD 36
#define ID3_HEAD 10

/* The member's contents where it is a string of an object; else the empty span. */
static struct span string_of(struct span object, struct span key)
{
    struct openai_walk walk = {.inside = object};
    while (openai_walk_next(&walk))
        if (openai_text_is(walk.key, key))
            return walk.type == JSON_STRING ? openai_text(walk.value) : SPAN_NONE;
    return SPAN_NONE;
}

/* ---- images ---- */

/* {"image_url":{"url":"…"}}, or with the URL alone (Mistral). */
static struct span url_of(struct span part)
{
    struct openai_walk walk = {.inside = part};
    while (openai_walk_next(&walk)) {
        if (!openai_text_is(walk.key, SPAN("image_url")))
            continue;
        if (walk.type == JSON_STRING)
            return openai_text(walk.value);
        return walk.type == JSON_OBJECT ? string_of(walk.value, SPAN("url")) : SPAN_NONE;
    }
    return SPAN_NONE;
}

/* Other data than an image (a PDF, which some hosts take here) may have any number of pages. */
void openai_read_image(struct openai_reading *reading, struct span part)
{
    struct call *call = reading->call;
    struct span url = url_of(part);
    call->has_images = true;
    if (!openai_text_starts_with(url, SPAN("data:image/"))) {
        openai_unbound(reading, "image_url");
        return;
    }
    call->images++;
    call->media_bytes += url.len;
}

/* ---- sound ---- */

/* Decodes base64 from a JSON string's contents, byte by byte. */
struct decoder {
    struct span contents;
    size_t at;
    unsigned bits; /* not given out yet */
    int bit_count;
};

static int digit_value(unsigned character)
{
    if (character >= 'A' && character <= 'Z')
        return (int)character - 'A';
    if (character >= 'a' && character <= 'z')
        return (int)character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return (int)character - '0' + 52;
    return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* -1 at the end, or where it is no base64. */
static int next_byte(struct decoder *decoder)
{
    while (decoder->bit_count < 8) {
        if (decoder->at >= decoder->contents.len)
            return -1;
        int value = digit_value(openai_next_ascii(decoder->contents, &decoder->at));
        if (value < 0)
            return -1;
        decoder->bits = (decoder->bits << 6 | (unsigned)value) & 0xFFFF;
        decoder->bit_count += 6;
    }
    decoder->bit_count -= 8;
    return (int)(decoder->bits >> decoder->bit_count & 0xFF);
}

/* False when there are not so many. */
static bool read_bytes(struct decoder *decoder, unsigned char *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int byte = next_byte(decoder);
        if (byte < 0)
            return false;
        out[i] = (unsigned char)byte;
    }
    return true;
}

static int64_t little_endian(const unsigned char *bytes, size_t count)
{
    int64_t value = 0;
    while (count > 0)
        value = value << 8 | bytes[--count];
    return value;
}

static bool has_text(const unsigned char *bytes, const char *text)
{
    return memcmp(bytes, text, strlen(text)) == 0;
}

/* Linear, floating, A-law and µ-law: all have a fixed size a sample. */
static bool is_plain_coding(int64_t tag)
{
    return tag == 1 || tag == 3 || tag == 6 || tag == 7;
}

/* The least bytes a second that any of the head's figures comes to; 0: no WAV of that kind. */
static int64_t wav_rate(struct span data)
{
    unsigned char head[WAV_HEAD];
    struct decoder decoder = {.contents = data};
    if (!read_bytes(&decoder, head, sizeof(head)) || !has_text(head, "RIFF") ||
        !has_text(head + 8, "WAVEfmt ") || !is_plain_coding(little_endian(head + 20, 2)))
        return 0;
    int64_t samples = little_endian(head + 24, 4);
    int64_t by_shape = samples * little_endian(head + 22, 2) * (little_endian(head + 34, 2) / 8);
    int64_t by_block = samples * little_endian(head + 32, 2);
    int64_t rate = little_endian(head + 28, 4);
    rate = by_shape < rate ? by_shape : rate;
    rate = by_block < rate ? by_block : rate;
    return rate >= WAV_BYTES_PER_S_LEAST ? rate : 0;
}

static bool is_sync(const unsigned char *frame)
{
    return frame[0] == 0xFF && (frame[1] & 0xE0) == 0xE0;
}

/* Frames, or a tag (ID3v2, its size in four times 7 bits) and then frames. */
static int64_t mp3_rate(struct span data)
{
    unsigned char head[ID3_HEAD];
    struct decoder decoder = {.contents = data};
    if (!read_bytes(&decoder, head, sizeof(head)))
        return 0;
    if (is_sync(head))
        return MP3_BYTES_PER_S;
    if (!has_text(head, "ID3"))
        return 0;
    int64_t tag =
        (head[6] & 0x7F) << 21 | (head[7] & 0x7F) << 14 | (head[8] & 0x7F) << 7 | (head[9] & 0x7F);
    for (; tag > 0; tag--)
        if (next_byte(&decoder) < 0)
            return 0;
    return read_bytes(&decoder, head, 2) && is_sync(head) ? MP3_BYTES_PER_S : 0;
}

/* {"input_audio":{"data":"…","format":"wav"}}. */
static struct span audio_of(struct span part)
{
    struct openai_walk walk = {.inside = part};
    while (openai_walk_next(&walk))
        if (openai_text_is(walk.key, SPAN("input_audio")) && walk.type == JSON_OBJECT)
            return walk.value;
    return SPAN_NONE;
}

void openai_read_audio(struct openai_reading *reading, struct span part)
{
    struct call *call = reading->call;
    struct span audio = audio_of(part);
    struct span data = audio.len > 0 ? string_of(audio, SPAN("data")) : SPAN_NONE;
    call->has_audio = true;
    int64_t rate = wav_rate(data);
    if (rate == 0)
        rate = mp3_rate(data);
    if (rate == 0) {
        openai_unbound(reading, "input_audio");
        return;
    }
    int64_t bytes = (int64_t)(data.len / 4 * 3) + 3;
    call->audio_tokens += (bytes / rate + 1) * AUDIO_TOKENS_PER_S;
    call->media_bytes += data.len;
}
