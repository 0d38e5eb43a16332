/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of OpenAI's dialects, as OpenAI and a dozen other hosts speak them. They differ in what
 * a request is; answers, events and errors are alike enough to be read by the same code. */
#include "dialect_openai.h"

#define ANSWERS                                                       \
    .write_call = openai_write_call, .read_reply = openai_read_reply, \
    .read_tail = openai_read_tail, .write_event = openai_write_event, \
    .write_error = openai_write_error, .write_stream_error = openai_write_stream_error

const struct dialect dialect_openai = {.name = "openai", .read_call = openai_read_chat, ANSWERS};

const struct dialect dialect_openai_completions = {
    .name = "openai_completions", .read_call = openai_read_completions, ANSWERS};

const struct dialect dialect_openai_embeddings = {
    .name = "openai_embeddings", .read_call = openai_read_embeddings, ANSWERS};
