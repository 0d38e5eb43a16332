/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what an answer, or one event of a stream, says, and writes events with an edit. A strict
 * pass over the event, then a walk of its choices and its usage: no tree, nothing kept.
 *
 * Hosts differ in where they put things (wire reference 3.6), so nothing depends on a place: usage
 * may ride on any chunk, an error beside choices, a chunk without choices may be a filter's result
 * rather than usage, and content may be a string, null or an array of parts.
 */
#include "dialect_openai.h"

#include "base/money.h"
#include "wire/sse_writer.h"

/* ---- generated text ---- */

/*
 * Where generated text lies in a choice: the strings under these keys, at any of the inner levels.
 * An array stands for its elements, so that tool calls and content parts need no code of their own.
 */
struct shape {
    struct span key;
    const struct shape *inner; /* NULL: only strings count */
    size_t count;
};

static const struct shape call_shape[] = {
    {SPAN("name"), NULL, 0},
    {SPAN("arguments"), NULL, 0},
    {SPAN("input"), NULL, 0},
};
static const struct shape tool_shape[] = {
    {SPAN("function"), call_shape, COUNT_OF(call_shape)},
    {SPAN("custom"), call_shape, COUNT_OF(call_shape)},
};
static const struct shape audio_shape[] = {
    {SPAN("transcript"), NULL, 0},
};
static const struct shape part_shape[2] = {
    {SPAN("text"), NULL, 0}, {SPAN("thinking"), part_shape, 2}, /* Mistral: parts inside a part */
};
static const struct shape message_shape[] = {
    {SPAN("content"), part_shape, COUNT_OF(part_shape)},
    {SPAN("reasoning_content"), NULL, 0},
    {SPAN("reasoning"), NULL, 0},
    {SPAN("refusal"), NULL, 0},
    {SPAN("tool_calls"), tool_shape, COUNT_OF(tool_shape)},
    {SPAN("function_call"), call_shape, COUNT_OF(call_shape)},
    {SPAN("audio"), audio_shape, COUNT_OF(audio_shape)},
};
static const struct shape choice_shape[] = {
    {SPAN("delta"), message_shape, COUNT_OF(message_shape)},
    {SPAN("message"), message_shape, COUNT_OF(message_shape)},
    {SPAN("text"), NULL, 0}, /* legacy completions */
};

static const struct shape *find_shape(const struct shape *shapes, size_t count, struct span key)
{
    for (size_t i = 0; i < count; i++)
        if (openai_text_is(key, shapes[i].key))
            return &shapes[i];
    return NULL;
}

static void note_text(struct span text, struct reply_facts *facts)
{
    uint64_t bytes = openai_text_bytes(text);
    if (bytes == 0)
        return;
    facts->text_bytes += bytes;
    if (facts->text_count < REPLY_MAX_TEXTS)
        facts->texts[facts->text_count++] = text;
    else
        facts->more_bytes += bytes;
}

/* As deep as json_scan lets a text be. */
static void note_texts(struct span value, enum json_type type, const struct shape *shapes,
                       size_t count, struct reply_facts *facts)
{
    if (type == JSON_STRING)
        note_text(value, facts);
    if (type != JSON_OBJECT && type != JSON_ARRAY)
        return;
    struct openai_walk walk = {.inside = value};
    while (openai_walk_next(&walk)) {
        if (type == JSON_ARRAY) {
            note_texts(walk.value, walk.type, shapes, count, facts);
            continue;
        }
        const struct shape *shape = find_shape(shapes, count, walk.key);
        if (shape != NULL)
            note_texts(walk.value, walk.type, shape->inner, shape->count, facts);
    }
}

/* ---- the members of an answer ---- */

/* A name of any kind, since each host has its own; some send "" in every chunk before the last. */
static bool is_finish_reason(const struct openai_walk *member)
{
    return member->type == JSON_STRING && openai_text(member->value).len > 0 &&
           openai_text_is(member->key, SPAN("finish_reason"));
}

static void read_choice(struct span choice, struct reply_facts *facts)
{
    struct openai_walk walk = {.inside = choice};
    while (openai_walk_next(&walk)) {
        const struct shape *shape = find_shape(choice_shape, COUNT_OF(choice_shape), walk.key);
        if (shape != NULL)
            note_texts(walk.value, walk.type, shape->inner, shape->count, facts);
        else if (is_finish_reason(&walk))
            facts->finished = true;
    }
}

