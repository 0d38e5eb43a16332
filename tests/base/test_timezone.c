/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones: against the C library where the system has zones, and files of our own that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/timezone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int test_timezone(void);

static bool has_zones(void)
{
    return access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0;
}

static void utc_is_always_there(void **state)
{
    (void)state;
    const char *why = NULL;
    struct timezone_rules *utc = timezone_open("UTC", &why);
    assert_non_null(utc);
    assert_int_equal(timezone_offset_s(utc, 0), 0);
    assert_int_equal(timezone_offset_s(NULL, 1 << 30), 0);
    assert_int_equal(timezone_to_wall_s(utc, 1234567), 1234567);
    timezone_close(&utc);
    timezone_close(&utc);
}

/* The C library's answer for the zone that is set now. */
static int64_t libc_offset(int64_t wall_s)
{
    struct tm local;
    time_t moment = (time_t)wall_s;
    localtime_r(&moment, &local);
    return local.tm_gmtoff;
}

static void compare_zone(const char *name)
{
    const char *why = NULL;
    struct timezone_rules *zone = timezone_open(name, &why);
    assert_non_null(zone);
    setenv("TZ", name, 1);
    tzset();
    for (int64_t wall_s = -3000000000; wall_s < 8000000000; wall_s += 123457)
        if (timezone_offset_s(zone, wall_s) != libc_offset(wall_s))
            fail_msg("%s at %lld: %d, not %lld", name, (long long)wall_s,
                     timezone_offset_s(zone, wall_s), (long long)libc_offset(wall_s));
    /* Local times map back to a moment that shows them, but for those that are skipped. */
    for (int64_t local_s = 1700000000; local_s < 1800000000; local_s += 1709) {
        int64_t wall_s = timezone_to_wall_s(zone, local_s);
        int64_t shown = wall_s + timezone_offset_s(zone, wall_s);
        assert_true(shown >= local_s && shown <= local_s + 2 * 3600);
        if (shown != local_s) /* it was skipped: the first moment after */
            assert_true(wall_s - 1 + timezone_offset_s(zone, wall_s - 1) < local_s);
    }
    timezone_close(&zone);
}

static void zones_are_as_the_c_library_has_them(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin",    "America/New_York",  "America/Sao_Paulo",   "Asia/Kolkata",
        "Australia/Sydney", "Europe/Dublin",     "Australia/Lord_Howe", "Pacific/Apia",
        "America/St_Johns", "Africa/Casablanca", "Asia/Tokyo",          "Etc/GMT+5"};
    if (!has_zones()) {
        print_message("there is no /usr/share/zoneinfo here (package tzdata): skipped\n");
        skip();
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        compare_zone(names[i]);
    unsetenv("TZ");
    tzset();
}

static void names_stay_in_the_directory(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "/etc/passwd",
        "../../../etc/passwd",
        "Europe/Nowhere",
        "a b",
        "Europe/Berlin\n",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *why = NULL;
        assert_null(timezone_open(names[i], &why));
        assert_non_null(strstr(why, "no such time zone"));
    }
}

/* ---- files of our own ---- */

struct zone_file {
    char directory[64];
    unsigned char bytes[512];
    size_t size;
};

static void put32(struct zone_file *file, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        file->bytes[file->size++] = (unsigned char)(value >> shift);
}

static void put_header(struct zone_file *file, uint32_t times, uint32_t types)
{
    memcpy(file->bytes + file->size, "TZif2", 5);
    file->size += 20;
    const uint32_t counts[] = {0, 0, 0, times, types, 4};
    for (size_t i = 0; i < 6; i++)
        put32(file, counts[i]);
}

/* One change, at 1,000,000, from no offset to an hour; then the rule. */
static void make_file(struct zone_file *file, const char *rule)
{
    file->size = 0;
    memset(file->bytes, 0, sizeof file->bytes);
    put_header(file, 0, 1);
    file->size += 6 + 4;
    put_header(file, 1, 2);
    put32(file, 0);
    put32(file, 1000000);
    file->bytes[file->size++] = 1;
    put32(file, 0);
    file->size += 2;
    put32(file, 3600);
    file->size += 2 + 4;
    file->bytes[file->size++] = '\n';
    memcpy(file->bytes + file->size, rule, strlen(rule));
    file->size += strlen(rule);
    file->bytes[file->size++] = '\n';
}

static struct timezone_rules *open_file(struct zone_file *file, const char **why)
{
    char path[128];
    snprintf(path, sizeof path, "%s/Own", file->directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file->bytes, file->size), file->size);
    close(fd);
    return timezone_open("Own", why);
}

