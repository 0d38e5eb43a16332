/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* ${NAME}, ${NAME:-default} and file:PATH. */
#include "fixture.h"

int test_expand(void);

#define SET  "WEIR_TEST_SET"
#define NOT  "WEIR_TEST_NOT_SET"
#define VOID "WEIR_TEST_EMPTY"

static int setup(void **state)
{
    setenv(SET, "value", 1);
    setenv(VOID, "", 1);
    unsetenv(NOT);
    return fixture_setup(state);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, fixture_teardown)

/* state_dir takes any text. */
static void assert_expands(struct fixture *fixture, const char *scalar, const char *expected)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml), "state_dir: %s\n" REST, scalar);
    struct snapshot *s = fixture_load_good(fixture, yaml);
    assert_string_equal(s->state_dir, expected);
    snapshot_unref(&s);
}

static void references_are_filled_in(void **state)
{
    assert_expands(*state, "${" SET "}", "value");
    assert_expands(*state, "\"${" SET "}\"", "value");
    assert_expands(*state, "'${" SET "}'", "value");
    assert_expands(*state, "a/${" SET "}/${" SET "}b", "a/value/valueb");
    assert_expands(*state, "${" SET ":-default}", "value");
    assert_expands(*state, "${" NOT ":-default}", "default");
    assert_expands(*state, "${" VOID ":-default}", "default");
    assert_expands(*state, "a${" VOID "}", "a");
    assert_expands(*state, "a${" NOT ":-}", "a");
    assert_expands(*state, "${" NOT ":-a:-b,{c[d]}", "a:-b,{c[d]");
    assert_expands(*state, "|-\n  a${" SET "}", "avalue");
    assert_expands(*state, "&anchor ${" SET "}", "value");
}

static void dollars_are_plain_elsewhere(void **state)
{
    assert_expands(*state, "$", "$");
    assert_expands(*state, "a$b$", "a$b$");
    assert_expands(*state, "$" SET, "$" SET);
    assert_expands(*state, "'$${" SET "}'", "${" SET "}");
    assert_expands(*state, "$$", "$$");
    assert_expands(*state, "$$${" SET "}", "$${" SET "}");
}

static void references_need_no_quotes_in_flow_mappings(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state,
        "admin: {listen: 127.0.0.1:9090, token: ${" NOT ":-}, hosts: [${" SET "}]}\n"
        "providers: {p: {kind: openai, base_url: ${" NOT ":-http://127.0.0.1:9/v1}, api_key: ${" SET
        "}}}\n"
        "models: {m: {targets: [{provider: ${" NOT ":-p}, model: ${" NOT ":-{x,y]}}]}}\n" TENANTS);
    assert_null(s->admin_token);
    assert_string_equal(s->admin_hosts[0], "value");
    assert_span(s->models[0]->targets[0].model, "{x,y]");
    snapshot_unref(&s);
}

/* The quote ends the scalar, whatever was begun in it. */
static void a_reference_does_not_reach_past_a_quote(void **state)
{
    assert_bad(*state, REST "log: {file: \"${" NOT ":-x\", format: json}\n",
               "4:13: malformed reference; write ${NAME} or ${NAME:-default}, and $${ for a plain "
               "${\n");
}

static void a_value_cannot_change_the_structure(void **state)
{
    static const char hostile[] = "x}]}}, workers: 7 # - &a *b \"'";
    setenv(SET, hostile, 1);
    assert_expands(*state, "${" SET "}", hostile);
    assert_expands(*state, "\"${" SET "}\"", hostile);
    struct snapshot *s = fixture_load_good(
        *state, PROVIDERS "models: {m: {targets: [{provider: p, model: ${" SET "}}]}}\n" TENANTS);
    assert_span(s->models[0]->targets[0].model, hostile);
    assert_int_equal(s->workers, 0);
    snapshot_unref(&s);
}

static void a_value_is_text_whatever_it_says(void **state)
{
    setenv(SET, "null", 1);
    assert_expands(*state, "${" SET "}", "null");
    setenv(SET, "${" NOT "}", 1);
    assert_expands(*state, "${" SET "}", "${" NOT "}");
}

static void a_value_does_not_name_a_file(void **state)
{
    setenv(SET, "file:/etc/hostname", 1);
    struct snapshot *s = fixture_load_good(*state, "admin: {token: ${" SET "}}\n" REST);
    assert_string_equal(s->admin_token, "file:/etc/hostname");
    assert_int_equal(s->file_count, 1);
    snapshot_unref(&s);
}

#define MALFORMED "malformed reference; write ${NAME} or ${NAME:-default}, and $${ for a plain ${\n"

