/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations against a small oracle, on a disk that crashes at any call, loses what was not
 * synced, fails syncs and is full. The oracle has its own list of what was recorded, with places
 * (stream, seq), and its own arithmetic. After each restart:
 *
 *   each stream's records are a prefix of what was recorded, at least up to what was told to be on
 *   the disk, and (the machine did not lose power) at least up to the last good flush;
 *   balances and uncertain parts are exactly those of the prefixes.
 *
 * In strict seeds holds count, and room is given back, only once they are on the disk; then no record
 * may pass a limit. LEDGER_SEED=n replays one seed; LEDGER_SEEDS=n runs so many.
 */
#include "ledger_test.h"

#include "base/log.h"
#include "ledger/audit.h"

#define BUDGETS     3
#define WINDOWS     2
#define STREAMS     2
#define HOLDS       48
#define MAX_ENTRIES 4096
#define MAX_PARTS   2
#define LIMIT       2000
#define EPOCHS      4

/* One part's record. */
struct entry {
    int stream; /* 0, 1: workers'; 2: control */
    uint64_t seq;
    enum record_kind kind;
    struct part_key key;
    int budget, window;
    int64_t amount, cost, uncertain;
};

/* What the oracle knows to be uncertain: of streams that are over. */
struct uncertain {
    struct part_key key;
    int budget, window;
    int64_t amount;
};

struct sums {
    int64_t committed, spent, uncertain;
};

/* A hold of this process. */
struct running {
    struct ledger_hold hold;
    struct ledger_part parts[MAX_PARTS];
    int stream;
    int budgets[MAX_PARTS];
    int window;
    bool used;
    uint64_t ready_seq;           /* strict: its end is on the disk from here on */
    int64_t give_back[MAX_PARTS]; /* room, when the end counts */
    bool ending;
};

struct model {
    uint64_t seed, random;
    bool strict;
    struct sim_disk *disk;
    struct journal *journal;
    struct journal_stream *streams[STREAMS + 1];
    uint32_t ids[STREAMS + 1];
    uint64_t durable[STREAMS + 1], flushed[STREAMS + 1];
    const struct ledger_budget *budgets[BUDGETS];
    int64_t room[BUDGETS][WINDOWS]; /* the cells: committed */
    struct running holds[HOLDS];
    uint64_t next_id;
    struct entry entries[MAX_ENTRIES];
    size_t entry_count;
    struct sums sums[BUDGETS][WINDOWS];
    struct uncertain uncertain[MAX_ENTRIES];
    size_t uncertain_count;
    bool
        lossy; /* power was lost, or a sync failed before a crash: what was not durable may be gone */
};

static uint64_t draw(struct model *model, uint64_t below)
{
    return sim_random(&model->random) % below;
}

