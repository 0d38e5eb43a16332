/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks through messages and tools for shapes that cannot be read and for parts whose cost cannot
 * be bounded: bytes bound the tokens of text, but a file or a hosted tool costs what its provider
 * makes of it. Anything not known to be text, an image or sound counts as such a part.
 *
 * json_walk steps over a value without a tree, so each level of nesting is read once more than the
 * one around it: linear, with a factor of four at most.
 */
#include "dialect_openai.h"

#include <stdio.h>

#define PARAM_SIZE 64

/* One element of `messages`, as far as it was read. */
struct message {
    struct openai_reading *reading;
    int64_t index;
    bool has_role;
};

static enum err refuse(const struct message *message, enum err err, const char *member,
                       const char *what)
{
    char param[PARAM_SIZE];
    snprintf(param, sizeof(param), "messages[%lld]%s", (long long)message->index, member);
    return openai_refuse(message->reading, err, param, "'%s' %s.", param, what);
}

/* The contents of an object's `type`; empty when it has none, or one that is no string. */
static struct span type_of(struct span object)
{
    struct openai_walk walk = {.inside = object};
    while (openai_walk_next(&walk))
        if (walk.type == JSON_STRING && openai_text_is(walk.key, SPAN("type")))
            return openai_text(walk.value);
    return SPAN_NONE;
}

/* ---- content ---- */

/* The name under which a part is reported: static, so only those known here. */
static const char *part_name(struct span type)
{
    static const struct span names[] = {
        SPAN("file"),     SPAN("image"),       SPAN("audio"),
        SPAN("video"),    SPAN("video_url"),   SPAN("audio_url"),
        SPAN("document"), SPAN("input_image"), SPAN("input_file"),
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (openai_text_is(type, names[i]))
            return names[i].ptr;
    return "content part";
}

/* `thinking` is Mistral's: reasoning handed back. */
static bool is_text(struct span type)
{
    return openai_text_is(type, SPAN("text")) || openai_text_is(type, SPAN("refusal")) ||
           openai_text_is(type, SPAN("thinking"));
}

/* By its type alone, as providers do: they do not look at other members of a text part either. */
static void read_part(struct openai_reading *reading, struct span part)
{
    struct span type = type_of(part);
    if (is_text(type))
        return;
    if (openai_text_is(type, SPAN("image_url")))
        openai_read_image(reading, part);
    else if (openai_text_is(type, SPAN("input_audio")))
        openai_read_audio(reading, part);
    else
        openai_unbound(reading, part_name(type));
}

/* A single part without its array would be a guess at what the provider makes of it. */
static enum err read_content(const struct message *message, struct span content,
                             enum json_type type)
{
    if (type == JSON_STRING || type == JSON_NULL)
        return ERR_NONE;
    if (type != JSON_ARRAY)
        return refuse(message, ERR_FIELD_INVALID, ".content",
                      "must be a string, null or an array of parts");
    struct openai_walk walk = {.inside = content};
    while (openai_walk_next(&walk)) {
        if (walk.type != JSON_OBJECT)
            return refuse(message, ERR_FIELD_INVALID, ".content", "has a part that is no object");
        read_part(message->reading, walk.value);
    }
    return ERR_NONE;
}

/* ---- messages ---- */

static bool is_tool_call(struct span key)
{
    return openai_text_is(key, SPAN("tool_calls")) || openai_text_is(key, SPAN("function_call"));
}

/* Names, tool calls, reasoning handed back: text, and covered by its bytes, whatever its shape. */
static enum err read_message_member(struct message *message, const struct openai_walk *member)
{
    if (openai_text_is(member->key, SPAN("content")))
        return read_content(message, member->value, member->type);
    if (openai_text_is(member->key, SPAN("role"))) {
        if (member->type != JSON_STRING)
            return refuse(message, ERR_FIELD_INVALID, ".role", "must be a string");
        message->has_role = true;
    } else if (member->type != JSON_NULL && openai_text_is(member->key, SPAN("audio"))) {
        /* An earlier spoken answer by its id: some bytes here, any number of tokens there. */
        openai_unbound(message->reading, "audio");
    } else if (is_tool_call(member->key)) {
        message->reading->call->structured_bytes += member->value.len;
    }
    return ERR_NONE;
}

static enum err read_message(struct message *message, struct span text, enum json_type type)
{
    if (type != JSON_OBJECT)
        return refuse(message, ERR_FIELD_INVALID, "", "must be an object");
    struct openai_walk walk = {.inside = text};
    while (openai_walk_next(&walk)) {
        enum err err = read_message_member(message, &walk);
        if (err != ERR_NONE)
            return err;
    }
    return message->has_role ? ERR_NONE : refuse(message, ERR_FIELD_MISSING, ".role", "is missing");
}

/* Read to the end even when a part without bound was found: a later message may still be one that
 * cannot be read at all. */
enum err openai_read_messages(struct openai_reading *reading, const struct json_member *member)
{
    if (member->type != JSON_ARRAY)
        return openai_refuse(reading, ERR_FIELD_INVALID, "messages",
                             "'messages' must be an array.");
    int64_t count = 0;
    struct openai_walk walk = {.inside = member->value};
    while (openai_walk_next(&walk)) {
        struct message message = {.reading = reading, .index = count};
        enum err err = read_message(&message, walk.value, walk.type);
        if (err != ERR_NONE)
            return err;
        count++;
    }
    if (count == 0)
        return openai_refuse(reading, ERR_FIELD_INVALID, "messages",
                             "'messages' must not be empty.");
    reading->has_messages = true;
    reading->call->messages = count;
    return ERR_NONE;
}

/* ---- tools ---- */

/* A tool that the provider itself runs, and bills by its own measure, has a type of its own. Without
 * one it is a function to Mistral, which takes {"function":{…}} alone. */
static bool is_own_tool(struct span tool)
{
    struct span type = SPAN_NONE;
    bool typed = false, has_function = false;
    struct openai_walk walk = {.inside = tool};
    while (openai_walk_next(&walk)) {
        if (openai_text_is(walk.key, SPAN("type"))) {
            typed = true;
            type = walk.type == JSON_STRING ? openai_text(walk.value) : SPAN_NONE;
        } else if (openai_text_is(walk.key, SPAN("function"))) {
            has_function = walk.type == JSON_OBJECT;
        }
    }
    return typed ? openai_text_is(type, SPAN("function")) || openai_text_is(type, SPAN("custom"))
                 : has_function;
}

enum err openai_read_tools(struct openai_reading *reading, const struct json_member *member)
{
    if (member->type == JSON_NULL)
        return ERR_NONE;
    if (member->type != JSON_ARRAY)
        return openai_refuse(reading, ERR_FIELD_INVALID, "tools", "'tools' must be an array.");
    struct openai_walk walk = {.inside = member->value};
    while (openai_walk_next(&walk)) {
        if (walk.type != JSON_OBJECT)
            return openai_refuse(reading, ERR_FIELD_INVALID, "tools",
                                 "'tools' has an element that is no object.");
        reading->call->has_tools = true;
        if (!is_own_tool(walk.value)) {
            reading->call->has_searches = true; /* the dearest that such a tool does */
            openai_unbound(reading, "hosted tool");
        }
    }
    reading->call->structured_bytes += member->value.len;
    return ERR_NONE;
}
