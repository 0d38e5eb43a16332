/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets for each subject, what they match, and what the ledger puts back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/cells.h"
#include "policy_support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct price plain = {.known = true, .rates.input_pusd = 1000};
static int64_t now_ns;

static int set_clock(void **state)
{
    (void)state;
    now_ns = wall_of(2026, 5, 20);
    return 0;
}

static void make(struct budget *budget, enum budget_per per, int64_t max_subjects)
{
    *budget = (struct budget){.name = "b",
                              .window.kind = WINDOW_DAY,
                              .subjects = budget_subjects_new("b per user"),
                              .per = per,
                              .max_subjects = max_subjects,
                              .limit_nusd = 100,
                              .limit_tokens = BUDGET_NO_LIMIT,
                              .max_hold_nusd = INT64_MAX};
    budget_subjects_set_limits(budget->subjects, 100, BUDGET_NO_LIMIT);
}

static enum budget_verdict hold(const struct budget *budget, const struct budget_facts *facts,
                                int64_t nusd, struct reservation *reservation)
{
    struct budget_wish wish = {.price = &plain, .input_tokens = nusd, .choices = 1, .facts = facts};
    const struct budget *by;
    enum budget_verdict verdict = budget_reserve(&budget, 1, &wish, now_ns, reservation, &by, NULL);
    assert_ptr_equal(by, verdict == BUDGET_GRANTED ? NULL : budget);
    return verdict;
}

static enum budget_verdict spend(const struct budget *budget, const char *user, int64_t nusd)
{
    struct budget_facts facts = {.key = SPAN("k"), .user = span_from_string(user)};
    struct reservation reservation;
    enum budget_verdict verdict = hold(budget, &facts, nusd, &reservation);
    if (verdict == BUDGET_GRANTED)
        settle(&reservation, nusd, 0);
    return verdict;
}

static int64_t spent_by(const struct budget *budget, const char *user)
{
    struct budget_facts facts = {.user = span_from_string(user)};
    struct budget_view view;
    budget_look(budget, &facts, now_ns, &view);
    assert_int_equal(view.limit_nusd, budget->limit_nusd);
    return view.spent_nusd;
}

static void test_each_for_itself(void **state)
{
    (void)state;
    struct budget budget;
    make(&budget, BUDGET_PER_USER, 10);
    assert_int_equal(spend(&budget, "ann", 100), BUDGET_GRANTED);
    assert_int_equal(spend(&budget, "ann", 1), BUDGET_SPENT);
    assert_int_equal(spend(&budget, "bob", 60), BUDGET_GRANTED);
    assert_int_equal(spend(&budget, "", 30), BUDGET_GRANTED);
    assert_int_equal(spent_by(&budget, "ann"), 100);
    assert_int_equal(spent_by(&budget, "none"), 30); /* who gives no name */
    assert_int_equal(spent_by(&budget, "carl"), 0);
    assert_int_equal(budget_subjects_count(budget.subjects), 3); /* looking makes none */
    struct budget_view view;
    budget_look(&budget, NULL, now_ns, &view); /* the one that spent most */
    assert_int_equal(view.spent_nusd, 100);
    struct ladder_view ladder;
    budget_ladder_look(&budget, NULL, (struct ladder_now){now_ns, 0}, &ladder);
    assert_int_equal(ladder.state, LADDER_OPEN);
    /* A new limit reaches all. */
    budget.limit_nusd = 200;
    budget_subjects_set_limits(budget.subjects, 200, BUDGET_NO_LIMIT);
    assert_int_equal(spend(&budget, "ann", 100), BUDGET_GRANTED);
    budget_subjects_unref(&budget.subjects);
}

static void test_no_place_is_no_eviction(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    struct budget_facts zoe = {.user = SPAN("zoe")};
    char name[16];
    make(&budget, BUDGET_PER_USER, 20);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "user%d", i);
        assert_int_equal(spend(&budget, name, 1), BUDGET_GRANTED);
    }
    assert_int_equal(hold(&budget, &zoe, 1, &reservation), BUDGET_CROWDED);
    assert_int_equal(spend(&budget, "user7", 1), BUDGET_GRANTED);
    /* A budget that only observes refuses nobody. */
    budget.observe = true;
    assert_int_equal(hold(&budget, &zoe, 1, &reservation), BUDGET_GRANTED);
    assert_int_equal(reservation.count, 0);
    settle(&reservation, 1, 0);
    budget.observe = false;
    /* The next day those are idle who hold nothing. */
    struct budget_facts one = {.user = SPAN("user1")};
    assert_int_equal(hold(&budget, &one, 1, &reservation), BUDGET_GRANTED);
    now_ns += DAY_NS;
    assert_int_equal(spend(&budget, "user2", 5), BUDGET_GRANTED);
    assert_int_equal(spend(&budget, "zoe", 1), BUDGET_GRANTED);
    assert_int_equal(budget_subjects_count(budget.subjects), 3);
    assert_int_equal(spent_by(&budget, "user2"), 5);
    settle(&reservation, 1, 0);
    budget_subjects_unref(&budget.subjects);
}

