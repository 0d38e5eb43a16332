/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts that are no text. Of what lies in the body (data: URLs, base64) the size or length is read;
 * of what lies elsewhere it is assumed: an image of 768 by 768, a document of one page.
 */
#include "count_private.h"

#define ASSUMED_SIDE     768
#define DOCUMENT_TOKENS  750 /* a page of a PDF, with its picture */
#define TEXT_FILE_TOKENS 40  /* around a file whose text is given to the model */
#define TEXT_FILE_BYTES  5   /* of base64, for a token */
#define OFFICE_TOKENS    40  /* zipped, most of it no text */
#define OFFICE_BYTES     500
#define AUDIO_PER_SECOND 10 /* of a user's */
#define AUDIO_BYTE_RATE  16000
#define SIDE_28          28 /* Anthropic: a token is 28 by 28 */
#define ANTHROPIC_CAP    1568
#define GEMINI_TILE      258
#define GEMINI_TILES     16
#define GEMINI_SECOND    263 /* of video */
#define GEMINI_AUDIO     32
#define PATCH_16         16 /* Mistral and others */

enum {
    P_TYPE,
    P_IMAGE_URL,
    P_DETAIL,
    P_SOURCE,
    P_INLINE,
    P_INLINE_2,
    P_FILE,
    P_FILE_DATA,
    P_AUDIO,
    P_DATA,
    P_MEDIA_TYPE,
    P_MIME,
    P_MIME_2,
    P_URL,
    P_FILE_URI,
    P_FILE_URI_2,
    P_FIELDS
};
static const struct span part_keys[P_FIELDS] = {
    SPAN_INIT("type"),          SPAN_INIT("image_url"),  SPAN_INIT("detail"),
    SPAN_INIT("source"),        SPAN_INIT("inlineData"), SPAN_INIT("inline_data"),
    SPAN_INIT("file"),          SPAN_INIT("file_data"),  SPAN_INIT("input_audio"),
    SPAN_INIT("data"),          SPAN_INIT("media_type"), SPAN_INIT("mimeType"),
    SPAN_INIT("mime_type"),     SPAN_INIT("url"),        SPAN_INIT("fileData"),
    SPAN_INIT("file_data_uri"),
};

/* What a part was found to be. */
struct media {
    struct span mime;
    struct span base64; /* empty: elsewhere */
    bool low;
};

void count_media_tokens(struct counter *counter, enum count_role role, int64_t tokens)
{
    counter->roles[role] += tokens;
    counter->out->media_tokens += tokens;
    counter->out->features.media_tokens += tokens;
}

/* "data:image/png;base64,…" */
static void read_data_url(struct span url, struct media *media)
{
    if (!span_starts_with(url, SPAN("data:")))
        return;
    struct span head;
    struct span data = span_cut(span_from(url, 5), ',', &head);
    span_cut(head, ';', &media->mime);
    media->base64 = data;
}

/* {"data", "media_type" or "mimeType"} of Anthropic's source and Gemini's inlineData. */
static void read_inline(struct member holder, struct media *media)
{
    struct member fields[P_FIELDS];
    members_read(holder, part_keys, P_FIELDS, fields);
    if (member_raw(fields[P_DATA]).len > 0)
        media->base64 = member_raw(fields[P_DATA]);
    for (size_t i = P_MEDIA_TYPE; i <= P_MIME_2; i++)
        if (member_raw(fields[i]).len > 0)
            media->mime = member_raw(fields[i]);
    if (member_raw(fields[P_FILE_DATA]).len > 0)
        read_data_url(member_raw(fields[P_FILE_DATA]), media);
}

static void read_image(const struct member *fields, struct media *media)
{
    struct member url = fields[P_IMAGE_URL];
    struct member inner[P_FIELDS];
    media->mime = SPAN("image/");
    media->low = member_is(fields[P_DETAIL], SPAN("low"));
    if (url.type == JSON_OBJECT) {
        members_read(url, part_keys, P_FIELDS, inner);
        url = inner[P_URL];
        media->low = member_is(inner[P_DETAIL], SPAN("low"));
    }
    read_data_url(member_raw(url), media);
}

