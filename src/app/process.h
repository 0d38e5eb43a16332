/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running gateway as a whole: the main thread's loop with its signals, the configuration and its
 * reloads, the admin listener, the worker threads, and the orderly end.
 *
 *   open -> run (reloads) -> drain (SIGTERM) -> interrupt (drain time over) -> close
 */
#ifndef APP_PROCESS_H
#define APP_PROCESS_H

#include <stdbool.h>

struct process;
struct snapshot;

/* NULL after a line on stderr: bad configuration (every problem), address in use, no state directory. */
struct process *process_open(const char *config_path);
/* Until SIGTERM or SIGINT and the drain that follows. */
void process_run(struct process *process);
void process_close(struct process **address);

/* For the banner. */
const struct snapshot *process_snapshot(const struct process *process);

#endif
