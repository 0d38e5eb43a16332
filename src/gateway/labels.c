/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags in every form that clients of other gateways send already:
 *   x-weir-tags: feature=chat, team=search      x-litellm-tags: chat, search  (names alone)
 *   x-portkey-metadata, cf-aig-metadata: {"feature": "chat"}
 *   Helicone-Property-Feature: chat
 * All become one text, "feature=chat,team=search".
 */
#include "labels.h"

#include "wire/json.h"

#define TAG_NAME_MAX  64
#define TAG_VALUE_MAX 128

struct tags {
    char *text; /* RECEIPT_TAGS_SIZE */
    size_t len;
    int count;
};

static bool is_plain(char c)
{
    return c > ' ' && c < 127 && c != ',' && c != '=' && c != '"' && c != '\\';
}

/* At most `most` bytes of the text, each made plain. */
static void append_plain(struct tags *tags, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        tags->text[tags->len++] = is_plain(text.ptr[i]) || text.ptr[i] == ' ' ? text.ptr[i] : '_';
}

static bool has_name(const struct tags *tags, size_t from, size_t len)
{
    struct span rest = span_make(tags->text, from);
    struct span name = span_make(tags->text + from, len);
    while (rest.len > 0) {
        struct span tag, own;
        rest = span_cut(rest, ',', &tag);
        span_cut(tag, '=', &own);
        if (span_equal_nocase(own, name))
            return true;
    }
    return false;
}

static struct span cut(struct span text, size_t most)
{
    return span_make(text.ptr, text.len < most ? text.len : most);
}

static void add(struct tags *tags, struct span name, struct span value)
{
    size_t before = tags->len;
    name = cut(span_trim(name), TAG_NAME_MAX);
    value = cut(span_trim(value), TAG_VALUE_MAX);
    size_t size = name.len + value.len + 2; /* a comma, an equals sign */
    if (name.len == 0 || tags->count == LABELS_MAX_TAGS || size > RECEIPT_TAGS_SIZE - 1 - tags->len)
        return;
    if (tags->len > 0)
        tags->text[tags->len++] = ',';
    size_t from = tags->len;
    append_plain(tags, name);
    if (has_name(tags, from, name.len)) {
        tags->len = before;
    } else {
        tags->text[tags->len++] = '=';
        append_plain(tags, value);
        tags->count++;
    }
    tags->text[tags->len] = '\0';
}

/* A list of NAME=VALUE, or of names, which are true. */
static void add_list(struct tags *tags, struct span list)
{
    while (list.len > 0) {
        struct span item, name;
        list = span_cut(list, ',', &item);
        struct span value = span_cut(item, '=', &name);
        add(tags, name, name.len == item.len ? SPAN("true") : value);
    }
}

/* An object of plain values; anything else is no metadata and says nothing. */
static void add_json(struct tags *tags, struct span text, struct arena *scratch)
{
    struct json_object object;
    struct json_fault fault;
    if (!json_scan(text, scratch, &object, &fault))
        return;
    for (size_t i = 0; object.type == JSON_OBJECT && i < object.count; i++) {
        const struct json_member *member = &object.members[i];
        if (member->type == JSON_STRING)
            add(tags, member->key, json_decode_string(member->value, scratch));
        else if (member->type == JSON_NUMBER || member->type == JSON_TRUE ||
                 member->type == JSON_FALSE)
            add(tags, member->key, member->value);
    }
}

static void add_header(struct tags *tags, const struct header *header, struct arena *scratch)
{
    static const struct span helicone = SPAN_INIT("helicone-property-");
    if (span_equal_nocase(header->name, SPAN("x-weir-tags")) ||
        span_equal_nocase(header->name, SPAN("x-litellm-tags")))
        add_list(tags, header->value);
    else if (span_equal_nocase(header->name, SPAN("x-portkey-metadata")) ||
             span_equal_nocase(header->name, SPAN("cf-aig-metadata")))
        add_json(tags, header->value, scratch);
    else if (span_starts_with_nocase(header->name, helicone))
        add(tags, span_from(header->name, helicone.len), header->value);
}

void labels_read(const struct headers *headers, struct arena *scratch, struct receipt *receipt)
{
    struct tags tags = {.text = receipt->tags};
    struct arena_mark mark = arena_mark(scratch);
    for (size_t i = 0; i < headers->count; i++)
        add_header(&tags, &headers->items[i], scratch);
    arena_rewind(scratch, mark);
    receipt_copy(receipt->prompt, headers_get(headers, SPAN("x-weir-prompt")));
}
