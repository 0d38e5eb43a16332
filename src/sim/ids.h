/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Names for answers, tool calls and requests: random letters and digits, as OpenAI's look. */
#ifndef SIM_IDS_H
#define SIM_IDS_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

struct ids {
    uint64_t state;
};

void ids_init(struct ids *ids, uint64_t seed);
/* The next number of 64 bits. */
uint64_t ids_number(struct ids *ids);
/* Appends `count` letters and digits. */
void ids_write(struct ids *ids, struct buf *out, size_t count);

#endif
