/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on a few budgets, each checked against an oracle that is as plain as can be: all
 * windows there ever were in one list, no atomics, prices worked out anew and the grant found by
 * bisection. A million operations where nothing slows them down. WEIR_TEST_SEED replays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/budget.h"
#include "policy_support.h"

#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(WEIR_COVERAGE)
#define RUNS 30
#else
#define RUNS 400
#endif
#define OPERATIONS  2500
#define BUDGETS     7
#define MAX_WINDOWS 2600 /* of one budget: each operation opens one at most */
#define MAX_OPEN    24

/* ---- the oracle ---- */

struct sums_of_window {
    int64_t id;
    struct {
        int64_t committed, spent, uncertain;
    } unit[BUDGET_UNITS];
};

struct oracle {
    struct budget real;
    int64_t limits[BUDGET_UNITS];
    struct sums_of_window windows[MAX_WINDOWS];
    size_t count;
    size_t current;
};

/* The window of that time or a later one that has begun. */
static size_t oracle_window(struct oracle *oracle, int64_t wall_ns, bool open)
{
    int64_t id = window_at(&oracle->real.window, wall_ns);
    if (oracle->count > 0 && oracle->windows[oracle->current].id >= id)
        return oracle->current;
    oracle->windows[oracle->count] = (struct sums_of_window){.id = id};
    if (!open)
        return oracle->count;
    oracle->current = oracle->count++;
    return oracle->current;
}

/* What counts while window `at` is the current one. */
static struct sums_of_window oracle_sum(const struct oracle *oracle, size_t at)
{
    struct sums_of_window sum = {.id = oracle->windows[at].id};
    for (size_t i = at + 1; i-- > 0;) {
        const struct sums_of_window *window = &oracle->windows[i];
        if (window->id <= sum.id - window_span(oracle->real.window.kind))
            break;
        for (size_t u = 0; u < BUDGET_UNITS; u++) {
            sum.unit[u].committed += window->unit[u].committed;
            sum.unit[u].spent += window->unit[u].spent;
            sum.unit[u].uncertain += window->unit[u].uncertain;
        }
    }
    return sum;
}

static int64_t oracle_bound(const struct budget_wish *wish, size_t unit, int64_t tokens)
{
    const struct price_rates *rates = &wish->price->rates;
    int64_t dear = rates->input_pusd;
    if (unit == BUDGET_TOKENS)
        return wish->input_tokens + tokens * wish->choices;
    dear = rates->cached_input_pusd > dear ? rates->cached_input_pusd : dear;
    dear = rates->cache_write_pusd > dear ? rates->cache_write_pusd : dear;
    int64_t pusd = wish->input_tokens * dear + tokens * wish->choices * rates->output_pusd;
    return (pusd + 999) / 1000 + wish->price->per_request_nusd;
}

static int64_t oracle_hold(const struct budget *budget, const struct budget_wish *wish, size_t unit,
                           int64_t tokens)
{
    int64_t part = tokens;
    if (budget->hold == BUDGET_HOLD_TOPUP && wish->streams)
        part = BUDGET_TOPUP_TOKENS;
    if (budget->hold == BUDGET_HOLD_LEARNED && wish->learned_tokens > 0)
        part = wish->learned_tokens;
    return oracle_bound(wish, unit, part < tokens ? part : tokens);
}

static bool oracle_fits(struct oracle *const *path, size_t count, const struct budget_wish *wish,
                        int64_t tokens, int64_t least, bool spend_only)
{
    for (size_t i = 0; i < count; i++) {
        const struct oracle *oracle = path[i];
        struct sums_of_window sum = oracle_sum(oracle, oracle->current);
        for (size_t u = 0; u < BUDGET_UNITS; u++) {
            int64_t limit = oracle->limits[u];
            int64_t most = u == 0 ? oracle->real.max_hold_nusd : oracle->real.max_hold_tokens;
            if (oracle->real.observe || limit == BUDGET_NO_LIMIT ||
                oracle_bound(wish, u, wish->output_tokens) == 0)
                continue;
            if (oracle_bound(wish, u, tokens) > limit - sum.unit[u].spent - sum.unit[u].uncertain)
                return false;
            if (!spend_only &&
                ((tokens > least && oracle_bound(wish, u, tokens) > most) ||
                 oracle_hold(&oracle->real, wish, u, tokens) > limit - sum.unit[u].committed))
                return false;
        }
    }
    return true;
}

