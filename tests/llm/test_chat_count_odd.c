/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of other shapes than the documentation's, media of every kind, and large ones: always a
 * figure, never more than bounded work.
 */
#include "count_support.h"

#include <time.h>

static const enum body_kind kinds[] = {BODY_CHAT,       BODY_RESPONSES, BODY_COMPLETIONS,
                                       BODY_EMBEDDINGS, BODY_MESSAGES,  BODY_GEMINI};
static const char *const models[] = {"gpt-4o",  "gpt-5.4",     "gpt-3.5-turbo-0301", "o1-mini",
                                     "claude-", "gemini-2.5-", "mistral-small",      ""};

static void count_in_all_ways(struct span body)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (size_t m = 0; m < sizeof(models) / sizeof(models[0]); m++) {
            struct input_count full = count_with(kinds[k], models[m], body, SCRATCH_MAX, NULL);
            assert_true(full.tokens >= 0 && full.tokens < (int64_t)body.len * 40 + 10000);
            count_with(kinds[k], models[m], body, 0, NULL); /* no scratch at all */
        }
}

static void odd_shapes_have_a_figure(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{}",
        " \n{ } ",
        "[]",
        "\"text\"",
        "12",
        "{\"messages\":null,\"input\":null,\"contents\":null,\"tools\":null,\"prompt\":null}",
        "{\"messages\":{},\"input\":{},\"contents\":{},\"tools\":{},\"prompt\":{}}",
        "{\"messages\":[],\"input\":[],\"contents\":[],\"tools\":[],\"functions\":[]}",
        "{\"messages\":[null,1,\"x\",[],{}],\"input\":[null,1,\"x\",[],{}],\"contents\":[null,1,"
        "\"x\",[],{}],\"tools\":[null,1,\"x\",[],{}],\"functions\":[null,1,\"x\",[],{}]}",
        "{\"messages\":[{\"role\":1,\"name\":2,\"content\":3,\"tool_calls\":4}],\"input\":7}",
        "{\"messages\":[{\"role\":\"assistant\",\"content\":[null,1,\"x\",[],{\"type\":9},{"
        "\"type\":\"text\"},{\"type\":\"text\",\"text\":{}}],\"tool_calls\":[null,1,\"x\",{"
        "\"function\":null},{\"function\":{\"name\":1,\"arguments\":{\"a\":1}}}]}]}",
        "{\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"never\",\"content\":{}}]}",
        "{\"input\":[{\"type\":\"function_call\"},{\"type\":\"function_call\",\"name\":3,"
        "\"arguments\":[]},{\"type\":\"function_call_output\",\"output\":[]},{\"type\":"
        "\"reasoning\",\"encrypted_content\":1},{\"type\":\"compaction\"},{\"type\":"
        "\"additional_tools\",\"tools\":{}},{\"type\":\"tool_search_call\"},{\"type\":"
        "\"tool_search_output\"},{\"type\":\"unheard_of\",\"x\":[1]}]}",
        "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":{},\"description\":[],"
        "\"parameters\":{\"type\":[],\"properties\":{\"a\":1,\"b\":null,\"c\":{\"type\":{},"
        "\"enum\":{},\"anyOf\":[],\"required\":{}}},\"required\":\"a\"}}}],\"tool_choice\":[]}",
        "{\"tools\":[{\"name\":1,\"input_schema\":[]},{\"functionDeclarations\":[1,{}]}],"
        "\"system\":[1,{}],\"thinking\":1,\"output_config\":{\"format\":1}}",
        "{\"contents\":[{\"parts\":[{\"functionCall\":{}},{\"functionResponse\":{}},{"
        "\"inlineData\":{}},{\"thoughtSignature\":1},{}]}],\"systemInstruction\":\"x\"}",
        "{\"response_format\":{\"type\":\"json_schema\"},\"text\":{\"format\":{\"type\":"
        "\"json_schema\",\"schema\":[]}}}",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"\\u0000\\ud83d\\ude00 \\\\ \\\"\"}]}",
    };
    struct span nul = SPAN("\\u0000");
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char body[2048];
        snprintf(body, sizeof(body), "%s", bodies[i]);
        char *found = strstr(body, nul.ptr); /* json_scan refuses it: a space instead */
        if (found != NULL)
            memset(found, ' ', nul.len);
        count_in_all_ways(span_from_string(body));
    }
}

/* 60 objects deep. */
static void deep_schemas_are_read(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 1 << 20, 0);
    buf_append(&body, SPAN("{\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":"));
    for (int i = 0; i < 29; i++)
        buf_append(&body, SPAN("{\"type\":\"object\",\"properties\":{\"a\":"));
    buf_append(&body, SPAN("{\"type\":\"string\",\"description\":\"deep\"}"));
    for (int i = 0; i < 29; i++)
        buf_append(&body, SPAN("}}"));
    buf_append(&body, SPAN("}]}"));
    count_in_all_ways(buf_span(&body));
    struct input_count count =
        count_with(BODY_RESPONSES, "gpt-4o", buf_span(&body), SCRATCH_MAX, NULL);
    assert_true(count.tokens > 29 * 4);
    buf_fini(&body);
}

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Many properties, each looked up in as many names that are required. */
static void time_is_bounded(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 8 << 20, 0);
    buf_append(&body, SPAN("{\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{"
                           "\"type\":\"object\",\"required\":["));
    for (int i = 0; i < 20000; i++)
        buf_printf(&body, "%s\"p%d\"", i > 0 ? "," : "", i);
    buf_append(&body, SPAN("],\"properties\":{"));
    for (int i = 0; i < 20000; i++)
        buf_printf(&body, "%s\"q%d\":{\"type\":\"string\"}", i > 0 ? "," : "", i);
    buf_append(&body, SPAN("}}}]}"));
    int64_t before = milliseconds();
    struct input_count count =
        count_with(BODY_RESPONSES, "gpt-4o", buf_span(&body), SCRATCH_MAX, NULL);
    assert_int_equal(count.quality, COUNT_ESTIMATE);
    assert_true(count.tokens > 20000);
    assert_true(milliseconds() - before < 20000); /* of CPU, with sanitizers */
    buf_fini(&body);
}

