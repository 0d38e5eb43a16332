/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of each family of models. OpenAI's are exact for plain text, proven on what was billed;
 * the others start an estimate. docs/internals/counting.md says what each was fitted on.
 */
#include "count_private.h"

/* The first that fits. */
static const struct openai_family openai_families[] = {
    {SPAN_INIT(""), SPAN_INIT("search-preview"), TEMPLATE_BARE, COUNT_NEAR, 0, 0, 0, 0},
    {SPAN_INIT(""), SPAN_INIT("audio-preview"), TEMPLATE_CLASSIC, COUNT_NEAR, 2, 3, 0, 0},
    {SPAN_INIT("gpt-audio"), SPAN_INIT(""), TEMPLATE_CLASSIC, COUNT_NEAR, 2, 3, 0, 0},
    {SPAN_INIT("computer-use"), SPAN_INIT(""), TEMPLATE_CLASSIC, COUNT_NEAR, 2, 3, 0, 0},
    {SPAN_INIT("gpt-3.5-turbo-0301"), SPAN_INIT(""), TEMPLATE_CLASSIC, COUNT_EXACT, 3, 4, 0, -1},
    {SPAN_INIT("o1-mini"), SPAN_INIT(""), TEMPLATE_CHANNELS, COUNT_NEAR, 10, 3, 0, 0},
    {SPAN_INIT("o1-preview"), SPAN_INIT(""), TEMPLATE_CHANNELS, COUNT_NEAR, 10, 3, 0, 0},
    {SPAN_INIT("o1"), SPAN_INIT(""), TEMPLATE_CHANNELS, COUNT_NEAR, 2, 3, 0, 0},
    {SPAN_INIT("o3-mini"), SPAN_INIT(""), TEMPLATE_CHANNELS, COUNT_EXACT, 2, 3, 0, 0},
    {SPAN_INIT("o3"), SPAN_INIT(""), TEMPLATE_CHANNELS, COUNT_EXACT, 2, 3, 2, 0},
    {SPAN_INIT("o4"), SPAN_INIT(""), TEMPLATE_CHANNELS, COUNT_EXACT, 2, 3, 2, 0},
    {SPAN_INIT("gpt-5"), SPAN_INIT(""), TEMPLATE_CHANNELS, COUNT_EXACT, 2, 3, 2, 0},
    {SPAN_INIT("codex"), SPAN_INIT(""), TEMPLATE_CHANNELS, COUNT_NEAR, 2, 3, 2, 0},
    {SPAN_INIT("gpt-oss"), SPAN_INIT(""), TEMPLATE_CHANNELS, COUNT_ESTIMATE, 67, 3, 2, 0},
    {SPAN_INIT("gpt-3.5"), SPAN_INIT(""), TEMPLATE_CLASSIC, COUNT_EXACT, 3, 3, 0, 0},
    {SPAN_INIT("gpt-35"), SPAN_INIT(""), TEMPLATE_CLASSIC, COUNT_EXACT, 3, 3, 0, 0},
    {SPAN_INIT("gpt-4"), SPAN_INIT(""), TEMPLATE_CLASSIC, COUNT_EXACT, 3, 3, 0, 0},
    {SPAN_INIT("gpt-"), SPAN_INIT(""), TEMPLATE_CHANNELS, COUNT_ESTIMATE, 2, 3, 2, 0},
    {SPAN_INIT("chatgpt"), SPAN_INIT(""), TEMPLATE_CLASSIC, COUNT_NEAR, 3, 3, 0, 0},
    {SPAN_INIT("text-embedding"), SPAN_INIT(""), TEMPLATE_BARE, COUNT_EXACT, 0, 0, 0, 0},
    {SPAN_INIT("davinci"), SPAN_INIT(""), TEMPLATE_BARE, COUNT_EXACT, 0, 0, 0, 0},
    {SPAN_INIT("babbage"), SPAN_INIT(""), TEMPLATE_BARE, COUNT_EXACT, 0, 0, 0, 0},
    {SPAN_INIT("curie"), SPAN_INIT(""), TEMPLATE_BARE, COUNT_EXACT, 0, 0, 0, 0},
};

