/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bodies of OpenAI's endpoints have in common: the members of the same name, and the
 * reading of a body by its form. One strict pass over all of it (json_scan), then one look at each
 * member of the root by the form's table; what the table does not name is left alone and forwarded
 * as it came.
 *
 * Strict where money hangs on it: a limit that the provider might read in another way than we do,
 * or a part whose cost no byte count bounds, never passes unnoticed. Everything else is for the
 * provider to judge.
 */
#include "dialect_openai.h"

#include <stdarg.h>
#include <stdio.h>

#define MODEL_MAX   256
#define LIMIT_MAX   INT32_MAX
#define CHOICES_MAX 128

enum err openai_refuse(struct openai_reading *reading, enum err err, const char *param,
                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->why->message, sizeof(reading->why->message), format, arguments);
    va_end(arguments);
    snprintf(reading->why->param, sizeof(reading->why->param), "%s", param);
    return err;
}

void openai_unbound(struct openai_reading *reading, const char *name)
{
    if (reading->call->unboundable == NULL)
        reading->call->unboundable = name;
}

void openai_unprice(struct openai_reading *reading, const char *name)
{
    if (reading->call->unpriced == NULL)
        reading->call->unpriced = name;
}

/* ---- one reader a member ---- */

enum err openai_read_model(struct openai_reading *reading, const struct json_member *member)
{
    if (member->type != JSON_STRING)
        return openai_refuse(reading, ERR_FIELD_INVALID, "model", "'model' must be a string.");
    struct span model = json_decode_string(member->value, reading->arena);
    if (model.len == 0 || model.len > MODEL_MAX)
        return openai_refuse(reading, ERR_FIELD_INVALID, "model",
                             "'model' must have 1 to %d bytes.", MODEL_MAX);
    reading->call->model = model;
    return ERR_NONE;
}

/* A Boolean that may be null. Were "false" or 0 let through, the provider might stream where we
 * wait for a whole answer. */
static enum err read_bool(struct openai_reading *reading, const char *param, enum json_type type,
                          bool *out)
{
    if (type != JSON_TRUE && type != JSON_FALSE && type != JSON_NULL)
        return openai_refuse(reading, ERR_FIELD_INVALID, param, "'%s' must be true or false.",
                             param);
    *out = type == JSON_TRUE;
    return ERR_NONE;
}

enum err openai_read_stream(struct openai_reading *reading, const struct json_member *member)
{
    return read_bool(reading, "stream", member->type, &reading->call->stream);
}

enum err openai_read_stream_options(struct openai_reading *reading,
                                    const struct json_member *member)
{
    if (member->type == JSON_NULL)
        return ERR_NONE;
    if (member->type != JSON_OBJECT)
        return openai_refuse(reading, ERR_FIELD_INVALID, "stream_options",
                             "'stream_options' must be an object.");
    reading->has_stream_options = true;
    struct openai_walk walk = {.inside = member->value};
    while (openai_walk_next(&walk))
        if (openai_text_is(walk.key, SPAN("include_usage")))
            return read_bool(reading, "stream_options.include_usage", walk.type,
                             &reading->call->wants_usage);
    return ERR_NONE;
}

/* A whole number from `least` to `most`, or null, which leaves *out. Written as such: 1e2, 100.0
 * and "100" are one hundred to some providers, an error to others, and no limit at all to the
 * worst. */
static enum err read_count(struct openai_reading *reading, const struct json_member *member,
                           const char *param, int64_t least, int64_t most, int64_t *out)
{
    if (member->type == JSON_NULL)
        return ERR_NONE;
    int64_t value;
    if (member->type != JSON_NUMBER || !json_value_to_i64(member->value, &value) || value < least ||
        value > most)
        return openai_refuse(reading, ERR_FIELD_INVALID, param,
                             "'%s' must be a whole number from %lld to %lld.", param,
                             (long long)least, (long long)most);
    *out = value;
    return ERR_NONE;
}

/* Legacy completions take a limit of 0: with `echo`, that scores a prompt. */
enum err openai_read_max_tokens(struct openai_reading *reading, const struct json_member *member)
{
    int64_t least = reading->call->kind == CALL_COMPLETIONS ? 0 : 1;
    return read_count(reading, member, "max_tokens", least, LIMIT_MAX, &reading->max_tokens);
}

enum err openai_read_max_completion_tokens(struct openai_reading *reading,
                                           const struct json_member *member)
{
    return read_count(reading, member, "max_completion_tokens", 1, LIMIT_MAX,
                      &reading->max_completion_tokens);
}

enum err openai_read_n(struct openai_reading *reading, const struct json_member *member)
{
    return read_count(reading, member, "n", 1, CHOICES_MAX, &reading->n);
}

enum err openai_read_best_of(struct openai_reading *reading, const struct json_member *member)
{
    return read_count(reading, member, "best_of", 1, CHOICES_MAX, &reading->best_of);
}

