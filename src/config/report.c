/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problems, from the order in which checks find them to the order of lines. A shared anchor is
 * checked at every alias, so the same problem may come many times and is shown once.
 */
#include "report.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_MAX     ((size_t)10000)
#define MESSAGE_SIZE 400

void report_init(struct report *report, const char *file)
{
    *report = (struct report){.file = file};
}

/* Copies both texts: a problem outlives the load. */
static void push(struct report *report, struct mark at, const char *message)
{
    if (report->count == report->room) {
        report->room = report->room > 0 ? report->room * 2 : 16;
        report->items = memory_resize(report->items, report->room, sizeof(*report->items));
    }
    report->items[report->count++] = (struct problem){
        .file = memory_string(report->file, strlen(report->file)),
        .line = at.line,
        .column = at.column,
        .message = memory_string(message, strlen(message)),
    };
}

void report_add(struct report *report, struct mark at, const char *format, ...)
{
    if (report->count == KEEP_MAX) {
        report->dropped++;
        return;
    }
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    for (char *c = message; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    push(report, at, message);
}

/* By place; then by text, so that repeats stand together. */
static int compare(const void *left, const void *right)
{
    const struct problem *a = left;
    const struct problem *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return strcmp(a->message, b->message);
}

static void free_problem(struct problem *problem)
{
    free(problem->file);
    free(problem->message);
}

/* The items are sorted. */
static void drop_repeats(struct report *report)
{
    size_t kept = 0;
    for (size_t i = 0; i < report->count; i++) {
        if (kept > 0 && compare(&report->items[kept - 1], &report->items[i]) == 0)
            free_problem(&report->items[i]);
        else
            report->items[kept++] = report->items[i];
    }
    report->count = kept;
}

/* The last one shown says how many are not. */
static void drop_surplus(struct report *report)
{
    size_t surplus = report->count + report->dropped;
    if (surplus <= REPORT_MAX)
        return;
    surplus -= REPORT_MAX - 1;
    while (report->count > REPORT_MAX - 1)
        free_problem(&report->items[--report->count]);
    report->dropped = 0;
    report_add(report, (struct mark){0}, "%zu more problems are not shown", surplus);
}

void report_finish(struct report *report, struct problems *out)
{
    if (report->count > 0)
        qsort(report->items, report->count, sizeof(*report->items), compare);
    drop_repeats(report);
    drop_surplus(report);
    *out = (struct problems){.items = report->items, .count = report->count};
    *report = (struct report){0};
}

void problems_fini(struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        free_problem(&problems->items[i]);
    free(problems->items);
    *problems = (struct problems){0};
}

void problems_write(const struct problems *problems, struct buf *out)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        if (problem->line > 0)
            buf_printf(out, "%s:%zu:%zu: %s\n", problem->file, problem->line, problem->column,
                       problem->message);
        else
            buf_printf(out, "%s: %s\n", problem->file, problem->message);
    }
}

void problems_print(const struct problems *problems, FILE *out)
{
    struct buf text;
    buf_init(&text, SIZE_MAX, 0);
    problems_write(problems, &text);
    fprintf(out, "%.*s", SPAN_ARG(buf_span(&text)));
    buf_fini(&text);
}
