/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Weighted chance without putting back: one draw a place. */
#include "policy/route.h"

#include "base/assert.h"

/* splitmix64 (Steele, Lea and Flood, 2014). */
uint64_t route_chance(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

/* Among the choices that are not taken and as well as asked for; `count` when there is none. */
static size_t draw(const struct route_choice *choices, size_t count, const bool *taken, bool well,
                   uint64_t chance)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        if (!taken[i] && choices[i].well == well)
            sum += (uint64_t)choices[i].weight;
    if (sum == 0)
        return count;
    uint64_t at = chance % sum; /* sums are small: the bias is under one in 2^50 */
    for (size_t i = 0; i < count; i++) {
        if (taken[i] || choices[i].well != well)
            continue;
        if (at < (uint64_t)choices[i].weight)
            return i;
        at -= (uint64_t)choices[i].weight;
    }
    UNREACHABLE();
}

void route_order(const struct route_choice *choices, size_t count, uint64_t chance, size_t *order)
{
    bool taken[ROUTE_MAX_TARGETS] = {false};
    ASSERT(count <= ROUTE_MAX_TARGETS);
    for (size_t i = 0; i < count; i++)
        ASSERT(choices[i].weight >= 1 && choices[i].weight <= ROUTE_MAX_WEIGHT);
    bool well = true;
    for (size_t place = 0; place < count; place++) {
        size_t next = draw(choices, count, taken, well, route_chance(&chance));
        if (next == count) {
            well = false;
            next = draw(choices, count, taken, well, route_chance(&chance));
        }
        taken[next] = true;
        order[place] = next;
    }
}
