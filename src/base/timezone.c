/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zone file read whole. Its second block (64-bit times) has the moments at which the offset has
 * changed so far, its last line the rule for all later ones, as POSIX writes TZ:
 *
 *   [header][32-bit block: skipped][header][times 8×n][types 1×n][infos 6×m][…][\n CET-1CEST,M3.5.0,… \n]
 */
#include "base/timezone.h"

#include "base/clock.h"
#include "base/memory.h"
#include "tz_rule.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX    ((size_t)128 << 10)
#define HEADER_SIZE 44
#define INFO_SIZE   6

struct change {
    int64_t wall_s;
    int32_t offset_s;
};

struct timezone_rules {
    struct change *changes; /* rising */
    size_t count;
    int32_t first_offset_s; /* before all of them */
    struct tz_rule rule;    /* after the last */
};

static uint32_t be32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int64_t be64(const unsigned char *bytes)
{
    return (int64_t)((uint64_t)be32(bytes) << 32 | be32(bytes + 4));
}

/* The counts of a header, by their order in it. */
struct header {
    size_t utc_marks, standard_marks, leaps, times, types, names;
};

static bool read_header(struct span data, struct header *header)
{
    const unsigned char *bytes = (const unsigned char *)data.ptr;
    if (data.len < HEADER_SIZE || memcmp(bytes, "TZif", 4) != 0 || bytes[4] < '2')
        return false;
    *header = (struct header){be32(bytes + 20), be32(bytes + 24), be32(bytes + 28),
                              be32(bytes + 32), be32(bytes + 36), be32(bytes + 40)};
    return header->times < FILE_MAX && header->types < 256 && header->types > 0 &&
           header->leaps < FILE_MAX && header->names < FILE_MAX && header->utc_marks < 256 &&
           header->standard_marks < 256;
}

static size_t block_size(const struct header *header, size_t time_size)
{
    return header->times * (time_size + 1) + header->types * INFO_SIZE + header->names +
           header->leaps * (time_size + 4) + header->standard_marks + header->utc_marks;
}

static bool read_changes(struct span block, const struct header *header,
                         struct timezone_rules *rules)
{
    const unsigned char *times = (const unsigned char *)block.ptr;
    const unsigned char *types = times + header->times * 8;
    const unsigned char *infos = types + header->times;
    rules->changes = memory_array(header->times, sizeof(*rules->changes));
    rules->count = header->times;
    rules->first_offset_s = (int32_t)be32(infos);
    for (size_t i = 0; i < header->times; i++) {
        if (types[i] >= header->types)
            return false;
        rules->changes[i] =
            (struct change){be64(times + i * 8), (int32_t)be32(infos + types[i] * INFO_SIZE)};
        if (i > 0 && rules->changes[i].wall_s <= rules->changes[i - 1].wall_s)
            return false;
    }
    return true;
}

static bool read_rules(struct span data, struct timezone_rules *rules)
{
    struct header header;
    if (!read_header(data, &header))
        return false;
    data = span_from(data, HEADER_SIZE + block_size(&header, 4));
    if (!read_header(data, &header))
        return false;
    struct span block = span_from(data, HEADER_SIZE);
    size_t size = block_size(&header, 8);
    if (block.len < size || !read_changes(block, &header, rules))
        return false;
    struct span footer = span_from(block, size), line;
    if (footer.len < 2 || footer.ptr[0] != '\n')
        return false;
    span_cut(span_from(footer, 1), '\n', &line);
    return tz_rule_read(line, &rules->rule);
}

/* "Europe/Berlin": letters, digits and a few signs, so that no name leaves the directory. */
static bool is_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > 64 || name[0] == '/' || strstr(name, "..") != NULL)
        return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-") ==
           len;
}

static ssize_t read_file(const char *name, char bytes[FILE_MAX])
{
    char path[4096];
    const char *directory = getenv("TZDIR");
    snprintf(path, sizeof path, "%s/%s", directory != NULL ? directory : "/usr/share/zoneinfo",
             name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t size = read(fd, bytes, FILE_MAX);
    close(fd);
    return size;
}

struct timezone_rules *timezone_open(const char *name, const char **why)
{
    struct timezone_rules *rules = MEMORY_NEW(struct timezone_rules);
    if (strcmp(name, "UTC") == 0)
        return rules;
    char *bytes = memory_new(FILE_MAX);
    ssize_t size = is_name(name) ? read_file(name, bytes) : -1;
    if (size < 0)
        *why = "there is no such time zone here (names are like Europe/Berlin; package tzdata)";
    else if (!read_rules(span_make(bytes, (size_t)size), rules))
        *why = "its file is no time zone that can be read";
    else
        *why = NULL;
    free(bytes);
    if (*why != NULL)
        timezone_close(&rules);
    return rules;
}

void timezone_close(struct timezone_rules **address)
{
    struct timezone_rules *rules = *address;
    *address = NULL;
    if (rules == NULL)
        return;
    free(rules->changes);
    free(rules);
}

int32_t timezone_offset_s(const struct timezone_rules *rules, int64_t wall_s)
{
    if (rules == NULL)
        return 0;
    size_t from = 0, to = rules->count;
    while (from < to) { /* the first change after the moment */
        size_t middle = from + (to - from) / 2;
        if (rules->changes[middle].wall_s <= wall_s)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == rules->count)
        return tz_rule_offset_s(&rules->rule, wall_s);
    return from > 0 ? rules->changes[from - 1].offset_s : rules->first_offset_s;
}

/* Local time rises by one a second but where the offset changes, which is at most once a day or so:
 * the moment lies within a day of the local figure, and on each side of a change it is unique. */
int64_t timezone_to_wall_s(const struct timezone_rules *rules, int64_t local_s)
{
    enum { DAY_S = 86400 };
    int64_t before = local_s - timezone_offset_s(rules, local_s - DAY_S);
    int64_t after = local_s - timezone_offset_s(rules, local_s + DAY_S);
    if (before + timezone_offset_s(rules, before) == local_s)
        return before; /* also the first of two */
    if (after + timezone_offset_s(rules, after) == local_s)
        return after;
    /* Skipped: the change lies between the two. */
    int64_t low = after < before ? after : before, high = after < before ? before : after;
    int32_t old = timezone_offset_s(rules, low);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (timezone_offset_s(rules, middle) == old)
            low = middle;
        else
            high = middle;
    }
    return high;
}
