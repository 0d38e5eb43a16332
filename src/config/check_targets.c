/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Within `models`: where a model's requests go, how often they are tried, and what comes after. */
#include "check.h"
#include "suggest.h"

#define TARGET_MODEL_MAX 256 /* it is written into each body, which has room for so much */
#define ATTEMPTS_MAX     8
#define ATTEMPTS_DEFAULT 2

/* ---- targets ---- */

/* A target that names no provider: usually a slip of the pen. */
static void refuse_provider(struct check *check, const struct node *value)
{
    struct suggestion suggestion;
    char nearest[SUGGESTION_SIZE];
    suggestion_init(&suggestion, value->text);
    LIST_FOR_EACH (link, &check->providers) {
        struct draft_provider *draft = LIST_ITEM(link, struct draft_provider, link);
        suggestion_offer(&suggestion, span_from_string(draft->provider.name));
    }
    report_add(check->report, value->at, "unknown provider '%.*s'%s", SPAN_ARG(value->raw),
               suggestion_text(&suggestion, nearest));
}

static void read_provider(struct check *check, const struct field *field, const struct entry *entry,
                          void *into)
{
    struct target *target = into;
    struct span text;
    (void)field;
    if (check->providers_node == NULL || !schema_text(check, entry, &text))
        return;
    const struct draft_provider *draft = table_get(&check->providers_by_name, text);
    if (draft == NULL)
        refuse_provider(check, entry->value);
    else
        target->provider = &draft->provider;
}

static void read_model(struct check *check, const struct field *field, const struct entry *entry,
                       void *into)
{
    struct target *target = into;
    const char *name = NULL;
    struct field plain = *field;
    plain.offset = 0;
    field_string(check, &plain, entry, &name);
    target->model = span_from_string(name);
    if (target->model.len > TARGET_MODEL_MAX)
        report_add(check->report, entry->value->at, "'model' must have at most %d bytes",
                   TARGET_MODEL_MAX);
    if (span_equal(target->model, SPAN("*")))
        schema_refuse_later(check, entry->value->at, target->model);
}

static const struct field target_fields[] = {
    {.name = "provider", .read = read_provider, .flags = FIELD_REQUIRED},
    {.name = "model", .read = read_model, .flags = FIELD_REQUIRED},
    {.name = "weight",
     .read = field_count,
     .offset = offsetof(struct target, weight),
     .least = 1,
     .most = ROUTE_MAX_WEIGHT,
     .example = "from 1 to 1000"},
    {.name = "deployment"},
    {.name = "limits"},
    {.name = "timeouts"},
    {.name = "headers"},
    {.name = NULL}};

void check_targets(struct check *check, const struct field *field, const struct entry *entry,
                   void *into)
{
    struct draft_model *draft = into;
    (void)field;
    if (!schema_is_list(check, entry))
        return;
    const struct node *list = entry->value;
    if (list->first == NULL) {
        report_add(check->report, list->at, "'targets' must not be empty");
        return;
    }
    if (list->count > ROUTE_MAX_TARGETS) {
        report_add(check->report, list->at, "'targets' must have at most %d entries",
                   ROUTE_MAX_TARGETS);
        return;
    }
    struct target *targets =
        config_alloc(&check->snapshot->arena, list->count, sizeof(struct target));
    draft->targets = targets;
    draft->model.targets = targets;
    draft->model.target_count = list->count;
    for (const struct entry *item = list->first; item != NULL; item = item->next, targets++) {
        *targets = (struct target){.weight = 1};
        schema_map(check, item->value, "a target", target_fields, targets);
    }
}

/* ---- retries ---- */

static bool *cause_of(struct retries *retries, struct span name)
{
    if (span_equal(name, SPAN("connect")))
        return &retries->on_connect;
    if (span_equal(name, SPAN("429")))
        return &retries->on_429;
    if (span_equal(name, SPAN("5xx")))
        return &retries->on_5xx;
    return NULL;
}

/* What is not listed is not tried again. */
static void read_on(struct check *check, const struct field *field, const struct entry *entry,
                    void *into)
{
    struct retries *retries = into;
    (void)field;
    if (!schema_is_list(check, entry))
        return;
    *retries = (struct retries){.attempts = retries->attempts};
    for (const struct entry *item = entry->value->first; item != NULL; item = item->next) {
        const struct node *value = item->value;
        if (value->bad)
            continue;
        bool *cause = value->type == NODE_SCALAR ? cause_of(retries, value->text) : NULL;
        if (cause == NULL)
            report_add(check->report, value->at, "'on' must hold connect, 429 or 5xx");
        else
            *cause = true;
    }
}

void check_retries(struct check *check, const struct field *field, const struct entry *entry,
                   void *into)
{
    static const struct field fields[] = {{.name = "attempts",
                                           .read = field_count,
                                           .offset = offsetof(struct retries, attempts),
                                           .least = 1,
                                           .most = ATTEMPTS_MAX,
                                           .example = "from 1 to 8"},
                                          {.name = "on", .read = read_on},
                                          {.name = NULL}};
    struct draft_model *draft = into;
    (void)field;
    schema_map(check, entry->value, "'retries'", fields, &draft->model.retries);
}

void check_default_retries(struct retries *retries)
{
    *retries = (struct retries){
        .attempts = ATTEMPTS_DEFAULT, .on_connect = true, .on_429 = true, .on_5xx = true};
}

/* ---- fallbacks ---- */

void check_fallback(struct check *check, const struct field *field, const struct entry *entry,
                    void *into)
{
    struct draft_model *draft = into;
    struct span text;
    (void)field;
    if (schema_text(check, entry, &text))
        draft->fallback = entry->value;
}

/* "a -> b -> a" */
static struct span chain_text(struct check *check, const struct model *first)
{
    struct span text = first->name;
    const struct model *model = first;
    do {
        model = model->fallback;
        text = arena_printf(check->scratch, "%.*s -> %.*s", SPAN_ARG(text), SPAN_ARG(model->name));
        ASSERT(text.ptr != NULL);
    } while (model != first);
    return text;
}

/* Opens the circle that begins here, so that it is told once. */
static void refuse_circle(struct check *check, struct draft_model *draft)
{
    const struct model *model = &draft->model;
    /* No further than all models: the chain may run into a circle that is another's. */
    for (size_t i = 0; i < check->snapshot->model_count && model != NULL; i++) {
        model = model->fallback;
        if (model != &draft->model)
            continue;
        report_add(check->report, draft->fallback->at, "'fallback' goes in a circle: %.*s",
                   SPAN_ARG(chain_text(check, model)));
        draft->model.fallback = NULL;
        return;
    }
}

void check_fallbacks(struct check *check)
{
    LIST_FOR_EACH (link, &check->models) {
        struct draft_model *draft = LIST_ITEM(link, struct draft_model, link);
        if (draft->fallback == NULL)
            continue;
        draft->model.fallback = table_get(&check->snapshot->models_by_name, draft->fallback->text);
        if (draft->model.fallback == NULL)
            check_refuse_model(check, draft->fallback);
    }
    LIST_FOR_EACH (link, &check->models)
        refuse_circle(check, LIST_ITEM(link, struct draft_model, link));
}
