/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * genai-prices' data.json: providers with models, clauses that say which names mean a model, prices
 * in US dollars per million tokens with long-context tiers a kind, and several prices in time of
 * which the last that applies counts. That is our own way too, so little is lost.
 */
#include "base/clock.h"
#include "price_import_private.h"

#define MTOK_POWER       6 /* US dollars a million tokens to pico-dollars a token */
#define CLAUSE_DEPTH_MAX 8

#define KCOUNT_POWER 6 /* US dollars a thousand to nano-dollars each */

static const struct rate_name {
    const char *key;
    size_t rate;
} rate_names[] = {
    {"input_mtok", RATE(input)},
    {"cache_read_mtok", RATE(cached_input)},
    {"cache_write_mtok", RATE(cache_write)},
    {"cache_write_5m_mtok", RATE(cache_write)},
    {"cache_write_1h_mtok", RATE(cache_write_1h)},
    {"input_audio_mtok", RATE(audio_input)},
    {"cache_audio_read_mtok", RATE(cached_audio)},
    {"input_image_mtok", RATE(image_input)},
    {"output_mtok", RATE(output)},
    {"output_reasoning_mtok", RATE(reasoning)},
    {"output_audio_mtok", RATE(audio_output)},
    {"output_image_mtok", RATE(image_output)},
};

/* ---- one price ---- */

struct genai_price {
    struct importing *importing;
    struct price_draft draft;
    struct price price;
    bool well;
};

static bool leave_out(struct genai_price *reading, struct span key, const char *why)
{
    import_note(reading->importing, "left out: %s '%.*s'", why, SPAN_ARG(key));
    reading->well = false;
    return false;
}

/* 3, or {"base": 3, "tiers": [{"start": 200000, "price": 6}]}. */
static bool read_rate(struct genai_price *reading, struct span key, struct value value, size_t rate)
{
    struct value base = value.type == JSON_OBJECT ? import_get(value, "base") : value;
    struct value tiers = import_get(value, "tiers");
    struct span none;
    struct value tier;
    size_t at = 0;
    int64_t pusd;
    if (!import_decimal(base, MTOK_POWER, &pusd))
        return leave_out(reading, key, "no price can be read from");
    draft_set(&reading->draft, 0, rate, pusd);
    while (tiers.type == JSON_ARRAY && json_walk(tiers.text, &at, &none, &tier.text, &tier.type)) {
        int64_t start = import_tokens(import_get(tier, "start"));
        if (start == 0 || !import_decimal(import_get(tier, "price"), MTOK_POWER, &pusd))
            return leave_out(reading, key, "no tier can be read from");
        draft_set(&reading->draft, start, rate, pusd);
    }
    return true;
}

static size_t containing_rate(struct span key)
{
    if (span_starts_with(key, SPAN("output")))
        return RATE(output);
    return span_search(key, SPAN("_read")) < key.len ? RATE(cached_input) : RATE(input);
}

/* Tools that a provider runs when a request asks for them; requests without them never meet these. */
static bool is_tool(struct span key)
{
    static const struct span tools[] = {SPAN_INIT("storage_searches_kcount"),
                                        SPAN_INIT("social_searches_kcount"),
                                        SPAN_INIT("code_executions_kcount")};
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
        if (span_equal(key, tools[i]))
            return true;
    return false;
}

/* A kind that usage does not tell apart is charged as the one that holds it, which must not be less
 * than it costs. After the kinds that we know. */
static bool read_other(struct genai_price *reading, struct span key, struct value value)
{
    int64_t pusd;
    if (is_tool(key)) {
        import_note(reading->importing, "'%.*s' is not charged by this version", SPAN_ARG(key));
        return true;
    }
    if (!span_ends_with(key, SPAN("_mtok")))
        return leave_out(reading, key, "it is billed by");
    if (!import_decimal(value, MTOK_POWER, &pusd))
        return leave_out(reading, key, "no price can be read from");
    if (pusd > *rate_at(&reading->draft.base, containing_rate(key)))
        return leave_out(reading, key, "tokens that are not told apart cost more,");
    import_note(reading->importing, "'%.*s' is charged as the tokens that hold it", SPAN_ARG(key));
    return true;
}

