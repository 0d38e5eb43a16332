/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A catalogue to a price file: compact, one model a line, and always the same bytes for the same
 * catalogue. A rate that a reader would fill in by itself is left out.
 */
#include "base/clock.h"
#include "base/money.h"
#include "catalogue_private.h"

char *catalogue_format_rate(int64_t pusd, char out[CATALOGUE_RATE_SIZE])
{
    char text[CATALOGUE_RATE_SIZE];
    /* A pico-dollar a token is a micro-dollar per million. */
    size_t len = strlen(money_format(pusd * PUSD_PER_NUSD, text));
    while (text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    memcpy(out, text, len);
    out[len] = '\0';
    return out;
}

/* ,"key": but no comma after an opening bracket. */
static void write_key(struct buf *out, const char *key)
{
    struct span before = buf_span(out);
    char last = before.len > 0 ? before.ptr[before.len - 1] : '{';
    if (last != '{' && last != '[')
        buf_append_byte(out, ',');
    buf_printf(out, "\"%s\":", key);
}

static void write_nusd(struct buf *out, const char *key, int64_t nusd)
{
    char text[MONEY_TEXT_SIZE];
    write_key(out, key);
    buf_append(out, span_from_string(money_format(nusd, text)));
}

static void write_rates(struct buf *out, const struct price_rates *rates)
{
    char text[CATALOGUE_RATE_SIZE];
    struct price_rates given = price_rates_given(rates);
    for (size_t i = 0; i < PRICE_KINDS; i++) {
        int64_t pusd = price_rate_of(&given, &price_kinds[i]);
        if (pusd == PRICE_NOT_GIVEN)
            continue;
        write_key(out, price_kinds[i].name);
        buf_append(out, span_from_string(catalogue_format_rate(pusd, text)));
    }
}

static void write_steps(struct buf *out, const struct price *price)
{
    if (price->step_count == 0)
        return;
    write_key(out, "tiers");
    for (size_t i = 0; i < price->step_count; i++) {
        buf_printf(out, "%s{\"above\":%lld", i == 0 ? "[" : ",",
                   (long long)price->steps[i].above_tokens);
        write_rates(out, &price->steps[i].rates);
        buf_append_byte(out, '}');
    }
    buf_append_byte(out, ']');
}

static void write_tiers(struct buf *out, const struct price_tiers *tiers)
{
    const struct {
        const char *name;
        int64_t permille;
    } known[] = {{"flex", tiers->flex_permille},
                 {"priority", tiers->priority_permille},
                 {"batch", tiers->batch_permille}};
    char text[CATALOGUE_RATE_SIZE];
    if (tiers->flex_permille == 0 && tiers->priority_permille == 0 && tiers->batch_permille == 0)
        return;
    write_key(out, "service_tiers");
    buf_append_byte(out, '{');
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].permille == 0)
            continue;
        write_key(out, known[i].name);
        buf_append(out, span_from_string(catalogue_format_rate(known[i].permille * 1000, text)));
    }
    buf_append_byte(out, '}');
}

static void write_period(struct buf *out, const struct price_period *period)
{
    const struct price *price = &period->price;
    char date[CLOCK_RFC3339_SIZE];
    buf_append_byte(out, '{');
    if (period->from_wall_ns != INT64_MIN) {
        write_key(out, "from");
        buf_printf(out, "\"%.10s\"", clock_rfc3339(period->from_wall_ns, date));
    }
    if (period->daily_from_s != period->daily_to_s) {
        write_key(out, "daily");
        buf_printf(out, "\"%02d:%02d-%02d:%02d\"", period->daily_from_s / 3600,
                   period->daily_from_s / 60 % 60, period->daily_to_s / 3600,
                   period->daily_to_s / 60 % 60);
    }
    write_rates(out, &price->rates);
    write_steps(out, price);
    write_tiers(out, &price->tiers);
    if (price->per_request_nusd > 0)
        write_nusd(out, "per_request", price->per_request_nusd);
    if (price->web_search_nusd > 0)
        write_nusd(out, "web_search", price->web_search_nusd);
    buf_append_byte(out, '}');
}

