/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets: money that a window of time may spend, in cells that all workers share without locks.
 *
 *   limit |------------------------------------------------------------|
 *         [ spent ............ | uncertain .. | held by requests ..|   ]
 *         '----------------- committed -----------------------'
 *
 * One atomic `committed` a window is the gate: a hold is a compare-exchange that adds to it only
 * when the sum stays within the limit, so that no interleaving overspends. `spent` and `uncertain`
 * stand beside it for display and for deciding what kind of no to say. A hold names its window;
 * ending it changes that window even when a new one has begun. Windows never go back: when the
 * clock does, the later one stays. All sums in nano-dollars. Any thread.
 */
#ifndef POLICY_BUDGET_H
#define POLICY_BUDGET_H

#include "llm/price.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum window_kind { WINDOW_DAY, WINDOW_MONTH, WINDOW_TOTAL };

/* "day", "month", "total". */
const char *window_kind_name(enum window_kind kind);

struct budget_cell;

/* The immutable part, from the configuration; lives in the snapshot, which holds a reference to the
 * cell. */
struct budget {
    const char *name;
    enum window_kind window;
    struct budget_cell *cell;
    int64_t max_hold_nusd;  /* the most one request's wish may hold */
    int refusal_status;     /* 402 or 429 */
    bool release_uncertain; /* uncertain: release */
};

/* The limit of a new cell is 0: it grants nothing that costs. */
struct budget_cell *budget_cell_new(enum window_kind kind);
struct budget_cell *budget_cell_ref(struct budget_cell *cell);
/* Accepts NULL. When the last reference goes, no hold may be open (asserted). */
void budget_cell_unref(struct budget_cell **cell);
/* Acts at once, also on the window that is open; a limit below what is committed only refuses. Not
 * negative (asserted). INT64_MAX counts as one less: a sum that reaches it is no longer known. */
void budget_cell_set_limit(struct budget_cell *cell, int64_t limit_nusd);

struct budget_view {
    int64_t window_id;
    int64_t limit_nusd;
    int64_t committed_nusd;
    int64_t spent_nusd;
    int64_t uncertain_nusd;
    int64_t held_nusd;     /* committed − spent − uncertain, never negative */
    int64_t reset_wall_ns; /* when the window ends; 0: never */
};
/* The window of wall_ns, or a later one that has begun. Begins none itself. Each sum is exact at a
 * moment of its own; committed is never seen without the spend that it holds. */
void budget_look(struct budget_cell *cell, int64_t wall_ns, struct budget_view *view);

/* What one attempt wants. No number is negative, choices is at least 1 (asserted: the parser has
 * refused others). */
struct budget_wish {
    const struct price *price;
    struct price_scope scope;
    int64_t input_tokens;      /* the bound */
    int64_t choices;           /* n */
    int64_t output_tokens;     /* a choice: the client's limit, else the model's maximum */
    int64_t min_output_tokens; /* never clamp below; taken as within 1 and output_tokens */
};

#define BUDGET_MAX_PATH 32 /* budgets over one request; config refuses more */

/* The cell is borrowed: whoever holds money keeps the snapshot whose budget it was. */
struct hold {
    struct budget_cell *cell;
    uint32_t slot; /* of the window, in the cell */
    int64_t window_id;
    bool release_uncertain;
};

/* Holds in every budget of a path, for one attempt. Ends once, by budget_settle. */
struct reservation {
    struct hold holds[BUDGET_MAX_PATH];
    size_t count;
    int64_t amount_nusd;   /* held in each; 0 with no budget */
    int64_t output_tokens; /* granted a choice: write this limit into the request */
    bool open;
};

enum budget_verdict {
    BUDGET_GRANTED,
    BUDGET_BUSY,  /* others hold the room (or, rarely, every slot for a new window): try again */
    BUDGET_SPENT, /* spend leaves less than the least this request needs */
};

/*
 * Holds the bound of the wish in every budget of the path, all or nothing. The wish is whole where
 * it fits; it is cut to the budget's max_hold, then to what spend leaves, then to what others'
 * holds leave, but never below min_output_tokens. (A request whose least form is over max_hold
 * takes its least form.) What cannot cost anything is granted whole, however little is left. With
 * an empty path it grants the wish, and needs no price; under a budget the price must be known
 * (asserted).
 *
 * *by is the budget that decided a refusal, else NULL: with BUDGET_SPENT the one with the least
 * left, with BUDGET_BUSY the one with the least free. SPENT anywhere goes before BUSY.
 */
enum budget_verdict budget_reserve(const struct budget *const *path, size_t count,
                                   const struct budget_wish *wish, int64_t wall_ns,
                                   struct reservation *out, const struct budget **by);

/* Ends the holds: `cost` becomes spent (in full, even above what was held), `uncertain` stays
 * committed where the budget keeps it, the rest is free again. cost, uncertain ≥ 0. */
void budget_settle(struct reservation *reservation, int64_t cost_nusd, int64_t uncertain_nusd);

/* The id of the calendar window around wall_ns, UTC: days or months since 1970-01, negative before;
 * total: 0. *end_wall_ns (or NULL) is the first moment after it, INT64_MAX when that is beyond;
 * total: 0. */
int64_t window_at(enum window_kind kind, int64_t wall_ns, int64_t *end_wall_ns);

#endif