static bool read_count(struct genai_price *reading, struct span key, struct value value,
                       int64_t *nusd)
{
    return import_decimal(value, KCOUNT_POWER, nusd) ||
           leave_out(reading, key, "no price can be read from");
}

static const struct rate_name *find_rate(struct span key)
{
    for (size_t i = 0; i < sizeof(rate_names) / sizeof(rate_names[0]); i++)
        if (span_equal(key, span_from_string(rate_names[i].key)))
            return &rate_names[i];
    return NULL;
}

static bool is_count(struct span key)
{
    return span_equal(key, SPAN("requests_kcount")) || span_equal(key, SPAN("web_searches_kcount"));
}

static bool read_member(struct genai_price *reading, struct span key, struct value value, bool late)
{
    const struct rate_name *known = find_rate(key);
    if (late)
        return known != NULL || is_count(key) || read_other(reading, key, value);
    if (known != NULL)
        return read_rate(reading, key, value, known->rate);
    if (span_equal(key, SPAN("requests_kcount")))
        return read_count(reading, key, value, &reading->price.per_request_nusd);
    return !is_count(key) || read_count(reading, key, value, &reading->price.web_search_nusd);
}

static bool read_price(struct importing *importing, struct value value, struct price *price)
{
    struct genai_price reading = {.importing = importing, .well = true};
    struct span key;
    struct value inner;
    draft_init(&reading.draft);
    for (int pass = 0; pass < 2; pass++)
        for (size_t at = 0; value.type == JSON_OBJECT && reading.well &&
                            json_walk(value.text, &at, &key, &inner.text, &inner.type);)
            read_member(&reading, key, inner, pass == 1);
    *price = reading.price;
    return reading.well && draft_finish(importing, &reading.draft, price);
}

/* ---- prices in time ---- */

static int number_at(struct span text, size_t from, size_t len)
{
    uint64_t number;
    return from + len <= text.len && span_to_u64(span_make(text.ptr + from, len), &number)
               ? (int)number
               : -1;
}

/* "2026-07-30" */
static bool read_day(struct span text, int64_t *wall_ns)
{
    struct civil date = {number_at(text, 0, 4), number_at(text, 5, 2), number_at(text, 8, 2)};
    if (text.len != 10 || date.year < 1970 || date.year > 2200 || date.month < 1 ||
        date.month > 12 || date.day < 1 || date.day > 31)
        return false;
    *wall_ns = civil_to_days(date) * 86400 * NS_PER_S;
    return true;
}

/* "00:30:00Z", whole minutes in UTC. */
static bool read_time(struct span text, int32_t *second)
{
    int hour = number_at(text, 0, 2);
    int minute = number_at(text, 3, 2);
    if (!span_equal(span_from(text, 5), SPAN(":00Z")) || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59)
        return false;
    *second = hour * 3600 + minute * 60;
    return true;
}

static bool read_constraint(struct importing *importing, struct value value,
                            struct price_period *period)
{
    struct span from = import_string(importing, import_get(value, "start_time"));
    struct span to = import_string(importing, import_get(value, "end_time"));
    struct span day = import_string(importing, import_get(value, "start_date"));
    if (value.type == JSON_NULL)
        return true;
    if (day.len > 0 && from.len == 0 && to.len == 0)
        return read_day(day, &period->from_wall_ns);
    return day.len == 0 && read_time(from, &period->daily_from_s) &&
           read_time(to, &period->daily_to_s) && period->daily_from_s != period->daily_to_s;
}

