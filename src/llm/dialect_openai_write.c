/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the provider's body: the client's bytes, with up to six edits in rising order.
 *
 *   {  "model": "a", "messages": […], "max_tokens": 9, "stream_options": {…}}
 *    ^          ^^^                  ^^^^^^^^^^^^^^^^^                    ^
 *    new members  model              a limit in a field that this         include_usage
 *                                    provider does not honour
 *
 * The words of the edits are gathered in one buffer, in the order of the edits; since it may move
 * while it grows, they become spans at the end.
 */
#include "dialect_openai.h"

#include "base/assert.h"

#define EDITS_MAX 6
#define WORDS_MAX 8192 /* a model's name may be escaped, nothing else is long */

static const struct span max_tokens = SPAN("max_tokens");
static const struct span max_completion_tokens = SPAN("max_completion_tokens");
static const struct span stream_options = SPAN("stream_options");

struct edits {
    const struct json_object *body;
    struct json_edit list[EDITS_MAX];
    size_t count;
    struct buf words;
    size_t used; /* words that belong to an edit already */
};

static size_t offset_of(const struct edits *edits, const char *at)
{
    return (size_t)(at - edits->body->text.ptr);
}

/* The words since the last edit replace `old`. */
static void replace(struct edits *edits, struct span old)
{
    ASSERT(edits->count < EDITS_MAX);
    size_t from = offset_of(edits, old.ptr);
    size_t end = buf_len(&edits->words);
    edits->list[edits->count++] =
        (struct json_edit){from, from + old.len, span_make(NULL, end - edits->used)};
    edits->used = end;
}

static bool apply(struct edits *edits, struct buf *out)
{
    if (buf_failed(&edits->words))
        return false;
    const char *word = buf_span(&edits->words).ptr;
    for (size_t i = 0; i < edits->count; i++) {
        struct span *replacement = &edits->list[i].replacement;
        if (replacement->len > 0) {
            replacement->ptr = word;
            word += replacement->len;
        }
    }
    return json_edit(edits->body->text, edits->list, edits->count, out);
}

/* ---- what the provider's body says ---- */

struct wishes {
    struct span model;
    struct span limit_field; /* empty: leave the limits alone */
    int64_t limit;
    bool ask_usage;
};

/* Without a limit of ours the client's own goes into the provider's field. Without any there is
 * nothing to write: null limits stay, they say what an absent one says. */
static struct wishes wishes_of(const struct call *call, const struct call_changes *changes)
{
    ASSERT(changes->output_limit == 0 || changes->limit_field.len > 0);
    int64_t limit = changes->output_limit != 0 ? changes->output_limit : call->output_limit;
    struct span field = call->kind == CALL_COMPLETIONS ? max_tokens : changes->limit_field;
    return (struct wishes){
        .model = changes->model,
        .limit_field = limit != 0 ? field : SPAN_NONE,
        .limit = limit,
        .ask_usage = changes->ask_usage && call->stream,
    };
}

/* A limit in a field other than the provider's own: a second figure, which may be the larger. */
static bool is_stray_limit(const struct wishes *wishes, struct span key)
{
    return wishes->limit_field.len > 0 && !span_equal(key, wishes->limit_field) &&
           (span_equal(key, max_tokens) || span_equal(key, max_completion_tokens));
}

/* ---- the edits ---- */

/* Behind the opening brace: there is always a member after it to take the comma. */
static void add_new_members(struct edits *edits, const struct wishes *wishes)
{
    struct buf *words = &edits->words;
    if (wishes->limit_field.len > 0 && json_member(edits->body, wishes->limit_field) == NULL) {
        buf_append_json_string(words, wishes->limit_field);
        buf_append_byte(words, ':');
        buf_append_u64(words, (uint64_t)wishes->limit);
        buf_append_byte(words, ',');
    }
    if (wishes->ask_usage && json_member(edits->body, stream_options) == NULL)
        buf_append(words, SPAN("\"stream_options\":{\"include_usage\":true},"));
    if (buf_len(words) > 0)
        replace(edits, span_make(edits->body->text.ptr + 1, 0));
}

/* Null, or an object whose other members stay. */
static void edit_stream_options(struct edits *edits, const struct json_member *member)
{
    struct buf *words = &edits->words;
    if (member->type != JSON_OBJECT) {
        buf_append(words, SPAN("{\"include_usage\":true}"));
        replace(edits, member->value);
        return;
    }
    struct openai_walk walk = {.inside = member->value};
    bool empty = true;
    while (openai_walk_next(&walk)) {
        empty = false;
        if (openai_text_is(walk.key, SPAN("include_usage"))) {
            buf_append(words, SPAN("true"));
            replace(edits, walk.value);
            return;
        }
    }
    buf_append(words, empty ? SPAN("\"include_usage\":true") : SPAN("\"include_usage\":true,"));
    replace(edits, span_make(member->value.ptr + 1, 0));
}

static void edit_member(struct edits *edits, const struct call *call, const struct wishes *wishes,
                        const struct json_member *member)
{
    if (span_equal(member->key, SPAN("model"))) {
        if (wishes->model.len > 0 && !span_equal(wishes->model, call->model)) {
            buf_append_json_string(&edits->words, wishes->model);
            replace(edits, member->value);
        }
    } else if (wishes->limit_field.len > 0 && span_equal(member->key, wishes->limit_field)) {
        buf_append_u64(&edits->words, (uint64_t)wishes->limit);
        replace(edits, member->value);
    } else if (wishes->ask_usage && span_equal(member->key, stream_options)) {
        edit_stream_options(edits, member);
    }
}

/* In the order of the text, so that the edits come out in rising order. */
static void edit_members(struct edits *edits, const struct call *call, const struct wishes *wishes)
{
    bool kept_before = false;
    for (size_t i = 0; i < edits->body->count; i++) {
        const struct json_member *member = &edits->body->members[i];
        if (is_stray_limit(wishes, member->key)) {
            replace(edits, openai_member_cut(edits->body, i, kept_before));
        } else {
            edit_member(edits, call, wishes, member);
            kept_before = true;
        }
    }
}

bool openai_write_call(const struct call *call, const struct call_changes *changes, struct buf *out)
{
    struct wishes wishes = wishes_of(call, changes);
    struct edits edits = {.body = &call->body};
    buf_init(&edits.words, WORDS_MAX, 0);
    add_new_members(&edits, &wishes);
    edit_members(&edits, call, &wishes);
    bool written = apply(&edits, out);
    buf_fini(&edits.words);
    return written;
}
