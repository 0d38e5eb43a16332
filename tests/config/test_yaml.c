/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What is YAML (and JSON), and what is said when it is not. */
#include "fixture.h"

int test_yaml(void);

struct bad {
    const char *yaml;
    const char *problems;
};

static void syntax_errors_have_a_place(void **state)
{
    const struct bad table[] = {
        {"", "0:0: the file is empty\n"},
        {"# nothing\n", "0:0: the file is empty\n"},
        {"---\n", "2:1: the file must be a mapping of names to values\n"},
        {"a: [1,2\nb: 3\n", "2:2: not YAML: did not find expected ',' or ']', while parsing a flow "
                            "sequence that began on line 1\n"},
        {"a: b: c\n", "1:5: not YAML: mapping values are not allowed in this context\n"},
        {"a: \"x\n", "2:1: not YAML: found unexpected end of stream, while scanning a quoted "
                     "scalar that began on line 1\n"},
        {"a: 'x' y\n", "1:8: not YAML: did not find expected key\n"},
        {"@", "1:1: not YAML: found character that cannot start any token\n"},
        {"%FOO\n", "1:5: not YAML: found unknown directive name\n"},
        {"%YAML 1.1\n", "2:1: not YAML: did not find expected <document start>\n"},
        {"a: @\n", "1:4: not YAML: found character that cannot start any token\n"},
        {"a: [x, @]\n", "1:8: not YAML: found character that cannot start any token\n"},
        {"a: 1\n---\nb: 2\n", "2:1: a second document in the file\n"},
        {"a: 1\n...\n@\n", "3:1: not YAML: found character that cannot start any token\n"},
        {"a: *x\n", "1:4: no anchor '&x' is complete before this alias\n"},
        {"a: &x [*x]\n", "1:8: no anchor '&x' is complete before this alias\n"},
        {"? [a]\n: 1\n", "1:3: a key must be plain text\n"},
        {"providers:\n\tp: {kind: openai}\n", "2:1: a tab cannot indent in YAML; use spaces\n"},
        {"providers:\n  p: {}\n  \tq: {}\n", "3:3: a tab cannot indent in YAML; use spaces\n"},
        {"a: {b: 'c'\n\t]\n",
         "2:2: not YAML: did not find expected ',' or '}', while parsing a flow "
         "mapping that began on line 1\n"},
        {REST "log: !!map {}\n", "4:6: tags such as 'tag:yaml.org,2002:map' are not understood\n"},
        {REST "state_dir: \"a\\0b\"\n", "4:12: the character U+0000 is not allowed\n"},
        {REST "log: {file: a,\n  file: b}\nlog: {}\n",
         "5:3: duplicate key 'file', first given on line 4\n"
         "6:1: duplicate key 'log', first given on line 4\n"},
        {REST "log: {<<: x}\n", "4:11: '<<' takes a mapping, or a list of mappings\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_bad(*state, table[i].yaml, table[i].problems);
}

static void bytes_must_be_characters(void **state)
{
    const struct bad table[] = {
        {"a: 1\nb: \xff\n", "2:4: the file is not UTF-8 here\n"},
        {"\xc3\xa4: \x80", "1:4: the file is not UTF-8 here\n"},
        {"a: \xc3", "1:4: the file is not UTF-8 here\n"},
        {"a: \xe2\x28\xa1", "1:4: the file is not UTF-8 here\n"},
        {"a: \xe2\x82", "1:4: the file is not UTF-8 here\n"},
        {"a: \xc0\x80", "1:4: the file is not UTF-8 here\n"},         /* overlong */
        {"a: \xed\xa0\x80", "1:4: the file is not UTF-8 here\n"},     /* a surrogate */
        {"a: \xf4\x90\x80\x80", "1:4: the file is not UTF-8 here\n"}, /* past U+10FFFF */
        {"a: \x07", "1:4: the character U+0007 is not allowed\n"},
        {"a: \xef\xbb\xbf", "1:4: the character U+FEFF is not allowed\n"},
        {"a: \xef\xbf\xbe", "1:4: the character U+FFFE is not allowed\n"},
        {"a: \xee\x80\x80", "1:4: the character U+E000 is not allowed\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_bad(*state, table[i].yaml, table[i].problems);
}

static void a_nul_byte_is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture_write_bytes(fixture, "weir.yaml", "a: \0", 4);
    assert_null(fixture_load_path(fixture));
    char *problems = fixture_problems(fixture);
    assert_string_equal(problems, "1:4: the character U+0000 is not allowed\n");
    free(problems);
}

static void other_characters_and_a_byte_order_mark_are_taken(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state, "\xef\xbb\xbf# \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\r\n"
                "state_dir: /srv/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 # ok\r\n" REST);
    assert_string_equal(s->state_dir, "/srv/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    snapshot_unref(&s);
}

static void columns_count_characters(void **state)
{
    assert_bad(*state, REST "\xef\xbb\xbf", "4:1: the character U+FEFF is not allowed\n");
    assert_bad(*state, REST "log: {file: \xc3\xa4, fomat: json}\n",
               "4:16: unknown key 'fomat' in 'log'; did you mean 'format'?\n");
}

static void files_must_be_readable(void **state)
{
    struct fixture *fixture = *state;
    assert_null(fixture_load_path(fixture));
    char *problems = fixture_problems(fixture);
    assert_string_equal(problems, "0:0: cannot be read: No such file or directory\n");
    free(problems);

    snprintf(fixture->path, sizeof(fixture->path), "%s", fixture->directory);
    assert_null(fixture_load_path(fixture));
    problems = fixture_problems(fixture);
    assert_string_equal(problems, "0:0: cannot be read: Is a directory\n");
    free(problems);
}

static void json_is_yaml(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state,
        "{\"workers\":2,\"listen\":[\"127.0.0.1:1\"],\n"
        "\t\"admin\":false,\"egress\":{\"proxy\":null},\"log\":{\"content\":\"off\"},\n"
        "\t\"providers\":{\"p\":{\"kind\":\"openai\",\"http2\":true,\"api_key\":"
        "\"${WEIR_TEST_NOT_SET:-k}\"}},\n"
        "\t\"models\":{\"m\":{\"targets\":[{\"provider\":\"p\",\"model\":\"\\u0041\\/b\"}],"
        "\"price\":{\"input\":0.15,\"output\":1}}},\n"
        "\t\"tenants\":{\"t\":{\"budgets\":[{\"name\":\"b\",\"window\":\"day\",\"usd\":1}]}}\n"
        "}\n");
    assert_int_equal(s->workers, 2);
    assert_null(s->admin_listen);
    assert_span(s->models[0]->targets[0].model, "A/b");
    assert_int_equal(price_schedule_at(&s->models[0]->targets[0].prices, 0)->rates.input_pusd,
                     150000);
    assert_int_equal(s->tenants[0]->allowance.budget_count, 1);
    snapshot_unref(&s);
}

static void aliases_repeat_a_node(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state, PROVIDERS MODELS "tenants:\n"
                                 "  a: {limits: &some {concurrent: 7}, budgets: &b [{name: x, "
                                 "window: day, usd: 1}]}\n"
                                 "  b: {limits: *some, budgets: *b}\n"
                                 "  c: {limits: &some {concurrent: 8}}\n"
                                 "  d: {limits: *some}\n");
    assert_int_equal(s->tenants[1]->allowance.gauge->limit, 7);
    assert_ptr_not_equal(s->tenants[0]->allowance.gauge, s->tenants[1]->allowance.gauge);
    assert_ptr_not_equal(s->tenants[0]->allowance.budgets[0].cell,
                         s->tenants[1]->allowance.budgets[0].cell);
    assert_int_equal(s->tenants[3]->allowance.gauge->limit, 8);
    snapshot_unref(&s);
}

static void a_problem_behind_an_alias_is_told_once(void **state)
{
    assert_bad(*state,
               PROVIDERS MODELS "tenants: {a: &x {limits: {concurrent: no}}, b: *x, c: *x}\n",
               "3:39: 'concurrent' must be a whole number, from 1 to 1000000\n");
}

static void maps_merge(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state,
        "providers:\n"
        "  p: &p {kind: openai, base_url: http://127.0.0.1:1, max_tokens_field: max_tokens}\n"
        "  b: {base_url: http://127.0.0.1:2, <<: *p}\n"
        "  c: {<<: [{base_url: http://127.0.0.1:3}, *p]}\n"
        "  d: {<<: *p, max_tokens_field: max_completion_tokens}\n" MODELS TENANTS);
    assert_string_equal(s->providers[1]->base_url, "http://127.0.0.1:2");
    assert_span(s->providers[1]->limit_field, "max_tokens");
    assert_string_equal(s->providers[2]->base_url, "http://127.0.0.1:3");
    assert_string_equal(s->providers[3]->base_url, "http://127.0.0.1:1");
    assert_span(s->providers[3]->limit_field, "max_completion_tokens");
    snapshot_unref(&s);
}

