/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* REFUSE: says no in the client's own dialect, with what helps it to do the right thing next. */
#include "endpoint.h"
#include "exchange.h"
#include "fields.h"

#include "net/server.h"

enum step step_refuse(struct exchange *exchange)
{
    enum err err = exchange->pipeline.outcome.cause;
    exchange->refused = true;
    const char *message =
        exchange->complaint.message[0] != '\0' ? exchange->complaint.message : NULL;
    buf_reset(&exchange->reply, 64 * 1024);
    exchange->endpoint->dialect->write_error(err, message, exchange->complaint.param,
                                             &exchange->reply);
    struct fields fields;
    fields_init(&fields, exchange);
    fields_add(&fields, SPAN("content-type"), SPAN("application/json"));
    fields_add_limits(&fields, exchange);
    fields_add_refusal(&fields, exchange, err);
    fields_reply(&fields, exchange, err_info(err)->status);
    return STEP_SETTLE;
}
