/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `tenants`: the hierarchy that their paths spell, their keys, and what only the whole
 * file tells: keys given twice, and more budgets over a key than a request may pass.
 */
#include "check.h"
#include "suggest.h"
#include "value.h"

#include <string.h>

/* ---- models ---- */

void check_refuse_model(struct check *check, const struct node *value)
{
    struct suggestion suggestion;
    char nearest[SUGGESTION_SIZE];
    suggestion_init(&suggestion, value->text);
    size_t cursor = 0;
    const struct table_slot *slot;
    while ((slot = table_next(&check->snapshot->models_by_name, &cursor)) != NULL)
        suggestion_offer(&suggestion, slot->key);
    report_add(check->report, value->at, "unknown model '%.*s'%s", SPAN_ARG(value->raw),
               suggestion_text(&suggestion, nearest));
}

/* The model's own name: an alias allows the model whatever it is called. Empty after reporting. */
static struct span find_model(struct check *check, const struct node *value)
{
    if (value->bad)
        return SPAN_NONE;
    if (value->type != NODE_SCALAR) {
        report_add(check->report, value->at, "'models' must hold names");
        return SPAN_NONE;
    }
    const struct model *model = table_get(&check->snapshot->models_by_name, value->text);
    if (model != NULL)
        return model->name;
    if (span_find(value->text, '*') < value->text.len)
        schema_refuse_later(check, value->at, value->raw);
    else
        check_refuse_model(check, value);
    return SPAN_NONE;
}

static void read_models(struct check *check, const struct field *field, const struct entry *entry,
                        void *into)
{
    struct tenant *tenant = &((struct draft_tenant *)into)->tenant;
    (void)field;
    if (!schema_is_list(check, entry) || check->models_node == NULL)
        return;
    if (entry->value->count == 0)
        report_add(check->report, entry->value->at,
                   "'models' must not be empty; left out, it allows all");
    struct span *models =
        config_alloc(&check->snapshot->arena, entry->value->count, sizeof(*models));
    for (const struct entry *item = entry->value->first; item != NULL; item = item->next) {
        struct span name = find_model(check, item->value);
        if (name.len > 0)
            models[tenant->model_count++] = name;
    }
    tenant->models = models;
}

/* ---- keys ---- */

static void read_id(struct check *check, const struct field *field, const struct entry *entry,
                    void *into)
{
    struct draft_key *draft = into;
    struct span text;
    (void)field;
    if (!schema_text(check, entry, &text))
        return;
    if (!value_is_name(text)) {
        report_add(check->report, entry->value->at,
                   "a key's id must be 1 to 95 letters, digits or . _ - @ : +");
        return;
    }
    draft->key.id = config_copy(&check->snapshot->arena, text).ptr;
    const struct draft_key *other = table_get(&check->keys_by_id, text);
    if (other != NULL)
        report_add(check->report, entry->value->at, "the key id '%s' is already on line %zu",
                   draft->key.id, other->at.line);
    else
        table_put(&check->keys_by_id, span_from_string(draft->key.id), draft);
}

/* Two keys of one digest would be one key with two owners. */
static void read_sha256(struct check *check, const struct field *field, const struct entry *entry,
                        void *into)
{
    struct draft_key *draft = into;
    struct table *keys = &check->snapshot->keys_by_digest;
    struct span text;
    (void)field;
    if (!schema_text(check, entry, &text))
        return;
    if (!hex_parse(text, draft->key.digest, SHA256_SIZE)) {
        report_add(check->report, entry->value->at,
                   "'sha256' must be the 64 hexadecimal digits of the key's SHA-256");
        return;
    }
    struct span digest = span_make((const char *)draft->key.digest, SHA256_SIZE);
    struct key *other = table_get(keys, digest);
    if (other != NULL)
        report_add(check->report, entry->value->at, "this key is already on line %zu",
                   LIST_ITEM(other, struct draft_key, key)->at.line);
    else
        table_put(keys, digest, &draft->key);
}

static void read_expires(struct check *check, const struct field *field, const struct entry *entry,
                         void *into)
{
    struct draft_key *draft = into;
    struct span text;
    (void)field;
    if (schema_text(check, entry, &text) && !value_date(text, &draft->key.expires_wall_ns))
        report_add(check->report, entry->value->at, "'expires' must be a date such as 2027-01-31");
}

static const struct choice user_sources[] = {
    {"header", USER_FROM_HEADER}, {"body", USER_FROM_BODY}, {"none", USER_FROM_NONE}, {NULL, 0}};

