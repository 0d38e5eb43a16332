/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The section `models`: names, prices, sizes. */
#include "base/money.h"
#include "check.h"
#include "value.h"

#define TOKENS_MAX         100000000
#define OUTPUT_DEFAULT     4096
#define MIN_OUTPUT_DEFAULT 16
#define PRICE_MAX_PUSD     1000000000000LL /* a dollar a token: more is a slip of units */
#define NOT_GIVEN          (-1)

/* ---- prices ---- */

/* Reports why an amount is none. */
static void refuse_amount(struct check *check, const struct field *field, const struct entry *entry,
                          int decimals)
{
    struct span text = entry->value->text;
    struct span fraction = span_from(text, span_find(text, '.'));
    if (span_starts_with(text, SPAN("-")))
        report_add(check->report, entry->value->at, "'%s' must not be negative", field->name);
    else if (fraction.len > (size_t)decimals + 1)
        report_add(check->report, entry->value->at, "'%s' must have at most %d decimals",
                   field->name, decimals);
    else
        report_add(check->report, entry->value->at, "'%s' must be %s", field->name, field->example);
}

/* Member: int64_t, pico-dollars a token. */
static void read_price(struct check *check, const struct field *field, const struct entry *entry,
                       void *into)
{
    struct span text;
    int64_t pusd;
    if (!schema_text(check, entry, &text))
        return;
    if (!money_parse_price(text, &pusd) || pusd > PRICE_MAX_PUSD)
        refuse_amount(check, field, entry, 6);
    else
        *(int64_t *)(void *)((char *)into + field->offset) = pusd;
}

void check_usd(struct check *check, const struct field *field, const struct entry *entry,
               void *into)
{
    struct span text;
    int64_t nusd;
    if (!schema_text(check, entry, &text))
        return;
    if (!value_usd(text, &nusd))
        refuse_amount(check, field, entry, 9);
    else
        *(int64_t *)(void *)((char *)into + field->offset) = nusd;
}

