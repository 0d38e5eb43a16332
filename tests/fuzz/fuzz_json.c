/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict pass, the walk, the tree and the edits, each against the others: what json_scan lets
 * through must mean the same to all of them.
 */
#include "fuzz.h"

#include "wire/json.h"

#include <float.h>
#include <math.h>

#define EXACT_MAX ((INT64_C(1) << 53) - 1)

/* cJSON, as Debian ships it, takes no longer numbers. */
#define TREE_NUMBER_MAX ((size_t)63)

static void check_node(struct span value, enum json_type type, const struct json *node,
                       struct arena *arena);

static void check_number(struct span value, const struct json *node)
{
    double number;
    int64_t exact;
    int64_t rounded;
    FUZZ_CHECK(json_number(node, &number));
    if (json_value_to_i64(value, &exact) && exact >= -EXACT_MAX && exact <= EXACT_MAX)
        FUZZ_CHECK(json_integer(node, &rounded) && rounded == exact);
}

/* A key as json_walk gives it has lost its quotes, which are still there in the text. */
static struct span decode_key(struct span raw, struct arena *arena)
{
    return json_decode_string(span_make(raw.ptr - 1, raw.len + 2), arena);
}

static void check_container(struct span container, enum json_type type, const struct json *node,
                            struct arena *arena)
{
    const struct json *child = json_first(node);
    size_t at = 0;
    struct span key;
    struct span value;
    enum json_type inner;
    for (; json_walk(container, &at, &key, &value, &inner); child = json_next(child)) {
        FUZZ_CHECK(child != NULL && fuzz_inside(value, container));
        if (type == JSON_OBJECT)
            FUZZ_CHECK(span_equal(decode_key(key, arena), json_key(child)));
        else
            FUZZ_CHECK(key.len == 0);
        check_node(value, inner, child, arena);
    }
    FUZZ_CHECK(child == NULL);
}

static void check_node(struct span value, enum json_type type, const struct json *node,
                       struct arena *arena)
{
    FUZZ_CHECK(json_type(node) == type);
    if (type == JSON_NUMBER)
        check_number(value, node);
    else if (type == JSON_STRING)
        FUZZ_CHECK(span_equal(json_decode_string(value, arena), json_string(node)));
    else if (type == JSON_ARRAY || type == JSON_OBJECT)
        check_container(value, type, node, arena);
}

/* Also counts digits inside strings; then a tree is not asked for. */
static bool has_long_number(struct span text)
{
    size_t run = 0;
    for (size_t i = 0; i < text.len && run <= TREE_NUMBER_MAX; i++)
        run = text.ptr[i] != '\0' && strchr("0123456789+-.eE", text.ptr[i]) != NULL ? run + 1 : 0;
    return run > TREE_NUMBER_MAX;
}

static void check_tree(const struct json_object *object, struct arena *arena)
{
    struct json *root = json_parse(object->text);
    if (root == NULL) {
        FUZZ_CHECK(has_long_number(object->text));
        return;
    }
    check_node(object->text, object->type, root, arena);
    for (size_t i = 0; i < object->count; i++) {
        const struct json_member *member = &object->members[i];
        const struct json *node = json_get(root, arena_copy(arena, member->key).ptr);
        FUZZ_CHECK(node != NULL && span_equal(json_key(node), member->key));
    }
    json_free(&root);
}

/* In the order of the text, each inside it, and as json_walk gives them. */
static void check_members(const struct json_object *object, struct arena *arena)
{
    size_t at = 0;
    struct span key;
    struct span value;
    enum json_type type;
    struct span rest = object->text;
    for (size_t i = 0; i < object->count; i++) {
        const struct json_member *member = &object->members[i];
        FUZZ_CHECK(fuzz_inside(member->whole, rest) && fuzz_inside(member->value, member->whole));
        const char *end = member->whole.ptr + member->whole.len;
        FUZZ_CHECK(member->whole.ptr[0] == '"' && member->value.ptr + member->value.len == end);
        rest = span_from(rest, (size_t)(end - rest.ptr));
        FUZZ_CHECK(json_member(object, member->key) == member);
        FUZZ_CHECK(json_walk(object->text, &at, &key, &value, &type) && type == member->type);
        FUZZ_CHECK(value.ptr == member->value.ptr && value.len == member->value.len);
        FUZZ_CHECK(span_equal(decode_key(key, arena), member->key));
    }
    FUZZ_CHECK(object->type != JSON_OBJECT || !json_walk(object->text, &at, &key, &value, &type));
}

