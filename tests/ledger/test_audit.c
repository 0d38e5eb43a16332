/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The audits: differences and violations that were planted are found, a new database says the same. */
#include "database_fixture.h"

/* ---- verify ---- */

static void check_planted(const char *sql, const char *back, const char *told)
{
    execute(sql);
    assert_true(verify() > 0);
    if (strstr(first_difference, told) == NULL)
        fail_msg("'%s' does not say '%s'", first_difference, told);
    execute(back);
    check_same();
}

static void planted_differences_are_found(void **state)
{
    (void)state;
    some_exchanges();
    apply();
    check_same();
    check_planted("UPDATE receipts SET cost_nusd = cost_nusd + 1 WHERE tenant = 'zeta'",
                  "UPDATE receipts SET cost_nusd = cost_nusd - 1 WHERE tenant = 'zeta'",
                  "cost_nusd is 8 in the database, 7 in the journal");
    check_planted("UPDATE receipts SET tenant = 'zet' WHERE tenant = 'zeta'",
                  "UPDATE receipts SET tenant = 'zeta' WHERE tenant = 'zet'",
                  "tenant is 'zet' in the database");
    check_planted("UPDATE receipts SET id_low = id_low + 1",
                  "UPDATE receipts SET id_low = id_low - 1", "another one in its place");
    check_planted("UPDATE receipts SET place = -place WHERE tenant = 'zeta'",
                  "UPDATE receipts SET place = -place WHERE tenant = 'zeta'",
                  "is not in the database");
    check_planted("CREATE TABLE kept AS SELECT * FROM receipts; UPDATE kept SET place = place + 1;"
                  "INSERT INTO receipts SELECT * FROM kept LIMIT 1",
                  "DELETE FROM receipts WHERE place IN (SELECT place FROM kept)",
                  "1 receipts that the journal has not");
    check_planted("UPDATE balances SET spent = spent + 1 WHERE budget = 2",
                  "UPDATE balances SET spent = spent - 1 WHERE budget = 2",
                  "budget 'zeta' window 7: spent is 8 in the database, 7 in the journal");
    check_planted("INSERT INTO balances VALUES(1, 99, 9223372036854775807, 0, 0, 0, 0)",
                  "DELETE FROM balances WHERE window_id = 99", "only the database has it");
    check_planted("UPDATE balances SET window_id = -7 WHERE budget = 2",
                  "UPDATE balances SET window_id = 7 WHERE budget = 2", "only the database has it");
    check_planted("UPDATE uncertain SET amount = 21", "UPDATE uncertain SET amount = 20",
                  "21 uncertain in the database, 20 in the journal");
    check_planted("UPDATE uncertain SET attempt = 9", "UPDATE uncertain SET attempt = 1",
                  "uncertain only in the database");
    check_planted("UPDATE budgets SET most = 5 WHERE id = 1",
                  "UPDATE budgets SET most = 1000000 WHERE id = 1", "the limit is 5");
    check_planted("UPDATE budgets SET name = 'x' WHERE id = 1",
                  "UPDATE budgets SET name = 'acme' WHERE id = 1", "is 'x' in the database");
}

/* ---- prove ---- */

static void a_planted_violation_is_found(void **state)
{
    (void)state;
    struct ledger_fault fault;
    struct proof proof;
    some_exchanges();
    assert_true(ledger_prove(&audit, &proof, &fault));
    assert_true(proof.holds_good);
    assert_int_equal(proof.holds, 4);
    assert_int_equal(proof.checked, 4);
    assert_int_equal(proof.breaches, 0);

    struct one_hold one;
    exchange(50, "acme", "", 2000, 0); /* held 1,000: the provider's breach, and recorded */
    set_hold(&one, 51, make_budget(journal, "acme"), 100);
    one.part.bound = false; /* of hold: learned; it may */
    one.part.limit = 200;
    journal_hold(stream, &one.hold);
    end_hold(stream, &one, 0, 0);
    journal_flush(stream);
    assert_true(ledger_prove(&audit, &proof, &fault));
    assert_true(proof.holds_good);
    assert_int_equal(proof.breaches, 1);

    set_hold(&one, 52, make_budget(journal, "acme"), 100);
    one.part.limit = 2270; /* 2,171 are committed */
    journal_hold(stream, &one.hold);
    journal_flush(stream);
    assert_true(ledger_prove(&audit, &proof, &fault));
    assert_false(proof.holds_good);
    assert_non_null(strstr(proof.violation, "0002-000001.wj offset"));
    assert_non_null(strstr(proof.violation, "committed 2271, limit 2270"));
    end_hold(stream, &one, 0, 0);
}

static void more_uncertain_than_was_held_is_found(void **state)
{
    (void)state;
    struct ledger_fault fault;
    struct proof proof;
    exchange(1, "acme", "", 500, 501);
    assert_true(ledger_prove(&audit, &proof, &fault));
    assert_false(proof.holds_good);
    assert_non_null(strstr(proof.violation, "uncertain 501, limit 500"));
}

