/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of the journal: what they say, and how they lie in slots of 128 bytes, little-endian.
 *
 *   0      4      8     16      24    28     29      30     32                             128
 *   | magic | crc  | seq | order | lag | kind | flags | more | body ........................ |
 *
 * `seq` counts the slots of one stream, `order` the records of all streams. `lag` is how many slots
 * before this one were not yet known to be on the disk when it was made: so a later record tells
 * what must be there (recover.h). `more` slots of kind CONTINUE follow, with the same order and the
 * rest of the text. The CRC-32C covers all that follows it.
 *
 * A hold is opened in each budget of its path by one OPEN a budget (part k of n), may grow by
 * EXTEND, and ends by one CLOSE a part. Amounts are in the budget's unit.
 */
#ifndef LEDGER_RECORD_H
#define LEDGER_RECORD_H

#include "base/id.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_SLOT      128
#define RECORD_MAX_SLOTS 32
#define RECORD_HEAD      32
#define RECORD_TEXT_MAX  (RECORD_MAX_SLOTS * (RECORD_SLOT - RECORD_HEAD) - 2)

/* On the disk: numbers are never used again. */
enum record_kind {
    RECORD_SEGMENT = 1,   /* first slot of a segment */
    RECORD_BALANCE = 2,   /* of the checkpoint at a segment's head: one budget's window */
    RECORD_PART = 3,      /* of the checkpoint: a part that is open, uncertain or resolved */
    RECORD_EPOCH = 4,     /* a process has begun: what was open is uncertain in full */
    RECORD_DEFINE = 5,    /* a budget's name and limit; again when the limit changes */
    RECORD_OPEN = 6,      /* amount held, limit in force */
    RECORD_EXTEND = 7,    /* amount added to the hold */
    RECORD_CLOSE = 8,     /* amount held in all, cost, uncertain */
    RECORD_RESOLVE = 9,   /* amount that was uncertain, cost charged of it, the rest free */
    RECORD_GRANT = 10,    /* amount granted to this node in all so far (many nodes) */
    RECORD_RECEIPT = 11,  /* struct ledger_receipt */
    RECORD_SEAL = 12,     /* nothing follows in this segment */
    RECORD_CONTINUE = 13, /* more text of the record before */
};
#define RECORD_KIND_LAST RECORD_CONTINUE

enum record_flag {
    RECORD_BOUND = 1, /* OPEN, EXTEND: the amount is a bound, so the limit must hold */
    RECORD_FIRST = 2, /* RESOLVE: of its hold; the receipt is corrected once */
};

/* One hold: an attempt of an exchange; each of its parts lies in one budget. */
struct part_key {
    struct id exchange;
    uint32_t attempt;
    uint16_t part; /* from 1 */
};

enum part_state { PART_OPEN = 1, PART_UNCERTAIN = 2, PART_RESOLVED = 3 };

enum ledger_unit { LEDGER_NUSD = 1, LEDGER_TOKENS = 2 };

#define LEDGER_NAME_MAX   1024 /* bytes of a budget's name */
#define LEDGER_WINDOW_MAX 32   /* of a window's */

/* What makes a budget itself: with another unit or window it is another budget. */
struct ledger_budget {
    uint32_t id; /* from 1; the journal gives it */
    enum ledger_unit unit;
    uint32_t window_span; /* windows that count together: 1, or the slots of a rolling one */
    const char *window;   /* "day", "24h", … */
    const char *name;     /* whatever the caller tells its budgets apart by */
};

/* First slot of a segment. */
struct segment_head {
    uint32_t stream;
    uint32_t head_slots; /* of the checkpoint, this one included; they have no seq of their own */
    uint64_t slots;      /* that the file has room for: a shorter one was cut */
    uint64_t number;     /* of the segment; rises in a stream */
    uint64_t epoch;      /* of the process that wrote it */
    int64_t birth;       /* of the journal: wall time of its first epoch; tells journals apart */
    uint64_t first_seq;  /* of the first slot after the head; all before it is on the disk */
    uint64_t known_seq;  /* all up to it was on the disk before this slot was written */
    uint64_t order;      /* the global order when it was made */
    int64_t wall_ns;     /* when it was made */
    int64_t forgot_wall_ns; /* windows that ended before are not in it; INT64_MIN: all are */
    bool control;           /* of the stream whose checkpoints have what was before the epoch */
};

