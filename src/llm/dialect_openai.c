/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The table of OpenAI's dialect: chat completions, as OpenAI and a dozen other hosts speak it. */
#include "dialect_openai.h"

const struct dialect dialect_openai = {
    .name = "openai",
    .read_call = openai_read_call,
    .write_call = openai_write_call,
    .read_reply = openai_read_reply,
    .write_event = openai_write_event,
    .write_error = openai_write_error,
    .write_stream_error = openai_write_stream_error,
};
