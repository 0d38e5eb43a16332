/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, JSON and CSV of spend; see spend_report.h. */
#include "spend_report.h"

#include "base/memory.h"
#include "base/money.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COUNTS  6
#define AMOUNTS 2
#define FIGURES (COUNTS + AMOUNTS)

/* The columns after those asked for: in the table's words, and in JSON's and CSV's. */
static const struct {
    const char *title;
    const char *name;
} figures[FIGURES] = {
    {"requests", "requests"},          {"input", "input_tokens"},
    {"cached", "cached_input_tokens"}, {"cache write", "cache_write_tokens"},
    {"output", "output_tokens"},       {"reasoning", "reasoning_tokens"},
    {"cost USD", "cost_usd"},          {"uncertain USD", "uncertain_usd"},
};

/* Decimal text; the amounts exact. */
static const char *figure_text(const struct spend_row *row, size_t i, char room[MONEY_TEXT_SIZE])
{
    const int64_t values[FIGURES] = {row->requests,    row->input,         row->cached_input,
                                     row->cache_write, row->output,        row->reasoning,
                                     row->cost_nusd,   row->uncertain_nusd};
    if (i >= COUNTS)
        return money_format(values[i], room);
    snprintf(room, MONEY_TEXT_SIZE, "%" PRId64, values[i]);
    return room;
}

/* ---- table ---- */

/* Row by row, the headings first. */
struct table_cells {
    char **texts;
    size_t count;
    size_t capacity;
};

static void add_cell(struct table_cells *cells, struct span text)
{
    if (cells->count == cells->capacity) {
        cells->capacity = cells->capacity * 2 + 64;
        cells->texts = memory_resize(cells->texts, cells->capacity, sizeof *cells->texts);
    }
    cells->texts[cells->count++] = memory_string(text.ptr, text.len);
}

static void add_figures(struct table_cells *cells, const struct spend_row *row)
{
    char room[MONEY_TEXT_SIZE];
    for (size_t i = 0; i < FIGURES; i++)
        add_cell(cells, span_from_string(figure_text(row, i, room)));
}

static void add_headings(struct table_cells *cells, const struct spend_query *query)
{
    char room[SPEND_TAG_MAX + 8];
    for (size_t i = 0; i < query->count; i++)
        add_cell(cells, span_from_string(spend_column_name(&query->by[i], room)));
    for (size_t i = 0; i < FIGURES; i++)
        add_cell(cells, span_from_string(figures[i].title));
}

static void add_table_row(struct table_cells *cells, const struct spend_query *query,
                          const struct spend_row *row)
{
    for (size_t i = 0; i < query->count; i++)
        add_cell(cells, row->by[i].len > 0 ? row->by[i] : SPAN("-"));
    add_figures(cells, row);
}

/* Characters, which is near enough to columns. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* Words to the left, figures to the right. */
static void print_cell(FILE *out, const char *text, size_t width, bool figure, bool last)
{
    int space = (int)(width - width_of(text));
    if (figure)
        fprintf(out, "%*s%s", space, "", text);
    else
        fprintf(out, "%s%*s", text, space, "");
    fputs(last ? "\n" : "  ", out);
}

static void print_table(const struct table_cells *cells, size_t words, FILE *out)
{
    size_t columns = words + FIGURES;
    size_t *widths = memory_array(columns, sizeof *widths);
    for (size_t i = 0; i < cells->count; i++) {
        size_t width = width_of(cells->texts[i]);
        if (width > widths[i % columns])
            widths[i % columns] = width;
    }
    for (size_t i = 0; i < cells->count; i++) {
        size_t column = i % columns;
        print_cell(out, cells->texts[i], widths[column], column >= words, column + 1 == columns);
    }
    free(widths);
}

/* The last line is the sum, where there are words to put "total" under. */
static void end_table(struct spend_report *report)
{
    struct table_cells *cells = report->cells;
    size_t words = report->query->count;
    for (size_t i = 0; i < words; i++)
        add_cell(cells, i == 0 ? SPAN("total") : SPAN(""));
    if (words > 0)
        add_figures(cells, &report->total);
    print_table(cells, words, report->out);
    for (size_t i = 0; i < cells->count; i++)
        free(cells->texts[i]);
    free(cells->texts);
    free(cells);
    report->cells = NULL;
}

