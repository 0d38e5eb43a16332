/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of encodings and grammars, and which model is counted with which encoding: the table of
 * tiktoken's model.py, as far as it names encodings that are built in. A fine-tuned model
 * ("ft:gpt-4.1-mini-2025-04-14:org::id") is counted as the model it was made from.
 */
#include "llm/tokens.h"

#include "base/assert.h"

static const char *const encoding_names[ENCODING_COUNT] = {
    [ENCODING_CL100K_BASE] = "cl100k_base",
    [ENCODING_O200K_BASE] = "o200k_base",
    [ENCODING_O200K_HARMONY] = "o200k_harmony",
};

static const char *const grammar_names[GRAMMAR_COUNT] = {
    [GRAMMAR_CL100K] = "cl100k", [GRAMMAR_O200K] = "o200k",       [GRAMMAR_LLAMA3] = "llama3",
    [GRAMMAR_QWEN] = "qwen",     [GRAMMAR_DEEPSEEK] = "deepseek", [GRAMMAR_TEKKEN] = "tekken",
};

struct model_name {
    struct span name;
    enum encoding encoding;
};

static const struct model_name models[] = {
    {SPAN_INIT("o1"), ENCODING_O200K_BASE},
    {SPAN_INIT("o3"), ENCODING_O200K_BASE},
    {SPAN_INIT("o4-mini"), ENCODING_O200K_BASE},
    {SPAN_INIT("gpt-4.1"), ENCODING_O200K_BASE},
    {SPAN_INIT("gpt-4o"), ENCODING_O200K_BASE},
    {SPAN_INIT("gpt-4"), ENCODING_CL100K_BASE},
    {SPAN_INIT("gpt-3.5-turbo"), ENCODING_CL100K_BASE},
    {SPAN_INIT("gpt-3.5"), ENCODING_CL100K_BASE},
    {SPAN_INIT("gpt-35-turbo"), ENCODING_CL100K_BASE}, /* as deployments are called at Azure */
    {SPAN_INIT("davinci-002"), ENCODING_CL100K_BASE},
    {SPAN_INIT("babbage-002"), ENCODING_CL100K_BASE},
    {SPAN_INIT("text-embedding-ada-002"), ENCODING_CL100K_BASE},
    {SPAN_INIT("text-embedding-3-small"), ENCODING_CL100K_BASE},
    {SPAN_INIT("text-embedding-3-large"), ENCODING_CL100K_BASE},
};

/* The first that fits; none begins with another. */
static const struct model_name prefixes[] = {
    {SPAN_INIT("o1-"), ENCODING_O200K_BASE},
    {SPAN_INIT("o3-"), ENCODING_O200K_BASE},
    {SPAN_INIT("o4-mini-"), ENCODING_O200K_BASE},
    {SPAN_INIT("gpt-5"), ENCODING_O200K_BASE},
    {SPAN_INIT("gpt-4.5-"), ENCODING_O200K_BASE},
    {SPAN_INIT("gpt-4.1-"), ENCODING_O200K_BASE},
    {SPAN_INIT("chatgpt-4o-"), ENCODING_O200K_BASE},
    {SPAN_INIT("gpt-4o-"), ENCODING_O200K_BASE},
    {SPAN_INIT("gpt-4-"), ENCODING_CL100K_BASE},
    {SPAN_INIT("gpt-3.5-turbo-"), ENCODING_CL100K_BASE},
    {SPAN_INIT("gpt-35-turbo-"), ENCODING_CL100K_BASE},
    {SPAN_INIT("gpt-oss-"), ENCODING_O200K_HARMONY},
};

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

const char *encoding_name(enum encoding encoding)
{
    ASSERT(encoding < ENCODING_COUNT);
    return encoding_names[encoding];
}

static bool find_name(struct span name, const char *const *names, unsigned count, unsigned *out)
{
    for (unsigned i = 0; i < count; i++) {
        if (!span_equal(name, span_from_string(names[i])))
            continue;
        *out = i;
        return true;
    }
    return false;
}

bool encoding_find(struct span name, enum encoding *out)
{
    unsigned found;
    if (!find_name(name, encoding_names, ENCODING_COUNT, &found))
        return false;
    *out = (enum encoding)found;
    return true;
}

bool token_grammar_find(struct span name, enum token_grammar *out)
{
    unsigned found;
    if (!find_name(name, grammar_names, GRAMMAR_COUNT, &found))
        return false;
    *out = (enum token_grammar)found;
    return true;
}

bool encoding_of_model(struct span model, enum encoding *out)
{
    if (span_starts_with(model, SPAN("ft:")))
        span_cut(span_from(model, 3), ':', &model);
    for (size_t i = 0; i < COUNT(models); i++) {
        if (!span_equal(model, models[i].name))
            continue;
        *out = models[i].encoding;
        return true;
    }
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        if (!span_starts_with(model, prefixes[i].name))
            continue;
        *out = prefixes[i].encoding;
        return true;
    }
    return false;
}
