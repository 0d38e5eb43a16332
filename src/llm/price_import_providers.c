/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What one provider is called in different lists, and where it is reached. */
#include "price_import_private.h"

struct known {
    struct span id;
    struct span url;      /* a pattern; empty: genai-prices has it */
    struct span names[4]; /* the others; an empty one ends them */
};

static const struct known table[] = {
    {SPAN_INIT("openai"),
     SPAN_INIT("https://api.openai.com*"),
     {SPAN_INIT("text-completion-openai")}},
    {SPAN_INIT("anthropic"), SPAN_INIT("https://api.anthropic.com*"), {{NULL, 0}}},
    {SPAN_INIT("google"),
     SPAN_INIT("https://*googleapis.com*"),
     {SPAN_INIT("gemini"), SPAN_INIT("vertex_ai"), SPAN_INIT("google-vertex")}},
    {SPAN_INIT("aws"),
     SPAN_INIT("https://bedrock-runtime.*.amazonaws.com*"),
     {SPAN_INIT("bedrock"), SPAN_INIT("bedrock_converse"), SPAN_INIT("amazon-bedrock")}},
    {SPAN_INIT("azure"), SPAN_INIT("https://*.openai.azure.com*"), {SPAN_INIT("azure_ai")}},
    {SPAN_INIT("x-ai"), SPAN_INIT("https://api.x.ai*"), {SPAN_INIT("xai"), SPAN_INIT("grok")}},
    {SPAN_INIT("together"),
     SPAN_INIT("https://api.together.xyz*"),
     {SPAN_INIT("together_ai"), SPAN_INIT("together-ai"), SPAN_INIT("togetherai")}},
    {SPAN_INIT("fireworks"),
     SPAN_INIT("https://api.fireworks.ai*"),
     {SPAN_INIT("fireworks_ai"), SPAN_INIT("fireworks-ai")}},
    {SPAN_INIT("moonshotai"), SPAN_INIT("https://api.moonshot.*"), {SPAN_INIT("moonshot")}},
    {SPAN_INIT("voyageai"), SPAN_INIT("https://api.voyageai.com*"), {SPAN_INIT("voyage")}},
    {SPAN_INIT("cohere"), SPAN_INIT("https://api.cohere.*"), {SPAN_INIT("cohere_chat")}},
    {SPAN_INIT("mistral"), SPAN_INIT("https://api.mistral.ai*"), {{NULL, 0}}},
    {SPAN_INIT("deepseek"), SPAN_INIT("https://api.deepseek.com*"), {{NULL, 0}}},
    {SPAN_INIT("groq"), SPAN_INIT("https://api.groq.com*"), {{NULL, 0}}},
    {SPAN_INIT("perplexity"), SPAN_INIT("https://api.perplexity.ai*"), {{NULL, 0}}},
    {SPAN_INIT("cerebras"), SPAN_INIT("https://api.cerebras.ai*"), {{NULL, 0}}},
    {SPAN_INIT("openrouter"), SPAN_INIT("https://openrouter.ai*"), {{NULL, 0}}},
};

#define NAMES (sizeof(table[0].names) / sizeof(table[0].names[0]))

static const struct known *find(struct span name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (span_equal(table[i].id, name))
            return &table[i];
        for (size_t n = 0; n < NAMES && table[i].names[n].len > 0; n++)
            if (span_equal(table[i].names[n], name))
                return &table[i];
    }
    return NULL;
}

struct span import_provider_id(struct span name)
{
    const struct known *known = find(name);
    return known != NULL ? known->id : name;
}

static bool holds(const struct words *words, struct span text)
{
    for (const struct word *word = words->first; word != NULL; word = word->next)
        if (span_equal(word->text, text))
            return true;
    return false;
}

void import_complete_provider(struct importing *importing, struct catalogue_provider *provider)
{
    struct arena *arena = &importing->catalogue->arena;
    const struct known *known = find(provider->id);
    if (known == NULL || !span_equal(known->id, provider->id))
        return;
    if (provider->urls.first == NULL)
        words_add(&provider->urls, arena, known->url);
    for (size_t n = 0; n < NAMES && known->names[n].len > 0; n++)
        if (!holds(&provider->names, known->names[n]))
            words_add(&provider->names, arena, known->names[n]);
}
