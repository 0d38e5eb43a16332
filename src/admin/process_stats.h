/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The process's own figures, from /proc and the kernel (Prometheus' standard process metrics). */
#ifndef ADMIN_PROCESS_STATS_H
#define ADMIN_PROCESS_STATS_H

#include <stdint.h>

struct process_stats {
    int64_t cpu_ns;
    int64_t resident_bytes;
    int64_t open_fds;
    int64_t max_fds;
    int64_t start_wall_ns;
};

/* What cannot be read stays 0. The main thread only. */
void process_stats_read(struct process_stats *stats);

#endif
