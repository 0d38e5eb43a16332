/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools and answer formats of OpenAI's bodies. All functions become one text, a namespace of types,
 * in or before the system message; what the template has around it differs by family and endpoint
 * (docs/internals/counting.md lists what each figure was fitted on). For other vendors' models in the
 * same body the definitions go to count_vendor.c.
 */
#include "count_private.h"

#define RENDER_MAX ((size_t)1024 * 1024) /* of definitions: more counts as text of its bytes */
#define TEXT_MAX   ((size_t)8 * 1024 * 1024)

#define NAMESPACE_OPEN  SPAN("namespace functions {\n\n")
#define NAMESPACE_CLOSE SPAN("} // namespace functions")

/* Around the namespace. */
#define CLASSIC_CHAT      9
#define CLASSIC_RESPONSES 3
#define CLASSIC_FORCED    8 /* Responses: beside the name of the one that must be called */
#define CLASSIC_NAMED     7 /* chat */
#define CLASSIC_NAMED_OLD 4 /* chat, by `function_call` */
#define CLASSIC_NONE      1
#define CHANNELS_TOOLS    8
#define CHANNELS_CHAT     82 /* a hidden prompt of the chat endpoint */
#define CHANNELS_SERIAL   78 /* parallel_tool_calls: false, by Responses */
#define CHANNELS_ADDED    93 /* tools that an item of the input brings */
#define FORMAT_CHAT       8
#define FORMAT_RESPONSES  1

/* What was seen of the list of tools. */
struct tool_list {
    struct buf text;
    struct member last; /* the last function's name */
    int functions;
    int commented;
    int lenient; /* without strict: true */
};

enum {
    T_TYPE,
    T_FUNCTION,
    T_DEFER,
    T_STRICT,
    T_NAME,
    T_DESCRIPTION,
    T_PARAMETERS,
    T_TOOLS,
    T_FIELDS
};
static const struct span tool_keys[T_FIELDS] = {
    SPAN_INIT("type"), SPAN_INIT("function"),    SPAN_INIT("defer_loading"), SPAN_INIT("strict"),
    SPAN_INIT("name"), SPAN_INIT("description"), SPAN_INIT("parameters"),    SPAN_INIT("tools"),
};

/* The definition's own object: chat wraps it. */
static struct member function_of(struct member tool, struct member *fields)
{
    if (fields[T_FUNCTION].type != JSON_OBJECT)
        return tool;
    struct member function = fields[T_FUNCTION];
    members_read(function, tool_keys, T_FIELDS, fields);
    return function;
}

static void list_function(struct counter *counter, struct member tool, struct member *fields,
                          struct tool_list *list)
{
    struct member function = function_of(tool, fields);
    list->functions++;
    list->last = fields[T_NAME];
    list->lenient += fields[T_STRICT].type != JSON_TRUE;
    if (counter->vendor != NULL)
        count_tool_vendor(counter, fields[T_NAME], fields[T_DESCRIPTION], fields[T_PARAMETERS]);
    else
        list->commented += schema_write_function(counter, &list->text, function);
}

/* `bare`: the legacy form, where each element is a function's object itself. */
static void list_tools(struct counter *counter, struct member tools, bool bare,
                       struct tool_list *list)
{
    size_t at = 0;
    struct span none;
    struct member tool;
    while (json_walk(tools.value, &at, &none, &tool.value, &tool.type)) {
        struct member fields[T_FIELDS];
        members_read(tool, tool_keys, T_FIELDS, fields);
        if (member_true(fields[T_DEFER]))
            continue; /* sent when a search finds it */
        if (bare || member_is(fields[T_TYPE], SPAN("function")))
            list_function(counter, tool, fields, list);
        else
            count_tool_hosted(counter, fields[T_TYPE]);
    }
}

/* What a tool of the provider's own was seen to bring, where no figure is published. */
void count_tool_hosted(struct counter *counter, struct member type)
{
    static const struct {
        struct span type;
        int classic;
        int channels;
    } hosted[] = {
        {SPAN_INIT("web_search"), 300, 8000},
        {SPAN_INIT("web_search_preview"), 300, 8000},
        {SPAN_INIT("code_interpreter"), 1300, 1300},
        {SPAN_INIT("image_generation"), 350, 1500},
        {SPAN_INIT("file_search"), 1150, 1150},
        {SPAN_INIT("mcp"), 1100, 1100},
        {SPAN_INIT("tool_search"), COUNT_SEARCH, COUNT_SEARCH},
    };
    count_degrade(counter, COUNT_ESTIMATE);
    counter->out->features.has_hosted = true;
    counter->searches = counter->searches || member_is(type, SPAN("tool_search"));
    bool classic = counter->openai != NULL && counter->openai->template == TEMPLATE_CLASSIC;
    for (size_t i = 0; i < COUNT_OF(hosted); i++)
        if (member_is(type, hosted[i].type))
            count_structure(counter, COUNT_ROLE_SYSTEM,
                            classic ? hosted[i].classic : hosted[i].channels);
}