/* One record in memory. Which fields count depends on the kind; the rest are 0. */
struct record {
    enum record_kind kind;
    uint8_t flags;
    uint8_t state;  /* PART: enum part_state */
    uint16_t more;  /* slots that follow */
    uint16_t parts; /* of the hold, of which key.part is one */
    uint32_t lag;
    uint64_t seq;
    uint64_t order;
    struct part_key key;
    uint32_t budget;
    int64_t window_id;
    int64_t window_end_wall_ns; /* INT64_MAX: never */
    int64_t amount;             /* BALANCE: committed */
    int64_t limit;              /* BALANCE: granted */
    int64_t cost;               /* BALANCE: spent */
    int64_t uncertain;
    int64_t wall_ns;
    struct span text; /* DEFINE, RECEIPT, SEGMENT: see below; borrowed */
};

/* Slots that the record takes: 1 + more. */
size_t record_slots(const struct record *record);
/* Writes record_slots() slots; `more` follows from the text. The text is at most RECORD_TEXT_MAX
 * bytes (asserted). */
void record_encode(const struct record *record, uint8_t *slots);

enum record_verdict {
    RECORD_GOOD,
    RECORD_EMPTY,   /* a slot of zeros: never written */
    RECORD_BAD,     /* no record, or a damaged one */
    RECORD_SHORT,   /* its continuation is not (all) there */
    RECORD_UNKNOWN, /* whole, but of a kind that this version does not know */
};

/* Reads the record at `slots`, of which `count` are there. The text of *out lies in the slots, or
 * in `room` where it takes several; RECORD_TEXT_MAX bytes. */
enum record_verdict record_decode(const uint8_t *slots, size_t count, uint8_t *room,
                                  struct record *out);

/* ---- the texts: written into `room` (RECORD_TEXT_MAX bytes), which the result borrows ---- */

struct span record_write_segment(const struct segment_head *head, uint8_t *room);
bool record_read_segment(struct span text, struct segment_head *head);

/* DEFINE: `limit` and `budget` (the id) are fields of the record too, once it is decoded. */
struct span record_write_define(const struct ledger_budget *budget, int64_t limit, uint8_t *room);
/* name and window are copied, with their NUL, to the two rooms. */
bool record_read_define(struct span text, struct ledger_budget *budget, int64_t *limit,
                        char window[LEDGER_WINDOW_MAX + 1], char name[LEDGER_NAME_MAX + 1]);

enum ledger_number {
#define LEDGER_NUMBER(name, expression) LEDGER_NUMBER_##name,
#define LEDGER_TEXT(name, expression)
#include "ledger/receipt_fields.def"
#undef LEDGER_NUMBER
#undef LEDGER_TEXT
    LEDGER_NUMBERS
};

enum ledger_text {
#define LEDGER_NUMBER(name, expression)
#define LEDGER_TEXT(name, expression) LEDGER_TEXT_##name,
#include "ledger/receipt_fields.def"
#undef LEDGER_NUMBER
#undef LEDGER_TEXT
    LEDGER_TEXTS
};

/* What the ledger keeps of a receipt (receipt_fields.def). */
struct ledger_receipt {
    struct id id;
    int64_t numbers[LEDGER_NUMBERS];
    struct span texts[LEDGER_TEXTS]; /* borrowed */
};

struct receipt;
void ledger_receipt_from(struct ledger_receipt *out, const struct receipt *receipt);

/* Texts that do not fit are cut, the last ones first. */
struct span record_write_receipt(const struct ledger_receipt *receipt, uint8_t *room);
/* Fields that an earlier version did not write are 0 and empty; those of a later one are ignored.
 * The texts borrow from `text`. */
bool record_read_receipt(struct span text, struct ledger_receipt *receipt);

#endif
