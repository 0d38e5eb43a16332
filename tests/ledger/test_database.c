/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The database: what it says, and that it says so once. */
#include "database_fixture.h"

#include <sys/wait.h>

static void spend_is_grouped(void **state)
{
    (void)state;
    some_exchanges();
    apply();
    assert_string_equal(spend_all(""), "4 40 158 20;");
    assert_string_equal(spend_all("tenant"), "acme 3 30 151 20;zeta 1 10 7 0;");
    assert_string_equal(spend_all("day,tenant"),
                        "2024-10-04 acme 2 20 150 20;2024-10-05 acme 1 10 1 0;"
                        "2024-10-05 zeta 1 10 7 0;");
    assert_string_equal(spend_all("tag:feature"), " 1 10 7 0;chat 2 20 101 0;search 1 10 50 20;");
    assert_string_equal(spend_all("model, tag:team"),
                        "gpt-4o  2 20 57 20;gpt-4o a 1 10 100 0;gpt-4o b 1 10 1 0;");
    assert_string_equal(spend("tenant", NOW_NS + 1, INT64_MAX), "acme 1 10 1 0;zeta 1 10 7 0;");
    assert_string_equal(spend("tenant", 0, NOW_NS + DAY_NS), "acme 2 20 150 20;");
    assert_string_equal(spend("tenant", NOW_NS + DAY_NS, NOW_NS + DAY_NS), "");
}

static void columns_are_checked(void **state)
{
    (void)state;
    struct ledger_fault fault;
    struct spend_query query;
    char room[SPEND_TAG_MAX + 8];
    assert_false(spend_parse(SPAN("tenant,colour"), &query, &fault));
    assert_non_null(strstr(fault.text, "'colour' is not a column"));
    assert_false(spend_parse(SPAN("tag:"), &query, &fault));
    assert_false(spend_parse(SPAN("key,key,key,key,key,key,key,key,key,key,key,key,key,key,key,key,"
                                  "key"),
                             &query, &fault));
    assert_true(spend_parse(SPAN("tag:a,user"), &query, &fault));
    assert_string_equal(spend_column_name(&query.by[0], room), "tag:a");
    assert_string_equal(spend_column_name(&query.by[1], room), "user");
}

/* ---- verify ---- */

static void what_is_not_applied_yet_is_no_difference(void **state)
{
    (void)state;
    some_exchanges();
    apply();
    exchange(3, "acme", "", 5, 1);
    journal_sync(journal);
    check_same();
    stop();
    start(); /* another epoch, whose records are not applied either */
    check_same();
    apply();
    check_same();
    assert_string_equal(spend_all(""), "5 50 163 21;");
}

/* ---- exactly once ---- */

static int die_at;

static int on_commit(void *argument)
{
    (void)argument;
    if (--die_at == 0)
        _exit(7);
    return 0;
}

static int on_statement(unsigned kind, void *argument, void *statement, void *text)
{
    (void)kind;
    (void)statement;
    (void)text;
    return on_commit(argument);
}

static int install_hooks(sqlite3 *handle, const char **error, const void *api)
{
    (void)error;
    (void)api;
    sqlite3_commit_hook(handle, on_commit, NULL);
    sqlite3_trace_v2(handle, SQLITE_TRACE_STMT, on_statement, NULL);
    return SQLITE_OK;
}

/* Applies in another process, which dies at the k-th statement or commit. True: it came to its end. */
static bool apply_and_die(int at)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ledger_fault fault;
        die_at = at;
        sqlite3_auto_extension((void (*)(void))(uintptr_t)install_hooks);
        struct applier_settings settings = {
            .io = ledger_io_real(), .directory = journal_directory(journal), .path = path};
        struct applier *applier = applier_new(&settings, &fault);
        int64_t count = -1;
        while (applier != NULL && (count = applier_step(applier, &fault)) > 0)
            continue;
        if (count < 0)
            fprintf(stderr, "%s\n", fault.text);
        _exit(count < 0 ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
    return WEXITSTATUS(status) == 0;
}