static void add_to_total(struct spend_row *total, const struct spend_row *row)
{
    total->requests += row->requests;
    total->input += row->input;
    total->cached_input += row->cached_input;
    total->cache_write += row->cache_write;
    total->output += row->output;
    total->reasoning += row->reasoning;
    total->cost_nusd += row->cost_nusd;
    total->uncertain_nusd += row->uncertain_nusd;
}

/* ---- JSON ---- */

static void print_json_text(FILE *out, struct span text)
{
    struct buf escaped;
    buf_init(&escaped, SIZE_MAX, 0);
    buf_append_json_escaped(&escaped, text);
    fprintf(out, "\"%.*s\"", SPAN_ARG(buf_span(&escaped)));
    buf_fini(&escaped);
}

static void print_json_row(struct spend_report *report, const struct spend_row *row)
{
    char room[MONEY_TEXT_SIZE], name[SPEND_TAG_MAX + 8];
    FILE *out = report->out;
    const struct spend_query *query = report->query;
    fputs(report->rows > 0 ? ",\n  {" : "\n  {", out);
    for (size_t i = 0; i < query->count; i++) {
        print_json_text(out, span_from_string(spend_column_name(&query->by[i], name)));
        fputs(": ", out);
        print_json_text(out, row->by[i]);
        fputs(", ", out);
    }
    for (size_t i = 0; i < FIGURES; i++)
        fprintf(out, "%s\"%s\": %s", i > 0 ? ", " : "", figures[i].name, figure_text(row, i, room));
    fputs("}", out);
}

/* ---- CSV ---- */

void spend_csv_field(FILE *out, bool first, struct span text)
{
    bool quoted = false;
    if (!first)
        fputc(',', out);
    for (size_t i = 0; i < text.len; i++)
        quoted |= strchr(",\"\r\n", text.ptr[i]) != NULL;
    if (quoted)
        fputc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            fputc('"', out);
        fputc(text.ptr[i], out);
    }
    if (quoted)
        fputc('"', out);
}

static void print_csv_head(FILE *out, const struct spend_query *query)
{
    char room[SPEND_TAG_MAX + 8];
    for (size_t i = 0; i < query->count; i++)
        spend_csv_field(out, i == 0, span_from_string(spend_column_name(&query->by[i], room)));
    for (size_t i = 0; i < FIGURES; i++)
        spend_csv_field(out, query->count == 0 && i == 0, span_from_string(figures[i].name));
    fputs("\r\n", out);
}

static void print_csv_row(FILE *out, const struct spend_query *query, const struct spend_row *row)
{
    char room[MONEY_TEXT_SIZE];
    for (size_t i = 0; i < query->count; i++)
        spend_csv_field(out, i == 0, row->by[i]);
    for (size_t i = 0; i < FIGURES; i++)
        spend_csv_field(out, query->count == 0 && i == 0,
                        span_from_string(figure_text(row, i, room)));
    fputs("\r\n", out);
}

/* ---- all ---- */

void spend_report_begin(struct spend_report *report, FILE *out, enum spend_format format,
                        const struct spend_query *query)
{
    *report = (struct spend_report){.out = out, .format = format, .query = query};
    switch (format) {
    case SPEND_TABLE:
        report->cells = MEMORY_NEW(struct table_cells);
        add_headings(report->cells, query);
        break;
    case SPEND_JSON:
        fputs("[", out);
        break;
    case SPEND_CSV:
        print_csv_head(out, query);
        break;
    case SPEND_FOCUS:
        spend_focus_head(out);
        break;
    }
}

void spend_report_row(void *argument, const struct spend_row *row)
{
    struct spend_report *report = argument;
    switch (report->format) {
    case SPEND_TABLE:
        add_table_row(report->cells, report->query, row);
        add_to_total(&report->total, row);
        break;
    case SPEND_JSON:
        print_json_row(report, row);
        break;
    case SPEND_CSV:
        print_csv_row(report->out, report->query, row);
        break;
    case SPEND_FOCUS:
        spend_focus_row(report->out, row);
        break;
    }
    report->rows++;
}

void spend_report_end(struct spend_report *report)
{
    if (report->format == SPEND_TABLE)
        end_table(report);
    if (report->format == SPEND_JSON)
        fputs(report->rows > 0 ? "\n]\n" : "]\n", report->out);
}
