/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `budgets` and `limits`, of a tenant or of a key. Amounts are exact (base/money.h): a text that
 * cannot be represented is refused, never rounded.
 */
#include "check.h"
#include "value.h"

#include "base/clock.h"

#include <string.h>

#define MILLION               1000000
#define MAX_HOLD_DEFAULT      (MILLION / 10) /* 10% */
#define MAX_SUBJECTS_DEFAULT  100000
#define MAX_SUBJECTS_MOST     10000000
#define BUDGET_WAIT_DEFAULT   2000 /* ms */
#define BUDGET_WAIT_MOST      60000
#define PERIOD_LEAST_MS       1000
#define PERIOD_MOST_MS        (400 * 86400000LL)
#define TOKENS_MAX            1000000000000000LL
#define TAGS_MAX              16
#define TAG_SIZE_MAX          128
#define REQUESTS_MAX          1000000000
#define CONCURRENT_MAX        1000000
#define TOKENS_PER_MINUTE_MAX RATE_MOST_PER_MINUTE

static const struct choice windows[] = {{"minute", WINDOW_MINUTE},
                                        {"hour", WINDOW_HOUR},
                                        {"day", WINDOW_DAY},
                                        {"week", WINDOW_WEEK},
                                        {"month", WINDOW_MONTH},
                                        {"total", WINDOW_TOTAL},
                                        {NULL, 0}};
static const struct choice modes[] = {{"enforce", false}, {"observe", true}, {NULL, 0}};
static const struct choice pers[] = {{"tenant", BUDGET_PER_TENANT},
                                     {"key", BUDGET_PER_KEY},
                                     {"user", BUDGET_PER_USER},
                                     {"session", BUDGET_PER_SESSION},
                                     {NULL, 0}};
static const struct choice holds[] = {{"bound", BUDGET_HOLD_BOUND},
                                      {"topup", CHOICE_LATER},
                                      {"learned", BUDGET_HOLD_LEARNED},
                                      {NULL, 0}};
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
        draft->budget.name = config_copy(&check->snapshot->arena, text).ptr;
}

/* A duration is a rolling window. */
static void read_window(struct check *check, const struct field *field, const struct entry *entry,
                        void *into)
{
    struct window_rule *window = &((struct draft_budget *)into)->budget.window;
    int64_t ms;
    if (entry->value->type != NODE_SCALAR || !value_duration(entry->value->text, &ms)) {
        field_choice(check, field, entry, into);
        return;
    }
    if (ms < PERIOD_LEAST_MS || ms > PERIOD_MOST_MS) {
        report_add(check->report, entry->value->at,
                   "a rolling 'window' must be from 1s to 400d long");
        return;
    }
    window->kind = WINDOW_ROLLING;
    window->period_ns = ms * NS_PER_MS;
}

/* A share is kept as such until the limits are known: the fields come in any order. */
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
        draft->budget.max_hold_nusd = nusd;
    } else {
        report_add(check->report, entry->value->at, "'%s' must be %s", field->name, field->example);
    }
}

/* ---- match ---- */

static void read_match_model(struct check *check, const struct field *field,
                             const struct entry *entry, void *into)
{
    struct draft_budget *draft = into;
    struct span text;
    (void)field;
    if (!schema_text(check, entry, &text) || check->models_node == NULL)
        return;
    const struct model *model = table_get(&check->snapshot->models_by_name, text);
    if (model != NULL)
        draft->budget.match_model = model->name; /* an alias means the model */
    else if (span_find(text, '*') < text.len)
        schema_refuse_later(check, entry->value->at, entry->value->raw);
    else
        check_refuse_model(check, entry->value);
}

/* As the gateway reads tags: what it would replace could never match. */
static bool is_tag_text(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~' || strchr(",=\"'", text.ptr[i]) != NULL)
            return false;
    return text.len > 0 && text.len <= TAG_SIZE_MAX;
}

static void read_match_tags(struct check *check, const struct field *field,
                            const struct entry *entry, void *into)
{
    struct budget *budget = &((struct draft_budget *)into)->budget;
    const struct node *map = entry->value;
    (void)field;
    if (map->type != NODE_MAP || map->count == 0 || map->count > TAGS_MAX) {
        report_add(check->report, map->at, "'tag' must be a mapping of 1 to %d tags to values",
                   TAGS_MAX);
        return;
    }
    struct budget_tag *tags = config_alloc(&check->snapshot->arena, map->count, sizeof(*tags));
    for (const struct entry *item = map->first; item != NULL; item = item->next) {
        struct span value;
        if (!schema_text(check, item, &value))
            continue;
        if (!is_tag_text(item->key) || !is_tag_text(value)) {
            report_add(check->report, item->at,
                       "a tag and its value must be 1 to %d visible characters without comma, "
                       "equals sign and quotes",
                       TAG_SIZE_MAX);
            continue;
        }
        tags[budget->match_tag_count++] =
            (struct budget_tag){config_copy(&check->snapshot->arena, item->key),
                                config_copy(&check->snapshot->arena, value)};
    }
    budget->match_tags = tags;
}

static void read_match(struct check *check, const struct field *field, const struct entry *entry,
                       void *into)
{
    static const struct field fields[] = {{.name = "model", .read = read_match_model},
                                          {.name = "tag", .read = read_match_tags},
                                          {.name = NULL}};
    (void)field;
    schema_map(check, entry->value, "'match'", fields, into);
}

/* ---- a budget ---- */

