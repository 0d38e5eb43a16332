/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the price list. Numbers are decimal strings, taken digit by digit: a JSON number would go
 * through a double. Nothing of base/money is used, which is what this bill is there to check.
 */
#include "prices.h"

#include "base/memory.h"
#include "base/table.h"
#include "wire/json.h"

#include <stdlib.h>

#define WHOLE_DIGITS   9
#define DECIMAL_DIGITS 6

static const struct price default_price = {.input_pusd = 150000,
                                           .cached_input_pusd = 75000,
                                           .cache_write_pusd = 187500,
                                           .output_pusd = 600000};

struct priced_model {
    char *name;
    size_t name_len;
    struct price price;
};

struct prices {
    struct priced_model *models; /* "*" not among them */
    size_t count;
    struct table by_name;
    struct price others;
};

/* Appends the digits of `text` to *value; false for anything else, or more than `most` digits. */
static bool take_digits(struct span text, size_t most, uint64_t *value)
{
    if (text.len == 0 || text.len > most)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        *value = *value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return true;
}

/* "2.50" → 2,500,000. */
static bool parse_price(struct span text, uint64_t *pusd)
{
    struct span whole;
    uint64_t value = 0;
    struct span decimals = span_cut(text, '.', &whole);
    if (!take_digits(whole, WHOLE_DIGITS, &value))
        return false;
    if (whole.len < text.len && !take_digits(decimals, DECIMAL_DIGITS, &value))
        return false;
    for (size_t i = decimals.len; i < DECIMAL_DIGITS; i++)
        value *= 10;
    *pusd = value;
    return true;
}

static uint64_t *find_field(struct price *price, struct span key)
{
    if (span_equal(key, SPAN("input")))
        return &price->input_pusd;
    if (span_equal(key, SPAN("cached_input")))
        return &price->cached_input_pusd;
    if (span_equal(key, SPAN("cache_write")))
        return &price->cache_write_pusd;
    if (span_equal(key, SPAN("output")))
        return &price->output_pusd;
    return NULL;
}

/* NULL, or what is wrong. */
static const char *read_price(const struct json *object, struct price *out)
{
    if (json_get(object, "input") == NULL || json_get(object, "output") == NULL)
        return "prices: each model needs an object with input and output";
    *out = (struct price){0};
    for (const struct json *node = json_first(object); node != NULL; node = json_next(node)) {
        uint64_t *field = find_field(out, json_key(node));
        if (field == NULL)
            return "prices: a price is one of input, cached_input, cache_write, output";
        if (!parse_price(json_string(node), field))
            return "prices: a price is a string such as \"2.50\", with at most six decimals";
    }
    if (json_get(object, "cached_input") == NULL)
        out->cached_input_pusd = out->input_pusd;
    if (json_get(object, "cache_write") == NULL)
        out->cache_write_pusd = out->input_pusd;
    return NULL;
}

static const char *add_model(struct prices *prices, const struct json *node)
{
    struct price price;
    struct span name = json_key(node);
    const char *error = read_price(node, &price);
    if (error != NULL)
        return error;
    if (span_equal(name, SPAN("*"))) {
        prices->others = price;
        return NULL;
    }
    if (table_get(&prices->by_name, name) != NULL)
        return "prices: a model is there twice";
    struct priced_model *model = &prices->models[prices->count++];
    *model = (struct priced_model){memory_string(name.ptr, name.len), name.len, price};
    table_put(&prices->by_name, span_make(model->name, model->name_len), &model->price);
    return NULL;
}

static const char *read_list(struct prices *prices, const struct json *list)
{
    size_t count = 0;
    if (json_type(list) != JSON_OBJECT)
        return "prices: not a JSON object";
    for (const struct json *node = json_first(list); node != NULL; node = json_next(node))
        count++;
    prices->models = memory_array(count, sizeof(*prices->models));
    for (const struct json *node = json_first(list); node != NULL; node = json_next(node)) {
        const char *error = add_model(prices, node);
        if (error != NULL)
            return error;
    }
    return NULL;
}

struct prices *prices_new(struct span json, const char **error)
{
    struct prices *prices = MEMORY_NEW(struct prices);
    table_init(&prices->by_name);
    prices->others = default_price;
    if (json.len == 0)
        return prices;
    struct json *list = json_parse(json);
    *error = read_list(prices, list);
    json_free(&list);
    if (*error != NULL)
        prices_free(&prices);
    return prices;
}

void prices_free(struct prices **address)
{
    struct prices *prices = *address;
    *address = NULL;
    if (prices == NULL)
        return;
    for (size_t i = 0; i < prices->count; i++)
        free(prices->models[i].name);
    free(prices->models);
    table_fini(&prices->by_name);
    free(prices);
}

const struct price *prices_find(const struct prices *prices, struct span model)
{
    const struct price *price = table_get(&prices->by_name, model);
    return price != NULL ? price : &prices->others;
}

struct span prices_model(const struct prices *prices, size_t index)
{
    if (index >= prices->count)
        return SPAN_NONE;
    return span_make(prices->models[index].name, prices->models[index].name_len);
}
