/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LiteLLM's model_prices_and_context_window.json: models by name, prices in US dollars per token in
 * members whose names say the kind, the long-context step and the service tier:
 *
 *   cache_read_input_token_cost _above_200k_tokens _priority
 *
 * Models of a provider are not together there, so each provider is gone for in turn. Of a service
 * tier we keep one factor: where input and output have different ones, the larger.
 */
#include "price_import_private.h"

#define TOKEN_POWER  12 /* US dollars to pico-dollars */
#define SEARCH_POWER 9  /* US dollars to nano-dollars */
#define PERMILLE_MAX 100000

static const struct {
    struct span key;
    size_t rate;
} rate_names[] = {
    {SPAN_INIT("input_cost_per_token"), RATE(input)},
    {SPAN_INIT("cache_read_input_token_cost"), RATE(cached_input)},
    {SPAN_INIT("cache_creation_input_token_cost"), RATE(cache_write)},
    {SPAN_INIT("cache_creation_input_token_cost_above_1hr"), RATE(cache_write_1h)},
    {SPAN_INIT("input_cost_per_audio_token"), RATE(audio_input)},
    {SPAN_INIT("cache_read_input_audio_token_cost"), RATE(cached_audio)},
    {SPAN_INIT("input_cost_per_image_token"), RATE(image_input)},
    {SPAN_INIT("output_cost_per_token"), RATE(output)},
    {SPAN_INIT("output_cost_per_reasoning_token"), RATE(reasoning)},
    {SPAN_INIT("output_cost_per_audio_token"), RATE(audio_output)},
    {SPAN_INIT("output_cost_per_image_token"), RATE(image_output)},
};

enum { FLEX, PRIORITY, BATCH, TIERS };

static const struct span tier_suffixes[TIERS] = {SPAN_INIT("_flex"), SPAN_INIT("_priority"),
                                                 SPAN_INIT("_batches")};

struct litellm_price {
    struct importing *importing;
    struct price_draft draft;
    struct price_rates tiers[TIERS]; /* what was given of them */
    struct price price;
};

/* ---- names ---- */

/* Takes a suffix off; false when it is not there. */
static bool strip(struct span *key, struct span suffix)
{
    if (!span_ends_with(*key, suffix))
        return false;
    key->len -= suffix.len;
    return true;
}

/* "…_above_200k_tokens" → 200000 and the key before it; 0: none; -1: not understood. */
static int64_t strip_above(struct span *key)
{
    struct span text = *key;
    size_t at = span_search(text, SPAN("_above_"));
    if (!strip(&text, SPAN("k_tokens")) || at >= text.len)
        return 0;
    /* cache_creation_…_above_1hr_above_200k_tokens: the last one */
    struct span digits = span_from(text, at + SPAN("_above_").len);
    size_t again = span_search(digits, SPAN("_above_"));
    if (again < digits.len) {
        at += SPAN("_above_").len + again;
        digits = span_from(text, at + SPAN("_above_").len);
    }
    uint64_t thousands;
    if (!span_to_u64(digits, &thousands) || thousands == 0 ||
        thousands > (uint64_t)CATALOGUE_TOKENS_MAX / 1000)
        return -1;
    key->len = at;
    return (int64_t)thousands * 1000;
}

/* ---- prices ---- */

static bool set_rate(struct litellm_price *reading, struct span base, int tier, int64_t above,
                     int64_t pusd)
{
    for (size_t i = 0; i < sizeof(rate_names) / sizeof(rate_names[0]); i++) {
        if (!span_equal(base, rate_names[i].key))
            continue;
        if (tier == TIERS)
            draft_set(&reading->draft, above, rate_names[i].rate, pusd);
        else if (above == 0)
            *rate_at(&reading->tiers[tier], rate_names[i].rate) = pusd;
        return true;
    }
    return false;
}

/* By context size; the dearest. */
static void read_searches(struct litellm_price *reading, struct value value)
{
    struct span key;
    struct value inner;
    size_t at = 0;
    while (value.type == JSON_OBJECT &&
           json_walk(value.text, &at, &key, &inner.text, &inner.type)) {
        int64_t nusd;
        if (import_decimal(inner, SEARCH_POWER, &nusd) && nusd > reading->price.web_search_nusd)
            reading->price.web_search_nusd = nusd;
    }
}

static bool is_cost(struct span key)
{
    return span_search(key, SPAN("cost")) < key.len;
}