static void a_crash_anywhere_applies_once(void **state)
{
    (void)state;
    struct one_hold open;
    set_hold(&open, 900, make_budget(journal, "acme"), 33);
    journal_hold(stream, &open.hold);
    some_exchanges();
    stop();
    start();
    for (uint64_t id = 301; id <= 304; id++)
        exchange(id, "acme", "", 10, id == 302 ? 5 : 0);
    journal_sync(journal);
    int at = 1;
    for (; !apply_and_die(at); at++)
        continue;
    assert_true(at > 25);
    check_same();
    assert_string_equal(spend_all(""), "8 80 198 58;");
}

/* What was read while the stream was written is not all that it has come to. */
static void a_stream_that_ends_is_read_to_its_end(void **state)
{
    (void)state;
    struct ledger_fault fault;
    some_exchanges();
    struct applier *applier = open_applier();
    while (applier_step(applier, &fault) > 0)
        continue;
    exchange(201, "acme", "", 5, 0);
    journal_stream_close(&stream);
    while (applier_step(applier, &fault) > 0)
        continue;
    applier_free(&applier);
    assert_string_equal(spend_all(""), "5 50 163 20;");
    check_same();
}

/* Its thread, too, comes to the end of all that was written before it is told to stop. */
static void the_thread_ends_with_everything(void **state)
{
    (void)state;
    for (uint64_t id = 301; id < 321; id++) {
        struct applier *applier = open_applier();
        applier_start(applier);
        exchange(id, "acme", "", 5, 0);
        journal_sync(journal);
        applier_free(&applier);
        check_same();
    }
    assert_string_equal(spend_all(""), "20 200 100 0;");
}

/* ---- crashes, resolutions ---- */

