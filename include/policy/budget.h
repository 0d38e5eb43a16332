/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets: money and tokens that a window of time may spend, and what a request holds of them.
 *
 *   reserve ──> extend … ──> settle
 *
 * A request holds its bound in every budget over it, all or nothing. In each cell one atomic
 * `committed` a window and unit is the gate: a hold is a compare-exchange that adds to it only when the
 * sum stays within the limit, so that no interleaving overspends. A hold names its window; ending it
 * changes that window even when a new one has begun. Any thread.
 */
#ifndef POLICY_BUDGET_H
#define POLICY_BUDGET_H

#include "base/span.h"
#include "llm/price.h"
#include "policy/budget_cell.h"

struct budget_subjects;

/* Whose spend: what a budget's `per` and `match` ask. All but the key and the model are the client's
 * word; empty: not given, which counts as "none". Borrowed. */
struct budget_facts {
    struct span key; /* the key's id */
    struct span user;
    struct span session;
    struct span model; /* that serves */
    struct span tags;  /* "feature=chat,team=search" */
};

enum budget_per { BUDGET_PER_TENANT, BUDGET_PER_KEY, BUDGET_PER_USER, BUDGET_PER_SESSION };
/* "tenant", "key", "user", "session". */
const char *budget_per_name(enum budget_per per);
/* The subject of the request under such a budget, "none" where it has none. PER_TENANT: empty. */
struct span budget_subject(enum budget_per per, const struct budget_facts *facts);

struct budget_tag {
    struct span name;
    struct span value;
};

enum budget_hold_mode {
    BUDGET_HOLD_BOUND,   /* what the request can cost at most */
    BUDGET_HOLD_TOPUP,   /* a part of a stream's output, extended while it runs */
    BUDGET_HOLD_LEARNED, /* what such requests used to cost */
};
#define BUDGET_HOLD_MODES   3
#define BUDGET_TOPUP_TOKENS 1024 /* of output: the first part of a top-up, and each one after */

/* The immutable part, from the configuration; lives in the snapshot, which holds a reference to the
 * cell or the subjects. */
struct budget {
    const char *name;
    const char *label; /* with its owner, as metrics have it: "acme/search/day", "key:batch/day" */
    struct window_rule window;
    struct budget_cell *cell;         /* PER_TENANT; else NULL */
    struct budget_subjects *subjects; /* else */
    enum budget_per per;
    int64_t max_subjects;
    struct span match_model;             /* empty: any */
    const struct budget_tag *match_tags; /* all of them */
    size_t match_tag_count;
    int64_t limit_nusd; /* BUDGET_NO_LIMIT: none; of new subjects. A cell has its own */
    int64_t limit_tokens;
    int64_t max_hold_nusd; /* the most one request's wish may hold */
    int64_t max_hold_tokens;
    enum budget_hold_mode hold;
    int64_t wait_ms;        /* for holds of others to end; 0: not at all */
    int refusal_status;     /* 402 or 429 */
    bool release_uncertain; /* uncertain: release */
    bool observe;           /* counts, and never refuses */
    struct ladder ladder;
};

/* Whether the budget is about such a request. */
bool budget_matches(const struct budget *budget, const struct budget_facts *facts);

/* The sums of the request's subject under the budget, of a window that holds wall_ns or of a later one
 * that has begun. facts NULL: of several subjects the one that has spent most. A subject that has spent
 * nothing yet gets a view of zeros. */
void budget_look(const struct budget *budget, const struct budget_facts *facts, int64_t wall_ns,
                 struct budget_view *view);
/* The same of the ladder (NULL: the highest state). With no ladder it is OPEN when all is spent, else
 * CLOSED. */
void budget_ladder_look(const struct budget *budget, const struct budget_facts *facts,
                        struct ladder_now now, struct ladder_view *view);

/* What one attempt wants. No number is negative, choices is at least 1 (asserted: the parser has
 * refused others). */
struct budget_wish {
    const struct price *price; /* may be NULL where no budget is in dollars */
    struct price_scope scope;
    int64_t input_tokens;      /* the bound */
    int64_t choices;           /* n */
    int64_t output_tokens;     /* a choice: the client's limit, else the model's maximum */
    int64_t min_output_tokens; /* never clamp below; taken as within 1 and output_tokens */
    int64_t learned_tokens;    /* a choice, for hold: learned; 0: not known, the bound is held */
    bool streams;              /* it can be topped up; else hold: topup holds the bound */
    bool patient; /* wait where `wait_ms` allows, rather than take less than is wished */
    const struct budget_waiter *waiter; /* NULL: it stands in no queue */
    const struct budget_facts *facts;
    int64_t mono_ns; /* for ladders */
};

#define BUDGET_MAX_PATH  32 /* budgets over one request; config refuses more */
#define BUDGET_MAX_PARTS (BUDGET_MAX_PATH * BUDGET_UNITS)

