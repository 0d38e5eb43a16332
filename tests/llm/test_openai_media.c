/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Images and sound in messages: what is counted, what has no bound, however it is written. */
#include "support.h"

struct reading {
    struct arena arena;
    struct call call;
};

static const struct call *read_parts(struct reading *reading, const char *parts)
{
    struct complaint why;
    arena_init(&reading->arena, 1 << 20);
    struct span body = arena_printf(
        &reading->arena, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[%s]}]}",
        parts);
    enum err err = dialect_openai.read_call(body, &reading->arena, &reading->call, &why);
    if (err != ERR_NONE)
        fail_msg("%s: %s", parts, why.message);
    return &reading->call;
}

static void done(struct reading *reading)
{
    arena_fini(&reading->arena);
}

#define IMAGE(url) "{\"type\":\"image_url\",\"image_url\":{\"url\":\"" url "\"}}"

static void images_in_the_body_are_counted(void **state)
{
    (void)state;
    struct reading reading;
    const struct call *call = read_parts(
        &reading,
        IMAGE("data:image/png;base64,AAAA") "," IMAGE(
            "data:image\\/jpeg;base64,AA\\/A") ",{\"image_url\":\"data:\\u0069mage/webp;base64,\",\"type\":\"image_url\"}"
                                               ",{\"type\":\"image_url\",\"image_url\":{\"detail\":\"high\","
                                               "\"url\":\"data:image/gif;base64,!!\"}}");
    assert_null(call->unboundable);
    assert_int_equal(call->images, 4);
    assert_true(call->has_images && !call->has_audio);
    assert_int_equal(call->media_bytes, strlen("data:image/png;base64,AAAA"
                                               "data:image\\/jpeg;base64,AA\\/A"
                                               "data:\\u0069mage/webp;base64,"
                                               "data:image/gif;base64,!!"));
    done(&reading);
}

static void other_images_have_no_bound(void **state)
{
    (void)state;
    static const char *const parts[] = {
        IMAGE("https://x/y.png"),
        IMAGE(""),
        IMAGE("data:application/pdf;base64,AAAA"),
        IMAGE("data:image"),
        IMAGE(" data:image/png;base64,AAAA"),
        IMAGE("file-abc"),
        "{\"type\":\"image_url\"}",
        "{\"type\":\"image_url\",\"image_url\":null}",
        "{\"type\":\"image_url\",\"image_url\":[]}",
        "{\"type\":\"image_url\",\"image_url\":{}}",
        "{\"type\":\"image_url\",\"image_url\":{\"url\":7}}",
        IMAGE("data:image/png;base64,AAAA") "," IMAGE("http://x/"),
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct reading reading;
        const struct call *call = read_parts(&reading, parts[i]);
        if (call->unboundable == NULL || strcmp(call->unboundable, "image_url") != 0)
            fail_msg("%s is taken", parts[i]);
        assert_true(call->has_images);
        done(&reading);
    }
}

/* ---- sound ---- */

struct wav {
    unsigned tag;
    unsigned channels;
    unsigned samples;
    unsigned rate;
    unsigned block;
    unsigned bits;
};

static size_t put(unsigned char *out, unsigned value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (unsigned char)(value >> (8 * i));
    return count;
}

static size_t write_wav(const struct wav *wav, unsigned char *out)
{
    size_t at = 0;
    memcpy(out, "RIFF", 4);
    at = 4 + put(out + 4, 1000, 4);
    memcpy(out + at, "WAVEfmt ", 8);
    at += 8;
    at += put(out + at, 16, 4);
    at += put(out + at, wav->tag, 2);
    at += put(out + at, wav->channels, 2);
    at += put(out + at, wav->samples, 4);
    at += put(out + at, wav->rate, 4);
    at += put(out + at, wav->block, 2);
    at += put(out + at, wav->bits, 2);
    memcpy(out + at, "data", 4);
    return at + 4 + put(out + at + 4, 1000, 4);
}

/* Base64 of the bytes, then `more` letters of A; slashes escaped, as PHP does. */
static void encode(const unsigned char *bytes, size_t count, size_t more, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        unsigned bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < count ? bytes[i + k] : 0u);
        for (int shift = 18; shift >= 0; shift -= 6) {
            char digit = digits[bits >> shift & 63];
            if (digit == '/')
                *out++ = '\\';
            *out++ = digit;
        }
    }
    memset(out, 'A', more);
    out[more] = '\0';
}

static char text[60000];

