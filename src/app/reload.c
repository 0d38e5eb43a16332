/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the configuration, at the start and while traffic flows: parse aside, swap whole, keep the
 * old one when anything is wrong. Triggered by SIGHUP, POST /admin/reload, and changes of the files
 * read (their directories are watched, which also sees files replaced by rename).
 */
#include "process_private.h"

#include "simulator.h"
#include "thread.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/load.h"
#include "loop/timer.h"
#include "loop/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SETTLE_MS 100

static void snapshot_died(struct snapshot *snapshot)
{
    process_post(snapshot->owner, MAIN_SNAPSHOT_DEAD, snapshot);
}

/* ---- what the files were ---- */

static struct file_print print_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return (struct file_print){0};
    return (struct file_print){.inode = status.st_ino,
                               .size = status.st_size,
                               .modified_ns = (int64_t)status.st_mtim.tv_sec * NS_PER_S +
                                              status.st_mtim.tv_nsec};
}

static bool print_equal(struct file_print a, struct file_print b)
{
    return a.inode == b.inode && a.size == b.size && a.modified_ns == b.modified_ns;
}

/* Of all files of a snapshot, in new memory; NULL without one. */
static struct file_print *prints_of(const struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return NULL;
    struct file_print *prints = memory_array(snapshot->file_count, sizeof *prints);
    for (size_t i = 0; i < snapshot->file_count; i++)
        prints[i] = print_of(snapshot->files[i]);
    return prints;
}

/* Files that both snapshots were read from keep what they were before the load: a change while it ran is
 * then one more change. */
static void keep_prints(struct file_print *prints, const struct snapshot *new,
                        const struct file_print *before, const struct snapshot *old)
{
    for (size_t i = 0; i < new->file_count; i++)
        for (size_t j = 0; old != NULL && j < old->file_count; j++)
            if (strcmp(new->files[i], old->files[j]) == 0)
                prints[i] = before[j];
}

static bool files_changed(const struct process *process)
{
    const struct snapshot *snapshot = process->snapshot;
    for (size_t i = 0; i < snapshot->file_count; i++)
        if (!print_equal(process->prints[i], print_of(snapshot->files[i])))
            return true;
    return false;
}

/* ---- loading ---- */

/* The loader needs its address, so it is there before. */
static bool start_simulator(struct process *process, struct buf *report)
{
    const char *error = NULL;
    if (process->simulator != NULL || !config_wants_simulator(process->config_path))
        return true;
    process->simulator = simulator_start(&error);
    if (process->simulator == NULL)
        buf_printf(report, "the simulated provider cannot start: %s\n", error);
    return process->simulator != NULL;
}

static struct snapshot *load(struct process *process, struct buf *report)
{
    if (!start_simulator(process, report))
        return NULL;
    const char *simulated =
        process->simulator != NULL ? simulator_base_url(process->simulator) : NULL;
    struct load_settings settings = {
        .path = process->config_path, .cells = process->cells, .simulated_base_url = simulated};
    struct problems problems = {0};
    struct snapshot *snapshot = config_load(&settings, &problems);
    problems_write(&problems, report);
    problems_fini(&problems);
    return snapshot;
}