static void what_a_crash_left_is_listed_and_resolved(void **state)
{
    (void)state;
    struct ledger_fault fault;
    struct one_hold open;
    size_t count;
    set_hold(&open, 900, make_budget(journal, "acme"), 300);
    journal_hold(stream, &open.hold);
    exchange(2, "acme", "", 50, 20);
    stop(); /* the hold stays open */
    start();
    apply();
    check_same();
    assert_int_equal(list_uncertain("acme", 0), 2);
    assert_int_equal(list_uncertain("acme", INT64_MAX), 0);
    assert_string_equal(spend_all("tenant"), " 0 0 0 300;acme 1 10 50 20;");

    /* Not beside a running one. */
    struct resolution charge = {.nusd = 120}, release = {.nusd = 0}, full = {.in_full = true};
    assert_false(ledger_resolve(&audit, (struct id){900, ~900ull}, 0, &charge, &count, &fault));
    assert_non_null(strstr(fault.text, "locked"));
    stop();
    if (!ledger_resolve(&audit, (struct id){900, ~900ull}, 0, &charge, &count, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(count, 1);
    assert_true(ledger_resolve(&audit, (struct id){900, ~900ull}, 0, &charge, &count, &fault));
    assert_int_equal(count, 0);
    assert_string_equal(spend_all("tenant"), " 0 0 120 0;acme 1 10 50 20;");
    start();

    /* In a running one: at once, and once. */
    struct database *database = open_database(DATABASE_READ);
    assert_true(
        ledger_resolve_live(journal, database, (struct id){2, ~2ull}, 5, &release, &count, &fault));
    assert_int_equal(count, 0);
    assert_true(
        ledger_resolve_live(journal, database, (struct id){2, ~2ull}, 1, &full, &count, &fault));
    assert_int_equal(count, 1);
    assert_true(
        ledger_resolve_live(journal, database, (struct id){2, ~2ull}, 1, &full, &count, &fault));
    assert_int_equal(count, 0);
    database_close(&database);
    journal_sync(journal);
    apply();
    check_same();
    assert_int_equal(list_uncertain("acme", 0), 0);
    assert_string_equal(spend_all("tenant"), " 0 0 120 0;acme 1 10 70 0;");
}

static void an_id_is_read_back(void **state)
{
    (void)state;
    struct id id = {0x0192837465fedcba, 0xfffffffffffffff1}, back;
    char text[ID_TEXT_SIZE];
    id_format(id, text);
    assert_true(ledger_parse_id(span_from_string(text), &back));
    assert_true(back.high == id.high && back.low == id.low);
    assert_true(ledger_parse_id(span_from_string(text + 4), &back));
    assert_false(ledger_parse_id(span_from_string(text + 5), &back));
    assert_false(ledger_parse_id(SPAN("req_8ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &back));
    assert_false(ledger_parse_id(SPAN("req_0U00000000000000000000000Z"), &back));
    assert_false(ledger_parse_id(SPAN(""), &back));
}

static void old_receipts_are_deleted(void **state)
{
    (void)state;
    some_exchanges();
    apply();
    int64_t now = clock_wall_ns();
    clean(now - (NOW_NS + DAY_NS)); /* to the day of the last two */
    assert_string_equal(spend_all("tenant"), "acme 1 10 1 0;zeta 1 10 7 0;");
    check_same();
    struct ledger_fault fault;
    struct database *database = open_database(DATABASE_WRITE);
    assert_int_equal(database_retain(database, INT64_MAX, 1, &fault), 1);
    assert_int_equal(database_retain(database, INT64_MAX, 10, &fault), 1);
    assert_int_equal(database_retain(database, INT64_MAX, 10, &fault), 0);
    database_close(&database);
    check_same(); /* balances stay */
}

/* ---- what is refused ---- */

static void refuse_applier(const char *told)
{
    struct ledger_fault fault;
    struct applier_settings settings = {.io = ledger_io_real(),
                                        .directory = journal_directory(journal),
                                        .journal = journal,
                                        .birth = journal_birth(journal),
                                        .path = path};
    struct applier *applier = applier_new(&settings, &fault);
    assert_null(applier);
    if (strstr(fault.text, told) == NULL)
        fail_msg("'%s' does not say '%s'", fault.text, told);
}

static void a_database_of_something_else_is_refused(void **state)
{
    (void)state;
    some_exchanges();
    apply();
    execute("UPDATE applied SET seq = seq + 1 WHERE stream = 2");
    refuse_applier("ahead of the journal: stream 2");
    execute("UPDATE meta SET value = 5 WHERE name = 'birth'");
    refuse_applier("belongs to another journal");
    execute("PRAGMA user_version = 99");
    refuse_applier("version 99");
    FILE *file = fopen(path, "w");
    fputs("no database at all, but long enough to be looked at as if it were one: .............."
          "......................................................................................",
          file);
    fclose(file);
    char wal[TEST_DIRECTORY_SIZE + 32];
    snprintf(wal, sizeof(wal), "%s-wal", path);
    unlink(wal);
    refuse_applier("not a database");
    struct ledger_fault fault;
    assert_null(database_open("/nowhere/ledger.db", DATABASE_READ, 0, &fault));
    assert_non_null(strstr(fault.text, "/nowhere/ledger.db"));
}

static void a_second_process_is_refused_by_the_real_lock(void **state)
{
    (void)state;
    struct ledger_fault fault;
    struct journal_settings settings = {.io = ledger_io_real(), .state_dir = directory};
    assert_null(journal_open(&settings, &fault));
    assert_non_null(strstr(fault.text, "another weir uses this state_dir"));
}

int test_database(void)
{
#define WITH_LEDGER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LEDGER(spend_is_grouped),
        WITH_LEDGER(a_stream_that_ends_is_read_to_its_end),
        WITH_LEDGER(the_thread_ends_with_everything),
        WITH_LEDGER(columns_are_checked),
        WITH_LEDGER(what_is_not_applied_yet_is_no_difference),
        WITH_LEDGER(a_crash_anywhere_applies_once),
        WITH_LEDGER(what_a_crash_left_is_listed_and_resolved),
        WITH_LEDGER(an_id_is_read_back),
        WITH_LEDGER(old_receipts_are_deleted),
        WITH_LEDGER(a_database_of_something_else_is_refused),
        WITH_LEDGER(a_second_process_is_refused_by_the_real_lock),
    };
    return cmocka_run_group_tests_name("ledger/database", tests, NULL, NULL);
}
