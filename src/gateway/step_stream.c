/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STREAM: relays the answer to its end. The relay does the work as bytes come; this step begins the
 * reply and says how it ended. An answer that breaks before a byte went on is refused like any
 * other failure; after that SETTLE breaks the reply off.
 */
#include "exchange.h"
#include "relay.h"

static enum step broken(struct exchange *exchange, enum err err)
{
    if (!exchange->reply_begun)
        return exchange_refuse(exchange, err, NULL, NULL);
    outcome_set(&exchange->pipeline.outcome, err, STEP_STREAM);
    return STEP_SETTLE;
}

/*
 * An answer of 200 may be none: a page of HTML, half a text, nothing. That is a broken answer. An
 * error object under 200 is passed on under the status that it should have had.
 */
static enum step finish_whole(struct exchange *exchange)
{
    relay_read_whole(exchange);
    if (exchange->facts.status == 200 && !exchange->answer_readable)
        return broken(exchange, ERR_UPSTREAM_BROKEN);
    if (exchange->facts.status == 200 && exchange->answer_error) {
        outcome_set(&exchange->pipeline.outcome, ERR_UPSTREAM_STATUS, STEP_STREAM);
        exchange->facts.status = err_info(ERR_UPSTREAM_STATUS)->status;
    }
    relay_reply(exchange);
    return STEP_SETTLE;
}

/* Nobody is there: the client has everything, or has left and only the usage counts. */
static enum step finish_unattended(struct exchange *exchange)
{
    if (exchange->answer != ANSWER_DONE)
        return STEP_WAIT;
    if (!exchange->is_stream && exchange->answer_err == ERR_NONE)
        relay_read_whole(exchange);
    return STEP_SETTLE;
}

enum step step_stream(struct exchange *exchange)
{
    if (exchange->conn == NULL)
        return finish_unattended(exchange);
    if (exchange->is_stream && !exchange->reply_begun)
        relay_begin(exchange);
    if (exchange->answer != ANSWER_DONE)
        return STEP_WAIT;
    if (exchange->reply_ended)
        return STEP_SETTLE; /* the end mark came; how the connection closed does not matter */
    if (exchange->answer_err != ERR_NONE)
        return broken(exchange, exchange->answer_err);
    if (!exchange->is_stream)
        return finish_whole(exchange);
    /* A stream that just stops, without a finish reason or the end mark, did not end well. */
    if (!exchange->answer_finished)
        return broken(exchange, ERR_UPSTREAM_BROKEN);
    relay_end(exchange);
    return STEP_SETTLE;
}