static void read_member(struct litellm_price *reading, struct span key, struct value value)
{
    struct span base = key;
    int64_t pusd;
    int tier = 0;
    if (span_equal(key, SPAN("search_context_cost_per_query"))) {
        read_searches(reading, value);
        return;
    }
    if (!is_cost(key) || value.type == JSON_NULL)
        return;
    while (tier < TIERS && !strip(&base, tier_suffixes[tier]))
        tier++;
    int64_t above = strip_above(&base);
    if (!import_decimal(value, TOKEN_POWER, &pusd))
        import_note(reading->importing, "'%.*s' is no number", SPAN_ARG(key));
    else if (above < 0 || !set_rate(reading, base, tier, above, pusd))
        import_note(reading->importing, "'%.*s' is not charged by this version", SPAN_ARG(key));
}

/* tier / standard in thousandths, rounded up; 0 where either is not known. */
static int64_t permille(int64_t tier_pusd, int64_t standard_pusd)
{
    if (tier_pusd <= 0 || standard_pusd <= 0)
        return 0;
    __int128 quotient = ((__int128)tier_pusd * 1000 + standard_pusd - 1) / standard_pusd;
    return quotient > PERMILLE_MAX ? 0 : (int64_t)quotient;
}

static int64_t tier_permille(const struct litellm_price *reading, int tier)
{
    const struct price_rates *given = &reading->tiers[tier];
    const struct price_rates *standard = &reading->draft.base;
    int64_t input = permille(given->input_pusd, standard->input_pusd);
    int64_t output = permille(given->output_pusd, standard->output_pusd);
    return input > output ? input : output;
}

/* ---- models ---- */

static void read_model(struct importing *importing, struct value value)
{
    struct litellm_price reading = {.importing = importing};
    struct span key;
    struct value inner;
    size_t at = 0;
    draft_init(&reading.draft);
    for (int tier = 0; tier < TIERS; tier++)
        reading.tiers[tier] = price_rates_unknown();
    while (json_walk(value.text, &at, &key, &inner.text, &inner.type))
        read_member(&reading, key, inner);
    reading.price.tiers =
        (struct price_tiers){.flex_permille = tier_permille(&reading, FLEX),
                             .priority_permille = tier_permille(&reading, PRIORITY),
                             .batch_permille = tier_permille(&reading, BATCH)};
    if (!draft_finish(importing, &reading.draft, &reading.price))
        return;
    struct price_period period = {.from_wall_ns = INT64_MIN, .price = reading.price};
    struct catalogue_entry entry = {
        .context_window = import_tokens(import_get(value, "max_input_tokens")),
        .max_output_tokens = import_tokens(import_get(value, "max_output_tokens"))};
    import_add(importing, entry, &period, 1, NULL);
}

/* "azure/gpt-4o" of the provider azure is the model gpt-4o there. */
static struct span model_name(struct span key, struct span provider)
{
    size_t slash = span_find(key, '/');
    bool own = slash < key.len && span_equal(import_provider_id(span_make(key.ptr, slash)),
                                             import_provider_id(provider));
    return own ? span_from(key, slash + 1) : key;
}

static void read_provider(struct importing *importing, struct value root, struct span id)
{
    struct span key;
    struct value value;
    size_t at = 0;
    struct catalogue_provider *provider = import_provider(importing, id);
    if (provider == NULL)
        return;
    import_complete_provider(importing, provider);
    while (json_walk(root.text, &at, &key, &value.text, &value.type)) {
        struct span name = import_string(importing, import_get(value, "litellm_provider"));
        if (!span_equal(import_provider_id(name), id) || span_equal(key, SPAN("sample_spec")))
            continue;
        importing->provider = id;
        importing->model = model_name(key, name);
        read_model(importing, value);
    }
}

void import_litellm(struct importing *importing, struct value root)
{
    struct span key;
    struct value value;
    size_t at = 0;
    importing->catalogue->source = SPAN("LiteLLM (MIT)");
    while (json_walk(root.text, &at, &key, &value.text, &value.type)) {
        struct span name = import_string(importing, import_get(value, "litellm_provider"));
        struct span id = import_provider_id(name);
        importing->provider = SPAN_NONE;
        importing->model = key;
        if (span_equal(key, SPAN("sample_spec")))
            continue;
        if (id.len == 0)
            import_note(importing, "left out: it has no provider");
        else if (catalogue_provider(importing->catalogue, id) == NULL)
            read_provider(importing, root, id);
    }
}
