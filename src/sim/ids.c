/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splitmix64 (Steele, Lea, Flood 2014), ten characters from each number. Unique enough for a
 * simulation; nothing here is a secret.
 */
#include "ids.h"

#define CHARACTERS_PER_NUMBER 10

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

void ids_init(struct ids *ids, uint64_t seed)
{
    ids->state = seed;
}

uint64_t ids_number(struct ids *ids)
{
    uint64_t z = ids->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void ids_write(struct ids *ids, struct buf *out, size_t count)
{
    uint64_t number = 0;
    char *room = buf_reserve(out, count);
    if (room == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        if (i % CHARACTERS_PER_NUMBER == 0)
            number = ids_number(ids);
        room[i] = alphabet[number % (sizeof(alphabet) - 1)];
        number /= sizeof(alphabet) - 1;
    }
    buf_commit(out, count);
}
