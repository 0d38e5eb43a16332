/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on a few budgets, each checked against a model that is as plain as can be: no
 * ring, no atomics, prices worked out anew and the grant found by bisection. WEIR_TEST_SEED
 * replays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/budget.h"
#include "policy_support.h"

#include <string.h>

#define RUNS        40
#define OPERATIONS  2500
#define BUDGETS     4
#define MAX_WINDOWS 8 /* of one budget at a time */
#define MAX_OPEN    24

struct model_window {
    int64_t id;
    int64_t committed;
    int64_t spent;
    int64_t uncertain;
    int open;
    bool used;
};

struct model_budget {
    struct budget real;
    int64_t limit;
    struct model_window windows[MAX_WINDOWS];
    struct model_window *current; /* NULL at first */
};

struct model_hold {
    struct reservation real;
    struct model_window *windows[BUDGETS];
    bool releases[BUDGETS];
    size_t count;
};

struct world {
    uint64_t seed;
    uint64_t random;
    int operation;
    int64_t wall_ns;
    struct model_budget budgets[BUDGETS];
    struct model_hold holds[MAX_OPEN];
    int grants;
    int clamped;
    int verdicts[3];
};

#define CHECK(world, condition)                                                                 \
    do {                                                                                        \
        if (!(condition))                                                                       \
            fail_msg("WEIR_TEST_SEED=%llu operation %d: %s", (unsigned long long)(world)->seed, \
                     (world)->operation, #condition);                                           \
    } while (0)

static int64_t model_bound(const struct budget_wish *wish, int64_t tokens)
{
    const struct price *price = wish->price;
    int64_t dear = price->rates.input_pusd;
    if (price->rates.cached_input_pusd > dear)
        dear = price->rates.cached_input_pusd;
    if (price->rates.cache_write_pusd > dear)
        dear = price->rates.cache_write_pusd;
    int64_t pusd = wish->input_tokens * dear + tokens * wish->choices * price->rates.output_pusd;
    return (pusd + 999) / 1000 + price->per_request_nusd;
}

/* The window of now, opened when there is room for one more; NULL otherwise. */
static struct model_window *model_window(struct world *world, struct model_budget *budget)
{
    int64_t id = window_at(budget->real.window, world->wall_ns, NULL);
    if (budget->current != NULL && budget->current->id >= id)
        return budget->current;
    struct model_window *oldest = NULL;
    for (size_t i = 0; i < MAX_WINDOWS; i++) {
        struct model_window *window = &budget->windows[i];
        if (window == budget->current || (window->used && window->open > 0))
            continue;
        if (oldest == NULL || !window->used || (oldest->used && window->id < oldest->id))
            oldest = window;
    }
    if (oldest != NULL) {
        *oldest = (struct model_window){.id = id, .used = true};
        budget->current = oldest;
    }
    return oldest;
}

static bool fits(const struct budget_wish *wish, int64_t tokens, int64_t least, int64_t room,
                 int64_t max_hold)
{
    int64_t cost = model_bound(wish, tokens);
    return tokens <= least || (cost <= room && cost <= max_hold);
}

/* The verdict, and with BUDGET_GRANTED the tokens. */
static enum budget_verdict model_judge(struct model_budget *const *path,
                                       struct model_window *const *windows, size_t count,
                                       const struct budget_wish *wish, int64_t *tokens,
                                       const struct budget **by)
{
    int64_t least = wish->min_output_tokens > 1 ? wish->min_output_tokens : 1;
    if (least > wish->output_tokens)
        least = wish->output_tokens;
    *tokens = wish->output_tokens;
    if (model_bound(wish, *tokens) == 0)
        return BUDGET_GRANTED;
    int64_t least_left = INT64_MAX;
    int64_t least_free = INT64_MAX;
    const struct budget *spent_by = NULL;
    const struct budget *busy_by = NULL;
    int64_t need = model_bound(wish, least);
    for (size_t i = 0; i < count; i++) {
        int64_t left = path[i]->limit - windows[i]->spent - windows[i]->uncertain;
        int64_t free_nusd = path[i]->limit - windows[i]->committed;
        if (left < least_left) {
            least_left = left;
            spent_by = &path[i]->real;
        }
        if (free_nusd < least_free) {
            least_free = free_nusd;
            busy_by = &path[i]->real;
        }
    }
    *by = least_left < need ? spent_by : busy_by;
    if (least_left < need)
        return BUDGET_SPENT;
    if (least_free < need)
        return BUDGET_BUSY;
    int64_t low = least;
    int64_t high = wish->output_tokens;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        bool all = true;
        for (size_t i = 0; i < count; i++)
            all = all && fits(wish, middle, least, least_free, path[i]->real.max_hold_nusd);
        low = all ? middle : low;
        high = all ? high : middle - 1;
    }
    *tokens = low;
    return BUDGET_GRANTED;
}