#define CLAUDE(tools_auto, tools_more)                                                          \
    .non_ascii = 0.3, .tool_ratio = 1.0, .syntax = 1.0, .tool = 24, .call = 52, .thinking = 29, \
    .format = 130, .tools = (tools_auto), .forced = (tools_more)

#define CLAUDE_3 .base = 4.5, .message = 5, .ratio = 1.04
#define CLAUDE_4 .base = 2.2, .message = 5, .ratio = 1.05
#define CLAUDE_5 .base = 0, .message = 3.2, .ratio = 1.4 /* a new vocabulary, from Opus 4.7 on */

#define GEMINI .ratio = 1.0, .tool_ratio = 1.0, .single_digits = true, .contraction = 2

#define MISTRAL                                                                                   \
    .message = 2, .ratio = 1.02, .non_ascii = 0.2, .tool_ratio = 1.1, .syntax = 1.1, .tools = 17, \
    .tool = 6, .call = 5, .none_drops = true, .single_digits = true, .contraction = 1,            \
    .thoughts = true

#define LLAMA                                                                              \
    .message = 4, .ratio = 1.01, .tool_ratio = 1.1, .syntax = 1.1, .tool = 10, .call = 30, \
    .none_drops = true

/* The first that fits; the last fits all. Anthropic publishes the hidden prompt of its tools. */
static const struct vendor_family vendor_families[] = {
    {SPAN_INIT("claude-3-opus"), CLAUDE_3, CLAUDE(530, -249)},
    {SPAN_INIT("claude-3-5-haiku"), CLAUDE_3, CLAUDE(264, 76)},
    {SPAN_INIT("claude-3-7"), CLAUDE_4, CLAUDE(346, -33)},
    {SPAN_INIT("claude-3"), CLAUDE_3, CLAUDE(294, -33)},
    {SPAN_INIT("claude-2"), CLAUDE_3, CLAUDE(294, -33)},
    {SPAN_INIT("claude-sonnet-4-2"), CLAUDE_4, CLAUDE(313, 0)},
    {SPAN_INIT("claude-sonnet-4-0"), CLAUDE_4, CLAUDE(313, 0)},
    {SPAN_INIT("claude-opus-4-2"), CLAUDE_4, CLAUDE(313, 0)},
    {SPAN_INIT("claude-opus-4-0"), CLAUDE_4, CLAUDE(313, 0)},
    {SPAN_INIT("claude-opus-4-1"), CLAUDE_4, CLAUDE(313, 0)},
    {SPAN_INIT("claude-opus-4-7"), CLAUDE_5, CLAUDE(675, 129)},
    {SPAN_INIT("claude-opus-4-8"), CLAUDE_5, CLAUDE(290, 120)},
    {SPAN_INIT("claude-opus-4"), CLAUDE_4, CLAUDE(496, 93), .parallel = 183},
    {SPAN_INIT("claude-sonnet-4"), CLAUDE_4, CLAUDE(496, 93), .parallel = 183},
    {SPAN_INIT("claude-haiku-4"), CLAUDE_4, CLAUDE(496, 93), .parallel = 183},
    {SPAN_INIT("claude"), CLAUDE_5, CLAUDE(286, 120)},
    {SPAN_INIT("gemini-1"), GEMINI, .message = 0.5, .tool = 3},
    {SPAN_INIT("gemini-2.0"), GEMINI, .tool = 3},
    {SPAN_INIT("gemini-2.5"), GEMINI, .message = 1, .syntax = 1.0, .opaque_vertex = 0.12, .tool = 3,
     .tool_syntax = 4, .call = 17},
    {SPAN_INIT("gemini"), GEMINI, .message = 1, .syntax = 1.0, .opaque = 0.205, .tool = 1,
     .parameters = 16, .call = 13},
    {SPAN_INIT("mistral-small"), MISTRAL, .base = 13},
    {SPAN_INIT("magistral-small"), MISTRAL, .base = 13},
    {SPAN_INIT("mistral-embed"), .message = 2, .ratio = 1.0, .single_digits = true,
     .contraction = 1},
    {SPAN_INIT("mistral"), MISTRAL, .base = 1},
    {SPAN_INIT("magistral"), MISTRAL, .base = 1},
    {SPAN_INIT("ministral"), MISTRAL, .base = 1},
    {SPAN_INIT("codestral"), MISTRAL, .base = 1},
    {SPAN_INIT("devstral"), MISTRAL, .base = 1},
    {SPAN_INIT("pixtral"), MISTRAL, .base = 1},
    {SPAN_INIT("open-mi"), MISTRAL, .base = 1},
    {SPAN_INIT("deepseek"), .base = 3.5, .message = 0.8, .ratio = 1.0, .tool_ratio = 1.2,
     .syntax = 1.2, .tools = 225, .tool = 10, .call = 42, .json_mode = 20, .responses = 79,
     .none_drops = true},
    {SPAN_INIT("grok"), .base = 186, .message = 5, .ratio = 1.0, .tool_ratio = 1.3, .syntax = 1.3,
     .opaque = 0.172, .tools = 15, .tool = 10, .call = 5, .format = 1, .json_mode = 20,
     .keeps_sealed = true},
    {SPAN_INIT("llama-4"), LLAMA, .base = 6, .tools = 645},
    {SPAN_INIT("llama-3.3"), LLAMA, .base = 42, .tools = 100},
    {SPAN_INIT("llama-3.1"), LLAMA, .base = 42, .tools = 100},
    {SPAN_INIT("llama"), LLAMA, .base = 6, .tools = 100},
    {SPAN_INIT("qwen"), .base = 4, .message = 4, .ratio = 1.05, .tool_ratio = 1.1, .syntax = 1.1,
     .tools = 100, .tool = 10, .call = 20, .unthinking = 4, .single_digits = true},
    {SPAN_INIT("gemma"), .base = 3, .message = 4, .ratio = 1.07, .tool_ratio = 1.1,
     .single_digits = true},
    {SPAN_INIT(""), .base = 3, .message = 4, .ratio = 1.03, .non_ascii = 0.1, .tool_ratio = 1.1,
     .syntax = 1.1, .tools = 100, .tool = 10, .call = 20, .none_drops = true},
};

