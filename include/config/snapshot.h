/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled configuration: immutable, counted, shared by all threads. Everything in it lives in
 * its arena; what changes (rates, gauges, budgets) are cells, to which it holds references. Workers
 * keep one reference each and hand it to exchanges; the last drop may be on any thread, so the free
 * is posted to the main thread (snapshot_on_last).
 */
#ifndef CONFIG_SNAPSHOT_H
#define CONFIG_SNAPSHOT_H

#include "base/arena.h"
#include "base/ref.h"
#include "base/table.h"
#include "llm/call.h"
#include "llm/chat_count.h"
#include "llm/price.h"
#include "llm/tokens.h"
#include "net/tls.h"
#include "policy/estimate_cell.h"
#include "policy/health.h"
#include "policy/outputs.h"
#include "policy/route.h"
#include "policy/subject.h"
#include "upstream/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum provider_kind { PROVIDER_OPENAI, PROVIDER_SIMULATED };

/* What becomes of the upstream request when its client has left. */
enum client_gone { CLIENT_GONE_CANCEL, CLIENT_GONE_DRAIN };

struct provider {
    const char *name;
    enum provider_kind kind;
    const char *base_url; /* without a trailing slash; a simulated one's is filled in at load */
    struct upstream_route *routes[CALL_KIND_COUNT]; /* POST {base_url}/chat/completions, … */
    struct span limit_field; /* of chats: "max_completion_tokens" or "max_tokens" */
    enum client_gone on_client_gone;
    struct span api_key; /* to be looked for where it must not be; wiped with the snapshot */
};

struct target {
    const struct provider *provider;
    struct span model;            /* the name the provider knows */
    int64_t weight;               /* its share of the requests, beside the other targets' */
    struct price_schedule prices; /* the model's own, else the catalogue's; count 0: no price */
    const char *priced_by;        /* an entry of the catalogue, "openai/gpt-4o"; NULL: the file */
    struct health_cell *health;
    struct estimate_cell *estimate; /* of this provider's model, whoever leads to it */
};

/* When a failed attempt is followed by another one. */
struct retries {
    int64_t attempts; /* tries in all */
    bool on_connect;  /* no connection, or no answer in time */
    bool on_429;
    bool on_5xx; /* or an answer that broke before its head */
};

/* How a model's input is counted. */
struct counting_rule {
    struct tokenizer *ranks; /* of the operator's file; NULL: the encoding's */
    enum encoding encoding;
    bool exact; /* it is the model's own, as far as anybody has told */
};

struct model {
    struct span name;
    const struct target *targets; /* at least one, at most ROUTE_MAX_TARGETS */
    size_t target_count;
    struct counting_rule counting;
    struct retries retries;
    const struct model *fallback; /* when all its tries have failed; NULL: none. No circles */
    int64_t context_window;       /* 0: unknown */
    int64_t max_output_tokens;    /* the wish where the client gives no limit */
    int64_t min_output_tokens;
    int64_t hidden_input;    /* -1: llm/model.h's figure */
    int64_t max_input_bound; /* of requests that cannot be seen into; 0: they are refused */
    int64_t loaded_wall_ns;  /* `created` in /v1/models */
};

struct timeouts {
    int64_t connect_ms;
    int64_t first_byte_ms;
    int64_t idle_ms;
    int64_t request_ms;
    int64_t head_ms;
    int64_t body_ms;
};

struct listen_address {
    const char *text; /* "127.0.0.1:8080" */
    bool is_loopback;
    struct tls_context *tls; /* NULL: plain */
};

enum ledger_durability { LEDGER_DEFAULT, LEDGER_STRICT };

/* How what is spent is kept, in state_dir. */
struct ledger_rule {
    enum ledger_durability durability;
    int64_t retention_ms; /* of receipts */
    bool must_exist;      /* a state_dir without a journal is a volume that was not mounted */
};

enum response_headers { RESPONSE_HEADERS_OWN, RESPONSE_HEADERS_OFF };

struct snapshot {
    struct ref ref;
    struct arena arena;
    uint64_t generation; /* rises by one with each load in this process */
    int64_t loaded_wall_ns;

    const struct listen_address *listen;
    size_t listen_count;      /* at least one */
    const char *admin_listen; /* NULL: no admin listener */
    const char *admin_token;  /* NULL: generated into state_dir */
    const char *const *admin_hosts;
    size_t admin_host_count;
    const char *state_dir;
    struct ledger_rule ledger;
    int workers; /* as wanted; 0: one a core */
    struct timeouts timeouts;
    int64_t max_body_bytes;
    int64_t max_connections;
    int64_t memory_bytes; /* that exchanges may hold together; new ones are refused beyond */
    int64_t drain_ms;
    const char *log_file; /* "-": standard output; NULL: off */
    enum response_headers response_headers;

    const struct provider *const *providers;
    size_t provider_count;
    const struct model *const *models; /* in the file's order */
    size_t model_count;
    const struct tenant *const *tenants;
    size_t tenant_count;
    const struct key *const *keys;
    size_t key_count;

    struct outputs *outputs; /* how long answers are, for budgets that hold what they learned */

    struct table models_by_name; /* names and aliases → struct model */
    struct table keys_by_digest; /* 32 bytes → struct key */

    const char
        *prices_file; /* the catalogue's; NULL: the one that comes with the program, or none */

    const char *const *files; /* every file read: their directories are watched */
    size_t file_count;
    const char *const *warnings; /* what is unsafe for production: a sentence each, no secret */
    size_t warning_count;

    /* Called instead of freeing, on the thread of the last drop; NULL: free right there. */
    void (*on_last)(struct snapshot *snapshot);
    void *owner; /* on_last's own */
};

struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot **address);
/* For on_last's receiver, on the main thread: drops cells and routes, frees the arena. */
void snapshot_free(struct snapshot *snapshot);

/* Whether any of its targets has a price. */
bool model_is_priced(const struct model *model);
/* NULL when absent. */
const struct model *snapshot_model(const struct snapshot *snapshot, struct span name);
/* The key whose SHA-256 this is, compared in constant time; NULL when there is none. */
const struct key *snapshot_key(const struct snapshot *snapshot, const uint8_t digest[SHA256_SIZE]);

#endif
