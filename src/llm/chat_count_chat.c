/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat completions: messages in the template of the model's family. Tool calls stand in messages
 * "to=functions.NAME", several at once (classic) in one call of multi_tool_use.parallel.
 */
#include "count_private.h"

#define RESULT_MAX ((size_t)8 * 1024 * 1024)

/* Around a call and a result, beside the message's own figure. */
#define CALL_END          2
#define CALL_CHANNELS     2
#define CALL_CHANNELS_TWO 4 /* each of several at once */
#define RESULT_CHANNELS   4
#define CONTENT_WITH_CALL (-3) /* classic: text and call are one message */

enum {
    M_ROLE,
    M_NAME,
    M_CONTENT,
    M_TOOL_CALLS,
    M_FUNCTION_CALL,
    M_TOOL_CALL_ID,
    M_REFUSAL,
    M_REASONING,
    M_FIELDS
};
static const struct span message_keys[M_FIELDS] = {
    SPAN_INIT("role"),          SPAN_INIT("name"),
    SPAN_INIT("content"),       SPAN_INIT("tool_calls"),
    SPAN_INIT("function_call"), SPAN_INIT("tool_call_id"),
    SPAN_INIT("refusal"),       SPAN_INIT("reasoning_content"),
};

enum { C_ID, C_FUNCTION, C_NAME, C_ARGUMENTS, C_FIELDS };
static const struct span call_keys[C_FIELDS] = {
    SPAN_INIT("id"),
    SPAN_INIT("function"),
    SPAN_INIT("name"),
    SPAN_INIT("arguments"),
};

/* Tokens of a short text made of two, the second as JSON has it. */
static int64_t joined_tokens(struct counter *counter, struct span head, struct member tail)
{
    struct arena *scratch = counter->request->scratch;
    struct arena_mark mark = arena_mark(scratch);
    struct span parts[] = {head, count_decode(counter, tail)};
    struct span text = arena_join(scratch, parts, 2);
    int64_t tokens = text.len == head.len + parts[1].len
                         ? count_tokens(counter, text)
                         : count_tokens(counter, head) + count_tokens(counter, parts[1]);
    arena_rewind(scratch, mark);
    return tokens;
}

/* The role, with ":name" where there is one. */
static int64_t role_tokens(struct counter *counter, const struct member *fields)
{
    struct arena *scratch = counter->request->scratch;
    struct arena_mark mark = arena_mark(scratch);
    struct span role = count_decode(counter, fields[M_ROLE]);
    int64_t tokens = count_tokens(counter, role);
    if (member_raw(fields[M_NAME]).len > 0) {
        struct span parts[] = {role, SPAN(":")};
        tokens =
            counter->openai->name != 0
                ? tokens + joined_tokens(counter, SPAN(""), fields[M_NAME]) + counter->openai->name
                : joined_tokens(counter, arena_join(scratch, parts, 2), fields[M_NAME]);
    }
    arena_rewind(scratch, mark);
    return tokens;
}

static void frame_message(struct counter *counter, enum count_role role,
                          const struct member *fields)
{
    const struct openai_family *family = counter->openai;
    counter->out->features.messages++;
    if (family == NULL || family->template == TEMPLATE_BARE)
        return;
    count_frame(counter, role, family->message + role_tokens(counter, fields));
    if (role == COUNT_ROLE_ASSISTANT)
        count_frame(counter, role, family->assistant);
}

/* ---- calls ---- */

/* The fields of a call, in either form. */
static void read_call(struct counter *counter, struct member call, struct member *fields)
{
    members_read(call, call_keys, C_FIELDS, fields);
    struct member id = fields[C_ID];
    if (fields[C_FUNCTION].type == JSON_OBJECT) {
        struct member function = fields[C_FUNCTION];
        members_read(function, call_keys, C_FIELDS, fields);
    }
    count_call_keep(counter, member_raw(id), member_raw(fields[C_NAME]));
}

