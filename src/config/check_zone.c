/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones: each that the file names is read once, and closed with the snapshot. */
#include "check.h"
#include "suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void close_zone(void *rules)
{
    struct timezone_rules *last = rules;
    timezone_close(&last);
}

/* The third column of the system's list is a name. */
static void offer_line(struct suggestion *suggestion, struct arena *scratch, const char *line)
{
    struct span cell, rest = span_from_string(line);
    rest = span_cut(span_cut(rest, '\t', &cell), '\t', &cell);
    span_cut(rest, '\t', &cell);
    if (line[0] == '#' || cell.len == 0)
        return;
    if (cell.ptr[cell.len - 1] == '\n')
        cell.len--;
    suggestion_offer(suggestion, config_copy(scratch, cell));
}

/* Names that the system has, as far as it lists them. */
static void offer_zones(struct check *check, struct suggestion *suggestion)
{
    char line[512];
    const char *directory = getenv("TZDIR");
    struct span path = arena_printf(check->scratch, "%s/zone1970.tab",
                                    directory != NULL ? directory : "/usr/share/zoneinfo");
    ASSERT(path.ptr != NULL);
    FILE *file = fopen(path.ptr, "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL)
        offer_line(suggestion, check->scratch, line);
    fclose(file);
}

static void refuse(struct check *check, const struct entry *entry, const char *why)
{
    struct suggestion suggestion;
    char nearest[SUGGESTION_SIZE];
    suggestion_init(&suggestion, entry->value->text);
    suggestion_offer(&suggestion, SPAN("UTC"));
    offer_zones(check, &suggestion);
    report_add(check->report, entry->value->at, "'timezone' cannot be '%.*s': %s%s",
               SPAN_ARG(entry->value->raw), why, suggestion_text(&suggestion, nearest));
}

static const struct draft_zone *known_zone(const struct check *check, struct span name)
{
    LIST_FOR_EACH (link, &check->zones) {
        const struct draft_zone *zone = LIST_ITEM(link, struct draft_zone, link);
        if (span_equal(name, span_from_string(zone->name)))
            return zone;
    }
    return NULL;
}

void check_timezone(struct check *check, const struct field *field, const struct entry *entry,
                    void *into)
{
    struct draft_budget *draft = into;
    struct span text;
    const char *why = NULL;
    (void)field;
    if (!schema_text(check, entry, &text))
        return;
    draft->zone_at = entry->value->at;
    const struct draft_zone *known = known_zone(check, text);
    if (known != NULL) {
        draft->budget.window.zone = known->rules;
        return;
    }
    struct draft_zone *zone = CONFIG_NEW(check->scratch, struct draft_zone);
    zone->name = config_copy(check->scratch, text).ptr;
    struct timezone_rules *rules = timezone_open(zone->name, &why);
    if (rules == NULL) {
        refuse(check, entry, why);
        return;
    }
    bool kept = arena_on_end(&check->snapshot->arena, close_zone, rules);
    ASSERT(kept);
    zone->rules = rules;
    list_append(&check->zones, &zone->link);
    draft->budget.window.zone = rules;
}