/* A value replaced by another: the text is still good, and says the new thing and all the old. */
static void check_replaced(const struct json_object *object, size_t index, struct arena *arena)
{
    struct span old = object->members[index].value;
    size_t from = (size_t)(old.ptr - object->text.ptr);
    struct json_edit edit = {from, from + old.len, SPAN("[0]")};
    struct buf out;
    struct json_object again;
    struct json_fault fault;
    buf_init(&out, object->text.len + edit.replacement.len, 0);
    FUZZ_CHECK(json_edit(object->text, &edit, 1, &out));
    FUZZ_CHECK(json_scan(buf_span(&out), arena, &again, &fault) && again.count == object->count);
    for (size_t i = 0; i < again.count; i++) {
        struct span expected = i == index ? edit.replacement : object->members[i].value;
        FUZZ_CHECK(span_equal(again.members[i].key, object->members[i].key));
        FUZZ_CHECK(span_equal(again.members[i].value, expected));
    }
    buf_fini(&out);
}

static void check_edits(const struct json_object *object, struct span input, struct arena *arena)
{
    struct buf out;
    buf_init(&out, object->text.len, 0);
    FUZZ_CHECK(json_edit(object->text, NULL, 0, &out));
    FUZZ_CHECK(span_equal(buf_span(&out), object->text));
    buf_fini(&out);
    struct fuzz_chance chance = fuzz_chance_of(input);
    if (object->count > 0)
        check_replaced(object, fuzz_below(&chance, object->count), arena);
}

/* ---- what is refused ---- */

static bool repeats(const struct json *node)
{
    for (const struct json *later = json_next(node); later != NULL; later = json_next(later))
        if (span_equal(json_key(node), json_key(later)))
            return true;
    return false;
}

/* Whether the reason is true of this node, `depth` containers down, or of one below it. */
static bool has_fault(const struct json *node, const char *what, unsigned depth)
{
    double number;
    bool container = json_type(node) == JSON_ARRAY || json_type(node) == JSON_OBJECT;
    if (strcmp(what, "nested too deeply") == 0 && container && depth >= JSON_MAX_DEPTH)
        return true;
    if (strcmp(what, "number out of range") == 0 && json_type(node) == JSON_NUMBER)
        return !json_number(node, &number) || fabs(number) == DBL_MAX; /* rounded down to it */
    for (const struct json *child = json_first(node); child != NULL; child = json_next(child)) {
        if (strcmp(what, "duplicate key") == 0 && json_type(node) == JSON_OBJECT && repeats(child))
            return true;
        if (has_fault(child, what, depth + 1))
            return true;
    }
    return false;
}

/* A good text must not be refused either. That is hard to say in general; but where the tree shows
 * the reason that was given, it must be there. */
static void check_refusal(struct span input, const struct json_fault *fault)
{
    FUZZ_CHECK(fault->offset <= input.len && fault->what != NULL);
    if (strcmp(fault->what, "nested too deeply") != 0 &&
        strcmp(fault->what, "number out of range") != 0 &&
        strcmp(fault->what, "duplicate key") != 0)
        return;
    struct json *root = json_parse(input);
    FUZZ_CHECK(root == NULL || has_fault(root, fault->what, 0));
    json_free(&root);
}

/* A full arena may refuse a good text, and nothing else may differ. */
static void check_small_arena(struct span input, bool valid)
{
    struct arena arena;
    struct json_object object;
    struct json_fault fault = {0, ""};
    arena_init(&arena, 512);
    if (json_scan(input, &arena, &object, &fault))
        FUZZ_CHECK(valid);
    else
        FUZZ_CHECK(!valid || strcmp(fault.what, "too many members") == 0);
    arena_fini(&arena);
}

void fuzz_json(struct span input)
{
    struct arena arena;
    struct json_object object;
    struct json_fault fault = {SIZE_MAX, NULL};
    arena_init(&arena, FUZZ_ROOM);
    bool valid = json_scan(input, &arena, &object, &fault);
    if (valid) {
        FUZZ_CHECK(object.text.len > 0 && fuzz_inside(object.text, input));
        check_members(&object, &arena);
        check_tree(&object, &arena);
        check_edits(&object, input, &arena);
    } else {
        check_refusal(input, &fault);
    }
    check_small_arena(input, valid);
    FUZZ_CHECK(!arena_failed(&arena));
    arena_fini(&arena);
}
