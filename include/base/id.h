/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of exchanges: 128 bits, unique across nodes and restarts, increasing on one generator.
 * 48 bits of wall milliseconds, 16 of a counter, 64 random from a seed drawn at birth. Printed as
 * 26 characters of Crockford's base 32 (the ULID alphabet and order), prefixed "req_".
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdint.h>

struct id {
    uint64_t high; /* time and counter */
    uint64_t low;  /* random */
};

/* One per worker; not shared between threads. */
struct id_source {
    uint64_t last_high;
    uint64_t random; /* state of the low half */
};

/* `seed` must be random: it keeps nodes and workers apart. */
void id_source_init(struct id_source *source, uint64_t seed);
struct id id_next(struct id_source *source, int64_t wall_ns);

/* "req_01J..." and a NUL: 31 bytes. Returns out. */
#define ID_TEXT_SIZE 31
char *id_format(struct id id, char *out);

#endif
