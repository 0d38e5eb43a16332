/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemini's generateContent. Always an estimate. Both spellings of names are read (camel case, snake
 * case). A thought's signature stands for reasoning that is billed again within a turn, at one of
 * Google's two hosts; a text of the user's ends the turn.
 */
#include "count_private.h"

enum {
    P_TEXT,
    P_THOUGHT,
    P_CALL,
    P_CALL_2,
    P_RESPONSE,
    P_RESPONSE_2,
    P_SIGNATURE,
    P_SIGNATURE_2,
    P_NAME,
    P_ARGS,
    P_RESULT,
    P_PARTS,
    P_FIELDS
};
static const struct span part_keys[P_FIELDS] = {
    SPAN_INIT("text"),
    SPAN_INIT("thought"),
    SPAN_INIT("functionCall"),
    SPAN_INIT("function_call"),
    SPAN_INIT("functionResponse"),
    SPAN_INIT("function_response"),
    SPAN_INIT("thoughtSignature"),
    SPAN_INIT("thought_signature"),
    SPAN_INIT("name"),
    SPAN_INIT("args"),
    SPAN_INIT("response"),
    SPAN_INIT("parts"),
};

static struct member either(struct member a, struct member b)
{
    return a.type != JSON_NULL ? a : b;
}

static void count_part(struct counter *counter, enum count_role role, struct member part);

/* An array of parts, or one part without an array. */
static void count_parts(struct counter *counter, enum count_role role, struct member parts)
{
    size_t at = 0;
    struct span none;
    struct member part;
    if (parts.type == JSON_OBJECT)
        count_part(counter, role, parts);
    else if (parts.type == JSON_ARRAY)
        while (json_walk(parts.value, &at, &none, &part.value, &part.type))
            count_part(counter, role, part);
}

static bool is_empty(struct member object)
{
    size_t at = 0;
    struct span key;
    struct member first;
    return object.type != JSON_OBJECT ||
           !json_walk(object.value, &at, &key, &first.value, &first.type);
}

static void count_function_response(struct counter *counter, struct member response)
{
    struct member fields[P_FIELDS];
    members_read(response, part_keys, P_FIELDS, fields);
    counter->results = true;
    count_string(counter, COUNT_ROLE_TOOL, fields[P_NAME]);
    if (!is_empty(fields[P_RESULT]))
        count_json_apart(counter, COUNT_ROLE_TOOL, fields[P_RESULT]);
    count_parts(counter, COUNT_ROLE_TOOL, fields[P_PARTS]);
}

static void count_part(struct counter *counter, enum count_role role, struct member part)
{
    struct member fields[P_FIELDS];
    members_read(part, part_keys, P_FIELDS, fields);
    struct member call = either(fields[P_CALL], fields[P_CALL_2]);
    struct member response = either(fields[P_RESPONSE], fields[P_RESPONSE_2]);
    struct member signature = either(fields[P_SIGNATURE], fields[P_SIGNATURE_2]);
    if (role == COUNT_ROLE_USER && fields[P_TEXT].type == JSON_STRING && !counter->results)
        count_turn(counter);
    counter->sealed_bytes += (int64_t)member_raw(signature).len;
    if (fields[P_TEXT].type == JSON_STRING) {
        if (!member_true(fields[P_THOUGHT]))
            count_string(counter, role, fields[P_TEXT]);
    } else if (call.type == JSON_OBJECT) {
        struct member parts[P_FIELDS];
        members_read(call, part_keys, P_FIELDS, parts);
        count_string(counter, COUNT_ROLE_ASSISTANT, parts[P_NAME]);
        if (!is_empty(parts[P_ARGS]))
            count_json_apart(counter, COUNT_ROLE_ASSISTANT, parts[P_ARGS]);
        count_syntax(counter, COUNT_ROLE_ASSISTANT, counter->vendor->call);
    } else if (response.type == JSON_OBJECT) {
        count_function_response(counter, response);
    } else {
        count_media(counter, role, part);
    }
}

