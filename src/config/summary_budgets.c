/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets in the summary: a line for each, and how far the bill may pass it. */
#include "summary.h"

#include "base/clock.h"
#include "base/money.h"

#include <inttypes.h>

/* "a day", "a month", "in all", "in any 24h". */
static void print_window(const struct window_rule *window, FILE *out)
{
    char text[WINDOW_TEXT_SIZE];
    window_text(window, text);
    if (window->kind == WINDOW_TOTAL)
        fprintf(out, "in all");
    else if (window->kind == WINDOW_ROLLING)
        fprintf(out, "in any %s", text);
    else
        fprintf(out, "%s %s", window->kind == WINDOW_HOUR ? "an" : "a", text);
}

static void print_amounts(int64_t nusd, int64_t tokens, const char *unit, FILE *out)
{
    char text[MONEY_TEXT_SIZE];
    if (nusd != BUDGET_NO_LIMIT)
        fprintf(out, "%s%s", money_format(nusd, text), unit);
    if (nusd != BUDGET_NO_LIMIT && tokens != BUDGET_NO_LIMIT)
        fprintf(out, " and ");
    if (tokens != BUDGET_NO_LIMIT)
        fprintf(out, "%" PRId64 " tokens", tokens);
}

static void print_matches(const struct budget *budget, FILE *out)
{
    if (budget->per != BUDGET_PER_TENANT)
        fprintf(out, " for each %s", budget_per_name(budget->per));
    if (budget->match_model.len > 0)
        fprintf(out, "; only %.*s", SPAN_ARG(budget->match_model));
    for (size_t i = 0; i < budget->match_tag_count; i++)
        fprintf(out, "; only %.*s=%.*s", SPAN_ARG(budget->match_tags[i].name),
                SPAN_ARG(budget->match_tags[i].value));
}

static void print_action(enum ladder_state action, int64_t requests_per_minute, FILE *out)
{
    static const char *const names[] = {"", "warn", "throttle", "downgrade", "reject"};
    fprintf(out, "%s", names[action]);
    if (action == LADDER_THROTTLE)
        fprintf(out, " to %" PRId64 " requests a minute", requests_per_minute);
}

/* Four decimals of a percent, as they are read; without trailing zeros. */
static void print_share(int64_t millionths, FILE *out)
{
    int64_t rest = millionths % (LADDER_MILLION / 100);
    fprintf(out, "%" PRId64, millionths / (LADDER_MILLION / 100));
    if (rest != 0)
        fprintf(out, ".%04" PRId64, rest);
    fprintf(out, "%%");
}

static void print_ladder(const struct ladder *ladder, FILE *out)
{
    for (size_t i = 0; i < ladder->count; i++) {
        fprintf(out, "; at ");
        print_share(ladder->steps[i].at_millionths, out);
        fprintf(out, " ");
        print_action(ladder->steps[i].action, ladder->steps[i].requests_per_minute, out);
    }
    if (ladder->burn.over_ns == 0)
        return;
    fprintf(out, "; when it burns too fast ");
    print_action(ladder->burn.action, ladder->burn.requests_per_minute, out);
}

static void print_budget(const struct budget *budget, FILE *out)
{
    print_amounts(budget->limit_nusd, budget->limit_tokens, " USD", out);
    fprintf(out, " ");
    print_window(&budget->window, out);
    print_matches(budget, out);
    if (budget->observe) {
        fprintf(out, "; only observed");
        print_ladder(&budget->ladder, out);
        fprintf(out, "\n");
        return;
    }
    fprintf(out, "; one request holds at most ");
    print_amounts(budget->limit_nusd != BUDGET_NO_LIMIT ? budget->max_hold_nusd : BUDGET_NO_LIMIT,
                  budget->limit_tokens != BUDGET_NO_LIMIT ? budget->max_hold_tokens
                                                          : BUDGET_NO_LIMIT,
                  "", out);
    fprintf(out, "; %d when spent%s", budget->refusal_status,
            budget->release_uncertain ? "; releases what is uncertain" : "");
    print_ladder(&budget->ladder, out);
    fprintf(out, "\n");
}

void summary_budgets(const struct allowance *allowance, const char *indent, FILE *out)
{
    for (size_t i = 0; i < allowance->budget_count; i++) {
        fprintf(out, "%sbudget %s: ", indent, allowance->budgets[i].name);
        print_budget(&allowance->budgets[i], out);
    }
}

/* ---- what can go wrong ---- */

/* While the process lives. Of requests that hold less than their bound each in flight may come to it,
 * and no wish is more than max_hold. */
static void print_alive(const struct budget *budget, FILE *out)
{
    int64_t nusd = budget->limit_nusd != BUDGET_NO_LIMIT ? budget->max_hold_nusd : BUDGET_NO_LIMIT;
    int64_t tokens =
        budget->limit_tokens != BUDGET_NO_LIMIT ? budget->max_hold_tokens : BUDGET_NO_LIMIT;
    if (budget->observe) {
        fprintf(out, "not bounded (mode: observe)");
    } else if (budget->release_uncertain) {
        fprintf(out, "not bounded (uncertain: release)");
    } else if (budget->hold == BUDGET_HOLD_BOUND) {
        print_amounts(nusd < 0 ? nusd : 0, tokens < 0 ? tokens : 0, " USD", out);
    } else {
        fprintf(out, "up to ");
        print_amounts(nusd, tokens, " USD", out);
        fprintf(out, " for each request in flight (hold: %s)",
                budget->hold == BUDGET_HOLD_TOPUP ? "topup" : "learned");
    }
}

void summary_overshoot(const char *owner, const char *name, const struct allowance *allowance,
                       FILE *out)
{
    for (size_t i = 0; i < allowance->budget_count; i++) {
        const struct budget *budget = &allowance->budgets[i];
        fprintf(out, "  %s %s, %s: ", owner, name, budget->name);
        print_alive(budget, out);
        fprintf(out, " while this process lives; up to ");
        print_amounts(budget->limit_nusd, budget->limit_tokens, "", out);
        fprintf(out, " more after each restart\n");
    }
}
