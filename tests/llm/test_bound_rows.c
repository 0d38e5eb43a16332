/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bound against what providers billed: recorded requests of seven vendors, each written as
 * tightly as a client could have sent it, and the recorded exchanges. None may be billed more input
 * than its bound. Rows with parts that cannot be seen into are counted, and left out. Prints how
 * loose the bound is.
 *
 * Requests of dialects that this version does not take are read here by their few shapes that matter.
 */
#include "support.h"

#include "base/buf.h"
#include "llm/bound.h"
#include "llm/model.h"
#include "wire/sse_reader.h"

#include <dirent.h>

#define FAMILIES 32
#define ROWS_MAX 2048
#define ENDLESS  (INT64_C(1) << 30) /* the bound of models that search on their own */

struct family {
    char name[64];
    double ratios[ROWS_MAX];
    int rows;
    int unseen;  /* parts that cannot be seen into */
    int endless; /* bounded by the context window alone */
};

struct tally {
    struct family families[FAMILIES];
    int count;
    int64_t nearest; /* tokens between a bill and its bound, the least seen */
};

static struct family *family_of(struct tally *tally, const char *name)
{
    for (int i = 0; i < tally->count; i++)
        if (strcmp(tally->families[i].name, name) == 0)
            return &tally->families[i];
    assert_true(tally->count < FAMILIES);
    struct family *family = &tally->families[tally->count++];
    snprintf(family->name, sizeof(family->name), "%s", name);
    return family;
}

/* ---- JSON ---- */

static struct span member(struct span object, const char *name)
{
    size_t at = 0;
    struct span key, value;
    enum json_type type;
    if (object.len == 0 || object.ptr[0] != '{')
        return SPAN_NONE;
    while (json_walk(object, &at, &key, &value, &type))
        if (span_equal(key, span_from_string(name)))
            return type == JSON_NULL ? SPAN_NONE : value;
    return SPAN_NONE;
}

static struct span text_of(struct span value)
{
    return value.len >= 2 ? span_make(value.ptr + 1, value.len - 2) : SPAN_NONE;
}

/* Without white space between tokens: the least bytes of this request. */
static struct span tighten(struct span json, struct buf *out)
{
    bool inside = false;
    buf_reset(out, 1 << 20);
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        if (!inside && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
            continue;
        buf_append_byte(out, c);
        if (inside && c == '\\')
            buf_append_byte(out, json.ptr[++i]);
        else if (c == '"')
            inside = !inside;
    }
    return buf_span(out);
}

static bool holds(struct span text, const char *what)
{
    return span_search(text, span_from_string(what)) < text.len;
}

/* ---- requests of other dialects ---- */

/* What stands in a body of Anthropic's, Gemini's or the Responses API that nobody can see into. */
static const char *const unseen_marks[] = {
    "\"type\":\"image\"",
    "\"type\":\"document\"",
    "\"type\":\"file\"",
    "\"type\":\"input_image\"",
    "\"type\":\"input_file\"",
    "\"type\":\"item_reference\"",
    "\"file_id\"",
    "\"mcp_servers\"",
    "\"container\"",
    "\"context_management\"",
    "\"previous_response_id\"",
    "\"conversation\":",
    "\"prompt\":{",
    "\"inlineData\"",
    "\"inline_data\"",
    "\"fileData\"",
    "\"file_data\"",
    "\"cachedContent\"",
    "\"cached_content\"",
    "\"googleSearch",
    "\"google_search",
    "\"codeExecution\"",
    "\"code_execution\"",
    "\"urlContext\"",
    "\"url_context\"",
    "\"googleMaps\"",
    "\"google_maps\"",
    "\"fileSearch\"",
    "\"type\":\"tool_search",
    "\"type\":\"compaction",
};

