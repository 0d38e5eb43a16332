/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's error body, {"error":{"message","type","param","code"}}, and the same as the last event
 * of a stream: clients take a stream that merely ends for a whole answer.
 */
#include "dialect_openai.h"

void openai_write_error(enum err err, const char *message, const char *param, struct buf *out)
{
    const struct err_info *info = err_info(err);
    bool has_param = param != NULL && param[0] != '\0';
    buf_append(out, SPAN("{\"error\":{\"message\":"));
    buf_append_json_string(out, span_from_string(message != NULL ? message : info->sentence));
    buf_append(out, SPAN(",\"type\":"));
    buf_append_json_string(out, span_from_string(info->type));
    buf_append(out, SPAN(",\"param\":"));
    buf_append_json_string(out, has_param ? span_from_string(param) : SPAN_NONE);
    buf_append(out, SPAN(",\"code\":"));
    buf_append_json_string(out, span_from_string(info->code));
    buf_append(out, SPAN("}}"));
}

void openai_write_stream_error(enum err err, const char *message, struct buf *out)
{
    /* One line: the body has no line breaks, those of the message are escaped. */
    buf_append(out, SPAN("data: "));
    openai_write_error(err, message, NULL, out);
    buf_append(out, SPAN("\n\n"));
}