static void a_rolling_window_counts_all_its_slots(void **state)
{
    (void)state;
    struct ledger_fault fault;
    struct proof proof;
    struct ledger_budget rolling = {
        .unit = LEDGER_NUSD, .window_span = 3, .window = "3h", .name = "acme"};
    const struct ledger_budget *budget = journal_budget(journal, &rolling);
    assert_int_equal(journal_budget(journal, &rolling)->id, budget->id);
    for (uint64_t slot = 0; slot < 5; slot++) {
        struct one_hold one;
        set_hold(&one, slot + 1, budget, 100);
        one.part.window_id = (int64_t)slot;
        one.part.limit = slot < 4 ? 300 : 299;
        journal_hold(stream, &one.hold);
        end_hold(stream, &one, 100, 0);
        journal_flush(stream);
        assert_true(ledger_prove(&audit, &proof, &fault));
        assert_int_equal(proof.holds_good, slot < 4);
    }
    assert_non_null(strstr(proof.violation, "committed 300, limit 299"));
}

/* ---- rebuilding ---- */

static void a_new_database_says_the_same(void **state)
{
    (void)state;
    struct ledger_fault fault;
    uint64_t records;
    struct one_hold open;
    set_hold(&open, 900, make_budget(journal, "acme"), 300);
    journal_hold(stream, &open.hold);
    some_exchanges();
    stop();
    start();
    exchange(300, "acme", "", 9, 1);
    journal_sync(journal);
    apply();
    assert_false(ledger_rebuild(&audit, &records, &fault));
    assert_non_null(strstr(fault.text, "locked"));
    stop();
    const char *before = spend_all("tenant,day");
    char kept[2000];
    snprintf(kept, sizeof(kept), "%s", before);
    unlink(path);
    if (!ledger_rebuild(&audit, &records, &fault))
        fail_msg("%s", fault.text);
    assert_true(records > 15);
    check_same();
    assert_string_equal(spend_all("tenant,day"), kept);
    /* Over one that is there, and over one that is broken. */
    assert_true(ledger_rebuild(&audit, &records, &fault));
    check_same();
    assert_string_equal(spend_all("tenant,day"), kept);
    assert_int_equal(truncate(path, 5000), 0);
    assert_true(ledger_rebuild(&audit, &records, &fault));
    check_same();
    assert_string_equal(spend_all("tenant,day"), kept);
    start();
    apply();
    check_same();
}

static void what_the_journal_has_no_more_is_kept(void **state)
{
    (void)state;
    struct ledger_fault fault;
    uint64_t records;
    struct one_hold open;
    for (uint64_t id = 1; id <= 100; id++)
        exchange(id, "acme", "", 3, id == 7 ? 2 : 0);
    set_hold(&open, 900, make_budget(journal, "acme"), 40);
    journal_hold(stream, &open.hold);
    stop();
    start();
    for (uint64_t id = 101; id <= 160; id++)
        exchange(id, "acme", "", 3, id == 150 ? 2 : 0);
    journal_sync(journal);
    apply();
    const char *all = spend_all("tenant");
    assert_string_equal(all, " 0 0 0 40;acme 160 1600 480 4;");
    clean(0); /* the first epoch's segments, and the first ones of this */
    check_same();
    stop();
    if (!ledger_rebuild(&audit, &records, &fault))
        fail_msg("%s", fault.text);
    assert_true(records < 300);
    check_same();
    assert_string_equal(spend_all("tenant"), " 0 0 0 40;acme 160 1600 480 4;");
    assert_int_equal(list_uncertain("acme", 0), 3);
    /* Without the old one the balances are right all the same. */
    unlink(path);
    start();
    apply();
    check_same();
    assert_int_equal(list_uncertain("acme", 0), 3);
}

static void nothing_to_audit_is_said(void **state)
{
    (void)state;
    struct ledger_fault fault;
    struct proof proof;
    uint64_t count;
    struct audit nowhere = {.io = ledger_io_real(), .state_dir = "/nowhere", .path = path};
    apply();
    assert_false(ledger_prove(&nowhere, &proof, &fault));
    assert_non_null(strstr(fault.text, "no journal"));
    assert_false(ledger_verify(&nowhere, on_difference, NULL, &count, &fault));
    assert_non_null(strstr(fault.text, "no journal"));
    assert_false(ledger_rebuild(&nowhere, &count, &fault));
}

int test_audit(void)
{
#define WITH_LEDGER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LEDGER(planted_differences_are_found),
        WITH_LEDGER(a_planted_violation_is_found),
        WITH_LEDGER(more_uncertain_than_was_held_is_found),
        WITH_LEDGER(a_rolling_window_counts_all_its_slots),
        WITH_LEDGER(a_new_database_says_the_same),
        WITH_LEDGER(what_the_journal_has_no_more_is_kept),
        WITH_LEDGER(nothing_to_audit_is_said),
    };
    return cmocka_run_group_tests_name("ledger/audit", tests, NULL, NULL);
}
