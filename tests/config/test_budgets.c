/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets in the file: windows, zones, matches, ladders, and what is refused of them. */
#include "fixture.h"

#include "base/clock.h"
#include "base/money.h"

int test_budgets(void);

#define BUDGETS(TEXT) PROVIDERS MODELS "tenants: {t: {budgets: [" TEXT "]}}\n"

static const struct budget *load_budget(struct fixture *fixture, const char *yaml,
                                        struct snapshot **snapshot)
{
    *snapshot = fixture_load_good(fixture, yaml);
    assert_int_equal((*snapshot)->tenants[0]->allowance.budget_count, 1);
    return &(*snapshot)->tenants[0]->allowance.budgets[0];
}

static void all_of_a_budget_is_read(void **state)
{
    struct snapshot *s;
    const struct budget *b = load_budget(
        *state,
        PROVIDERS "models: {m: {targets: [{provider: p, model: x}], aliases: [n]}}\n"
                  "tenants:\n"
                  "  t:\n"
                  "    budgets:\n"
                  "      - {name: b, window: week, timezone: Europe/Berlin, usd: 25, tokens: 5M,\n"
                  "         mode: observe, match: {model: n, tag: {feature: chat, team: a b}},\n"
                  "         per: user, max_subjects: 7, hold: learned, uncertain: release,\n"
                  "         max_hold: 2.5%, budget_wait: 500ms, status: 429,\n"
                  "         steps: [{at: 80%, do: warn},\n"
                  "                 {at: 90%, do: throttle, requests_per_minute: 30},\n"
                  "                 {at: 95.5%, do: downgrade}, {at: 100%, do: reject}],\n"
                  "         burn_rate: {over: 10m, factor: 8.5, do: downgrade, cool_down: 1h}}\n",
        &s);
    assert_int_equal(b->window.kind, WINDOW_WEEK);
    assert_int_equal(timezone_offset_s(b->window.zone, 1782000000), 7200);
    assert_int_equal(b->limit_nusd, 25 * NUSD_PER_USD);
    assert_int_equal(b->limit_tokens, 5000000);
    assert_int_equal(b->max_hold_nusd, 625 * (NUSD_PER_USD / 1000));
    assert_int_equal(b->max_hold_tokens, 125000);
    assert_true(b->observe && b->release_uncertain);
    assert_true(span_equal(b->match_model, SPAN("m"))); /* an alias means its model */
    assert_int_equal(b->match_tag_count, 2);
    struct budget_facts facts = {.model = SPAN("m"), .tags = SPAN("team=a b,feature=chat")};
    assert_true(budget_matches(b, &facts));
    assert_int_equal(b->per, BUDGET_PER_USER);
    assert_null(b->cell);
    assert_non_null(b->subjects);
    assert_int_equal(b->max_subjects, 7);
    assert_int_equal(b->hold, BUDGET_HOLD_LEARNED);
    assert_int_equal(b->wait_ms, 500);
    assert_int_equal(b->refusal_status, 429);
    assert_int_equal(b->ladder.count, 4);
    assert_int_equal(b->ladder.steps[1].requests_per_minute, 30);
    assert_int_equal(b->ladder.steps[2].at_millionths, 955000);
    assert_int_equal(b->ladder.steps[3].action, LADDER_OPEN);
    assert_int_equal(b->ladder.burn.over_ns, 600 * NS_PER_S);
    assert_int_equal(b->ladder.burn.factor_millionths, 8500000);
    assert_int_equal(b->ladder.burn.cool_down_ns, 3600 * NS_PER_S);
    assert_non_null(s->outputs);
    snapshot_unref(&s);
}

static void what_is_left_out_has_defaults(void **state)
{
    struct snapshot *s;
    const struct budget *b =
        load_budget(*state, BUDGETS("{name: b, window: 24h, tokens: 1000}"), &s);
    assert_int_equal(b->window.kind, WINDOW_ROLLING);
    assert_int_equal(b->window.period_ns, 24 * 3600 * NS_PER_S);
    assert_int_equal(b->limit_nusd, BUDGET_NO_LIMIT);
    assert_int_equal(b->max_hold_tokens, 100);
    assert_int_equal(b->max_subjects, 100000);
    assert_int_equal(b->wait_ms, 2000);
    assert_int_equal(b->hold, BUDGET_HOLD_BOUND);
    assert_true(ladder_is_empty(&b->ladder));
    assert_false(b->observe);
    snapshot_unref(&s);
    b = load_budget(*state,
                    BUDGETS("{name: b, window: day, usd: 1, budget_wait: 0ms,"
                            " burn_rate: {over: 5m, factor: 2, do: warn}}"),
                    &s);
    assert_int_equal(b->wait_ms, 0);
    assert_int_equal(b->ladder.burn.cool_down_ns, 300 * NS_PER_S);
    snapshot_unref(&s);
}

