/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc/self (proc(5)). */
#include "process_stats.h"

#include "base/clock.h"
#include "base/directory.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int64_t resident_bytes(void)
{
    long long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lld %lld", &total, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static int64_t open_fds(void)
{
    int64_t count = 0;
    DIR *directory = directory_open("/proc/self/fd");
    if (directory == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count - 1; /* not the directory's own */
}

/* Field 22 of /proc/self/stat: ticks after boot. The name in field 2 may hold spaces. */
static int64_t start_after_boot_ns(void)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL)
        return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    char *rest = strrchr(text, ')');
    for (int field = 2; rest != NULL && field < 22; field++)
        rest = strchr(rest + 1, ' ');
    unsigned long long ticks = 0;
    if (rest == NULL || sscanf(rest, " %llu", &ticks) != 1)
        return 0;
    return (int64_t)ticks * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Once: the difference of two clocks is a little different each time. */
static int64_t start_wall_ns(void)
{
    static int64_t start_ns;
    if (start_ns == 0)
        start_ns = clock_wall_ns() - clock_ns(CLOCK_BOOTTIME) + start_after_boot_ns();
    return start_ns;
}

void process_stats_read(struct process_stats *stats)
{
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    stats->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    stats->resident_bytes = resident_bytes();
    stats->open_fds = open_fds();
    stats->max_fds = (int64_t)files.rlim_cur;
    stats->start_wall_ns = start_wall_ns();
}