static void count_one_call(struct counter *counter, const struct member *fields, bool several)
{
    const struct openai_family *family = counter->openai;
    if (family == NULL) {
        count_call_vendor(counter, fields[C_NAME], fields[C_ARGUMENTS]);
        return;
    }
    int64_t head = joined_tokens(counter, SPAN("assistant to=functions."), fields[C_NAME]);
    int64_t frame = family->message + head + CALL_END;
    if (family->template == TEMPLATE_CHANNELS)
        frame += CALL_CHANNELS + (several ? CALL_CHANNELS_TWO : 0);
    count_json(counter, COUNT_ROLE_ASSISTANT, fields[C_ARGUMENTS]);
    count_frame(counter, COUNT_ROLE_ASSISTANT, frame);
}

/* {"tool_uses":[{"recipient_name":"functions.NAME","parameters":{…}},…]} */
static void count_parallel(struct counter *counter, struct member calls)
{
    struct buf text;
    size_t at = 0;
    struct span none;
    struct member call;
    struct arena *scratch = counter->request->scratch;
    buf_init(&text, RESULT_MAX, 0);
    buf_append(&text, SPAN("{\"tool_uses\":["));
    for (bool first = true; json_walk(calls.value, &at, &none, &call.value, &call.type);
         first = false) {
        struct member fields[C_FIELDS];
        struct arena_mark mark = arena_mark(scratch);
        read_call(counter, call, fields);
        buf_append(&text, first ? SPAN("") : SPAN(","));
        buf_append(&text, SPAN("{\"recipient_name\":\"functions."));
        buf_append(&text, count_decode(counter, fields[C_NAME]));
        buf_append(&text, SPAN("\",\"parameters\":"));
        buf_append(&text, count_decode(counter, fields[C_ARGUMENTS]));
        buf_append_byte(&text, '}');
        arena_rewind(scratch, mark);
    }
    buf_append(&text, SPAN("]}"));
    if (buf_failed(&text)) {
        count_degrade(counter, COUNT_ESTIMATE);
        count_json(counter, COUNT_ROLE_ASSISTANT, calls);
    } else {
        count_text(counter, COUNT_ROLE_ASSISTANT, buf_span(&text));
    }
    int64_t head = count_tokens(counter, SPAN("assistant to=multi_tool_use.parallel"));
    count_frame(counter, COUNT_ROLE_ASSISTANT, counter->openai->message + head);
    buf_fini(&text);
}

static size_t elements(struct member list)
{
    size_t at = 0;
    size_t count = 0;
    struct span none;
    struct member element;
    while (json_walk(list.value, &at, &none, &element.value, &element.type))
        count++;
    return count;
}

static void count_calls(struct counter *counter, struct member calls)
{
    size_t at = 0;
    struct span none;
    struct member call;
    bool several = elements(calls) > 1;
    if (several && counter->openai != NULL && counter->openai->template == TEMPLATE_CLASSIC) {
        count_parallel(counter, calls);
        return;
    }
    while (json_walk(calls.value, &at, &none, &call.value, &call.type)) {
        struct member fields[C_FIELDS];
        read_call(counter, call, fields);
        count_one_call(counter, fields, several);
    }
}

/* ---- messages ---- */

static void count_result(struct counter *counter, const struct member *fields)
{
    const struct openai_family *family = counter->openai;
    counter->out->features.messages++;
    count_content(counter, COUNT_ROLE_TOOL, fields[M_CONTENT], false);
    if (family == NULL || family->template == TEMPLATE_BARE)
        return;
    struct span known = count_call_name(counter, member_raw(fields[M_TOOL_CALL_ID]));
    struct member name = fields[M_NAME];
    if (known.len > 0)
        name = (struct member){span_make(known.ptr - 1, known.len + 2), JSON_STRING};
    int64_t frame = family->message + joined_tokens(counter, SPAN("functions."), name);
    if (family->template == TEMPLATE_CHANNELS)
        frame += RESULT_CHANNELS;
    count_frame(counter, COUNT_ROLE_TOOL, frame);
    count_degrade(counter, COUNT_NEAR);
}

static bool has_calls(const struct member *fields)
{
    return fields[M_TOOL_CALLS].type == JSON_ARRAY || fields[M_FUNCTION_CALL].type == JSON_OBJECT;
}

