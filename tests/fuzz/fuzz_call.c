/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's body as each kind of request, and the provider's body made of it. What is written must be read again with the
 * limit and the model that were asked for and everything else as it was: the limit is what bounds
 * the money.
 */
#include "fuzz.h"

#include "llm/bound.h"
#include "llm/dialect.h"

#define MODEL     SPAN("provider/\"quoted\" model")
#define LIMIT     INT64_C(777)
#define EDITS_MAX ((size_t)1024) /* what the gateway gives a body to grow by */

/* A limit that the client wrote is the one that was read, whichever field a provider looks at. */
static void check_own_limit(const struct call *call, struct span field)
{
    int64_t limit;
    const struct json_member *member = json_member(&call->body, field);
    if (member != NULL && member->type != JSON_NULL)
        FUZZ_CHECK(json_value_to_i64(member->value, &limit) && limit == call->output_limit);
}

static void check_bound(const struct call *call)
{
    struct bound_request request = {.call = call, .model = call->model, .hidden_input = -1};
    uint64_t bytes = call->body.text.len;
    FUZZ_CHECK(call->media_bytes <= bytes && call->structured_bytes <= bytes);
    FUZZ_CHECK(call->images >= 0 && call->audio_tokens >= 0);
    FUZZ_CHECK(bound_input(&request) >= (int64_t)(bytes - call->media_bytes));
    request.model = SPAN("claude"); /* which normalises */
    FUZZ_CHECK(bound_input(&request) >= (int64_t)(bytes - call->media_bytes));
    FUZZ_CHECK(bound_output_wish(call, 100) >= 0 && bound_output_wish(call, 100) <= 100);
}

static void check_call(const struct call *call, struct span body)
{
    bool is_chat = call->kind == CALL_CHAT;
    FUZZ_CHECK(fuzz_inside(call->body.text, body));
    FUZZ_CHECK(call->model.len > 0 && call->model.len <= 256);
    FUZZ_CHECK(call->choices >= 1 && call->prompts >= 1 && (call->messages >= 1) == is_chat);
    FUZZ_CHECK(call->output_limit >= 0 && call->output_limit <= INT32_MAX);
    FUZZ_CHECK(call->output_limit == 0 || call->limit_field != LIMIT_FIELD_NONE);
    FUZZ_CHECK(!is_chat || call->output_limit > 0 || call->limit_field == LIMIT_FIELD_NONE);
    FUZZ_CHECK(!call->wants_usage || call->stream);
    if (call->kind != CALL_EMBEDDINGS)
        check_own_limit(call, SPAN("max_tokens"));
    if (is_chat)
        check_own_limit(call, SPAN("max_completion_tokens"));
    check_bound(call);
}

/* What a change of model and limit leaves alone. */
static void check_same(const struct call *a, const struct call *b)
{
    FUZZ_CHECK(a->kind == b->kind && a->prompts == b->prompts);
    FUZZ_CHECK(a->stream == b->stream && a->choices == b->choices);
    FUZZ_CHECK(a->messages == b->messages && a->has_tools == b->has_tools);
    FUZZ_CHECK(a->has_reasoning == b->has_reasoning && span_equal(a->user, b->user));
    FUZZ_CHECK(a->images == b->images && a->audio_tokens == b->audio_tokens);
    FUZZ_CHECK(a->media_bytes == b->media_bytes && a->tier == b->tier);
    FUZZ_CHECK(a->unboundable == b->unboundable); /* static names */
    FUZZ_CHECK(a->unpriced == b->unpriced);
}

static const struct dialect *const dialects[] = {
    [CALL_CHAT] = &dialect_openai,
    [CALL_COMPLETIONS] = &dialect_openai_completions,
    [CALL_EMBEDDINGS] = &dialect_openai_embeddings,
};

