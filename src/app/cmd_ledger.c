/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir ledger: is what is kept of spend right, and what of it is uncertain. verify, prove and
 * uncertain may run beside a gateway; rebuild and resolve take its lock. Exit 1 on any difference.
 */
#include "app.h"
#include "ledger.h"
#include "options.h"

#include "base/clock.h"
#include "base/money.h"
#include "ledger/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 4096

static const char usage[] =
    "usage: weir ledger verify [-c FILE]     does the database say what the journal says\n"
    "       weir ledger prove [-c FILE]      was any budget ever held beyond its limit\n"
    "       weir ledger rebuild [-c FILE]    makes the database anew from the journal\n"
    "       weir ledger uncertain [-c FILE]  what is held because nobody knows if it was billed\n"
    "       weir ledger uncertain resolve ID --charge all|none|USD [--tokens N] [--attempt N]\n"
    "                                        charges it, or gives it back\n";

static int failed(const struct ledger_fault *fault)
{
    fprintf(stderr, "weir ledger: %s\n", fault->text);
    return 1;
}

/* ---- verify ---- */

static void print_difference(void *argument, const char *text)
{
    (void)argument;
    printf("%s\n", text);
}

static int verify(const struct audit *audit)
{
    struct ledger_fault fault;
    uint64_t differences = 0;
    if (!ledger_verify(audit, print_difference, NULL, &differences, &fault))
        return failed(&fault);
    if (differences == 0)
        printf("verified: the database says what the journal says\n");
    else
        printf("%" PRIu64 " differences; the journal is right: weir ledger rebuild\n", differences);
    return differences == 0 ? 0 : 1;
}

/* ---- prove ---- */

static int prove(const struct audit *audit)
{
    struct ledger_fault fault;
    struct proof proof;
    if (!ledger_prove(audit, &proof, &fault))
        return failed(&fault);
    printf("%" PRIu64 " records, %" PRIu64 " holds, %" PRIu64 " of them under a bound, %" PRIu64
           " billed above it\n",
           proof.records, proof.holds, proof.checked, proof.breaches);
    if (proof.holds_good)
        printf("proven: after every record what was committed is within the limit in force\n");
    else
        printf("violated: %s\n", proof.violation);
    return proof.holds_good ? 0 : 1;
}

/* ---- rebuild ---- */

static int rebuild(const struct audit *audit)
{
    struct ledger_fault fault;
    uint64_t records = 0;
    if (!ledger_rebuild(audit, &records, &fault))
        return failed(&fault);
    printf("rebuilt %s from %" PRIu64 " records\n", audit->path, records);
    return 0;
}

/* ---- uncertain ---- */

static bool print_part(void *argument, const struct books_part *part,
                       const struct books_budget *budget)
{
    char id[ID_TEXT_SIZE], since[CLOCK_RFC3339_SIZE], amount[MONEY_TEXT_SIZE];
    size_t *count = argument;
    bool dollars = budget->budget.unit == LEDGER_NUSD;
    if (dollars)
        money_format(part->amount, amount);
    else
        snprintf(amount, sizeof amount, "%" PRId64, part->amount);
    printf("%s attempt %" PRIu32 ": %s %s of %s (%s) since %s\n", id_format(part->key.exchange, id),
           part->key.attempt, amount, dollars ? "USD" : "tokens", budget->budget.name,
           budget->budget.window, clock_rfc3339(part->wall_ns, since));
    ++*count;
    return true;
}

/* Of windows that are not over: in others it binds nobody. */
static int list_uncertain(const struct audit *audit)
{
    struct ledger_fault fault;
    size_t count = 0;
    struct database *database = database_open(audit->path, DATABASE_READ, 0, &fault);
    if (database == NULL)
        return failed(&fault);
    bool fine = database_uncertain(database, clock_wall_ns(), print_part, &count, &fault);
    database_close(&database);
    if (fine && count == 0)
        printf("nothing is uncertain\n");
    return fine ? 0 : failed(&fault);
}

struct resolve_options {
    const char *charge; /* NULL where not given, as the others */
    const char *tokens;
    const char *attempt;
};

static bool read_number(const char *text, uint64_t most, uint64_t *value)
{
    *value = 0;
    return text == NULL || (span_to_u64(span_from_string(text), value) && *value <= most);
}

