/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counter against what providers billed: real requests and their usage, recorded in public test
 * suites. Prints a table by family: rows, exact, within two, and relative errors. OpenAI's are judged
 * as counted; the other vendors' as estimated, in the order of the file, learning from each row after
 * it was judged. Another file of the same form may be named in WEIR_KNOWN_ANSWERS.
 */
#include "support.h"

#include "llm/chat_count.h"
#include "llm/estimate.h"

#include <math.h>
#include <stdio.h>

#define FILE_OF_ROWS WEIR_SOURCE_DIR "/../shared/data/tokens/chat_known_answers.jsonl"
#define ROWS_MAX     ((size_t)65536)
#define LEARNERS_MAX 512
#define VENDORS_P90  0.10

struct group {
    const char *name;
    double *errors;
    int rows;
    int exact;
    int near;
};

enum {
    G_TEXT,
    G_FORMAT,
    G_TOOLS,
    G_SEALED,
    G_MEDIA,
    G_HOSTED,
    G_ANTHROPIC,
    G_GEMINI,
    G_MISTRAL,
    G_DEEPSEEK,
    G_GROQ,
    G_XAI,
    G_VENDORS,
    G_VENDORS_TEXT,
    G_VENDORS_LONG,
    G_UNNAMED,
    G_UNKNOWABLE,
    G_COUNT
};

struct learner {
    char name[160];
    struct estimate estimate;
};

struct bench {
    struct group groups[G_COUNT];
    struct learner learners[LEARNERS_MAX];
    size_t learner_count;
    struct token_cache *cache;
    struct arena row;
    struct arena scratch;
    int exact_promised; /* COUNT_EXACT … */
    int exact_kept;     /* … and it was */
};

static const char *const names[G_COUNT] = {
    "openai text",
    "openai format",
    "openai tools",
    "openai sealed reasoning",
    "openai media",
    "openai hosted tools, state",
    "anthropic",
    "gemini",
    "mistral",
    "deepseek",
    "groq",
    "xai",
    "other vendors",
    "  of these, text only",
    "  of these, 100 tokens and more",
    "gemini, model not recorded",
    "others: media, hosted tools",
};

static struct span text_of(const struct json_object *object, const char *key, struct arena *arena)
{
    const struct json_member *member = json_member(object, span_from_string(key));
    if (member == NULL || member->type != JSON_STRING)
        return SPAN_NONE;
    return json_decode_string(member->value, arena);
}

static int64_t figure(const struct json_object *object, const char *key)
{
    int64_t value = 0;
    const struct json_member *member = json_member(object, span_from_string(key));
    if (member != NULL)
        json_value_to_i64(member->value, &value);
    return value;
}

static bool has(struct span text, struct span part)
{
    return span_search(text, part) < text.len;
}