bool reload_load(struct process *process, struct buf *report)
{
    struct file_print *before = prints_of(process->snapshot);
    struct snapshot *snapshot = load(process, report);
    process->reload_state.successful = snapshot != NULL;
    free(process->prints);
    process->prints = before; /* the same bad file is not loaded again */
    if (snapshot == NULL)
        return false;
    process->prints = prints_of(snapshot);
    keep_prints(process->prints, snapshot, before, process->snapshot);
    free(before);
    snapshot->owner = process;
    snapshot->on_last = snapshot_died;
    process->reload_state.success_wall_ns = snapshot->loaded_wall_ns;
    snapshot_unref(&process->snapshot);
    process->snapshot = snapshot;
    return true;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_listen(const struct snapshot *old, const struct snapshot *new)
{
    bool same = old->listen_count == new->listen_count;
    for (size_t i = 0; same && i < old->listen_count; i++)
        same = same_text(old->listen[i].text, new->listen[i].text) &&
               (old->listen[i].tls == NULL) == (new->listen[i].tls == NULL);
    return same;
}

static bool same_ledger(const struct ledger_rule *old, const struct ledger_rule *new)
{
    return old->durability == new->durability && old->retention_ms == new->retention_ms;
}

/* What a running process cannot change. */
static void warn_fixed(const struct snapshot *old, const struct snapshot *new)
{
    const struct {
        const char *name;
        bool same;
    } fixed[] = {
        {"listen", same_listen(old, new)},
        {"workers", old->workers == new->workers},
        {"admin.listen", same_text(old->admin_listen, new->admin_listen)},
        {"admin.token", same_text(old->admin_token, new->admin_token)},
        {"state_dir", same_text(old->state_dir, new->state_dir)},
        {"ledger", same_ledger(&old->ledger, &new->ledger)},
        {"log.file", same_text(old->log_file, new->log_file)},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (!fixed[i].same)
            log_warn("reload: '%s' has changed and takes effect at the next start", fixed[i].name);
}

bool reload_now(struct process *process, struct buf *report)
{
    if (process->draining) {
        buf_printf(report, "the gateway is draining\n");
        return false;
    }
    struct snapshot *old = snapshot_ref(process->snapshot);
    bool loaded = reload_load(process, report);
    if (loaded) {
        warn_fixed(old, process->snapshot);
        for (size_t i = 0; i < process->thread_count; i++)
            worker_thread_set_snapshot(process->threads[i], snapshot_ref(process->snapshot));
        log_info("configuration reloaded (generation %llu)",
                 (unsigned long long)process->snapshot->generation);
    } else {
        log_error("configuration not reloaded, the one in force stays:");
        struct span line, rest = buf_span(report);
        while (rest.len > 0) {
            rest = span_cut(rest, '\n', &line);
            log_error("%.*s", SPAN_ARG(line));
        }
    }
    snapshot_unref(&old);
    reload_unwatch(process);
    reload_watch(process);
    return loaded;
}

void reload_unasked(struct process *process)
{
    struct buf report; /* in the log already */
    buf_init(&report, REPORT_CEILING, 0);
    reload_now(process, &report);
    buf_fini(&report);
}

/* ---- watching ---- */

static void settled(void *argument)
{
    struct process *process = argument;
    if (!process->draining && files_changed(process))
        reload_unasked(process);
}

static void changed(void *argument)
{
    struct process *process = argument;
    timer_start(process->settle_timer, SETTLE_MS);
}

/* The directory of a path, in new memory. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return memory_string(".", 1);
    return memory_string(path, slash == path ? 1 : (size_t)(slash - path));
}

static bool watched_before(const struct snapshot *snapshot, size_t index, const char *directory)
{
    for (size_t i = 0; i < index; i++) {
        char *earlier = directory_of(snapshot->files[i]);
        bool same = strcmp(earlier, directory) == 0;
        free(earlier);
        if (same)
            return true;
    }
    return false;
}

void reload_watch(struct process *process)
{
    const struct snapshot *snapshot = process->snapshot;
    if (process->settle_timer == NULL)
        process->settle_timer = timer_new(process->loop, settled, process);
    for (size_t i = 0; i < snapshot->file_count && process->watch_count < WATCH_MAX; i++) {
        char *directory = directory_of(snapshot->files[i]);
        if (!watched_before(snapshot, i, directory)) {
            struct watch *watch = watch_new(process->loop, directory, changed, process);
            if (watch != NULL)
                process->watches[process->watch_count++] = watch;
            else
                log_warn("%s cannot be watched: changes there need SIGHUP", directory);
        }
        free(directory);
    }
    /* For what changed while nobody watched. */
    timer_start(process->settle_timer, SETTLE_MS);
}

void reload_unwatch(struct process *process)
{
    for (size_t i = 0; i < process->watch_count; i++)
        watch_free(&process->watches[i]);
    process->watch_count = 0;
}
