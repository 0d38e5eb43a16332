/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, running and closing the gateway; see process.h. */
#include "process_private.h"

#include "estimates.h"
#include "ledger.h"
#include "simulator.h" /* stopped here, started by the load */
#include "thread.h"

#include "base/log.h"
#include "base/memory.h"
#include "config/load.h"
#include "loop/inbox.h"
#include "loop/loop.h"
#include "loop/signal.h"
#include "loop/timer.h"
#include "policy/cells.h"
#include "upstream/client.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIM_THRESHOLD (8 * 1024 * 1024)
#define LOG_FLAGS      (O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC)
#define LOG_MODE       0640

struct main_message {
    struct inbox_item item; /* first */
    enum main_order order;
    struct snapshot *snapshot;
};

void process_post(struct process *process, enum main_order order, struct snapshot *snapshot)
{
    struct main_message *message = MEMORY_NEW(struct main_message);
    message->order = order;
    message->snapshot = snapshot;
    inbox_post(process->inbox, &message->item);
}

static void deliver(void *argument, struct inbox_item *item)
{
    struct process *process = argument;
    struct main_message *message = (struct main_message *)(void *)item;
    if (message->order == MAIN_SNAPSHOT_DEAD)
        snapshot_free(message->snapshot);
    else
        drain_count(process);
    free(message);
}

/* After a rotation the path names a new file. It takes the old one's descriptor, so that the workers
 * need not be told. */
