/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What of a prompt was said before: in the session's last call, or twice in one prompt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "context.h"

#include <stdio.h>
#include <string.h>

int test_context(void);

#define LONG  "A paragraph that is long enough to stand alone among its neighbours here."
#define OTHER "Another one, which says something else and is as long as the first, or longer."

struct prompt {
    struct context_room room;
    struct context context;
};

static void begin(struct prompt *prompt)
{
    memset(&prompt->room, 0xa5, sizeof prompt->room); /* it need not be clear */
    context_init(&prompt->context, &prompt->room);
}

static void say(struct prompt *prompt, enum count_role role, const char *text, int64_t tokens)
{
    context_text(&prompt->context, role, span_from_string(text), tokens);
}

static int64_t end(struct prompt *prompt, struct shards *sessions, uint64_t session)
{
    return context_repeated(&prompt->context, sessions, session);
}

static void a_prompt_of_new_text_repeats_nothing(void **state)
{
    (void)state;
    struct prompt prompt;
    begin(&prompt);
    assert_int_equal(context_repeated(&prompt.context, NULL, 0), 0); /* no text at all */
    say(&prompt, COUNT_ROLE_USER, "hi", 1);
    say(&prompt, COUNT_ROLE_USER, "", 0);
    say(&prompt, COUNT_ROLE_USER, LONG "\n\n" OTHER, 40);
    assert_int_equal(end(&prompt, NULL, 0), 0);
}

static void a_document_pasted_twice_is_seen(void **state)
{
    (void)state;
    struct prompt prompt;
    begin(&prompt);
    say(&prompt, COUNT_ROLE_USER, LONG "\n\n" OTHER "\n\n" LONG "\n\n", 300);
    int64_t tokens = end(&prompt, NULL, 0);
    assert_in_range(tokens, 90, 105); /* its share of the bytes */
    begin(&prompt);
    say(&prompt, COUNT_ROLE_USER, "yes", 1);
    say(&prompt, COUNT_ROLE_ASSISTANT, LONG, 20);
    say(&prompt, COUNT_ROLE_USER, "yes", 1);
    assert_int_equal(end(&prompt, NULL, 0), 1);
}

static void a_session_repeats_its_history(void **state)
{
    (void)state;
    struct shards *sessions = context_sessions_new();
    struct prompt prompt;
    begin(&prompt);
    say(&prompt, COUNT_ROLE_SYSTEM, LONG, 20);
    say(&prompt, COUNT_ROLE_USER, "one", 1);
    assert_int_equal(end(&prompt, sessions, 7), 0);
    begin(&prompt);
    say(&prompt, COUNT_ROLE_SYSTEM, LONG, 20);
    say(&prompt, COUNT_ROLE_USER, "one", 1);
    say(&prompt, COUNT_ROLE_USER, "two", 2);
    assert_int_equal(end(&prompt, sessions, 7), 21);
    begin(&prompt);
    say(&prompt, COUNT_ROLE_SYSTEM, LONG, 20);
    assert_int_equal(end(&prompt, sessions, 8), 0); /* another session */
    begin(&prompt);
    say(&prompt, COUNT_ROLE_USER, "two", 2);
    say(&prompt, COUNT_ROLE_USER, "two", 2); /* said before in both ways: counted once */
    assert_int_equal(end(&prompt, sessions, 7), 4);
    begin(&prompt);
    say(&prompt, COUNT_ROLE_SYSTEM, LONG, 20); /* the last call, not any call */
    assert_int_equal(end(&prompt, sessions, 7), 0);
    shards_free(&sessions);
}

static void a_prompt_is_known_by_its_system_text(void **state)
{
    (void)state;
    struct prompt a, b;
    begin(&a);
    begin(&b);
    assert_true(a.context.prompt == 0);
    say(&a, COUNT_ROLE_SYSTEM, LONG, 20);
    say(&a, COUNT_ROLE_USER, "one", 1);
    say(&b, COUNT_ROLE_SYSTEM, LONG, 20);
    say(&b, COUNT_ROLE_USER, "two", 1);
    assert_true(a.context.prompt == b.context.prompt && a.context.prompt != 0);
    say(&b, COUNT_ROLE_SYSTEM, "{\"name\":\"tool\"}", 5);
    assert_true(a.context.prompt != b.context.prompt);
}

static void there_is_an_end_to_the_chunks(void **state)
{
    (void)state;
    struct prompt prompt;
    char text[16];
    begin(&prompt);
    for (int i = 0; i < 2 * CONTEXT_MAX_CHUNKS; i++) {
        snprintf(text, sizeof text, "%d", i % (CONTEXT_MAX_CHUNKS + 1));
        say(&prompt, COUNT_ROLE_USER, text, 1);
    }
    assert_int_equal(prompt.context.count, CONTEXT_MAX_CHUNKS);
    assert_int_equal(end(&prompt, NULL, 0), 0);
}

int test_context(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_of_new_text_repeats_nothing),
        cmocka_unit_test(a_document_pasted_twice_is_seen),
        cmocka_unit_test(a_session_repeats_its_history),
        cmocka_unit_test(a_prompt_is_known_by_its_system_text),
        cmocka_unit_test(there_is_an_end_to_the_chunks),
    };
    return cmocka_run_group_tests_name("gateway/context", tests, NULL, NULL);
}