/* False after a line on stderr: called wrongly. */
static bool read_resolution(const struct resolve_options *options, struct resolution *resolution,
                            uint32_t *attempt)
{
    const char *charge = options->charge != NULL ? options->charge : "";
    uint64_t number, tokens;
    *resolution = (struct resolution){.in_full = strcmp(charge, "all") == 0};
    bool fine = resolution->in_full || strcmp(charge, "none") == 0 ||
                money_parse_nusd(span_from_string(charge), &resolution->nusd);
    if (!fine)
        fprintf(stderr, "weir ledger: --charge takes all, none or an amount in USD\n");
    else if (!(fine = read_number(options->tokens, INT64_MAX, &tokens) &&
                      read_number(options->attempt, UINT32_MAX, &number)))
        fprintf(stderr, "weir ledger: --tokens and --attempt take whole numbers\n");
    if (!fine)
        return false;
    resolution->tokens = (int64_t)tokens;
    *attempt = (uint32_t)number;
    return true;
}

static int resolve(const struct audit *audit, struct id exchange, uint32_t attempt,
                   const struct resolution *resolution)
{
    struct ledger_fault fault;
    size_t count = 0;
    char id[ID_TEXT_SIZE];
    if (!ledger_resolve(audit, exchange, attempt, resolution, &count, &fault))
        return failed(&fault);
    if (count == 0)
        fprintf(stderr, "weir ledger: nothing of %s is uncertain\n", id_format(exchange, id));
    else
        printf("resolved %zu part%s of %s\n", count, count == 1 ? "" : "s",
               id_format(exchange, id));
    return count > 0 ? 0 : 1;
}

/* ---- the command line ---- */

static int run_resolve(int argc, char **argv)
{
    char path[PATH_SIZE], *state_dir = NULL;
    const char *config = NULL;
    struct resolve_options options = {0};
    struct resolution resolution;
    struct id exchange;
    uint32_t attempt;
    const struct option_spec specs[] = {{"--config", "-c", &config},
                                        {"--charge", NULL, &options.charge},
                                        {"--tokens", NULL, &options.tokens},
                                        {"--attempt", NULL, &options.attempt}};
    if (argc < 4 || !ledger_parse_id(span_from_string(argv[3]), &exchange)) {
        fprintf(stderr, "weir ledger: which request? give its id, such as the answer's "
                        "x-request-id\n");
        return 2;
    }
    if (!options_read(argc, argv, 4, specs, sizeof specs / sizeof specs[0]) ||
        !read_resolution(&options, &resolution, &attempt))
        return 2;
    int code = options_ledger(argv[0], config, &state_dir, path, sizeof path);
    struct audit audit = {ledger_io_real(), state_dir, path};
    if (code == 0)
        code = ledger_is_there(argv[0], path) ? resolve(&audit, exchange, attempt, &resolution) : 1;
    free(state_dir);
    return code;
}

static int run_audit(int argc, char **argv, int (*audit_it)(const struct audit *audit))
{
    char path[PATH_SIZE], *state_dir = NULL;
    const char *config = NULL;
    const struct option_spec specs[] = {{"--config", "-c", &config}};
    if (!options_read(argc, argv, 2, specs, 1))
        return 2;
    int code = options_ledger(argv[0], config, &state_dir, path, sizeof path);
    struct audit audit = {ledger_io_real(), state_dir, path};
    /* A database that is lost is what can be rebuilt. */
    if (code == 0)
        code = audit_it == rebuild || ledger_is_there(argv[0], path) ? audit_it(&audit) : 1;
    free(state_dir);
    return code;
}

int cmd_ledger(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*audit_it)(const struct audit *audit);
    } audits[] = {
        {"verify", verify}, {"prove", prove}, {"rebuild", rebuild}, {"uncertain", list_uncertain}};
    const char *name = argc >= 2 ? argv[1] : "";
    if (strcmp(name, "uncertain") == 0 && argc >= 3 && strcmp(argv[2], "resolve") == 0)
        return run_resolve(argc, argv);
    for (size_t i = 0; i < sizeof audits / sizeof audits[0]; i++)
        if (strcmp(name, audits[i].name) == 0)
            return run_audit(argc, argv, audits[i].audit_it);
    if (strcmp(name, "reseed") == 0)
        fprintf(stderr, "weir ledger: reseed is not supported by this version of Weir\n");
    else
        fputs(usage, stderr);
    return 2;
}