void catalogue_write_prices(const struct price_schedule *prices, struct buf *out)
{
    for (size_t i = 0; i < prices->count; i++) {
        buf_append_byte(out, i == 0 ? '[' : ',');
        write_period(out, &prices->periods[i]);
    }
    buf_append_byte(out, ']');
}

static void write_clause(struct buf *out, const struct clause *clause)
{
    buf_printf(out, "{\"%s\":", clause_names[clause->kind]);
    if (clause->first == NULL)
        buf_append_json_string(out, clause->text);
    bool is_list = clause->kind == CLAUSE_OR || clause->kind == CLAUSE_AND;
    for (const struct clause *part = clause->first; part != NULL; part = part->next) {
        if (is_list)
            buf_append_byte(out, part == clause->first ? '[' : ',');
        write_clause(out, part);
    }
    buf_append(out, is_list ? SPAN("]}") : SPAN("}"));
}

/* One that a reader makes by itself, from the id. */
static bool is_plain(const struct catalogue_entry *entry)
{
    return entry->match->kind == CLAUSE_EQUALS &&
           span_equal_nocase(entry->match->text, entry->model);
}

static void write_entry(struct buf *out, const struct catalogue_entry *entry)
{
    buf_append(out, SPAN("\n{\"id\":"));
    buf_append_json_string(out, entry->model);
    if (!is_plain(entry)) {
        write_key(out, "match");
        write_clause(out, entry->match);
    }
    if (entry->context_window > 0)
        buf_printf(out, ",\"context_window\":%lld", (long long)entry->context_window);
    if (entry->max_output_tokens > 0)
        buf_printf(out, ",\"max_output_tokens\":%lld", (long long)entry->max_output_tokens);
    write_key(out, "prices");
    catalogue_write_prices(&entry->prices, out);
    buf_append_byte(out, '}');
}

static void write_words(struct buf *out, const char *key, const struct words *words)
{
    if (words->first == NULL)
        return;
    write_key(out, key);
    for (const struct word *word = words->first; word != NULL; word = word->next) {
        buf_append_byte(out, word == words->first ? '[' : ',');
        buf_append_json_string(out, word->text);
    }
    buf_append_byte(out, ']');
}

static void write_provider(struct buf *out, const struct catalogue_provider *provider)
{
    buf_append(out, SPAN("\n{\"id\":"));
    buf_append_json_string(out, provider->id);
    write_words(out, "urls", &provider->urls);
    write_words(out, "names", &provider->names);
    write_words(out, "also", &provider->also);
    write_key(out, "models");
    buf_append_byte(out, '[');
    const struct catalogue_entry *end =
        provider->last_entry != NULL ? provider->last_entry->next : NULL;
    for (const struct catalogue_entry *entry = provider->first_entry; entry != end;
         entry = entry->next) {
        if (entry != provider->first_entry)
            buf_append_byte(out, ',');
        write_entry(out, entry);
    }
    buf_append(out, SPAN("]}"));
}

bool catalogue_write(const struct catalogue *catalogue, struct buf *out)
{
    buf_append(out, SPAN("{\"format\":\"weir-prices-1\""));
    if (catalogue->source.len > 0) {
        write_key(out, "source");
        buf_append_json_string(out, catalogue->source);
    }
    write_key(out, "providers");
    buf_append_byte(out, '[');
    for (const struct catalogue_provider *provider = catalogue->first_provider; provider != NULL;
         provider = provider->next) {
        if (provider != catalogue->first_provider)
            buf_append_byte(out, ',');
        write_provider(out, provider);
    }
    buf_append(out, SPAN("]}\n"));
    return !buf_failed(out);
}
