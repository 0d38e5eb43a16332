/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The order of targets: by weight, by health, and the same for the same chance. */
#include "policy/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define DRAWS 30000

static void every_target_has_one_place(void **state)
{
    (void)state;
    struct route_choice choices[ROUTE_MAX_TARGETS];
    uint64_t chance = 1;
    for (size_t count = 0; count <= ROUTE_MAX_TARGETS; count++) {
        for (size_t i = 0; i < count; i++)
            choices[i] = (struct route_choice){.weight = 1 + (int64_t)i * 100, .well = i % 3 != 0};
        size_t order[ROUTE_MAX_TARGETS];
        unsigned seen = 0;
        route_order(choices, count, route_chance(&chance), order);
        for (size_t i = 0; i < count; i++)
            seen |= 1U << order[i];
        assert_int_equal(seen, (1U << count) - 1);
    }
}

static void the_same_chance_gives_the_same_order(void **state)
{
    (void)state;
    static const struct route_choice choices[] = {{5, true}, {1, true}, {3, false}, {3, true}};
    size_t first[4], again[4], others = 0;
    route_order(choices, 4, 42, first);
    for (uint64_t chance = 0; chance < 50; chance++) {
        route_order(choices, 4, 42, again);
        assert_memory_equal(first, again, sizeof first);
        route_order(choices, 4, chance, again);
        others += memcmp(first, again, sizeof first) != 0;
    }
    assert_true(others > 0);
}

static void the_first_place_goes_by_weight(void **state)
{
    (void)state;
    static const struct route_choice choices[] = {{3, true}, {1, true}, {6, true}};
    int first[3] = {0}, second[3] = {0};
    uint64_t chance = 7;
    for (int i = 0; i < DRAWS; i++) {
        size_t order[3];
        route_order(choices, 3, route_chance(&chance), order);
        first[order[0]]++;
        second[order[1]] += order[0] == 2;
    }
    /* 3, 1 and 6 in ten, within five standard deviations. */
    assert_in_range(first[0], DRAWS * 3 / 10 - 400, DRAWS * 3 / 10 + 400);
    assert_in_range(first[1], DRAWS / 10 - 260, DRAWS / 10 + 260);
    assert_in_range(first[2], DRAWS * 6 / 10 - 425, DRAWS * 6 / 10 + 425);
    /* Where the third came first, the rest is shared as 3 to 1. */
    int rest = second[0] + second[1];
    assert_in_range(second[0], rest * 3 / 4 - 330, rest * 3 / 4 + 330);
}

static void those_that_rest_come_last(void **state)
{
    (void)state;
    static const struct route_choice choices[] = {
        {1000, false}, {1, true}, {1000, false}, {1, true}};
    int first[4] = {0}, third[4] = {0};
    uint64_t chance = 9;
    for (int i = 0; i < 1000; i++) {
        size_t order[4];
        route_order(choices, 4, route_chance(&chance), order);
        assert_true(order[0] % 2 == 1 && order[1] % 2 == 1);
        first[order[0]]++;
        third[order[2]]++;
    }
    assert_in_range(first[1], 400, 600);
    assert_in_range(third[0], 400, 600);
}

int test_route(void);
int test_route(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_target_has_one_place),
        cmocka_unit_test(the_same_chance_gives_the_same_order),
        cmocka_unit_test(the_first_place_goes_by_weight),
        cmocka_unit_test(those_that_rest_come_last),
    };
    return cmocka_run_group_tests_name("policy/route", tests, NULL, NULL);
}
