/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `providers`: where requests go and with which credentials. A provider is complete
 * after its own entry, but for the route, which the build makes.
 */
#include "check.h"
#include "value.h"
#include "wire/url.h"

#define OPENAI_BASE_URL "https://api.openai.com/v1"
#define OPENAI_HOST     "api.openai.com"
/* For `weir check`: nothing listens on port 1, and nothing is sent there. */
#define REFUSING_URL "http://127.0.0.1:1/v1"

static const struct choice kinds[] = {{"openai", PROVIDER_OPENAI},
                                      {"simulated", PROVIDER_SIMULATED},
                                      {"anthropic", CHOICE_LATER},
                                      {"gemini", CHOICE_LATER},
                                      {"azure", CHOICE_LATER},
                                      {"bedrock", CHOICE_LATER},
                                      {NULL, 0}};

static const struct choice gone_choices[] = {
    {"cancel", CLIENT_GONE_CANCEL}, {"drain", CLIENT_GONE_DRAIN}, {NULL, 0}};

static const struct choice limit_fields[] = {
    {"max_completion_tokens", 0}, {"max_tokens", 0}, {NULL, 0}};

static void read_base_url(struct check *check, const struct field *field, const struct entry *entry,
                          void *into)
{
    struct draft_provider *draft = into;
    struct span text;
    struct url url;
    (void)field;
    if (!schema_text(check, entry, &text))
        return;
    /* The path of an endpoint is put behind it. */
    while (span_ends_with(text, SPAN("/")))
        text.len--;
    if (!url_parse(text, &url))
        report_add(check->report, entry->value->at,
                   "'base_url' must be an http or https URL without user, query or fragment, such "
                   "as " OPENAI_BASE_URL);
    else
        draft->base_url = config_copy(&check->snapshot->arena, text);
}

/* As field_choice, but the choice is the text itself. */
static void read_limit_field(struct check *check, const struct field *field,
                             const struct entry *entry, void *into)
{
    struct draft_provider *draft = into;
    struct span text;
    if (!schema_text(check, entry, &text))
        return;
    for (const struct choice *choice = field->choices; choice->name != NULL; choice++) {
        draft->limit_field = span_from_string(choice->name);
        if (span_equal(text, draft->limit_field))
            return;
    }
    schema_refuse_choice(check, field, entry);
}

static const struct field provider_fields[] = {
    {.name = "kind",
     .read = field_choice,
     .flags = FIELD_REQUIRED,
     .offset = offsetof(struct draft_provider, provider.kind),
     .choices = kinds},
    {.name = "base_url", .read = read_base_url},
    {.name = "api_key", .read = check_secret, .offset = offsetof(struct draft_provider, api_key)},
    {.name = "http2", .read = field_bool, .offset = offsetof(struct draft_provider, http2)},
    {.name = "max_tokens_field", .read = read_limit_field, .choices = limit_fields},
    {.name = "on_client_gone",
     .read = field_choice,
     .offset = offsetof(struct draft_provider, provider.on_client_gone),
     .choices = gone_choices},
    {.name = "api_version"},
    {.name = "region"},
    {.name = "access_key"},
    {.name = "secret_key"},
    {.name = "pool"},
    {.name = NULL}};

/* The simulated provider is where this program says it is. */
static void refuse_for_simulated(struct check *check, const struct node *map)
{
    static const char *const names[] = {"base_url", "api_key", "http2"};
    for (const struct entry *entry = map->first; entry != NULL; entry = entry->next)
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (span_equal(entry->key, span_from_string(names[i])) && !node_is_null(entry->value))
                report_add(check->report, entry->at, "'%s' has no meaning with kind simulated",
                           names[i]);
}

/* Fills in what the file leaves to the kind. Also after problems: targets may name the provider. */
static void complete_provider(struct check *check, struct draft_provider *draft)
{
    struct url url;
    bool is_simulated = draft->provider.kind == PROVIDER_SIMULATED;
    if (is_simulated) {
        const char *given = check->settings->simulated_base_url;
        struct span base = span_from_string(given != NULL ? given : REFUSING_URL);
        draft->base_url = config_copy(&check->snapshot->arena, base);
    } else if (draft->base_url.len == 0) {
        draft->base_url = SPAN(OPENAI_BASE_URL);
    }
    draft->provider.base_url = draft->base_url.ptr;
    /* OpenAI's own models past gpt-4o refuse max_tokens; other servers often know nothing else. */
    if (draft->limit_field.len == 0)
        draft->limit_field = is_simulated || (url_parse(draft->base_url, &url) &&
                                              span_equal_nocase(url.host, SPAN(OPENAI_HOST)))
                                 ? SPAN("max_completion_tokens")
                                 : SPAN("max_tokens");
    draft->provider.limit_field = draft->limit_field;
}

/* Known by its name even when it is bad, so that one mistake is told once. */
static void check_provider(struct check *check, const struct entry *entry)
{
    struct draft_provider *draft = CONFIG_NEW(&check->snapshot->arena, struct draft_provider);
    draft->at = entry->at;
    draft->provider.name = config_copy(&check->snapshot->arena, entry->key).ptr;
    list_append(&check->providers, &draft->link);
    table_put(&check->providers_by_name, span_from_string(draft->provider.name), draft);
    check->snapshot->provider_count++;
    if (!value_is_name(entry->key))
        report_add(check->report, entry->at,
                   "a provider's name must be 1 to 95 letters, digits or . _ - @ : +");
    schema_map(check, entry->value, check_where(check, "provider", entry->key), provider_fields,
               draft);
    if (draft->provider.kind == PROVIDER_SIMULATED)
        refuse_for_simulated(check, entry->value);
    complete_provider(check, draft);
}

void check_providers(struct check *check)
{
    const struct node *node = check->providers_node;
    if (node == NULL)
        return;
    if (node->type != NODE_MAP) {
        report_add(check->report, node->at, "'providers' must be a mapping of names to providers");
        check->providers_node = NULL; /* so that no target is said to name an unknown one */
        return;
    }
    for (const struct entry *entry = node->first; entry != NULL; entry = entry->next)
        check_provider(check, entry);
}