/* The budget is borrowed: whoever holds money keeps the snapshot whose budget it was. */
struct hold {
    const struct budget *budget;
    struct budget_cell *cell;
    struct window_slot *slot; /* of the window, in the cell */
    int64_t window_id;
    int64_t limits[BUDGET_UNITS]; /* in force; BUDGET_NO_LIMIT: nothing is held in this unit */
    int64_t amounts[BUDGET_UNITS];
    bool owns_cell; /* a subject's: with a reference */
    bool probe;     /* of a ladder that is half open */
};

/* What a budget in mode observe would have done. */
enum budget_observed {
    OBSERVED_NOTHING,
    OBSERVED_SPENT,  /* refused */
    OBSERVED_BUSY,   /* waited, then refused */
    OBSERVED_REJECT, /* refused by its ladder */
    OBSERVED_CLAMP,  /* shortened the answer */
    OBSERVED_KINDS,
};
/* "spent", "busy", "reject", "clamp". */
const char *budget_observed_name(enum budget_observed observed);

/* Holds in every budget of a path, for one attempt. Ends once, by budget_settle. */
struct reservation {
    struct hold holds[BUDGET_MAX_PATH];
    uint8_t observed[BUDGET_MAX_PATH]; /* enum budget_observed, of holds[i].budget */
    size_t count;
    int64_t amount_nusd;   /* what the request may cost at most; 0 with no budget in dollars */
    int64_t amount_tokens; /* the same in tokens */
    int64_t output_tokens; /* granted a choice: write this limit into the request */
    /* A choice, that hold: topup has held so far: extend before more is passed on. No top-up: as
     * output_tokens. */
    int64_t covered_tokens;
    bool open;
};

enum budget_verdict {
    BUDGET_GRANTED,
    BUDGET_BUSY,     /* others hold the room, or wait for it: wait, or try again later */
    BUDGET_SPENT,    /* spend leaves less than the least this request needs */
    BUDGET_REJECTED, /* the ladder refuses what costs */
    BUDGET_CROWDED,  /* a new subject, and there are max_subjects already */
};

/*
 * Holds what the wish needs in every budget of the path, all or nothing. The wish is whole where it
 * fits; it is cut to the budget's max_hold, then to what spend leaves, then to what others' holds leave,
 * but never below min_output_tokens. (A request whose least form is over max_hold takes its least form.)
 * A patient wish is BUSY instead of cut by others' holds, and does not overtake those who wait. What
 * cannot cost anything is granted whole, however little is left. With an empty path it grants the wish,
 * and needs no price; under a budget in dollars the price must be known (asserted).
 *
 * *by is the budget that decided a refusal, else NULL: with BUDGET_SPENT the one with the least
 * left, with BUDGET_BUSY the one with the least free. SPENT anywhere goes before BUSY. With BUSY
 * *busy (or NULL) is its cell, with a reference of the caller's, to wait for.
 */
enum budget_verdict budget_reserve(const struct budget *const *path, size_t count,
                                   const struct budget_wish *wish, int64_t wall_ns,
                                   struct reservation *out, const struct budget **by,
                                   struct budget_cell **busy);

/* Makes the top-up holds those of `output_tokens` a choice (at most what was granted), all or nothing,
 * each in its own window, and raises covered_tokens; false: there is no more room, and nothing changed.
 * The wish is the one that was granted. */
bool budget_extend(struct reservation *reservation, const struct budget_wish *wish,
                   int64_t output_tokens);

/* What an attempt came to. No number is negative. */
struct budget_charge {
    int64_t cost_nusd;
    int64_t uncertain_nusd; /* may have been billed beside the cost */
    int64_t tokens;
    int64_t uncertain_tokens;
    int64_t mono_ns; /* for burn rates */
};

/* Ends the holds: the cost becomes spent (in full, even above what was held), what is uncertain stays
 * committed where the budget keeps it, but no more than is left of a hold that was not the bound; the
 * rest is free again. */
void budget_settle(struct reservation *reservation, const struct budget_charge *charge);

/* One hold in one unit, as the ledger has it. */
struct budget_part {
    struct budget_cell *cell;
    enum budget_unit unit;
    int64_t window_id;
    int64_t window_end_wall_ns; /* INT64_MAX: never */
    int64_t limit;              /* in force when it was taken */
    int64_t amount;
    bool bound; /* committed ≤ limit is promised */
    int64_t cost;
    int64_t uncertain;
};
/* The parts of an open reservation, always in the same order; cost and uncertain by the charge, 0
 * without one (NULL). */
size_t budget_parts(const struct reservation *reservation, const struct budget_charge *charge,
                    struct budget_part parts[BUDGET_MAX_PARTS]);

#endif