static int with_directory(void **state)
{
    static struct zone_file file;
    strcpy(file.directory, "/tmp/weir-zones-XXXXXX");
    assert_non_null(mkdtemp(file.directory));
    setenv("TZDIR", file.directory, 1);
    *state = &file;
    return 0;
}

static int without_directory(void **state)
{
    struct zone_file *file = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/Own", file->directory);
    unlink(path);
    rmdir(file->directory);
    unsetenv("TZDIR");
    return 0;
}

static void a_file_of_our_own_is_read(void **state)
{
    struct zone_file *file = *state;
    const char *why = NULL;
    make_file(file, "AAA-1BBB-3,J60/1,J300/-1");
    struct timezone_rules *zone = open_file(file, &why);
    assert_non_null(zone);
    assert_int_equal(timezone_offset_s(zone, 999999), 0);
    assert_int_equal(timezone_offset_s(zone, 1000000), 3600); /* January 1970, by the rule */
    /* 1 March 2024, a leap year: at 01:00 local, that is 00:00 UTC. */
    int64_t march = civil_to_days((struct civil){2024, 3, 1}) * 86400;
    assert_int_equal(timezone_offset_s(zone, march - 1), 3600);
    assert_int_equal(timezone_offset_s(zone, march), 10800);
    /* 27 October at −01:00 local daylight time: 26 October 20:00 UTC. */
    int64_t october = civil_to_days((struct civil){2024, 10, 26}) * 86400 + 20 * 3600;
    assert_int_equal(timezone_offset_s(zone, october - 1), 10800);
    assert_int_equal(timezone_offset_s(zone, october), 3600);
    timezone_close(&zone);
    make_file(file, "<-0330>3:30<+01>,0/0,365/24");
    zone = open_file(file, &why);
    assert_non_null(zone);
    assert_int_equal(timezone_offset_s(zone, march), -12600 + 3600);
    timezone_close(&zone);
}

static void rules_that_are_none_are_refused(void **state)
{
    static const char *const rules[] = {"",
                                        "A-1",
                                        "AAA",
                                        "AAA168",
                                        "AAA-1:60",
                                        "AAA-1BB",
                                        "AAA-1BBB",
                                        "AAA-1BBB,M3.5.0",
                                        "AAA-1BBB,M13.5.0,M1.1.1",
                                        "AAA-1BBB,M3.6.0,M1.1.1",
                                        "AAA-1BBB,M3.5.7,M1.1.1",
                                        "AAA-1BBB,J0,J1",
                                        "AAA-1BBB,J366,J1",
                                        "AAA-1BBB,J1,J2x",
                                        "<A>-1",
                                        "AAA-1BBB,M0.1.1,M1.1.1"};
    struct zone_file *file = *state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const char *why = NULL;
        make_file(file, rules[i]);
        assert_null(open_file(file, &why));
        assert_non_null(strstr(why, "no time zone that can be read"));
    }
}

/* Cut anywhere, and with any byte of its headers changed, it is read or refused, never more. */
static void broken_files_are_refused(void **state)
{
    struct zone_file *file = *state;
    const char *why = NULL;
    make_file(file, "AAA-1");
    size_t whole = file->size;
    for (file->size = 0; file->size < whole - 1; file->size++) {
        struct timezone_rules *zone = open_file(file, &why);
        if (zone != NULL && file->size < whole - 2)
            fail_msg("read with %zu of %zu bytes", file->size, whole);
        timezone_close(&zone);
    }
    for (size_t i = 0; i < whole; i++)
        for (int value = 0; value < 256; value += 51) {
            make_file(file, "AAA-1");
            file->bytes[i] = (unsigned char)value;
            struct timezone_rules *zone = open_file(file, &why);
            timezone_close(&zone);
        }
}

int test_timezone(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utc_is_always_there),
        cmocka_unit_test(zones_are_as_the_c_library_has_them),
        cmocka_unit_test(names_stay_in_the_directory),
        cmocka_unit_test_setup_teardown(a_file_of_our_own_is_read, with_directory,
                                        without_directory),
        cmocka_unit_test_setup_teardown(rules_that_are_none_are_refused, with_directory,
                                        without_directory),
        cmocka_unit_test_setup_teardown(broken_files_are_refused, with_directory,
                                        without_directory),
    };
    return cmocka_run_group_tests_name("base/timezone", tests, NULL, NULL);
}