static enum budget_verdict oracle_judge(struct oracle *const *path, size_t count,
                                        const struct budget_wish *wish, int64_t *tokens)
{
    int64_t least = wish->min_output_tokens > 1 ? wish->min_output_tokens : 1;
    if (least > wish->output_tokens)
        least = wish->output_tokens;
    if (!oracle_fits(path, count, wish, least, least, true))
        return BUDGET_SPENT;
    if (!oracle_fits(path, count, wish, least, least, false))
        return BUDGET_BUSY;
    int64_t low = least, high = wish->output_tokens;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        bool fits = oracle_fits(path, count, wish, middle, least, false);
        low = fits ? middle : low;
        high = fits ? high : middle - 1;
    }
    *tokens = low;
    return BUDGET_GRANTED;
}

/* ---- the world ---- */

struct model_hold {
    struct reservation real;
    struct budget_wish wish;
    struct price price;
    struct oracle *path[BUDGETS];
    size_t windows[BUDGETS];
    int64_t amounts[BUDGETS][BUDGET_UNITS];
    size_t count;
};

struct world {
    uint64_t seed;
    uint64_t random;
    int operation;
    int64_t wall_ns;
    struct oracle budgets[BUDGETS];
    struct model_hold holds[MAX_OPEN];
    int clamped;
    int extended;
    int verdicts[5];
};