/* Definitions over a mebibyte are counted as text. */
static void large_definitions_are_text(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 8 << 20, 0);
    buf_append(&body, SPAN("{\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\""));
    for (int i = 0; i < 300000; i++)
        buf_append(&body, SPAN("word "));
    buf_append(&body, SPAN("\"}]}"));
    struct input_count count =
        count_with(BODY_RESPONSES, "gpt-4o", buf_span(&body), SCRATCH_MAX, NULL);
    assert_int_equal(count.quality, COUNT_ESTIMATE);
    assert_in_range(count.tokens, 300000, 330000);
    buf_fini(&body);
}

/* ---- media ---- */

/* Heads of images in base64, and what is read of them. */
#define PNG_60_30  "iVBORw0KGgoAAAANSUhEUgAAADwAAAAeCAIAAAA="
#define GIF_3_2    "R0lGODlhAwACAIAAAP///wAAACwAAAAA"
#define JPEG_64_48 "/9j/4AAQSkZJRgABAQAAAQABAAD/wAARCAAwAEADASIAAhEBAxEB"
#define WEBP_VP8X  "UklGRhoAAABXRUJQVlA4WAoAAAAAAAAAPwAALwAA"
#define WEBP_VP8L  "UklGRhoAAABXRUJQVlA4TA0AAAAvP8ALAA=="
#define WEBP_VP8   "UklGRhoAAABXRUJQVlA4IA4AAAAQAACdASpAADAA"

static struct input_count with_image(const char *model, const char *url, const char *detail)
{
    char body[1024];
    snprintf(body, sizeof(body),
             "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
             "\"image_url\":{\"url\":\"%s\",\"detail\":\"%s\"}}]}]}",
             url, detail);
    return count_body(BODY_CHAT, model, body);
}

static void images_are_measured(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        const char *url;
        const char *detail;
        int64_t tokens;
    } cases[] = {
        {"gpt-4o", "data:image/png;base64," PNG_60_30, "auto", 255},
        {"gpt-4o", "data:image/png;base64," PNG_60_30, "low", 85},
        {"gpt-4o-mini", "data:image/png;base64," PNG_60_30, "auto", 8500},
        {"gpt-5.4", "data:image/png;base64," PNG_60_30, "auto", 4},
        {"gpt-5.4", "data:image/gif;base64," GIF_3_2, "auto", 3},
        {"gpt-5.4", "data:image/jpeg;base64," JPEG_64_48, "auto", 6},
        {"gpt-5.4", "data:image/webp;base64," WEBP_VP8X, "auto", 6},
        {"gpt-5.4", "data:image/webp;base64," WEBP_VP8L, "auto", 6},
        {"gpt-5.4", "data:image/webp;base64," WEBP_VP8, "auto", 6},
        {"gpt-4o", "https://example.org/a.png", "auto", 765},
        {"gpt-4o", "data:image/png;base64,!!!!", "auto", 765},
        {"gpt-4o", "data:image/jpeg;base64,/9j/", "auto", 765},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct input_count count = with_image(cases[i].model, cases[i].url, cases[i].detail);
        if (count.media_tokens != cases[i].tokens)
            fail_msg("image %zu: %lld", i, (long long)count.media_tokens);
        assert_true(count.features.has_media);
        assert_int_not_equal(count.quality, COUNT_EXACT);
    }
}

static int64_t media_of(enum body_kind kind, const char *model, const char *body)
{
    return count_body(kind, model, body).media_tokens;
}

static void other_media_are_assumed(void **state)
{
    (void)state;
    assert_int_equal(media_of(BODY_MESSAGES, "claude-haiku-4-5",
                              "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\","
                              "\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
                              "\"data\":\"" PNG_60_30 "\"}}]}]}"),
                     3 * 2);
    assert_int_equal(media_of(BODY_GEMINI, "gemini-2.5-flash",
                              "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":"
                              "\"image/png\",\"data\":\"" PNG_60_30 "\"}}]}]}"),
                     258);
    assert_int_equal(media_of(BODY_CHAT, "gpt-4o-audio-preview",
                              "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
                              "\"input_audio\",\"input_audio\":{\"data\":\"AAAA\"}}]}]}"),
                     10);
    assert_int_equal(media_of(BODY_RESPONSES, "gpt-5",
                              "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
                              "\"input_file\",\"file_id\":\"file-1\"}]}]}"),
                     750);
    assert_in_range(media_of(BODY_RESPONSES, "gpt-5",
                             "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
                             "\"input_file\",\"file_data\":\"data:text/csv;base64,YSxiLGMK\"}]}]}"),
                    40, 45);
}

int test_chat_count_odd(void);

int test_chat_count_odd(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_shapes_have_a_figure), cmocka_unit_test(deep_schemas_are_read),
        cmocka_unit_test(time_is_bounded),          cmocka_unit_test(large_definitions_are_text),
        cmocka_unit_test(images_are_measured),      cmocka_unit_test(other_media_are_assumed),
    };
    return cmocka_run_group_tests_name("llm/chat_count_odd", tests, NULL, NULL);
}
