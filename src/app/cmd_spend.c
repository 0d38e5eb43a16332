/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* weir spend: what was spent, by whatever tells it apart, from the ledger's database. */
#include "app.h"
#include "ledger.h"
#include "options.h"
#include "spend_report.h"
#include "spend_time.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_BY "tenant,model"
#define PATH_SIZE  4096

struct spend_options {
    const char *config; /* NULL where not given, as the others */
    const char *since;
    const char *until;
    const char *by;
    const char *format;
    const char *replay;
};

static bool read_format(const char *text, enum spend_format *format)
{
    static const char *const names[] = {"table", "json", "csv", "focus"};
    *format = SPEND_TABLE;
    for (size_t i = 0; text != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *format = (enum spend_format)i;
            return true;
        }
    }
    if (text != NULL)
        fprintf(stderr, "weir spend: unknown format '%s': it is table, json, csv or focus\n", text);
    return text == NULL;
}

static bool read_time(const char *option, const char *text, int64_t otherwise, int64_t *wall_ns)
{
    *wall_ns = otherwise;
    if (text == NULL || spend_time(span_from_string(text), clock_wall_ns(), wall_ns))
        return true;
    fprintf(stderr, "weir spend: %s '%s' is no date: give " SPEND_TIME_FORMS "\n", option, text);
    return false;
}

static bool read_by(const struct spend_options *options, enum spend_format format,
                    struct spend_query *query)
{
    struct ledger_fault fault;
    const char *by = options->by != NULL ? options->by : DEFAULT_BY;
    if (format == SPEND_FOCUS && options->by != NULL) {
        fprintf(stderr, "weir spend: focus has columns of its own: leave out --by\n");
        return false;
    }
    if (format == SPEND_FOCUS)
        by = SPEND_FOCUS_BY;
    if (spend_parse(span_from_string(by), query, &fault))
        return true;
    fprintf(stderr, "weir spend: --by: %s\n", fault.text);
    return false;
}

/* False after a line on stderr: called wrongly. */
static bool read_options(int argc, char **argv, const char **config, enum spend_format *format,
                         struct spend_query *query)
{
    struct spend_options options = {0};
    const struct option_spec specs[] = {
        {"--config", "-c", &options.config}, {"--since", NULL, &options.since},
        {"--until", NULL, &options.until},   {"--by", NULL, &options.by},
        {"--format", NULL, &options.format}, {"--replay", NULL, &options.replay},
    };
    if (!options_read(argc, argv, 1, specs, sizeof specs / sizeof specs[0]))
        return false;
    if (options.replay != NULL) {
        fprintf(stderr, "weir spend: --replay is not supported by this version of Weir\n");
        return false;
    }
    *config = options.config;
    return read_format(options.format, format) && read_by(&options, *format, query) &&
           read_time("--since", options.since, 0, &query->since_wall_ns) &&
           read_time("--until", options.until, INT64_MAX, &query->until_wall_ns);
}

static int report(const char *path, enum spend_format format, const struct spend_query *query)
{
    struct ledger_fault fault;
    struct spend_report report;
    struct database *database = database_open(path, DATABASE_READ, 0, &fault);
    if (database == NULL) {
        fprintf(stderr, "weir spend: %s\n", fault.text);
        return 1;
    }
    spend_report_begin(&report, stdout, format, query);
    bool fine = database_spend(database, query, spend_report_row, &report, &fault);
    spend_report_end(&report);
    if (!fine)
        fprintf(stderr, "weir spend: %s\n", fault.text);
    database_close(&database);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fprintf(stderr, "weir spend: standard output: %s\n", strerror(errno));
        return 1;
    }
    return fine ? 0 : 1;
}

int cmd_spend(int argc, char **argv)
{
    char path[PATH_SIZE], *state_dir = NULL;
    const char *config = NULL;
    enum spend_format format;
    struct spend_query query = {.count = 0};
    if (!read_options(argc, argv, &config, &format, &query))
        return 2;
    int code = options_ledger(argv[0], config, &state_dir, path, sizeof path);
    if (code == 0)
        code = ledger_is_there(argv[0], path) ? report(path, format, &query) : 1;
    free(state_dir);
    return code;
}