static struct model_hold *find_hold(struct world *world, bool open)
{
    size_t from = (size_t)random_upto(&world->random, MAX_OPEN - 1);
    for (size_t i = 0; i < MAX_OPEN; i++) {
        struct model_hold *hold = &world->holds[(from + i) % MAX_OPEN];
        if (hold->real.open == open)
            return hold;
    }
    return NULL;
}

static void draw_wish(struct world *world, struct price *price, struct budget_wish *wish)
{
    uint64_t *random = &world->random;
    *price = (struct price){.known = true};
    if (!random_one_in(random, 12))
        *price = (struct price){.known = true,
                                .rates.input_pusd = random_upto(random, 3000),
                                .rates.cached_input_pusd = random_upto(random, 3000),
                                .rates.cache_write_pusd = random_upto(random, 4000),
                                .rates.output_pusd = random_upto(random, 9000),
                                .per_request_nusd = random_one_in(random, 3) ? 7 : 0};
    *wish = (struct budget_wish){.price = price,
                                 .input_tokens = random_upto(random, 400),
                                 .choices = 1 + random_upto(random, 2),
                                 .output_tokens = random_upto(random, 700),
                                 .min_output_tokens = random_upto(random, 120)};
}

static void do_reserve(struct world *world)
{
    struct model_hold *hold = find_hold(world, false);
    if (hold == NULL)
        return;
    struct model_budget *path[BUDGETS];
    const struct budget *real_path[BUDGETS];
    struct price price;
    struct budget_wish wish;
    int64_t tokens = 0;
    const struct budget *by;
    const struct budget *expected_by = NULL;
    enum budget_verdict expected = BUDGET_GRANTED;

    draw_wish(world, &price, &wish);
    hold->count = 0;
    for (size_t i = 0; i < BUDGETS; i++)
        if (random_one_in(&world->random, 2))
            path[hold->count++] = &world->budgets[i];
    for (size_t i = 0; i < hold->count; i++)
        real_path[i] = &path[i]->real;
    for (size_t i = 0; i < hold->count && expected == BUDGET_GRANTED; i++) {
        hold->windows[i] = model_window(world, path[i]);
        hold->releases[i] = path[i]->real.release_uncertain;
        if (hold->windows[i] == NULL) {
            expected = BUDGET_BUSY;
            expected_by = &path[i]->real;
        }
    }
    if (hold->count == 0)
        tokens = wish.output_tokens;
    else if (expected == BUDGET_GRANTED)
        expected = model_judge(path, hold->windows, hold->count, &wish, &tokens, &expected_by);

    enum budget_verdict verdict =
        budget_reserve(real_path, hold->count, &wish, world->wall_ns, &hold->real, &by);
    CHECK(world, verdict == expected);
    world->verdicts[verdict]++;
    if (verdict != BUDGET_GRANTED) {
        CHECK(world, by == expected_by);
        return;
    }
    CHECK(world, hold->real.output_tokens == tokens);
    world->clamped += tokens < wish.output_tokens;
    CHECK(world, hold->real.amount_nusd == (hold->count > 0 ? model_bound(&wish, tokens) : 0));
    for (size_t i = 0; i < hold->count; i++) {
        hold->windows[i]->committed += hold->real.amount_nusd;
        hold->windows[i]->open++;
    }
}

