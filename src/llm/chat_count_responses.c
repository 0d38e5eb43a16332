/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Responses API: instructions are a system message, `input` is a user's text or a list of items.
 * What lies at the provider (previous_response_id, conversation, prompt, item references) is not
 * seen: an estimate. Reasoning counts from the last message of the user's on; a compaction item
 * stands for all items before it.
 */
#include "count_private.h"

#define TOOL_ROLE       1 /* T("system") and the other roles: one token */
#define CALL_END        2
#define CALL_CHANNELS   2
#define CALL_PARALLEL   5 /* channels: each of several in a row */
#define RESULT_CLASSIC  (-2)
#define RESULT_CHANNELS 2
#define RESULT_GPT54    5
#define NAMED_SPACE     6 /* a call in a namespace of its own */
#define SEARCH_CALL     10
#define SEARCHED        25 /* what is left of a search for tools once it is history */

enum {
    I_TYPE,
    I_ROLE,
    I_CONTENT,
    I_CALL_ID,
    I_NAME,
    I_ARGUMENTS,
    I_OUTPUT,
    I_ENCRYPTED,
    I_TOOLS,
    I_NAMESPACE,
    I_FIELDS
};
static const struct span item_keys[I_FIELDS] = {
    SPAN_INIT("type"),    SPAN_INIT("role"),
    SPAN_INIT("content"), SPAN_INIT("call_id"),
    SPAN_INIT("name"),    SPAN_INIT("arguments"),
    SPAN_INIT("output"),  SPAN_INIT("encrypted_content"),
    SPAN_INIT("tools"),   SPAN_INIT("namespace"),
};

/* What is remembered from item to item. */
struct item_walk {
    int64_t roles[4]; /* before the first item */
    int calls;        /* in a row */
};

static int64_t named_tokens(struct counter *counter, struct span head, struct member name)
{
    struct arena *scratch = counter->request->scratch;
    struct arena_mark mark = arena_mark(scratch);
    struct span parts[] = {head, count_decode(counter, name)};
    struct span text = arena_join(scratch, parts, 2);
    int64_t tokens = text.len > 0 ? count_tokens(counter, text) : count_tokens(counter, head);
    arena_rewind(scratch, mark);
    return tokens;
}

static void frame_message(struct counter *counter, enum count_role role)
{
    const struct openai_family *family = counter->openai;
    counter->out->features.messages++;
    if (family == NULL || family->template == TEMPLATE_BARE)
        return;
    count_frame(counter, role, family->message + TOOL_ROLE);
    if (role == COUNT_ROLE_ASSISTANT)
        count_frame(counter, role, family->assistant);
}

static void item_message(struct counter *counter, const struct member *fields)
{
    enum count_role role = count_role_of(fields[I_ROLE]);
    if (role == COUNT_ROLE_USER)
        count_turn(counter);
    count_content(counter, role, fields[I_CONTENT], false);
    frame_message(counter, role);
}

static void item_call(struct counter *counter, const struct member *fields, struct item_walk *walk)
{
    const struct openai_family *family = counter->openai;
    count_degrade(counter, COUNT_NEAR);
    count_call_keep(counter, member_raw(fields[I_CALL_ID]), member_raw(fields[I_NAME]));
    walk->calls++;
    if (family == NULL) {
        count_call_vendor(counter, fields[I_NAME], fields[I_ARGUMENTS]);
        return;
    }
    count_json(counter, COUNT_ROLE_ASSISTANT, fields[I_ARGUMENTS]);
    int64_t frame = family->message + CALL_END +
                    named_tokens(counter, SPAN("assistant to=functions."), fields[I_NAME]);
    if (family->template == TEMPLATE_CHANNELS) {
        frame += CALL_CHANNELS;
        if (walk->calls > 1)
            frame += walk->calls == 2 ? 2 * CALL_PARALLEL : CALL_PARALLEL;
        if (fields[I_NAMESPACE].type == JSON_STRING)
            frame += NAMED_SPACE;
    }
    count_frame(counter, COUNT_ROLE_ASSISTANT, frame);
}