/* Without "ft:" and the maker's name that gateways put before it ("openai/"). */
static struct span bare_name(struct span model)
{
    if (span_starts_with(model, SPAN("ft:")))
        model = span_from(model, 3);
    for (size_t slash = span_find(model, '/'); slash < model.len; slash = span_find(model, '/'))
        model = span_from(model, slash + 1);
    return model;
}

const struct openai_family *openai_family_find(struct span model)
{
    struct span name = bare_name(model);
    for (size_t i = 0; i < COUNT_OF(openai_families); i++) {
        const struct openai_family *family = &openai_families[i];
        if (!span_starts_with(name, family->prefix))
            continue;
        if (family->infix.len == 0 || span_search(name, family->infix) < name.len)
            return family;
    }
    return NULL;
}

static const struct vendor_family *find_vendor(struct span name)
{
    size_t i = 0;
    while (!span_starts_with(name, vendor_families[i].prefix))
        i++;
    return &vendor_families[i];
}

const struct vendor_family *vendor_family_find(struct span model, enum body_kind kind)
{
    const struct vendor_family *family = find_vendor(bare_name(model));
    if (family->prefix.len > 0)
        return family;
    if (kind == BODY_MESSAGES)
        return find_vendor(SPAN("claude"));
    return kind == BODY_GEMINI ? find_vendor(SPAN("gemini")) : family;
}