/* Tools that the provider runs have types of their own. */
static bool has_hosted_tool(struct span tools, bool typed)
{
    size_t at = 0;
    struct span key, tool;
    enum json_type type;
    while (tools.len > 0 && tools.ptr[0] == '[' && json_walk(tools, &at, &key, &tool, &type)) {
        struct span kind = text_of(member(tool, "type"));
        if (typed ? !span_equal(kind, SPAN("function")) && !span_equal(kind, SPAN("custom"))
                  : kind.len > 0 && !span_equal(kind, SPAN("custom")))
            return true;
    }
    return false;
}

static void read_other(struct span body, const char *api, struct call *call)
{
    struct span tools = member(body, "tools");
    struct span config = member(body, "generationConfig");
    struct span effort = member(member(body, "reasoning"), "effort");
    *call = (struct call){.body = {.text = body}, .choices = 1, .prompts = 1};
    call->has_tools = tools.len > 2;
    call->structured_bytes = tools.len;
    call->has_schema = holds(body, "json_schema") || member(config, "responseSchema").len > 0 ||
                       holds(body, "\"output_config\"") || holds(body, "responseJsonSchema");
    call->has_reasoning = member(body, "thinking").len > 0 || effort.len > 0 ||
                          member(body, "reasoning").len > 0 ||
                          member(config, "thinkingConfig").len > 0;
    for (size_t i = 0; i < sizeof(unseen_marks) / sizeof(unseen_marks[0]); i++)
        if (holds(body, unseen_marks[i]))
            call->unboundable = unseen_marks[i];
    if (strcmp(api, "gemini") != 0 && has_hosted_tool(tools, strcmp(api, "responses") == 0))
        call->unboundable = "hosted tool";
}

/* ---- one request ---- */

static const struct dialect *dialect_of(const char *api)
{
    if (strcmp(api, "chat") == 0)
        return &dialect_openai;
    if (strcmp(api, "completions") == 0)
        return &dialect_openai_completions;
    return strcmp(api, "embeddings") == 0 ? &dialect_openai_embeddings : NULL;
}

/* False where it is no request that could be sent. */
static bool read_request(struct span body, const char *api, struct arena *arena, struct call *call)
{
    const struct dialect *dialect = dialect_of(api);
    struct complaint why;
    if (dialect == NULL) {
        read_other(body, api, call);
        return true;
    }
    return dialect->read_call(body, arena, call, &why) == ERR_NONE;
}