static void test_long_and_odd_names(void **state)
{
    (void)state;
    struct budget budget;
    struct reservation reservation;
    char a[400], b[400];
    make(&budget, BUDGET_PER_USER, 10);
    memset(a, 'a', sizeof(a));
    memset(b, 'a', sizeof(b));
    b[399] = 'b';
    struct budget_facts first = {.user = span_make(a, 400)}, second = {.user = span_make(b, 400)};
    struct budget_facts nul = {.user = span_make("x\0y", 3)}, x = {.user = SPAN("x")};
    const struct budget_facts *all[] = {&first, &second, &nul, &x};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(hold(&budget, all[i], 40, &reservation), BUDGET_GRANTED);
            settle(&reservation, 40, 0);
        }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(hold(&budget, all[i], 40, &reservation), BUDGET_SPENT);
    assert_int_equal(budget_subjects_count(budget.subjects), 4);
    budget_subjects_unref(&budget.subjects);
}

static void test_who_a_subject_is(void **state)
{
    (void)state;
    struct budget_facts facts = {.key = SPAN("k"), .user = SPAN("u"), .session = SPAN("s")};
    struct budget_facts none = {.key = SPAN("k")};
    assert_true(span_equal(budget_subject(BUDGET_PER_KEY, &facts), SPAN("k")));
    assert_true(span_equal(budget_subject(BUDGET_PER_USER, &facts), SPAN("u")));
    assert_true(span_equal(budget_subject(BUDGET_PER_SESSION, &facts), SPAN("s")));
    assert_true(span_equal(budget_subject(BUDGET_PER_SESSION, &none), SPAN("none")));
    assert_int_equal(budget_subject(BUDGET_PER_TENANT, &facts).len, 0);
}

static void test_matching(void **state)
{
    (void)state;
    const struct budget_tag chat[] = {{SPAN("feature"), SPAN("chat")}, {SPAN("team"), SPAN("x")}};
    const struct budget_tag untagged[] = {{SPAN("feature"), SPAN("none")}};
    struct budget budget = {.match_model = SPAN("m"), .match_tags = chat, .match_tag_count = 2};
    struct budget_facts facts = {.model = SPAN("m"), .tags = SPAN("team=x,a,feature=chat")};
    assert_true(budget_matches(&budget, &facts));
    facts.model = SPAN("n");
    assert_false(budget_matches(&budget, &facts));
    facts.model = SPAN("m");
    facts.tags = SPAN("feature=chat");
    assert_false(budget_matches(&budget, &facts));
    facts.tags = SPAN("xfeature=chat,team=x");
    assert_false(budget_matches(&budget, &facts));
    /* Who leaves the tag out cannot get around the one for those who do. */
    budget = (struct budget){.match_tags = untagged, .match_tag_count = 1};
    assert_true(budget_matches(&budget, &facts));
    facts.tags = SPAN("feature=");
    assert_true(budget_matches(&budget, &facts));
    facts.tags = SPAN("feature=chat");
    assert_false(budget_matches(&budget, &facts));
}

/* ---- many threads ---- */

static void *many_users(void *argument)
{
    const struct budget *budget = argument;
    uint64_t random = (uint64_t)(uintptr_t)&random | 1;
    for (int i = 0; i < 4000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "user%d", (int)random_upto(&random, 99));
        struct budget_facts facts = {.user = span_from_string(name)};
        struct budget_wish wish = {
            .price = &plain, .input_tokens = 7, .choices = 1, .facts = &facts};
        struct reservation reservation;
        const struct budget *by;
        if (budget_reserve(&budget, 1, &wish, now_ns + i * (DAY_NS / 1000), &reservation, &by,
                           NULL) == BUDGET_GRANTED)
            settle(&reservation, 5, 0);
    }
    return NULL;
}

static void check_cell(struct budget_cell *cell, void *argument)
{
    struct budget_view view;
    budget_cell_look(cell, argument, now_ns, &view);
    assert_int_equal(view.held_nusd, 0);
    assert_true(view.spent_nusd <= 100 && view.spent_nusd % 5 == 0);
}

static void test_threads(void **state)
{
    (void)state;
    struct budget budget;
    pthread_t threads[4];
    make(&budget, BUDGET_PER_USER, 60); /* fewer than come */
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, many_users, &budget);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(budget_subjects_count(budget.subjects) <= 60);
    budget_subjects_walk(budget.subjects, check_cell, &budget.window);
    budget_subjects_unref(&budget.subjects);
}