static void do_settle(struct world *world)
{
    struct model_hold *hold = find_hold(world, true);
    if (hold == NULL)
        return;
    int64_t amount = hold->real.amount_nusd;
    int64_t cost = random_upto(&world->random, amount);
    int64_t uncertain = 0;
    if (random_one_in(&world->random, 4))
        uncertain = random_upto(&world->random, amount - cost);
    if (random_one_in(&world->random, 50))
        cost += 40; /* a provider that breaks the bound */
    for (size_t i = 0; i < hold->count; i++) {
        struct model_window *window = hold->windows[i];
        int64_t kept = hold->releases[i] ? 0 : uncertain;
        window->committed += cost + kept - amount;
        window->spent += cost;
        window->uncertain += kept;
        window->open--;
    }
    budget_settle(&hold->real, cost, uncertain);
}

static void draw_limit(struct world *world, struct model_budget *budget)
{
    budget->limit = random_upto(&world->random, random_one_in(&world->random, 8) ? 200 : 30000);
    budget_cell_set_limit(budget->real.cell, budget->limit);
}

static void compare(struct world *world, struct model_budget *budget)
{
    struct budget_view view;
    struct model_window none = {.id = window_at(budget->real.window, world->wall_ns, NULL)};
    const struct model_window *window = budget->current;
    if (window == NULL || window->id < none.id)
        window = &none;
    budget_look(budget->real.cell, world->wall_ns, &view);
    CHECK(world, view.window_id == window->id);
    CHECK(world, view.limit_nusd == budget->limit);
    CHECK(world, view.committed_nusd == window->committed);
    CHECK(world, view.spent_nusd == window->spent);
    CHECK(world, view.uncertain_nusd == window->uncertain);
    CHECK(world, view.held_nusd == window->committed - window->spent - window->uncertain);
}

static void step(struct world *world)
{
    int64_t dice = random_upto(&world->random, 99);
    if (dice < 55)
        do_reserve(world);
    else if (dice < 82)
        do_settle(world);
    else if (dice < 85)
        draw_limit(world, &world->budgets[random_upto(&world->random, BUDGETS - 1)]);
    else if (dice < 99)
        world->wall_ns += random_upto(&world->random, DAY_NS);
    else
        world->wall_ns += random_upto(&world->random, 40 * DAY_NS) - 20 * DAY_NS;
    for (size_t i = 0; i < BUDGETS; i++)
        compare(world, &world->budgets[i]);
}

static void begin(struct world *world, uint64_t seed)
{
    static const enum window_kind kinds[BUDGETS] = {WINDOW_DAY, WINDOW_MONTH, WINDOW_TOTAL,
                                                    WINDOW_DAY};
    *world = (struct world){.seed = seed, .random = seed, .wall_ns = wall_of(2026, 1, 15)};
    for (size_t i = 0; i < BUDGETS; i++) {
        struct model_budget *budget = &world->budgets[i];
        budget->real = (struct budget){.name = "b",
                                       .window = kinds[i],
                                       .cell = budget_cell_new(kinds[i]),
                                       .max_hold_nusd = 500 + random_upto(&world->random, 15000),
                                       .release_uncertain = i % 2 == 1};
        draw_limit(world, budget);
    }
}

static void end(struct world *world)
{
    struct model_hold *hold;
    while ((hold = find_hold(world, true)) != NULL)
        do_settle(world);
    for (size_t i = 0; i < BUDGETS; i++)
        budget_cell_unref(&world->budgets[i].real.cell);
}

static void test_against_model(void **state)
{
    (void)state;
    static struct world world;
    int verdicts[3] = {0};
    int clamped = 0;
    const char *replay = getenv("WEIR_TEST_SEED");
    for (uint64_t run = 1; run <= RUNS; run++) {
        begin(&world, replay != NULL ? strtoull(replay, NULL, 10) : run * 0x9e3779b97f4a7c15);
        for (world.operation = 0; world.operation < OPERATIONS; world.operation++)
            step(&world);
        end(&world);
        for (int i = 0; i < 3; i++)
            verdicts[i] += world.verdicts[i];
        clamped += world.clamped;
    }
    /* The draws reach what they are meant to reach. */
    assert_true(verdicts[BUDGET_GRANTED] > 5000);
    assert_true(verdicts[BUDGET_BUSY] > 1000);
    assert_true(verdicts[BUDGET_SPENT] > 1000);
    assert_true(clamped > 1000);
}

int test_budget_model(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
    };
    return cmocka_run_group_tests_name("policy/budget_model", tests, NULL, NULL);
}
