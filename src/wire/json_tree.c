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

static const cJSON *node_of(const struct json *json)
{
    return (const cJSON *)(const void *)json;
}

static const struct json *json_of(const cJSON *node)
{
    return (const struct json *)(const void *)node;
}

struct json *json_parse(struct span text)
{
    const char *end = NULL;
    if (text.len == 0)
        return NULL;
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

enum json_type json_type(const struct json *json)
{
    const cJSON *node = node_of(json);
    switch (node != NULL ? node->type & 0xFF : cJSON_NULL) {
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
    if (!cJSON_IsObject(node_of(object)))
        return NULL;
    return json_of(cJSON_GetObjectItemCaseSensitive(node_of(object), key));
}

const struct json *json_first(const struct json *container)
{
    return container != NULL ? json_of(node_of(container)->child) : NULL;
}

const struct json *json_next(const struct json *node)
{
    return node != NULL ? json_of(node_of(node)->next) : NULL;
}

struct span json_string(const struct json *json)
{
    const cJSON *node = node_of(json);
    return cJSON_IsString(node) ? span_from_string(node->valuestring) : SPAN_NONE;
}

struct span json_key(const struct json *node)
{
    return node != NULL ? span_from_string(node_of(node)->string) : SPAN_NONE;
}

bool json_integer(const struct json *json, int64_t *out)
{
    double number;
    if (!json_number(json, &number) || number != trunc(number) || fabs(number) > INTEGER_MAX)
        return false;
    *out = (int64_t)number;
    return true;
}

bool json_number(const struct json *json, double *out)
{
    const cJSON *node = node_of(json);
    if (!cJSON_IsNumber(node) || !isfinite(node->valuedouble))
        return false;
    *out = node->valuedouble;
    return true;
}

bool json_is_true(const struct json *json)
{
    return cJSON_IsTrue(node_of(json));
}
