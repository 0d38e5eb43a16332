/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree is built from libyaml's events. An anchor counts once its node is complete, so that a
 * node cannot lie within itself. A syntax error ends the reading (libyaml cannot go on); duplicate
 * keys and unset variables are reported and passed over, so that checks can still run.
 */
#include "read.h"

#include "base/buf.h"
#include "base/table.h"
#include "expand.h"
#include "file.h"
#include "text.h"

#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct span text; /* as the parser sees it */
    struct arena *arena;
    struct report *report;
    struct table anchors; /* name → struct node */
    size_t nodes;         /* aliases counted in full */
    size_t room;          /* for what references expand to */
};

static struct node *read_node(struct reader *reader, const yaml_event_t *event, int depth);

/* libyaml counts from 0, editors from 1. */
static struct mark mark_of(yaml_mark_t mark)
{
    return (struct mark){mark.line + 1, mark.column + 1};
}

/* The column of a tab in the indentation of a line; 0 when there is none. */
static size_t tab_column(struct span text, size_t line)
{
    struct span at = SPAN_NONE;
    for (size_t i = 0; i < line; i++)
        text = span_cut(text, '\n', &at);
    for (size_t i = 0; i < at.len && (at.ptr[i] == ' ' || at.ptr[i] == '\t'); i++)
        if (at.ptr[i] == '\t')
            return i + 1;
    return 0;
}

static void report_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    struct mark at = mark_of(parser->problem_mark);
    const char *problem = parser->problem != NULL ? parser->problem : "out of memory";
    const char *context = parser->context;
    size_t tab = tab_column(reader->text, at.line);
    /* Flow collections may be indented by tabs: there a tab is not to blame. */
    if (tab > 0 && (context == NULL || strstr(context, "flow") == NULL)) {
        report_add(reader->report, (struct mark){at.line, tab},
                   "a tab cannot indent in YAML; use spaces");
        return;
    }
    if (context != NULL && parser->context_mark.line + 1 < at.line)
        report_add(reader->report, at, "not YAML: %s, %s that began on line %zu", problem, context,
                   parser->context_mark.line + 1);
    else
        report_add(reader->report, at, "not YAML: %s", problem);
}

/* The caller deletes the event. False after reporting: libyaml cannot go on. */
static bool next_event(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    report_syntax(reader);
    return false;
}

/* NULL when the tree has grown too large. */
static struct node *new_node(struct reader *reader, enum node_type type, const yaml_event_t *event)
{
    if (++reader->nodes > READ_MAX_NODES) {
        report_add(reader->report, mark_of(event->start_mark), "more than %zu nodes in the file",
                   READ_MAX_NODES);
        return NULL;
    }
    struct node *node = CONFIG_NEW(reader->arena, struct node);
    *node = (struct node){.type = type, .at = mark_of(event->start_mark), .weight = 1};
    return node;
}

/* Remembers a complete node under its anchor, and refuses tags: nothing here needs one. */
static struct node *finish(struct reader *reader, struct node *node, const yaml_char_t *anchor,
                           const yaml_char_t *tag)
{
    if (node == NULL)
        return NULL;
    if (tag != NULL)
        report_add(reader->report, node->at, "tags such as '%s' are not understood",
                   (const char *)tag);
    if (anchor != NULL) {
        struct span name = config_copy(reader->arena, span_from_string((const char *)anchor));
        table_put(&reader->anchors, name, node);
    }
    return node;
}

/* Every scalar is text here: what a number or a date is, the schema says, not YAML's guesses. */
static struct node *read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct node *node = new_node(reader, NODE_SCALAR, event);
    if (node == NULL)
        return NULL;
    struct span text = span_make((const char *)event->data.scalar.value, event->data.scalar.length);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->raw = text_unguard(text, reader->arena);
    if (span_find(text, '\0') < text.len) {
        report_add(reader->report, node->at, "the character U+0000 is not allowed");
        node->bad = true;
        node->raw = SPAN("");
    }
    expand_references(node, reader->arena, &reader->room, reader->report);
    return node;
}