static bool read_period(struct importing *importing, struct value value,
                        struct price_period *period)
{
    if (!read_constraint(importing, import_get(value, "constraint"), period)) {
        import_note(importing, "left out: a price whose time is not understood");
        return false;
    }
    return read_price(importing, import_get(value, "prices"), &period->price);
}

/* How many; 0 after a note. */
static size_t read_periods(struct importing *importing, struct value prices,
                           struct price_period periods[CATALOGUE_PERIODS_MAX])
{
    struct span none;
    struct value value;
    size_t at = 0;
    size_t count = 0;
    periods[0] = (struct price_period){.from_wall_ns = INT64_MIN};
    if (prices.type != JSON_ARRAY)
        return read_price(importing, prices, &periods[0].price) ? 1 : 0;
    while (json_walk(prices.text, &at, &none, &value.text, &value.type)) {
        if (count == CATALOGUE_PERIODS_MAX) {
            import_note(importing, "left out: more than %d prices", CATALOGUE_PERIODS_MAX);
            return 0;
        }
        periods[count] = (struct price_period){.from_wall_ns = INT64_MIN};
        if (!read_period(importing, value, &periods[count++]))
            return 0;
    }
    bool always = count > 0 && periods[0].from_wall_ns == INT64_MIN &&
                  periods[0].daily_from_s == periods[0].daily_to_s;
    if (!always)
        import_note(importing, "left out: it has no price that always holds");
    return always ? count : 0;
}

/* ---- clauses ---- */

static const struct clause_name {
    const char *key;
    enum clause_kind kind;
} clause_keys[] = {{"equals", CLAUSE_EQUALS},
                   {"starts_with", CLAUSE_STARTS_WITH},
                   {"ends_with", CLAUSE_ENDS_WITH},
                   {"contains", CLAUSE_CONTAINS},
                   {"or", CLAUSE_OR},
                   {"and", CLAUSE_AND}};

static struct clause *read_clause(struct importing *importing, struct value value);

static struct clause *read_parts(struct importing *importing, struct value value,
                                 enum clause_kind kind)
{
    struct span none;
    struct value inner;
    size_t at = 0;
    if (importing->depth++ == CLAUSE_DEPTH_MAX)
        return NULL;
    struct clause *whole = clause_new(&importing->catalogue->arena, kind, SPAN_NONE);
    struct clause **next = whole != NULL ? &whole->first : NULL;
    while (whole != NULL && value.type == JSON_ARRAY &&
           json_walk(value.text, &at, &none, &inner.text, &inner.type)) {
        *next = read_clause(importing, inner);
        if (*next == NULL)
            return NULL;
        next = &(*next)->next;
    }
    importing->depth--;
    return whole != NULL && whole->first != NULL ? whole : NULL;
}

static struct clause *read_patterns(struct importing *importing, struct span regex)
{
    struct arena *arena = &importing->catalogue->arena;
    struct words patterns = {NULL, NULL};
    struct clause *whole = clause_new(arena, CLAUSE_OR, SPAN_NONE);
    if (whole == NULL || !import_pattern(importing, regex, false, &patterns))
        return NULL;
    struct clause **next = &whole->first;
    for (const struct word *word = patterns.first; word != NULL; word = word->next) {
        *next = word->text.len > 0 ? clause_new(arena, CLAUSE_LIKE, word->text) : NULL;
        if (*next == NULL)
            return NULL;
        next = &(*next)->next;
    }
    return whole->first != NULL && whole->first->next == NULL ? whole->first : whole;
}

/* "^(?!.*-tts)", a look-ahead and no more, says what a name is not. */
static struct clause *read_regex(struct importing *importing, struct span regex)
{
    const struct span head = SPAN("^(?!");
    if (!span_starts_with(regex, head) || !span_ends_with(regex, SPAN(")")))
        return read_patterns(importing, regex);
    const struct span parts[] = {SPAN("^"),
                                 span_make(regex.ptr + head.len, regex.len - head.len - 1)};
    struct clause *not = clause_new(&importing->catalogue->arena, CLAUSE_NOT, SPAN_NONE);
    if (not != NULL)
        not ->first = read_patterns(importing, arena_join(&importing->scratch, parts, 2));
    return not != NULL && not ->first != NULL ? not : NULL;
}

