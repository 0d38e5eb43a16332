/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Watching a directory: files written, replaced by rename, the directory itself gone and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "loop/watch.h"
#include "until.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct watch *watch;
    struct watch *other;
    char root[64];
    char directory[80];
    int changes;
};

static void changed(void *argument)
{
    struct fixture *f = argument;

    f->changes++;
}

static void changed_and_free(void *argument)
{
    struct fixture *f = argument;

    f->changes++;
    watch_free(&f->watch);
}

/* The directory watched is root/d, so that it can go and come back. */
static void fixture_init(struct fixture *f, void (*on_change)(void *argument))
{
    memset(f, 0, sizeof(*f));
    snprintf(f->root, sizeof(f->root), "/tmp/weir-watch-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->directory, sizeof(f->directory), "%s/d", f->root);
    assert_int_equal(mkdir(f->directory, 0700), 0);
    f->loop = loop_new();
    f->watch = watch_new(f->loop, f->directory, on_change, f);
    assert_non_null(f->watch);
}

static char *path(const struct fixture *f, const char *name, char *out)
{
    snprintf(out, 128, "%s/%s", f->directory, name);
    return out;
}

static void write_file(const struct fixture *f, const char *name)
{
    char buffer[128];
    int fd = open(path(f, name, buffer), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
}

static void remove_file(const struct fixture *f, const char *name)
{
    char buffer[128];

    assert_int_equal(unlink(path(f, name, buffer)), 0);
}

static void fixture_fini(struct fixture *f)
{
    watch_free(&f->watch);
    assert_null(f->watch);
    watch_free(&f->watch);
    assert_int_equal(rmdir(f->directory), 0);
    assert_int_equal(rmdir(f->root), 0);
    loop_free(&f->loop);
}

/* One change more is told, and then the loop sleeps: making the watch anew is no change. */
static void assert_one_more(struct fixture *f)
{
    int before = f->changes;

    assert_true(run_until(f->loop, &f->changes, before + 1));
    assert_true(falls_asleep(f->loop));
    assert_int_equal(f->changes, before + 1);
}

static void files_written_and_replaced(void **state)
{
    struct fixture f;
    char from[128];
    char to[128];

    (void)state;
    fixture_init(&f, changed);
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.changes, 0);
    write_file(&f, "weir.yaml"); /* several events of the kernel, told once */
    assert_one_more(&f);
    write_file(&f, "weir.yaml.new");
    assert_one_more(&f);
    assert_int_equal(rename(path(&f, "weir.yaml.new", from), path(&f, "weir.yaml", to)), 0);
    assert_one_more(&f);
    remove_file(&f, "weir.yaml");
    assert_one_more(&f);
    fixture_fini(&f);
}

static void the_directory_goes_and_comes_back(void **state)
{
    struct fixture f;
    int64_t end_ms;

    (void)state;
    fixture_init(&f, changed);
    assert_int_equal(rmdir(f.directory), 0);
    assert_one_more(&f);
    end_ms = stopwatch_ms() + 700; /* long enough to be looked for in vain */
    while (stopwatch_ms() < end_ms)
        loop_run_once(f.loop, 100);
    assert_int_equal(f.changes, 1);
    assert_int_equal(mkdir(f.directory, 0700), 0);
    assert_true(run_until(f.loop, &f.changes, 2));
    write_file(&f, "weir.yaml");
    assert_one_more(&f);
    remove_file(&f, "weir.yaml");
    assert_one_more(&f);
    fixture_fini(&f);
}

/* Gone and back within one turn, also when the new one gets the old one's inode. */
static void the_directory_is_replaced(void **state)
{
    struct fixture f;
    char aside[80];
    char moved[128];

    (void)state;
    fixture_init(&f, changed);
    assert_int_equal(rmdir(f.directory), 0);
    assert_int_equal(mkdir(f.directory, 0700), 0);
    assert_one_more(&f);
    write_file(&f, "a");
    assert_one_more(&f);

    snprintf(aside, sizeof(aside), "%s/aside", f.root);
    assert_int_equal(rename(f.directory, aside), 0);
    assert_int_equal(mkdir(f.directory, 0700), 0);
    assert_one_more(&f);
    write_file(&f, "a");
    assert_one_more(&f);
    remove_file(&f, "a");
    assert_one_more(&f);

    snprintf(moved, sizeof(moved), "%s/a", aside);
    assert_int_equal(unlink(moved), 0);
    assert_int_equal(rmdir(aside), 0);
    fixture_fini(&f);
}

static void freed_while_the_directory_is_away(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, changed);
    assert_int_equal(rmdir(f.directory), 0);
    assert_one_more(&f);
    watch_free(&f.watch);
    assert_int_equal(mkdir(f.directory, 0700), 0);
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.changes, 1);
    fixture_fini(&f);
}

static void changed_may_free_the_watch(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, changed_and_free);
    write_file(&f, "a");
    assert_true(run_until(f.loop, &f.changes, 1));
    assert_null(f.watch);
    remove_file(&f, "a");
    assert_true(falls_asleep(f.loop));
    assert_int_equal(f.changes, 1);
    fixture_fini(&f);
}

static void changed_and_free_other(void *argument)
{
    struct fixture *f = argument;

    f->changes++;
    watch_free(&f->other);
}

/* Both have heard of the change when the first to tell frees the other. */
static void a_freed_watch_tells_nothing(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, changed_and_free_other);
    f.other = watch_new(f.loop, f.directory, changed, &f);
    assert_non_null(f.other);
    write_file(&f, "a");
    assert_one_more(&f);
    assert_null(f.other);
    remove_file(&f, "a");
    fixture_fini(&f);
}

static void only_directories_that_exist(void **state)
{
    struct fixture f;
    char buffer[128];

    (void)state;
    fixture_init(&f, changed);
    assert_null(watch_new(f.loop, path(&f, "missing", buffer), changed, &f));
    write_file(&f, "file");
    assert_null(watch_new(f.loop, path(&f, "file", buffer), changed, &f));
    remove_file(&f, "file");
    fixture_fini(&f);
}

int test_watch(void);
int test_watch(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_written_and_replaced),
        cmocka_unit_test(the_directory_goes_and_comes_back),
        cmocka_unit_test(the_directory_is_replaced),
        cmocka_unit_test(freed_while_the_directory_is_away),
        cmocka_unit_test(changed_may_free_the_watch),
        cmocka_unit_test(a_freed_watch_tells_nothing),
        cmocka_unit_test(only_directories_that_exist),
    };

    return cmocka_run_group_tests_name("loop/watch", tests, NULL, NULL);
}
