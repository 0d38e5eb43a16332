/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Targets with weights, retries and fallbacks: what is read, what is refused, what a reload keeps. */
#include "fixture.h"

int test_targets(void);

#define TWO_PROVIDERS "providers: {p: {kind: simulated}, q: {kind: simulated}}\n"
/* Seven more of them fill a line. */
#define TARGET "{provider: p, model: x}"
#define EIGHT \
    TARGET ", " TARGET ", " TARGET ", " TARGET ", " TARGET ", " TARGET ", " TARGET ", " TARGET

static void targets_are_read(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state, TWO_PROVIDERS
        "models:\n"
        "  m: {targets: [{provider: q, model: x y, weight: 1000}, {provider: p, model: x}],\n"
        "      retries: {attempts: 8, on: [5xx, connect]}, fallback: little}\n"
        "  n: {targets: [" EIGHT "], aliases: [little], fallback: l, retries: {on: []}}\n"
        "  l: {targets: [{provider: p, model: z}], retries: {attempts: 1}, fallback: null}\n" TENANTS);
    const struct model *m = s->models[0], *n = s->models[1], *l = s->models[2];
    assert_int_equal(m->target_count, 2);
    assert_string_equal(m->targets[0].provider->name, "q");
    assert_span(m->targets[0].model, "x y");
    assert_int_equal(m->targets[0].weight, 1000);
    assert_string_equal(m->targets[1].provider->name, "p");
    assert_int_equal(m->targets[1].weight, 1);
    assert_int_equal(m->retries.attempts, 8);
    assert_true(m->retries.on_connect && m->retries.on_5xx && !m->retries.on_429);
    assert_ptr_equal(m->fallback, n); /* by its alias */
    assert_int_equal(n->target_count, 8);
    assert_int_equal(n->retries.attempts, 2);
    assert_false(n->retries.on_connect || n->retries.on_5xx || n->retries.on_429);
    assert_ptr_equal(n->fallback, l);
    assert_int_equal(l->retries.attempts, 1);
    assert_true(l->retries.on_connect && l->retries.on_5xx && l->retries.on_429);
    assert_null(l->fallback);
    snapshot_unref(&s);
}

static void health_is_kept_over_a_reload(void **state)
{
    static const char yaml[] =
        TWO_PROVIDERS "models:\n"
                      "  m: {targets: [{provider: p, model: x}, {provider: q, model: x}]}\n"
                      "  n: {targets: [{provider: p, model: x}, " TARGET "]}\n" TENANTS;
    struct snapshot *s = fixture_load_good(*state, yaml);
    const struct health_cell *first = s->models[0]->targets[0].health;
    assert_non_null(first);
    assert_ptr_not_equal(first, s->models[0]->targets[1].health);
    assert_ptr_not_equal(first, s->models[1]->targets[0].health); /* another model's */
    assert_ptr_equal(s->models[1]->targets[0].health, s->models[1]->targets[1].health);
    for (int i = 0; i < HEALTH_FAILURES; i++)
        health_report(s->models[0]->targets[0].health, HEALTH_BAD, 1);
    snapshot_unref(&s);
    s = fixture_load_good(*state, yaml);
    assert_int_equal(health_look(s->models[0]->targets[0].health, 2), HEALTH_OPEN);
    assert_int_equal(health_look(s->models[0]->targets[1].health, 2), HEALTH_CLOSED);
    snapshot_unref(&s);
}

#define MODEL(TEXT) PROVIDERS "models: {m: {targets: [" TARGET "], " TEXT "}}\n" TENANTS

static void mistakes_are_told(void **state)
{
    static const struct {
        const char *yaml;
        const char *expected;
    } table[] = {
        {PROVIDERS "models: {m: {targets: [" EIGHT ", " TARGET "]}}\n" TENANTS,
         "2:23: 'targets' must have at most 8 entries\n"},
        {PROVIDERS "models: {m: {targets: [{provider: p, model: x, weight: 0}]}}\n" TENANTS,
         "2:56: 'weight' must be a whole number, from 1 to 1000\n"},
        {PROVIDERS "models: {m: {targets: [" TARGET
                   ", {provider: r, model: x, weight: 1001}]}}\n" TENANTS,
         "2:60: unknown provider 'r'; did you mean 'p'?\n"
         "2:81: 'weight' must be a whole number, from 1 to 1000\n"},
        {MODEL("retries: 2"), "2:59: 'retries' must be a mapping of names to values\n"},
        {MODEL("retries: {attempts: 0}"), "2:70: 'attempts' must be a whole number, from 1 to 8\n"},
        {MODEL("retries: {attempts: 9}"), "2:70: 'attempts' must be a whole number, from 1 to 8\n"},
        {MODEL("retries: {on: 5xx}"), "2:64: 'on' must be a list\n"},
        {MODEL("retries: {on: [500, 5xx, [429]]}"),
         "2:65: 'on' must hold connect, 429 or 5xx\n2:75: 'on' must hold connect, 429 or 5xx\n"},
        {MODEL("retries: {after: 1}"), "2:60: unknown key 'after' in 'retries'\n"},
        {MODEL("fallback: [m]"), "2:60: 'fallback' must be a single value\n"},
        {MODEL("fallback: M, aliases: [mm]"), "2:60: unknown model 'M'; did you mean 'm'?\n"},
        {MODEL("fallback: m"), "2:60: 'fallback' goes in a circle: m -> m\n"},
        {PROVIDERS "models:\n"
                   "  entry: {targets: [" TARGET "], fallback: a}\n"
                   "  a: {targets: [" TARGET "], fallback: bee}\n"
                   "  b: {targets: [" TARGET "], aliases: [bee], fallback: c}\n"
                   "  c: {targets: [" TARGET "], fallback: a}\n"
                   "  d: {targets: [" TARGET "], fallback: c}\n" TENANTS,
         "4:53: 'fallback' goes in a circle: a -> b -> c -> a\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_bad(*state, table[i].yaml, table[i].expected);
}

int test_targets(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(targets_are_read),
        FIXTURE_TEST(health_is_kept_over_a_reload),
        FIXTURE_TEST(mistakes_are_told),
    };
    return cmocka_run_group_tests_name("config/targets", tests, NULL, NULL);
}