/* Writes with the changes, and reads what was written. */
static struct call rewrite(const struct call *call, const struct call_changes *changes,
                           struct arena *arena, struct buf *out)
{
    struct call again;
    struct complaint why;
    struct json_object object;
    struct json_fault fault;
    buf_init(out, call->body.text.len + EDITS_MAX, 0);
    FUZZ_CHECK(dialects[call->kind]->write_call(call, changes, out));
    FUZZ_CHECK(json_scan(buf_span(out), arena, &object, &fault));
    FUZZ_CHECK(dialects[call->kind]->read_call(buf_span(out), arena, &again, &why) == ERR_NONE);
    check_same(call, &again);
    return again;
}

/* `limit` 0: the client's own stays, if there is one. */
static void check_limit(const struct call *call, bool completion, int64_t limit, bool ask_usage,
                        struct arena *arena)
{
    struct call_changes changes = {
        .model = MODEL,
        .output_limit = limit,
        .limit_field = completion ? SPAN("max_completion_tokens") : SPAN("max_tokens"),
        .ask_usage = ask_usage,
    };
    struct buf out;
    struct call again = rewrite(call, &changes, arena, &out);
    int64_t expected = limit != 0 ? limit : call->output_limit;
    enum limit_field field = completion && call->kind == CALL_CHAT
                                 ? LIMIT_FIELD_MAX_COMPLETION_TOKENS
                                 : LIMIT_FIELD_MAX_TOKENS;
    FUZZ_CHECK(span_equal(again.model, MODEL));
    FUZZ_CHECK(again.output_limit == expected);
    FUZZ_CHECK(again.limit_field == (expected != 0 ? field : call->limit_field));
    FUZZ_CHECK(again.wants_usage == (call->wants_usage || (ask_usage && call->stream)));
    buf_fini(&out);
}

/* Nothing to change: the client's bytes. */
static void check_unchanged(const struct call *call, struct arena *arena)
{
    struct call_changes changes = {.model = call->model};
    struct buf out;
    struct call again = rewrite(call, &changes, arena, &out);
    FUZZ_CHECK(span_equal(buf_span(&out), call->body.text));
    FUZZ_CHECK(again.output_limit == call->output_limit);
    FUZZ_CHECK(again.limit_field == call->limit_field);
    buf_fini(&out);
}

static void check_complaint(const struct complaint *why)
{
    FUZZ_CHECK(why->message[0] != '\0');
    FUZZ_CHECK(memchr(why->message, '\0', sizeof(why->message)) != NULL);
    FUZZ_CHECK(memchr(why->param, '\0', sizeof(why->param)) != NULL);
}

/* With too little room a body is refused, or read as with plenty; never in part. */
static void check_small_arena(const struct dialect *dialect, struct span input, enum err expected,
                              const struct call *call)
{
    struct arena arena;
    struct call small;
    struct complaint why;
    arena_init(&arena, 1024);
    enum err err = dialect->read_call(input, &arena, &small, &why);
    FUZZ_CHECK(err == expected || err == ERR_OVERLOADED);
    if (err == ERR_NONE) {
        check_same(&small, call);
        FUZZ_CHECK(span_equal(small.model, call->model));
    }
    arena_fini(&arena);
}

static void check_kind(enum call_kind kind, struct span input)
{
    struct arena arena;
    struct call call;
    struct complaint why = {"", ""};
    arena_init(&arena, FUZZ_ROOM);
    enum err err = dialects[kind]->read_call(input, &arena, &call, &why);
    if (err == ERR_NONE) {
        FUZZ_CHECK(call.kind == kind);
        check_call(&call, input);
        check_unchanged(&call, &arena);
        for (unsigned bits = 0; bits < 8; bits++)
            if (kind != CALL_EMBEDDINGS || (bits & 2) == 0) /* which are never given a limit */
                check_limit(&call, bits & 1, bits & 2 ? LIMIT : 0, bits & 4, &arena);
    } else {
        check_complaint(&why);
    }
    check_small_arena(dialects[kind], input, err, &call);
    FUZZ_CHECK(!arena_failed(&arena));
    arena_fini(&arena);
}

void fuzz_call(struct span input)
{
    for (enum call_kind kind = 0; kind < CALL_KIND_COUNT; kind++)
        check_kind(kind, input);
}