/* ---- OpenAI's templates ---- */

/* The name in {"type": "function", "function": {"name": …}}, or {"name": …}. */
static struct member choice_name(struct member choice)
{
    static const struct span keys[] = {SPAN_INIT("name"), SPAN_INIT("function")};
    struct member fields[2];
    members_read(choice, keys, 2, fields);
    if (fields[1].type != JSON_OBJECT)
        return fields[0];
    members_read(fields[1], keys, 1, fields);
    return fields[0];
}

static int64_t name_tokens(struct counter *counter, struct member name)
{
    struct arena *scratch = counter->request->scratch;
    struct arena_mark mark = arena_mark(scratch);
    int64_t tokens = count_tokens(counter, count_decode(counter, name));
    arena_rewind(scratch, mark);
    return tokens;
}

static int64_t classic_choice(struct counter *counter, const struct tool_request *request,
                              const struct tool_list *list)
{
    struct member name = choice_name(request->choice);
    bool named = member_raw(name).len > 0;
    if (counter->responses) {
        if (!named && list->functions == 1 && member_is(request->choice, SPAN("required"))) {
            name = list->last;
            named = true;
        }
        return named ? name_tokens(counter, name) + CLASSIC_FORCED : 0;
    }
    if (named)
        return name_tokens(counter, name) +
               (request->tools.type == JSON_ARRAY ? CLASSIC_NAMED : CLASSIC_NAMED_OLD);
    return member_is(request->choice, SPAN("none")) ? CLASSIC_NONE : 0;
}

static void classic_tools(struct counter *counter, const struct tool_request *request,
                          const struct tool_list *list)
{
    int64_t frame = counter->responses ? CLASSIC_RESPONSES - list->commented : CLASSIC_CHAT;
    count_structure(counter, COUNT_ROLE_SYSTEM, count_tokens(counter, buf_span(&list->text)));
    count_structure(counter, COUNT_ROLE_SYSTEM, frame + classic_choice(counter, request, list));
    counter->system_merges = !counter->responses;
}

/* gpt-5.4 has one token fewer for a function that is not strict. */
static bool is_gpt54(const struct counter *counter)
{
    return span_search(counter->request->model, SPAN("gpt-5.4")) < counter->request->model.len;
}

/* Here the namespace's head is a text of its own: its line breaks do not join the first comment. */
static int64_t channels_text(struct counter *counter, struct span text)
{
    return count_tokens(counter, NAMESPACE_OPEN) +
           count_tokens(counter, span_from(text, NAMESPACE_OPEN.len));
}

static void channels_tools(struct counter *counter, const struct tool_request *request,
                           const struct tool_list *list)
{
    int64_t frame = CHANNELS_TOOLS;
    if (!counter->responses) {
        frame += CHANNELS_CHAT;
        if (is_gpt54(counter))
            frame -= list->lenient;
    } else if (request->parallel.type == JSON_FALSE) {
        frame += CHANNELS_SERIAL;
    }
    count_structure(counter, COUNT_ROLE_SYSTEM, channels_text(counter, buf_span(&list->text)));
    count_structure(counter, COUNT_ROLE_SYSTEM, frame);
}

/* The hidden prompt is the vendor's, and some leave everything out when no tool may be called. */
static bool tools_dropped(const struct counter *counter, struct member choice)
{
    return counter->vendor != NULL && counter->vendor->none_drops &&
           member_is(choice, SPAN("none"));
}

static void count_raw_tools(struct counter *counter, struct member tools)
{
    count_degrade(counter, COUNT_ESTIMATE);
    count_structure(counter, COUNT_ROLE_SYSTEM, count_tokens(counter, tools.value));
}

static void tools_end(struct counter *counter, const struct tool_request *request,
                      struct tool_list *list)
{
    if (counter->vendor != NULL) {
        bool forced = request->choice.type == JSON_OBJECT ||
                      member_is(request->choice, SPAN("required")) ||
                      member_is(request->choice, SPAN("any"));
        count_tools_vendor_end(counter, forced);
        return;
    }
    counter->out->features.has_tools = true;
    count_degrade(counter, COUNT_NEAR);
    buf_append(&list->text, NAMESPACE_CLOSE);
    if (buf_failed(&list->text)) {
        count_raw_tools(counter, request->tools);
        return;
    }
    schema_finish(&list->text, 0);
    if (counter->openai->template == TEMPLATE_CHANNELS)
        channels_tools(counter, request, list);
    else
        classic_tools(counter, request, list);
}

