/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML file as a tree of our own, each node with the place it stands at. An alias is the same
 * node met again, so the tree may be a graph without circles; `weight` counts as if it were not,
 * and read.c bounds it. All in one arena.
 */
#ifndef CONFIG_NODE_H
#define CONFIG_NODE_H

#include "base/arena.h"
#include "base/assert.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/* From 1; line 0: the file as a whole. */
struct mark {
    size_t line;
    size_t column;
};

enum node_type { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_type type;
    struct mark at;
    size_t weight;       /* nodes in it and below, every alias counted in full */
    struct span raw;     /* scalar: as written */
    struct span text;    /* scalar: with references filled in; a NUL follows, none is inside */
    bool quoted;         /* scalar: not a plain one, so never null */
    bool bad;            /* scalar: a reference could not be filled in, and that was reported */
    struct entry *first; /* list and map */
    struct entry *last;
    size_t count;
};

/* An item of a list (no key) or a member of a map. */
struct entry {
    struct entry *next;
    struct mark at;  /* of the key; of the value in lists */
    struct span key; /* a NUL follows */
    struct node *value;
};

/* NULL when absent, or when `map` is no map. */
const struct node *node_get(const struct node *map, const char *key);
/* An empty plain scalar, null or ~. */
bool node_is_null(const struct node *node);
/* off, false or no: YAML 1.1 tools write one for another. */
bool node_is_off(const struct node *node);
void node_append(struct node *node, struct entry *entry);

/* The sizes are bounded by read.c's caps, so that only an exhausted system can fail here. */
static inline void *config_alloc(struct arena *arena, size_t count, size_t size)
{
    void *memory = arena_array(arena, count, size);
    ASSERT(memory != NULL);
    return memory;
}
#define CONFIG_NEW(arena, type) ((type *)config_alloc((arena), 1, sizeof(type)))

/* A NUL-terminated copy. */
static inline struct span config_copy(struct arena *arena, struct span s)
{
    struct span copy = arena_copy(arena, s);
    ASSERT(copy.ptr != NULL);
    return copy;
}

#endif
