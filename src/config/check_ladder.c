/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* `steps` and `burn_rate` of a budget. */
#include "check.h"
#include "value.h"

#include "base/clock.h"
#include "base/money.h"

#define RATE_MAX      1000000000
#define BURN_LEAST_MS 1000
#define BURN_MOST_MS  (31 * 86400000LL)
#define FACTOR_MOST   1000 /* times the pace */

static const struct choice actions[] = {{"warn", LADDER_WARN},
                                        {"throttle", LADDER_THROTTLE},
                                        {"downgrade", LADDER_DOWNGRADE},
                                        {"reject", LADDER_OPEN},
                                        {NULL, 0}};

/* What goes with `do`. */
static void check_rate(struct check *check, struct mark at, const struct node *map,
                       enum ladder_state action, int64_t rate)
{
    const struct node *given = node_get(map, "requests_per_minute");
    if (action == LADDER_THROTTLE && rate == 0 && (given == NULL || node_is_null(given)))
        report_add(check->report, at, "'do: throttle' needs 'requests_per_minute'");
    else if (action != LADDER_THROTTLE && action != LADDER_CLOSED && rate != 0)
        report_add(check->report, given->at, "'requests_per_minute' goes with 'do: throttle' only");
}

/* ---- steps ---- */

static void read_at(struct check *check, const struct field *field, const struct entry *entry,
                    void *into)
{
    struct ladder_step *step = into;
    struct span text;
    int64_t millionths;
    if (!schema_text(check, entry, &text))
        return;
    if (value_percent(text, &millionths) && millionths > 0 && millionths <= LADDER_MILLION)
        step->at_millionths = millionths;
    else
        report_add(check->report, entry->value->at,
                   "'%s' must be a share of the limit that is more than 0%% and at most 100%%, "
                   "such as 80%%",
                   field->name);
}

static void check_step(struct check *check, const struct entry *item, struct ladder_step *step)
{
    static const struct field fields[] = {
        {.name = "at", .read = read_at, .flags = FIELD_REQUIRED},
        {.name = "do",
         .read = field_choice,
         .flags = FIELD_REQUIRED,
         .offset = offsetof(struct ladder_step, action),
         .choices = actions},
        {.name = "requests_per_minute",
         .read = field_count,
         .offset = offsetof(struct ladder_step, requests_per_minute),
         .least = 1,
         .most = RATE_MAX,
         .example = "from 1 to 1000000000"},
        {.name = NULL}};
    *step = (struct ladder_step){.action = LADDER_CLOSED};
    schema_map(check, item->value, "a step", fields, step);
    check_rate(check, item->at, item->value, step->action, step->requests_per_minute);
}

void check_steps(struct check *check, const struct field *field, const struct entry *entry,
                 void *into)
{
    struct ladder *ladder = &((struct draft_budget *)into)->budget.ladder;
    const struct node *list = entry->value;
    (void)field;
    if (!schema_is_list(check, entry))
        return;
    if (list->count > LADDER_MAX_STEPS) {
        report_add(check->report, list->at, "more than %d steps", LADDER_MAX_STEPS);
        return;
    }
    struct ladder_step *steps = config_alloc(&check->snapshot->arena, list->count, sizeof(*steps));
    int64_t last = 0;
    for (const struct entry *item = list->first; item != NULL; item = item->next) {
        struct ladder_step *step = &steps[ladder->count++];
        check_step(check, item, step);
        if (step->at_millionths != 0 && step->at_millionths < last)
            report_add(check->report, item->at,
                       "the steps are out of order: this one is reached before the one above it");
        if (step->at_millionths > last)
            last = step->at_millionths;
    }
    ladder->steps = steps;
}

/* ---- burn rate ---- */

struct draft_burn {
    int64_t over_ms;
    int64_t factor_millionths;
    enum ladder_state action;
    int64_t requests_per_minute;
    int64_t cool_down_ms;
};

static void read_factor(struct check *check, const struct field *field, const struct entry *entry,
                        void *into)
{
    const int64_t millionth = NUSD_PER_USD / LADDER_MILLION;
    struct draft_burn *burn = into;
    struct span text;
    int64_t value;
    if (!schema_text(check, entry, &text))
        return;
    /* A decimal number is written as money is. */
    if (money_parse_nusd(text, &value) && value % millionth == 0 && value > NUSD_PER_USD &&
        value <= FACTOR_MOST * NUSD_PER_USD)
        burn->factor_millionths = value / millionth;
    else
        report_add(check->report, entry->value->at,
                   "'%s' must be a number of more than 1 and at most 1000, such as 8 or 2.5",
                   field->name);
}

static const struct field burn_fields[] = {
    {.name = "over",
     .read = field_duration,
     .flags = FIELD_REQUIRED,
     .offset = offsetof(struct draft_burn, over_ms),
     .least = BURN_LEAST_MS,
     .most = BURN_MOST_MS,
     .example = "from 1s to 31d"},
    {.name = "factor", .read = read_factor, .flags = FIELD_REQUIRED},
    {.name = "do",
     .read = field_choice,
     .flags = FIELD_REQUIRED,
     .offset = offsetof(struct draft_burn, action),
     .choices = actions},
    {.name = "requests_per_minute",
     .read = field_count,
     .offset = offsetof(struct draft_burn, requests_per_minute),
     .least = 1,
     .most = RATE_MAX,
     .example = "from 1 to 1000000000"},
    {.name = "cool_down",
     .read = field_duration,
     .offset = offsetof(struct draft_burn, cool_down_ms),
     .least = BURN_LEAST_MS,
     .most = BURN_MOST_MS,
     .example = "from 1s to 31d"},
    {.name = NULL}};

void check_burn_rate(struct check *check, const struct field *field, const struct entry *entry,
                     void *into)
{
    struct draft_budget *draft = into;
    struct draft_burn burn = {.action = LADDER_CLOSED};
    (void)field;
    draft->burn_at = entry->value->at;
    schema_map(check, entry->value, "'burn_rate'", burn_fields, &burn);
    check_rate(check, entry->value->at, entry->value, burn.action, burn.requests_per_minute);
    draft->budget.ladder.burn = (struct ladder_burn){
        .over_ns = burn.over_ms * NS_PER_MS,
        .factor_millionths = burn.factor_millionths,
        .action = burn.action,
        .requests_per_minute = burn.requests_per_minute,
        .cool_down_ns = (burn.cool_down_ms != 0 ? burn.cool_down_ms : burn.over_ms) * NS_PER_MS};
}

void check_burn_window(struct check *check, const struct draft_budget *draft)
{
    const struct ladder_burn *burn = &draft->budget.ladder.burn;
    int64_t length_ns = window_length_ns(&draft->budget.window);
    if (burn->over_ns == 0 || burn->factor_millionths == 0)
        return;
    if (length_ns == 0)
        report_add(
            check->report, draft->burn_at,
            "'burn_rate' needs a window that ends: there is no pace at which a total is spent");
    else if ((__int128)burn->over_ns * burn->factor_millionths >=
             (__int128)length_ns * LADDER_MILLION)
        report_add(check->report, draft->burn_at,
                   "'burn_rate' could not trip before all is spent: 'over' times 'factor' must be "
                   "less than the window");
}