#define PRICE(NAME, FLAGS)                                                        \
    {                                                                             \
        .name = #NAME, .read = read_price, .flags = (FLAGS),                      \
        .offset = offsetof(struct price, rates.NAME##_pusd),                      \
        .example = "US dollars per million tokens, such as 2.50, at most 1000000" \
    }

static void read_prices(struct check *check, const struct field *field, const struct entry *entry,
                        void *into)
{
    static const struct field fields[] = {PRICE(input, FIELD_REQUIRED),
                                          PRICE(cached_input, 0),
                                          PRICE(cache_write, 0),
                                          PRICE(output, FIELD_REQUIRED),
                                          {.name = "per_request",
                                           .read = check_usd,
                                           .offset = offsetof(struct price, per_request_nusd),
                                           .example = "US dollars, such as 0.01"},
                                          {.name = "cache_write_1h"},
                                          {.name = "reasoning"},
                                          {.name = "audio_*"},
                                          {.name = "image_*"},
                                          {.name = "tiers"},
                                          {.name = NULL}};
    struct draft_model *draft = into;
    struct price *price = &draft->model.price;
    (void)field;
    *price = (struct price){
        .known = true, .rates.cached_input_pusd = NOT_GIVEN, .rates.cache_write_pusd = NOT_GIVEN};
    schema_map(check, entry->value, "'price'", fields, price);
    /* Never free for want of a price: a part without one costs what the whole costs. */
    if (price->rates.cached_input_pusd == NOT_GIVEN)
        price->rates.cached_input_pusd = price->rates.input_pusd;
    if (price->rates.cache_write_pusd == NOT_GIVEN)
        price->rates.cache_write_pusd = price->rates.input_pusd;
}

/* ---- one model ---- */

static void read_aliases(struct check *check, const struct field *field, const struct entry *entry,
                         void *into)
{
    struct draft_model *draft = into;
    (void)field;
    if (schema_is_list(check, entry))
        draft->aliases = entry->value;
}

#define TOKENS(NAME, LEAST)                                                                     \
    {                                                                                           \
        .name = #NAME, .read = field_count, .offset = offsetof(struct draft_model, model.NAME), \
        .least = (LEAST), .most = TOKENS_MAX, .example = "from " #LEAST " to 100000000"         \
    }

static const struct field model_fields[] = {
    {.name = "targets", .read = check_targets, .flags = FIELD_REQUIRED},
    {.name = "aliases", .read = read_aliases},
    {.name = "price", .read = read_prices},
    TOKENS(context_window, 1),
    TOKENS(max_output_tokens, 1),
    TOKENS(min_output_tokens, 1),
    TOKENS(hidden_input, 0),
    {.name = "route"},
    {.name = "fallback", .read = check_fallback},
    {.name = "retries", .read = check_retries},
    {.name = "tokenizer"},
    {.name = "max_input_bound"},
    {.name = NULL}};

/* Defaults give way to what was written; where two figures that were written contradict each other
 * it is told, and never resolved in silence. */
static void complete_sizes(struct check *check, struct draft_model *draft)
{
    struct model *model = &draft->model;
    int64_t window = model->context_window;
    if (model->max_output_tokens == 0)
        model->max_output_tokens = window > 0 && window < OUTPUT_DEFAULT ? window : OUTPUT_DEFAULT;
    else if (window > 0 && model->max_output_tokens > window)
        report_add(check->report, draft->at,
                   "'max_output_tokens' (%lld) of model '%.*s' is more than its 'context_window' "
                   "(%lld)",
                   (long long)model->max_output_tokens, SPAN_ARG(model->name), (long long)window);
    if (model->min_output_tokens == 0)
        model->min_output_tokens = model->max_output_tokens < MIN_OUTPUT_DEFAULT
                                       ? model->max_output_tokens
                                       : MIN_OUTPUT_DEFAULT;
    else if (model->min_output_tokens > model->max_output_tokens)
        report_add(check->report, draft->at,
                   "'min_output_tokens' (%lld) of model '%.*s' is more than its "
                   "'max_output_tokens' (%lld)",
                   (long long)model->min_output_tokens, SPAN_ARG(model->name),
                   (long long)model->max_output_tokens);
}

/* Makes `name` mean the model, unless it means one already. */
static void add_name(struct check *check, struct draft_model *draft, struct span name,
                     struct mark at)
{
    struct table *names = &check->snapshot->models_by_name;
    const struct model *other = table_get(names, name);
    if (span_find(name, '*') < name.len)
        schema_refuse_later(check, at, name);
    else if (!value_is_model(name))
        report_add(check->report, at,
                   "a model's name must be 1 to 95 visible ASCII characters without quotes");
    if (other != NULL)
        report_add(check->report, at, "the name '%.*s' already means the model '%.*s'",
                   SPAN_ARG(name), SPAN_ARG(other->name));
    else if (name.len > 0)
        table_put(names, name, &draft->model);
}

/* After all names: see check_models. */
static void check_aliases(struct check *check, struct draft_model *draft)
{
    if (draft->aliases == NULL)
        return;
    for (const struct entry *item = draft->aliases->first; item != NULL; item = item->next) {
        const struct node *value = item->value;
        if (value->bad)
            continue;
        if (value->type != NODE_SCALAR)
            report_add(check->report, value->at, "'aliases' must hold names");
        else
            add_name(check, draft, config_copy(&check->snapshot->arena, value->text), value->at);
    }
}

static void check_model(struct check *check, const struct entry *entry)
{
    struct draft_model *draft = CONFIG_NEW(&check->snapshot->arena, struct draft_model);
    draft->at = entry->at;
    draft->model.name = config_copy(&check->snapshot->arena, entry->key);
    draft->model.hidden_input = NOT_GIVEN;
    check_default_retries(&draft->model.retries);
    draft->model.loaded_wall_ns = check->snapshot->loaded_wall_ns;
    list_append(&check->models, &draft->link);
    check->snapshot->model_count++;
    add_name(check, draft, draft->model.name, entry->at);
    schema_map(check, entry->value, check_where(check, "model", entry->key), model_fields, draft);
    complete_sizes(check, draft);
}

void check_models(struct check *check)
{
    const struct node *node = check->models_node;
    if (node == NULL)
        return;
    if (node->type != NODE_MAP) {
        report_add(check->report, node->at, "'models' must be a mapping of names to models");
        check->models_node = NULL; /* so that no tenant is said to name an unknown one */
        return;
    }
    for (const struct entry *entry = node->first; entry != NULL; entry = entry->next)
        check_model(check, entry);
    /* Names first: where an alias meets a name, it is the alias that is in the way. */
    LIST_FOR_EACH (link, &check->models)
        check_aliases(check, LIST_ITEM(link, struct draft_model, link));
    check_fallbacks(check);
}
