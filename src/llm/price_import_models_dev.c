/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * models.dev's api.json: providers by id, in them models by id, with `cost` in US dollars per million
 * tokens. Long-context rates stand in `cost.tiers`, or in the older `cost.context_over_200k`.
 */
#include "price_import_private.h"

#define MTOK_POWER 6
#define OVER_200K  200000

static const struct {
    const char *key;
    size_t rate;
} rate_names[] = {
    {"input", RATE(input)},
    {"cache_read", RATE(cached_input)},
    {"cache_write", RATE(cache_write)},
    {"input_audio", RATE(audio_input)},
    {"output", RATE(output)},
    {"reasoning", RATE(reasoning)},
    {"output_audio", RATE(audio_output)},
};

static bool leave_out(struct importing *importing, const char *why, const char *key)
{
    import_note(importing, "left out: %s '%s'", why, key);
    return false;
}

/* The rates of one card, as a step above so many tokens. */
static bool read_card(struct importing *importing, struct value card, int64_t above,
                      struct price_draft *draft)
{
    for (size_t i = 0; i < sizeof(rate_names) / sizeof(rate_names[0]); i++) {
        struct value value = import_get(card, rate_names[i].key);
        int64_t pusd;
        if (value.type == JSON_NULL)
            continue;
        if (!import_decimal(value, MTOK_POWER, &pusd))
            return leave_out(importing, "no price can be read from", rate_names[i].key);
        draft_set(draft, above, rate_names[i].rate, pusd);
    }
    return true;
}

static bool read_tiers(struct importing *importing, struct value tiers, struct price_draft *draft)
{
    struct span none;
    struct value card;
    size_t at = 0;
    if (tiers.type != JSON_ARRAY)
        return leave_out(importing, "no array is", "tiers");
    while (json_walk(tiers.text, &at, &none, &card.text, &card.type)) {
        struct value tier = import_get(card, "tier");
        struct span type = import_string(importing, import_get(tier, "type"));
        int64_t size = import_tokens(import_get(tier, "size"));
        if (!span_equal(type, SPAN("context")) || size == 0)
            return leave_out(importing, "not understood is", "tiers");
        if (!read_card(importing, card, size, draft))
            return false;
    }
    return true;
}

static bool read_cost(struct importing *importing, struct value cost, struct price *price)
{
    struct price_draft draft;
    struct value tiers = import_get(cost, "tiers");
    struct value over = import_get(cost, "context_over_200k");
    draft_init(&draft);
    if (!read_card(importing, cost, 0, &draft))
        return false;
    if (tiers.type != JSON_NULL ? !read_tiers(importing, tiers, &draft)
                                : !read_card(importing, over, OVER_200K, &draft))
        return false;
    return draft_finish(importing, &draft, price);
}

static void read_model(struct importing *importing, struct value value)
{
    struct price_period period = {.from_wall_ns = INT64_MIN};
    struct value limit = import_get(value, "limit");
    struct value cost = import_get(value, "cost");
    struct catalogue_entry entry = {.context_window = import_tokens(import_get(limit, "context")),
                                    .max_output_tokens =
                                        import_tokens(import_get(limit, "output"))};
    if (cost.type != JSON_OBJECT)
        import_note(importing, "left out: it has no prices");
    else if (read_cost(importing, cost, &period.price))
        import_add(importing, entry, &period, 1, NULL);
}

/* "https://api.deepseek.com" as a pattern. */
static void read_url(struct importing *importing, struct value value,
                     struct catalogue_provider *provider)
{
    struct arena *arena = &importing->catalogue->arena;
    struct span url = import_string(importing, import_get(value, "api"));
    if (!span_starts_with(url, SPAN("http")) || span_find(url, '#') < url.len)
        return;
    const struct span parts[] = {url, SPAN("*")};
    words_add(&provider->urls, arena,
              catalogue_lower(arena, arena_join(&importing->scratch, parts, 2)));
}

void import_models_dev(struct importing *importing, struct value root)
{
    struct span key;
    struct value value;
    struct value model;
    size_t at = 0;
    importing->catalogue->source = SPAN("models.dev (MIT)");
    while (json_walk(root.text, &at, &key, &value.text, &value.type)) {
        struct span id = import_provider_id(key);
        /* Two of theirs are one of ours: the second keeps its id. */
        if (catalogue_provider(importing->catalogue, id) != NULL)
            id = key;
        struct catalogue_provider *provider = import_provider(importing, id);
        if (provider == NULL)
            continue;
        read_url(importing, value, provider);
        import_complete_provider(importing, provider);
        struct value models = import_get(value, "models");
        for (size_t m = 0; models.type == JSON_OBJECT &&
                           json_walk(models.text, &m, &key, &model.text, &model.type);) {
            importing->model = key;
            read_model(importing, model);
        }
    }
}
