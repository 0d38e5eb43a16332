/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the process, for process.c, reload.c and drain.c. Main thread only. */
#ifndef APP_PROCESS_PRIVATE_H
#define APP_PROCESS_PRIVATE_H

#include "process.h"

#include "admin/admin.h"
#include "base/buf.h"
#include "config/snapshot.h"
#include "crypto/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cells;
struct estimates;
struct gateway_shared;
struct inbox;
struct ledger;
struct loop;
struct metrics;
struct signal_watch;
struct simulator;
struct timer;
struct watch;
struct worker_thread;

#define WATCH_MAX      16
#define REPORT_CEILING (1024 * 1024)

/* What a file was just before it was last loaded: a directory's watch tells of more than our files. */
struct file_print {
    uint64_t inode;
    int64_t size;
    int64_t modified_ns;
};

struct process {
    const char *config_path;
    struct loop *loop;
    struct inbox *inbox; /* from workers: drained, dead snapshots */
    struct signal_watch *signals[3];

    struct cells *cells;
    struct snapshot *snapshot;
    struct reload_state reload_state;
    struct watch *watches[WATCH_MAX];
    size_t watch_count;
    struct file_print *prints;  /* of snapshot->files */
    struct timer *settle_timer; /* changes come in bursts: one reload for all */

    struct ledger *ledger;
    struct simulator *simulator;
    struct gateway_shared *shared; /* of the threads */
    struct worker_thread **threads;
    struct metrics **metrics;
    size_t thread_count;
    int log_fd;
    char *log_path; /* NULL: not a file */
    struct admin *admin;
    struct estimates *estimates;
    char admin_token[KEY_TEXT_SIZE];
    const char *token; /* the operator's, or admin_token */

    bool draining;
    size_t drained; /* threads that have */
    struct timer *drain_timer;
    bool interrupted;
};

/* ---- reload.c ---- */

/* Loads the file into process->snapshot for the first time, or anew, with the simulator that it may
 * want. False: every problem is in *report, a line each, and nothing has changed. */
bool reload_load(struct process *process, struct buf *report);
/* Loads, tells the workers, watches the new files, logs how it went. */
bool reload_now(struct process *process, struct buf *report);
/* The same, for those whom nobody waits for an answer from. */
void reload_unasked(struct process *process);
/* Watches the directories of the files that the snapshot was read from. */
void reload_watch(struct process *process);
void reload_unwatch(struct process *process);

/* ---- drain.c ---- */

/* The first call begins the orderly end; a second one makes it a quick one. */
void drain_begin(struct process *process);
/* For worker threads, on their own thread; the argument is the process. */
void drain_thread_done(void *argument);

/* ---- process.c: messages to the main thread ---- */

enum main_order { MAIN_DRAINED, MAIN_SNAPSHOT_DEAD };
/* Any thread. */
void process_post(struct process *process, enum main_order order, struct snapshot *snapshot);
/* A thread has drained. */
void drain_count(struct process *process);

#endif
