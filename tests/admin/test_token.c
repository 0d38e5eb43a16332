/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The generated admin token: made once, for its owner's eyes only, and nobody's file is harmed. */
#include "admin/admin.h"

#include "crypto/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char directory[64];
    char path[96];
};

static int place_setup(void **state)
{
    static struct place place;
    place = (struct place){.directory = "/tmp/weir-token-XXXXXX"};
    assert_non_null(mkdtemp(place.directory));
    snprintf(place.path, sizeof place.path, "%s/admin.token", place.directory);
    *state = &place;
    return 0;
}

static int place_teardown(void **state)
{
    struct place *place = *state;
    unlink(place->path);
    return rmdir(place->directory);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static size_t read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(out, 1, size - 1, file);
    out[len] = '\0';
    fclose(file);
    return len;
}

static void it_is_generated_for_its_owner_only(void **state)
{
    struct place *place = *state;
    char token[KEY_TEXT_SIZE], text[128], line[KEY_TEXT_SIZE + 2];
    struct stat status;
    mode_t mask = umask(0); /* the mode does not hang on it */
    bool loaded = admin_token_load(place->path, token);
    umask(mask);
    assert_true(loaded);
    assert_int_equal(strlen(token), KEY_TEXT_SIZE - 1);
    assert_memory_equal(token, "weir_", 5);
    assert_int_equal(stat(place->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    snprintf(line, sizeof line, "%s\n", token);
    read_file(place->path, text, sizeof text);
    assert_string_equal(text, line);
}

static void it_is_read_again(void **state)
{
    struct place *place = *state;
    char first[KEY_TEXT_SIZE], second[KEY_TEXT_SIZE];
    assert_true(admin_token_load(place->path, first));
    assert_true(admin_token_load(place->path, second));
    assert_string_equal(first, second);
}

static void it_needs_no_line_end(void **state)
{
    struct place *place = *state;
    char first[KEY_TEXT_SIZE], second[KEY_TEXT_SIZE];
    assert_true(admin_token_load(place->path, first));
    write_file(place->path, first);
    assert_true(admin_token_load(place->path, second));
    assert_string_equal(first, second);
}

static void each_one_differs(void **state)
{
    struct place *place = *state;
    char first[KEY_TEXT_SIZE], second[KEY_TEXT_SIZE];
    assert_true(admin_token_load(place->path, first));
    assert_int_equal(unlink(place->path), 0);
    assert_true(admin_token_load(place->path, second));
    assert_string_not_equal(first, second);
}

static void a_file_of_somebody_else_is_left_alone(void **state)
{
    struct place *place = *state;
    static const char *const texts[] = {
        "my shopping list\n", "x", "weir_short\n",
        "weir_0123456789012345678901234567890123456789012x\n", /* one too long */
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char token[KEY_TEXT_SIZE], after[128];
        write_file(place->path, texts[i]);
        errno = 0;
        assert_false(admin_token_load(place->path, token));
        assert_int_equal(errno, EINVAL);
        read_file(place->path, after, sizeof after);
        assert_string_equal(after, texts[i]);
    }
}

static void a_directory_in_its_place_is_an_error(void **state)
{
    struct place *place = *state;
    char token[KEY_TEXT_SIZE];
    assert_int_equal(mkdir(place->path, 0700), 0);
    assert_false(admin_token_load(place->path, token));
    assert_int_not_equal(errno, 0);
    assert_int_equal(rmdir(place->path), 0);
}

static void a_place_that_cannot_be_written_is_an_error(void **state)
{
    struct place *place = *state;
    char token[KEY_TEXT_SIZE], path[160];
    snprintf(path, sizeof path, "%s/none/admin.token", place->directory);
    assert_false(admin_token_load(path, token));
    assert_int_equal(errno, ENOENT);
    snprintf(path, sizeof path, "/proc/self/admin.token"); /* unwritable for root, too */
    assert_false(admin_token_load(path, token));
    assert_int_not_equal(errno, 0);
}

int test_token(void);
int test_token(void)
{
#define AT_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        AT_A_PLACE(it_is_generated_for_its_owner_only),
        AT_A_PLACE(it_is_read_again),
        AT_A_PLACE(it_needs_no_line_end),
        AT_A_PLACE(each_one_differs),
        AT_A_PLACE(a_file_of_somebody_else_is_left_alone),
        AT_A_PLACE(a_directory_in_its_place_is_an_error),
        AT_A_PLACE(a_place_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests_name("admin/token", tests, NULL, NULL);
}
