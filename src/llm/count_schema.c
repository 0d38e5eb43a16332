/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's definition as OpenAI's templates show it to the model: a type of TypeScript.
 *
 *   // what the function does
 *   type name = (_: {
 *   // what the argument is
 *   city: string,
 *   unit?: "c" | "f", // default: "c"
 *   }) => any;
 *
 * An object of which no property, at any depth, has a comment stands on one line:
 * `{ city: string, unit?: "c" | "f" }`, without defaults. That is known only at its end: it is
 * written on lines, with DEFAULT_MARK before each default, and put on one line afterwards. Each
 * object is read once; putting on one line reads what was written once more at each depth.
 */
#include "count_private.h"

#define DEFAULT_MARK '\x01'
#define LOOKS_MAX    ((size_t)64 * 1024 * 1024)

enum {
    S_TYPE,
    S_TITLE,
    S_DESCRIPTION,
    S_PROPERTIES,
    S_REQUIRED,
    S_ENUM,
    S_CONST,
    S_ANY_OF,
    S_ONE_OF,
    S_ITEMS,
    S_DEFAULT,
    S_FIELDS
};
static const struct span schema_keys[S_FIELDS] = {
    SPAN_INIT("type"),     SPAN_INIT("title"), SPAN_INIT("description"), SPAN_INIT("properties"),
    SPAN_INIT("required"), SPAN_INIT("enum"),  SPAN_INIT("const"),       SPAN_INIT("anyOf"),
    SPAN_INIT("oneOf"),    SPAN_INIT("items"), SPAN_INIT("default"),
};

static bool write_type(struct counter *counter, struct buf *out, struct member schema);

/* The text of a string, without the white space at its end. */
static void write_text(struct counter *counter, struct buf *out, struct member string)
{
    struct arena *scratch = counter->request->scratch;
    struct arena_mark mark = arena_mark(scratch);
    struct span text = count_decode(counter, string);
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\n'))
        text.len--;
    buf_append(out, text);
    arena_rewind(scratch, mark);
}

static void write_comment(struct counter *counter, struct buf *out, struct member string)
{
    buf_append(out, SPAN("// "));
    write_text(counter, out, string);
    buf_append_byte(out, '\n');
}

static bool is_text(struct member member)
{
    return member_raw(member).len > 0;
}

/* Of that type, and not empty. */
static bool is_container(struct member member, enum json_type type)
{
    size_t at = 0;
    struct span key;
    struct member first;
    return member.type == type && json_walk(member.value, &at, &key, &first.value, &first.type);
}

/* Whether the names of `required` have the key. Lists that are searched without end by a body that
 * is made for it are searched no more. */
static bool is_required(struct counter *counter, struct member required, struct span key)
{
    size_t at = 0;
    struct span none;
    struct member name;
    if (required.type != JSON_ARRAY)
        return false;
    counter->looks += required.value.len;
    if (counter->looks > LOOKS_MAX) {
        count_degrade(counter, COUNT_ESTIMATE);
        return true;
    }
    while (json_walk(required.value, &at, &none, &name.value, &name.type))
        if (member_is(name, key))
            return true;
    return false;
}

/* From `from` on is "{\n", properties each with ",\n", and "}"; within each no line break. */
static void put_on_one_line(struct buf *out, size_t from)
{
    char *text = out->data + out->start;
    size_t end = buf_len(out);
    size_t to = from;
    for (size_t i = from; i < end; i++) {
        if (text[i] == DEFAULT_MARK)
            while (i < end && text[i] != '\n')
                i++;
        if (text[i] != '\n') {
            text[to++] = text[i];
        } else if (i + 2 == end) { /* the last: no comma */
            text[to - 1] = ' ';
        } else {
            text[to++] = ' ';
        }
    }
    buf_truncate(out, to);
}

static bool write_property(struct counter *counter, struct buf *out, struct span key,
                           struct member schema, struct member required)
{
    struct member fields[S_FIELDS];
    struct arena *scratch = counter->request->scratch;
    members_read(schema, schema_keys, S_FIELDS, fields);
    bool commented = is_text(fields[S_TITLE]) || is_text(fields[S_DESCRIPTION]);
    if (is_text(fields[S_TITLE])) {
        write_comment(counter, out, fields[S_TITLE]);
        buf_append(out, SPAN("//\n"));
    }
    if (is_text(fields[S_DESCRIPTION]))
        write_comment(counter, out, fields[S_DESCRIPTION]);
    struct arena_mark mark = arena_mark(scratch);
    struct member name = {span_make(key.ptr - 1, key.len + 2), JSON_STRING};
    buf_append(out, count_decode(counter, name));
    arena_rewind(scratch, mark);
    buf_append(out, is_required(counter, required, key) ? SPAN(": ") : SPAN("?: "));
    commented |= write_type(counter, out, schema);
    buf_append_byte(out, ',');
    if (fields[S_DEFAULT].value.len > 0) {
        buf_append_byte(out, DEFAULT_MARK);
        buf_append(out, SPAN(" // default: "));
        json_write_compact(counter, out, fields[S_DEFAULT], 0);
    }
    buf_append_byte(out, '\n');
    return commented;
}