/* Returns whether there are none: [] or, from servers that print an empty list so, null. */
static bool read_choices(const struct json_member *choices, struct reply_facts *facts)
{
    if (choices == NULL || choices->type != JSON_ARRAY)
        return choices != NULL && choices->type == JSON_NULL;
    bool empty = true;
    struct openai_walk walk = {.inside = choices->value};
    while (openai_walk_next(&walk)) {
        empty = false;
        if (walk.type == JSON_OBJECT)
            read_choice(walk.value, facts);
    }
    return empty;
}

/* The member of an object that json_scan has passed, or the empty span. */
static struct span find_value(struct span object, struct span name)
{
    struct openai_walk walk = {.inside = object};
    while (openai_walk_next(&walk))
        if (openai_text_is(walk.key, name))
            return walk.value;
    return SPAN_NONE;
}

/* Verdict, and where write_event may put its edit. */
static void read_usage(struct span data, const struct json_object *root,
                       const struct json_member *usage, const struct usage_limits *limits,
                       struct reply_facts *facts)
{
    facts->usage_verdict = usage_read_openai(usage->value, limits, &facts->usage);
    if (usage->type == JSON_NULL) {
        size_t index = (size_t)(usage - root->members);
        facts->usage_null = openai_member_cut(root, index, index > 0);
    } else if (usage->type == JSON_OBJECT) {
        facts->usage_end = (size_t)(usage->value.ptr + usage->value.len - 1 - data.ptr);
        facts->usage_cost = find_value(usage->value, SPAN("cost"));
    }
}

static bool has_value(const struct json_object *root, struct span key)
{
    const struct json_member *member = json_member(root, key);
    return member != NULL && member->type != JSON_NULL;
}

/* `{"error":…}`, or the bare error object of older vLLM and of Mistral. */
static bool is_error(const struct json_object *root)
{
    const struct json_member *object = json_member(root, SPAN("object"));
    return has_value(root, SPAN("error")) ||
           (object != NULL && openai_value_is(object->value, object->type, SPAN("error")));
}

/* What a chunk without choices may exist for besides usage; dropped with it, the client would never
 * learn that its prompt was flagged. */
static bool has_filter_results(const struct json_object *root)
{
    return has_value(root, SPAN("moderation")) || has_value(root, SPAN("prompt_filter_results"));
}

static void read_root(struct span data, bool stream, const struct json_object *root,
                      const struct usage_limits *limits, struct reply_facts *facts)
{
    const struct json_member *usage = json_member(root, SPAN("usage"));
    const struct json_member *groq = json_member(root, SPAN("x_groq"));
    const struct json_member *tier = json_member(root, SPAN("service_tier"));
    facts->is_error = is_error(root);
    if (usage != NULL)
        read_usage(data, root, usage, limits, facts);
    else if (groq != NULL && groq->type == JSON_OBJECT) /* older Groq: only there */
        facts->usage_verdict =
            usage_read_openai(find_value(groq->value, SPAN("usage")), limits, &facts->usage);
    if (facts->usage_verdict == USAGE_GOOD && tier != NULL)
        facts->usage.service_tier = usage_service_tier(tier->value);
    /* A whole answer is measured only where its usage does not say what was generated. */
    if (!stream && facts->usage_verdict == USAGE_GOOD)
        return;
    bool no_choices = read_choices(json_member(root, SPAN("choices")), facts);
    /* Also where the figures are zero or impossible: a client that did not ask for usage may index
     * an empty array of choices. */
    facts->is_usage_only = stream && no_choices && usage != NULL && usage->type != JSON_NULL &&
                           !facts->is_error && !has_filter_results(root);
}

/* What the strict pass refuses (a key twice, say) is not metered, but may be an answer all the same. */
static bool clients_can_read(struct span data)
{
    struct json *root = json_parse(data);
    bool object = json_type(root) == JSON_OBJECT;
    json_free(&root);
    return object;
}

void openai_read_reply(struct span data, bool stream, const struct usage_limits *limits,
                       struct arena *scratch, struct reply_facts *out)
{
    *out = (struct reply_facts){.usage_verdict = USAGE_ABSENT};
    if (stream && span_equal(span_trim(data), SPAN("[DONE]"))) {
        out->is_done = true;
        return;
    }
    /* Facts point into the data only, so a stream of any length needs the arena of one event. */
    struct arena_mark mark = arena_mark(scratch);
    struct json_object root;
    struct json_fault fault;
    if (json_scan(data, scratch, &root, &fault) && root.type == JSON_OBJECT) {
        out->is_object = true;
        read_root(data, stream, &root, limits, out);
    } else {
        out->is_object = clients_can_read(data);
    }
    arena_rewind(scratch, mark);
}