/* A subject's spend outlives a reload as any other does, and new limits reach it. */
static void subjects_outlive_a_reload(void **state)
{
    struct snapshot *first, *second;
    const struct budget *b =
        load_budget(*state, BUDGETS("{name: b, window: day, usd: 1, per: user}"), &first);
    struct budget_facts ann = {.user = SPAN("ann")};
    struct price price = {.known = true, .per_request_nusd = 5};
    struct budget_wish wish = {.price = &price, .choices = 1, .facts = &ann};
    struct reservation reservation;
    const struct budget *by;
    struct budget_view view;
    assert_int_equal(budget_reserve(&b, 1, &wish, clock_wall_ns(), &reservation, &by, NULL),
                     BUDGET_GRANTED);
    budget_settle(&reservation, &(struct budget_charge){.cost_nusd = 5});
    b = load_budget(*state, BUDGETS("{name: b, window: day, usd: 2, per: user}"), &second);
    snapshot_unref(&first);
    budget_look(b, &ann, clock_wall_ns(), &view);
    assert_int_equal(view.spent_nusd, 5);
    assert_int_equal(view.limit_nusd, 2 * NUSD_PER_USD);
    snapshot_unref(&second);
}

struct bad {
    const char *yaml;
    const char *expected;
};

#define BUDGET(TEXT) BUDGETS("{name: b, window: day, usd: 1, " TEXT "}")
#define STEP(TEXT)   BUDGET("steps: [" TEXT "]")
#define BURN(TEXT)   BUDGET("burn_rate: {" TEXT "}")
#define AT_RULE \
    "'at' must be a share of the limit that is more than 0% and at most 100%, such as 80%\n"
#define FACTOR_RULE "'factor' must be a number of more than 1 and at most 1000, such as 8 or 2.5\n"
#define TAG_RULE                                                                              \
    "a tag and its value must be 1 to 128 visible characters without comma, equals sign and " \
    "quotes\n"
#define ZONE_RULE "there is no such time zone here (names are like Europe/Berlin; package tzdata)"