static enum body_kind kind_of(struct span api)
{
    static const struct {
        struct span api;
        enum body_kind kind;
    } kinds[] = {
        {SPAN_INIT("chat"), BODY_CHAT},
        {SPAN_INIT("responses"), BODY_RESPONSES},
        {SPAN_INIT("completions"), BODY_COMPLETIONS},
        {SPAN_INIT("embeddings"), BODY_EMBEDDINGS},
        {SPAN_INIT("anthropic"), BODY_MESSAGES},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (span_equal(api, kinds[i].api))
            return kinds[i].kind;
    return BODY_GEMINI;
}

/* All input that was billed, by the vendor's own usage; 0 where there is none. */
static int64_t billed_of(enum body_kind kind, const struct json_object *usage)
{
    if (kind == BODY_MESSAGES)
        return figure(usage, "input_tokens") + figure(usage, "cache_creation_input_tokens") +
               figure(usage, "cache_read_input_tokens");
    if (kind == BODY_GEMINI)
        return figure(usage, "promptTokenCount");
    int64_t tokens = figure(usage, "prompt_tokens");
    return tokens != 0 ? tokens : figure(usage, "input_tokens");
}

static void add(struct group *group, int64_t count, int64_t billed)
{
    assert_true((size_t)group->rows < ROWS_MAX);
    group->errors[group->rows++] = fabs((double)(count - billed)) / (double)billed;
    group->exact += count == billed;
    group->near += llabs(count - billed) <= 2;
}

/* Nothing but texts with roles: no tools, schema, media, or what lies at the provider. */
static int openai_group(struct span body, const struct input_count *count)
{
    static const struct span stateful[] = {
        SPAN_INIT("\"previous_response_id\": \""), SPAN_INIT("\"conversation\": "),
        SPAN_INIT("\"prompt\": {"), SPAN_INIT("\"type\": \"item_reference\"")};
    const struct count_features *features = &count->features;
    for (size_t i = 0; i < sizeof(stateful) / sizeof(stateful[0]); i++)
        if (has(body, stateful[i]))
            return G_HOSTED;
    if (features->has_hosted && !has(body, SPAN("\"mode\": \"pro\"")))
        return G_HOSTED;
    if (features->has_media)
        return G_MEDIA;
    if (features->opaque_bytes > 0 || has(body, SPAN("\"encrypted_content\": ")))
        return G_SEALED;
    if (features->has_tools || has(body, SPAN("\"tool_calls\"")) ||
        has(body, SPAN("\"function_call")) || has(body, SPAN("\"tool_call_id\"")))
        return G_TOOLS;
    return features->structure_tokens > 0 ? G_FORMAT : G_TEXT;
}

static int vendor_group(struct span host)
{
    static const struct {
        struct span part;
        int group;
    } hosts[] = {
        {SPAN_INIT("anthropic"), G_ANTHROPIC}, {SPAN_INIT("googleapis"), G_GEMINI},
        {SPAN_INIT("mistral"), G_MISTRAL},     {SPAN_INIT("deepseek"), G_DEEPSEEK},
        {SPAN_INIT("groq"), G_GROQ},           {SPAN_INIT("x.ai"), G_XAI},
    };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (has(host, hosts[i].part))
            return hosts[i].group;
    return G_VENDORS;
}

static struct estimate *learner_of(struct bench *bench, struct span host, struct span model)
{
    char name[160];
    snprintf(name, sizeof(name), "%.*s %.*s", SPAN_ARG(host), SPAN_ARG(model));
    for (size_t i = 0; i < bench->learner_count; i++)
        if (strcmp(bench->learners[i].name, name) == 0)
            return &bench->learners[i].estimate;
    assert_true(bench->learner_count < LEARNERS_MAX);
    struct learner *learner = &bench->learners[bench->learner_count++];
    memcpy(learner->name, name, sizeof(name));
    /* The hosts as an operator would name them. */
    estimate_init(&learner->estimate, has(host, SPAN("generativelanguage")) ? SPAN("gemini") : host,
                  model);
    return &learner->estimate;
}

static void judge_vendor(struct bench *bench, struct span host, struct span model,
                         const struct input_count *count, int64_t billed)
{
    const struct count_features *features = &count->features;
    struct estimate *estimate = learner_of(bench, host, model);
    int64_t guess = estimate_tokens(estimate, features);
    estimate_learn(estimate, features, billed);
    bool agent = has(model, SPAN("compound")); /* models that search before they answer */
    if (features->has_media || features->has_hosted || agent) {
        add(&bench->groups[G_UNKNOWABLE], guess, billed);
        return;
    }
    if (model.len == 0) {
        add(&bench->groups[G_UNNAMED], guess, billed);
        return;
    }
    add(&bench->groups[vendor_group(host)], guess, billed);
    add(&bench->groups[G_VENDORS], guess, billed);
    if (features->structure_tokens == 0 && features->syntax_tokens == 0 &&
        features->opaque_bytes == 0)
        add(&bench->groups[G_VENDORS_TEXT], guess, billed);
    if (billed >= 100)
        add(&bench->groups[G_VENDORS_LONG], guess, billed);
}

static void check_sums(const struct input_count *count)
{
    const struct tokens_by_role *roles = &count->by_role;
    assert_true(roles->system >= 0 && roles->user >= 0 && roles->assistant >= 0 &&
                roles->tool >= 0);
    assert_true(roles->system + roles->user + roles->assistant + roles->tool <= count->tokens);
    assert_true(count->media_tokens <= count->tokens);
}

static void judge(struct bench *bench, struct span line)
{
    struct json_object row;
    struct json_object request;
    struct json_object usage;
    struct json_fault fault;
    assert_true(json_scan(line, &bench->row, &row, &fault));
    struct span body = json_member(&row, SPAN("req"))->value;
    assert_true(json_scan(body, &bench->row, &request, &fault));
    assert_true(json_scan(json_member(&row, SPAN("usage"))->value, &bench->row, &usage, &fault));
    enum body_kind kind = kind_of(text_of(&row, "api", &bench->row));
    int64_t billed = billed_of(kind, &usage);
    if (billed == 0)
        return;
    struct span model = text_of(&row, "model", &bench->row);
    if (model.len == 0)
        model = text_of(&request, "model", &bench->row);
    struct span host = text_of(&row, "vendor_host", &bench->row);
    struct count_request count = {.kind = kind, .body = body, .model = model};
    struct input_count out;
    count.tokenizer = tokenizer_builtin(model_encoding(model, &count.tokenizer_is_exact));
    count.cache = bench->cache;
    count.scratch = &bench->scratch;
    input_count(&count, &out);
    check_sums(&out);
    if (!has(host, SPAN("openai.com"))) {
        judge_vendor(bench, host, model, &out, billed);
        return;
    }
    add(&bench->groups[openai_group(body, &out)], out.tokens, billed);
    bench->exact_promised += out.quality == COUNT_EXACT;
    bench->exact_kept += out.quality == COUNT_EXACT && out.tokens == billed;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile_of(const struct group *group, double p)
{
    return group->rows == 0 ? 0 : group->errors[(int)(p * (double)(group->rows - 1) + 0.5)];
}

static void print_table(struct bench *bench)
{
    printf("%-30s %6s %6s %6s %9s %9s\n", "family", "rows", "exact", "+-2", "p50", "p90");
    for (int i = 0; i < G_COUNT; i++) {
        struct group *group = &bench->groups[i];
        qsort(group->errors, (size_t)group->rows, sizeof(double), by_size);
        printf("%-30s %6d %6d %6d %8.2f%% %8.2f%%\n", names[i], group->rows, group->exact,
               group->near, 100 * quantile_of(group, 0.5), 100 * quantile_of(group, 0.9));
    }
    printf("said to be exact: %d, and were: %d\n", bench->exact_promised, bench->exact_kept);
}

static void known_answers(void **state)
{
    (void)state;
    const char *path = getenv("WEIR_KNOWN_ANSWERS");
    FILE *file = fopen(path != NULL ? path : FILE_OF_ROWS, "r");
    if (file == NULL) {
        printf("no recorded answers here: skipped\n");
        skip();
    }
    struct bench *bench = test_calloc(1, sizeof(*bench));
    bench->cache = token_cache_new(0);
    for (int i = 0; i < G_COUNT; i++)
        bench->groups[i].errors = test_calloc(ROWS_MAX, sizeof(double));
    char *line = NULL;
    size_t room = 0;
    for (ssize_t len = getline(&line, &room, file); len > 0; len = getline(&line, &room, file)) {
        arena_init(&bench->row, (size_t)64 * 1024 * 1024);
        arena_init(&bench->scratch, (size_t)64 * 1024 * 1024);
        judge(bench, span_make(line, (size_t)len));
        arena_fini(&bench->row);
        arena_fini(&bench->scratch);
    }
    free(line);
    fclose(file);
    print_table(bench);
    const struct group *groups = bench->groups;
    assert_true(groups[G_TEXT].exact * 100 >= groups[G_TEXT].rows * 97);
    assert_true(groups[G_TOOLS].near * 100 >= groups[G_TOOLS].rows * 85);
    assert_true(quantile_of(&groups[G_VENDORS], 0.5) < 0.05);
    assert_true(quantile_of(&groups[G_VENDORS], 0.9) < VENDORS_P90);
    for (int i = 0; i < G_COUNT; i++)
        test_free(bench->groups[i].errors);
    token_cache_free(&bench->cache);
    test_free(bench);
}

int test_known_answers(void);

int test_known_answers(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
    };
    return cmocka_run_group_tests_name("llm/known_answers", tests, NULL, NULL);
}