static void read_part(struct member part, struct media *media)
{
    static const size_t holders[] = {P_SOURCE, P_INLINE, P_INLINE_2, P_FILE, P_AUDIO, P_FILE_URI};
    struct member fields[P_FIELDS];
    *media = (struct media){SPAN_NONE, SPAN_NONE, false};
    members_read(part, part_keys, P_FIELDS, fields);
    if (member_is(fields[P_TYPE], SPAN("image")) || fields[P_IMAGE_URL].type != JSON_NULL ||
        member_is(fields[P_TYPE], SPAN("input_image")))
        read_image(fields, media);
    if (fields[P_AUDIO].type == JSON_OBJECT)
        media->mime = SPAN("audio/");
    if (member_raw(fields[P_FILE_DATA]).len > 0)
        read_data_url(member_raw(fields[P_FILE_DATA]), media);
    for (size_t i = 0; i < COUNT_OF(holders); i++)
        if (fields[holders[i]].type == JSON_OBJECT)
            read_inline(fields[holders[i]], media);
}

static struct image_size image_size(const struct media *media)
{
    struct image_size size;
    if (media->base64.len > 0 && image_size_read(media->base64, &size))
        return size;
    return (struct image_size){ASSUMED_SIDE, ASSUMED_SIDE};
}

static int64_t tiles(uint32_t length, uint32_t side)
{
    return ((int64_t)length + side - 1) / side;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t image_tokens(const struct counter *counter, const struct media *media)
{
    struct image_size size = image_size(media);
    switch (counter->request->kind) {
    case BODY_MESSAGES:
        return least(tiles(size.width, SIDE_28) * tiles(size.height, SIDE_28), ANTHROPIC_CAP);
    case BODY_GEMINI:
        if (size.width <= 384 && size.height <= 384)
            return GEMINI_TILE;
        return GEMINI_TILE * least(tiles(size.width, 768) * tiles(size.height, 768), GEMINI_TILES);
    default:
        if (counter->openai != NULL)
            return image_tokens_openai(counter->request->model, size, media->low);
        return least(tiles(size.width, PATCH_16) * tiles(size.height, PATCH_16), 4096);
    }
}

static int64_t audio_tokens(const struct counter *counter, const struct media *media)
{
    int64_t seconds = (int64_t)(media->base64.len / 4 * 3 / AUDIO_BYTE_RATE) + 1;
    return seconds * (counter->request->kind == BODY_GEMINI ? GEMINI_AUDIO : AUDIO_PER_SECOND);
}

void count_media(struct counter *counter, enum count_role role, struct member part)
{
    struct media media;
    if (part.type != JSON_OBJECT) {
        count_degrade(counter, COUNT_ESTIMATE);
        count_json(counter, role, part);
        return;
    }
    read_part(part, &media);
    counter->out->features.has_media = true;
    bool known_image = span_starts_with(media.mime, SPAN("image/")) && media.base64.len > 0;
    count_degrade(counter, known_image && counter->openai != NULL ? COUNT_NEAR : COUNT_ESTIMATE);
    int64_t tokens = DOCUMENT_TOKENS;
    if (span_starts_with(media.mime, SPAN("image/")))
        tokens = image_tokens(counter, &media);
    else if (span_starts_with(media.mime, SPAN("audio/")))
        tokens = audio_tokens(counter, &media);
    else if (span_starts_with(media.mime, SPAN("video/")))
        tokens = GEMINI_SECOND;
    else if (span_starts_with(media.mime, SPAN("application/vnd.")))
        tokens = OFFICE_TOKENS + (int64_t)(media.base64.len / OFFICE_BYTES);
    else if (span_starts_with(media.mime, SPAN("text/")))
        tokens = TEXT_FILE_TOKENS + (int64_t)(media.base64.len / TEXT_FILE_BYTES);
    count_media_tokens(counter, role, tokens);
}
