/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer. Made when a head has come, freed when the pipeline has ended AND the
 * connection and a counting job have let go of it, whichever is last. Pooled by its worker with its buffers.
 *
 *   client bytes -> body -> call -> request -> attempt -> events | reply -> client
 *
 * The step files each read and write the part that is theirs; who fills what is said at the fields.
 */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "config/snapshot.h"
#include "counting.h"
#include "gateway/pipeline.h"
#include "llm/call.h"
#include "llm/dialect.h"
#include "llm/receipt.h"
#include "llm/tokens.h"
#include "plan.h"
#include "policy/lease.h"
#include "upstream/attempt.h"
#include "waiting.h"
#include "wire/request_reader.h"
#include "wire/sse_reader.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct counting;
struct endpoint;
struct gateway_worker;

struct timer;

/* What an attempt costs; computed once its answer has ended, applied when it is settled. */
struct bill {
    bool made;
    struct usage usage;
    enum usage_source source;
    int64_t held_nusd; /* 0: nothing was held */
    int64_t cost_nusd;
    int64_t uncertain_nusd;
};

/* Where the answer of the attempt under way stands. */
enum answer_state {
    ANSWER_NONE,    /* no attempt yet */
    ANSWER_AWAITED, /* started, no head */
    ANSWER_BODY,    /* the head came, the body is coming */
    ANSWER_DONE,    /* it ended, well or not, or was cancelled */
    ANSWER_FAILED,  /* it was settled, and another one is to come */
};

struct exchange {
    /* kept, trimmed, while it rests in the pool */
    struct arena arena;   /* for the life of the exchange */
    struct arena scratch; /* for one event: reset after each */
    struct buf body;      /* the client's bytes */
    struct buf request;   /* the provider's bytes */
    struct buf reply;     /* a whole answer, or what is sent next of a stream */
    struct sse_reader events;
    struct token_stream output; /* output_count's; tokenizer NULL: not begun */

    /* all zero again from here on */
    struct pipeline pipeline;
    struct gateway_worker *worker;
    struct list link; /* in the worker's list of the living, or its pool */
    struct snapshot *snapshot;
    int64_t held_bytes; /* memory_gauge's */

    /* intake: the connection's side */
    struct conn *conn;               /* NULL once it was sent or is gone */
    const struct request_head *head; /* during ADMIT only */
    bool body_ended;
    enum err body_err; /* why it will never be whole */
    int64_t body_ended_ns;
    bool reply_begun; /* a first byte of the answer was handed to the connection */
    bool reply_ended;
    bool unattended; /* the client left, and the answer is read to its end for its usage */

    /* ADMIT */
    const struct endpoint *endpoint;
    const struct key *key; /* NULL: refused before it was known */
    struct lease lease;
    struct span path_tail; /* /v1/models/{id}: the id */
    int64_t begun_ns;
    int64_t begun_wall_ns;

    /* PARSE, COUNT, ROUTE */
    struct call call;
    const struct model *model; /* as asked for */
    struct counting *counting; /* the job under way; NULL: none */
    struct counted counted;
    struct plan plan;
    int64_t input_bound; /* tokens, for the target that RESERVE looks at */

    /* LIMIT */
    bool downgraded; /* by a budget's ladder: the plan begins with the fallback */

    /* RESERVE */
    bool reserving; /* an entry of the plan was taken, and waits for its money */
    struct waiting waiting;
    const struct model *serving; /* the model of the attempt: the one asked for, or a fallback */
    const struct target *target; /* its target */
    const struct price *price;   /* at the target, when the request began; NULL: none */
    bool permitted;              /* the target's health waits to hear how it went */
    int64_t output_limit;        /* a choice, as written into the request; 0: not written */
    bool clamped;                /* less than the client's own wish */

    /* FORWARD */
    int64_t forwarded_ns;  /* when the first attempt was started; 0: none was */
    struct timer *backoff; /* between two attempts; NULL until there is one */

    /* FORWARD, STREAM: the attempt and its answer. Zero again for each attempt from `facts` on */
    struct attempt *attempt;
    struct attempt_facts facts;
    enum answer_state answer;
    enum err answer_err;     /* with ANSWER_DONE */
    bool is_stream;          /* events are relayed as they come; else the answer is collected */
    bool answer_cut;         /* it ended because we cancelled it */
    bool overflowed;         /* a collected answer that is too large to be read for its usage */
    int64_t sent_ns;         /* when the attempt was started */
    int64_t first_byte_ns;   /* when the first byte of its answer went on to the client */
    struct span answer_type; /* fields of the answer that are passed on */
    struct span answer_retry_after;
    struct usage_limits usage_limits;
    struct usage reported; /* the last usage seen */
    bool has_reported;
    bool usage_final;   /* it came with the end: no more will be billed */
    bool usage_flagged; /* impossible figures came */
    bool output_begun;
    uint64_t uncounted_bytes; /* of generated text, where no tokenizer counted it */
    bool answer_finished;     /* a finish reason or the end mark was seen */
    bool answer_error;        /* an error object came */
    bool answer_read;         /* a collected answer was looked into … */
    bool answer_readable;     /* … and is one */
    bool paused;

    /* REFUSE */
    struct complaint complaint;
    const struct budget *refused_by;
    bool refused;

    /* SETTLE, RECORD */
    struct bill bill;
    bool settled;
    bool recorded;
    int status; /* sent to the client; 0: nothing was */
    struct receipt receipt;
};

/* From the worker's pool; the snapshot reference is the worker's own, taken anew. */
struct exchange *exchange_new(struct gateway_worker *worker, struct conn *conn);
/* The pipeline let go (pipeline_table's `ended`). May free the exchange. */
void exchange_ended(struct pipeline *pipeline);
/* The connection let go (everything sent, or gone). May free the exchange. */
void exchange_conn_released(struct exchange *exchange);
/* A counting job that nobody waits for any more has ended. May free the exchange. */
void exchange_counting_ended(struct exchange *exchange);

static inline struct exchange *exchange_of(struct pipeline *pipeline)
{
    return LIST_ITEM(pipeline, struct exchange, pipeline);
}

/* Frees what rests in the worker's pool. */
void exchange_pool_free(struct gateway_worker *worker);

/* Sets the outcome and what REFUSE will say; returns STEP_REFUSE, or STEP_SETTLE where no client is
 * there to hear it. `format` NULL: the error's own sentence. */
enum step exchange_refuse(struct exchange *exchange, enum err err, const char *param,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* What budgets ask of a request that this model would serve. */
struct budget_facts exchange_facts(const struct exchange *exchange, const struct model *model);

/* The steps (gateway/steps.def). */
#define STEP(name, function, after) enum step function(struct exchange *exchange);
#include "gateway/steps.def"
#undef STEP

#endif
