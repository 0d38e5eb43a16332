/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every seed of every driver, each driver a test. A seed's name is printed before it runs, for a
 * sanitizer that ends the process in the middle of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>

#define SEEDS WEIR_SOURCE_DIR "/tests/fuzz/seeds/"

void fuzz_fail(const char *text, const char *file, int line)
{
    print_error("check failed: %s\n", text);
    _fail(file, line);
    abort(); /* not reached */
}

/* In memory of exactly its size, as libFuzzer has it: a read past the end is seen. */
static struct span read_seed(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(file);
    char *bytes = malloc(size > 0 ? size : 1);
    assert_non_null(bytes);
    rewind(file);
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
    return span_make(bytes, size);
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void run_seeds(const char *name, void (*driver)(struct span input))
{
    char path[512];
    struct dirent **entries;
    snprintf(path, sizeof(path), SEEDS "%s", name);
    int count = scandir(path, &entries, is_seed, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), SEEDS "%s/%s", name, entries[i]->d_name);
        print_message("%s: %s\n", name, entries[i]->d_name);
        fflush(stdout);
        struct span seed = read_seed(path);
        driver(seed);
        free((char *)(uintptr_t)seed.ptr);
        free(entries[i]);
    }
    free(entries);
}

#define SEEDS_TEST(NAME)                      \
    static void seeds_of_##NAME(void **state) \
    {                                         \
        (void)state;                          \
        run_seeds(#NAME, fuzz_##NAME);        \
    }
FUZZ_DRIVERS(SEEDS_TEST)

/* A folder without a driver would be seeds that nobody runs. */
static void every_folder_has_a_driver(void **state)
{
    struct dirent **entries;
    (void)state;
    int count = scandir(SEEDS, &entries, is_seed, alphasort);
#define ONE(NAME) +1
    assert_int_equal(count, 0 FUZZ_DRIVERS(ONE));
#undef ONE
    while (count > 0)
        free(entries[--count]);
    free(entries);
}

int test_seeds(void);

int test_seeds(void)
{
#define SEEDS_ENTRY(NAME) cmocka_unit_test(seeds_of_##NAME),
    const struct CMUnitTest tests[] = {FUZZ_DRIVERS(SEEDS_ENTRY)
                                           cmocka_unit_test(every_folder_has_a_driver)};
    return cmocka_run_group_tests_name("fuzz/seeds", tests, NULL, NULL);
}
