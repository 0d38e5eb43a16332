/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into the tree. */
#include "node.h"

const struct node *node_get(const struct node *map, const char *key)
{
    struct span wanted = span_from_string(key);
    if (map->type != NODE_MAP)
        return NULL;
    for (const struct entry *entry = map->first; entry != NULL; entry = entry->next)
        if (span_equal(entry->key, wanted))
            return entry->value;
    return NULL;
}

static bool is_one_of(struct span text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal_nocase(text, span_from_string(words[i])))
            return true;
    return false;
}

bool node_is_null(const struct node *node)
{
    static const char *const words[] = {"null", "~"};
    if (node->type != NODE_SCALAR || node->quoted || node->bad)
        return false;
    /* What a variable holds is text, even "null"; but holding nothing is giving nothing. */
    return node->text.len == 0 || is_one_of(node->raw, words, 2);
}

bool node_is_off(const struct node *node)
{
    static const char *const words[] = {"off", "false", "no"};
    return node->type == NODE_SCALAR && is_one_of(node->text, words, 3);
}

void node_append(struct node *node, struct entry *entry)
{
    if (node->last != NULL)
        node->last->next = entry;
    else
        node->first = entry;
    node->last = entry;
    node->count++;
    node->weight += entry->value->weight;
}