static void check(struct tally *tally, const char *vendor, const char *api, struct span model,
                  struct span request, int64_t billed, struct arena *arena)
{
    char name[64];
    struct call call;
    struct buf tight;
    snprintf(name, sizeof(name), "%s/%s", vendor, api);
    struct family *family = family_of(tally, name);
    buf_init(&tight, 64 << 20, 0);
    if (read_request(tighten(request, &tight), api, arena, &call)) {
        struct bound_request bound = {.call = &call, .model = model, .hidden_input = -1};
        int64_t most = bound_input(&bound);
        if (call.unboundable != NULL) {
            family->unseen++;
        } else if (most >= ENDLESS) {
            family->endless++;
        } else {
            if (most < billed)
                fail_msg("%s %.*s: billed %lld, bound %lld: %.*s", name, SPAN_ARG(model),
                         (long long)billed, (long long)most, SPAN_ARG(request));
            assert_true(family->rows < ROWS_MAX);
            family->ratios[family->rows++] = (double)most / (double)billed;
            if (most - billed < tally->nearest)
                tally->nearest = most - billed;
        }
    }
    buf_fini(&tight);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(struct tally *tally)
{
    for (int i = 0; i < tally->count; i++) {
        struct family *family = &tally->families[i];
        double *ratios = family->ratios;
        qsort(ratios, (size_t)family->rows, sizeof(*ratios), by_size);
        print_message("    %-32s %4d rows, bound / billed p50 %.1f p90 %.1f least %.2f; "
                      "%d cannot be seen into, %d have the window alone\n",
                      family->name, family->rows, family->rows > 0 ? ratios[family->rows / 2] : 0,
                      family->rows > 0 ? ratios[family->rows * 9 / 10] : 0,
                      family->rows > 0 ? ratios[0] : 0, family->unseen, family->endless);
    }
    print_message("    nearest bill: %lld tokens below its bound\n", (long long)tally->nearest);
}

static int rows_of(const struct tally *tally)
{
    int rows = 0;
    for (int i = 0; i < tally->count; i++)
        rows += tally->families[i].rows;
    return rows;
}

/* ---- the mined rows ---- */

static enum usage_dialect usage_of_api(const char *api)
{
    if (strcmp(api, "responses") == 0)
        return USAGE_DIALECT_RESPONSES;
    if (strcmp(api, "anthropic") == 0)
        return USAGE_DIALECT_ANTHROPIC;
    return strcmp(api, "gemini") == 0 ? USAGE_DIALECT_GEMINI : USAGE_DIALECT_OPENAI;
}

/* 0: it does not say. */
static int64_t billed_input(struct span answer, const char *api, struct arena *arena)
{
    static const struct usage_limits no_limits = {0, 0};
    struct usage_reader reader;
    struct usage usage;
    usage_reader_init(&reader, usage_of_api(api), &no_limits, arena);
    usage_reader_event(&reader, answer);
    enum usage_verdict verdict = usage_reader_result(&reader, &usage);
    return verdict == USAGE_GOOD || verdict == USAGE_PARTIAL ? usage.input : 0;
}

static void check_row(struct tally *tally, struct span row, struct arena *arena)
{
    char vendor[48], api[16];
    struct json_object root;
    struct json_fault fault;
    assert_true(json_scan(row, arena, &root, &fault));
    struct span host = text_of(member(root.text, "vendor_host"));
    struct span kind = text_of(member(root.text, "api"));
    snprintf(vendor, sizeof(vendor), "%.*s", SPAN_ARG(host));
    snprintf(api, sizeof(api), "%.*s", SPAN_ARG(kind));
    struct span request = member(root.text, "req");
    struct span model = text_of(member(request, "model"));
    if (model.len == 0)
        model = text_of(member(root.text, "model"));
    if (model.len == 0)
        model = SPAN("gemini"); /* its name is in the path */
    struct span usage = member(root.text, "usage");
    struct span answer = arena_printf(
        arena, strcmp(api, "gemini") == 0 ? "{\"usageMetadata\":%.*s}" : "{\"usage\":%.*s}",
        SPAN_ARG(usage));
    int64_t billed = billed_input(answer, api, arena);
    if (billed > 0 && request.len > 0)
        check(tally, vendor, api, model, request, billed, arena);
}

static void no_recorded_request_is_billed_more(void **state)
{
    (void)state;
    static struct tally tally;
    size_t len = 0;
    char *text = read_file(SHARED_DATA "/tokens/chat_known_answers.jsonl", &len);
    if (text == NULL) {
        print_message("no recorded requests here: skipped\n");
        skip();
    }
    struct arena arena;
    arena_init(&arena, 64 << 20);
    struct span rest = span_make(text, len);
    tally.nearest = INT64_MAX;
    while (rest.len > 0) {
        struct span row;
        rest = span_cut(rest, '\n', &row);
        if (row.len > 0)
            check_row(&tally, row, &arena);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    free(text);
    print(&tally);
    assert_true(rows_of(&tally) > 900);
}

/* ---- the exchanges ---- */

struct exchange {
    struct usage_reader reader;
    struct arena *arena;
};

static bool on_event(void *argument, const struct sse_event *event)
{
    struct exchange *exchange = argument;
    if (event->has_data)
        usage_reader_event(&exchange->reader, event->data);
    return true;
}

static int64_t billed_by(struct span answer, bool stream, const char *api, struct arena *arena)
{
    static const struct usage_limits no_limits = {0, 0};
    struct exchange exchange = {.arena = arena};
    struct sse_reader events;
    struct usage usage;
    if (!stream)
        return billed_input(answer, api, arena);
    usage_reader_init(&exchange.reader, usage_of_api(api), &no_limits, arena);
    sse_reader_init(&events, 8 << 20);
    sse_reader_feed(&events, answer, on_event, &exchange);
    sse_reader_end(&events, on_event, &exchange);
    sse_reader_fini(&events);
    enum usage_verdict verdict = usage_reader_result(&exchange.reader, &usage);
    return verdict == USAGE_GOOD || verdict == USAGE_PARTIAL ? usage.input : 0;
}

static const char *api_of(struct span url)
{
    if (holds(url, "/chat/completions"))
        return "chat";
    if (holds(url, "/completions"))
        return "completions";
    if (holds(url, "/embeddings"))
        return "embeddings";
    if (holds(url, "/responses"))
        return "responses";
    if (holds(url, "/v1/messages") && !holds(url, "count_tokens"))
        return "anthropic";
    return holds(url, "enerateContent") ? "gemini" : NULL;
}

/* To be freed; NULL: none. */
static char *read_part(const char *host, struct span name, const char *suffix, size_t *len)
{
    char path[700];
    snprintf(path, sizeof(path), SHARED_DATA "/exchanges/%s/%.*s%s", host, SPAN_ARG(name), suffix);
    return read_file(path, len);
}

static void check_exchange(struct tally *tally, const char *host, struct span name,
                           struct arena *arena)
{
    size_t meta_len = 0, request_len = 0, answer_len = 0;
    char *meta = read_part(host, name, ".meta.json", &meta_len);
    char *request = read_part(host, name, ".request.json", &request_len);
    bool stream = false;
    char *answer = read_part(host, name, ".response.json", &answer_len);
    if (answer == NULL) {
        answer = read_part(host, name, ".response.sse", &answer_len);
        stream = true;
    }
    const char *api = meta != NULL ? api_of(span_make(meta, meta_len)) : NULL;
    struct json_object root;
    struct json_fault fault;
    if (api != NULL && request != NULL && answer != NULL &&
        json_scan(span_make(request, request_len), arena, &root, &fault)) {
        struct span model = text_of(member(root.text, "model"));
        int64_t billed = billed_by(span_make(answer, answer_len), stream, api, arena);
        if (billed > 0)
            check(tally, host, api, model.len > 0 ? model : SPAN("gemini"), root.text, billed,
                  arena);
    }
    free(meta);
    free(request);
    free(answer);
}

static void no_recorded_exchange_is_billed_more(void **state)
{
    (void)state;
    static const char *const hosts[] = {"openai", "anthropic", "gemini", "mistral",    "deepseek",
                                        "groq",   "azure",     "ollama", "openrouter", "others"};
    static struct tally tally;
    struct arena arena;
    arena_init(&arena, 64 << 20);
    tally.nearest = INT64_MAX;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char path[600];
        snprintf(path, sizeof(path), SHARED_DATA "/exchanges/%s", hosts[i]);
        DIR *dir = opendir(path);
        if (dir == NULL) {
            print_message("no recorded exchanges here: skipped\n");
            arena_fini(&arena);
            skip();
        }
        for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
            struct span file = span_from_string(entry->d_name);
            if (span_ends_with(file, SPAN(".meta.json")))
                check_exchange(&tally, hosts[i], span_make(file.ptr, file.len - 10), &arena);
            arena_reset(&arena);
        }
        closedir(dir);
    }
    arena_fini(&arena);
    print(&tally);
    assert_true(rows_of(&tally) >= 25);
}

int test_bound_rows(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_recorded_request_is_billed_more),
        cmocka_unit_test(no_recorded_exchange_is_billed_more),
    };
    return cmocka_run_group_tests_name("llm/bound_rows", tests, NULL, NULL);
}
