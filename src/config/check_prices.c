/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What things cost: amounts, `price` of a model, and the catalogue for models without one. Prices are
 * a target's, since providers differ; a model's own `price` holds for all of its targets. What a
 * target has is copied into the snapshot, so a catalogue of the file's ends with the load.
 */
#include "base/money.h"
#include "check.h"
#include "file.h"
#include "value.h"

#include <stdlib.h>

#define PERMILLE_MAX 100000

/* ---- amounts ---- */

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
static void read_rate(struct check *check, const struct field *field, const struct entry *entry,
                      void *into)
{
    struct span text;
    int64_t pusd;
    if (!schema_text(check, entry, &text))
        return;
    if (!money_parse_price(text, &pusd) || pusd > CATALOGUE_PUSD_MAX)
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

/* Member: int64_t, thousandths. "0.5" is read as nano-dollars, whose decimals are enough. */
static void read_permille(struct check *check, const struct field *field, const struct entry *entry,
                          void *into)
{
    struct span text;
    int64_t nano;
    if (!schema_text(check, entry, &text))
        return;
    if (!money_parse_nusd(text, &nano) || nano == 0 || nano % 1000000 != 0 ||
        nano / 1000000 > PERMILLE_MAX)
        refuse_amount(check, field, entry, 3);
    else
        *(int64_t *)(void *)((char *)into + field->offset) = nano / 1000000;
}

/* ---- `price` ---- */

/* A price while it is read, and each of its long-context steps. */
struct draft_price {
    struct price_rates rates;
    int64_t above_tokens; /* of a step */
    struct price price;
    bool bad; /* of its steps, one */
};

#define RATE(NAME, FLAGS)                                                         \
    {                                                                             \
        .name = #NAME, .read = read_rate, .flags = (FLAGS),                       \
        .offset = offsetof(struct draft_price, rates.NAME##_pusd),                \
        .example = "US dollars per million tokens, such as 2.50, at most 1000000" \
    }

#define RATES                                                                   \
    RATE(input, FIELD_REQUIRED), RATE(cached_input, 0), RATE(cache_write, 0),   \
        RATE(cache_write_1h, 0), RATE(audio_input, 0), RATE(cached_audio, 0),   \
        RATE(image_input, 0), RATE(output, FIELD_REQUIRED), RATE(reasoning, 0), \
        RATE(audio_output, 0), RATE(image_output, 0)

/* Never free for want of a price: a part without one costs what the whole costs. False where a price
 * that must be there is not, which was reported. */
static bool complete(struct price_rates *rates)
{
    if (rates->input_pusd == PRICE_NOT_GIVEN || rates->output_pusd == PRICE_NOT_GIVEN)
        return false;
    price_rates_complete(rates);
    return true;
}

static void read_step(struct check *check, const struct node *node, struct draft_price *draft)
{
    static const struct field fields[] = {RATES,
                                          {.name = "above",
                                           .read = field_count,
                                           .flags = FIELD_REQUIRED,
                                           .offset = offsetof(struct draft_price, above_tokens),
                                           .least = 1,
                                           .most = CATALOGUE_TOKENS_MAX,
                                           .example = "from 1 to 100000000"},
                                          {.name = NULL}};
    struct price *price = &draft->price;
    struct draft_price step = {.rates = price_rates_unknown()};
    schema_map(check, node, "a tier", fields, &step);
    if (!complete(&step.rates) || step.above_tokens == 0) {
        draft->bad = true;
        return;
    }
    if (price->step_count > 0 &&
        step.above_tokens <= price->steps[price->step_count - 1].above_tokens)
        report_add(check->report, node->at, "'above' must rise from tier to tier");
    price->steps[price->step_count++] = (struct price_step){step.above_tokens, step.rates};
}

static void read_steps(struct check *check, const struct field *field, const struct entry *entry,
                       void *into)
{
    (void)field;
    if (!schema_is_list(check, entry))
        return;
    if (entry->value->count > PRICE_MAX_STEPS) {
        report_add(check->report, entry->value->at, "'tiers' must have at most %d entries",
                   PRICE_MAX_STEPS);
        return;
    }
    for (const struct entry *item = entry->value->first; item != NULL; item = item->next)
        read_step(check, item->value, into);
}

#define TIER(NAME)                                                                   \
    {                                                                                \
        .name = #NAME, .read = read_permille,                                        \
        .offset = offsetof(struct price_tiers, NAME##_permille),                     \
        .example = "what it costs beside the standard one, such as 0.5, at most 100" \
    }

static void read_tiers(struct check *check, const struct field *field, const struct entry *entry,
                       void *into)
{
    static const struct field fields[] = {TIER(flex), TIER(priority), TIER(batch), {.name = NULL}};
    struct draft_price *draft = into;
    (void)field;
    schema_map(check, entry->value, "'service_tiers'", fields, &draft->price.tiers);
}

#define USD(NAME, MEMBER)                                                                      \
    {                                                                                          \
        .name = NAME, .read = check_usd, .offset = offsetof(struct draft_price, price.MEMBER), \
        .example = "US dollars, such as 0.01"                                                  \
    }

void check_price(struct check *check, const struct field *field, const struct entry *entry,
                 void *into)
{
    static const struct field fields[] = {RATES,
                                          USD("per_request", per_request_nusd),
                                          USD("web_search", web_search_nusd),
                                          {.name = "tiers", .read = read_steps},
                                          {.name = "service_tiers", .read = read_tiers},
                                          {.name = NULL}};
    struct draft_model *model = into;
    struct draft_price draft = {.rates = price_rates_unknown(), .price.known = true};
    (void)field;
    schema_map(check, entry->value, "'price'", fields, &draft);
    if (!complete(&draft.rates) || draft.bad)
        return;
    struct price_period *period = CONFIG_NEW(&check->snapshot->arena, struct price_period);
    draft.price.rates = draft.rates;
    *period = (struct price_period){.from_wall_ns = INT64_MIN, .price = draft.price};
    model->price = (struct price_schedule){period, 1};
}

/* ---- the catalogue ---- */

static void read_catalogue(struct check *check, const struct field *field,
                           const struct entry *entry, const char *path)
{
    struct buf text;
    struct catalogue_fault fault;
    const char *why;
    buf_init(&text, CATALOGUE_TEXT_MAX, 0);
    if (!file_read(path, &text, &why)) {
        report_add(check->report, entry->value->at, "'%s' cannot be read from '%s': %s",
                   field->name, path, why);
    } else {
        check->catalogue = catalogue_new(buf_span(&text), &fault);
        if (check->catalogue == NULL)
            report_add(check->report, entry->value->at, "'%s' cannot be used: %s:%zu:%zu: %s",
                       field->name, path, fault.line, fault.column, fault.what);
    }
    buf_fini(&text);
}

void check_catalogue(struct check *check, const struct field *field, const struct entry *entry,
                     void *into)
{
    struct snapshot *snapshot = into;
    check->has_catalogue = true;
    if (node_is_off(entry->value))
        return;
    const char *path = check_path(check, field, entry);
    if (path == NULL)
        return;
    snapshot->prices_file = config_copy(&snapshot->arena, span_from_string(path)).ptr;
    read_catalogue(check, field, entry, path);
}

/* The one in force, NULL: none. The shipped one is read once and kept: loads are on one thread. */
static const struct catalogue *catalogue_in_force(const struct check *check)
{
    static struct catalogue *shipped;
    struct catalogue_fault fault;
    if (check->has_catalogue)
        return check->catalogue;
    if (shipped == NULL)
        shipped = catalogue_new(catalogue_shipped(), &fault);
    ASSERT(shipped != NULL); /* the program's own */
    return shipped;
}

/* ---- targets ---- */

static void price_target(struct check *check, const struct catalogue_entry *entry,
                         struct target *target)
{
    struct arena *arena = &check->snapshot->arena;
    size_t count = entry->prices.count;
    struct price_period *periods = config_alloc(arena, count, sizeof(*periods));
    memcpy(periods, entry->prices.periods, count * sizeof(*periods));
    target->prices = (struct price_schedule){periods, count};
    target->priced_by =
        arena_printf(arena, "%.*s/%.*s", SPAN_ARG(entry->provider), SPAN_ARG(entry->model)).ptr;
    ASSERT(target->priced_by != NULL);
}

static const struct catalogue_entry *find_entry(const struct check *check,
                                                const struct target *target)
{
    const struct catalogue *catalogue = catalogue_in_force(check);
    if (catalogue == NULL || target->provider == NULL)
        return NULL;
    return catalogue_find(catalogue, span_from_string(target->provider->name),
                          span_from_string(target->provider->base_url), target->model);
}

/* The least of what the targets have: a request may go to any. */
static void keep_least(int64_t *least, int64_t tokens)
{
    if (tokens > 0 && (*least == 0 || tokens < *least))
        *least = tokens;
}

/* Where the file is silent, and not against what it says. */
static void take_sizes(struct model *model, int64_t window, int64_t max_output)
{
    if (model->context_window == 0 && window >= model->max_output_tokens &&
        window >= model->min_output_tokens)
        model->context_window = window;
    bool fits = model->context_window == 0 || max_output <= model->context_window;
    if (model->max_output_tokens == 0 && max_output >= model->min_output_tokens && fits)
        model->max_output_tokens = max_output;
}

void check_prices(struct check *check, struct draft_model *draft)
{
    int64_t window = 0;
    int64_t max_output = 0;
    for (size_t i = 0; i < draft->model.target_count; i++) {
        struct target *target = &draft->targets[i];
        const struct catalogue_entry *entry = find_entry(check, target);
        target->prices = draft->price;
        if (entry == NULL)
            continue;
        if (draft->price.count == 0)
            price_target(check, entry, target);
        keep_least(&window, entry->context_window);
        keep_least(&max_output, entry->max_output_tokens);
    }
    take_sizes(&draft->model, window, max_output);
}