static void count_assistant_calls(struct counter *counter, const struct member *fields)
{
    count_degrade(counter, COUNT_NEAR);
    if (fields[M_TOOL_CALLS].type == JSON_ARRAY)
        count_calls(counter, fields[M_TOOL_CALLS]);
    if (fields[M_FUNCTION_CALL].type == JSON_OBJECT) {
        struct member call[C_FIELDS];
        read_call(counter, fields[M_FUNCTION_CALL], call);
        count_one_call(counter, call, false);
    }
}

static void count_message(struct counter *counter, struct member message)
{
    struct member fields[M_FIELDS];
    members_read(message, message_keys, M_FIELDS, fields);
    enum count_role role = count_role_of(fields[M_ROLE]);
    if (message.type != JSON_OBJECT) {
        count_degrade(counter, COUNT_ESTIMATE);
        count_json(counter, role, message);
        return;
    }
    if (role == COUNT_ROLE_TOOL) {
        count_result(counter, fields);
        return;
    }
    bool merges = role == COUNT_ROLE_SYSTEM && counter->system_merges;
    bool calls = role == COUNT_ROLE_ASSISTANT && has_calls(fields);
    bool any = count_content(counter, role, fields[M_CONTENT], merges);
    if (member_raw(fields[M_REFUSAL]).len > 0)
        any = count_content(counter, role, fields[M_REFUSAL], false) || any;
    if (counter->vendor != NULL && counter->vendor->thoughts)
        count_content(counter, role, fields[M_REASONING], false);
    if (any || !calls)
        frame_message(counter, role, fields);
    if (merges) {
        count_frame(counter, role, COUNT_MERGED);
        counter->system_merges = false;
    }
    if (any && calls && counter->openai != NULL && counter->openai->template == TEMPLATE_CLASSIC)
        count_frame(counter, role, CONTENT_WITH_CALL);
    if (calls)
        count_assistant_calls(counter, fields);
}

enum {
    B_MESSAGES,
    B_TOOLS,
    B_FUNCTIONS,
    B_TOOL_CHOICE,
    B_FUNCTION_CALL,
    B_PARALLEL,
    B_FORMAT,
    B_SEARCH,
    B_EFFORT,
    B_FIELDS
};
static const struct span body_keys[B_FIELDS] = {
    SPAN_INIT("messages"),         SPAN_INIT("tools"),
    SPAN_INIT("functions"),        SPAN_INIT("tool_choice"),
    SPAN_INIT("function_call"),    SPAN_INIT("parallel_tool_calls"),
    SPAN_INIT("response_format"),  SPAN_INIT("web_search_options"),
    SPAN_INIT("reasoning_effort"),
};

void chat_count_chat(struct counter *counter, struct member body)
{
    struct member fields[B_FIELDS];
    members_read(body, body_keys, B_FIELDS, fields);
    struct tool_request tools = {
        .tools = fields[B_TOOLS],
        .functions = fields[B_FUNCTIONS],
        .choice = fields[B_TOOL_CHOICE].type != JSON_NULL ? fields[B_TOOL_CHOICE]
                                                          : fields[B_FUNCTION_CALL],
        .parallel = fields[B_PARALLEL],
    };
    count_print(counter, tools.tools);
    count_print(counter, tools.functions);
    count_print(counter, fields[B_FORMAT]);
    count_tools_openai(counter, &tools);
    count_format_openai(counter, fields[B_FORMAT]);
    if (counter->vendor != NULL && member_is(fields[B_EFFORT], SPAN("none")))
        count_structure(counter, COUNT_ROLE_SYSTEM, counter->vendor->unthinking);
    size_t at = 0;
    struct span none;
    struct member message;
    if (fields[B_MESSAGES].type == JSON_ARRAY)
        while (json_walk(fields[B_MESSAGES].value, &at, &none, &message.value, &message.type)) {
            count_message(counter, message);
            count_print_message(counter);
        }
    if (fields[B_SEARCH].type == JSON_OBJECT)
        count_degrade(counter, COUNT_NEAR);
}
