/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A price file (docs/prices.md) to a catalogue. Any fault refuses the whole file: half a price list
 * would leave models unpriced without anybody knowing.
 */
#include "base/table.h"
#include "catalogue_reading.h"

#define SCAN_CAP ((size_t)1 << 20) /* only the root's members lie there */

/* ---- models ---- */

static bool read_entry_id(struct reading *reading, struct value value, void *into)
{
    return reading_string(reading, value, "'id'", &((struct catalogue_entry *)into)->model);
}

static bool read_match(struct reading *reading, struct value value, void *into)
{
    struct catalogue_entry *entry = into;
    struct clause *clause = NULL;
    if (!reading_clause(reading, value, &clause))
        return false;
    entry->match = clause;
    return true;
}

static bool read_context(struct reading *reading, struct value value, void *into)
{
    return reading_tokens(reading, value, "'context_window'",
                          &((struct catalogue_entry *)into)->context_window);
}

static bool read_max_output(struct reading *reading, struct value value, void *into)
{
    return reading_tokens(reading, value, "'max_output_tokens'",
                          &((struct catalogue_entry *)into)->max_output_tokens);
}

/* `into`: the table of the provider's ids so far. */
static bool read_entry(struct reading *reading, struct value value, void *into)
{
    static const struct member members[] = {{"id", read_entry_id, true},
                                            {"match", read_match, false},
                                            {"context_window", read_context, false},
                                            {"max_output_tokens", read_max_output, false},
                                            {"prices", reading_prices, true},
                                            {NULL, NULL, false}};
    struct arena *arena = &reading->catalogue->arena;
    struct catalogue_entry *entry = ARENA_NEW(arena, struct catalogue_entry);
    if (entry == NULL)
        return reading_fail(reading, value.text, "the file is too large");
    if (!reading_object(reading, value, "a model", members, entry))
        return false;
    if (entry->match == NULL)
        entry->match = clause_new(arena, CLAUSE_EQUALS, entry->model);
    if (arena_failed(arena))
        return reading_fail(reading, value.text, "the file is too large");
    if (table_put(into, entry->model, entry) != NULL)
        return reading_fail(reading, value.text, "the model '%.*s' is there twice",
                            SPAN_ARG(entry->model));
    catalogue_add_entry(reading->catalogue, entry);
    return true;
}

/* ---- providers ---- */

static bool read_provider_id(struct reading *reading, struct value value, void *into)
{
    struct catalogue_provider *provider = into;
    if (!reading_string(reading, value, "'id'", &provider->id))
        return false;
    const struct catalogue_provider *other = catalogue_provider(reading->catalogue, provider->id);
    return other == provider ||
           reading_fail(reading, value.text, "the provider '%.*s' is there twice",
                        SPAN_ARG(provider->id));
}

static bool read_urls(struct reading *reading, struct value value, void *into)
{
    return reading_words(reading, value, "'urls'", true,
                         &((struct catalogue_provider *)into)->urls);
}

static bool read_names(struct reading *reading, struct value value, void *into)
{
    return reading_words(reading, value, "'names'", false,
                         &((struct catalogue_provider *)into)->names);
}

static bool read_also(struct reading *reading, struct value value, void *into)
{
    return reading_words(reading, value, "'also'", false,
                         &((struct catalogue_provider *)into)->also);
}

static bool read_entries(struct reading *reading, struct value value, void *into)
{
    struct table ids;
    (void)into;
    table_init(&ids);
    bool read = reading_array(reading, value, "'models'", read_entry, &ids);
    table_fini(&ids);
    return read;
}

/* The id first, whatever the order in the file: entries carry it. */
static bool read_provider(struct reading *reading, struct value value, void *into)
{
    static const struct member members[] = {
        {"id", read_provider_id, true}, {"urls", read_urls, false},
        {"names", read_names, false},   {"also", read_also, false},
        {"models", read_entries, true}, {NULL, NULL, false}};
    (void)into;
    struct catalogue_provider *provider = catalogue_add_provider(reading->catalogue, SPAN_NONE);
    if (provider == NULL)
        return reading_fail(reading, value.text, "the file is too large");
    if (!reading_object(reading, value, "a provider", members, provider))
        return false;
    const struct catalogue_entry *end =
        provider->last_entry != NULL ? provider->last_entry->next : NULL;
    struct catalogue_entry *entry = provider->first_entry;
    for (; entry != end; entry = (struct catalogue_entry *)(uintptr_t)entry->next)
        entry->provider = provider->id;
    return true;
}

/* ---- the file ---- */

static bool read_format(struct reading *reading, struct value value, void *into)
{
    (void)into;
    return span_equal(value.text, SPAN("\"weir-prices-1\"")) ||
           reading_fail(reading, value.text, "'format' must be \"weir-prices-1\"");
}

static bool read_source(struct reading *reading, struct value value, void *into)
{
    (void)into;
    return reading_string(reading, value, "'source'", &reading->catalogue->source);
}

static bool read_providers(struct reading *reading, struct value value, void *into)
{
    return reading_array(reading, value, "'providers'", read_provider, into);
}

static bool read_file(struct reading *reading)
{
    static const struct member members[] = {{"format", read_format, true},
                                            {"source", read_source, false},
                                            {"providers", read_providers, true},
                                            {NULL, NULL, false}};
    struct arena scratch;
    struct json_object root;
    struct json_fault fault;
    if (reading->text.len > CATALOGUE_TEXT_MAX)
        return reading_fail(reading, span_make(reading->text.ptr, 0), "the file is too large");
    arena_init(&scratch, SCAN_CAP);
    bool scanned = json_scan(reading->text, &scratch, &root, &fault);
    if (!scanned)
        reading_note_fault(reading, span_from(reading->text, fault.offset), "%s", fault.what);
    bool read = scanned && reading_object(reading, (struct value){root.text, root.type}, "the file",
                                          members, NULL);
    arena_fini(&scratch);
    return read;
}

struct catalogue *catalogue_new(struct span text, struct catalogue_fault *fault)
{
    struct reading reading = {.text = text, .catalogue = catalogue_make(), .fault = fault};
    if (!read_file(&reading))
        catalogue_free(&reading.catalogue);
    return reading.catalogue;
}
