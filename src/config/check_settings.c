/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The sections that are about this program: addresses, limits of the process, the log. */
#include "check.h"
#include "value.h"
#include "wire/url.h"

#include <string.h>
#include <unistd.h>

/* ---- egress ---- */

/* A proxy's URL may hold a user and a password. They are for curl: here they are left out. */
static bool is_proxy_url(struct check *check, struct span text)
{
    struct url url;
    size_t start = span_search(text, SPAN("://")) + strlen("://");
    struct span rest = span_from(text, start);
    size_t at = span_find(rest, '@');
    if (at == rest.len)
        return url_parse(text, &url) && url.path.len == 0;
    struct span host = span_from(rest, at + 1);
    struct span plain =
        arena_printf(check->scratch, "%.*s%.*s", (int)start, text.ptr, SPAN_ARG(host));
    return url_parse(plain, &url) && url.path.len == 0;
}

static void read_proxy(struct check *check, const struct field *field, const struct entry *entry,
                       void *into)
{
    struct span text;
    (void)field;
    (void)into;
    if (node_is_off(entry->value) || !schema_text(check, entry, &text))
        return;
    if (!is_proxy_url(check, text))
        report_add(check->report, entry->value->at,
                   "'proxy' must be a URL such as http://proxy:3128");
    else
        check->proxy = text;
}

/* Checked for being there: curl would notice only at the first request. */
static void read_ca_file(struct check *check, const struct field *field, const struct entry *entry,
                         void *into)
{
    const char *path = check_path(check, field, entry);
    (void)into;
    if (path == NULL)
        return;
    check->ca_file = span_from_string(path);
    if (access(path, R_OK) != 0)
        report_add(check->report, entry->value->at, "'ca_file' cannot be read: '%s'", path);
}

/* How this program reaches providers. Into the check: only the routes need it. */
static void read_egress(struct check *check, const struct field *field, const struct entry *entry,
                        void *into)
{
    static const struct field fields[] = {{.name = "proxy", .read = read_proxy},
                                          {.name = "ca_file", .read = read_ca_file},
                                          {.name = NULL}};
    (void)field;
    schema_map(check, entry->value, "'egress'", fields, into);
}

/* ---- log ---- */

/* Null is a value: no access log. */
static void read_log_file(struct check *check, const struct field *field, const struct entry *entry,
                          void *into)
{
    struct snapshot *snapshot = into;
    if (node_is_null(entry->value) || node_is_off(entry->value))
        snapshot->log_file = NULL;
    else
        field_string(check, field, entry, into);
}

/* `log: off` is short for no file. */
static void read_log(struct check *check, const struct field *field, const struct entry *entry,
                     void *into)
{
    static const struct choice formats[] = {{"json", 0}, {NULL, 0}};
    static const struct choice contents[] = {
        {"off", 0}, {"redacted", CHOICE_LATER}, {"full", CHOICE_LATER}, {NULL, 0}};
    static const struct field fields[] = {
        {.name = "file",
         .read = read_log_file,
         .flags = FIELD_TAKES_NULL,
         .offset = offsetof(struct snapshot, log_file)},
        {.name = "format", .read = field_fixed, .choices = formats},
        {.name = "content", .read = field_fixed, .choices = contents},
        {.name = NULL}};
    struct snapshot *snapshot = into;
    (void)field;
    if (node_is_off(entry->value))
        snapshot->log_file = NULL;
    else
        schema_map(check, entry->value, "'log'", fields, into);
}

/* ---- the rest ---- */

#define DURATION_MAX ((int64_t)24 * 3600 * 1000)
#define RETENTION_MS (400 * DURATION_MAX)
#define TIMEOUT(NAME)                                                                          \
    {                                                                                          \
        .name = #NAME, .read = field_duration, .offset = offsetof(struct timeouts, NAME##_ms), \
        .least = 1, .most = DURATION_MAX, .example = "from 1ms to 24h"                         \
    }

static void read_timeouts(struct check *check, const struct field *field, const struct entry *entry,
                          void *into)
{
    static const struct field fields[] = {TIMEOUT(connect), TIMEOUT(first_byte), TIMEOUT(idle),
                                          TIMEOUT(request), TIMEOUT(head),       TIMEOUT(body),
                                          {.name = NULL}};
    struct snapshot *snapshot = into;
    (void)field;
    schema_map(check, entry->value, "'timeouts'", fields, &snapshot->timeouts);
}

