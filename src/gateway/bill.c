/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The charge of one attempt. Sums that overflow are charged as the whole hold: money is never lost
 * by arithmetic.
 */
#include "bill.h"

#include "exchange.h"

static int64_t held(const struct exchange *exchange)
{
    const struct reservation *reservation = &exchange->lease.reservation;
    return reservation->open ? reservation->amount_nusd : 0;
}

static int64_t cost_of(const struct exchange *exchange, const struct usage *usage)
{
    const struct price *price = &exchange->target->price;
    int64_t cost;
    if (!price->known)
        return 0;
    return price_cost(price, usage, &cost) ? cost : held(exchange);
}

/* Whether the provider saw the request and may have worked for it. */
static bool may_be_billed(const struct exchange *exchange)
{
    bool answered_error = exchange->answer == ANSWER_DONE && exchange->answer_err == ERR_NONE &&
                          exchange->facts.status >= 400;
    bool redirected = exchange->answer_err == ERR_UPSTREAM_STATUS;
    return exchange->facts.connected && !answered_error && !redirected;
}

/* Four bytes a token of what was sent and delivered, within the bound. */
static struct usage count(const struct exchange *exchange)
{
    uint64_t delivered = exchange->text_bytes;
    if (!exchange->is_stream && delivered == 0)
        delivered = exchange->facts.received_bytes;
    int64_t input = usage_estimate_tokens(exchange->call.body.text.len);
    if (input > exchange->input_bound)
        input = exchange->input_bound;
    return (struct usage){.input = input, .output = usage_estimate_tokens(delivered)};
}

static void charge_counted(struct exchange *exchange)
{
    struct bill *bill = &exchange->bill;
    int64_t most = bill->held_nusd;
    bill->usage = count(exchange);
    bill->source = USAGE_COUNTED;
    bill->cost_nusd = cost_of(exchange, &bill->usage);
    if (!exchange->lease.reservation.open)
        return;
    if (bill->cost_nusd > most)
        bill->cost_nusd = most;
    bill->uncertain_nusd = most - bill->cost_nusd;
}

void bill_make(struct exchange *exchange)
{
    struct bill *bill = &exchange->bill;
    if (bill->made)
        return;
    bill->made = true;
    bill->held_nusd = held(exchange);
    if (exchange->has_reported) {
        bill->usage = exchange->reported;
        bill->source = USAGE_REPORTED;
        bill->cost_nusd = cost_of(exchange, &bill->usage);
    } else if (exchange->answer != ANSWER_NONE && may_be_billed(exchange)) {
        charge_counted(exchange);
    }
}
