/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Flags and FILE are taken out; what is left are options with values, as in the other commands. */
#include "tokens_options.h"

#include "options.h"
#include "text_input.h"

#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX 32

static const char usage[] =
    "usage: weir tokens [--encoding E | --model M | --ranks FILE --grammar G]\n"
    "                   [--chat] [--ids] [--lines] [FILE]\n"
    "  --encoding, -e  cl100k_base, o200k_base (if nothing is given) or o200k_harmony\n"
    "  --model, -m     a model's name at its provider: its encoding\n"
    "  --ranks         a rank file (a token in base64, a space and its rank on each line) ...\n"
    "  --grammar       ... and how its family cuts text: cl100k o200k llama3 qwen deepseek tekken\n"
    "  --chat          the input is a request body: its input tokens, as its model counts them\n"
    "  --ids           prints the tokens' ids instead of their number\n"
    "  --lines         each input line is a JSON string (with --chat: a body): one result a line\n"
    "  FILE            standard input if not given\n";

static bool take_flag(const char *argument, struct tokens_options *out)
{
    const struct {
        const char *name;
        bool *value;
    } flags[] = {{"--chat", &out->chat}, {"--ids", &out->ids}, {"--lines", &out->lines}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(argument, flags[i].name) == 0) {
            *flags[i].value = true;
            return true;
        }
    return false;
}

/* A combination that means nothing, in words; NULL: none. */
static const char *conflict(const struct tokens_options *options)
{
    if ((options->ranks == NULL) != (options->grammar == NULL))
        return "--ranks and --grammar go together";
    if (options->ranks != NULL && options->encoding != NULL)
        return "--ranks and --encoding exclude each other";
    if (options->chat && options->ids)
        return "--chat has no ids to print: a chat template is the provider's";
    /* With --chat the model decides the format, whatever the text is counted with. */
    if (!options->chat && options->model != NULL &&
        (options->encoding != NULL || options->ranks != NULL))
        return "--model names the encoding: give no other without --chat";
    return NULL;
}

static bool read_options(int argc, char **argv, struct tokens_options *out)
{
    char *valued[ARGUMENTS_MAX] = {argv[0]};
    int count = 1;
    for (int i = 1; i < argc && count < ARGUMENTS_MAX - 1; i++) {
        if (take_flag(argv[i], out))
            continue;
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            valued[count++] = argv[i];
            if (i + 1 < argc)
                valued[count++] = argv[++i];
        } else if (out->file == NULL) {
            out->file = argv[i];
        } else {
            fprintf(stderr, "weir tokens: one FILE at a time: '%s' is another\n", argv[i]);
            return false;
        }
    }
    const struct option_spec specs[] = {{"--encoding", "-e", &out->encoding},
                                        {"--model", "-m", &out->model},
                                        {"--ranks", NULL, &out->ranks},
                                        {"--grammar", NULL, &out->grammar}};
    return options_read(count, valued, 1, specs, sizeof specs / sizeof specs[0]);
}

bool tokens_options_read(int argc, char **argv, struct tokens_options *out)
{
    *out = (struct tokens_options){0};
    const char *why = NULL;
    if (read_options(argc, argv, out) && (why = conflict(out)) == NULL)
        return true;
    if (why != NULL)
        fprintf(stderr, "weir tokens: %s\n", why);
    fputs(usage, stderr);
    return false;
}

/* ---- the tokenizer ---- */

static int read_ranks(const struct tokens_options *options, struct chosen_tokenizer *out)
{
    enum token_grammar grammar;
    if (!token_grammar_find(span_from_string(options->grammar), &grammar)) {
        fprintf(stderr,
                "weir tokens: unknown grammar '%s': there are cl100k, o200k, llama3, qwen, "
                "deepseek and tekken\n",
                options->grammar);
        return 2;
    }
    struct text_input input;
    struct span text;
    char why[128] = "the file is too large";
    bool read = text_input_open(&input, options->ranks) && text_input_whole(&input, &text);
    if (read && input.ended)
        out->owned = tokenizer_new(text, grammar, why);
    if (read && out->owned == NULL)
        fprintf(stderr, "weir tokens: %s: %s\n", options->ranks, why);
    text_input_close(&input);
    out->tokenizer = out->owned;
    return out->owned != NULL ? 0 : 1;
}

static void print_encodings(void)
{
    for (int i = 0; i < ENCODING_COUNT; i++)
        fprintf(stderr, "%s%s",
                i == 0                    ? ""
                : i == ENCODING_COUNT - 1 ? " or "
                                          : ", ",
                encoding_name((enum encoding)i));
}

/* False after a line on stderr. */
static bool choose_encoding(const struct tokens_options *options, enum encoding *encoding)
{
    *encoding = ENCODING_O200K_BASE;
    if (options->encoding != NULL) {
        if (encoding_find(span_from_string(options->encoding), encoding))
            return true;
        fprintf(stderr, "weir tokens: unknown encoding '%s': it is one of ", options->encoding);
        print_encodings();
        fputs("\n", stderr);
        return false;
    }
    if (options->model == NULL || encoding_of_model(span_from_string(options->model), encoding))
        return true;
    fprintf(stderr, "weir tokens: no tokenizer is known for the model '%s': give --encoding ",
            options->model);
    print_encodings();
    fputs(" (near enough for most), or its own with --ranks FILE --grammar NAME\n", stderr);
    return false;
}

int tokens_options_tokenizer(const struct tokens_options *options, struct chosen_tokenizer *out)
{
    enum encoding encoding;
    *out = (struct chosen_tokenizer){0};
    if (options->ranks != NULL)
        return read_ranks(options, out);
    if (!choose_encoding(options, &encoding))
        return 2;
    out->tokenizer = tokenizer_builtin(encoding);
    return 0;
}