static const struct field budget_fields[] = {
    {.name = "name", .read = read_name, .flags = FIELD_REQUIRED},
    {.name = "window",
     .read = read_window,
     .flags = FIELD_REQUIRED,
     .offset = offsetof(struct draft_budget, budget.window.kind),
     .choices = windows},
    {.name = "timezone", .read = check_timezone},
    {.name = "usd",
     .read = check_usd,
     .offset = offsetof(struct draft_budget, budget.limit_nusd),
     .example = "US dollars, such as 25 or 0.50"},
    {.name = "tokens",
     .read = field_count,
     .offset = offsetof(struct draft_budget, budget.limit_tokens),
     .most = TOKENS_MAX,
     .example = "such as 5000000 or 5M"},
    {.name = "mode",
     .read = field_choice,
     .offset = offsetof(struct draft_budget, observe),
     .choices = modes},
    {.name = "match", .read = read_match},
    {.name = "per",
     .read = field_choice,
     .offset = offsetof(struct draft_budget, budget.per),
     .choices = pers},
    {.name = "max_subjects",
     .read = field_count,
     .offset = offsetof(struct draft_budget, budget.max_subjects),
     .least = 1,
     .most = MAX_SUBJECTS_MOST,
     .example = "from 1 to 10000000"},
    {.name = "hold",
     .read = field_choice,
     .offset = offsetof(struct draft_budget, budget.hold),
     .choices = holds},
    {.name = "uncertain",
     .read = field_choice,
     .offset = offsetof(struct draft_budget, release_uncertain),
     .choices = uncertains},
    {.name = "max_hold",
     .read = read_max_hold,
     .example = "a share of the limit such as 10%, or US dollars such as 0.50, and more than 0"},
    {.name = "budget_wait",
     .read = field_duration,
     .offset = offsetof(struct draft_budget, budget.wait_ms),
     .most = BUDGET_WAIT_MOST,
     .example = "at most 60s"},
    {.name = "status",
     .read = field_choice,
     .offset = offsetof(struct draft_budget, budget.refusal_status),
     .choices = statuses},
    {.name = "steps", .read = check_steps},
    {.name = "burn_rate", .read = check_burn_rate},
    {.name = NULL}};

/* Rounded down: what is held never passes the share. */
static int64_t share_of(int64_t limit, int64_t millionths)
{
    return limit == BUDGET_NO_LIMIT ? 0 : (int64_t)((__int128)limit * millionths / MILLION);
}

static void settle_max_hold(struct check *check, struct draft_budget *draft)
{
    struct budget *budget = &draft->budget;
    bool in_usd = draft->max_hold_millionths < 0;
    int64_t millionths = in_usd ? MAX_HOLD_DEFAULT : draft->max_hold_millionths;
    if (in_usd && budget->limit_nusd == BUDGET_NO_LIMIT && budget->limit_tokens != BUDGET_NO_LIMIT)
        report_add(check->report, draft->at,
                   "'max_hold' in US dollars means nothing to a budget without 'usd'");
    if (!in_usd)
        budget->max_hold_nusd = share_of(budget->limit_nusd, millionths);
    budget->max_hold_tokens = share_of(budget->limit_tokens, millionths);
}

/* Whether the file gives it at all: a value that was refused has been reported. */
static bool is_given(const struct node *map, const char *name)
{
    const struct node *value = node_get(map, name);
    return value != NULL && !node_is_null(value);
}

/* What no field tells alone. `complete`: nothing was wrong with any of them, so what is missing was not
 * misspelt either. */
static void check_whole(struct check *check, const struct node *node, bool complete,
                        struct draft_budget *draft)
{
    struct budget *budget = &draft->budget;
    char window[WINDOW_TEXT_SIZE];
    budget->release_uncertain = draft->release_uncertain != 0;
    budget->observe = draft->observe != 0;
    if (complete && !is_given(node, "usd") && !is_given(node, "tokens"))
        report_add(check->report, node->at, "'usd' or 'tokens' is missing in a budget");
    if (draft->zone_at.line != 0 &&
        (budget->window.kind == WINDOW_ROLLING || budget->window.kind == WINDOW_TOTAL))
        report_add(check->report, draft->zone_at,
                   "'timezone' means nothing to a window of %s, which follows no calendar",
                   window_text(&budget->window, window));
    settle_max_hold(check, draft);
    check_burn_window(check, draft);
}

/* Takes the next place in allowance->budgets, which has room for all. */
static void check_budget(struct check *check, const struct entry *item,
                         struct draft_allowance *allowance)
{
    struct draft_budget *draft = &allowance->budgets[allowance->budget_count];
    *draft = (struct draft_budget){.at = item->at,
                                   .budget = {.window.kind = WINDOW_DAY,
                                              .limit_nusd = BUDGET_NO_LIMIT,
                                              .limit_tokens = BUDGET_NO_LIMIT,
                                              .max_subjects = MAX_SUBJECTS_DEFAULT,
                                              .wait_ms = BUDGET_WAIT_DEFAULT,
                                              .refusal_status = 402},
                                   .max_hold_millionths = MAX_HOLD_DEFAULT};
    size_t problems = check->report->count;
    schema_map(check, item->value, "a budget", budget_fields, draft);
    bool complete = check->report->count == problems && item->value->type == NODE_MAP;
    const char *name = draft->budget.name;
    for (size_t i = 0; i < allowance->budget_count && name != NULL; i++) {
        const struct draft_budget *other = &allowance->budgets[i];
        if (other->budget.name != NULL && strcmp(other->budget.name, name) == 0)
            report_add(check->report, draft->at, "the budget '%s' is already on line %zu", name,
                       other->at.line);
    }
    check_whole(check, item->value, complete, draft);
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
