/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree, by cJSON: a `struct json` is a cJSON node under another name. Only its parser and its
 * links are used: never its printer, and never a look-up without case.
 */
#include "wire/json.h"

#include "json_text.h"

#include <cjson/cJSON.h>
#include <math.h>

/* Beyond this, neighbouring whole numbers are the same double. */
#define INTEGER_MAX ((double)((1LL << 53) - 1))

static const cJSON *item_of(const struct json *node)
{
    return (const cJSON *)(const void *)node;
}

static const struct json *json_of(const cJSON *item)
{
    return (const struct json *)(const void *)item;
}

struct json *json_parse(struct span text)
{
    const char *end = NULL;
    if (text.len == 0)
        return NULL;
    /* Without a terminator to ask for, cJSON stops after the first value; the rest is ours to
     * see. */
    cJSON *root = cJSON_ParseWithLengthOpts(text.ptr, text.len, &end, false);
    if (root != NULL && json_skip_space(end, text.ptr + text.len) != text.ptr + text.len) {
        cJSON_Delete(root);
        root = NULL;
    }
    return (struct json *)(void *)root;
}

void json_free(struct json **root)
{
    cJSON_Delete((cJSON *)(void *)*root);
    *root = NULL;
}

enum json_type json_type(const struct json *node)
{
    const cJSON *item = item_of(node);
    /* The bits above say who owns the item's memory. */
    switch (item != NULL ? item->type & 0xFF : cJSON_NULL) {
    case cJSON_False:
        return JSON_FALSE;
    case cJSON_True:
        return JSON_TRUE;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_STRING;
    case cJSON_Array:
        return JSON_ARRAY;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

const struct json *json_get(const struct json *object, const char *key)
{
    /* cJSON would look for a key in an array, too. */
    if (!cJSON_IsObject(item_of(object)))
        return NULL;
    return json_of(cJSON_GetObjectItemCaseSensitive(item_of(object), key));
}

const struct json *json_first(const struct json *container)
{
    return container != NULL ? json_of(item_of(container)->child) : NULL;
}

const struct json *json_next(const struct json *node)
{
    return node != NULL ? json_of(item_of(node)->next) : NULL;
}

struct span json_string(const struct json *node)
{
    const cJSON *item = item_of(node);
    return cJSON_IsString(item) ? span_from_string(item->valuestring) : SPAN_NONE;
}

struct span json_key(const struct json *node)
{
    return node != NULL ? span_from_string(item_of(node)->string) : SPAN_NONE;
}

bool json_integer(const struct json *node, int64_t *out)
{
    double number;
    if (!json_number(node, &number) || number != trunc(number) || fabs(number) > INTEGER_MAX)
        return false;
    *out = (int64_t)number;
    return true;
}

/* "1e999" is infinity here; nothing that counts may start from that. */
bool json_number(const struct json *node, double *out)
{
    const cJSON *item = item_of(node);
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        return false;
    *out = item->valuedouble;
    return true;
}

bool json_is_true(const struct json *node)
{
    return cJSON_IsTrue(item_of(node));
}