/* NULL when it is not understood. */
static struct clause *read_clause(struct importing *importing, struct value value)
{
    struct arena *arena = &importing->catalogue->arena;
    struct span regex = import_string(importing, import_get(value, "regex"));
    if (regex.len > 0)
        return read_regex(importing, regex);
    for (size_t i = 0; i < sizeof(clause_keys) / sizeof(clause_keys[0]); i++) {
        struct value inner = import_get(value, clause_keys[i].key);
        enum clause_kind kind = clause_keys[i].kind;
        if (inner.type == JSON_NULL)
            continue;
        if (kind == CLAUSE_OR || kind == CLAUSE_AND)
            return read_parts(importing, inner, kind);
        struct span text = import_string(importing, inner);
        return text.len > 0 ? clause_new(arena, kind, text) : NULL;
    }
    return NULL;
}

/* ---- models and providers ---- */

static void read_model(struct importing *importing, struct value value)
{
    struct price_period periods[CATALOGUE_PERIODS_MAX];
    importing->model = import_string(importing, import_get(value, "id"));
    if (importing->model.len == 0) {
        import_note(importing, "left out: a model without an id");
        return;
    }
    struct value prices = import_get(value, "prices");
    if (prices.type == JSON_OBJECT && prices.text.len == 2) {
        import_note(importing, "left out: it has no prices");
        return;
    }
    importing->depth = 0;
    struct clause *match = read_clause(importing, import_get(value, "match"));
    if (match == NULL) {
        import_note(importing, "left out: 'match' is not understood");
        return;
    }
    size_t count = read_periods(importing, prices, periods);
    struct catalogue_entry entry = {.context_window =
                                        import_tokens(import_get(value, "context_window"))};
    if (count > 0)
        import_add(importing, entry, periods, count, match);
}

static void read_urls(struct importing *importing, struct value value,
                      struct catalogue_provider *provider)
{
    struct words patterns = {NULL, NULL};
    struct span regex = import_string(importing, import_get(value, "api_pattern"));
    if (!import_pattern(importing, regex, true, &patterns))
        import_note(importing, "'api_pattern' is not understood: known by its name alone");
    for (const struct word *word = patterns.first; word != NULL; word = word->next)
        if (span_starts_with(word->text, SPAN("http"))) /* a base_url always has a scheme */
            words_add(&provider->urls, &importing->catalogue->arena, word->text);
}

static void read_also(struct importing *importing, struct value value,
                      struct catalogue_provider *provider)
{
    struct arena *arena = &importing->catalogue->arena;
    struct value others = import_get(value, "fallback_model_providers");
    struct span none;
    struct value other;
    size_t at = 0;
    while (others.type == JSON_ARRAY &&
           json_walk(others.text, &at, &none, &other.text, &other.type)) {
        struct span id = import_string(importing, other);
        if (id.len > 0)
            words_add(&provider->also, arena, arena_copy(arena, id));
    }
}

void import_genai(struct importing *importing, struct value root)
{
    struct span none;
    struct value value;
    struct value model;
    size_t at = 0;
    importing->catalogue->source = SPAN("genai-prices (MIT)");
    while (json_walk(root.text, &at, &none, &value.text, &value.type)) {
        struct catalogue_provider *provider =
            import_provider(importing, import_string(importing, import_get(value, "id")));
        if (provider == NULL)
            continue;
        read_urls(importing, value, provider);
        read_also(importing, value, provider);
        import_complete_provider(importing, provider);
        struct value models = import_get(value, "models");
        for (size_t m = 0; models.type == JSON_ARRAY &&
                           json_walk(models.text, &m, &none, &model.text, &model.type);)
            read_model(importing, model);
    }
}
