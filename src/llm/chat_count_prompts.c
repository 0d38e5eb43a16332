/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Legacy completions and embeddings: a string, strings, token ids or lists of token ids, without any
 * template. Each text is at least one token.
 */
#include "count_private.h"

static void count_prompt(struct counter *counter, struct member prompt)
{
    counter->out->features.messages += prompt.type != JSON_NUMBER;
    if (prompt.type == JSON_STRING) {
        if (count_string(counter, COUNT_ROLE_USER, prompt) == 0)
            count_frame(counter, COUNT_ROLE_USER, 1);
    } else if (prompt.type == JSON_NUMBER) {
        count_frame(counter, COUNT_ROLE_USER, 1);
    } else if (prompt.type != JSON_ARRAY) {
        count_degrade(counter, COUNT_ESTIMATE);
        count_json(counter, COUNT_ROLE_USER, prompt);
    }
}

/* `deeper`: lists in the list. */
static void count_list(struct counter *counter, struct member list, bool deeper)
{
    size_t at = 0;
    struct span none;
    struct member element;
    while (json_walk(list.value, &at, &none, &element.value, &element.type)) {
        if (element.type == JSON_ARRAY && deeper)
            count_list(counter, element, false);
        else
            count_prompt(counter, element);
    }
}

void chat_count_prompts(struct counter *counter, struct member body)
{
    static const struct span keys[] = {SPAN_INIT("prompt"), SPAN_INIT("input")};
    struct member fields[2];
    members_read(body, keys, 2, fields);
    struct member prompt = fields[counter->request->kind == BODY_EMBEDDINGS];
    if (prompt.type == JSON_ARRAY)
        count_list(counter, prompt, true);
    else
        count_prompt(counter, prompt);
    count_print_message(counter);
    if (counter->out->features.messages == 0) /* token ids */
        counter->out->features.messages = 1;
}
