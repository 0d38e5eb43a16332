/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator given to curl: free lists of small blocks, one set a thread, so that the few dozen
 * allocations of a request cost no malloc. A block may be freed on another thread than its own.
 * Failure is NULL, as curl expects.
 */
#ifndef UPSTREAM_BLOCKS_H
#define UPSTREAM_BLOCKS_H

#include <stddef.h>

void *blocks_malloc(size_t size);
void *blocks_calloc(size_t count, size_t size);
void *blocks_realloc(void *old, size_t size);
char *blocks_strdup(const char *text);
void blocks_free(void *memory);

#endif
