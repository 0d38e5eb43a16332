/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A price list of any shape. What is taken is written as a price file that is read again, to the same
 * bytes and no difference; every price in it can be charged and bounded; every entry is found by its
 * ids. What is refused says where.
 */
#include "fuzz.h"

#include "llm/price_import.h"

#include <string.h>

static void count_note(void *context, struct span key, const char *what)
{
    (void)key;
    FUZZ_CHECK(what[0] != '\0');
    ++*(size_t *)context;
}

static void check_fault(const struct catalogue_fault *fault)
{
    FUZZ_CHECK(fault->line > 0 && fault->column > 0);
    FUZZ_CHECK(fault->what[0] != '\0' && memchr(fault->what, '\0', sizeof fault->what) != NULL);
}

static void check_price(const struct price *price)
{
    static const struct price_scope scope = {.audio_input = true,
                                             .image_input = true,
                                             .audio_output = true,
                                             .image_output = true,
                                             .any_tier = true,
                                             .web_searches = 3};
    static const struct usage usage = {.input = 300000,
                                       .cached_input = 9,
                                       .cache_write = 8,
                                       .cache_write_1h = 3,
                                       .audio_input = 7,
                                       .cached_audio = 2,
                                       .image_input = 5,
                                       .output = 1000,
                                       .reasoning = 4,
                                       .audio_output = 6,
                                       .image_output = 7,
                                       .web_searches = 3,
                                       .service_tier = SERVICE_TIER_OTHER};
    int64_t cost;
    int64_t bound;
    FUZZ_CHECK(price->known && price->step_count <= PRICE_MAX_STEPS);
    FUZZ_CHECK(price_cost(price, &usage, &cost));
    FUZZ_CHECK(price_bound(price, &scope, usage.input, usage.output, &bound));
    FUZZ_CHECK(cost >= 0 && cost <= bound);
}

static void check_entries(const struct catalogue *catalogue)
{
    for (const struct catalogue_entry *entry = catalogue_first(catalogue); entry != NULL;
         entry = entry->next) {
        FUZZ_CHECK(catalogue_find_id(catalogue, entry->provider, entry->model) == entry);
        FUZZ_CHECK(entry->prices.count > 0 && entry->match != NULL);
        FUZZ_CHECK(entry->context_window >= 0 && entry->max_output_tokens >= 0);
        for (size_t i = 0; i < entry->prices.count; i++)
            check_price(&entry->prices.periods[i].price);
        FUZZ_CHECK(price_schedule_at(&entry->prices, INT64_MIN) != NULL);
        catalogue_find(catalogue, entry->provider, SPAN("https://api.openai.com/v1"), entry->model);
    }
}

static void check_again(const struct catalogue *catalogue)
{
    struct buf first;
    struct buf second;
    struct catalogue_fault fault;
    buf_init(&first, FUZZ_ROOM, 0);
    buf_init(&second, FUZZ_ROOM, 0);
    FUZZ_CHECK(catalogue_write(catalogue, &first));
    struct catalogue *again = catalogue_new(buf_span(&first), &fault);
    FUZZ_CHECK(again != NULL && catalogue_write(again, &second));
    FUZZ_CHECK(span_equal(buf_span(&first), buf_span(&second)));
    buf_reset(&second, FUZZ_ROOM);
    FUZZ_CHECK(catalogue_diff(catalogue, again, &second));
    catalogue_free(&again);
    buf_fini(&first);
    buf_fini(&second);
}

void fuzz_prices(struct span input)
{
    size_t notes = 0;
    const struct import_notes told = {count_note, &notes};
    struct catalogue_fault fault;
    struct catalogue *catalogue = price_import(input, &told, &fault);
    if (catalogue == NULL) {
        check_fault(&fault);
        return;
    }
    check_entries(catalogue);
    check_again(catalogue);
    catalogue_free(&catalogue);
}
