/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `weir tokens`, and the tokenizer that it asks for. */
#ifndef APP_TOKENS_OPTIONS_H
#define APP_TOKENS_OPTIONS_H

#include "llm/tokens.h"

struct tokens_options {
    const char *encoding; /* NULL where not given, as the others */
    const char *model;
    const char *ranks;
    const char *grammar;
    const char *file;
    bool chat;
    bool ids;
    bool lines;
};

/* False after lines on stderr: called wrongly. */
bool tokens_options_read(int argc, char **argv, struct tokens_options *out);

/* A tokenizer that is ours to drop where it came from a file. */
struct chosen_tokenizer {
    const struct tokenizer *tokenizer;
    struct tokenizer *owned;
};

/* What --encoding, --model or --ranks name, else o200k_base. Returns the exit code: 0, or 1 or 2
 * after a line on stderr. */
int tokens_options_tokenizer(const struct tokens_options *options, struct chosen_tokenizer *out);

#endif