void count_tools_openai(struct counter *counter, const struct tool_request *request)
{
    if (tools_dropped(counter, request->choice))
        return;
    if (request->tools.value.len + request->functions.value.len > RENDER_MAX) {
        counter->out->features.has_tools = true;
        count_raw_tools(counter, request->tools);
        count_raw_tools(counter, request->functions);
        return;
    }
    struct tool_list list = {.functions = 0};
    buf_init(&list.text, TEXT_MAX, 0);
    buf_append(&list.text, NAMESPACE_OPEN);
    if (request->tools.type == JSON_ARRAY)
        list_tools(counter, request->tools, false, &list);
    if (request->functions.type == JSON_ARRAY)
        list_tools(counter, request->functions, true, &list);
    if (list.functions > 0)
        tools_end(counter, request, &list);
    buf_fini(&list.text);
}

void count_tools_added(struct counter *counter, struct member tools)
{
    count_degrade(counter, COUNT_ESTIMATE);
    counter->out->features.has_tools = true;
    if (tools.type != JSON_ARRAY || tools.value.len > RENDER_MAX) {
        count_raw_tools(counter, tools);
        return;
    }
    struct buf text;
    size_t at = 0;
    struct span none;
    struct member tool;
    buf_init(&text, TEXT_MAX, 0);
    buf_append(&text, NAMESPACE_OPEN);
    while (json_walk(tools.value, &at, &none, &tool.value, &tool.type))
        schema_write_function(counter, &text, tool);
    buf_append(&text, NAMESPACE_CLOSE);
    schema_finish(&text, 0);
    count_structure(counter, COUNT_ROLE_SYSTEM,
                    count_tokens(counter, buf_span(&text)) + CHANNELS_ADDED);
    buf_fini(&text);
}

/* ---- the answer's format ---- */

enum { A_TYPE, A_JSON_SCHEMA, A_NAME, A_DESCRIPTION, A_SCHEMA, A_FIELDS };
static const struct span format_keys[A_FIELDS] = {
    SPAN_INIT("type"),        SPAN_INIT("json_schema"), SPAN_INIT("name"),
    SPAN_INIT("description"), SPAN_INIT("schema"),
};

/* Strict schemas say `required` and `additionalProperties` of themselves: the text leaves them out,
 * but for the reasoning models by way of the chat endpoint. */
static unsigned format_drops(const struct counter *counter, bool described)
{
    if (counter->openai->template == TEMPLATE_CHANNELS && !counter->responses)
        return described ? JSON_DROP_DESCRIPTION : 0;
    return JSON_DROP_REQUIRED | JSON_DROP_ADDITIONAL;
}

static int64_t format_tokens(struct counter *counter, const struct member *fields)
{
    struct buf text;
    struct arena *scratch = counter->request->scratch;
    struct arena_mark mark = arena_mark(scratch);
    bool described = member_raw(fields[A_DESCRIPTION]).len > 0;
    buf_init(&text, TEXT_MAX, 0);
    buf_append(&text, SPAN("# Response Formats\n\n## "));
    buf_append(&text, count_decode(counter, fields[A_NAME]));
    buf_append(&text, SPAN("\n\n"));
    if (described) {
        buf_append(&text, SPAN("// "));
        buf_append(&text, count_decode(counter, fields[A_DESCRIPTION]));
        buf_append_byte(&text, '\n');
    }
    json_write_compact(counter, &text, fields[A_SCHEMA], format_drops(counter, described));
    int64_t tokens = count_tokens(counter, buf_span(&text));
    if (buf_failed(&text))
        count_degrade(counter, COUNT_ESTIMATE);
    buf_fini(&text);
    arena_rewind(scratch, mark);
    return tokens;
}

void count_format_openai(struct counter *counter, struct member format)
{
    struct member fields[A_FIELDS];
    members_read(format, format_keys, A_FIELDS, fields);
    if (counter->vendor != NULL && member_is(fields[A_TYPE], SPAN("json_object")))
        count_structure(counter, COUNT_ROLE_SYSTEM, counter->vendor->json_mode);
    if (!member_is(fields[A_TYPE], SPAN("json_schema")))
        return;
    if (fields[A_JSON_SCHEMA].type == JSON_OBJECT) {
        struct member inner = fields[A_JSON_SCHEMA];
        members_read(inner, format_keys, A_FIELDS, fields);
    }
    if (counter->vendor != NULL) {
        count_format_vendor(counter, fields[A_SCHEMA]);
        return;
    }
    count_structure(counter, COUNT_ROLE_SYSTEM, format_tokens(counter, fields));
    if (counter->openai->template == TEMPLATE_CHANNELS && counter->responses)
        return;
    count_degrade(counter, COUNT_NEAR);
    if (counter->openai->template == TEMPLATE_CLASSIC) {
        count_structure(counter, COUNT_ROLE_SYSTEM,
                        counter->responses ? FORMAT_RESPONSES : FORMAT_CHAT);
        counter->system_merges = !counter->responses;
    }
}