static void reopen_log(struct process *process)
{
    const char *path = process->log_path;
    if (path == NULL)
        return;
    int fd = open(path, LOG_FLAGS, LOG_MODE);
    if (fd < 0 || dup3(fd, process->log_fd, O_CLOEXEC) < 0)
        log_error("log file '%s' is not reopened: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static void caught(void *argument, int signum)
{
    struct process *process = argument;
    if (signum != SIGHUP) {
        drain_begin(process);
        return;
    }
    reopen_log(process);
    reload_unasked(process);
}

/* ---- what the admin listener asks ---- */

static const struct snapshot *owner_snapshot(void *argument)
{
    return ((struct process *)argument)->snapshot;
}

static struct reload_state owner_reload_state(void *argument)
{
    return ((struct process *)argument)->reload_state;
}

static bool owner_ready(void *argument)
{
    return !((struct process *)argument)->draining;
}

static bool owner_reload(void *argument, struct buf *report)
{
    return reload_now(argument, report);
}

/* Holds of budgets are what a stream takes or refuses; receipts wait in memory meanwhile. */
static struct ledger_state owner_ledger_state(void *argument)
{
    const struct process *process = argument;
    struct ledger_state state = {.ok = true, .lag = ledger_lag(process->ledger)};
    for (size_t i = 0; i < process->thread_count; i++)
        state.ok = state.ok && worker_thread_journals(process->threads[i]);
    return state;
}

static const struct admin_owner admin_owner = {.snapshot = owner_snapshot,
                                               .reload_state = owner_reload_state,
                                               .ledger_state = owner_ledger_state,
                                               .ready = owner_ready,
                                               .reload = owner_reload};

/* ---- opening ---- */

static bool open_config(struct process *process)
{
    struct buf report;
    buf_init(&report, REPORT_CEILING, 0);
    bool loaded = reload_load(process, &report);
    if (!loaded)
        fprintf(stderr, "%.*s", SPAN_ARG(buf_span(&report)));
    buf_fini(&report);
    return loaded;
}

static bool open_state_dir(struct process *process)
{
    char path[4096];
    const char *directory = process->snapshot->state_dir;
    if (mkdir(directory, S_IRWXU) != 0 && errno != EEXIST) {
        fprintf(stderr, "weir: state_dir '%s': %s\n", directory, strerror(errno));
        return false;
    }
    /* Its lock comes before all else that is kept there. */
    process->ledger = ledger_open(process->snapshot);
    if (process->ledger == NULL)
        return false;
    process->estimates = estimates_open(process->loop, process->cells, directory);
    process->token = process->snapshot->admin_token;
    if (process->token != NULL || process->snapshot->admin_listen == NULL)
        return true;
    snprintf(path, sizeof path, "%s/admin.token", directory);
    if (!admin_token_load(path, process->admin_token)) {
        fprintf(stderr, "weir: %s: %s\n", path, strerror(errno));
        return false;
    }
    process->token = process->admin_token;
    return true;
}

/* Standard output without blocking, so that a slow reader never stops a worker. The flag belongs to
 * the open file, which we may share with a shell: so a file of our own is opened on the same thing. What
 * cannot be opened again (a socket) is used as it is. */
static int open_stdout(void)
{
    int fd = open("/proc/self/fd/1", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 ? fd : STDOUT_FILENO;
}

static bool open_log(struct process *process)
{
    const char *path = process->snapshot->log_file;
    if (path == NULL)
        return true;
    if (strcmp(path, "-") == 0) {
        process->log_fd = open_stdout();
        return true;
    }
    process->log_fd = open(path, LOG_FLAGS, LOG_MODE);
    if (process->log_fd < 0) {
        fprintf(stderr, "weir: log file '%s': %s\n", path, strerror(errno));
        return false;
    }
    process->log_path = memory_string(path, strlen(path));
    return true;
}

static bool open_threads(struct process *process)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = process->snapshot->workers > 0 ? (size_t)process->snapshot->workers
                                                  : (size_t)(cores > 0 ? cores : 1);
    process->threads = memory_array(count, sizeof *process->threads);
    process->metrics = memory_array(count, sizeof *process->metrics);
    for (size_t i = 0; i < count; i++) {
        struct worker_thread_settings settings = {.snapshot = process->snapshot,
                                                  .access_log_fd = process->log_fd,
                                                  .shared = process->shared,
                                                  .journal = ledger_journal(process->ledger),
                                                  .drained = drain_thread_done,
                                                  .argument = process};
        struct worker_thread *thread = worker_thread_new(&settings);
        if (thread == NULL)
            return false;
        process->metrics[i] = gateway_worker_metrics(worker_thread_gateway(thread));
        process->threads[process->thread_count++] = thread;
    }
    return true;
}

static bool open_admin(struct process *process)
{
    const char *error = NULL;
    struct admin_settings settings = {.loop = process->loop,
                                      .address = process->snapshot->admin_listen,
                                      .token = process->token,
                                      .metrics = process->metrics,
                                      .worker_count = process->thread_count,
                                      .owner = &admin_owner,
                                      .argument = process};
    if (settings.address == NULL)
        return true;
    process->admin = admin_start(&settings, &error);
    if (process->admin == NULL)
        fprintf(stderr, "weir: cannot listen on %s: %s\n", settings.address, error);
    return process->admin != NULL;
}

struct process *process_open(const char *config_path)
{
    static const int signums[] = {SIGTERM, SIGINT, SIGHUP};
    struct loop *loop = loop_new();
    if (loop == NULL) {
        fprintf(stderr, "weir: out of file descriptors\n");
        return NULL;
    }
    struct process *process = MEMORY_NEW(struct process);
    signal(SIGPIPE, SIG_IGN);
    /* Bodies come and go: without this the allocator gives their pages back each time. */
    mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
    upstream_global_init();
    process->config_path = config_path;
    process->log_fd = -1;
    process->loop = loop;
    process->inbox = inbox_new(process->loop, deliver, process);
    process->cells = cells_new();
    process->shared = gateway_shared_new();
    if (!open_config(process) || !open_state_dir(process) || !open_log(process) ||
        !open_threads(process) || !open_admin(process)) {
        process_close(&process);
        return NULL;
    }
    for (size_t i = 0; i < sizeof signums / sizeof signums[0]; i++)
        process->signals[i] = signal_watch_new(process->loop, signums[i], caught, process);
    reload_watch(process);
    for (size_t i = 0; i < process->thread_count; i++)
        worker_thread_start(process->threads[i]);
    return process;
}

void process_run(struct process *process)
{
    loop_run(process->loop);
}

void process_close(struct process **address)
{
    struct process *process = *address;
    *address = NULL;
    for (size_t i = 0; i < sizeof process->signals / sizeof process->signals[0]; i++)
        signal_watch_free(&process->signals[i]);
    reload_unwatch(process);
    timer_free(&process->settle_timer);
    timer_free(&process->drain_timer);
    admin_stop(&process->admin);
    for (size_t i = 0; i < process->thread_count; i++)
        worker_thread_free(&process->threads[i]);
    ledger_close(&process->ledger);
    gateway_shared_free(&process->shared);
    estimates_close(&process->estimates);
    simulator_stop(&process->simulator);
    snapshot_unref(&process->snapshot);
    inbox_free(&process->inbox); /* delivers, and so frees, the snapshots that died meanwhile */
    cells_free(&process->cells);
    loop_free(&process->loop);
    if (process->log_fd > STDERR_FILENO)
        close(process->log_fd);
    free(process->prints);
    free(process->log_path);
    free(process->threads);
    free(process->metrics);
    secret_wipe(process->admin_token, sizeof process->admin_token);
    free(process);
}

const struct snapshot *process_snapshot(const struct process *process)
{
    return process->snapshot;
}