static void what_is_wrong_is_told(void **state)
{
    static const char *const table[][2] = {
        {REST "log: {file: ${" NOT "}}\n", "4:13: the environment variable '" NOT
                                           "' is not set; ${" NOT ":-default} gives a default\n"},
        {REST "workers: ${" NOT "}\nlog: ${}\n",
         "4:10: the environment variable '" NOT "' is not set; ${" NOT
         ":-default} gives a default\n"
         "5:6: " MALFORMED},
        {REST "log: {file: \"${1A}\"}\n", "4:13: " MALFORMED},
        {REST "log: {file: ${A-b}}\n", "4:13: " MALFORMED},
        {REST "log: {file: '${" SET ":-${" SET "}}'}\n", "4:13: " MALFORMED},
        {REST "state_dir: a${b\n", "4:12: " MALFORMED},
        {REST "state_dir: a${b", "4:12: " MALFORMED},
        /* In a section that would be refused anyway, too. */
        {"cache: {redis: ${" NOT "}}\n" REST,
         "1:1: 'cache' is not supported by this version of Weir\n"
         "1:16: the environment variable '" NOT "' is not set; ${" NOT
         ":-default} gives a default\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_bad(*state, table[i][0], table[i][1]);
}

/* A value that is not known is not called wrong as well. */
static void an_unset_variable_is_the_only_problem_of_its_place(void **state)
{
    struct fixture *fixture = *state;
#define UNSET "${" NOT "}"
    assert_null(fixture_load(
        fixture,
        "listen: [" UNSET ", " UNSET "]\n"
        "admin: {listen: 10.0.0.1:1, token: " UNSET ", hosts: [" UNSET "]}\n"
        "state_dir: " UNSET "\nworkers: " UNSET "\nmax_body: " UNSET "\ndrain: " UNSET "\n"
        "egress: {proxy: " UNSET ", ca_file: " UNSET "}\n"
        "log: {file: " UNSET ", content: " UNSET "}\nresponse_headers: " UNSET "\n"
        "providers:\n  p: {kind: " UNSET ", base_url: " UNSET ", http2: " UNSET
        ", max_tokens_field: " UNSET "}\n  q: " UNSET "\n"
        "models:\n  m: {targets: [{provider: " UNSET ", model: " UNSET "}], aliases: [" UNSET
        "], price: {input: " UNSET ", output: 1, per_request: " UNSET "}}\n"
        "  n: {targets: " UNSET ", aliases: " UNSET ", price: " UNSET "}\n"
        "tenants:\n  t: {models: [" UNSET "], limits: {concurrent: " UNSET
        "}, budgets: [{name: " UNSET ", window: " UNSET ", timezone: " UNSET ", usd: " UNSET
        ", mode: " UNSET ", max_hold: " UNSET "}], keys: [{id: " UNSET ", sha256: " UNSET
        ", expires: " UNSET "}]}\n"
        "  u: {models: " UNSET ", budgets: " UNSET ", keys: " UNSET ", limits: " UNSET "}\n"));
    assert_int_equal(fixture->problems.count, 41);
    for (size_t i = 0; i < fixture->problems.count; i++)
        assert_ptr_equal(strstr(fixture->problems.items[i].message, "the environment variable"),
                         fixture->problems.items[i].message);
}

/* 700 references to 64 KiB are more than 16 MiB. */
static void what_references_expand_to_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    size_t size = 64 << 10;
    char *big = malloc(size);
    memset(big, 'x', size);
    big[size - 1] = '\0';
    setenv(SET, big, 1);
    free(big);
    char *yaml = NULL;
    FILE *out = open_memstream(&yaml, &size);
    fputs(REST "state_dir: \"", out);
    for (int i = 0; i < 700; i++)
        fputs("${" SET "}", out);
    fputs("\"\n", out);
    fclose(out);
    assert_bad(fixture, yaml, "4:12: references expand to more than 16 MiB of text\n");
    free(yaml);
}

/* ---- file: ---- */

static void secrets_come_from_files_beside_the_configuration(void **state)
{
    struct fixture *fixture = *state;
    char expected[160];
    fixture_write(fixture, "token", "from-file\r\n\n");
    setenv(SET, "tok", 1);
    struct snapshot *s = fixture_load_good(
        fixture, "admin: {token: file:${" SET "}en}\n"
                 "providers: {p: {kind: openai, api_key: \"file:token\"}}\n" MODELS TENANTS);
    assert_string_equal(s->admin_token, "from-file");
    snprintf(expected, sizeof(expected), "%s/token", fixture->directory);
    assert_int_equal(s->file_count, 2); /* once, though read twice */
    assert_string_equal(s->files[0], fixture->path);
    assert_string_equal(s->files[1], expected);
    snapshot_unref(&s);

    char yaml[512];
    snprintf(yaml, sizeof(yaml), "admin: {token: file:%s}\n%s", expected, REST);
    s = fixture_load_good(fixture, yaml);
    assert_string_equal(s->admin_token, "from-file");
    snapshot_unref(&s);
}

static void assert_bad_file(struct fixture *fixture, const char *name, const char *why)
{
    char yaml[512];
    char expected[512];
    snprintf(yaml, sizeof(yaml), "admin: {token: file:%s}\n%s", name, REST);
    snprintf(expected, sizeof(expected), "1:16: 'token' %s '%s/%s'%s\n",
             strcmp(why, "") == 0 ? "is empty in" : "cannot be read from", fixture->directory, name,
             why);
    assert_bad(fixture, yaml, expected);
}

static void secret_files_must_hold_a_secret(void **state)
{
    struct fixture *fixture = *state;
    fixture_write(fixture, "empty", "\n\n");
    assert_bad_file(fixture, "empty", "");
    assert_bad_file(fixture, "absent", ": No such file or directory");
    char *big = calloc(1, 70000);
    memset(big, 'x', 69999);
    fixture_write(fixture, "big", big);
    free(big);
    assert_bad_file(fixture, "big", ": the file is too large");
    fixture_write(fixture, "lines", "a\nb\n");
    assert_bad(fixture, "admin: {token: file:lines}\n" REST,
               "1:16: 'token' holds spaces or other characters that a header cannot carry\n");
}

/* A configuration file in the working directory has no directory in its name. */
static void a_bare_name_is_relative_to_the_working_directory(void **state)
{
    struct fixture *fixture = *state;
    char before[256];
    assert_non_null(getcwd(before, sizeof(before)));
    fixture_write(fixture, "token", "from-file");
    fixture_write(fixture, "weir.yaml", "admin: {token: file:token}\n" REST);
    assert_int_equal(chdir(fixture->directory), 0);
    struct load_settings settings = {.path = "weir.yaml", .cells = fixture->cells};
    struct snapshot *s = config_load(&settings, &fixture->problems);
    assert_int_equal(chdir(before), 0);
    assert_non_null(s);
    assert_string_equal(s->admin_token, "from-file");
    assert_string_equal(s->files[1], "token");
    snapshot_unref(&s);
}

static void the_ca_file_is_watched(void **state)
{
    struct fixture *fixture = *state;
    char expected[160];
    fixture_write(fixture, "ca.pem", "x");
    struct snapshot *s = fixture_load_good(fixture, "egress: {ca_file: ca.pem}\n" REST);
    snprintf(expected, sizeof(expected), "%s/ca.pem", fixture->directory);
    assert_int_equal(s->file_count, 2);
    assert_string_equal(s->files[1], expected);
    snapshot_unref(&s);
}

static void secrets_are_in_no_message(void **state)
{
    struct fixture *fixture = *state;
    setenv(SET, "sk-secret", 1);
    fixture_write(fixture, "key", "sk secret");
    assert_null(fixture_load(
        fixture, "admin: {token: 'sk secret', listen: ${" SET "}, hosts: [${" SET "}/]}\n"
                 "response_headers: ${" SET "}\nworkers: ${" SET "}\nmax_body: ${" SET "}\n"
                 "egress: {proxy: ${" SET "}}\n"
                 "providers:\n"
                 "  p: {kind: ${" SET "}, base_url: ${" SET "}, api_key: file:key}\n"
                 "  q: {kind: openai, max_tokens_field: ${" SET "}, http2: ${" SET "}}\n"
                 "models: {m: {targets: [{provider: ${" SET "}, model: x}], price: {input: ${" SET
                 "}, output: 1}}}\n"
                 "tenants: {t: {models: [${" SET "}, ${" SET "}*], budgets: [{name: ${" SET
                 "}, timezone: ${" SET "}, usd: ${" SET "}, window: ${" SET "}}]}}\n"));
    assert_true(fixture->problems.count >= 15);
    for (size_t i = 0; i < fixture->problems.count; i++)
        assert_null(strstr(fixture->problems.items[i].message, "secret"));
}

int test_expand(void)
{
    const struct CMUnitTest tests[] = {
        TEST(references_are_filled_in),
        TEST(dollars_are_plain_elsewhere),
        TEST(references_need_no_quotes_in_flow_mappings),
        TEST(a_reference_does_not_reach_past_a_quote),
        TEST(a_value_cannot_change_the_structure),
        TEST(a_value_is_text_whatever_it_says),
        TEST(a_value_does_not_name_a_file),
        TEST(what_is_wrong_is_told),
        TEST(an_unset_variable_is_the_only_problem_of_its_place),
        TEST(what_references_expand_to_is_bounded),
        TEST(secrets_come_from_files_beside_the_configuration),
        TEST(secret_files_must_hold_a_secret),
        TEST(a_bare_name_is_relative_to_the_working_directory),
        TEST(the_ca_file_is_watched),
        TEST(secrets_are_in_no_message),
    };
    return cmocka_run_group_tests_name("config/expand", tests, NULL, NULL);
}
