/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `budgets` and `limits`, of a tenant or of a key. Amounts are exact (base/money.h): a text that
 * cannot be represented is refused, never rounded.
 */
#include "check.h"
#include "value.h"

#include <string.h>

#define MILLION               1000000
#define MAX_HOLD_DEFAULT      (MILLION / 10) /* 10% */
#define REQUESTS_MAX          1000000000
#define CONCURRENT_MAX        1000000
#define TOKENS_PER_MINUTE_MAX RATE_MOST_PER_MINUTE

/* Of some fields this version knows one value only; the others are named so as to be refused by
 * name. */
static const struct choice windows[] = {{"day", WINDOW_DAY},
                                        {"month", WINDOW_MONTH},
                                        {"total", WINDOW_TOTAL},
                                        {"minute", CHOICE_LATER},
                                        {"hour", CHOICE_LATER},
                                        {"week", CHOICE_LATER},
                                        {NULL, 0}};
static const struct choice modes[] = {{"enforce", 0}, {"observe", CHOICE_LATER}, {NULL, 0}};
static const struct choice pers[] = {{"tenant", 0},
                                     {"key", CHOICE_LATER},
                                     {"user", CHOICE_LATER},
                                     {"session", CHOICE_LATER},
                                     {NULL, 0}};
static const struct choice holds[] = {
    {"bound", 0}, {"topup", CHOICE_LATER}, {"learned", CHOICE_LATER}, {NULL, 0}};
static const struct choice uncertains[] = {{"hold", false}, {"release", true}, {NULL, 0}};
static const struct choice statuses[] = {{"402", 402}, {"429", 429}, {NULL, 0}};

static void read_name(struct check *check, const struct field *field, const struct entry *entry,
                      void *into)
{
    struct draft_budget *draft = into;
    struct span text;
    (void)field;
    if (!schema_text(check, entry, &text))
        return;
    if (!value_is_name(text))
        report_add(check->report, entry->value->at,
                   "a budget's name must be 1 to 95 letters, digits or . _ - @ : +");
    else
        draft->name = config_copy(&check->snapshot->arena, text).ptr;
}

/* A duration is a rolling window. */
static void read_window(struct check *check, const struct field *field, const struct entry *entry,
                        void *into)
{
    int64_t ms;
    if (entry->value->type == NODE_SCALAR && value_duration(entry->value->text, &ms))
        report_add(check->report, entry->value->at,
                   "window '%.*s' is not supported by this version of Weir",
                   SPAN_ARG(entry->value->raw));
    else
        field_choice(check, field, entry, into);
}

/* Any other zone is refused: which ones exist is for the version that has them. */
static void read_timezone(struct check *check, const struct field *field, const struct entry *entry,
                          void *into)
{
    struct span text;
    (void)field;
    (void)into;
    if (schema_text(check, entry, &text) && !span_equal(text, SPAN("UTC")))
        report_add(check->report, entry->value->at,
                   "timezone '%.*s' is not supported by this version of Weir",
                   SPAN_ARG(entry->value->raw));
}

/* A share is kept as such until the limit is known: the fields come in any order. */
static void read_max_hold(struct check *check, const struct field *field, const struct entry *entry,
                          void *into)
{
    struct draft_budget *draft = into;
    struct span text;
    int64_t millionths;
    int64_t nusd;
    if (!schema_text(check, entry, &text))
        return;
    if (value_percent(text, &millionths) && millionths > 0 && millionths <= MILLION) {
        draft->max_hold_millionths = millionths;
    } else if (value_usd(text, &nusd) && nusd > 0) {
        draft->max_hold_millionths = -1;
        draft->max_hold_nusd = nusd;
    } else {
        report_add(check->report, entry->value->at, "'%s' must be %s", field->name, field->example);
    }
}

