/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Within a model: `tokenizer`, which is an encoding's name, `learned`, or an operator's file of ranks,
 *   tokenizer: {ranks: llama3.tiktoken, grammar: llama3}
 * read at once, so that what is wrong with it is told at its place. Watched like all files.
 */
#include "check.h"
#include "file.h"
#include "suggest.h"

#define RANKS_MAX ((size_t)64 << 20)

struct ranks_file {
    const char *path; /* NULL: not given, or bad */
    struct mark at;
    bool has_grammar;
    enum token_grammar grammar;
};

static void read_path(struct check *check, const struct field *field, const struct entry *entry,
                      void *into)
{
    struct ranks_file *file = into;
    file->at = entry->value->at;
    file->path = check_path(check, field, entry);
}

static void read_grammar(struct check *check, const struct field *field, const struct entry *entry,
                         void *into)
{
    struct ranks_file *file = into;
    struct span text;
    (void)field;
    if (!schema_text(check, entry, &text))
        return;
    file->has_grammar = token_grammar_find(text, &file->grammar);
    if (!file->has_grammar)
        report_add(check->report, entry->value->at,
                   "'grammar' must be cl100k, o200k, llama3, qwen, deepseek or tekken");
}

static const struct field fields[] = {
    {.name = "ranks", .read = read_path, .flags = FIELD_REQUIRED},
    {.name = "grammar", .read = read_grammar, .flags = FIELD_REQUIRED},
    {.name = NULL}};

static void drop_tokenizer(void *tokenizer)
{
    struct tokenizer *last = tokenizer;
    tokenizer_unref(&last);
}

/* The snapshot's arena holds the reference. NULL after reporting. */
static struct tokenizer *load(struct check *check, const struct ranks_file *file)
{
    struct buf text;
    struct tokenizer *tokenizer = NULL;
    const char *error = NULL;
    char why[128];
    buf_init(&text, RANKS_MAX, 0);
    if (!file_read(file->path, &text, &error))
        report_add(check->report, file->at, "'ranks' cannot be read from '%s': %s", file->path,
                   error);
    else if ((tokenizer = tokenizer_new(buf_span(&text), file->grammar, why)) == NULL)
        report_add(check->report, file->at, "'ranks' cannot be used: '%s': %s", file->path, why);
    buf_fini(&text);
    if (tokenizer == NULL)
        return NULL;
    bool kept = arena_on_end(&check->snapshot->arena, drop_tokenizer, tokenizer);
    ASSERT(kept);
    return tokenizer;
}

static void read_ranks(struct check *check, const struct entry *entry, struct counting_rule *rule)
{
    struct ranks_file file = {0};
    size_t before = check->report->count;
    schema_map(check, entry->value, "'tokenizer'", fields, &file);
    if (check->report->count != before)
        return;
    rule->ranks = load(check, &file);
    rule->exact = true;
}

static void read_name(struct check *check, const struct entry *entry, struct counting_rule *rule)
{
    struct span text;
    struct suggestion suggestion;
    char nearest[SUGGESTION_SIZE];
    if (!schema_text(check, entry, &text))
        return;
    rule->exact = encoding_find(text, &rule->encoding);
    if (rule->exact)
        return;
    rule->encoding = ENCODING_O200K_BASE; /* the nearest to most */
    if (span_equal(text, SPAN("learned")))
        return;
    suggestion_init(&suggestion, text);
    suggestion_offer(&suggestion, SPAN("learned"));
    for (int i = 0; i < ENCODING_COUNT; i++)
        suggestion_offer(&suggestion, span_from_string(encoding_name((enum encoding)i)));
    report_add(check->report, entry->value->at,
               "'tokenizer' must be cl100k_base, o200k_base, o200k_harmony, learned or {ranks: "
               "FILE, grammar: NAME}%s",
               suggestion_text(&suggestion, nearest));
}

void check_tokenizer(struct check *check, const struct field *field, const struct entry *entry,
                     void *into)
{
    struct draft_model *draft = into;
    (void)field;
    draft->has_tokenizer = true;
    if (entry->value->type == NODE_MAP)
        read_ranks(check, entry, &draft->model.counting);
    else
        read_name(check, entry, &draft->model.counting);
}

void check_counting(struct draft_model *draft)
{
    struct counting_rule *rule = &draft->model.counting;
    if (!draft->has_tokenizer && draft->model.target_count > 0)
        rule->encoding = model_encoding(draft->model.targets[0].model, &rule->exact);
}
