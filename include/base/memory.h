/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own small allocations abort on failure (DESIGN: an abort restarts with the ledger intact).
 * Never for a size that a peer can choose: those go through arena, buf and bufq, which have caps.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Zeroed; never NULL. Free with free(). */
void *memory_new(size_t size);
/* Zeroed array, the product checked; never NULL (count 0 gives a freeable pointer). */
void *memory_array(size_t count, size_t size);
/* Never NULL; the product is checked. New bytes are not zeroed. */
void *memory_resize(void *old, size_t count, size_t size);
/* A NUL-terminated copy. */
char *memory_string(const char *text, size_t len);

/* On a large local array whose used part is always written before it is read: hardened builds would
 * zero all of it at each call (-ftrivial-auto-var-init), kilobytes a request. */
#define UNINITIALIZED __attribute__((uninitialized))

#define MEMORY_NEW(type) ((type *)memory_new(sizeof(type)))

#endif
