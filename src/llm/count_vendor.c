/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools, calls and formats for models of which no template is public: what each was seen to add.
 * The JSON syntax around a definition is counted apart from its words, for some providers bill it
 * and others show the model a form of their own.
 */
#include "count_private.h"

#define SCHEMA_MAX ((size_t)1024 * 1024)

void count_structure(struct counter *counter, enum count_role role, int64_t tokens)
{
    counter->roles[role] += tokens;
    counter->out->features.structure_tokens += tokens;
}

void count_syntax(struct counter *counter, enum count_role role, int64_t tokens)
{
    counter->out->features.syntax_tokens += tokens;
    counter->roles[role] += (int64_t)(counter->vendor->syntax * (double)tokens);
}

static int64_t string_tokens(struct counter *counter, struct member string)
{
    struct arena *scratch = counter->request->scratch;
    struct arena_mark mark = arena_mark(scratch);
    int64_t tokens = count_words(counter, count_decode(counter, string));
    arena_rewind(scratch, mark);
    return tokens;
}

/* The words of a schema: names of properties, descriptions, values of enums. */
static int64_t schema_words(struct counter *counter, struct member schema, bool names)
{
    size_t at = 0;
    struct span key;
    struct member value;
    int64_t tokens = 0;
    if (schema.type != JSON_OBJECT && schema.type != JSON_ARRAY)
        return 0;
    while (json_walk(schema.value, &at, &key, &value.value, &value.type)) {
        if (names) {
            struct member name = {span_make(key.ptr - 1, key.len + 2), JSON_STRING};
            tokens += string_tokens(counter, name);
        }
        if (value.type == JSON_STRING &&
            (schema.type == JSON_ARRAY || span_equal(key, SPAN("description"))))
            tokens += string_tokens(counter, value);
        else if (!span_equal(key, SPAN("required")) || value.type != JSON_ARRAY)
            tokens += schema_words(counter, value,
                                   !names && span_equal(key, SPAN("properties")) &&
                                       value.type == JSON_OBJECT);
    }
    return tokens;
}

static int64_t compact_tokens(struct counter *counter, struct member value)
{
    struct buf text;
    buf_init(&text, SCHEMA_MAX * 2, 0);
    json_write_compact(counter, &text, value, 0);
    int64_t tokens = count_words(counter, buf_failed(&text) ? value.value : buf_span(&text));
    buf_fini(&text);
    return tokens;
}

void count_tool_vendor(struct counter *counter, struct member name, struct member description,
                       struct member schema)
{
    const struct vendor_family *vendor = counter->vendor;
    int64_t words = string_tokens(counter, name) + string_tokens(counter, description);
    int64_t syntax = 0;
    counter->out->features.has_tools = true;
    if (schema.type == JSON_OBJECT && schema.value.len <= SCHEMA_MAX) {
        int64_t inner = schema_words(counter, schema, false);
        int64_t whole = compact_tokens(counter, schema);
        syntax = (whole > inner ? whole - inner : 0) + (inner > 0 ? vendor->parameters : 0);
        words += inner;
    } else if (schema.type != JSON_NULL) {
        words += count_tokens(counter, schema.value);
    }
    count_structure(counter, COUNT_ROLE_SYSTEM,
                    vendor->tool + (int64_t)(vendor->tool_ratio * (double)words));
    count_syntax(counter, COUNT_ROLE_SYSTEM, syntax + vendor->tool_syntax);
}

void count_tools_vendor_end(struct counter *counter, bool forced)
{
    const struct vendor_family *vendor = counter->vendor;
    counter->out->features.has_tools = true;
    count_structure(counter, COUNT_ROLE_SYSTEM, vendor->tools + (forced ? vendor->forced : 0));
}

void count_call_vendor(struct counter *counter, struct member name, struct member arguments)
{
    count_string(counter, COUNT_ROLE_ASSISTANT, name);
    count_json(counter, COUNT_ROLE_ASSISTANT, arguments);
    count_syntax(counter, COUNT_ROLE_ASSISTANT, counter->vendor->call);
}

/* The words of any value: names of members, strings, numbers. */
static int64_t json_words(struct counter *counter, struct member value)
{
    size_t at = 0;
    struct span key;
    struct member inner;
    int64_t tokens = 0;
    if (value.type == JSON_STRING)
        return string_tokens(counter, value);
    if (value.type != JSON_OBJECT && value.type != JSON_ARRAY)
        return count_words(counter, value.value);
    while (json_walk(value.value, &at, &key, &inner.value, &inner.type)) {
        if (value.type == JSON_OBJECT) {
            struct member name = {span_make(key.ptr - 1, key.len + 2), JSON_STRING};
            tokens += string_tokens(counter, name);
        }
        tokens += json_words(counter, inner);
    }
    return tokens;
}

void count_json_apart(struct counter *counter, enum count_role role, struct member value)
{
    int64_t whole = count_json(counter, role, value);
    if (counter->vendor->syntax > 0)
        return;
    int64_t words = value.type == JSON_NULL ? 0 : json_words(counter, value);
    int64_t syntax = whole > words ? whole - words : 0;
    counter->out->features.text_tokens -= syntax;
    counter->roles[role] -= syntax;
    count_syntax(counter, role, syntax);
}

void count_format_vendor(struct counter *counter, struct member schema)
{
    if (schema.type != JSON_OBJECT || counter->vendor->format == 0)
        return;
    int64_t tokens = schema.value.len <= SCHEMA_MAX ? compact_tokens(counter, schema)
                                                    : count_tokens(counter, schema.value);
    count_structure(counter, COUNT_ROLE_SYSTEM, counter->vendor->format + tokens);
}