/* The node itself, not a copy; yet counted as one, so that what the checks walk is bounded too. */
static struct node *read_alias(struct reader *reader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct node *node = table_get(&reader->anchors, span_from_string(name));
    if (node == NULL) {
        report_add(reader->report, mark_of(event->start_mark),
                   "no anchor '&%s' is complete before this alias", name);
        return NULL;
    }
    reader->nodes += node->weight;
    if (reader->nodes > READ_MAX_NODES) {
        report_add(reader->report, mark_of(event->start_mark),
                   "aliases make more than %zu nodes of the file", READ_MAX_NODES);
        return NULL;
    }
    return node;
}

static struct node *read_list(struct reader *reader, const yaml_event_t *start, int depth)
{
    struct node *list = new_node(reader, NODE_LIST, start);
    yaml_event_t event;
    while (list != NULL) {
        if (!next_event(reader, &event))
            return NULL;
        bool ends = event.type == YAML_SEQUENCE_END_EVENT;
        struct node *item = ends ? NULL : read_node(reader, &event, depth + 1);
        struct mark at = mark_of(event.start_mark);
        yaml_event_delete(&event);
        if (ends)
            break;
        if (item == NULL)
            return NULL;
        struct entry *entry = CONFIG_NEW(reader->arena, struct entry);
        *entry = (struct entry){.at = at, .value = item};
        node_append(list, entry);
    }
    return list;
}

/* ---- maps ---- */

struct map_reader {
    struct node *map;
    struct node *merges; /* values of << , in a list */
    struct table keys;   /* → struct entry */
};

/* libyaml lets duplicate keys through; here the second one is refused. */
static void add_member(struct reader *reader, struct map_reader *maps, struct entry *entry,
                       bool is_merge)
{
    if (is_merge) {
        node_append(maps->merges, entry);
        return;
    }
    const struct entry *first = table_get(&maps->keys, entry->key);
    if (first != NULL) {
        report_add(reader->report, entry->at, "duplicate key '%.*s', first given on line %zu",
                   SPAN_ARG(entry->key), first->at.line);
        return;
    }
    table_put(&maps->keys, entry->key, entry);
    node_append(maps->map, entry);
}

/* Reads the value that belongs to the key in `event`. */
static bool read_member(struct reader *reader, struct map_reader *maps, const yaml_event_t *key,
                        int depth)
{
    struct mark at = mark_of(key->start_mark);
    if (key->type != YAML_SCALAR_EVENT) {
        report_add(reader->report, at, "a key must be plain text");
        return false;
    }
    struct entry *entry = CONFIG_NEW(reader->arena, struct entry);
    struct span text = span_make((const char *)key->data.scalar.value, key->data.scalar.length);
    entry->at = at;
    entry->key = text_unguard(text, reader->arena);
    bool plain = key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    yaml_event_t event;
    if (!next_event(reader, &event))
        return false;
    entry->value = read_node(reader, &event, depth + 1);
    yaml_event_delete(&event);
    if (entry->value == NULL)
        return false;
    add_member(reader, maps, entry, plain && span_equal(entry->key, SPAN("<<")));
    return true;
}

/* Takes over the members that the map has not itself; they keep the place they were written at. */
static void merge_map(struct reader *reader, struct map_reader *maps, const struct node *from)
{
    if (from->type != NODE_MAP) {
        report_add(reader->report, from->at, "'<<' takes a mapping, or a list of mappings");
        return;
    }
    for (const struct entry *member = from->first; member != NULL; member = member->next) {
        if (table_get(&maps->keys, member->key) != NULL)
            continue;
        struct entry *copy = CONFIG_NEW(reader->arena, struct entry);
        *copy = (struct entry){.at = member->at, .key = member->key, .value = member->value};
        table_put(&maps->keys, copy->key, copy);
        node_append(maps->map, copy);
    }
}

/* In the order given: the first map that has a key wins, and the map's own keys win over all. */
static void merge_all(struct reader *reader, struct map_reader *maps)
{
    for (const struct entry *merge = maps->merges->first; merge != NULL; merge = merge->next) {
        if (merge->value->type != NODE_LIST) {
            merge_map(reader, maps, merge->value);
            continue;
        }
        for (const struct entry *item = merge->value->first; item != NULL; item = item->next)
            merge_map(reader, maps, item->value);
    }
}

static bool read_members(struct reader *reader, struct map_reader *maps, int depth)
{
    yaml_event_t event;
    for (;;) {
        if (!next_event(reader, &event))
            return false;
        bool ends = event.type == YAML_MAPPING_END_EVENT;
        bool ok = ends || read_member(reader, maps, &event, depth);
        yaml_event_delete(&event);
        if (ends || !ok)
            return ok;
    }
}

