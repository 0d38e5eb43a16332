/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anthropic's messages. Always an estimate: neither vocabulary nor template is public. Thinking of
 * earlier turns is not part of the prompt; server tools bring what nobody can know beforehand.
 */
#include "count_private.h"

#define SERVER_TOOL 1500 /* what the smallest of them was seen to bring */

enum { M_ROLE, M_CONTENT, M_FIELDS };
static const struct span message_keys[M_FIELDS] = {SPAN_INIT("role"), SPAN_INIT("content")};

enum { K_TYPE, K_TEXT, K_NAME, K_INPUT, K_CONTENT, K_FIELDS };
static const struct span block_keys[K_FIELDS] = {
    SPAN_INIT("type"),  SPAN_INIT("text"),    SPAN_INIT("name"),
    SPAN_INIT("input"), SPAN_INIT("content"),
};

static void count_block(struct counter *counter, enum count_role role, struct member block)
{
    struct member fields[K_FIELDS];
    members_read(block, block_keys, K_FIELDS, fields);
    struct member type = fields[K_TYPE];
    if (block.type == JSON_STRING) {
        count_string(counter, role, block);
    } else if (member_is(type, SPAN("text"))) {
        count_string(counter, role, fields[K_TEXT]);
    } else if (member_is(type, SPAN("tool_use"))) {
        count_call_vendor(counter, fields[K_NAME], fields[K_INPUT]);
    } else if (member_is(type, SPAN("tool_result"))) {
        count_content(counter, COUNT_ROLE_TOOL, fields[K_CONTENT], false);
    } else if (member_is(type, SPAN("thinking")) || member_is(type, SPAN("redacted_thinking"))) {
        return;
    } else if (member_is(type, SPAN("image")) || member_is(type, SPAN("document"))) {
        count_media(counter, role, block);
    } else {
        counter->out->features.has_hosted = true;
        count_json(counter, role, block);
    }
}

static void count_blocks(struct counter *counter, enum count_role role, struct member content)
{
    size_t at = 0;
    struct span none;
    struct member block;
    if (content.type == JSON_STRING)
        count_string(counter, role, content);
    else if (content.type == JSON_ARRAY)
        while (json_walk(content.value, &at, &none, &block.value, &block.type))
            count_block(counter, role, block);
    else
        count_json(counter, role, content);
}

enum { T_NAME, T_DESCRIPTION, T_SCHEMA, T_DEFER, T_FIELDS };
static const struct span tool_keys[T_FIELDS] = {
    SPAN_INIT("name"),
    SPAN_INIT("description"),
    SPAN_INIT("input_schema"),
    SPAN_INIT("defer_loading"),
};

static void count_tools(struct counter *counter, struct member tools, struct member choice)
{
    static const struct span keys[] = {SPAN_INIT("type"), SPAN_INIT("disable_parallel_tool_use")};
    size_t at = 0;
    int own = 0;
    struct span none;
    struct member tool;
    struct member how[2];
    while (tools.type == JSON_ARRAY &&
           json_walk(tools.value, &at, &none, &tool.value, &tool.type)) {
        struct member fields[T_FIELDS];
        members_read(tool, tool_keys, T_FIELDS, fields);
        if (member_true(fields[T_DEFER])) {
            counter->out->features.has_hosted = true; /* a search of the provider's finds it */
            continue;
        }
        if (fields[T_SCHEMA].type == JSON_NULL) {
            counter->out->features.has_hosted = true;
            count_structure(counter, COUNT_ROLE_SYSTEM, SERVER_TOOL);
            continue;
        }
        own++;
        count_tool_vendor(counter, fields[T_NAME], fields[T_DESCRIPTION], fields[T_SCHEMA]);
    }
    members_read(choice, keys, 2, how);
    if (own == 0)
        return;
    count_tools_vendor_end(counter,
                           member_is(how[0], SPAN("any")) || member_is(how[0], SPAN("tool")));
    if (member_true(how[1]))
        count_structure(counter, COUNT_ROLE_SYSTEM, -counter->vendor->parallel);
}

/* output_config.format or output_format: {"type": "json_schema", "schema": …}. */
static void count_format(struct counter *counter, struct member config, struct member format)
{
    static const struct span config_keys[] = {SPAN_INIT("format")};
    static const struct span format_keys[] = {SPAN_INIT("schema")};
    struct member schema;
    if (config.type == JSON_OBJECT)
        members_read(config, config_keys, 1, &format);
    members_read(format, format_keys, 1, &schema);
    count_format_vendor(counter, schema);
}

enum {
    B_SYSTEM,
    B_MESSAGES,
    B_TOOLS,
    B_CHOICE,
    B_THINKING,
    B_CONFIG,
    B_FORMAT,
    B_SERVERS,
    B_FIELDS
};
static const struct span body_keys[B_FIELDS] = {
    SPAN_INIT("system"),        SPAN_INIT("messages"),    SPAN_INIT("tools"),
    SPAN_INIT("tool_choice"),   SPAN_INIT("thinking"),    SPAN_INIT("output_config"),
    SPAN_INIT("output_format"), SPAN_INIT("mcp_servers"),
};

void chat_count_messages(struct counter *counter, struct member body)
{
    static const struct span keys[] = {SPAN_INIT("type")};
    struct member fields[B_FIELDS];
    struct member thinking;
    size_t at = 0;
    struct span none;
    struct member message;
    members_read(body, body_keys, B_FIELDS, fields);
    if (fields[B_SYSTEM].type != JSON_NULL) /* no message: it adds a token at most */
        count_blocks(counter, COUNT_ROLE_SYSTEM, fields[B_SYSTEM]);
    count_print(counter, fields[B_TOOLS]);
    count_print(counter, fields[B_CONFIG]);
    count_print(counter, fields[B_FORMAT]);
    count_tools(counter, fields[B_TOOLS], fields[B_CHOICE]);
    count_format(counter, fields[B_CONFIG], fields[B_FORMAT]);
    if (fields[B_SERVERS].type == JSON_ARRAY)
        counter->out->features.has_hosted = true;
    members_read(fields[B_THINKING], keys, 1, &thinking);
    if (member_is(thinking, SPAN("enabled")))
        count_structure(counter, COUNT_ROLE_SYSTEM, counter->vendor->thinking);
    while (fields[B_MESSAGES].type == JSON_ARRAY &&
           json_walk(fields[B_MESSAGES].value, &at, &none, &message.value, &message.type)) {
        struct member parts[M_FIELDS];
        members_read(message, message_keys, M_FIELDS, parts);
        counter->out->features.messages++;
        count_blocks(counter, count_role_of(parts[M_ROLE]), parts[M_CONTENT]);
        count_print_message(counter);
    }
}
