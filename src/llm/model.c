/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of families of models, by a model's name at its provider: what providers add to a
 * request and bill, what an image costs at most, whether the tokenizer sees the very bytes.
 *
 * Bytes already cover the chat format: framing costs 3 tokens and the role's a message (5 on
 * reasoning models) and 3 for the reply's start, while the shortest message is {"role":"user"}, 15
 * bytes, and the shortest body around it 25. So only what is not in the body at all counts here: a
 * system prompt of the template, the preamble that tools switch on, a reasoning mode's instructions.
 * Figures are the most seen in recorded requests and their usage, or published, with a margin of a
 * half and more (docs/internals/bound.md). A model nobody here knows gets more.
 *
 * Names at a provider may be a deployment's or an alias; the operator's `hidden_input` is the
 * answer to those.
 */
#include "llm/model.h"

#include <stddef.h>

/* Models that search on their own put what they find into the prompt (14,000 tokens seen for a
 * request of 200 bytes), and the newest take images whole: nothing below the context window bounds
 * them. */
#define A_WHOLE_WINDOW (INT64_C(1) << 30)

#define BYTES MODEL_SAME_BYTES
#define SEES  MODEL_SEES

#define MODEL(name, plain, tools, reasoning, image, traits)       \
    {                                                             \
        SPAN_INIT(name), plain, tools, reasoning, image, (traits) \
    }

/* The longest prefix counts. */
static const struct model_family table[] = {
    MODEL("ada", 64, 0, 0, 0, BYTES),
    MODEL("babbage", 64, 0, 0, 0, BYTES),
    MODEL("curie", 64, 0, 0, 0, BYTES),
    MODEL("davinci", 64, 0, 0, 0, BYTES),
    MODEL("text-embedding", 64, 0, 0, 0, BYTES),
    MODEL("gpt-3.5", 64, 192, 0, 0, BYTES),
    MODEL("gpt-4", 64, 192, 0, 2048, BYTES | SEES),        /* 85 + 8 tiles of 170: 1,445 */
    MODEL("gpt-4o-mini", 64, 192, 0, 65536, BYTES | SEES), /* 2,833 + 8 × 5,667: 48,169 */
    MODEL("gpt-4.1-mini", 64, 192, 0, 4096, BYTES | SEES), /* 1,536 patches × 1.62 */
    MODEL("gpt-4.1-nano", 64, 192, 0, 6144, BYTES | SEES), /* × 2.46: 3,779 */
    MODEL("gpt-5", 256, 512, 2048, 6144, BYTES | SEES), /* 82 with tools; 1,531 in a "pro" mode */
    MODEL("gpt-5.", 256, 512, 2048, A_WHOLE_WINDOW, BYTES | SEES), /* 5.6: as many as there are */
    MODEL("gpt-5.1", 256, 512, 2048, 6144, BYTES | SEES),
    MODEL("gpt-5.2", 256, 512, 2048, 6144, BYTES | SEES),
    MODEL("gpt-5.4", 256, 512, 2048, 32768, BYTES | SEES), /* "original": 10,000 × 2.46 */
    MODEL("gpt-5.5", 256, 512, 2048, 32768, BYTES | SEES),
    MODEL("gpt-5-search", A_WHOLE_WINDOW, 0, 0, 0, BYTES),
    MODEL("gpt-4o-search", A_WHOLE_WINDOW, 0, 0, 0, BYTES),
    MODEL("gpt-4o-mini-search", A_WHOLE_WINDOW, 0, 0, 0, BYTES),
    MODEL("gpt-oss", 256, 256, 256, 0, BYTES), /* the harmony template's system message: about 80 */
    MODEL("o1", 128, 512, 1024, 2048, BYTES | SEES), /* 75 + 8 × 150: 1,275 */
    MODEL("o3", 128, 512, 1024, 2048, BYTES | SEES),
    MODEL("o4", 128, 512, 1024, 4096, BYTES | SEES), /* 1,536 × 1.72 */
    MODEL("compound", A_WHOLE_WINDOW, 0, 0, 0, 0),
    MODEL("sonar", A_WHOLE_WINDOW, 0, 0, 0, 0),   /* Perplexity's: they search unasked */
    MODEL("claude", 256, 1792, 1024, 6144, SEES), /* 286 to 804 with tools; an image 4,784 */
    MODEL("gemini", 128, 512, 512, 16384, SEES),  /* 258 a tile; 2,240 at the highest resolution */
    MODEL("llama", 128, 1152, 256, 8192, BYTES | MODEL_INDENTS), /* 630 with one tool */
    MODEL("llama-2", 128, 1152, 256, 0, MODEL_INDENTS),
    MODEL("llama2", 128, 1152, 256, 0, MODEL_INDENTS),
    MODEL("llama-4", 128, 1152, 256, 8192, BYTES | SEES | MODEL_INDENTS), /* 17 tiles of 145 */
    MODEL("meta-llama", 128, 1152, 256, 8192, BYTES | MODEL_INDENTS),
    MODEL("mistral", 128, 256, 512, 8192, SEES), /* 64 rows of 65: 4,160 */
    MODEL("ministral", 128, 256, 512, 8192, SEES),
    MODEL("magistral", 512, 256, 512, 8192, SEES),
    MODEL("pixtral", 128, 256, 512, 8192, SEES),
    MODEL("codestral", 128, 256, 512, 0, 0),
    MODEL("mistral-embed", 128, 0, 0, 0, 0),
    MODEL("deepseek", 128, 768, 256, 0, BYTES), /* 230 with one tool */
    MODEL("qwen", 128, 512, 256, 32768, 0),
    MODEL("qwen-vl", 128, 512, 256, 32768, SEES), /* 16,384 */
    MODEL("qwen2-vl", 128, 512, 256, 32768, SEES),
    MODEL("qwen2.5-vl", 128, 512, 256, 32768, SEES),
    MODEL("qwen3-vl", 128, 512, 256, 32768, SEES),
    MODEL("grok", 512, 1024, 1024, 8192, SEES), /* 180 always; 7 tiles of 256 */
};

/* An image costs more than any whose price is published with an end to it. */
static const struct model_family unknown = MODEL("", 1024, 1024, 1024, 65536, MODEL_INDENTS);

/* Adds nothing, and sees what is written to it. */
static const struct model_family simulated = MODEL("sim", 0, 0, 0, 0, BYTES | SEES | MODEL_LITERAL);

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

static const struct model_family *find(struct span name)
{
    const struct model_family *best = &unknown;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (has_prefix(name, table[i].prefix) && table[i].prefix.len > best->prefix.len)
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

const struct model_family *model_family(struct span model)
{
    return is_simulated(model) ? &simulated : find(without_vendor(model));
}

/* Hosts put words of their own before each text that is embedded (Voyage: "Represent the document for
 * retrieval: "); OpenAI does not, nor does anybody before a completion's prompts. */
#define EMBEDDING_WORDS 64

int64_t model_hidden_input(struct span model, const struct call *call)
{
    const struct model_family *family = model_family(model);
    int64_t hidden = family->plain;
    if (call->has_tools || call->has_schema)
        hidden += family->tools;
    if (call->has_reasoning)
        hidden += family->reasoning;
    if (call->kind == CALL_EMBEDDINGS && (family->traits & MODEL_SAME_BYTES) == 0)
        hidden += EMBEDDING_WORDS * call->prompts;
    return hidden;
}
