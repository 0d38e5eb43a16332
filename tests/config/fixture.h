/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of its own for each test, with a configuration file weir.yaml in it, and cells that
 * live as long as the test. Problems are compared as one text, "LINE:COLUMN: MESSAGE" a line.
 */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a test is about something else. Lines: providers 1, models 2, tenants 3. */
#define PROVIDERS "providers: {p: {kind: openai, base_url: http://127.0.0.1:9/v1}}\n"
#define MODELS    "models: {m: {targets: [{provider: p, model: x}], price: {input: 1, output: 2}}}\n"
#define TENANTS   "tenants: {t: {}}\n"
#define REST      PROVIDERS MODELS TENANTS

#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct fixture {
    char directory[64];
    char path[96];
    struct cells *cells;
    struct problems problems;
};

static inline int fixture_setup(void **state)
{
    static struct fixture fixture;
    upstream_global_init();
    fixture = (struct fixture){.directory = "/tmp/weir-config-XXXXXX", .cells = cells_new()};
    assert_non_null(mkdtemp(fixture.directory));
    snprintf(fixture.path, sizeof(fixture.path), "%s/weir.yaml", fixture.directory);
    *state = &fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    problems_fini(&fixture->problems);
    cells_free(&fixture->cells);
    snprintf(command, sizeof(command), "rm -r %s", fixture->directory);
    return system(command);
}

#define FIXTURE_TEST(NAME) cmocka_unit_test_setup_teardown(NAME, fixture_setup, fixture_teardown)

/* A file beside the configuration. */
static inline void fixture_write_bytes(struct fixture *fixture, const char *name, const char *bytes,
                                       size_t size)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void fixture_write(struct fixture *fixture, const char *name, const char *text)
{
    fixture_write_bytes(fixture, name, text, strlen(text));
}

/* Loads what lies at fixture->path. */
static inline struct snapshot *fixture_load_path(struct fixture *fixture)
{
    struct load_settings settings = {.path = fixture->path,
                                     .cells = fixture->cells,
                                     .simulated_base_url = "http://127.0.0.1:7/v1"};
    problems_fini(&fixture->problems);
    struct snapshot *snapshot = config_load(&settings, &fixture->problems);
    assert_int_equal(snapshot == NULL, fixture->problems.count > 0);
    return snapshot;
}

static inline struct snapshot *fixture_load(struct fixture *fixture, const char *yaml)
{
    fixture_write(fixture, "weir.yaml", yaml);
    return fixture_load_path(fixture);
}

/* "2:5: message\n" for each problem; the caller frees it. */
static inline char *fixture_problems(const struct fixture *fixture)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (size_t i = 0; i < fixture->problems.count; i++) {
        const struct problem *problem = &fixture->problems.items[i];
        assert_string_equal(problem->file, fixture->path);
        fprintf(out, "%zu:%zu: %s\n", problem->line, problem->column, problem->message);
    }
    fclose(out);
    return text;
}

static inline struct snapshot *fixture_load_good(struct fixture *fixture, const char *yaml)
{
    struct snapshot *snapshot = fixture_load(fixture, yaml);
    char *problems = fixture_problems(fixture);
    assert_string_equal(problems, "");
    free(problems);
    assert_non_null(snapshot);
    return snapshot;
}

/* `expected`: all problems, as fixture_problems() gives them. */
static inline void assert_bad(struct fixture *fixture, const char *yaml, const char *expected)
{
    struct snapshot *snapshot = fixture_load(fixture, yaml);
    char *problems = fixture_problems(fixture);
    if (strcmp(problems, expected) != 0)
        print_error("of this file:\n%s\n", yaml);
    assert_string_equal(problems, expected);
    free(problems);
    assert_null(snapshot);
}

static inline void assert_span(struct span s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len);
}

#endif
