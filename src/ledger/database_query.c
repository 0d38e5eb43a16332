/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Questions: spend by columns, what is uncertain, balances. */
#include "database_private.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define DAY_NS  (24 * 3600 * NS_PER_S)
#define SQL_MAX 4096

/* ---- columns ---- */

static const struct {
    const char *name;
    const char *sql;
} columns[] = {
    [SPEND_TENANT] = {"tenant", "tenant"},
    [SPEND_KEY] = {"key", "key"},
    [SPEND_USER] = {"user", "user"},
    [SPEND_SESSION] = {"session", "session"},
    [SPEND_MODEL] = {"model", "model"},
    [SPEND_PROVIDER] = {"provider", "provider"},
    [SPEND_PROMPT] = {"prompt", "prompt"},
    [SPEND_DAY] = {"day", "date(day * 86400, 'unixepoch')"},
    [SPEND_TAG] = {"tag:", "weir_tag(tags, ?)"},
};

static bool parse_column(struct span name, struct spend_column *column)
{
    for (size_t key = 0; key < SPEND_TAG; key++) {
        if (span_equal(name, span_from_string(columns[key].name))) {
            *column = (struct spend_column){.key = (enum spend_key)key};
            return true;
        }
    }
    if (!span_starts_with(name, SPAN("tag:")))
        return false;
    struct span tag = span_from(name, 4);
    if (tag.len == 0 || tag.len > SPEND_TAG_MAX)
        return false;
    *column = (struct spend_column){.key = SPEND_TAG};
    memcpy(column->tag, tag.ptr, tag.len);
    return true;
}

bool spend_parse(struct span text, struct spend_query *query, struct ledger_fault *fault)
{
    query->count = 0;
    while (text.len > 0) {
        struct span name;
        text = span_cut(text, ',', &name);
        name = span_trim(name);
        if (query->count == SPEND_MAX_COLUMNS)
            return ledger_fault_set(fault, "more than %d columns", SPEND_MAX_COLUMNS);
        if (!parse_column(name, &query->by[query->count]))
            return ledger_fault_set(fault,
                                    "'%.*s' is not a column: use tenant, key, user, session, "
                                    "model, provider, prompt, day or tag:NAME",
                                    SPAN_ARG(name));
        query->count++;
    }
    return true;
}

const char *spend_column_name(const struct spend_column *column, char room[SPEND_TAG_MAX + 8])
{
    snprintf(room, SPEND_TAG_MAX + 8, "%s%s", columns[column->key].name, column->tag);
    return room;
}

/* ---- spend ---- */

static void write_spend(const struct spend_query *query, struct buf *sql)
{
    buf_append(sql, SPAN("SELECT "));
    for (size_t i = 0; i < query->count; i++)
        buf_printf(sql, "%s, ", columns[query->by[i].key].sql);
    buf_append(sql, SPAN("total(place > 0), sum(input), sum(cached_input), sum(cache_write),"
                         " sum(output), sum(reasoning), sum(cost_nusd + resolved_cost_nusd),"
                         " sum(uncertain_nusd - resolved_uncertain_nusd), sum(input_nusd),"
                         " sum(cached_input_nusd), sum(cache_write_nusd), sum(output_nusd),"
                         " sum(reasoning_nusd) FROM receipts"
                         " WHERE day >= ? AND day <= ? AND begun_wall_ns >= ? AND"
                         " begun_wall_ns < ?"));
    for (size_t i = 0; i < query->count; i++)
        buf_printf(sql, "%s%zu", i == 0 ? " GROUP BY " : ", ", i + 1);
    for (size_t i = 0; i < query->count; i++)
        buf_printf(sql, "%s%zu", i == 0 ? " ORDER BY " : ", ", i + 1);
    buf_append_byte(sql, '\0');
}

static void bind_spend(sqlite3_stmt *rows, const struct spend_query *query)
{
    int at = 1;
    for (size_t i = 0; i < query->count; i++) {
        if (query->by[i].key == SPEND_TAG)
            sqlite3_bind_text(rows, at++, query->by[i].tag, -1, SQLITE_STATIC);
    }
    sqlite3_bind_int64(rows, at++, query->since_wall_ns / DAY_NS - 1);
    sqlite3_bind_int64(rows, at++, query->until_wall_ns / DAY_NS);
    sqlite3_bind_int64(rows, at++, query->since_wall_ns);
    sqlite3_bind_int64(rows, at++, query->until_wall_ns);
}

static void read_spend(sqlite3_stmt *rows, const struct spend_query *query, struct spend_row *row)
{
    int at = 0;
    *row = (struct spend_row){.requests = 0};
    for (size_t i = 0; i < query->count; i++, at++)
        row->by[i] = span_make((const char *)sqlite3_column_text(rows, at),
                               (size_t)sqlite3_column_bytes(rows, at));
    row->requests = sqlite3_column_int64(rows, at++);
    row->input = sqlite3_column_int64(rows, at++);
    row->cached_input = sqlite3_column_int64(rows, at++);
    row->cache_write = sqlite3_column_int64(rows, at++);
    row->output = sqlite3_column_int64(rows, at++);
    row->reasoning = sqlite3_column_int64(rows, at++);
    row->cost_nusd = sqlite3_column_int64(rows, at++);
    row->uncertain_nusd = sqlite3_column_int64(rows, at++);
    for (size_t i = 0; i < PRICE_METERS; i++)
        row->meter_nusd[i] = sqlite3_column_int64(rows, at++);
}

