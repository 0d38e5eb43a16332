/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated provider charges: read once, then immutable. */
#ifndef SIM_PRICES_H
#define SIM_PRICES_H

#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

/* Pico-dollars a token: the same number as micro-dollars per million tokens. Below 10^15. */
struct price {
    uint64_t input_pusd;
    uint64_t cached_input_pusd;
    uint64_t cache_write_pusd;
    uint64_t output_pusd;
};

struct prices;

/* The JSON of sim/sim.h, or nothing for the default. NULL when it is no good; *error (static) then
 * says why. */
struct prices *prices_new(struct span json, const char **error);
void prices_free(struct prices **address);

/* Never NULL. Lives as long as the prices. */
const struct price *prices_find(const struct prices *prices, struct span model);
/* The models that have a price by name, "*" not among them: index from 0; empty at the end. */
struct span prices_model(const struct prices *prices, size_t index);

#endif
