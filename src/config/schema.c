/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driving a table of names over a mapping, and the readers that several sections share. Checking
 * goes on after each problem; what depends on a bad value is passed over, so that one mistake gives
 * one message.
 */
#include "schema.h"

#include "check.h"
#include "suggest.h"
#include "value.h"

#include <string.h>

void schema_refuse_later(struct check *check, struct mark at, struct span name)
{
    report_add(check->report, at, "'%.*s' is not supported by this version of Weir",
               SPAN_ARG(name));
}

/* A name with a star stands for a family of which the members are not listed. */
static bool field_matches(const struct field *field, struct span key)
{
    struct span name = span_from_string(field->name);
    if (span_ends_with(name, SPAN("*")))
        return span_starts_with(key, span_make(name.ptr, name.len - 1));
    return span_equal(key, name);
}

/* NULL when the table has no such name. */
static const struct field *find_field(const struct field *fields, struct span key)
{
    for (; fields->name != NULL; fields++)
        if (field_matches(fields, key))
            return fields;
    return NULL;
}

/* Names of later versions are offered too: better to learn that than to guess on. */
static void refuse_unknown(struct check *check, const struct entry *entry, const char *where,
                           const struct field *fields)
{
    struct suggestion suggestion;
    char nearest[SUGGESTION_SIZE];
    suggestion_init(&suggestion, entry->key);
    for (; fields->name != NULL; fields++)
        suggestion_offer(&suggestion, span_from_string(fields->name));
    report_add(check->report, entry->at, "unknown key '%.*s'%s%s%s", SPAN_ARG(entry->key),
               where[0] != '\0' ? " in " : "", where, suggestion_text(&suggestion, nearest));
}

/* Files made by tools spell everything out, and "no cache" is something we can do. */
static bool asks_for_nothing(const struct node *value)
{
    return node_is_null(value) || node_is_off(value) ||
           (value->type != NODE_SCALAR && value->count == 0);
}

/* False when the entry is not one of this version's names. */
static bool read_entry(struct check *check, const struct entry *entry, const char *where,
                       const struct field *fields, void *into)
{
    const struct field *field = find_field(fields, entry->key);
    if (field == NULL) {
        refuse_unknown(check, entry, where, fields);
        return false;
    }
    if (field->read == NULL) {
        if (asks_for_nothing(entry->value))
            return true;
        schema_refuse_later(check, entry->at, entry->key);
        return false;
    }
    if (!node_is_null(entry->value) || (field->flags & FIELD_TAKES_NULL) != 0)
        field->read(check, field, entry, into);
    return true;
}

/* A null value is as good as none. */
static void find_missing(struct check *check, const struct node *node, const char *where,
                         const struct field *fields)
{
    for (; fields->name != NULL; fields++) {
        if ((fields->flags & FIELD_REQUIRED) == 0)
            continue;
        const struct node *value = node_get(node, fields->name);
        if (value == NULL || node_is_null(value))
            report_add(check->report, node->at, "'%s' is missing%s%s", fields->name,
                       where[0] != '\0' ? " in " : "", where);
    }
}

void schema_map(struct check *check, const struct node *node, const char *where,
                const struct field *fields, void *into)
{
    if (node->type != NODE_MAP) {
        if (!node->bad)
            report_add(check->report, node->at, "%s must be a mapping of names to values",
                       where[0] != '\0' ? where : "the file");
        return;
    }
    bool all_known = true;
    for (const struct entry *entry = node->first; entry != NULL; entry = entry->next)
        all_known &= read_entry(check, entry, where, fields, into);
    /* A misspelt or newer name may be what was meant for a missing one. */
    if (all_known)
        find_missing(check, node, where, fields);
}

bool schema_text(struct check *check, const struct entry *entry, struct span *text)
{
    const struct node *value = entry->value;
    if (value->type != NODE_SCALAR)
        report_add(check->report, value->at, "'%.*s' must be a single value", SPAN_ARG(entry->key));
    if (value->type != NODE_SCALAR || value->bad)
        return false;
    *text = value->text;
    return true;
}

bool schema_is_list(struct check *check, const struct entry *entry)
{
    if (entry->value->type == NODE_LIST)
        return true;
    if (!entry->value->bad)
        report_add(check->report, entry->value->at, "'%.*s' must be a list", SPAN_ARG(entry->key));
    return false;
}

