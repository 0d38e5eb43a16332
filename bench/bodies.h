/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat bodies as clients send them, made up from a seed: the same bytes on each machine.
 */
#ifndef BENCH_BODIES_H
#define BENCH_BODIES_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

#define BODIES(X)                                             \
    X(prose, "conversation in English")                       \
    X(code, "source code: a quote or escape every few bytes") \
    X(scripts, "conversation in Cyrillic and Chinese")        \
    X(tools, "tool definitions: many short keys")             \
    X(image, "picture in base64")

enum body_kind {
#define BODY_ENUM(NAME, TEXT) BODY_##NAME,
    BODIES(BODY_ENUM)
#undef BODY_ENUM
        BODY_KINDS
};

extern const char *const body_texts[BODY_KINDS];

/* A whole request body of about `size` bytes, at the end of `out`. */
void body_write(enum body_kind kind, size_t size, uint64_t seed, struct buf *out);

#endif