static bool write_object(struct counter *counter, struct buf *out, const struct member *fields)
{
    size_t from = buf_len(out);
    size_t at = 0;
    struct span key;
    struct member schema;
    bool commented = false;
    buf_append(out, SPAN("{\n"));
    while (!buf_failed(out) &&
           json_walk(fields[S_PROPERTIES].value, &at, &key, &schema.value, &schema.type))
        commented |= write_property(counter, out, key, schema, fields[S_REQUIRED]);
    buf_append_byte(out, '}');
    if (!commented && !buf_failed(out))
        put_on_one_line(out, from);
    return commented;
}

/* The elements with " | " between: values as JSON, or types. */
static bool write_union(struct counter *counter, struct buf *out, struct member list, bool types)
{
    size_t at = 0;
    struct span none;
    struct member element;
    bool commented = false;
    bool first = true;
    while (!buf_failed(out) && json_walk(list.value, &at, &none, &element.value, &element.type)) {
        if (!first)
            buf_append(out, SPAN(" | "));
        first = false;
        if (types)
            commented |= write_type(counter, out, element);
        else
            json_write_compact(counter, out, element, 0);
    }
    return commented;
}

static bool write_array(struct counter *counter, struct buf *out, struct member items)
{
    if (items.type != JSON_OBJECT) {
        buf_append(out, SPAN("any[]"));
        return false;
    }
    bool commented = write_type(counter, out, items);
    buf_append(out, SPAN("[]"));
    return commented;
}

static bool write_named(struct counter *counter, struct buf *out, struct span type,
                        const struct member *fields)
{
    if (span_equal(type, SPAN("array")))
        return write_array(counter, out, fields[S_ITEMS]);
    if (span_equal(type, SPAN("object")) || is_container(fields[S_PROPERTIES], JSON_OBJECT)) {
        if (is_container(fields[S_PROPERTIES], JSON_OBJECT))
            return write_object(counter, out, fields);
        buf_append(out, SPAN("object"));
    } else if (span_equal(type, SPAN("integer"))) {
        buf_append(out, SPAN("number"));
    } else if (span_equal(type, SPAN("string")) || span_equal(type, SPAN("number")) ||
               span_equal(type, SPAN("boolean")) || span_equal(type, SPAN("null"))) {
        buf_append(out, type);
    } else {
        buf_append(out, SPAN("any"));
    }
    return false;
}

static bool write_type(struct counter *counter, struct buf *out, struct member schema)
{
    struct member fields[S_FIELDS];
    members_read(schema, schema_keys, S_FIELDS, fields);
    if (fields[S_CONST].value.len > 0) {
        json_write_compact(counter, out, fields[S_CONST], 0);
        return false;
    }
    if (is_container(fields[S_ENUM], JSON_ARRAY))
        return write_union(counter, out, fields[S_ENUM], false);
    if (is_container(fields[S_ANY_OF], JSON_ARRAY))
        return write_union(counter, out, fields[S_ANY_OF], true);
    if (is_container(fields[S_ONE_OF], JSON_ARRAY))
        return write_union(counter, out, fields[S_ONE_OF], true);
    if (fields[S_TYPE].type != JSON_ARRAY)
        return write_named(counter, out, member_raw(fields[S_TYPE]), fields);
    size_t at = 0;
    struct span none;
    struct member type;
    bool commented = false;
    bool first = true;
    while (!buf_failed(out) &&
           json_walk(fields[S_TYPE].value, &at, &none, &type.value, &type.type)) {
        if (!first)
            buf_append(out, SPAN(" | "));
        first = false;
        commented |= write_named(counter, out, member_raw(type), fields);
    }
    return commented;
}

enum { F_NAME, F_DESCRIPTION, F_PARAMETERS, F_FIELDS };
static const struct span function_keys[F_FIELDS] = {
    SPAN_INIT("name"),
    SPAN_INIT("description"),
    SPAN_INIT("parameters"),
};

bool schema_write_function(struct counter *counter, struct buf *out, struct member function)
{
    struct member fields[F_FIELDS];
    struct member schema[S_FIELDS];
    bool commented = false;
    members_read(function, function_keys, F_FIELDS, fields);
    members_read(fields[F_PARAMETERS], schema_keys, S_FIELDS, schema);
    if (is_text(fields[F_DESCRIPTION]))
        write_comment(counter, out, fields[F_DESCRIPTION]);
    buf_append(out, SPAN("type "));
    write_text(counter, out, fields[F_NAME]);
    if (!is_container(schema[S_PROPERTIES], JSON_OBJECT)) {
        buf_append(out, SPAN(" = () => any;\n\n"));
        return false;
    }
    buf_append(out, SPAN(" = (_: "));
    if (is_text(schema[S_TITLE]))
        write_comment(counter, out, schema[S_TITLE]);
    if (is_text(schema[S_DESCRIPTION]))
        write_comment(counter, out, schema[S_DESCRIPTION]);
    commented = write_object(counter, out, schema);
    buf_append(out, SPAN(") => any;\n\n"));
    return commented;
}

void schema_finish(struct buf *out, size_t from)
{
    if (out->data == NULL)
        return;
    char *text = out->data + out->start;
    size_t to = from;
    for (size_t i = from; i < buf_len(out); i++)
        if (text[i] != DEFAULT_MARK)
            text[to++] = text[i];
    buf_truncate(out, to);
}