/* ---- readers ---- */

/* Of what a message quotes only `raw` is shown: a reference may stand for a secret. */
static void *member(const struct field *field, void *into)
{
    return (char *)into + field->offset;
}

/* The three kinds of numbers differ in their units only. */
static void read_number(struct check *check, const struct field *field, const struct entry *entry,
                        void *into, bool (*parse)(struct span text, int64_t *out), const char *what)
{
    struct span text;
    int64_t value;
    if (!schema_text(check, entry, &text))
        return;
    if (!parse(text, &value) || value < field->least || value > field->most)
        report_add(check->report, entry->value->at, "'%s' must be %s, %s", field->name, what,
                   field->example);
    else
        *(int64_t *)member(field, into) = value;
}

void field_count(struct check *check, const struct field *field, const struct entry *entry,
                 void *into)
{
    read_number(check, field, entry, into, value_count, "a whole number");
}

void field_size(struct check *check, const struct field *field, const struct entry *entry,
                void *into)
{
    read_number(check, field, entry, into, value_size, "a size such as 64KiB or 32MiB");
}

void field_duration(struct check *check, const struct field *field, const struct entry *entry,
                    void *into)
{
    read_number(check, field, entry, into, value_duration, "a duration such as 250ms, 30s or 10m");
}

void field_bool(struct check *check, const struct field *field, const struct entry *entry,
                void *into)
{
    struct span text;
    if (schema_text(check, entry, &text) && !value_bool(text, member(field, into)))
        report_add(check->report, entry->value->at, "'%s' must be true or false", field->name);
}

void schema_refuse_choice(struct check *check, const struct field *field, const struct entry *entry)
{
    struct suggestion suggestion;
    char nearest[SUGGESTION_SIZE];
    char expected[256] = "";
    suggestion_init(&suggestion, entry->value->text);
    for (const struct choice *choice = field->choices; choice->name != NULL; choice++) {
        suggestion_offer(&suggestion, span_from_string(choice->name));
        if (choice->value == CHOICE_LATER)
            continue;
        size_t len = strlen(expected);
        snprintf(expected + len, sizeof(expected) - len, "%s%s", len > 0 ? ", " : "", choice->name);
    }
    report_add(check->report, entry->value->at, "'%s' cannot be '%.*s' (it can be: %s)%s",
               field->name, SPAN_ARG(entry->value->raw), expected,
               suggestion_text(&suggestion, nearest));
}

/* False after reporting when the value is none of the field's choices in this version. */
static bool read_choice(struct check *check, const struct field *field, const struct entry *entry,
                        int *value)
{
    struct span text;
    if (!schema_text(check, entry, &text))
        return false;
    if (node_is_off(entry->value))
        text = SPAN("off");
    const struct choice *choice = field->choices;
    while (choice->name != NULL && !span_equal(text, span_from_string(choice->name)))
        choice++;
    if (choice->name == NULL)
        schema_refuse_choice(check, field, entry);
    else if (choice->value == CHOICE_LATER)
        report_add(check->report, entry->value->at,
                   "%s '%s' is not supported by this version of Weir", field->name, choice->name);
    else
        *value = choice->value;
    return choice->name != NULL && choice->value != CHOICE_LATER;
}

void field_choice(struct check *check, const struct field *field, const struct entry *entry,
                  void *into)
{
    int value;
    if (read_choice(check, field, entry, &value))
        *(int *)member(field, into) = value;
}

void field_fixed(struct check *check, const struct field *field, const struct entry *entry,
                 void *into)
{
    int value;
    (void)into;
    read_choice(check, field, entry, &value);
}

void field_string(struct check *check, const struct field *field, const struct entry *entry,
                  void *into)
{
    struct span text;
    if (!schema_text(check, entry, &text))
        return;
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20) {
            report_add(check->report, entry->value->at, "'%s' must not hold control characters",
                       field->name);
            return;
        }
    }
    if (text.len == 0)
        report_add(check->report, entry->value->at, "'%s' must not be empty", field->name);
    else
        *(const char **)member(field, into) = config_copy(&check->snapshot->arena, text).ptr;
}
