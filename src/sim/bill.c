/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bill's arithmetic, apart from ours on purpose: a mistake in base/money or llm/price must not
 * be found here again.
 *
 * Bounds: a price is below 10^15, a request's tokens below 10^10, so a charge is below 10^26 of the
 * 10^38 that 128 bits hold. Model names are as many as clients like: beyond MODELS_MAX they are
 * tallied together under "*".
 */
#include "bill.h"

#include "base/assert.h"
#include "base/memory.h"
#include "base/table.h"

#include <stdlib.h>

#define PICO_PER_NANO 1000
#define NUSD_DIGITS   9
#define MODELS_MAX    1000

struct tally {
    uint64_t requests; /* billed ones */
    uint64_t prompt;
    uint64_t cached;
    uint64_t written;
    uint64_t completion;
    bill_amount nusd;
};

struct bill_model {
    char *name;
    size_t name_len;
    struct tally tally;
};

struct bill {
    const struct prices *prices;
    struct table models;
    struct tally total;
    uint64_t requests; /* errors too */
    uint64_t period;
};

/* ---- tallies ---- */

struct bill *bill_new(const struct prices *prices)
{
    struct bill *bill = MEMORY_NEW(struct bill);
    bill->prices = prices;
    table_init(&bill->models);
    return bill;
}

void bill_free(struct bill **address)
{
    struct bill *bill = *address;
    struct table_slot *slot;
    size_t cursor = 0;
    *address = NULL;
    if (bill == NULL)
        return;
    while ((slot = table_next(&bill->models, &cursor)) != NULL) {
        free(((struct bill_model *)slot->value)->name);
        free(slot->value);
    }
    table_fini(&bill->models);
    free(bill);
}

/* The models stay, at nought: requests that still run point at them. */
void bill_reset(struct bill *bill)
{
    struct table_slot *slot;
    size_t cursor = 0;
    while ((slot = table_next(&bill->models, &cursor)) != NULL)
        ((struct bill_model *)slot->value)->tally = (struct tally){0};
    bill->total = (struct tally){0};
    bill->requests = 0;
    bill->period++;
}

/* Made on first sight; never taken away. */
static struct bill_model *find_model(struct bill *bill, struct span name)
{
    struct bill_model *model = table_get(&bill->models, name);
    if (model == NULL && bill->models.count >= MODELS_MAX) {
        name = SPAN("*");
        model = table_get(&bill->models, name);
    }
    if (model != NULL)
        return model;
    model = MEMORY_NEW(struct bill_model);
    model->name = memory_string(name.ptr, name.len);
    model->name_len = name.len;
    table_put(&bill->models, span_make(model->name, model->name_len), model);
    return model;
}

void bill_count_request(struct bill *bill)
{
    bill->requests++;
}

/* The one place where tokens become money, and the one rounding. */
static bill_amount charge_nusd(const struct bill_line *line)
{
    bill_amount plain = line->prompt - line->cached - line->written;
    bill_amount pusd = plain * line->price->input_pusd +
                       (bill_amount)line->cached * line->price->cached_input_pusd +
                       (bill_amount)line->written * line->price->cache_write_pusd +
                       (bill_amount)line->completion * line->price->output_pusd;
    return (pusd + PICO_PER_NANO - 1) / PICO_PER_NANO;
}

static void add(struct tally *tally, uint64_t completion, bill_amount nusd)
{
    tally->completion += completion;
    tally->nusd += nusd;
}

static void add_request(struct tally *tally, const struct bill_line *line)
{
    tally->requests++;
    tally->prompt += line->prompt;
    tally->cached += line->cached;
    tally->written += line->written;
}

/* What was charged before is taken off the new charge, so that rounding happens once a request
 * however often it is charged. */
void bill_charge(struct bill *bill, struct bill_line *line, uint64_t completion)
{
    ASSERT(completion >= line->completion);
    uint64_t more = completion - line->completion;
    line->completion = completion;
    bill_amount nusd = charge_nusd(line);
    bill_amount more_nusd = nusd - line->charged_nusd;
    line->charged_nusd = nusd;
    if (!bill_covers(bill, line))
        return;
    add(&bill->total, more, more_nusd);
    add(&line->model->tally, more, more_nusd);
}

void bill_open_line(struct bill *bill, struct bill_line *line, struct span model,
                    const struct bill_prompt *prompt)
{
    ASSERT(prompt->cached + prompt->written <= prompt->all);
    *line = (struct bill_line){
        .price = prices_find(bill->prices, model),
        .model = find_model(bill, model),
        .period = bill->period,
        .prompt = prompt->all,
        .cached = prompt->cached,
        .written = prompt->written,
    };
    add_request(&bill->total, line);
    add_request(&line->model->tally, line);
    bill_charge(bill, line, 0);
}

bool bill_covers(const struct bill *bill, const struct bill_line *line)
{
    return line->period == bill->period;
}

/* ---- text ---- */

static void write_amount(struct buf *out, bill_amount value)
{
    char digits[40];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value > 0);
    buf_append(out, span_make(digits + at, sizeof(digits) - at));
}

/* Dollars, exact: all nine decimals, then without the zeros that end them, but for two. */
static void write_usd(struct buf *out, bill_amount nusd)
{
    char decimals[NUSD_DIGITS + 1] = ".";
    size_t len = sizeof(decimals);
    bill_amount rest = nusd;
    for (size_t i = NUSD_DIGITS; i > 0; i--) {
        decimals[i] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    while (len > 3 && decimals[len - 1] == '0')
        len--;
    write_amount(out, rest);
    buf_append(out, span_make(decimals, len));
}

static void write_tally(struct buf *out, const struct tally *tally)
{
    buf_append(out, SPAN(",\"prompt_tokens\":"));
    buf_append_u64(out, tally->prompt);
    buf_append(out, SPAN(",\"completion_tokens\":"));
    buf_append_u64(out, tally->completion);
    buf_append(out, SPAN(",\"cached_tokens\":"));
    buf_append_u64(out, tally->cached);
    buf_append(out, SPAN(",\"written_tokens\":"));
    buf_append_u64(out, tally->written);
    buf_append(out, SPAN(",\"usd\":\""));
    write_usd(out, tally->nusd);
    buf_append(out, SPAN("\",\"nano_usd\":"));
    write_amount(out, tally->nusd);
}

static void write_models(const struct bill *bill, struct buf *out)
{
    const struct table_slot *slot;
    size_t cursor = 0;
    bool first = true;
    while ((slot = table_next(&bill->models, &cursor)) != NULL) {
        const struct bill_model *model = slot->value;
        if (model->tally.requests == 0)
            continue;
        if (!first)
            buf_append_byte(out, ',');
        first = false;
        buf_append_json_string(out, slot->key);
        buf_append(out, SPAN(":{\"billed_requests\":"));
        buf_append_u64(out, model->tally.requests);
        write_tally(out, &model->tally);
        buf_append_byte(out, '}');
    }
}

void bill_write(const struct bill *bill, struct buf *out)
{
    buf_append(out, SPAN("\"requests\":"));
    buf_append_u64(out, bill->requests);
    buf_append(out, SPAN(",\"billed_requests\":"));
    buf_append_u64(out, bill->total.requests);
    write_tally(out, &bill->total);
    buf_append(out, SPAN(",\"by_model\":{"));
    write_models(bill, out);
    buf_append_byte(out, '}');
}