static struct node *read_map(struct reader *reader, const yaml_event_t *start, int depth)
{
    struct map_reader maps = {.map = new_node(reader, NODE_MAP, start),
                              .merges = CONFIG_NEW(reader->arena, struct node)};
    if (maps.map == NULL)
        return NULL;
    table_init(&maps.keys);
    bool ok = read_members(reader, &maps, depth);
    if (ok)
        merge_all(reader, &maps);
    table_fini(&maps.keys);
    return ok ? maps.map : NULL;
}

static struct node *read_node(struct reader *reader, const yaml_event_t *event, int depth)
{
    if (depth > READ_MAX_DEPTH) {
        report_add(reader->report, mark_of(event->start_mark), "nested more than %d deep",
                   READ_MAX_DEPTH);
        return NULL;
    }
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(reader, event);
    case YAML_SCALAR_EVENT:
        return finish(reader, read_scalar(reader, event), event->data.scalar.anchor,
                      event->data.scalar.tag);
    case YAML_SEQUENCE_START_EVENT:
        return finish(reader, read_list(reader, event, depth), event->data.sequence_start.anchor,
                      event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return finish(reader, read_map(reader, event, depth), event->data.mapping_start.anchor,
                      event->data.mapping_start.tag);
    default:
        UNREACHABLE(); /* libyaml's grammar has a node here */
    }
}

/* ---- documents ---- */

/* Skips to the next event of one of two types; what lies between means nothing. */
static bool skip_to(struct reader *reader, yaml_event_type_t a, yaml_event_type_t b,
                    yaml_event_t *event)
{
    for (;;) {
        if (!next_event(reader, event))
            return false;
        if (event->type == a || event->type == b)
            return true;
        yaml_event_delete(event);
    }
}

/* Exactly one document: of a second one nobody would notice that it is ignored. */
static struct node *read_document(struct reader *reader)
{
    yaml_event_t event;
    if (!skip_to(reader, YAML_DOCUMENT_START_EVENT, YAML_STREAM_END_EVENT, &event))
        return NULL;
    bool is_empty = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    if (is_empty) {
        report_add(reader->report, (struct mark){0}, "the file is empty");
        return NULL;
    }
    if (!next_event(reader, &event))
        return NULL;
    struct node *root = read_node(reader, &event, 0);
    yaml_event_delete(&event);
    if (root == NULL || !skip_to(reader, YAML_DOCUMENT_START_EVENT, YAML_STREAM_END_EVENT, &event))
        return NULL;
    if (event.type == YAML_DOCUMENT_START_EVENT) {
        report_add(reader->report, mark_of(event.start_mark), "a second document in the file");
        root = NULL;
    }
    yaml_event_delete(&event);
    return root;
}

static struct node *read_text(struct span text, struct arena *arena, struct report *report)
{
    struct reader reader = {.text = text, .arena = arena, .report = report, .room = EXPANDED_MAX};
    if (!yaml_parser_initialize(&reader.parser)) {
        report_add(report, (struct mark){0}, "out of memory");
        return NULL;
    }
    table_init(&reader.anchors);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    /* Of an empty file there are no bytes to point at, which libyaml does not take. */
    const char *bytes = text.len > 0 ? text.ptr : "";
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, text.len);
    struct node *root = read_document(&reader);
    table_fini(&reader.anchors);
    yaml_parser_delete(&reader.parser);
    return root;
}

struct node *read_file(const char *path, struct arena *arena, struct report *report)
{
    struct buf bytes;
    struct buf guarded;
    struct node *root = NULL;
    const char *why;
    buf_init(&bytes, READ_MAX_BYTES, 0);
    buf_init(&guarded, 3 * READ_MAX_BYTES, 0); /* a stand-in is three bytes */
    if (!file_read(path, &bytes, &why))
        report_add(report, (struct mark){0}, "cannot be read: %s", why);
    else if (text_check(buf_span(&bytes), report) && text_guard(buf_span(&bytes), &guarded))
        root = read_text(buf_span(&guarded), arena, report);
    buf_fini(&guarded);
    buf_fini(&bytes);
    return root;
}