#define CHECK(model, condition)                                                       \
    do {                                                                              \
        if (!(condition))                                                             \
            fail_msg("seed %llu: %s", (unsigned long long)(model)->seed, #condition); \
    } while (0)

/* ---- what is recorded ---- */

static void note(struct model *model, const struct running *running, enum record_kind kind,
                 const int64_t *amounts)
{
    const struct ledger_hold *hold = &running->hold;
    uint64_t last = journal_position(model->streams[running->stream]);
    for (uint16_t i = 0; i < hold->count; i++) {
        CHECK(model, model->entry_count < MAX_ENTRIES);
        model->entries[model->entry_count++] = (struct entry){
            .stream = running->stream,
            .seq = last - (uint64_t)(hold->count - 1 - i),
            .kind = kind,
            .key = {hold->exchange, hold->attempt, (uint16_t)(i + 1)},
            .budget = running->budgets[i],
            .window = running->window,
            .amount = amounts != NULL ? amounts[i] : hold->parts[i].amount,
            .cost = hold->parts[i].cost,
            .uncertain = hold->parts[i].uncertain,
        };
    }
}

static void flush(struct model *model, int stream)
{
    if (journal_flush(model->streams[stream]))
        model->flushed[stream] = journal_position(model->streams[stream]);
}

static bool has_room(const struct model *model, const struct running *running, int64_t amount)
{
    for (int i = 0; i < running->hold.count; i++) {
        if (model->room[running->budgets[i]][running->window] + amount > LIMIT)
            return false;
    }
    return true;
}

static void take(struct model *model, const struct running *running, int64_t amount)
{
    for (int i = 0; i < running->hold.count; i++)
        model->room[running->budgets[i]][running->window] += amount;
}

static void do_hold(struct model *model)
{
    struct running *running = &model->holds[draw(model, HOLDS)];
    int64_t amount = (int64_t)draw(model, 100);
    if (running->used)
        return;
    *running =
        (struct running){.stream = (int)draw(model, STREAMS), .window = (int)draw(model, WINDOWS)};
    running->hold = (struct ledger_hold){.exchange = {++model->next_id, model->seed},
                                         .attempt = 1,
                                         .count = (uint16_t)(1 + draw(model, MAX_PARTS)),
                                         .parts = running->parts};
    int first = (int)draw(model, BUDGETS);
    for (int i = 0; i < running->hold.count; i++) {
        running->budgets[i] = (first + i) % BUDGETS;
        running->parts[i] = (struct ledger_part){.budget = model->budgets[running->budgets[i]],
                                                 .window_id = running->window,
                                                 .window_end_wall_ns = INT64_MAX,
                                                 .limit = LIMIT,
                                                 .amount = amount,
                                                 .bound = true};
    }
    if (!has_room(model, running, amount))
        return;
    if (!journal_hold(model->streams[running->stream], &running->hold))
        return;
    running->used = true;
    take(model, running, amount);
    note(model, running, RECORD_OPEN, NULL);
    if (draw(model, 2) == 0)
        flush(model, running->stream);
}

static struct running *pick(struct model *model)
{
    struct running *running = &model->holds[draw(model, HOLDS)];
    return running->used && !running->ending ? running : NULL;
}

static void do_extend(struct model *model)
{
    struct running *running = pick(model);
    int64_t more = (int64_t)draw(model, 50);
    int64_t amounts[MAX_PARTS] = {more, more};
    if (running == NULL || !has_room(model, running, more))
        return;
    if (!journal_extend(model->streams[running->stream], &running->hold, amounts))
        return;
    take(model, running, more);
    note(model, running, RECORD_EXTEND, amounts);
}

/* Room is given back only after the end is written (strict: is on the disk). */
static void give_back_room(struct model *model)
{
    for (size_t i = 0; i < HOLDS; i++) {
        struct running *running = &model->holds[i];
        if (!running->ending)
            continue;
        uint64_t done = model->strict ? journal_durable(model->streams[running->stream])
                                      : model->flushed[running->stream];
        if (done < running->ready_seq)
            continue;
        for (int part = 0; part < running->hold.count; part++)
            model->room[running->budgets[part]][running->window] -= running->give_back[part];
        running->used = running->ending = false;
    }
}

static void do_end(struct model *model)
{
    struct running *running = pick(model);
    if (running == NULL)
        return;
    for (int i = 0; i < running->hold.count; i++) {
        struct ledger_part *part = &running->parts[i];
        part->cost = (int64_t)draw(model, (uint64_t)part->amount + 1);
        part->uncertain = draw(model, 4) == 0 ? part->amount - part->cost : 0;
        running->give_back[i] = part->amount - part->cost - part->uncertain;
    }
    journal_end(model->streams[running->stream], &running->hold);
    note(model, running, RECORD_CLOSE, NULL);
    running->ready_seq = journal_position(model->streams[running->stream]);
    running->ending = true;
    if (draw(model, 2) == 0)
        flush(model, running->stream);
}

static void do_receipt(struct model *model)
{
    static char long_text[500];
    struct ledger_receipt receipt = {.id = {++model->next_id, 0}};
    memset(long_text, 'r', sizeof(long_text));
    receipt.texts[LEDGER_TEXT_tags] = span_make(long_text, draw(model, sizeof(long_text)));
    journal_receipt(model->streams[draw(model, STREAMS)], &receipt);
}

static void do_resolve(struct model *model)
{
    if (model->uncertain_count == 0)
        return;
    size_t i = draw(model, model->uncertain_count);
    struct uncertain *found = &model->uncertain[i];
    struct books_part part = {
        .key = found->key,
        .parts = found->key.part,
        .state = PART_UNCERTAIN,
        .budget = model->budgets[found->budget]->id,
        .window_id = found->window,
        .window_end_wall_ns = INT64_MAX,
        .amount = found->amount,
    };
    int64_t cost = (int64_t)draw(model, (uint64_t)found->amount + 1);
    struct journal_stream *control = model->streams[STREAMS];
    if (journal_is_resolved(control, &part, 1))
        return;
    journal_resolve(control, &part, cost, true);
    CHECK(model, model->entry_count < MAX_ENTRIES);
    model->entries[model->entry_count++] = (struct entry){
        .stream = STREAMS,
        .seq = journal_position(control),
        .kind = RECORD_RESOLVE,
        .key = found->key,
        .budget = found->budget,
        .window = found->window,
        .amount = found->amount,
        .cost = cost,
    };
    flush(model, STREAMS);
}

static void do_sync(struct model *model)
{
    journal_sync(model->journal);
}

static void do_fault(struct model *model)
{
    switch (draw(model, 40)) {
    case 0:
        model->disk->fail_sync = model->disk->syncs + 1 + draw(model, 3);
        break;
    case 1:
        model->disk->fail_write = model->disk->calls + 1 + draw(model, 10);
        break;
    case 2:
        model->disk->capacity = model->disk->used;
        break;
    case 3:
        model->disk->capacity = 0;
        break;
    default:
        break;
    }
}

static void do_something(struct model *model)
{
    switch (draw(model, 16)) {
    case 0 ... 4:
        do_hold(model);
        break;
    case 5:
        do_extend(model);
        break;
    case 6 ... 9:
        do_end(model);
        break;
    case 10:
        do_receipt(model);
        break;
    case 11:
        flush(model, (int)draw(model, STREAMS));
        break;
    case 12:
    case 13:
        do_sync(model);
        break;
    case 14:
        do_resolve(model);
        break;
    default:
        do_fault(model);
        break;
    }
    give_back_room(model);
    for (int i = 0; i <= STREAMS; i++)
        model->durable[i] = journal_durable(model->streams[i]);
}

/* ---- the oracle ---- */

static bool same_key(const struct part_key *a, const struct part_key *b)
{
    return a->exchange.high == b->exchange.high && a->attempt == b->attempt && a->part == b->part;
}

static void forget_uncertain(struct model *model, const struct part_key *key)
{
    for (size_t i = 0; i < model->uncertain_count; i++) {
        if (same_key(&model->uncertain[i].key, key))
            model->uncertain[i--] = model->uncertain[--model->uncertain_count];
    }
}

/* What an entry comes to; an end is found for each open part, else all of it is uncertain. */
static void settle_open(struct model *model, const struct entry *open, const uint64_t *ends)
{
    struct sums *sums = &model->sums[open->budget][open->window];
    struct uncertain left = {open->key, open->budget, open->window, open->amount};
    int64_t spent = 0;
    for (size_t i = 0; i < model->entry_count; i++) {
        const struct entry *entry = &model->entries[i];
        if (entry->seq > ends[entry->stream] || !same_key(&entry->key, &open->key))
            continue;
        if (entry->kind == RECORD_EXTEND)
            left.amount += entry->amount;
        if (entry->kind == RECORD_CLOSE) {
            spent = entry->cost;
            left.amount = entry->uncertain;
        }
    }
    sums->spent += spent;
    sums->uncertain += left.amount;
    sums->committed += spent + left.amount;
    bool closed = false;
    for (size_t i = 0; i < model->entry_count; i++)
        closed |= model->entries[i].kind == RECORD_CLOSE &&
                  model->entries[i].seq <= ends[model->entries[i].stream] &&
                  same_key(&model->entries[i].key, &open->key);
    if (left.amount > 0 || !closed)
        model->uncertain[model->uncertain_count++] = left;
}

static void settle_resolve(struct model *model, const struct entry *entry)
{
    struct sums *sums = &model->sums[entry->budget][entry->window];
    sums->spent += entry->cost;
    sums->uncertain -= entry->amount;
    sums->committed += entry->cost - entry->amount;
    forget_uncertain(model, &entry->key);
}

/* The last seq of each stream that can be read, by the reader itself. */
static uint64_t read_end(struct model *model, uint32_t id)
{
    struct ledger_fault fault;
    uint64_t end = 0;
    struct cursor *cursor = cursor_open(&model->disk->io, "/state/journal", id, 1, &fault);
    const struct record *record;
    if (cursor == NULL)
        return 0;
    while (cursor_next(cursor, UINT64_MAX, &record, &fault) == CURSOR_RECORD)
        end = record->seq + record->more;
    cursor_close(&cursor);
    return end;
}

static void settle_epoch(struct model *model)
{
    uint64_t ends[STREAMS + 1];
    for (int i = 0; i <= STREAMS; i++) {
        ends[i] = model->ids[i] != 0 ? read_end(model, model->ids[i]) : 0;
        CHECK(model, ends[i] >= model->durable[i]);
        CHECK(model, model->lossy || ends[i] >= model->flushed[i]);
    }
    for (size_t i = 0; i < model->entry_count; i++) {
        const struct entry *entry = &model->entries[i];
        if (entry->seq > ends[entry->stream])
            continue;
        if (entry->kind == RECORD_OPEN)
            settle_open(model, entry, ends);
        if (entry->kind == RECORD_RESOLVE)
            settle_resolve(model, entry);
    }
    model->entry_count = 0;
}

static void check_books(struct model *model)
{
    const struct books *books = journal_recovered(model->journal);
    for (int budget = 0; budget < BUDGETS; budget++) {
        for (int window = 0; window < WINDOWS; window++) {
            const struct sums *sums = &model->sums[budget][window];
            const struct books_balance *found =
                books_balance(books, model->budgets[budget]->id, window);
            int64_t committed = found != NULL ? found->committed : 0;
            CHECK(model, committed == sums->committed);
            CHECK(model, (found != NULL ? found->spent : 0) == sums->spent);
            CHECK(model, (found != NULL ? found->uncertain : 0) == sums->uncertain);
            model->room[budget][window] = committed;
        }
    }
    CHECK(model, books_part_count(books) == model->uncertain_count);
    for (size_t i = 0; i < model->uncertain_count; i++) {
        const struct books_part *part = books_part(books, &model->uncertain[i].key);
        CHECK(model, part != NULL && part->state == PART_UNCERTAIN);
        CHECK(model, part->amount == model->uncertain[i].amount);
    }
}

/* ---- lives and deaths ---- */

static bool try_start(struct model *model)
{
    struct ledger_fault fault;
    struct journal_settings settings = {
        .io = &model->disk->io, .state_dir = "/state", .segment_bytes = 16 << 10};
    model->journal = journal_open(&settings, &fault);
    if (model->journal == NULL && !model->disk->crashed)
        fail_msg("seed %llu: %s", (unsigned long long)model->seed, fault.text);
    return model->journal != NULL;
}

static void start(struct model *model)
{
    static const char *const names[BUDGETS] = {"acme", "acme/search", "a key's"};
    /* Starting may be crashed into as well, and again. */
    if (draw(model, 4) == 0)
        model->disk->crash_at = model->disk->calls + 1 + draw(model, 12);
    while (!try_start(model)) {
        bool power = draw(model, 2) == 0;
        model->lossy |= power;
        sim_disk_restart(model->disk, power);
    }
    model->disk->crash_at = 0;
    if (model->disk->crashed) { /* after the epoch began: it is the next one's to recover */
        journal_close(&model->journal);
        sim_disk_restart(model->disk, true);
        CHECK(model, try_start(model));
    }
    settle_epoch(model);
    for (int i = 0; i < BUDGETS; i++)
        model->budgets[i] = make_budget(model->journal, names[i]);
    for (int i = 0; i < STREAMS; i++)
        model->streams[i] = open_stream(model->journal);
    model->streams[STREAMS] = journal_control(model->journal);
    for (int i = 0; i <= STREAMS; i++) {
        model->ids[i] = journal_stream_id(model->streams[i]);
        model->durable[i] = journal_durable(model->streams[i]);
        model->flushed[i] = model->durable[i];
    }
    memset(model->holds, 0, sizeof(model->holds));
    model->lossy = false;
}

static void stop(struct model *model)
{
    bool clean = draw(model, 5) == 0 && !model->disk->crashed;
    bool power = !clean && draw(model, 2) == 0;
    if (!clean)
        model->disk->crashed = true;
    else
        sim_disk_restart(model->disk, false); /* no faults any more */
    for (int i = 0; i < STREAMS; i++) {
        if (clean)
            model->durable[i] = journal_position(model->streams[i]);
        journal_stream_close(&model->streams[i]);
    }
    journal_close(&model->journal);
    /* (A sync that failed leaves in the cache what may be gone at any time; a write, not all.) */
    model->lossy = power;
    sim_disk_restart(model->disk, power);
}

static void check_proof(struct model *model)
{
    struct audit audit = {.io = &model->disk->io, .state_dir = "/state"};
    struct proof proof;
    struct ledger_fault fault;
    if (!ledger_prove(&audit, &proof, &fault))
        fail_msg("seed %llu: %s", (unsigned long long)model->seed, fault.text);
    if (model->strict && !proof.holds_good)
        fail_msg("seed %llu: %s", (unsigned long long)model->seed, proof.violation);
}

static void run_seed(struct model *model, uint64_t seed)
{
    memset(model, 0, sizeof(*model));
    model->seed = model->random = seed;
    model->strict = seed % 2 == 0;
    model->disk = sim_disk_new(seed);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        start(model);
        check_books(model);
        size_t operations = draw(model, 250);
        if (draw(model, 2) == 0)
            model->disk->crash_at = model->disk->calls + 1 + draw(model, 120);
        for (size_t i = 0; i < operations && !model->disk->crashed; i++)
            do_something(model);
        stop(model);
    }
    start(model);
    check_books(model);
    check_proof(model);
    stop(model);
    sim_disk_free(model->disk);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define SEEDS 300
#else
#define SEEDS 10000
#endif

static void any_history_comes_back_right(void **state)
{
    static struct model model;
    const char *one = getenv("LEDGER_SEED"), *many = getenv("LEDGER_SEEDS");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t count = one != NULL ? 1 : many != NULL ? strtoull(many, NULL, 10) : SEEDS;
    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++)
        run_seed(&model, seed);
    print_message("%llu seeds\n", (unsigned long long)count);
}

static int quiet(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR + 1); /* thousands of faults */
    return 0;
}

static int loud(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    return 0;
}

int test_model(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_history_comes_back_right, quiet, loud),
    };
    return cmocka_run_group_tests_name("ledger/model", tests, NULL, NULL);
}