/* ---- the end of an answer ---- */

/* The rest of the root object from its member `usage` on, as an object of its own: true only where
 * the text ends with that object, so that no deeper member of the name is taken for it. */
static bool scan_rest(struct span rest, struct arena *scratch, struct json_object *out)
{
    struct json_fault fault;
    char *text = arena_alloc(scratch, rest.len + 1);
    if (text == NULL)
        return false;
    text[0] = '{';
    memcpy(text + 1, rest.ptr, rest.len);
    return json_scan(span_make(text, rest.len + 1), scratch, out, &fault);
}

/* Within a string its quotes would be escaped. */
static bool is_name(struct span tail, size_t at)
{
    return at == 0 || tail.ptr[at - 1] != '\\';
}

void openai_read_tail(struct span tail, const struct usage_limits *limits, struct arena *scratch,
                      struct reply_facts *out)
{
    static const struct span name = SPAN_INIT("\"usage\"");
    *out = (struct reply_facts){.usage_verdict = USAGE_ABSENT};
    struct arena_mark mark = arena_mark(scratch);
    for (size_t at = span_search(tail, name); at < tail.len;) {
        struct json_object root;
        struct span rest = span_from(tail, at);
        if (is_name(tail, at) && scan_rest(rest, scratch, &root)) {
            const struct json_member *usage = json_member(&root, SPAN("usage"));
            out->usage_verdict = usage_read_openai(usage->value, limits, &out->usage);
            break;
        }
        at += name.len + span_search(span_from(rest, name.len), name);
        arena_rewind(scratch, mark);
    }
    arena_rewind(scratch, mark);
}

/* ---- events with an edit ---- */

/* Whether the usage object that ends at `end` has no member yet. */
static bool is_empty_object(struct span data, size_t end)
{
    size_t at = end;
    while (at > 0 && (data.ptr[at - 1] == ' ' || data.ptr[at - 1] == '\t' ||
                      data.ptr[at - 1] == '\n' || data.ptr[at - 1] == '\r'))
        at--;
    return at > 0 && data.ptr[at - 1] == '{';
}

/* A provider's own figure (OpenRouter's) is what it bills us; the client's cost is ours. */
static struct json_edit cost_edit(struct span data, const struct reply_facts *facts,
                                  int64_t cost_nusd, struct buf *words)
{
    char cost[MONEY_TEXT_SIZE];
    money_format(cost_nusd, cost);
    if (facts->usage_cost.len > 0) {
        size_t from = (size_t)(facts->usage_cost.ptr - data.ptr);
        buf_append(words, span_from_string(cost));
        return (struct json_edit){from, from + facts->usage_cost.len, buf_span(words)};
    }
    if (!is_empty_object(data, facts->usage_end))
        buf_append_byte(words, ',');
    buf_append(words, SPAN("\"cost\":"));
    buf_append(words, span_from_string(cost));
    return (struct json_edit){facts->usage_end, facts->usage_end, buf_span(words)};
}

bool openai_write_event(struct span data, const struct reply_facts *facts, int64_t cost_nusd,
                        struct buf *out)
{
    /* A usage that is null has no end, so there is one edit at most. */
    struct buf words;
    struct buf text;
    struct json_edit edit = {0, 0, SPAN_NONE};
    buf_init(&words, MONEY_TEXT_SIZE + sizeof(",\"cost\":"), 0);
    buf_init(&text, data.len + MONEY_TEXT_SIZE + sizeof(",\"cost\":"), 0);
    if (facts->usage_null.len > 0) {
        edit.from = (size_t)(facts->usage_null.ptr - data.ptr);
        edit.to = edit.from + facts->usage_null.len;
    } else if (facts->usage_end > 0 && cost_nusd >= 0) {
        edit = cost_edit(data, facts, cost_nusd, &words);
    }
    bool whole = json_edit(data, &edit, 1, &text);
    sse_write_event(out, SPAN_NONE, buf_span(&text));
    buf_fini(&words);
    buf_fini(&text);
    return whole && !buf_failed(out);
}
