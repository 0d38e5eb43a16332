/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the problems of one file while checking goes on. */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include "config/load.h"
#include "node.h"

#include <stddef.h>

#define REPORT_MAX 100 /* problems shown */

struct report {
    const char *file;
    struct problem *items;
    size_t count;
    size_t room;
    size_t dropped; /* past what is kept */
};

void report_init(struct report *report, const char *file);
/* Never give it a secret. Control characters become '?', a long message is cut. */
void report_add(struct report *report, struct mark at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool report_is_empty(const struct report *report)
{
    return report->count == 0;
}
/* Moves the problems out: in line order, each once, at most REPORT_MAX. Ends the report. */
void report_finish(struct report *report, struct problems *out);

#endif