/* ---- the ledger's ---- */

static void count_cells(struct budget_cell *cell, void *argument)
{
    size_t *count = argument;
    ++*count;
    assert_true(strlen(budget_cell_name(cell)) > 0);
    assert_true(strlen(budget_cell_window(cell)) > 0);
}

static void test_restore(void **state)
{
    (void)state;
    struct cells *cells = cells_new();
    struct window_rule day = {.kind = WINDOW_DAY};
    struct window_rule rolling = {.kind = WINDOW_ROLLING, .period_ns = 3600 * NS_PER_S};
    int64_t today = window_at(&day, now_ns), slot = window_at(&rolling, now_ns);
    const char *user = "tenant t budget u per user ann of acme";
    assert_true(cells_restore(cells, "tenant t budget b", "day", BUDGET_NUSD, today, 70, 5));
    assert_true(cells_restore(cells, "tenant t budget b", "day", BUDGET_TOKENS, today, 9, 0));
    assert_true(cells_restore(cells, "tenant t budget b", "day", BUDGET_NUSD, today - 1, 11, 0));
    assert_true(cells_restore(cells, user, "day", BUDGET_NUSD, today, 8, 0));
    for (int64_t age = 0; age < 70; age += 10) /* the newest first: order is no matter */
        assert_true(cells_restore(cells, "r", "1h", BUDGET_NUSD, slot - age, 1, 0));
    assert_false(cells_restore(cells, "r", "fortnight", BUDGET_NUSD, slot, 1, 0));
    size_t count = 0;
    cells_walk_budgets(cells, count_cells, &count);
    assert_int_equal(count, 3);

    struct budget_view view;
    struct budget_cell *cell = cells_budget(cells, "tenant t budget b", &day);
    budget_cell_set_limit(cell, BUDGET_NUSD, 100);
    budget_cell_set_limit(cell, BUDGET_TOKENS, 100);
    budget_cell_look(cell, &day, now_ns, &view);
    assert_int_equal(view.spent_nusd, 70);
    assert_int_equal(view.uncertain_nusd, 5);
    assert_int_equal(view.committed_nusd, 75);
    assert_int_equal(view.tokens.spent, 9);
    /* Somebody finds out what became of the 5. */
    budget_cell_resolve(cell, BUDGET_NUSD, today, 5, 2);
    budget_cell_resolve(cell, BUDGET_NUSD, today - 1, 11, 2); /* is over */
    budget_cell_look(cell, &day, now_ns, &view);
    assert_int_equal(view.spent_nusd, 72);
    assert_int_equal(view.uncertain_nusd, 0);
    assert_int_equal(view.committed_nusd, 72);
    int mark;
    assert_null(budget_cell_mark(cell, BUDGET_NUSD));
    budget_cell_set_mark(cell, BUDGET_NUSD, &mark);
    assert_ptr_equal(budget_cell_mark(cell, BUDGET_NUSD), &mark);
    assert_null(budget_cell_mark(cell, BUDGET_TOKENS));
    assert_string_equal(budget_cell_name(cell), "tenant t budget b");
    assert_string_equal(budget_cell_window(cell), "day");
    budget_cell_unref(&cell);

    cell = cells_budget(cells, "r", &rolling);
    budget_cell_set_limit(cell, BUDGET_NUSD, 100);
    budget_cell_look(cell, &rolling, now_ns, &view);
    assert_int_equal(view.spent_nusd, 7); /* slot − 60 still counts */
    budget_cell_look(cell, &rolling, now_ns + 1800 * NS_PER_S, &view);
    assert_int_equal(view.spent_nusd, 4);
    budget_cell_unref(&cell);

    struct budget_subjects *subjects = cells_subjects(cells, "tenant t budget u per user", &day);
    budget_subjects_set_limits(subjects, 50, BUDGET_NO_LIMIT);
    cell = budget_subjects_find(subjects, SPAN("ann of acme"));
    assert_non_null(cell);
    assert_string_equal(budget_cell_name(cell), user);
    budget_cell_look(cell, &day, now_ns, &view);
    assert_int_equal(view.spent_nusd, 8);
    assert_int_equal(view.limit_nusd, 50);
    budget_cell_unref(&cell);
    budget_subjects_unref(&subjects);
    cells_free(&cells);
}

int test_subjects(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_for_itself, set_clock),
        cmocka_unit_test_setup(test_no_place_is_no_eviction, set_clock),
        cmocka_unit_test_setup(test_long_and_odd_names, set_clock),
        cmocka_unit_test(test_who_a_subject_is),
        cmocka_unit_test(test_matching),
        cmocka_unit_test_setup(test_threads, set_clock),
        cmocka_unit_test_setup(test_restore, set_clock),
    };
    return cmocka_run_group_tests_name("policy/subjects", tests, NULL, NULL);
}
