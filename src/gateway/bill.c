/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The charge of one attempt. Sums that overflow are charged as the whole hold: money is never lost
 * by arithmetic.
 */
#include "bill.h"

#include "exchange.h"
#include "output_count.h"

static int64_t held(const struct exchange *exchange)
{
    const struct reservation *reservation = &exchange->lease.reservation;
    return reservation->open ? reservation->amount_nusd : 0;
}

static int64_t cost_of(const struct exchange *exchange, const struct usage *usage)
{
    int64_t cost;
    if (exchange->price == NULL)
        return 0;
    return price_cost(exchange->price, usage, &cost) ? cost : held(exchange);
}

/* Whether the provider saw the request and may have worked for it. */
static bool may_be_billed(const struct exchange *exchange)
{
    bool answered_error = exchange->answer == ANSWER_DONE && exchange->answer_err == ERR_NONE &&
                          !exchange->answer_cut && exchange->facts.status >= 400;
    bool redirected = exchange->answer_err == ERR_UPSTREAM_STATUS;
    return exchange->facts.connected && !answered_error && !redirected;
}

/* As counted before it was sent, within the bound. */
static int64_t counted_input(const struct exchange *exchange)
{
    int64_t input = exchange->counted.tokens;
    return input < exchange->input_bound ? input : exchange->input_bound;
}

/* What was delivered; of a whole answer that could not be read, its bytes. */
static int64_t counted_output(const struct exchange *exchange)
{
    int64_t output = output_count_total(exchange);
    if (output == 0 && !exchange->is_stream && exchange->call.kind != CALL_EMBEDDINGS)
        output = usage_estimate_tokens(exchange->facts.received_bytes);
    return output;
}

static struct usage count(const struct exchange *exchange)
{
    return (struct usage){.input = counted_input(exchange), .output = counted_output(exchange)};
}

/* What is not accounted for yet of what was held. */
static int64_t rest(const struct bill *bill)
{
    return bill->held_nusd > bill->cost_nusd ? bill->held_nusd - bill->cost_nusd : 0;
}

static void charge_counted(struct exchange *exchange)
{
    struct bill *bill = &exchange->bill;
    bill->usage = count(exchange);
    bill->source = USAGE_COUNTED;
    bill->cost_nusd = cost_of(exchange, &bill->usage);
    if (exchange->lease.reservation.open && bill->cost_nusd > bill->held_nusd)
        bill->cost_nusd = bill->held_nusd;
    bill->uncertain_nusd = rest(bill);
}

static void charge_reported(struct exchange *exchange)
{
    struct bill *bill = &exchange->bill;
    bill->usage = exchange->reported;
    bill->source = USAGE_REPORTED;
    bill->cost_nusd = cost_of(exchange, &bill->usage);
}

/* A report from before the end is the least that will be billed: what was counted may be more, and
 * the rest of the hold is uncertain as without any. */
static void charge_unfinished(struct exchange *exchange)
{
    struct bill *bill = &exchange->bill;
    charge_counted(exchange);
    int64_t reported = cost_of(exchange, &exchange->reported);
    if (reported <= bill->cost_nusd)
        return;
    charge_reported(exchange);
    bill->uncertain_nusd = rest(bill);
}

void bill_make(struct exchange *exchange)
{
    struct bill *bill = &exchange->bill;
    if (bill->made)
        return;
    bill->made = true;
    bill->held_nusd = held(exchange);
    if (exchange->has_reported && exchange->usage_final)
        charge_reported(exchange);
    else if (exchange->has_reported)
        charge_unfinished(exchange);
    else if (exchange->answer != ANSWER_NONE && may_be_billed(exchange))
        charge_counted(exchange);
}

/* Where the cost was cut to what was held, the last meters have the less. */
void bill_add_meters(const struct exchange *exchange, int64_t nusd[PRICE_METERS])
{
    int64_t parts[PRICE_METERS], left = exchange->bill.cost_nusd;
    if (exchange->price == NULL || !price_parts(exchange->price, &exchange->bill.usage, parts))
        return;
    for (size_t i = 0; i < PRICE_METERS; i++) {
        int64_t part = parts[i] < left ? parts[i] : left;
        nusd[i] += part;
        left -= part;
    }
}
