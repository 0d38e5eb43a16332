/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Where this program listens: `listen` for clients, `admin` for operators. */
#include "check.h"
#include "value.h"

#include <string.h>

#define ADDRESS_WANTED "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080"

/* ---- listen ---- */

#define DEFAULT_LISTEN "127.0.0.1:8080"

/* What one entry of `listen` says. */
struct listening {
    const struct node *address; /* NULL: none given */
    struct tls_context *tls;
};

static void read_address(struct check *check, const struct field *field, const struct entry *entry,
                         void *into)
{
    struct listening *listening = into;
    (void)check;
    (void)field;
    listening->address = entry->value;
}

/* Port 0 is another port each time. */
static bool asks_for_any_port(const char *address)
{
    return span_ends_with(span_from_string(address), SPAN(":0"));
}

/* In one spelling, so that the same one is seen twice. */
static void refuse_twice(struct check *check, struct mark at, const char *address)
{
    const struct snapshot *snapshot = check->snapshot;
    for (size_t i = 0; i < snapshot->listen_count; i++)
        if (strcmp(snapshot->listen[i].text, address) == 0 && !asks_for_any_port(address))
            report_add(check->report, at, "'listen' has the address %s twice", address);
}

/* An address, or a mapping of what else there is to say about it. */
static void add_listen(struct check *check, const struct node *node, struct listen_address *all)
{
    static const struct field fields[] = {
        {.name = "address", .read = read_address, .flags = FIELD_REQUIRED},
        {.name = "tls", .read = check_tls, .offset = offsetof(struct listening, tls)},
        {.name = NULL}};
    struct snapshot *snapshot = check->snapshot;
    bool is_map = node->type == NODE_MAP;
    struct listening listening = {.address = is_map ? NULL : node, .tls = check->tls};
    if (is_map)
        schema_map(check, node, "'listen'", fields, &listening);
    const struct node *given = listening.address;
    if (given == NULL || given->bad)
        return;
    struct listen_address address = {.tls = listening.tls};
    if (given->type == NODE_SCALAR)
        address.text = value_address(given->text, &snapshot->arena, &address.is_loopback);
    if (address.text == NULL) {
        report_add(check->report, given->at, "'%s' must be " ADDRESS_WANTED "%s",
                   is_map ? "address" : "listen", is_map ? "" : ", or a list");
        return;
    }
    refuse_twice(check, given->at, address.text);
    all[snapshot->listen_count++] = address;
}

static void add_all(struct check *check)
{
    struct snapshot *snapshot = check->snapshot;
    const struct node *value = check->listen_node;
    bool is_list = value != NULL && value->type == NODE_LIST;
    size_t count = is_list ? value->count : 1;
    struct listen_address *all = config_alloc(&snapshot->arena, count, sizeof(*all));
    snapshot->listen = all;
    if (count == 0)
        report_add(check->report, value->at, "'listen' must not be empty");
    for (const struct entry *item = is_list ? value->first : NULL; item != NULL; item = item->next)
        add_listen(check, item->value, all);
    if (!is_list && value != NULL)
        add_listen(check, value, all);
    if (value == NULL)
        all[snapshot->listen_count++] =
            (struct listen_address){.text = DEFAULT_LISTEN, .is_loopback = true, .tls = check->tls};
}

void check_listen(struct check *check)
{
    const struct snapshot *snapshot = check->snapshot;
    const char *admin = snapshot->admin_listen;
    add_all(check);
    if (admin == NULL || asks_for_any_port(admin))
        return;
    for (size_t i = 0; i < snapshot->listen_count; i++)
        if (strcmp(snapshot->listen[i].text, admin) == 0)
            report_add(check->report, check->admin_listen_at,
                       "'admin' and the gateway listen on the same address, %s", admin);
}

/* ---- admin ---- */

static void read_admin_listen(struct check *check, const struct field *field,
                              const struct entry *entry, void *into)
{
    struct span text;
    (void)field;
    (void)into;
    if (!schema_text(check, entry, &text))
        return;
    check->admin_listen_at = entry->value->at;
    const char *address = value_address(text, &check->snapshot->arena, &check->admin_is_loopback);
    if (address == NULL)
        report_add(check->report, entry->value->at, "'listen' must be " ADDRESS_WANTED);
    else
        check->snapshot->admin_listen = address;
}

/* Names under which the admin listener is reached, beside its addresses: the guard against DNS
 * rebinding compares with them. */
static void read_hosts(struct check *check, const struct field *field, const struct entry *entry,
                       void *into)
{
    (void)field;
    (void)into;
    if (!schema_is_list(check, entry))
        return;
    struct snapshot *snapshot = check->snapshot;
    const char **hosts = config_alloc(&snapshot->arena, entry->value->count, sizeof(*hosts));
    for (const struct entry *item = entry->value->first; item != NULL; item = item->next) {
        const struct node *host = item->value;
        if (host->bad)
            continue;
        if (host->type != NODE_SCALAR || host->text.len == 0 || !value_is_visible(host->text) ||
            span_find(host->text, '/') < host->text.len)
            report_add(check->report, host->at, "'hosts' must hold host names");
        else
            hosts[snapshot->admin_host_count++] = config_copy(&snapshot->arena, host->text).ptr;
    }
    snapshot->admin_hosts = hosts;
}

/* Null counts here: `admin:` with nothing below it is a listener nobody asked for. */
void check_admin(struct check *check, const struct field *field, const struct entry *entry,
                 void *into)
{
    static const struct field fields[] = {
        {.name = "listen", .read = read_admin_listen},
        {.name = "token", .read = check_secret, .offset = offsetof(struct check, admin_token)},
        {.name = "hosts", .read = read_hosts},
        {.name = NULL}};
    (void)field;
    struct snapshot *snapshot = into;
    if (node_is_null(entry->value) || node_is_off(entry->value)) {
        snapshot->admin_listen = NULL;
        return;
    }
    schema_map(check, entry->value, "'admin'", fields, check);
    if (!check->admin_is_loopback && !check->admin_token.given)
        report_add(check->report, check->admin_listen_at,
                   "'admin' listens off loopback (%s) and so needs a 'token' of yours",
                   snapshot->admin_listen);
    if (check->admin_token.text.len > 0)
        snapshot->admin_token = config_copy(&snapshot->arena, check->admin_token.text).ptr;
}