bool database_spend(struct database *database, const struct spend_query *query,
                    void (*each)(void *argument, const struct spend_row *row), void *argument,
                    struct ledger_fault *fault)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX, 0);
    write_spend(query, &sql);
    ASSERT(!buf_failed(&sql));
    sqlite3_stmt *rows = database_prepare(database, buf_span(&sql).ptr, fault);
    buf_fini(&sql);
    if (rows == NULL)
        return false;
    bind_spend(rows, query);
    int result;
    while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
        struct spend_row row;
        read_spend(rows, query, &row);
        each(argument, &row);
    }
    bool fine = result == SQLITE_DONE || database_fault(database, fault);
    sqlite3_finalize(rows);
    return fine;
}

/* ---- parts and balances ---- */

#define BUDGET_COLUMNS "b.unit, b.span, b.window, b.name, b.most, b.told"

static void read_budget(sqlite3_stmt *row, int at, uint32_t id, struct books_budget *budget)
{
    *budget = (struct books_budget){.budget.id = id};
    budget->budget.unit = (enum ledger_unit)sqlite3_column_int(row, at);
    budget->budget.window_span = (uint32_t)sqlite3_column_int64(row, at + 1);
    budget->budget.window = (const char *)sqlite3_column_text(row, at + 2);
    budget->budget.name = (const char *)sqlite3_column_text(row, at + 3);
    budget->limit = sqlite3_column_int64(row, at + 4);
    budget->order = (uint64_t)sqlite3_column_int64(row, at + 5);
}

void database_read_part(sqlite3_stmt *row, struct books_part *part, struct books_budget *budget)
{
    *part = (struct books_part){.state = PART_UNCERTAIN};
    part->key.exchange.high = (uint64_t)sqlite3_column_int64(row, 0);
    part->key.exchange.low = (uint64_t)sqlite3_column_int64(row, 1);
    part->key.attempt = (uint32_t)sqlite3_column_int64(row, 2);
    part->key.part = (uint16_t)sqlite3_column_int(row, 3);
    part->parts = (uint16_t)sqlite3_column_int(row, 4);
    part->budget = (uint32_t)sqlite3_column_int64(row, 5);
    part->window_id = sqlite3_column_int64(row, 6);
    part->window_end_wall_ns = sqlite3_column_int64(row, 7);
    part->amount = sqlite3_column_int64(row, 8);
    part->wall_ns = sqlite3_column_int64(row, 9);
    read_budget(row, 10, part->budget, budget);
}

bool database_uncertain(struct database *database, int64_t wall_ns,
                        bool (*each)(void *argument, const struct books_part *part,
                                     const struct books_budget *budget),
                        void *argument, struct ledger_fault *fault)
{
    sqlite3_stmt *rows = database_prepare(
        database,
        "SELECT u.id_high, u.id_low, u.attempt, u.part, u.parts, u.budget, u.window_id,"
        " u.window_end_ns, u.amount, u.wall_ns, " BUDGET_COLUMNS " FROM uncertain u"
        " JOIN budgets b ON b.id = u.budget WHERE u.window_end_ns > ? ORDER BY u.wall_ns,"
        " u.id_high, u.id_low, u.attempt, u.part",
        fault);
    if (rows == NULL)
        return false;
    sqlite3_bind_int64(rows, 1, wall_ns);
    int result;
    bool more = true;
    while (more && (result = sqlite3_step(rows)) == SQLITE_ROW) {
        struct books_part part;
        struct books_budget budget;
        database_read_part(rows, &part, &budget);
        more = each(argument, &part, &budget);
    }
    bool fine = !more || result == SQLITE_DONE || database_fault(database, fault);
    sqlite3_finalize(rows);
    return fine;
}

bool database_balances(struct database *database,
                       bool (*each)(void *argument, const struct books_balance *balance,
                                    const struct books_budget *budget),
                       void *argument, struct ledger_fault *fault)
{
    sqlite3_stmt *rows = database_prepare(
        database,
        "SELECT a.budget, a.window_id, a.window_end_ns, a.committed, a.spent, a.uncertain,"
        " a.granted, " BUDGET_COLUMNS " FROM balances a JOIN budgets b ON b.id = a.budget"
        " ORDER BY a.budget, a.window_id",
        fault);
    if (rows == NULL)
        return false;
    int result;
    bool more = true;
    while (more && (result = sqlite3_step(rows)) == SQLITE_ROW) {
        struct books_balance balance = {.budget = (uint32_t)sqlite3_column_int64(rows, 0)};
        struct books_budget budget;
        balance.window_id = sqlite3_column_int64(rows, 1);
        balance.window_end_wall_ns = sqlite3_column_int64(rows, 2);
        balance.committed = sqlite3_column_int64(rows, 3);
        balance.spent = sqlite3_column_int64(rows, 4);
        balance.uncertain = sqlite3_column_int64(rows, 5);
        balance.granted = sqlite3_column_int64(rows, 6);
        read_budget(rows, 7, balance.budget, &budget);
        more = each(argument, &balance, &budget);
    }
    bool fine = !more || result == SQLITE_DONE || database_fault(database, fault);
    sqlite3_finalize(rows);
    return fine;
}
