/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: the same name gives the same cell, and cells live as long as anyone needs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/cells.h"

#include <stdio.h>

static const struct window_rule day_rule = {.kind = WINDOW_DAY};
static const struct window_rule month_rule = {.kind = WINDOW_MONTH};

static void test_same_name_same_cell(void **state)
{
    (void)state;
    struct cells *cells = cells_new();
    char name[16] = "tenant acme"; /* borrowed for the call only */
    struct rate_cell *rate = cells_rate(cells, name);
    struct gauge_cell *gauge = cells_gauge(cells, name);
    struct budget_cell *day = cells_budget(cells, name, &day_rule);
    struct budget_cell *month = cells_budget(cells, name, &month_rule);
    name[0] = 'T';
    struct rate_cell *same_rate = cells_rate(cells, "tenant acme");
    struct gauge_cell *same_gauge = cells_gauge(cells, "tenant acme");
    struct budget_cell *same_day = cells_budget(cells, "tenant acme", &day_rule);
    struct rate_cell *other_rate = cells_rate(cells, "tenant acme/search");
    assert_ptr_equal(rate, same_rate);
    assert_ptr_equal(gauge, same_gauge);
    assert_ptr_equal(day, same_day);
    assert_ptr_not_equal(day, month);
    assert_ptr_not_equal(rate, other_rate);
    struct health_cell *health = cells_health(cells, "tenant acme");
    struct health_cell *same_health = cells_health(cells, "tenant acme");
    struct health_cell *other_health = cells_health(cells, "target acme");
    assert_ptr_equal(health, same_health);
    assert_ptr_not_equal(health, other_health);
    health_cell_unref(&health);
    health_cell_unref(&same_health);
    health_cell_unref(&other_health);
    rate_cell_unref(&rate);
    rate_cell_unref(&same_rate);
    rate_cell_unref(&other_rate);
    gauge_cell_unref(&gauge);
    gauge_cell_unref(&same_gauge);
    budget_cell_unref(&day);
    budget_cell_unref(&same_day);
    budget_cell_unref(&month);
    cells_free(&cells);
    assert_null(cells);
    cells_free(&cells);
}

static void test_state_outlives_its_users(void **state)
{
    (void)state;
    struct cells *cells = cells_new();
    struct rate_view view;
    struct rate_cell *rate = cells_rate(cells, "key a");
    rate_cell_set(rate, 2);
    assert_true(rate_take(rate, 0, &view));
    rate_cell_unref(&rate);
    rate = cells_rate(cells, "key a");
    assert_true(rate_take(rate, 0, &view));
    assert_false(rate_take(rate, 0, &view));
    /* And a user outlives the registry. */
    cells_free(&cells);
    assert_false(rate_take(rate, 0, &view));
    rate_cell_unref(&rate);
}

static void test_many_names(void **state)
{
    (void)state;
    struct cells *cells = cells_new();
    struct gauge_cell *gauges[500];
    char name[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 500; i++) {
            snprintf(name, sizeof(name), "key %d", i);
            struct gauge_cell *gauge = cells_gauge(cells, name);
            if (round == 0)
                gauges[i] = gauge;
            assert_ptr_equal(gauge, gauges[i]);
            gauge_cell_unref(&gauge);
        }
    }
    cells_free(&cells);
}

int test_cells(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_name_same_cell),
        cmocka_unit_test(test_state_outlives_its_users),
        cmocka_unit_test(test_many_names),
    };
    return cmocka_run_group_tests_name("policy/cells", tests, NULL, NULL);
}
