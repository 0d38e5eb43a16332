/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The section `models`: names and sizes. */
#include "check.h"
#include "value.h"

#define TOKENS_MAX         100000000
#define OUTPUT_DEFAULT     4096
#define MIN_OUTPUT_DEFAULT 16
#define NOT_GIVEN          (-1)

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
    {.name = "price", .read = check_price},
    TOKENS(context_window, 1),
    TOKENS(max_output_tokens, 1),
    TOKENS(min_output_tokens, 1),
    TOKENS(hidden_input, 0),
    {.name = "route"},
    {.name = "fallback", .read = check_fallback},
    {.name = "retries", .read = check_retries},
    {.name = "tokenizer", .read = check_tokenizer},
    TOKENS(max_input_bound, 1),
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
    check_prices(check, draft);
    complete_sizes(check, draft);
    check_counting(draft);
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