/* "<<" in quotes is a key like any other. */
static void a_quoted_merge_is_none(void **state)
{
    assert_bad(*state, REST "'<<': {workers: 1}\n", "4:1: unknown key '<<'\n");
}

static void aliases_do_not_explode(void **state)
{
    char yaml[2048] = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 9; i++) {
        size_t len = strlen(yaml);
        snprintf(yaml + len, sizeof(yaml) - len,
                 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    assert_bad(*state, yaml, "7:10: aliases make more than 1000000 nodes of the file\n");
}

static void load_generated(struct fixture *fixture, const char *head, const char *item,
                           size_t count, const char *expected)
{
    char *yaml = NULL;
    size_t size;
    FILE *out = open_memstream(&yaml, &size);
    fputs(head, out);
    for (size_t i = 0; i < count; i++)
        fputs(item, out);
    fclose(out);
    fixture_write_bytes(fixture, "weir.yaml", yaml, size);
    free(yaml);
    assert_null(fixture_load_path(fixture));
    char *problems = fixture_problems(fixture);
    assert_string_equal(problems, expected);
    free(problems);
}

static void sizes_are_bounded(void **state)
{
    load_generated(*state, "a: ", "[", 100000, "1:36: nested more than 32 deep\n");
    load_generated(*state, "a: [", "x,", 1000001,
                   "1:2000001: more than 1000000 nodes in the file\n");
    load_generated(*state, "a: [", "{},", 1000001,
                   "1:2999999: more than 1000000 nodes in the file\n");
    load_generated(*state, "#", "12345678", 1 << 20,
                   "0:0: cannot be read: the file is too large\n");
}

int test_yaml(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(syntax_errors_have_a_place),
        FIXTURE_TEST(bytes_must_be_characters),
        FIXTURE_TEST(a_nul_byte_is_refused),
        FIXTURE_TEST(other_characters_and_a_byte_order_mark_are_taken),
        FIXTURE_TEST(columns_count_characters),
        FIXTURE_TEST(files_must_be_readable),
        FIXTURE_TEST(json_is_yaml),
        FIXTURE_TEST(aliases_repeat_a_node),
        FIXTURE_TEST(a_problem_behind_an_alias_is_told_once),
        FIXTURE_TEST(maps_merge),
        FIXTURE_TEST(a_quoted_merge_is_none),
        FIXTURE_TEST(aliases_do_not_explode),
        FIXTURE_TEST(sizes_are_bounded),
    };
    return cmocka_run_group_tests_name("config/yaml", tests, NULL, NULL);
}
