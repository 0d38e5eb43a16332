/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The warnings, in the order: who can listen in, who can get in, whose money is not held. None is a
 * problem: on a developer's machine each may be right. None may hold a secret, since they are
 * printed and logged.
 */
#include "warn.h"

#include "base/clock.h"
#include "value.h"
#include "wire/url.h"

#include <stdarg.h>
#include <string.h>

/* SHA-256 of "weir_quickstart", which the documentation prints. */
static const uint8_t quickstart_digest[SHA256_SIZE] = {
    0xaf, 0x52, 0xd2, 0xc6, 0x65, 0x74, 0x78, 0x23, 0x29, 0x7d, 0x84, 0x86, 0xa2, 0xde, 0x8f, 0xff,
    0x4d, 0xab, 0xb0, 0xdf, 0x13, 0x4c, 0x6c, 0x4b, 0x02, 0xdf, 0x33, 0x70, 0x22, 0xea, 0xf3, 0xa1};

#define WARNING_SIZE 512
#define CERT_SOON_NS ((int64_t)7 * 86400 * NS_PER_S)

static void warn(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warn(struct check *check, const char *format, ...)
{
    char text[WARNING_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct span copy = config_copy(&check->snapshot->arena, span_from_string(text));
    check_append(check, &check->warnings, copy.ptr);
}

/* Only TLS, or loopback, keeps secrets. */
static void warn_listeners(struct check *check)
{
    const struct snapshot *snapshot = check->snapshot;
    bool in_clear = false;
    for (size_t i = 0; i < snapshot->listen_count; i++)
        in_clear |= snapshot->listen[i].tls == NULL && !snapshot->listen[i].is_loopback;
    if (in_clear)
        warn(check, "clients off this machine are served without TLS: their keys and prompts cross "
                    "the network in clear");
    if (snapshot->admin_listen == NULL)
        return;
    if (!check->admin_is_loopback)
        warn(check,
             "the admin listener %s is off loopback and has no TLS: its token crosses the "
             "network in clear",
             snapshot->admin_listen);
    if (snapshot->admin_token == NULL)
        warn(check,
             "the admin listener has no token of yours: one is generated into %s/admin.token",
             snapshot->state_dir);
    if (check->admin_token.in_clear)
        warn(check, "the admin token is written in the file: use ${NAME} or file:PATH");
}

static void warn_certificate(struct check *check, const struct draft_tls *draft)
{
    int64_t now_ns = check->snapshot->loaded_wall_ns;
    int64_t begins_ns = tls_context_begins_wall_ns(draft->context);
    int64_t ends_ns = tls_context_ends_wall_ns(draft->context);
    char date[CLOCK_RFC3339_SIZE];
    if (ends_ns <= now_ns)
        warn(check, "the certificate in '%s' has expired (%.10s): clients will not take it",
             draft->cert, clock_rfc3339(ends_ns, date));
    else if (begins_ns > now_ns)
        warn(check, "the certificate in '%s' is not valid before %.10s", draft->cert,
             clock_rfc3339(begins_ns, date));
    else if (ends_ns - now_ns < CERT_SOON_NS)
        warn(check, "the certificate in '%s' expires soon (%.10s)", draft->cert,
             clock_rfc3339(ends_ns, date));
}

/* What goes out to a provider, and how its key is kept. */
static void warn_provider(struct check *check, const struct draft_provider *draft)
{
    const char *name = draft->provider.name;
    struct url url;
    if (draft->provider.kind == PROVIDER_SIMULATED) {
        warn(check, "provider '%s' is simulated: its answers mean nothing", name);
        return;
    }
    bool parsed = url_parse(draft->base_url, &url);
    ASSERT(parsed);
    if (span_equal(url.scheme, SPAN("http")) && !value_is_loopback(url.host))
        warn(check,
             "provider '%s' is reached over plain http: prompts%s cross the network in clear", name,
             draft->api_key.text.len > 0 ? " and your API key" : "");
    if (span_equal(url.scheme, SPAN("https")) && draft->api_key.text.len == 0)
        warn(check, "provider '%s' is used without an api_key", name);
    if (draft->api_key.in_clear)
        warn(check, "the api_key of provider '%s' is written in the file: use ${NAME} or file:PATH",
             name);
}

/* In one line for all keys where there may be thousands. */
static void warn_keys(struct check *check)
{
    const struct snapshot *snapshot = check->snapshot;
    size_t unlimited = 0;
    for (size_t i = 0; i < snapshot->key_count; i++) {
        const struct key *key = snapshot->keys[i];
        unlimited += subject_has(key, NULL, SUBJECT_HAS_MONEY) ? 0 : 1;
        if (memcmp(key->digest, quickstart_digest, SHA256_SIZE) == 0)
            warn(check, "key '%s' is the quick start's, which everybody knows", key->id);
    }
    if (snapshot->key_count == 0)
        warn(check, "there is no key: every request is refused (401)");
    if (unlimited > 0)
        warn(check, "no money budget lies over %zu of %zu keys: nothing holds their spend",
             unlimited, snapshot->key_count);
}

/* A model without a price is refused to keys under a budget, and counts as free for others. */
static void warn_unpriced(struct check *check, const struct model *model)
{
    const struct snapshot *snapshot = check->snapshot;
    const struct key *first = NULL;
    size_t refused = 0;
    size_t free_of_charge = 0;
    for (size_t i = 0; i < snapshot->key_count; i++) {
        const struct key *key = snapshot->keys[i];
        if (!subject_may_use(key, model->name))
            continue;
        if (!subject_has(key, NULL, SUBJECT_HAS_MONEY)) {
            free_of_charge++;
            continue;
        }
        first = first != NULL ? first : key;
        refused++;
    }
    if (refused > 0)
        warn(check,
             "model '%.*s' has no price: it is refused (400) to those under a money budget, %zu of "
             "%zu keys (the first: '%s', tenant '%s')",
             SPAN_ARG(model->name), refused, snapshot->key_count, first->id, first->tenant->path);
    if (free_of_charge > 0)
        warn(check,
             "model '%.*s' has no price: its spend counts as 0 for those under no budget, %zu of "
             "%zu keys",
             SPAN_ARG(model->name), free_of_charge, snapshot->key_count);
}

static void warn_targets(struct check *check, const struct model *model)
{
    for (size_t i = 0; i < model->target_count; i++)
        if (model->targets[i].prices.count == 0)
            warn(
                check,
                "target %s, %.*s of model '%.*s' has no price: it is passed over for those under a "
                "money budget, and its spend counts as 0 for others",
                model->targets[i].provider->name, SPAN_ARG(model->targets[i].model),
                SPAN_ARG(model->name));
}

void warn_all(struct check *check)
{
    warn_listeners(check);
    LIST_FOR_EACH (link, &check->certificates)
        warn_certificate(check, LIST_ITEM(link, struct draft_tls, link));
    LIST_FOR_EACH (link, &check->providers)
        warn_provider(check, LIST_ITEM(link, struct draft_provider, link));
    warn_keys(check);
    for (size_t i = 0; i < check->snapshot->model_count; i++)
        if (!model_is_priced(check->snapshot->models[i]))
            warn_unpriced(check, check->snapshot->models[i]);
        else
            warn_targets(check, check->snapshot->models[i]);
}