static void mistakes_are_told(void **state)
{
    const struct bad table[] = {
        {BUDGETS("{name: b, window: day}"), "3:25: 'usd' or 'tokens' is missing in a budget\n"},
        {BUDGETS("{name: b, window: day, uds: 5}"),
         "3:48: unknown key 'uds' in a budget; did you mean 'usd'?\n"},
        {BUDGETS("{name: b, window: 0s, usd: 1}"),
         "3:43: a rolling 'window' must be from 1s to 400d long\n"},
        {BUDGETS("{name: b, window: 401d, usd: 1}"),
         "3:43: a rolling 'window' must be from 1s to 400d long\n"},
        {BUDGET("timezone: Europe/Berln"), "3:66: 'timezone' cannot be 'Europe/Berln': " ZONE_RULE
                                           "; did you mean 'Europe/Berlin'?\n"},
        {BUDGET("timezone: ../../etc/passwd"),
         "3:66: 'timezone' cannot be '../../etc/passwd': " ZONE_RULE "\n"},
        {BUDGETS("{name: b, window: 24h, usd: 1, timezone: UTC}"),
         "3:66: 'timezone' means nothing to a window of 24h, which follows no calendar\n"},
        {BUDGETS("{name: b, window: total, usd: 1, timezone: UTC}"),
         "3:68: 'timezone' means nothing to a window of total, which follows no calendar\n"},
        {BUDGET("tokens: 1.5"), "3:64: 'tokens' must be a whole number, such as 5000000 or 5M\n"},
        {BUDGETS("{name: b, window: day, tokens: 9, max_hold: 0.5}"),
         "3:25: 'max_hold' in US dollars means nothing to a budget without 'usd'\n"},
        {BUDGET("match: {model: n}"), "3:71: unknown model 'n'; did you mean 'm'?\n"},
        {BUDGET("match: {mdoel: m}"),
         "3:64: unknown key 'mdoel' in 'match'; did you mean 'model'?\n"},
        {BUDGET("match: {tag: {}}"), "3:69: 'tag' must be a mapping of 1 to 16 tags to values\n"},
        {BUDGET("match: {tag: {a: 'x,y'}}"), "3:70: " TAG_RULE},
        {BUDGET("match: {tag: {a: ''}}"), "3:70: " TAG_RULE},
        {BUDGET("max_subjects: 0"),
         "3:70: 'max_subjects' must be a whole number, from 1 to 10000000\n"},
        {BUDGET("budget_wait: 61s"), "3:69: 'budget_wait' must be a duration such as 250ms, 30s or "
                                     "10m, at most 60s\n"},
        {STEP("{at: 80%}"), "3:64: 'do' is missing in a step\n"},
        {STEP("{do: warn}"), "3:64: 'at' is missing in a step\n"},
        {STEP("{at: 80, do: warn}"), "3:69: " AT_RULE},
        {STEP("{at: 101%, do: warn}"), "3:69: " AT_RULE},
        {STEP("{at: 0%, do: warn}"), "3:69: " AT_RULE},
        {STEP("{at: 80%, do: wran}"), "3:78: 'do' cannot be 'wran' (it can be: warn, throttle, "
                                      "downgrade, reject); did you mean 'warn'?\n"},
        {STEP("{at: 80%, do: throttle}"), "3:64: 'do: throttle' needs 'requests_per_minute'\n"},
        {STEP("{at: 80%, do: throttle, requests_per_minute: 0}"),
         "3:109: 'requests_per_minute' must be a whole number, from 1 to 1000000000\n"},
        {STEP("{at: 80%, do: warn, requests_per_minute: 5}"),
         "3:105: 'requests_per_minute' goes with 'do: throttle' only\n"},
        {STEP("{at: 80%, do: warn}, {at: 70%, do: reject}"),
         "3:85: the steps are out of order: this one is reached before the one above it\n"},
        {BUDGET("steps: {at: 80%}"), "3:63: 'steps' must be a list\n"},
        {BURN("over: 10m, factor: 8"), "3:67: 'do' is missing in 'burn_rate'\n"},
        {BURN("over: 0s, factor: 8, do: warn"),
         "3:74: 'over' must be a duration such as 250ms, 30s or 10m, from 1s to 31d\n"},
        {BURN("over: 10m, factor: 1, do: warn"), "3:87: " FACTOR_RULE},
        {BURN("over: 10m, factor: 1001, do: warn"), "3:87: " FACTOR_RULE},
        {BURN("over: 10m, factor: fast, do: warn"), "3:87: " FACTOR_RULE},
        {BURN("over: 10m, factor: 8, do: throttle"),
         "3:67: 'do: throttle' needs 'requests_per_minute'\n"},
        {BURN("over: 4h, factor: 6, do: warn"),
         "3:67: 'burn_rate' could not trip before all is spent: 'over' times 'factor' must be less "
         "than the window\n"},
        {BUDGETS("{name: b, window: total, usd: 1, burn_rate: {over: 1m, factor: 2, do: warn}}"),
         "3:69: 'burn_rate' needs a window that ends: there is no pace at which a total is "
         "spent\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_bad(*state, table[i].yaml, table[i].expected);
}

static void too_many_steps(void **state)
{
    char yaml[2048];
    snprintf(yaml, sizeof(yaml), "%s",
             PROVIDERS MODELS
             "tenants: {t: {budgets: [{name: b, window: day, usd: 1, steps: [{at: 1%, do: warn}");
    for (int i = 0; i < LADDER_MAX_STEPS; i++)
        strcat(yaml, ", {at: 2%, do: warn}");
    strcat(yaml, "]}]}}\n");
    assert_bad(*state, yaml, "3:63: more than 16 steps\n");
}

static void budgets_are_summed_up(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state, BUDGETS("{name: a, window: 24h, usd: 5, tokens: 1000, per: user, hold: learned,\n"
                        "  match: {model: m, tag: {team: x}},\n"
                        "  steps: [{at: 80.5%, do: throttle, requests_per_minute: 9}],\n"
                        "  burn_rate: {over: 1m, factor: 3, do: reject}},\n"
                        " {name: b, window: hour, tokens: 50, mode: observe},\n"
                        " {name: c, window: week, usd: 2, hold: learned}"));
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_summary(s, out);
    fclose(out);
    static const char *const lines[] = {
        "    budget a: 5.00 USD and 1000 tokens in any 24h for each user; only m; only team=x; one "
        "request holds at most 0.50 and 100 tokens; 402 when spent; at 80.5000% throttle to 9 "
        "requests a minute; when it burns too fast reject\n",
        "    budget b: 50 tokens an hour; only observed\n",
        "    budget c: 2.00 USD a week; one request holds at most 0.20; 402 when spent\n",
        "  tenant t, a: up to 0.50 USD and 100 tokens for each request in flight (hold: learned)",
        "  tenant t, b: not bounded (mode: observe) while",
        "  tenant t, c: up to 0.20 USD for each request in flight (hold: learned) while"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (strstr(text, lines[i]) == NULL)
            fail_msg("no line \"%s\" in:\n%s", lines[i], text);
    free(text);
    snapshot_unref(&s);
}

int test_budgets(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(all_of_a_budget_is_read),
        FIXTURE_TEST(what_is_left_out_has_defaults),
        FIXTURE_TEST(subjects_outlive_a_reload),
        FIXTURE_TEST(mistakes_are_told),
        FIXTURE_TEST(too_many_steps),
        FIXTURE_TEST(budgets_are_summed_up),
    };
    return cmocka_run_group_tests_name("config/budgets", tests, NULL, NULL);
}
