/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What providers add to a request and bill, by the model's name.
 *
 * The bound on input is the bytes we send plus this. Bytes already cover the chat format: framing
 * costs 3 tokens and the role's a message (5 on reasoning models) and 3 for the reply's start,
 * while the shortest message is {"role":"user"}, 15 bytes, and the shortest body around it 25. So
 * only what is not in the body at all counts here: a system prompt of the template, the preamble
 * that tools switch on, a reasoning mode's instructions. Figures are the most seen in recorded
 * requests and their usage, with a margin. A model nobody here knows gets more.
 *
 * Names at a provider may be a deployment's or an alias; the operator's `hidden_input` is the
 * answer to those.
 */
#include "llm/model.h"

#include <stdbool.h>
#include <stddef.h>

/* Tokens beside the body: always, and what tools and an asked-for reasoning effort add to that. */
struct hidden {
    struct span prefix;
    int64_t plain;
    int64_t tools;
    int64_t reasoning;
};

/* Models that search on their own put what they find into the prompt (14,000 tokens seen for a
 * request of 200 bytes): nothing below the context window bounds them. */
#define A_WHOLE_WINDOW (INT64_C(1) << 30)

#define MODEL(name, plain, tools, reasoning)      \
    {                                             \
        SPAN(name), (plain), (tools), (reasoning) \
    }

static const struct hidden table[] = {
    MODEL("gpt-3.5", 64, 192, 0),
    MODEL("gpt-4", 64, 192, 0),
    MODEL("gpt-5", 256, 512, 2048), /* 82 with tools; 1,531 in a "pro" mode */
    MODEL("gpt-5-search", A_WHOLE_WINDOW, 0, 0),
    MODEL("gpt-oss", 256, 256, 256), /* the harmony template's system message: about 80 */
    MODEL("o1", 128, 512, 1024),
    MODEL("o3", 128, 512, 1024),
    MODEL("o4", 128, 512, 1024),
    MODEL("compound", A_WHOLE_WINDOW, 0, 0),
    MODEL("claude", 256, 1792, 1024), /* 286 to 804 with tools, by model and tool choice */
    MODEL("gemini", 128, 512, 512),
    MODEL("llama", 128, 1152, 256), /* 630 with one tool */
    MODEL("meta-llama", 128, 1152, 256),
    MODEL("mistral", 128, 256, 512),
    MODEL("ministral", 128, 256, 512),
    MODEL("magistral", 512, 256, 512),
    MODEL("codestral", 128, 256, 512),
    MODEL("deepseek", 128, 768, 256), /* 230 with one tool */
    MODEL("qwen", 128, 512, 256),
    MODEL("grok", 512, 1024, 1024), /* 180 always */
};

static const struct hidden unknown = MODEL("", 1024, 1024, 1024);

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A prefix that ends in a digit must end the number: "o1" is no prefix of "o12". */
static bool has_prefix(struct span name, struct span prefix)
{
    if (!span_starts_with_nocase(name, prefix))
        return false;
    return name.len == prefix.len || !is_digit(prefix.ptr[prefix.len - 1]) ||
           !is_digit(name.ptr[prefix.len]);
}

static const struct hidden *find(struct span name)
{
    const struct hidden *best = NULL;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (has_prefix(name, table[i].prefix) &&
            (best == NULL || table[i].prefix.len > best->prefix.len))
            best = &table[i];
    return best;
}

/* "meta-llama/Llama-3.3-70B" → "Llama-3.3-70B": hosts of many vendors put the vendor in front. */
static struct span without_vendor(struct span name)
{
    for (size_t i = name.len; i > 0; i--)
        if (name.ptr[i - 1] == '/')
            return span_from(name, i);
    return name;
}

/* The simulated provider's names: "sim", "sim:out=64", "sim-large", "simulated"; not "simple-1". It
 * adds nothing. */
static bool is_simulated(struct span name)
{
    if (!span_starts_with(name, SPAN("sim")))
        return false;
    struct span rest = span_from(name, SPAN("sim").len);
    return rest.len == 0 || !is_letter(rest.ptr[0]) || span_starts_with(rest, SPAN("ulated"));
}

int64_t model_hidden_input(struct span model, const struct call *call)
{
    if (is_simulated(model))
        return 0;
    const struct hidden *hidden = find(without_vendor(model));
    if (hidden == NULL)
        hidden = &unknown;
    return hidden->plain + (call->has_tools ? hidden->tools : 0) +
           (call->has_reasoning ? hidden->reasoning : 0);
}

int64_t model_input_bound(uint64_t bytes, int64_t hidden_input, int64_t context_window)
{
    int64_t bound;
    if (__builtin_add_overflow(bytes, hidden_input, &bound))
        bound = INT64_MAX;
    return context_window > 0 && bound > context_window ? context_window : bound;
}
