/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as providers send them, and pages as what stands in front of providers sends. */
#include "failure.h"

#define PAGE                                                               \
    "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n" \
    "<body><center><h1>502 Bad Gateway</h1></center><hr><center>proxy</center></body>\n</html>\n"

int failure_status(const struct behaviour *behaviour)
{
    return behaviour->status != 0 ? (int)behaviour->status : 200;
}

void failure_write_error(const struct failure *failure, struct buf *out)
{
    struct refusal refusal;
    int kind = failure->behaviour->status >= 400 ? (int)failure->behaviour->status : 500;
    if (failure->authorization != NULL) {
        refusal_set(&refusal, kind, "Incorrect API key provided: %s.", failure->authorization);
    } else {
        refusal_set(&refusal, kind, "The model's name asked for this error.");
    }
    reply_write_refusal(&refusal, out);
    if (failure->usage != NULL)
        answer_write_usage(failure->usage, out);
    buf_append_byte(out, '}');
}

void failure_write(const struct failure *failure, struct reply_fields *fields, struct buf *out)
{
    const struct behaviour *behaviour = failure->behaviour;
    *fields = (struct reply_fields){.media_type = SPAN("application/json"),
                                    .retry_after = span_from_string(behaviour->retry_after)};
    if (behaviour->status >= 300 && behaviour->status < 400)
        fields->location = failure->location;
    if (behaviour->substance == SUBSTANCE_EMPTY)
        return;
    if (behaviour->substance == SUBSTANCE_HTML) {
        fields->media_type = SPAN("text/html; charset=utf-8");
        buf_append(out, SPAN(PAGE));
        return;
    }
    failure_write_error(failure, out);
}
