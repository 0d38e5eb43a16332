/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What checking a file is about: the sections fill the snapshot and leave drafts, which hold beside
 * each object the place it was written at and what only the build needs. Drafts live in the
 * snapshot's arena, since the objects within them stay. Nothing here touches a cell.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "base/list.h"
#include "base/table.h"
#include "config/load.h"
#include "config/snapshot.h"
#include "llm/catalogue.h"
#include "report.h"
#include "schema.h"

#define CHECK_STATE_DIR "./state" /* where the file does not say */

/* A credential. Its text lies in the scratch arena and is wiped when the load ends. */
struct secret {
    struct span text; /* empty: none */
    struct mark at;
    bool given;    /* also when it could not be read, which was reported */
    bool in_clear; /* written in the file itself */
};

/* Its cell is not known yet: that is the build's to take, once nothing can go wrong. */
struct draft_budget {
    struct mark at;
    struct budget budget;  /* name NULL: missing or bad */
    int release_uncertain; /* truth values: field_choice stores ints */
    int observe;
    struct mark zone_at; /* line 0: no zone was given */
    struct mark burn_at;
    int64_t max_hold_millionths; /* of the limit; -1: in dollars */
};

/* What a tenant or a key is allowed, before it has cells. */
struct draft_allowance {
    int64_t requests_per_minute; /* 0: no limit */
    int64_t tokens_per_minute;   /* 0: no limit */
    int64_t concurrent;          /* 0: no limit */
    int64_t max_input_tokens;    /* 0: no limit */
    struct draft_budget *budgets;
    size_t budget_count;
};

/* The object within it is what the snapshot points at; so in the three drafts below. */
struct draft_provider {
    struct list link;
    struct mark at;
    struct provider provider;
    struct secret api_key;
    struct span base_url;    /* without a trailing slash */
    struct span limit_field; /* empty: by the kind and the host */
    bool http2;
};

struct draft_model {
    struct list link;
    struct mark at;
    struct model model;
    struct target *targets;      /* the model's own, until the build has given them cells */
    const struct node *aliases;  /* NULL: none */
    const struct node *fallback; /* NULL: none */
    struct price_schedule price; /* the model's own; count 0: none */
    bool has_tokenizer;          /* counting is as the file says; else by the first target's name */
};

struct draft_tenant {
    struct list link;
    struct tenant tenant;
    struct draft_allowance allowance;
};

struct draft_key {
    struct list link;
    struct mark at;
    struct key key;
    struct draft_allowance allowance;
};

/* A certificate that is in use, for what there is to be warned of. In the scratch arena. */
struct draft_tls {
    struct list link;
    const char *cert; /* the file */
    const struct tls_context *context;
};

/* A time zone that some budget names. */
struct draft_zone {
    struct list link;
    const char *name;
    const struct timezone_rules *rules; /* the snapshot's arena closes it */
};

struct check {
    const struct load_settings *settings;
    struct report *report;
    struct snapshot *snapshot;
    struct arena *scratch;
    const char *directory; /* of the file, with its slash; "": the working directory */

    /* Sections that refer to each other wait until the whole file is seen. NULL: absent, or too bad
     * to say that a name is not in it. */
    const struct node *listen_node;
    const struct node *providers_node;
    const struct node *models_node;
    const struct node *tenants_node;

    struct secret admin_token;
    struct mark admin_listen_at;
    bool admin_is_loopback;
    struct tls_context *tls;     /* of addresses that do not say; NULL: none */
    bool has_catalogue;          /* `prices` has chosen one, or none */
    struct catalogue *catalogue; /* that it has chosen; NULL: none */
    struct span proxy;           /* empty: none */
    struct span ca_file;         /* empty: the system's */

    struct list providers; /* struct draft_provider, in the file's order; so are the others */
    struct list models;
    struct list tenants; /* a parent before its children */
    struct list keys;
    struct list certificates; /* struct draft_tls */
    struct list files;        /* struct draft_text */
    struct list zones;        /* struct draft_zone */
    struct list warnings;     /* struct draft_text */
    struct table providers_by_name;
    struct table tenants_by_path;
    struct table keys_by_id;
};

/* A string in a list. */
struct draft_text {
    struct list link;
    const char *text;
};

/* Borrows all it is given. check_fini() leaves the snapshot and what is in it alone. */
void check_init(struct check *check, const struct load_settings *settings,
                struct snapshot *snapshot, struct arena *scratch, struct report *report);
void check_fini(struct check *check);

/* All of it: settings, providers, models, tenants, in the order of their references. */
void check_file(struct check *check, const struct node *root);

/* Into the snapshot. */
field_reader check_admin;
/* `prices`: which catalogue. */
field_reader check_catalogue;
field_reader check_ledger;
/* `listen`, and that it and `admin` do not meet. */
void check_listen(struct check *check);
/* The sections that refer to each other, in this order. */
void check_providers(struct check *check);
void check_models(struct check *check);
void check_tenants(struct check *check);
/* Within a model. Member: struct draft_model, as a whole. */
field_reader check_targets;
field_reader check_retries;
field_reader check_fallback;
field_reader check_price;
/* Once the model is read: each target's price, and sizes that the catalogue knows. */
void check_prices(struct check *check, struct draft_model *draft);
field_reader check_tokenizer;
/* Once the model is read: how it is counted where the file does not say. */
void check_counting(struct draft_model *draft);
void check_default_retries(struct retries *retries);
/* Once all names are known: that fallbacks are models, and go in no circle. */
void check_fallbacks(struct check *check);
/* Reports a name that no model has, with the nearest of names and aliases. */
void check_refuse_model(struct check *check, const struct node *value);
/* The budgets and limits of a tenant or key. Member: struct draft_allowance. */
field_reader check_budgets;
field_reader check_limits;
/* Within a budget. Member: struct draft_budget, as a whole. */
field_reader check_timezone;
field_reader check_steps;
field_reader check_burn_rate;
/* Once the budget is read: what its burn rate and its window make of each other. */
void check_burn_window(struct check *check, const struct draft_budget *draft);

/* Member: struct secret. */
field_reader check_secret;
/* Member: int64_t, nano-dollars. */
field_reader check_usd;
/* Member: struct tls_context *, which the snapshot's arena holds; NULL: off, or bad. */
field_reader check_tls;
/* A path as given, relative to the file's directory; it is watched. NULL after reporting. */
const char *check_path(struct check *check, const struct field *field, const struct entry *entry);
/* The path of a file that is read or named, to be watched. */
void check_watch(struct check *check, const char *path);

/* "model 'gpt-4o'", cut where it is very long, for messages; into the scratch arena. */
const char *check_where(struct check *check, const char *what, struct span name);

/* `text` must live as long as the snapshot. */
static inline void check_append(struct check *check, struct list *list, const char *text)
{
    struct draft_text *item = CONFIG_NEW(&check->snapshot->arena, struct draft_text);
    item->text = text;
    list_append(list, &item->link);
}

#endif
