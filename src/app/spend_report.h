/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `weir spend` prints. Rows are written as they come, but for the table, whose widths must be
 * known first.
 *
 *   spend_report_begin -> spend_report_row … -> spend_report_end
 */
#ifndef APP_SPEND_REPORT_H
#define APP_SPEND_REPORT_H

#include "ledger/database.h"

#include <stdio.h>

enum spend_format { SPEND_TABLE, SPEND_JSON, SPEND_CSV, SPEND_FOCUS };

struct table_cells;

struct spend_report {
    FILE *out;
    enum spend_format format;
    const struct spend_query *query;
    struct spend_row total;
    size_t rows;
    struct table_cells *cells; /* of the table */
};

/* Borrows the query, which must have the columns of SPEND_FOCUS_BY where that is the format. */
void spend_report_begin(struct spend_report *report, FILE *out, enum spend_format format,
                        const struct spend_query *query);
/* For database_spend(). */
void spend_report_row(void *argument, const struct spend_row *row);
void spend_report_end(struct spend_report *report);

/* ---- spend_focus.c: FOCUS 1.2, a row for each day, key, model and token meter ---- */

#define SPEND_FOCUS_BY "day,tenant,key,model,provider"

void spend_focus_head(FILE *out);
void spend_focus_row(FILE *out, const struct spend_row *row);

/* A field of RFC 4180, with a comma before it unless it is the first. */
void spend_csv_field(FILE *out, bool first, struct span text);

#endif
