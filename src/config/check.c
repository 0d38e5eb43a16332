/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a check, and what all sections use. */
#include "check.h"

#include "crypto/secret.h"
#include "expand.h"
#include "value.h"

#include <string.h>

void check_init(struct check *check, const struct load_settings *settings,
                struct snapshot *snapshot, struct arena *scratch, struct report *report)
{
    *check = (struct check){.settings = settings,
                            .report = report,
                            .snapshot = snapshot,
                            .scratch = scratch,
                            .admin_is_loopback = true};
    list_init(&check->providers);
    list_init(&check->models);
    list_init(&check->tenants);
    list_init(&check->keys);
    list_init(&check->certificates);
    list_init(&check->files);
    list_init(&check->zones);
    list_init(&check->warnings);
    table_init(&check->providers_by_name);
    table_init(&check->tenants_by_path);
    table_init(&check->keys_by_id);
    const char *slash = strrchr(settings->path, '/');
    size_t len = slash != NULL ? (size_t)(slash - settings->path) + 1 : 0;
    check->directory = config_copy(scratch, span_make(settings->path, len)).ptr;
    check_watch(check, settings->path);
}

void check_fini(struct check *check)
{
    table_fini(&check->providers_by_name);
    table_fini(&check->tenants_by_path);
    table_fini(&check->keys_by_id);
    catalogue_free(&check->catalogue);
}

void check_watch(struct check *check, const char *path)
{
    LIST_FOR_EACH (link, &check->files) {
        if (strcmp(LIST_ITEM(link, struct draft_text, link)->text, path) == 0)
            return;
    }
    struct span copy = config_copy(&check->snapshot->arena, span_from_string(path));
    check_append(check, &check->files, copy.ptr);
}

const char *check_path(struct check *check, const struct field *field, const struct entry *entry)
{
    const char *given = NULL;
    struct field plain = *field;
    plain.offset = 0;
    field_string(check, &plain, entry, &given);
    if (given == NULL)
        return NULL;
    struct span path =
        arena_printf(check->scratch, "%s%s", given[0] == '/' ? "" : check->directory, given);
    ASSERT(path.ptr != NULL);
    check_watch(check, path.ptr);
    return path.ptr;
}

const char *check_where(struct check *check, const char *what, struct span name)
{
    size_t len = name.len < VALUE_NAME_MAX ? name.len : VALUE_NAME_MAX;
    struct span text = arena_printf(check->scratch, "%s '%.*s'", what, (int)len, name.ptr);
    ASSERT(text.ptr != NULL);
    return text.ptr;
}

static void wipe(void *secret)
{
    const struct span *text = secret;
    secret_wipe((char *)(uintptr_t)text->ptr, text->len);
}

/* Not sooner: an anchor may give one text to several providers. */
static void wipe_at_end(struct arena *scratch, struct span text)
{
    struct span *copy = CONFIG_NEW(scratch, struct span);
    *copy = text;
    bool kept = arena_on_end(scratch, wipe, copy);
    ASSERT(kept);
}

/* The text behind file:PATH; false after reporting. */
static bool read_secret_file(struct check *check, const struct field *field,
                             const struct node *value, const char *path, struct span *text)
{
    const char *why;
    check_watch(check, path);
    if (!secret_read(path, check->scratch, text, &why)) {
        report_add(check->report, value->at, "'%s' cannot be read from '%s': %s", field->name, path,
                   why);
        return false;
    }
    if (text->len == 0)
        report_add(check->report, value->at, "'%s' is empty in '%s'", field->name, path);
    return text->len > 0;
}

void check_secret(struct check *check, const struct field *field, const struct entry *entry,
                  void *into)
{
    struct secret *secret = (struct secret *)(void *)((char *)into + field->offset);
    struct span text;
    *secret = (struct secret){.at = entry->value->at, .given = true};
    if (!schema_text(check, entry, &text))
        return;
    const char *path = secret_path(entry->value, check->directory, check->scratch);
    if (path != NULL && !read_secret_file(check, field, entry->value, path, &text))
        return;
    if (!value_is_visible(text)) {
        report_add(check->report, secret->at,
                   "'%s' holds spaces or other characters that a header cannot carry", field->name);
        return;
    }
    wipe_at_end(check->scratch, text);
    secret->text = text;
    secret->given = text.len > 0; /* a variable that may be empty */
    secret->in_clear = text.len > 0 && !secret_is_elsewhere(entry->value);
}