#define CHECK(world, condition)                                                                 \
    do {                                                                                        \
        if (!(condition))                                                                       \
            fail_msg("WEIR_TEST_SEED=%llu operation %d: %s", (unsigned long long)(world)->seed, \
                     (world)->operation, #condition);                                           \
    } while (0)

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

static void draw_wish(struct world *world, struct model_hold *hold)
{
    uint64_t *random = &world->random;
    hold->price = (struct price){.known = true};
    if (!random_one_in(random, 12))
        hold->price = (struct price){.known = true,
                                     .rates.input_pusd = random_upto(random, 3000),
                                     .rates.cached_input_pusd = random_upto(random, 3000),
                                     .rates.cache_write_pusd = random_upto(random, 4000),
                                     .rates.output_pusd =
                                         random_upto(random, random_one_in(random, 2) ? 500 : 9000),
                                     .per_request_nusd = random_one_in(random, 3) ? 7 : 0};
    hold->wish = (struct budget_wish){
        .price = &hold->price,
        .input_tokens = random_upto(random, 400),
        .choices = 1 + random_upto(random, 2),
        .output_tokens = random_upto(random, random_one_in(random, 2) ? 5000 : 700),
        .min_output_tokens = random_upto(random, 120),
        .learned_tokens = random_upto(random, 300),
        .streams = random_one_in(random, 2)};
}

static void model_take(struct world *world, struct model_hold *hold, int64_t tokens)
{
    int64_t covered = tokens;
    for (size_t i = 0; i < hold->count; i++) {
        struct oracle *oracle = hold->path[i];
        if (oracle->real.hold == BUDGET_HOLD_TOPUP && hold->wish.streams)
            covered = covered < BUDGET_TOPUP_TOKENS ? covered : BUDGET_TOPUP_TOKENS;
        for (size_t u = 0; u < BUDGET_UNITS; u++) {
            int64_t amount = oracle_hold(&oracle->real, &hold->wish, u, tokens);
            if (oracle->limits[u] == BUDGET_NO_LIMIT)
                amount = 0;
            hold->amounts[i][u] = amount;
            oracle->windows[hold->windows[i]].unit[u].committed += amount;
            CHECK(world, hold->real.holds[i].amounts[u] == amount);
        }
    }
    CHECK(world, hold->real.covered_tokens == covered);
}

static void do_reserve(struct world *world)
{
    struct model_hold *hold = find_hold(world, false);
    if (hold == NULL)
        return;
    const struct budget *real_path[BUDGETS];
    const struct budget *by;
    int64_t tokens = 0;
    draw_wish(world, hold);
    hold->count = 0;
    for (size_t i = 0; i < BUDGETS; i++)
        if (random_one_in(&world->random, 2))
            hold->path[hold->count++] = &world->budgets[i];
    for (size_t i = 0; i < hold->count; i++) {
        real_path[i] = &hold->path[i]->real;
        hold->windows[i] = oracle_window(hold->path[i], world->wall_ns, true);
    }
    enum budget_verdict expected = oracle_judge(hold->path, hold->count, &hold->wish, &tokens);
    enum budget_verdict verdict =
        budget_reserve(real_path, hold->count, &hold->wish, world->wall_ns, &hold->real, &by, NULL);
    CHECK(world, verdict == expected);
    CHECK(world, (by == NULL) == (verdict == BUDGET_GRANTED));
    world->verdicts[verdict]++;
    if (verdict != BUDGET_GRANTED)
        return;
    CHECK(world, hold->real.output_tokens == tokens);
    world->clamped += tokens < hold->wish.output_tokens;
    model_take(world, hold, tokens);
}

/* All or nothing in the windows of old; an expired slot of a rolling one grows no more. */
static void do_extend(struct world *world)
{
    struct model_hold *hold = find_hold(world, true);
    if (hold == NULL || hold->real.covered_tokens == hold->real.output_tokens)
        return;
    int64_t least = hold->real.covered_tokens;
    int64_t tokens = least + random_upto(&world->random, hold->real.output_tokens - least);
    bool fits = true;
    for (size_t i = 0; i < hold->count && tokens > least; i++) {
        const struct oracle *oracle = hold->path[i];
        size_t at = hold->windows[i];
        bool rolling = oracle->real.window.kind == WINDOW_ROLLING;
        bool counts = !rolling || oracle->windows[at].id > oracle->windows[oracle->current].id -
                                                               window_span(WINDOW_ROLLING);
        struct sums_of_window sum = oracle_sum(oracle, rolling ? oracle->current : at);
        for (size_t u = 0; u < BUDGET_UNITS; u++) {
            int64_t more = oracle_bound(&hold->wish, u, tokens) - hold->amounts[i][u];
            if (oracle->real.hold == BUDGET_HOLD_TOPUP && more > 0 && hold->amounts[i][u] > 0 &&
                !oracle->real.observe && oracle->limits[u] != BUDGET_NO_LIMIT)
                fits = fits && counts && sum.unit[u].committed + more <= oracle->limits[u];
        }
    }
    CHECK(world, budget_extend(&hold->real, &hold->wish, tokens) == fits);
    world->extended += fits;
    for (size_t i = 0; i < hold->count && fits; i++)
        for (size_t u = 0; u < BUDGET_UNITS; u++) {
            int64_t more = hold->real.holds[i].amounts[u] - hold->amounts[i][u];
            hold->path[i]->windows[hold->windows[i]].unit[u].committed += more;
            hold->amounts[i][u] += more;
        }
}

static int64_t kept(const struct budget *budget, int64_t amount, int64_t cost, int64_t uncertain)
{
    int64_t rest = amount > cost ? amount - cost : 0;
    if (budget->release_uncertain)
        return 0;
    return budget->hold == BUDGET_HOLD_BOUND || uncertain < rest ? uncertain : rest;
}

static void do_settle(struct world *world)
{
    struct model_hold *hold = find_hold(world, true);
    if (hold == NULL)
        return;
    int64_t most[] = {hold->real.amount_nusd, hold->real.amount_tokens};
    int64_t cost[BUDGET_UNITS], uncertain[BUDGET_UNITS] = {0};
    bool doubtful = random_one_in(&world->random, 4);
    for (size_t u = 0; u < BUDGET_UNITS; u++) {
        cost[u] = random_upto(&world->random, most[u]);
        if (doubtful)
            uncertain[u] = random_upto(&world->random, most[u] - cost[u]);
        if (random_one_in(&world->random, 50))
            cost[u] += 40; /* a provider that breaks the bound */
    }
    for (size_t i = 0; i < hold->count; i++)
        for (size_t u = 0; u < BUDGET_UNITS; u++) {
            struct oracle *oracle = hold->path[i];
            struct sums_of_window *window = &oracle->windows[hold->windows[i]];
            int64_t amount = hold->amounts[i][u];
            int64_t rest = kept(&oracle->real, amount, cost[u], uncertain[u]);
            if (oracle->limits[u] == BUDGET_NO_LIMIT)
                continue;
            window->unit[u].committed += cost[u] + rest - amount;
            window->unit[u].spent += cost[u];
            window->unit[u].uncertain += rest;
        }
    budget_settle(&hold->real,
                  &(struct budget_charge){.cost_nusd = cost[BUDGET_NUSD],
                                          .uncertain_nusd = uncertain[BUDGET_NUSD],
                                          .tokens = cost[BUDGET_TOKENS],
                                          .uncertain_tokens = uncertain[BUDGET_TOKENS]});
}

static void draw_limit(struct world *world, struct oracle *oracle)
{
    bool small = random_one_in(&world->random, 8);
    for (enum budget_unit u = 0; u < BUDGET_UNITS; u++) {
        if (oracle->limits[u] == BUDGET_NO_LIMIT)
            continue;
        oracle->limits[u] = random_upto(&world->random, small ? 200 : 60000);
        budget_cell_set_limit(oracle->real.cell, u, oracle->limits[u]);
    }
}

static void compare(struct world *world, struct oracle *oracle)
{
    struct budget_view view;
    size_t at = oracle_window(oracle, world->wall_ns, false);
    struct sums_of_window sum = oracle_sum(oracle, at);
    budget_look(&oracle->real, NULL, world->wall_ns, &view);
    CHECK(world, view.window_id == sum.id);
    CHECK(world, view.limit_nusd == oracle->limits[BUDGET_NUSD]);
    CHECK(world, view.committed_nusd == sum.unit[BUDGET_NUSD].committed);
    CHECK(world, view.spent_nusd == sum.unit[BUDGET_NUSD].spent);
    CHECK(world, view.uncertain_nusd == sum.unit[BUDGET_NUSD].uncertain);
    CHECK(world, view.tokens.limit == oracle->limits[BUDGET_TOKENS]);
    CHECK(world, view.tokens.committed == sum.unit[BUDGET_TOKENS].committed);
    CHECK(world, view.tokens.spent == sum.unit[BUDGET_TOKENS].spent);
    CHECK(world, view.tokens.uncertain == sum.unit[BUDGET_TOKENS].uncertain);
}

static void step(struct world *world)
{
    int64_t dice = random_upto(&world->random, 99);
    if (dice < 50)
        do_reserve(world);
    else if (dice < 77)
        do_settle(world);
    else if (dice < 84)
        do_extend(world);
    else if (dice < 87)
        draw_limit(world, &world->budgets[random_upto(&world->random, BUDGETS - 1)]);
    else if (dice < 98)
        world->wall_ns += random_upto(&world->random, DAY_NS / 2);
    else if (dice < 99)
        world->wall_ns += random_upto(&world->random, 40 * DAY_NS) - 20 * DAY_NS;
    else
        world->wall_ns += random_upto(&world->random, 300 * DAY_NS);
    compare(world, &world->budgets[random_upto(&world->random, BUDGETS - 1)]);
}

static void begin(struct world *world, uint64_t seed)
{
    static const struct {
        struct window_rule window;
        enum budget_hold_mode hold;
        bool observe;
        bool tokens;
        bool no_usd;
    } kinds[BUDGETS] = {
        {.window.kind = WINDOW_DAY},
        {.window.kind = WINDOW_MONTH, .hold = BUDGET_HOLD_TOPUP, .tokens = true},
        {.window.kind = WINDOW_TOTAL, .hold = BUDGET_HOLD_LEARNED},
        {.window = {.kind = WINDOW_ROLLING, .period_ns = 5 * DAY_NS}, .tokens = true},
        {.window = {.kind = WINDOW_ROLLING, .period_ns = 30 * DAY_NS}, .hold = BUDGET_HOLD_TOPUP},
        {.window.kind = WINDOW_HOUR, .observe = true, .tokens = true},
        {.window.kind = WINDOW_WEEK, .tokens = true, .no_usd = true}};
    memset(world, 0, sizeof(*world));
    world->seed = world->random = seed;
    world->wall_ns = wall_of(2026, 1, 15);
    for (size_t i = 0; i < BUDGETS; i++) {
        struct oracle *oracle = &world->budgets[i];
        oracle->real = (struct budget){.name = "b",
                                       .window = kinds[i].window,
                                       .hold = kinds[i].hold,
                                       .observe = kinds[i].observe,
                                       .max_hold_nusd = 500 + random_upto(&world->random, 15000),
                                       .max_hold_tokens = 500 + random_upto(&world->random, 9000),
                                       .release_uncertain = i % 2 == 1};
        oracle->real.cell = budget_cell_new("b", &kinds[i].window);
        oracle->limits[BUDGET_NUSD] = kinds[i].no_usd ? BUDGET_NO_LIMIT : 0;
        oracle->limits[BUDGET_TOKENS] = kinds[i].tokens ? 0 : BUDGET_NO_LIMIT;
        if (kinds[i].no_usd)
            budget_cell_set_limit(oracle->real.cell, BUDGET_NUSD, BUDGET_NO_LIMIT);
        draw_limit(world, oracle);
    }
}

static void end(struct world *world)
{
    while (find_hold(world, true) != NULL)
        do_settle(world);
    for (size_t i = 0; i < BUDGETS; i++)
        budget_cell_unref(&world->budgets[i].real.cell);
}

static void test_against_model(void **state)
{
    (void)state;
    static struct world world;
    int verdicts[5] = {0};
    int clamped = 0, extended = 0;
    const char *replay = getenv("WEIR_TEST_SEED");
    uint64_t first = replay != NULL ? strtoull(replay, NULL, 10) : 0x9e3779b97f4a7c15;
    print_message("%d operations from seed %llu\n", RUNS * OPERATIONS, (unsigned long long)first);
    for (uint64_t run = 0; run < RUNS; run++) {
        begin(&world, first + run * 0x9e3779b97f4a7c15);
        for (world.operation = 0; world.operation < OPERATIONS; world.operation++)
            step(&world);
        end(&world);
        for (int i = 0; i < 5; i++)
            verdicts[i] += world.verdicts[i];
        clamped += world.clamped;
        extended += world.extended;
    }
    /* The draws reach what they are meant to reach. */
    assert_true(verdicts[BUDGET_GRANTED] > 5000);
    assert_true(verdicts[BUDGET_BUSY] > 1000);
    assert_true(verdicts[BUDGET_SPENT] > 1000);
    assert_true(clamped > 1000);
    assert_true(extended > 3 * RUNS);
}

int test_budget_model(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
    };
    return cmocka_run_group_tests_name("policy/budget_model", tests, NULL, NULL);
}
