/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Where this program listens: `listen` for clients, `admin` for operators. */
#include "check.h"
#include "value.h"

#include <string.h>

#define ADDRESS_WANTED "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080"

/* ---- listen ---- */

/* Of `listen: {tls: …}` nothing is known here but the name. */
static void refuse_listen_map(struct check *check, const struct node *node)
{
    static const struct field fields[] = {{.name = "tls"}, {.name = NULL}};
    size_t before = check->report->count;
    schema_map(check, node, "'listen'", fields, NULL);
    if (check->report->count == before)
        report_add(check->report, node->at, "'listen' must be " ADDRESS_WANTED ", or a list");
}

/* Port 0 is another port each time. */
static bool asks_for_any_port(const char *address)
{
    return span_ends_with(span_from_string(address), SPAN(":0"));
}

/* One address, in one spelling, so that the same one is seen twice. */
static void add_listen(struct check *check, const struct node *node, const char **addresses)
{
    struct snapshot *snapshot = check->snapshot;
    bool is_loopback;
    if (node->type == NODE_MAP) {
        refuse_listen_map(check, node);
        return;
    }
    if (node->bad)
        return;
    const char *address = node->type == NODE_SCALAR
                              ? value_address(node->text, &snapshot->arena, &is_loopback)
                              : NULL;
    if (address == NULL) {
        report_add(check->report, node->at, "'listen' must be " ADDRESS_WANTED ", or a list");
        return;
    }
    for (size_t i = 0; i < snapshot->listen_count; i++)
        if (strcmp(addresses[i], address) == 0 && !asks_for_any_port(address))
            report_add(check->report, node->at, "'listen' has the address %s twice", address);
    check->listen_is_loopback &= is_loopback;
    addresses[snapshot->listen_count++] = address;
}

void check_listen(struct check *check, const struct field *field, const struct entry *entry,
                  void *into)
{
    struct snapshot *snapshot = into;
    const struct node *value = entry->value;
    (void)field;
    bool is_list = value->type == NODE_LIST;
    if (is_list && value->count == 0)
        report_add(check->report, value->at, "'listen' must not be empty");
    const char **addresses =
        config_alloc(&snapshot->arena, is_list ? value->count : 1, sizeof(*addresses));
    snapshot->listen = addresses;
    snapshot->listen_count = 0;
    if (!is_list)
        add_listen(check, value, addresses);
    for (const struct entry *item = is_list ? value->first : NULL; item != NULL; item = item->next)
        add_listen(check, item->value, addresses);
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

void check_addresses(struct check *check)
{
    const struct snapshot *snapshot = check->snapshot;
    const char *admin = snapshot->admin_listen;
    if (admin == NULL || asks_for_any_port(admin))
        return;
    for (size_t i = 0; i < snapshot->listen_count; i++)
        if (strcmp(snapshot->listen[i], admin) == 0)
            report_add(check->report, check->admin_listen_at,
                       "'admin' and the gateway listen on the same address, %s", admin);
}