static bool is_gpt54(const struct counter *counter)
{
    return span_search(counter->request->model, SPAN("gpt-5.4")) < counter->request->model.len;
}

static void item_result(struct counter *counter, const struct member *fields)
{
    const struct openai_family *family = counter->openai;
    counter->out->features.messages++;
    count_degrade(counter, COUNT_NEAR);
    count_content(counter, COUNT_ROLE_TOOL, fields[I_OUTPUT], false);
    if (family == NULL)
        return;
    struct span name = count_call_name(counter, member_raw(fields[I_CALL_ID]));
    struct member known = {SPAN_NONE, JSON_NULL};
    if (name.len > 0)
        known = (struct member){span_make(name.ptr - 1, name.len + 2), JSON_STRING};
    int64_t frame = family->message + named_tokens(counter, SPAN("functions."), known);
    if (family->template == TEMPLATE_CHANNELS)
        frame += is_gpt54(counter) ? RESULT_GPT54 : RESULT_CHANNELS;
    else
        frame += RESULT_CLASSIC;
    count_frame(counter, COUNT_ROLE_TOOL, frame);
}

/* All items before it are in it, sealed. */
static void item_compaction(struct counter *counter, const struct member *fields,
                            const struct item_walk *walk)
{
    for (size_t i = 0; i < COUNT_OF(walk->roles); i++)
        counter->roles[i] = walk->roles[i];
    count_turn(counter);
    count_sealed(counter, fields[I_ENCRYPTED]);
    count_frame(counter, COUNT_ROLE_ASSISTANT, counter->sealed_tokens);
    count_turn(counter);
    count_degrade(counter, COUNT_ESTIMATE);
}

static void item_search(struct counter *counter, const struct member *fields, bool call)
{
    count_degrade(counter, COUNT_ESTIMATE);
    counter->out->features.has_hosted = true;
    if (call) {
        count_json(counter, COUNT_ROLE_ASSISTANT, fields[I_ARGUMENTS]);
        count_frame(counter, COUNT_ROLE_ASSISTANT, SEARCH_CALL);
    } else {
        count_tools_added(counter, fields[I_TOOLS]);
        if (counter->searches)
            count_structure(counter, COUNT_ROLE_SYSTEM, SEARCHED - COUNT_SEARCH);
        counter->searches = false;
    }
}

/* Anything else: its JSON's text. */
static void item_other(struct counter *counter, struct member item, const struct member *fields)
{
    count_degrade(counter, COUNT_ESTIMATE);
    counter->out->features.has_hosted = true;
    if (item.value.len > 0 && fields[I_TYPE].type != JSON_NULL &&
        (member_is(fields[I_TYPE], SPAN("item_reference")) ||
         member_is(fields[I_TYPE], SPAN("image_generation_call"))))
        return;
    count_json(counter, COUNT_ROLE_ASSISTANT, item);
}

static void count_item(struct counter *counter, struct member item, struct item_walk *walk)
{
    struct member fields[I_FIELDS];
    members_read(item, item_keys, I_FIELDS, fields);
    struct member type = fields[I_TYPE];
    bool call = member_is(type, SPAN("function_call"));
    if (!call)
        walk->calls = 0;
    if (item.type == JSON_STRING ||
        (item.type == JSON_OBJECT &&
         (type.type == JSON_NULL || member_is(type, SPAN("message"))))) {
        if (item.type == JSON_STRING)
            fields[I_CONTENT] = item;
        item_message(counter, fields);
    } else if (call) {
        item_call(counter, fields, walk);
    } else if (member_is(type, SPAN("function_call_output"))) {
        item_result(counter, fields);
    } else if (member_is(type, SPAN("reasoning"))) {
        count_sealed(counter, fields[I_ENCRYPTED]);
    } else if (member_is(type, SPAN("compaction"))) {
        item_compaction(counter, fields, walk);
    } else if (member_is(type, SPAN("additional_tools"))) {
        count_tools_added(counter, fields[I_TOOLS]);
    } else if (member_is(type, SPAN("tool_search_call")) ||
               member_is(type, SPAN("tool_search_output"))) {
        item_search(counter, fields, member_is(type, SPAN("tool_search_call")));
    } else {
        item_other(counter, item, fields);
    }
}

