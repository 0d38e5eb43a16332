/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tls: {cert, key, client_ca}`: files of PEM, made into a context at once, so that what is wrong with
 * them is told at its place. All are watched: a certificate is renewed by replacing its files.
 */
#include "check.h"
#include "file.h"

#include "crypto/secret.h"

#define PEM_MAX ((size_t)4 << 20) /* a bundle of authorities has some hundred KiB */

struct part {
    const char *path; /* NULL: not given, or bad */
    struct mark at;
    struct buf pem;
};

/* By enum tls_part. */
struct parts {
    struct part all[3];
};

static void read_part(struct check *check, const struct field *field, const struct entry *entry,
                      void *into)
{
    const char *why = NULL;
    struct part *part = (struct part *)(void *)((char *)into + field->offset);
    part->at = entry->value->at;
    part->path = check_path(check, field, entry);
    if (part->path == NULL)
        return;
    if (!file_read(part->path, &part->pem, &why))
        report_add(check->report, part->at, "'%s' cannot be read from '%s': %s", field->name,
                   part->path, why);
    else if (buf_len(&part->pem) == 0)
        report_add(check->report, part->at, "'%s' is empty in '%s'", field->name, part->path);
}

#define PART(NAME, INDEX, FLAGS)                                                         \
    {                                                                                    \
        .name = (NAME), .read = read_part, .offset = offsetof(struct parts, all[INDEX]), \
        .flags = (FLAGS)                                                                 \
    }
static const struct field fields[] = {PART("cert", TLS_CERT, FIELD_REQUIRED),
                                      PART("key", TLS_KEY, FIELD_REQUIRED),
                                      PART("client_ca", TLS_CLIENT_CA, 0),
                                      {.name = NULL}};

static void drop_context(void *context)
{
    struct tls_context *last = context;
    tls_context_unref(&last);
}

/* The snapshot's arena holds the reference. NULL after reporting. */
static struct tls_context *build(struct check *check, const struct parts *parts)
{
    enum tls_part bad;
    const char *why;
    struct tls_pem pem = {.cert = buf_span(&parts->all[TLS_CERT].pem),
                          .key = buf_span(&parts->all[TLS_KEY].pem),
                          .client_ca = buf_span(&parts->all[TLS_CLIENT_CA].pem)};
    struct tls_context *context = tls_context_new(&pem, &bad, &why);
    if (context == NULL) {
        const struct part *part = &parts->all[bad];
        report_add(check->report, part->at, "'%s' cannot be used: '%s' holds %s", fields[bad].name,
                   part->path, why);
        return NULL;
    }
    bool kept = arena_on_end(&check->snapshot->arena, drop_context, context);
    ASSERT(kept);
    struct draft_tls *draft = CONFIG_NEW(check->scratch, struct draft_tls);
    *draft = (struct draft_tls){.cert = parts->all[TLS_CERT].path, .context = context};
    list_append(&check->certificates, &draft->link);
    return context;
}

void check_tls(struct check *check, const struct field *field, const struct entry *entry,
               void *into)
{
    struct tls_context **out = (struct tls_context **)(void *)((char *)into + field->offset);
    struct parts parts = {0};
    *out = NULL;
    if (node_is_off(entry->value))
        return;
    for (size_t i = 0; i < 3; i++)
        buf_init(&parts.all[i].pem, PEM_MAX, 0);
    size_t before = check->report->count;
    schema_map(check, entry->value, "'tls'", fields, &parts);
    if (check->report->count == before)
        *out = build(check, &parts);
    struct buf *key = &parts.all[TLS_KEY].pem;
    if (buf_len(key) > 0)
        secret_wipe(key->data + key->start, buf_len(key));
    for (size_t i = 0; i < 3; i++)
        buf_fini(&parts.all[i].pem);
}