/* The snapshot holds an int; the range makes it fit. */
static void read_workers(struct check *check, const struct field *field, const struct entry *entry,
                         void *into)
{
    struct snapshot *snapshot = into;
    int64_t workers = snapshot->workers;
    field_count(check, field, entry, &workers);
    snapshot->workers = (int)workers;
}

/* What refers to other names is looked into when they are known: see check_file. */
static void read_listen(struct check *check, const struct field *field, const struct entry *entry,
                        void *into)
{
    (void)field;
    (void)into;
    check->listen_node = entry->value;
}

static void read_tls(struct check *check, const struct field *field, const struct entry *entry,
                     void *into)
{
    (void)into;
    check_tls(check, field, entry, &check->tls);
}

static void read_providers(struct check *check, const struct field *field,
                           const struct entry *entry, void *into)
{
    (void)field;
    (void)into;
    check->providers_node = entry->value;
}

static void read_models(struct check *check, const struct field *field, const struct entry *entry,
                        void *into)
{
    (void)field;
    (void)into;
    check->models_node = entry->value;
}

static void read_tenants(struct check *check, const struct field *field, const struct entry *entry,
                         void *into)
{
    (void)field;
    (void)into;
    check->tenants_node = entry->value;
}

static const struct choice response_headers[] = {{"own", RESPONSE_HEADERS_OWN},
                                                 {"off", RESPONSE_HEADERS_OFF},
                                                 {"full", CHOICE_LATER},
                                                 {NULL, 0}};

/* The whole file. Names without a reader are those of the interface that are still to come. */
static const struct field top_fields[] = {
    {.name = "listen", .read = read_listen},
    {.name = "tls", .read = read_tls},
    {.name = "admin", .read = check_admin, .flags = FIELD_TAKES_NULL},
    {.name = "state_dir", .read = field_string, .offset = offsetof(struct snapshot, state_dir)},
    {.name = "workers", .read = read_workers, .most = 256, .example = "from 0 to 256"},
    {.name = "timeouts", .read = read_timeouts},
    {.name = "max_body",
     .read = field_size,
     .offset = offsetof(struct snapshot, max_body_bytes),
     .least = 1 << 10,
     .most = 1 << 30,
     .example = "from 1KiB to 1GiB"},
    {.name = "max_connections",
     .read = field_count,
     .offset = offsetof(struct snapshot, max_connections),
     .least = 1,
     .most = 1000000,
     .example = "from 1 to 1000000"},
    {.name = "memory",
     .read = field_size,
     .offset = offsetof(struct snapshot, memory_bytes),
     .least = 1 << 20,
     .most = 1LL << 40,
     .example = "from 1MiB to 1024GiB"},
    {.name = "drain",
     .read = field_duration,
     .offset = offsetof(struct snapshot, drain_ms),
     .least = 1,
     .most = DURATION_MAX,
     .example = "from 1ms to 24h"},
    {.name = "egress", .read = read_egress},
    {.name = "log", .read = read_log},
    {.name = "response_headers",
     .read = field_choice,
     .offset = offsetof(struct snapshot, response_headers),
     .choices = response_headers},
    {.name = "providers", .read = read_providers, .flags = FIELD_REQUIRED},
    {.name = "models", .read = read_models, .flags = FIELD_REQUIRED},
    {.name = "tenants", .read = read_tenants, .flags = FIELD_REQUIRED},
    {.name = "prices", .read = check_catalogue},
    {.name = "include"},
    {.name = "cache"},
    {.name = "store"},
    {.name = "ledger", .read = check_ledger},
    {.name = "alerts"},
    {.name = "telemetry"},
    {.name = NULL}};

/* Those of docs/configuration.md. */
static void set_defaults(struct snapshot *snapshot)
{
    snapshot->admin_listen = "127.0.0.1:9090";
    snapshot->state_dir = CHECK_STATE_DIR;
    snapshot->timeouts = (struct timeouts){.connect_ms = 5000,
                                           .first_byte_ms = 120000,
                                           .idle_ms = 60000,
                                           .request_ms = 600000,
                                           .head_ms = 10000,
                                           .body_ms = 15000};
    snapshot->max_body_bytes = 32 << 20;
    snapshot->max_connections = 20000;
    snapshot->memory_bytes = 1 << 30;
    snapshot->drain_ms = 30000;
    snapshot->ledger.retention_ms = RETENTION_MS;
    snapshot->log_file = "-";
}

void check_file(struct check *check, const struct node *root)
{
    set_defaults(check->snapshot);
    schema_map(check, root, "", top_fields, check->snapshot);
    check_listen(check);
    check_providers(check);
    check_models(check);
    check_tenants(check);
}
