/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every recorded chat exchange of the OpenAI-compatible hosts: usage is found wherever the record
 * has a usage object, errors are seen, and each event that is written again is strict JSON with
 * nothing lost but what was to go. Recorded requests read, and read again after they are written.
 */
#include "support.h"

#include "wire/sse_reader.h"

#include <dirent.h>

static const struct usage_limits no_limits = {0, 0};

static const char *const hosts[] = {"openai",  "azure",  "groq",       "deepseek",
                                    "mistral", "ollama", "openrouter", "others"};

/* One recorded exchange while it is read. */
struct record {
    const char *name;
    struct arena arena;
    struct buf out;
    int usages; /* GOOD */
    int finished;
    int errors;
    bool done;
    uint64_t text_bytes;
    bool stream;
};

struct totals {
    int files;
    int usages;
    int requests;
};

/* What a usage object must have for us to call it one. */
static bool has_usage_object(const struct json_object *root)
{
    const struct json_member *usage = json_member(root, SPAN("usage"));
    return usage != NULL && usage->type == JSON_OBJECT &&
           span_search(usage->value, SPAN("\"prompt_tokens\"")) < usage->value.len;
}

struct client {
    struct arena *arena;
    struct span data;
};

static bool on_written(void *argument, const struct sse_event *event)
{
    struct client *client = argument;
    assert_true(event->complete);
    assert_null(client->data.ptr); /* one event */
    client->data = arena_copy(client->arena, event->data);
    return true;
}

/* The data of the event that write_event wrote, as a client reads it. */
static struct span written_data(struct record *record)
{
    struct sse_reader reader;
    struct client client = {.arena = &record->arena};
    sse_reader_init(&reader, 8 << 20);
    assert_true(sse_reader_feed(&reader, buf_span(&record->out), on_written, &client));
    sse_reader_fini(&reader);
    assert_non_null(client.data.ptr);
    return client.data;
}

/* With cost and without: the event parses, keeps its members but a usage that is null, and says the
 * same as before. */
static void check_written(struct record *record, struct span data, const struct json_object *root,
                          const struct reply_facts *facts, int64_t cost_nusd)
{
    struct json_object again;
    struct json_fault fault;
    struct reply_facts facts_again;
    buf_reset(&record->out, 65536);
    assert_true(dialect_openai.write_event(data, facts, cost_nusd, &record->out));
    struct span written = written_data(record);
    if (!json_scan(written, &record->arena, &again, &fault))
        fail_msg("%s: wrote %.*s: %s", record->name, SPAN_ARG(written), fault.what);
    assert_int_equal(again.count, root->count - (facts->usage_null.len > 0 ? 1 : 0));
    dialect_openai.read_reply(written, record->stream, &no_limits, &record->arena, &facts_again);
    assert_int_equal(facts_again.usage_null.len, 0);
    assert_int_equal(facts_again.usage_verdict, facts->usage_verdict);
    assert_memory_equal(&facts_again.usage, &facts->usage, sizeof(facts->usage));
    assert_int_equal(facts_again.text_bytes, facts->text_bytes);
    assert_int_equal(facts_again.finished, facts->finished);
    if (cost_nusd >= 0 && facts->usage_end > 0)
        assert_span_equal(facts_again.usage_cost, "0.000123");
}

static void check_data(struct record *record, struct span data, bool stream)
{
    struct reply_facts facts;
    struct json_object root;
    struct json_fault fault;
    record->stream = stream;
    dialect_openai.read_reply(data, stream, &no_limits, &record->arena, &facts);
    if (facts.is_done) {
        record->done = true;
        return;
    }
    if (!json_scan(data, &record->arena, &root, &fault))
        fail_msg("%s: %s at %zu of %.*s", record->name, fault.what, fault.offset, SPAN_ARG(data));
    if (root.type == JSON_OBJECT) {
        if (has_usage_object(&root) && facts.usage_verdict != USAGE_GOOD)
            fail_msg("%s: no usage in %.*s", record->name, SPAN_ARG(data));
        record->usages += facts.usage_verdict == USAGE_GOOD ? 1 : 0;
        record->finished += facts.finished ? 1 : 0;
        record->errors += facts.is_error ? 1 : 0;
        record->text_bytes += facts.text_bytes;
        check_written(record, data, &root, &facts, -1);
        check_written(record, data, &root, &facts, 123000);
    }
    arena_reset(&record->arena);
}

static bool on_event(void *argument, const struct sse_event *event)
{
    struct record *record = argument;
    if (event->has_data)
        check_data(record, event->data, true);
    return true;
}

static void read_stream(struct record *record, struct span text, size_t step)
{
    struct sse_reader reader;
    sse_reader_init(&reader, 1 << 20);
    while (text.len > 0) {
        size_t size = step < text.len ? step : text.len;
        assert_true(sse_reader_feed(&reader, span_make(text.ptr, size), on_event, record));
        text = span_from(text, size);
    }
    sse_reader_end(&reader, on_event, record);
    sse_reader_fini(&reader);
}

static struct record read_record(const char *name, struct span text, bool stream, size_t step)
{
    struct record record = {.name = name};
    arena_init(&record.arena, 8 << 20);
    buf_init(&record.out, 8 << 20, 0);
    if (stream)
        read_stream(&record, text, step);
    else
        check_data(&record, text, false);
    arena_fini(&record.arena);
    buf_fini(&record.out);
    return record;
}

