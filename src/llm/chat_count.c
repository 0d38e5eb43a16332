/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input count: picks the family, walks the body, sums up. Whatever a body holds, each of its
 * bytes is looked at a bounded number of times, and nothing fails.
 */
#include "count_private.h"

const char *count_quality_name(enum count_quality quality)
{
    static const char *const names[] = {"exact", "near", "estimate"};
    return names[quality];
}

enum encoding model_encoding(struct span model, bool *is_exact)
{
    enum encoding encoding = ENCODING_O200K_BASE;
    *is_exact = encoding_of_model(model, &encoding);
    return encoding;
}

/* The line through the features, as an estimate starts (llm/estimate.h). */
static int64_t vendor_total(const struct counter *counter)
{
    const struct vendor_family *vendor = counter->vendor;
    const struct count_features *features = &counter->out->features;
    double more = vendor->base + vendor->message * (double)features->messages +
                  (vendor->ratio - 1.0) * (double)features->text_tokens +
                  vendor->non_ascii * (double)features->non_ascii +
                  vendor->opaque * (double)features->opaque_bytes;
    return (int64_t)(more + 0.5);
}

static void pick_family(struct counter *counter)
{
    const struct count_request *request = counter->request;
    bool foreign = request->kind == BODY_MESSAGES || request->kind == BODY_GEMINI;
    counter->openai = foreign ? NULL : openai_family_find(request->model);
    counter->vendor =
        counter->openai == NULL ? vendor_family_find(request->model, request->kind) : NULL;
    bool bare = request->kind == BODY_COMPLETIONS || request->kind == BODY_EMBEDDINGS;
    if (counter->openai == NULL || !request->tokenizer_is_exact)
        counter->out->quality = COUNT_ESTIMATE;
    else
        counter->out->quality = bare ? COUNT_EXACT : counter->openai->best;
    if (counter->openai != NULL && !bare)
        counter->unowned = counter->openai->base;
}

static void walk_body(struct counter *counter)
{
    struct member body = {counter->request->body, JSON_OBJECT};
    switch (counter->request->kind) {
    case BODY_CHAT:
        chat_count_chat(counter, body);
        return;
    case BODY_RESPONSES:
        chat_count_responses(counter, body);
        return;
    case BODY_COMPLETIONS:
    case BODY_EMBEDDINGS:
        chat_count_prompts(counter, body);
        return;
    case BODY_MESSAGES:
        chat_count_messages(counter, body);
        return;
    case BODY_GEMINI:
        chat_count_gemini(counter, body);
        return;
    }
}

/* White space may stand around the root. */
static struct span trimmed(struct span body)
{
    while (body.len > 0 && body.ptr[0] != '{' && (unsigned char)body.ptr[0] <= ' ')
        body = span_from(body, 1);
    return body;
}

void input_count(const struct count_request *request, struct input_count *out)
{
    struct count_request trim = *request;
    struct counter counter = {.request = &trim, .out = out};
    struct arena_mark mark = arena_mark(request->scratch);
    *out = (struct input_count){.tokens = 0};
    trim.body = trimmed(request->body);
    pick_family(&counter);
    if (trim.body.len > 0 && trim.body.ptr[0] == '{') {
        walk_body(&counter);
    } else {
        count_degrade(&counter, COUNT_ESTIMATE);
        count_text(&counter, COUNT_ROLE_USER, trim.body);
    }
    arena_rewind(request->scratch, mark);
    out->features.opaque_bytes = counter.sealed_bytes;
    count_prints_end(&counter);
    out->by_role = (struct tokens_by_role){
        .system = counter.roles[COUNT_ROLE_SYSTEM],
        .user = counter.roles[COUNT_ROLE_USER],
        .assistant = counter.roles[COUNT_ROLE_ASSISTANT],
        .tool = counter.roles[COUNT_ROLE_TOOL],
    };
    int64_t sum =
        out->by_role.system + out->by_role.user + out->by_role.assistant + out->by_role.tool;
    int64_t rest = counter.vendor != NULL ? vendor_total(&counter) : counter.unowned;
    out->tokens = sum + (rest > 0 ? rest : 0);
}