enum { C_ROLE, C_PARTS, C_FIELDS };
static const struct span content_keys[C_FIELDS] = {SPAN_INIT("role"), SPAN_INIT("parts")};

static void count_one_content(struct counter *counter, struct member content, bool system)
{
    struct member fields[C_FIELDS];
    members_read(content, content_keys, C_FIELDS, fields);
    counter->out->features.messages++;
    counter->results = false;
    enum count_role role = system ? COUNT_ROLE_SYSTEM : count_role_of(fields[C_ROLE]);
    if (content.type == JSON_STRING)
        count_string(counter, role, content);
    count_parts(counter, role, fields[C_PARTS]);
    if (!system)
        count_print_message(counter);
}

enum { F_NAME, F_DESCRIPTION, F_PARAMETERS, F_PARAMETERS_2, F_PARAMETERS_3, F_FIELDS };
static const struct span function_keys[F_FIELDS] = {
    SPAN_INIT("name"),
    SPAN_INIT("description"),
    SPAN_INIT("parameters"),
    SPAN_INIT("parametersJsonSchema"),
    SPAN_INIT("parameters_json_schema"),
};

static int count_declarations(struct counter *counter, struct member declarations)
{
    size_t at = 0;
    int seen = 0;
    struct span none;
    struct member function;
    while (json_walk(declarations.value, &at, &none, &function.value, &function.type)) {
        struct member fields[F_FIELDS];
        members_read(function, function_keys, F_FIELDS, fields);
        struct member schema =
            either(fields[F_PARAMETERS], either(fields[F_PARAMETERS_2], fields[F_PARAMETERS_3]));
        count_tool_vendor(counter, fields[F_NAME], fields[F_DESCRIPTION], schema);
        seen++;
    }
    return seen;
}

static void count_tools(struct counter *counter, struct member tools)
{
    static const struct span keys[] = {SPAN_INIT("functionDeclarations"),
                                       SPAN_INIT("function_declarations")};
    size_t at = 0;
    int own = 0;
    struct span none;
    struct member tool;
    while (tools.type == JSON_ARRAY &&
           json_walk(tools.value, &at, &none, &tool.value, &tool.type)) {
        struct member fields[2];
        members_read(tool, keys, 2, fields);
        struct member declarations = either(fields[0], fields[1]);
        if (declarations.type == JSON_ARRAY)
            own += count_declarations(counter, declarations);
        else
            counter->out->features.has_hosted = true; /* search, code execution */
    }
    if (own > 0)
        count_tools_vendor_end(counter, false);
}

enum { B_SYSTEM, B_SYSTEM_2, B_CONTENTS, B_TOOLS, B_CACHED, B_CACHED_2, B_FIELDS };
static const struct span body_keys[B_FIELDS] = {
    SPAN_INIT("systemInstruction"), SPAN_INIT("system_instruction"),
    SPAN_INIT("contents"),          SPAN_INIT("tools"),
    SPAN_INIT("cachedContent"),     SPAN_INIT("cached_content"),
};

void chat_count_gemini(struct counter *counter, struct member body)
{
    struct member fields[B_FIELDS];
    size_t at = 0;
    struct span none;
    struct member content;
    members_read(body, body_keys, B_FIELDS, fields);
    struct member system = either(fields[B_SYSTEM], fields[B_SYSTEM_2]);
    if (system.type != JSON_NULL)
        count_one_content(counter, system, true);
    if (either(fields[B_CACHED], fields[B_CACHED_2]).type == JSON_STRING)
        counter->out->features.has_hosted = true;
    count_print(counter, fields[B_TOOLS]);
    count_tools(counter, fields[B_TOOLS]);
    if (fields[B_CONTENTS].type == JSON_OBJECT || fields[B_CONTENTS].type == JSON_STRING)
        count_one_content(counter, fields[B_CONTENTS], false);
    else if (fields[B_CONTENTS].type == JSON_ARRAY)
        while (json_walk(fields[B_CONTENTS].value, &at, &none, &content.value, &content.type))
            count_one_content(counter, content, false);
}
