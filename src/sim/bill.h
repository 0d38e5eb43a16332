/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated provider's bill. A request's charge is its tokens times its prices in pico-dollars,
 * rounded up once to a nano-dollar; while it runs, the bill holds the charge of what was produced
 * so far. Sums have 128 bits.
 */
#ifndef SIM_BILL_H
#define SIM_BILL_H

#include "base/buf.h"
#include "prices.h"

#include <stdint.h>

struct bill;
struct bill_model;

typedef unsigned __int128 bill_amount;

/* One request's part. */
struct bill_line {
    const struct price *price;
    struct bill_model *model;
    uint64_t period; /* of the bill; after a reset nothing more is added */
    uint64_t prompt;
    uint64_t cached;  /* of the prompt */
    uint64_t written; /* of the prompt, into the cache */
    uint64_t completion;
    bill_amount charged_nusd;
};

/* The prices must outlive the bill. */
struct bill *bill_new(const struct prices *prices);
void bill_free(struct bill **address);
/* Clears it. Requests that still run are left out from now on. */
void bill_reset(struct bill *bill);

/* A request has come, whatever becomes of it. */
void bill_count_request(struct bill *bill);
/* The tokens of a prompt. cached + written <= all. */
struct bill_prompt {
    uint64_t all;
    uint64_t cached;
    uint64_t written;
};

/* It was accepted: charges the prompt. */
void bill_open_line(struct bill *bill, struct bill_line *line, struct span model,
                    const struct bill_prompt *prompt);
/* Charges the line for `completion` tokens in all; never fewer than before. */
void bill_charge(struct bill *bill, struct bill_line *line, uint64_t completion);
/* Whether the line belongs to the bill since its last reset. */
bool bill_covers(const struct bill *bill, const struct bill_line *line);

/* The members of GET /sim/bill that are about money and tokens, without the braces. */
void bill_write(const struct bill *bill, struct buf *out);

#endif