static void count_input(struct counter *counter, struct member input)
{
    struct item_walk walk = {.calls = 0};
    size_t at = 0;
    struct span none;
    struct member item;
    for (size_t i = 0; i < COUNT_OF(walk.roles); i++)
        walk.roles[i] = counter->roles[i];
    if (input.type != JSON_ARRAY) {
        if (input.type != JSON_NULL)
            count_item(counter, input, &walk);
        count_print_message(counter);
        return;
    }
    while (json_walk(input.value, &at, &none, &item.value, &item.type)) {
        count_item(counter, item, &walk);
        count_print_message(counter);
    }
}

enum {
    B_INSTRUCTIONS,
    B_INPUT,
    B_TOOLS,
    B_CHOICE,
    B_PARALLEL,
    B_TEXT,
    B_PREVIOUS,
    B_CONVERSATION,
    B_PROMPT,
    B_REASONING,
    B_FIELDS
};
static const struct span body_keys[B_FIELDS] = {
    SPAN_INIT("instructions"),
    SPAN_INIT("input"),
    SPAN_INIT("tools"),
    SPAN_INIT("tool_choice"),
    SPAN_INIT("parallel_tool_calls"),
    SPAN_INIT("text"),
    SPAN_INIT("previous_response_id"),
    SPAN_INIT("conversation"),
    SPAN_INIT("prompt"),
    SPAN_INIT("reasoning"),
};

/* What is kept at the provider, and modes that run the prompt more than once. */
static void look_for_hidden(struct counter *counter, const struct member *fields)
{
    static const struct span keys[] = {SPAN_INIT("mode")};
    struct member mode;
    members_read(fields[B_REASONING], keys, 1, &mode);
    bool hidden = member_raw(fields[B_PREVIOUS]).len > 0 ||
                  fields[B_CONVERSATION].type != JSON_NULL || fields[B_PROMPT].type != JSON_NULL ||
                  member_is(mode, SPAN("pro"));
    if (!hidden)
        return;
    counter->out->features.has_hosted = true;
    count_degrade(counter, COUNT_ESTIMATE);
}

void chat_count_responses(struct counter *counter, struct member body)
{
    static const struct span keys[] = {SPAN_INIT("format")};
    struct member fields[B_FIELDS];
    struct member format;
    members_read(body, body_keys, B_FIELDS, fields);
    members_read(fields[B_TEXT], keys, 1, &format);
    counter->responses = true;
    look_for_hidden(counter, fields);
    if (member_raw(fields[B_INSTRUCTIONS]).len > 0) {
        count_string(counter, COUNT_ROLE_SYSTEM, fields[B_INSTRUCTIONS]);
        frame_message(counter, COUNT_ROLE_SYSTEM);
    }
    struct tool_request tools = {
        .tools = fields[B_TOOLS], .choice = fields[B_CHOICE], .parallel = fields[B_PARALLEL]};
    count_print(counter, tools.tools);
    count_print(counter, format);
    count_tools_openai(counter, &tools);
    count_format_openai(counter, format);
    count_input(counter, fields[B_INPUT]);
    if (counter->vendor != NULL)
        count_structure(counter, COUNT_ROLE_SYSTEM, counter->vendor->responses);
    else if (counter->sealed_tokens > 0)
        count_frame(counter, COUNT_ROLE_ASSISTANT, counter->sealed_tokens);
}