/* -1: it has no bound. */
static int64_t tokens_of(const unsigned char *bytes, size_t count, size_t more, const char *format)
{
    static char part[64000];
    struct reading reading;
    encode(bytes, count, more, text);
    snprintf(part, sizeof(part),
             "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"%s\",\"format\":\"%s\"}}", text,
             format);
    const struct call *call = read_parts(&reading, part);
    int64_t tokens = call->unboundable == NULL ? call->audio_tokens : -1;
    assert_true(call->has_audio);
    assert_int_equal(call->media_bytes, tokens < 0 ? 0 : strlen(text));
    if (tokens < 0)
        assert_string_equal(call->unboundable, "input_audio");
    done(&reading);
    return tokens;
}

static const struct wav telephone = {1, 1, 8000, 16000, 2, 16};

static void wav_costs_by_its_length(void **state)
{
    (void)state;
    unsigned char bytes[64];
    size_t count = write_wav(&telephone, bytes);
    /* 30,000 bytes are under two seconds of 16,000 bytes, begun seconds in full */
    assert_int_equal(tokens_of(bytes, count, 40000, "wav"), 100);
    assert_int_equal(tokens_of(bytes, count, 0, "wav"), 50);
    assert_int_equal(tokens_of(bytes, count, 40000, "mp3"), 100); /* the bytes are believed */
}

static void wav_that_lies_has_no_bound(void **state)
{
    (void)state;
    static const struct wav rows[] = {
        {2, 1, 8000, 16000, 2, 16},      /* ADPCM */
        {0xFFFE, 1, 8000, 16000, 2, 16}, /* whatever its own head says */
        {1, 1, 1, 16000, 2, 16},         /* a sample a second */
        {1, 1, 8000, 100, 2, 16},        /* bytes a second */
        {1, 0, 8000, 16000, 2, 16},      /* channels */
        {1, 1, 8000, 16000, 0, 16},      /* bytes a block */
        {1, 1, 8000, 16000, 2, 7},       /* bits */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned char bytes[64];
        size_t count = write_wav(&rows[i], bytes);
        assert_int_equal(tokens_of(bytes, count, 100, "wav"), -1);
    }
    unsigned char bytes[64];
    size_t count = write_wav(&telephone, bytes);
    for (size_t cut = 0; cut < 36; cut += 3) /* a head that is not all there */
        assert_int_equal(tokens_of(bytes, cut, 0, "wav"), -1);
    memcpy(bytes + 12, "JUNK", 4);
    assert_int_equal(tokens_of(bytes, count, 100, "wav"), -1);
}

static void mp3_costs_by_its_bytes(void **state)
{
    (void)state;
    static const unsigned char frame[12] = {0xFF, 0xFB, 0x90};
    static const unsigned char tag[18] = {'I', 'D', '3', 4, 0, 0, 0, 0,    0,
                                          6,   1,   2,   3, 4, 5, 6, 0xFF, 0xFB};
    int64_t bytes = (16 + 400) / 4 * 3 + 3;
    assert_int_equal(tokens_of(frame, 12, 400, "mp3"), (bytes / 100 + 1) * 50);
    assert_true(tokens_of(tag, 18, 400, "mp3") > 0);
}

static void other_sound_has_no_bound(void **state)
{
    (void)state;
    static const unsigned char flac[12] = {'f', 'L', 'a', 'C', 0xFF, 0xF8};
    static const unsigned char hidden[18] = {'I', 'D', '3', 4, 0, 0, 0, 0,   0,
                                             6,   1,   2,   3, 4, 5, 6, 'f', 'L'};
    static const unsigned char endless[18] = {'I', 'D', '3', 4, 0, 0, 0x7F, 0x7F, 0x7F, 0x7F};
    assert_int_equal(tokens_of(flac, 12, 400, "mp3"), -1);
    assert_int_equal(tokens_of(flac, 12, 400, "flac"), -1);
    assert_int_equal(tokens_of(hidden, 18, 400, "mp3"), -1);
    assert_int_equal(tokens_of(endless, 18, 400, "mp3"), -1);
    static const char *const parts[] = {
        "{\"type\":\"input_audio\"}",
        "{\"type\":\"input_audio\",\"input_audio\":null}",
        "{\"type\":\"input_audio\",\"input_audio\":{\"format\":\"wav\"}}",
        "{\"type\":\"input_audio\",\"input_audio\":{\"data\":5}}",
        "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"\"}}",
        "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"https://x/y.wav\"}}",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct reading reading;
        assert_string_equal(read_parts(&reading, parts[i])->unboundable, "input_audio");
        done(&reading);
    }
}

int test_openai_media(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_in_the_body_are_counted),
        cmocka_unit_test(other_images_have_no_bound),
        cmocka_unit_test(wav_costs_by_its_length),
        cmocka_unit_test(wav_that_lies_has_no_bound),
        cmocka_unit_test(mp3_costs_by_its_bytes),
        cmocka_unit_test(other_sound_has_no_bound),
    };
    return cmocka_run_group_tests_name("llm/openai_media", tests, NULL, NULL);
}