static const struct field budget_fields[] = {
    {.name = "name", .read = read_name, .flags = FIELD_REQUIRED},
    {.name = "window",
     .read = read_window,
     .flags = FIELD_REQUIRED,
     .offset = offsetof(struct draft_budget, window),
     .choices = windows},
    {.name = "timezone", .read = read_timezone},
    {.name = "usd",
     .read = check_usd,
     .flags = FIELD_REQUIRED,
     .offset = offsetof(struct draft_budget, limit_nusd),
     .example = "US dollars, such as 25 or 0.50"},
    {.name = "mode", .read = field_fixed, .choices = modes},
    {.name = "per", .read = field_fixed, .choices = pers},
    {.name = "hold", .read = field_fixed, .choices = holds},
    {.name = "uncertain",
     .read = field_choice,
     .offset = offsetof(struct draft_budget, release_uncertain),
     .choices = uncertains},
    {.name = "max_hold",
     .read = read_max_hold,
     .example = "a share of the limit such as 10%, or US dollars such as 0.50, and more than 0"},
    {.name = "status",
     .read = field_choice,
     .offset = offsetof(struct draft_budget, refusal_status),
     .choices = statuses},
    {.name = "tokens"},
    {.name = "match"},
    {.name = "max_subjects"},
    {.name = "budget_wait"},
    {.name = "steps"},
    {.name = "burn_rate"},
    {.name = NULL}};

/* Takes the next place in allowance->budgets, which has room for all. */
static void check_budget(struct check *check, const struct entry *item,
                         struct draft_allowance *allowance)
{
    struct draft_budget *draft = &allowance->budgets[allowance->budget_count];
    *draft = (struct draft_budget){
        .at = item->at, .refusal_status = 402, .max_hold_millionths = MAX_HOLD_DEFAULT};
    schema_map(check, item->value, "a budget", budget_fields, draft);
    for (size_t i = 0; i < allowance->budget_count && draft->name != NULL; i++) {
        const struct draft_budget *other = &allowance->budgets[i];
        if (other->name != NULL && strcmp(other->name, draft->name) == 0)
            report_add(check->report, draft->at, "the budget '%s' is already on line %zu",
                       draft->name, other->at.line);
    }
    /* Rounded down: what is held never passes the share. */
    if (draft->max_hold_millionths >= 0)
        draft->max_hold_nusd =
            (int64_t)((__int128)draft->limit_nusd * draft->max_hold_millionths / MILLION);
    allowance->budget_count++;
}

void check_budgets(struct check *check, const struct field *field, const struct entry *entry,
                   void *into)
{
    struct draft_allowance *allowance = (void *)((char *)into + field->offset);
    const struct node *list = entry->value;
    if (!schema_is_list(check, entry))
        return;
    /* More could never serve a request; and duplicates are sought by comparing all. */
    if (list->count > BUDGET_MAX_PATH) {
        report_add(check->report, list->at, "more than %d budgets in one place", BUDGET_MAX_PATH);
        return;
    }
    allowance->budgets =
        config_alloc(&check->snapshot->arena, list->count, sizeof(*allowance->budgets));
    for (const struct entry *item = list->first; item != NULL; item = item->next)
        check_budget(check, item, allowance);
}

void check_limits(struct check *check, const struct field *field, const struct entry *entry,
                  void *into)
{
    static const struct field fields[] = {
        {.name = "requests_per_minute",
         .read = field_count,
         .offset = offsetof(struct draft_allowance, requests_per_minute),
         .least = 1,
         .most = REQUESTS_MAX,
         .example = "from 1 to 1000000000"},
        {.name = "concurrent",
         .read = field_count,
         .offset = offsetof(struct draft_allowance, concurrent),
         .least = 1,
         .most = CONCURRENT_MAX,
         .example = "from 1 to 1000000"},
        {.name = "tokens_per_minute",
         .read = field_count,
         .offset = offsetof(struct draft_allowance, tokens_per_minute),
         .least = 1,
         .most = TOKENS_PER_MINUTE_MAX,
         .example = "from 1 to 60000000000"},
        {.name = NULL}};
    schema_map(check, entry->value, "'limits'", fields, (char *)into + field->offset);
}
