/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The strict pass against JSONTestSuite (Nicolas Seriot): what must pass, and what must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "suite_file.h"
#include "wire/json.h"

#include <string.h>

int test_json_suite(void);

/* Valid JSON that we refuse on purpose: parsers differ on what it means. */
static const char *const refused_on_purpose[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
};

static bool passes(struct span text)
{
    struct arena arena;
    struct json_object object;
    struct json_fault fault = {0};
    arena_init(&arena, 1 << 22);
    bool valid = json_scan(text, &arena, &object, &fault);
    assert_true(valid || (fault.what != NULL && fault.offset <= text.len));
    arena_fini(&arena);
    return valid;
}

static bool expected_to_pass(struct span name, struct span expect)
{
    for (size_t i = 0; i < sizeof(refused_on_purpose) / sizeof(refused_on_purpose[0]); i++)
        if (span_equal(name, span_from_string(refused_on_purpose[i])))
            return false;
    return span_equal(expect, SPAN("accept"));
}

static void each_mandatory_case_is_decided_right(void **state)
{
    (void)state;
    struct span file = suite_load("jsontestsuite.json");
    struct json *root = json_parse(file);
    size_t accepted = 0;
    size_t refused = 0;
    for (const struct json *test = json_first(json_get(root, "cases")); test != NULL;
         test = json_next(test)) {
        struct span name = json_string(json_get(test, "name"));
        struct span expect = json_string(json_get(test, "expect"));
        struct span coded = json_string(json_get(test, "b64"));
        char *text = malloc(coded.len + 1);
        assert_non_null(text);
        bool valid = passes(base64_decode(coded, text));
        free(text);
        if (span_equal(expect, SPAN("either")))
            continue;
        if (valid != expected_to_pass(name, expect))
            print_error("%.*s\n", SPAN_ARG(name));
        assert_int_equal(valid, expected_to_pass(name, expect));
        accepted += valid;
        refused += !valid;
    }
    print_message(
        "JSONTestSuite: %zu accepted, %zu refused (%zu of them valid, refused on purpose), "
        "0 wrong\n",
        accepted, refused, sizeof(refused_on_purpose) / sizeof(refused_on_purpose[0]));
    assert_int_equal(accepted, 91);
    assert_int_equal(refused, 192);
    json_free(&root);
    suite_unload(file);
}

int test_json_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mandatory_case_is_decided_right),
    };
    return cmocka_run_group_tests_name("wire/json_suite", tests, NULL, NULL);
}