/* Read and written again with all changes, a request says what it said. */
static void check_request(const char *name, struct span text)
{
    struct arena arena;
    struct buf out;
    struct call call;
    struct call again;
    struct complaint why;
    arena_init(&arena, 8 << 20);
    buf_init(&out, 8 << 20, 0);
    if (dialect_openai.read_call(text, &arena, &call, &why) != ERR_NONE)
        fail_msg("%s: %s", name, why.message);
    struct call_changes changes = {.model = SPAN("target"),
                                   .output_limit = 77,
                                   .limit_field = SPAN("max_tokens"),
                                   .ask_usage = true};
    assert_true(dialect_openai.write_call(&call, &changes, &out));
    assert_int_equal(dialect_openai.read_call(buf_span(&out), &arena, &again, &why), ERR_NONE);
    assert_span_equal(again.model, "target");
    assert_int_equal(again.output_limit, 77);
    assert_int_equal(again.limit_field, LIMIT_FIELD_MAX_TOKENS);
    assert_int_equal(again.wants_usage, call.stream);
    assert_int_equal(again.messages, call.messages);
    assert_true(again.unboundable == call.unboundable);
    arena_fini(&arena);
    buf_fini(&out);
}

/* "chat…", or "…stream…" of the compatible hosts; not of OpenAI's other endpoints. */
static bool is_chat(struct span name)
{
    return !span_starts_with(name, SPAN("responses")) &&
           (span_starts_with(name, SPAN("chat")) || span_starts_with(name, SPAN("stream")) ||
            span_search(name, SPAN("-stream")) < name.len ||
            span_search(name, SPAN("-chat")) < name.len) &&
           !span_starts_with(name, SPAN("cohere")); /* its own dialect */
}

static void check_response(const char *path, struct span text, struct totals *totals)
{
    bool stream = span_ends_with(span_from_string(path), SPAN(".sse"));
    struct record record = read_record(path, text, stream, SIZE_MAX);
    if (record.usages == 0)
        print_message("    no usage: %s\n", path);
    totals->files++;
    totals->usages += record.usages > 0 ? 1 : 0;
    if (!stream)
        return;
    struct record bytewise = read_record(path, text, true, 1);
    assert_int_equal(bytewise.usages, record.usages);
    assert_int_equal(bytewise.finished, record.finished);
    assert_int_equal(bytewise.errors, record.errors);
    assert_int_equal(bytewise.text_bytes, record.text_bytes);
    assert_int_equal(bytewise.done, record.done);
}

static void check_file(const char *host, const char *name, struct totals *totals)
{
    struct span file = span_from_string(name);
    bool response =
        span_ends_with(file, SPAN(".response.json")) || span_ends_with(file, SPAN(".response.sse"));
    bool request = span_ends_with(file, SPAN(".request.json"));
    if (!is_chat(file) || !(response || request))
        return;
    char path[600];
    snprintf(path, sizeof(path), SHARED_DATA "/exchanges/%s/%s", host, name);
    size_t len = 0;
    char *text = read_file(path, &len);
    assert_non_null(text);
    struct span bytes = span_make(text, len);
    if (response) {
        check_response(path, bytes, totals);
    } else if (span_search(bytes, SPAN("\"messages\"")) < len &&
               span_search(file, SPAN("400")) == file.len) {
        check_request(path, bytes);
        totals->requests++;
    }
    free(text);
}

static void reads_every_recorded_exchange(void **state)
{
    (void)state;
    struct totals totals = {0};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char path[600];
        snprintf(path, sizeof(path), SHARED_DATA "/exchanges/%s", hosts[i]);
        DIR *dir = opendir(path);
        if (dir == NULL) {
            print_message("no recorded exchanges here: skipped\n");
            skip();
        }
        for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
            check_file(hosts[i], entry->d_name, &totals);
        closedir(dir);
    }
    print_message("%d exchanges, %d with usage; %d requests\n", totals.files, totals.usages,
                  totals.requests);
    assert_true(totals.files >= 45);
    assert_true(totals.usages >= 40);
    assert_true(totals.requests >= 15);
}

/* ---- what single recordings must give ---- */

static struct record read_named(const char *name)
{
    char path[600];
    size_t len = 0;
    snprintf(path, sizeof(path), SHARED_DATA "/exchanges/%s", name);
    char *text = read_file(path, &len);
    if (text == NULL) {
        print_message("no recorded exchanges here: skipped\n");
        skip();
    }
    struct record record = read_record(
        name, span_make(text, len), span_ends_with(span_from_string(name), SPAN(".sse")), SIZE_MAX);
    free(text);
    return record;
}

static void recordings_say_what_they_should(void **state)
{
    (void)state;
    struct record record = read_named("groq/stream-error-event.response.sse");
    assert_int_equal(record.errors, 1);
    assert_int_equal(record.usages, 0);
    assert_int_equal(record.finished, 0);
    assert_false(record.done);

    record = read_named("openrouter/stream-error-midway.response.sse");
    assert_int_equal(record.errors, 1);
    assert_int_equal(record.usages, 1);
    assert_int_equal(record.finished, 2);
    assert_true(record.done);

    record = read_named("others/snowflake-stream.response.sse");
    assert_int_equal(record.finished, 0);
    assert_int_equal(record.usages, 1);
    assert_int_equal(record.text_bytes, 1);

    record = read_named("mistral/stream-text.response.sse");
    assert_int_equal(record.text_bytes, strlen("Hello, world! This is a test response."));
    assert_int_equal(record.usages, 1);

    record = read_named("mistral/stream-thinking.response.sse");
    assert_true(record.text_bytes > 500);
}

int test_openai_exchanges(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_recorded_exchange),
        cmocka_unit_test(recordings_say_what_they_should),
    };
    return cmocka_run_group_tests_name("llm/openai_exchanges", tests, NULL, NULL);
}
