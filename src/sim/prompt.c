/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of a completion's prompt or of what is to be embedded: a string, strings, the token ids
 * of one text, or lists of them. A text counts a token for every 4 bytes begun, at least one; token
 * ids count as many as they are. That is never above the bytes of the body.
 */
#include "request.h"

#define BYTES_PER_TOKEN 4

/* The ids of one text; -1 when it is no list of numbers from 0. */
static int64_t count_ids(const struct json *text)
{
    int64_t count = 0;
    for (const struct json *id = json_first(text); id != NULL; id = json_next(id)) {
        int64_t value;
        if (!json_integer(id, &value) || value < 0)
            return -1;
        count++;
    }
    return count > 0 ? count : -1;
}

/* -1: it is no text. */
static int64_t count_text(const struct json *text)
{
    if (json_type(text) == JSON_ARRAY)
        return count_ids(text);
    if (json_type(text) != JSON_STRING)
        return -1;
    int64_t tokens = ((int64_t)json_string(text).len + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
    return tokens > 0 ? tokens : 1;
}

/* Whether the value is one text rather than several. */
static bool is_single(const struct json *value)
{
    return json_type(value) != JSON_ARRAY || json_type(json_first(value)) == JSON_NUMBER;
}

const struct json *request_text(const struct json *container, const struct json *at)
{
    if (is_single(container))
        return at == NULL ? container : NULL;
    return at == NULL ? json_first(container) : json_next(at);
}

bool request_read_texts(const struct json *root, const char *key, struct request *out,
                        struct refusal *refusal)
{
    const struct json *value = json_get(root, key);
    for (const struct json *text = request_text(value, NULL); text != NULL;
         text = request_text(value, text)) {
        int64_t tokens = count_text(text);
        if (tokens < 0)
            return refusal_set_param(refusal, key, "invalid_type",
                                     "Invalid type for '%s': expected a string, an array of "
                                     "strings, an array of integers, or an array of these.",
                                     key);
        out->prompt += tokens;
        out->texts++;
    }
    if (out->texts == 0 || out->texts > REQUEST_TEXTS_MAX)
        return refusal_set_param(refusal, key, "invalid_value",
                                 "Invalid '%s': expected 1 to %d texts.", key, REQUEST_TEXTS_MAX);
    return true;
}