/* For attribution only: what is no string is the provider's to refuse. */
enum err openai_read_user(struct openai_reading *reading, const struct json_member *member)
{
    if (member->type == JSON_STRING)
        reading->call->user = json_decode_string(member->value, reading->arena);
    return ERR_NONE;
}

bool openai_says_more(const struct json_member *member, struct span a, struct span b)
{
    return member->type != JSON_NULL && !openai_value_is(member->value, member->type, a) &&
           !openai_value_is(member->value, member->type, b);
}

enum err openai_read_service_tier(struct openai_reading *reading, const struct json_member *member)
{
    reading->call->tier = usage_service_tier(member->value);
    return ERR_NONE;
}

/* ---- what concerns several members ---- */

static enum err check_common(struct openai_reading *reading)
{
    if (reading->call->model.len == 0)
        return openai_refuse(reading, ERR_FIELD_MISSING, "model", "'model' is missing.");
    if (reading->has_stream_options && !reading->call->stream)
        return openai_refuse(reading, ERR_FIELD_INVALID, "stream_options",
                             "'stream_options' is only allowed where 'stream' is true.");
    if (reading->best_of != 0 && reading->best_of < reading->n)
        return openai_refuse(reading, ERR_FIELD_INVALID, "best_of",
                             "'best_of' must not be less than 'n'.");
    return ERR_NONE;
}

/* A provider that knows both fields takes one of them, which one we do not know. */
static enum err settle_limit(struct openai_reading *reading)
{
    int64_t old = reading->max_tokens;
    int64_t new = reading->max_completion_tokens;
    bool has_old = old != NOT_GIVEN, has_new = new != NOT_GIVEN;
    if (has_old && has_new && old != new)
        return openai_refuse(reading, ERR_FIELD_INVALID, "max_tokens",
                             "'max_tokens' and 'max_completion_tokens' differ.");
    reading->call->output_limit = has_old ? old : has_new ? new : 0;
    reading->call->limit_field = has_old && has_new ? LIMIT_FIELD_BOTH
                                 : has_old          ? LIMIT_FIELD_MAX_TOKENS
                                 : has_new          ? LIMIT_FIELD_MAX_COMPLETION_TOKENS
                                                    : LIMIT_FIELD_NONE;
    return ERR_NONE;
}

static void settle_choices(struct openai_reading *reading)
{
    int64_t each = reading->best_of > reading->n ? reading->best_of : reading->n;
    if (reading->call->kind != CALL_EMBEDDINGS)
        reading->call->choices = reading->call->prompts * each;
}

/* ---- the body ---- */

static enum err scan(struct openai_reading *reading, struct span body)
{
    struct json_fault fault;
    if (!json_scan(body, reading->arena, &reading->call->body, &fault))
        return openai_refuse(reading, ERR_JSON_INVALID, "",
                             "The request body is not valid JSON: %s at byte %zu.", fault.what,
                             fault.offset);
    if (reading->call->body.type != JSON_OBJECT)
        return openai_refuse(reading, ERR_JSON_INVALID, "",
                             "The request body must be a JSON object.");
    return ERR_NONE;
}

static enum err read_member(struct openai_reading *reading, const struct openai_form *form,
                            const struct json_member *member)
{
    for (size_t i = 0; i < form->member_count; i++)
        if (span_equal(member->key, form->members[i].key))
            return form->members[i].read(reading, member);
    if (member->type == JSON_NULL)
        return ERR_NONE;
    for (size_t i = 0; i < form->mark_count; i++)
        if (span_equal(member->key, form->marks[i].key))
            form->marks[i].mark(reading, form->marks[i].key.ptr);
    return ERR_NONE;
}

enum err openai_read_form(const struct openai_form *form, struct span body, struct arena *arena,
                          struct call *out, struct complaint *why)
{
    *out = (struct call){.kind = form->kind, .prompts = 1, .choices = 1};
    struct openai_reading reading = {.call = out,
                                     .arena = arena,
                                     .why = why,
                                     .n = 1,
                                     .max_tokens = NOT_GIVEN,
                                     .max_completion_tokens = NOT_GIVEN};
    enum err err = scan(&reading, body);
    for (size_t i = 0; err == ERR_NONE && i < out->body.count; i++)
        err = read_member(&reading, form, &out->body.members[i]);
    if (err == ERR_NONE)
        err = form->check(&reading);
    if (err == ERR_NONE)
        err = check_common(&reading);
    if (err == ERR_NONE)
        err = settle_limit(&reading);
    settle_choices(&reading);
    if (arena_failed(arena)) /* whatever was found: what was read is not all there */
        return openai_refuse(&reading, ERR_OVERLOADED, "",
                             "The gateway has no room for a body with so many members.");
    return err;
}