static const struct field key_fields[] = {
    {.name = "id", .read = read_id, .flags = FIELD_REQUIRED},
    {.name = "sha256", .read = read_sha256, .flags = FIELD_REQUIRED},
    {.name = "budgets", .read = check_budgets, .offset = offsetof(struct draft_key, allowance)},
    {.name = "limits", .read = check_limits, .offset = offsetof(struct draft_key, allowance)},
    {.name = "expires", .read = read_expires},
    {.name = "user_from",
     .read = field_choice,
     .offset = offsetof(struct draft_key, key.user_from),
     .choices = user_sources},
    {.name = NULL}};

static void read_keys(struct check *check, const struct field *field, const struct entry *entry,
                      void *into)
{
    struct draft_tenant *tenant = into;
    (void)field;
    if (!schema_is_list(check, entry))
        return;
    for (const struct entry *item = entry->value->first; item != NULL; item = item->next) {
        struct draft_key *draft = CONFIG_NEW(&check->snapshot->arena, struct draft_key);
        draft->at = item->at;
        draft->key.id = ""; /* for messages, where the file gives none */
        draft->key.tenant = &tenant->tenant;
        list_append(&check->keys, &draft->link);
        check->snapshot->key_count++;
        schema_map(check, item->value, "a key", key_fields, draft);
    }
}

/* ---- tenants ---- */

static const struct field tenant_fields[] = {
    {.name = "models", .read = read_models},
    {.name = "limits", .read = check_limits, .offset = offsetof(struct draft_tenant, allowance)},
    {.name = "budgets", .read = check_budgets, .offset = offsetof(struct draft_tenant, allowance)},
    {.name = "keys", .read = read_keys},
    {.name = "max_input_tokens",
     .read = field_count,
     .offset = offsetof(struct draft_tenant, allowance.max_input_tokens),
     .least = 1,
     .most = 100000000,
     .example = "from 1 to 100000000"},
    {.name = "loop_guard"},
    {.name = "session"},
    {.name = "cache"},
    {.name = NULL}};

/* Appends: tenant_at() asks for parents first, so each stands before its children. */
static struct draft_tenant *new_tenant(struct check *check, struct span path,
                                       struct draft_tenant *parent)
{
    struct draft_tenant *draft = CONFIG_NEW(&check->snapshot->arena, struct draft_tenant);
    struct span copy = config_copy(&check->snapshot->arena, path);
    draft->tenant.path = copy.ptr;
    draft->tenant.parent = parent != NULL ? &parent->tenant : NULL;
    list_append(&check->tenants, &draft->link);
    table_put(&check->tenants_by_path, copy, draft);
    check->snapshot->tenant_count++;
    return draft;
}

/* The tenant of that path, made with all its parents where they are not there yet. */
static struct draft_tenant *tenant_at(struct check *check, struct span path)
{
    struct draft_tenant *tenant = NULL;
    for (size_t end = 0; end < path.len; end++) {
        end += span_find(span_from(path, end), '/');
        struct span prefix = span_make(path.ptr, end);
        struct draft_tenant *found = table_get(&check->tenants_by_path, prefix);
        tenant = found != NULL ? found : new_tenant(check, prefix, tenant);
    }
    return tenant;
}

/* A tenant of null is a tenant with nothing of its own. */
static void check_tenant(struct check *check, const struct entry *entry)
{
    if (!value_is_path(entry->key)) {
        report_add(check->report, entry->at,
                   "a tenant's path must be at most 95 letters, digits or . _ - @ : +, with single "
                   "slashes between names");
        return;
    }
    struct draft_tenant *draft = tenant_at(check, entry->key);
    if (!node_is_null(entry->value))
        schema_map(check, entry->value, check_where(check, "tenant", entry->key), tenant_fields,
                   draft);
}

/* What a request with this key passes: its own, its tenant's, and all above. */
static size_t count_budgets(const struct draft_key *key)
{
    size_t count = key->allowance.budget_count;
    for (const struct tenant *tenant = key->key.tenant; tenant != NULL; tenant = tenant->parent)
        count += LIST_ITEM(tenant, const struct draft_tenant, tenant)->allowance.budget_count;
    return count;
}

void check_tenants(struct check *check)
{
    const struct node *node = check->tenants_node;
    if (node == NULL)
        return;
    if (node->type != NODE_MAP) {
        report_add(check->report, node->at, "'tenants' must be a mapping of paths to tenants");
        return;
    }
    for (const struct entry *entry = node->first; entry != NULL; entry = entry->next)
        check_tenant(check, entry);
    /* Only now: a parent may be written below its children. */
    LIST_FOR_EACH (link, &check->keys) {
        const struct draft_key *key = LIST_ITEM(link, struct draft_key, link);
        size_t count = count_budgets(key);
        if (count > BUDGET_MAX_PATH)
            report_add(check->report, key->at, "%zu budgets lie over the key '%s'; at most %d may",
                       count, key->key.id, BUDGET_MAX_PATH);
    }
}
