/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the interface that this version has not built: known, and refused at their place; never
 * ignored, and never called unknown.
 */
#include "fixture.h"

int test_later(void);

#define LATER "not supported by this version of Weir\n"

/* Loads `format` with `name` in it; the only problem is at `place`. */
static void assert_later(struct fixture *fixture, const char *format, const char *name,
                         const char *value, const char *place)
{
    char yaml[1024];
    char expected[256];
    snprintf(yaml, sizeof(yaml), format, name, value);
    snprintf(expected, sizeof(expected), "%s: '%s' is " LATER, place, name);
    assert_bad(fixture, yaml, expected);
}

struct section {
    const char *format; /* takes a name and a value */
    const char *place;
    const char *const names[16];
};

static const struct section sections[] = {
    {"%s: %s\n" REST, "1:1", {"include", "cache", "store", "alerts", "telemetry"}},
    {"ledger: {%s: %s}\n" REST, "1:10", {"ship"}},
    {"providers: {p: {kind: openai, %s: %s}}\n" MODELS TENANTS,
     "1:31",
     {"api_version", "region", "access_key", "secret_key", "pool"}},
    {PROVIDERS "models: {m: {%s: %s}}\n" TENANTS, "2:14", {"route"}},
    {PROVIDERS "models: {m: {targets: [{%s: %s}]}}\n" TENANTS,
     "2:25",
     {"deployment", "limits", "timeouts", "headers"}},
    {PROVIDERS MODELS "tenants: {t: {%s: %s}}\n", "3:15", {"loop_guard", "session", "cache"}},
};

static void names_are_refused(void **state)
{
    static const char *const values[] = {"1", "on", "[a, b]", "{a: {b: c}}"};
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        const struct section *section = &sections[i];
        for (size_t j = 0; section->names[j] != NULL; j++)
            for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++)
                assert_later(*state, section->format, section->names[j], values[k], section->place);
    }
}

struct value {
    const char *format; /* takes the value */
    const char *place;
    const char *field; /* the message's first word, with a space; or "" */
    const char *const values[8];
};

static const struct value later_values[] = {
    {"log: {content: %s}\n" REST, "1:16", "content ", {"redacted", "full"}},
    {"response_headers: %s\n" REST, "1:19", "response_headers ", {"full"}},
    {"providers: {p: {kind: %s}}\n" MODELS TENANTS,
     "1:23",
     "kind ",
     {"anthropic", "gemini", "azure", "bedrock"}},
    {PROVIDERS "models: {%s: {targets: [{provider: p, model: x}]}}\n" TENANTS,
     "2:10",
     "",
     {"x/*", "openai/*"}},
    {PROVIDERS "models: {m: {targets: [{provider: p, model: x}], aliases: [%s]}}\n" TENANTS,
     "2:60",
     "",
     {"x/*"}},
    {PROVIDERS "models: {m: {targets: [{provider: p, model: '%s'}]}}\n" TENANTS, "2:45", "", {"*"}},
    {PROVIDERS MODELS "tenants: {t: {models: [%s]}}\n", "3:24", "", {"x/*"}},
    {PROVIDERS MODELS "tenants: {t: {budgets: [{name: b, window: day, usd: 1, hold: %s}]}}\n",
     "3:62",
     "hold ",
     {"topup"}},
};

static void values_are_refused(void **state)
{
    for (size_t i = 0; i < sizeof(later_values) / sizeof(later_values[0]); i++) {
        const struct value *row = &later_values[i];
        for (size_t j = 0; row->values[j] != NULL; j++) {
            char yaml[1024];
            char expected[256];
            snprintf(yaml, sizeof(yaml), row->format, row->values[j]);
            snprintf(expected, sizeof(expected), "%s: %s'%s' is " LATER, row->place, row->field,
                     row->values[j]);
            assert_bad(*state, yaml, expected);
        }
    }
}

/* What is missing may be what a refused name was to say. */
static void nothing_is_missed_beside_a_refused_name(void **state)
{
    assert_bad(*state,
               PROVIDERS "models: {smart: {route: {otherwise: m}}}\n"
                         "tenants: {t: {session: {usd: 5}}}\n",
               "2:18: 'route' is " LATER "3:15: 'session' is " LATER);
}

/* The interface's own sample, cut to what stands alone: each problem is a refused name. */
static void the_sample_has_no_unknown_key(void **state)
{
    struct fixture *fixture = *state;
    setenv("WEIR_TEST_KEY", "x", 1);
    snprintf(fixture->path, sizeof(fixture->path), "%s/tests/config/files/interface.yaml",
             WEIR_SOURCE_DIR);
    assert_null(fixture_load_path(fixture));
    assert_true(fixture->problems.count > 20);
    for (size_t i = 0; i < fixture->problems.count; i++) {
        const char *message = fixture->problems.items[i].message;
        if (strstr(message, "not supported by this version of Weir") == NULL)
            fail_msg("line %zu: %s", fixture->problems.items[i].line, message);
    }
}

int test_later(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(names_are_refused),
        FIXTURE_TEST(values_are_refused),
        FIXTURE_TEST(nothing_is_missed_beside_a_refused_name),
        FIXTURE_TEST(the_sample_has_no_unknown_key),
    };
    return cmocka_run_group_tests_name("config/later", tests, NULL, NULL);
}
