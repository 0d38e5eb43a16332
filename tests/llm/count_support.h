/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Counting a body in a test, and the tokens of a text. */
#ifndef TESTS_LLM_COUNT_SUPPORT_H
#define TESTS_LLM_COUNT_SUPPORT_H

#include "support.h"

#include "llm/chat_count.h"
#include "wire/json.h"

#define SCRATCH_MAX ((size_t)64 * 1024 * 1024)

static inline struct input_count count_with(enum body_kind kind, const char *model,
                                            struct span body, size_t scratch_cap,
                                            const struct count_listener *listener)
{
    struct arena scratch;
    struct arena scan;
    struct json_object object;
    struct json_fault fault;
    struct input_count out;
    arena_init(&scan, SCRATCH_MAX);
    if (!json_scan(body, &scan, &object, &fault))
        fail_msg("the test's body at %zu: %s", fault.offset, fault.what);
    arena_fini(&scan);
    arena_init(&scratch, scratch_cap);
    struct count_request request = {
        .kind = kind,
        .body = body,
        .model = span_from_string(model),
        .scratch = &scratch,
        .listener = listener,
    };
    request.tokenizer =
        tokenizer_builtin(model_encoding(request.model, &request.tokenizer_is_exact));
    input_count(&request, &out);
    assert_false(arena_failed(&scratch));
    arena_fini(&scratch);
    const struct tokens_by_role *roles = &out.by_role;
    assert_true(roles->system >= 0 && roles->user >= 0 && roles->assistant >= 0 &&
                roles->tool >= 0);
    assert_true(roles->system + roles->user + roles->assistant + roles->tool <= out.tokens);
    return out;
}

static inline struct input_count count_body(enum body_kind kind, const char *model,
                                            const char *body)
{
    return count_with(kind, model, span_from_string(body), SCRATCH_MAX, NULL);
}

static inline int64_t count_tokens_of(enum body_kind kind, const char *model, const char *body)
{
    return count_body(kind, model, body).tokens;
}

/* Tokens of a text in o200k_base. */
static inline int64_t text_tokens(const char *text)
{
    return tokens_count(tokenizer_builtin(ENCODING_O200K_BASE), NULL, span_from_string(text));
}

#endif
