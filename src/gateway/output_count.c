/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One choice is one text in parts: a token_stream counts it as if it had come whole. Several choices
 * come mixed, and their parts are counted one by one, which is at most a token more for each part.
 * Without a tokenizer at hand (one that no prompt has been counted with yet) bytes are the measure.
 */
#include "output_count.h"

#include "exchange.h"
#include "worker.h"

#include "wire/json.h"

static const struct tokenizer *tokenizer_at_hand(const struct exchange *exchange)
{
    const struct counting_rule *rule = &exchange->serving->counting;
    if (rule->ranks != NULL)
        return rule->ranks;
    return tokenizer_ready(rule->encoding) ? tokenizer_builtin(rule->encoding) : NULL;
}

static void begin(struct exchange *exchange)
{
    const struct tokenizer *tokenizer = tokenizer_at_hand(exchange);
    exchange->output_begun = true;
    if (tokenizer != NULL)
        token_stream_init(&exchange->output, tokenizer);
}

static void add_text(struct exchange *exchange, struct span text)
{
    struct token_cache *cache = exchange->worker->token_cache;
    struct token_stream *stream = &exchange->output;
    if (exchange->call.choices > 1)
        stream->counted += tokens_count(stream->tokenizer, cache, text);
    else
        token_stream_feed(stream, cache, text);
}

void output_count_add(struct exchange *exchange, const struct reply_facts *facts)
{
    if (facts->text_bytes == 0)
        return;
    if (!exchange->output_begun)
        begin(exchange);
    exchange->uncounted_bytes += facts->more_bytes;
    if (exchange->output.tokenizer == NULL) {
        exchange->uncounted_bytes += facts->text_bytes - facts->more_bytes;
        return;
    }
    struct arena_mark mark = arena_mark(&exchange->scratch);
    for (size_t i = 0; i < facts->text_count; i++)
        add_text(exchange, json_decode_string(facts->texts[i], &exchange->scratch));
    arena_rewind(&exchange->scratch, mark);
}

int64_t output_count_total(const struct exchange *exchange)
{
    int64_t tokens = usage_estimate_tokens(exchange->uncounted_bytes);
    if (exchange->output.tokenizer != NULL)
        tokens += token_stream_total(&exchange->output, exchange->worker->token_cache);
    return tokens;
}

void output_count_end(struct exchange *exchange)
{
    token_stream_fini(&exchange->output);
}
