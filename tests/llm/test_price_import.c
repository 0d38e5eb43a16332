/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Price lists of others, in small: every shape, and everything that is left out or told of. */
#include "llm/price_import.h"

#include "base/buf.h"
#include "support.h"

int test_price_import(void);

static void keep_note(void *context, struct span key, const char *what)
{
    buf_printf(context, "%.*s: %s\n", SPAN_ARG(key), what);
}

/* What `text` becomes as our price file, and what was told. */
static void assert_import(const char *text, const char *expected, const char *notes)
{
    struct buf told;
    struct buf out;
    struct catalogue_fault fault = {0};
    buf_init(&told, 10000, 0);
    buf_init(&out, 10000, 0);
    const struct import_notes keep = {keep_note, &told};
    struct catalogue *catalogue = price_import(span_from_string(text), &keep, &fault);
    if (catalogue != NULL)
        assert_true(catalogue_write(catalogue, &out));
    else
        buf_printf(&out, "%zu:%zu: %s", fault.line, fault.column, fault.what);
    assert_span_equal(buf_span(&told), notes);
    assert_span_equal(buf_span(&out), expected);
    catalogue_free(&catalogue);
    buf_fini(&told);
    buf_fini(&out);
}

static void other_files_are_refused(void **state)
{
    static const char none[] =
        "1:1: this is no price list of genai-prices, LiteLLM, models.dev or Weir";
    (void)state;
    assert_import("", "1:1: unexpected end", "");
    assert_import("{\"a\":1,\n\"a\":2}", "2:1: duplicate key", "");
    assert_import("3", none, "");
    assert_import("[]", none, "");
    assert_import("{}", none, "");
    assert_import("[{\"id\":\"a\"}]", none, "");
    assert_import("{\"a\":{\"b\":1}}", none, "");
    assert_import("{\"format\":\"weir-prices-2\"}", "1:11: 'format' must be \"weir-prices-1\"", "");
    assert_import("[{\"id\":\"a\",\"api_pattern\":\"b\",\"models\":[]}]",
                  "1:1: there is no price in this file", "");
}

/* ---- genai-prices ---- */

#define HEAD "{\"format\":\"weir-prices-1\",\"source\":"
#define GENAI(MODELS) \
    "[{\"id\":\"p\",\"api_pattern\":\"https://p\\\\.example\",\"models\":[" MODELS "]}]"
#define GENAI_PRICE(PRICES) \
    GENAI("{\"id\":\"m\",\"match\":{\"equals\":\"m\"},\"prices\":" PRICES "}")
#define OUT_GENAI(MODELS)                                                                 \
    HEAD "\"genai-prices (MIT)\",\"providers\":[\n{\"id\":\"p\",\"urls\":[\"https://p.ex" \
         "ample*\"],\"models\":[" MODELS "]}]}\n"
#define OUT_PRICE(PRICES) OUT_GENAI("\n{\"id\":\"m\",\"prices\":[" PRICES "]}")
#define NOTHING           "1:1: there is no price in this file"

static void genai_prices_become_ours(void **state)
{
    (void)state;
    assert_import(
        GENAI_PRICE("{\"input_mtok\":2.5,\"cache_read_mtok\":0.25,\"cache_write_mtok\":3.125,"
                    "\"cache_write_1h_mtok\":5,\"input_audio_mtok\":40,\"cache_audio_read_mtok\":3,"
                    "\"input_image_mtok\":6,\"output_mtok\":10,\"output_reasoning_mtok\":9,"
                    "\"output_audio_mtok\":80,\"output_image_mtok\":30,\"requests_kcount\":12,"
                    "\"web_searches_kcount\":10}"),
        OUT_PRICE("{\"input\":2.5,\"cached_input\":0.25,\"cache_write\":3.125,\"cache_write_1h\":5,"
                  "\"audio_input\":40,\"cached_audio\":3,\"image_input\":6,\"output\":10,"
                  "\"reasoning\":9,\"audio_output\":80,\"image_output\":30,\"per_request\":0.012,"
                  "\"web_search\":0.01}"),
        "");
    /* an embedding; a double's noise; finer than a pico-dollar a token */
    assert_import(GENAI_PRICE("{\"input_mtok\":0.02}"),
                  OUT_PRICE("{\"input\":0.02,\"output\":0.02}"), "");
    assert_import(GENAI_PRICE("{\"input_mtok\":0.18000000000000002,\"output_mtok\":1e-3}"),
                  OUT_PRICE("{\"input\":0.18,\"output\":0.001}"), "");
    assert_import(GENAI_PRICE("{\"input_mtok\":0.08333333333333334,\"output_mtok\":1E+1}"),
                  OUT_PRICE("{\"input\":0.083334,\"output\":10}"), "");
}

static void genai_tiers_become_steps(void **state)
{
    (void)state;
    assert_import(
        GENAI_PRICE("{\"input_mtok\":{\"base\":1,\"tiers\":[{\"start\":200000,\"price\":2},"
                    "{\"start\":500000,\"price\":3}]},\"cache_read_mtok\":0.5,"
                    "\"output_mtok\":{\"base\":4,\"tiers\":[{\"start\":400000,\"price\":5}]}}"),
        OUT_PRICE("{\"input\":1,\"cached_input\":0.5,\"output\":4,\"tiers\":["
                  "{\"above\":200000,\"input\":2,\"cached_input\":0.5,\"output\":4},"
                  "{\"above\":400000,\"input\":2,\"cached_input\":0.5,\"output\":5},"
                  "{\"above\":500000,\"input\":3,\"cached_input\":0.5,\"output\":5}]}"),
        "");
#define TIER(START) "{\"start\":" START ",\"price\":2}"
    assert_import(GENAI_PRICE("{\"input_mtok\":{\"base\":1,\"tiers\":[" TIER("1") "," TIER(
                      "2") "," TIER("3") "," TIER("4") "]}}"),
                  NOTHING, "p/m: left out: more than 3 long-context steps\n");
    assert_import(
        GENAI_PRICE(
            "{\"input_mtok\":{\"base\":1,\"tiers\":[" TIER("9") "," TIER("8") "," TIER("7") "," TIER(
                "6") "," TIER("5") "," TIER("4") "," TIER("3") "," TIER("2") "," TIER("1") "]}}"),
        NOTHING, "p/m: left out: more than 3 long-context steps\n");
    assert_import(
        GENAI_PRICE("{\"input_mtok\":{\"base\":1,\"tiers\":[{\"start\":0,\"price\":2}]}}"), NOTHING,
        "p/m: left out: no tier can be read from 'input_mtok'\n");
}

static void genai_prices_in_time(void **state)
{
    (void)state;
    assert_import(
        GENAI_PRICE(
            "[{\"prices\":{\"input_mtok\":1}},{\"constraint\":{\"start_date\":"
            "\"2026-07-30\"},\"prices\":{\"input_mtok\":2}},{\"constraint\":{\"start_time\":"
            "\"16:30:00Z\",\"end_time\":\"00:30:00Z\"},\"prices\":{\"input_mtok\":3}}]"),
        OUT_PRICE("{\"input\":1,\"output\":1},{\"from\":\"2026-07-30\",\"input\":2,\"output\":2},"
                  "{\"daily\":\"16:30-00:30\",\"input\":3,\"output\":3}"),
        "");
    static const char *const constraints[] = {
        "{}",
        "{\"start_date\":\"2026-7-30\"}",
        "{\"start_date\":\"2026-07-30\",\"start_time\":\"00:00:00Z\"}",
        "{\"start_time\":\"00:30:00Z\"}",
        "{\"start_time\":\"00:30:00Z\",\"end_time\":\"16:30:01Z\"}",
        "{\"start_time\":\"00:30:00Z\",\"end_time\":\"16:30:00+01:00\"}",
        "{\"start_time\":\"00:30:00Z\",\"end_time\":\"00:30:00Z\"}",
        "{\"start_time\":\"25:30:00Z\",\"end_time\":\"00:30:00Z\"}"};
    for (size_t i = 0; i < sizeof constraints / sizeof constraints[0]; i++) {
        char text[600];
        snprintf(text, sizeof text,
                 GENAI_PRICE("[{\"prices\":{\"input_mtok\":1}},{\"constraint\":%s,\"prices\":{"
                             "\"input_mtok\":2}}]"),
                 constraints[i]);
        assert_import(text, NOTHING, "p/m: left out: a price whose time is not understood\n");
    }
    assert_import(GENAI_PRICE("[{\"constraint\":{\"start_date\":\"2026-07-30\"},\"prices\":{"
                              "\"input_mtok\":2}}]"),
                  NOTHING, "p/m: left out: it has no price that always holds\n");
    assert_import(GENAI_PRICE("[]"), NOTHING, "p/m: left out: it has no price that always holds\n");
}

static void what_cannot_be_charged_is_left_out(void **state)
{
    (void)state;
    assert_import(GENAI_PRICE("{}"), NOTHING, "p/m: left out: it has no prices\n");
    assert_import(GENAI_PRICE("{\"output_mtok\":1}"), NOTHING,
                  "p/m: left out: no price for input tokens\n");
    assert_import(GENAI_PRICE("{\"input_mtok\":0,\"output_mtok\":0}"), NOTHING,
                  "p/m: left out: every price is 0, which may mean that it is not known\n");
    assert_import(GENAI_PRICE("{\"input_mtok\":1000001}"), NOTHING,
                  "p/m: left out: a price that is no price, over a dollar a token\n");
    assert_import(GENAI_PRICE("{\"input_mtok\":1,\"requests_kcount\":1000001}"), NOTHING,
                  "p/m: left out: a price that is no price, over a dollar a token\n");
    static const char *const numbers[] = {"-1",   "\"1\"", "null",
                                          "1e30", "1e999", "{\"base\":true}"};
    for (size_t i = 0; i < 4; i++) {
        char text[300];
        snprintf(text, sizeof text, GENAI_PRICE("{\"input_mtok\":%s}"), numbers[i]);
        assert_import(text, NOTHING, "p/m: left out: no price can be read from 'input_mtok'\n");
    }
    assert_import(GENAI_PRICE("{\"input_mtok\":1,\"web_searches_kcount\":\"x\"}"), NOTHING,
                  "p/m: left out: no price can be read from 'web_searches_kcount'\n");
    assert_import(GENAI_PRICE("{\"input_mtok\":1,\"audio_hours\":1}"), NOTHING,
                  "p/m: left out: it is billed by 'audio_hours'\n");
    /* kinds that usage does not tell apart: charged as what holds them, if that is no less */
    assert_import(GENAI_PRICE("{\"input_video_mtok\":2,\"input_mtok\":1}"), NOTHING,
                  "p/m: left out: tokens that are not told apart cost more, 'input_video_mtok'\n");
    assert_import(GENAI_PRICE("{\"input_mtok\":1,\"cache_read_mtok\":0.1,"
                              "\"cache_image_read_mtok\":0.2}"),
                  NOTHING,
                  "p/m: left out: tokens that are not told apart cost more, "
                  "'cache_image_read_mtok'\n");
    assert_import(GENAI_PRICE("{\"input_mtok\":1,\"output_video_mtok\":true}"), NOTHING,
                  "p/m: left out: no price can be read from 'output_video_mtok'\n");
    assert_import(GENAI_PRICE("{\"input_mtok\":1,\"output_mtok\":8,\"output_citation_mtok\":2,"
                              "\"storage_searches_kcount\":2.5}"),
                  OUT_PRICE("{\"input\":1,\"output\":8}"),
                  "p/m: 'output_citation_mtok' is charged as the tokens that hold it\n"
                  "p/m: 'storage_searches_kcount' is not charged by this version\n");
    assert_import(GENAI("{\"match\":{\"equals\":\"m\"},\"prices\":{\"input_mtok\":1}}"), NOTHING,
                  "p/: left out: a model without an id\n");
    assert_import(
        GENAI("{\"id\":\"m\",\"match\":{\"equals\":\"m\"},\"prices\":{\"input_mtok\":1}},"
              "{\"id\":\"m\",\"match\":{\"equals\":\"n\"},\"prices\":{\"input_mtok\":2}}"),
        OUT_PRICE("{\"input\":1,\"output\":1}"), "p/m: left out: the second of that name\n");
}

static void assert_match(const char *match, const char *expected)
{
    char text[1000];
    char out[1000];
    snprintf(text, sizeof text, GENAI("{\"id\":\"m\",\"match\":%s,\"prices\":{\"input_mtok\":1}}"),
             match);
    snprintf(out, sizeof out,
             OUT_GENAI("\n{\"id\":\"m\",\"match\":%s,\"prices\":[{\"input\":1,\"output\":1}]}"),
             expected != NULL ? expected : "");
    assert_import(text, expected != NULL ? out : NOTHING,
                  expected != NULL ? "" : "p/m: left out: 'match' is not understood\n");
}

static void clauses_are_taken_over(void **state)
{
    (void)state;
    assert_match("{\"starts_with\":\"GPT\"}", "{\"starts_with\":\"gpt\"}");
    assert_match(
        "{\"or\":[{\"ends_with\":\"a\"},{\"and\":[{\"contains\":\"b\"},{\"equals\":\"c\"}]}]}",
        "{\"or\":[{\"ends_with\":\"a\"},{\"and\":[{\"contains\":\"b\"},{\"equals\":\"c\"}]}]}");
    assert_match("{\"regex\":\"^gpt-5\\\\.6-\\\\d{4}-\\\\d{2}$\"}",
                 "{\"like\":\"gpt-5.6-####-##\"}");
    assert_match("{\"regex\":\"^a\\\\d\"}", "{\"like\":\"a#*\"}");
    assert_match("{\"regex\":\"a|b$\"}", "{\"or\":[{\"like\":\"*a*\"},{\"like\":\"*b\"}]}");
    assert_match("{\"regex\":\"^(?:mi|co)s(x)?$\"}",
                 "{\"or\":[{\"like\":\"misx\"},{\"like\":\"mis\"},{\"like\":\"cosx\"},{\"like\":"
                 "\"cos\"}]}");
    assert_match("{\"regex\":\"^o[134]$\"}",
                 "{\"or\":[{\"like\":\"o1\"},{\"like\":\"o3\"},{\"like\":\"o4\"}]}");
    assert_match("{\"regex\":\"^(?!.*-[tT][tT][sS](?:$|-))\"}",
                 "{\"not\":{\"or\":[{\"like\":\"*-tts\"},{\"like\":\"*-tts-*\"}]}}");
    assert_match("{\"regex\":\"^[a-z]+\\\\d+x$\"}", "{\"like\":\"**x\"}");
    static const char *const odd[] = {
        "3",
        "{}",
        "{\"equals\":\"\"}",
        "{\"or\":[]}",
        "{\"or\":[{\"like\":\"a\"}]}",
        "{\"and\":3}",
        "{\"regex\":\"(?=a)\"}",
        "{\"regex\":\"^(?!.*(a)\"}",
        "{\"regex\":\"^(?!(?=a))\"}",
        "{\"regex\":\"[a\"}",
        "{\"regex\":\"a[]b\"}",
        "{\"regex\":\"[a-c]\"}",
        "{\"regex\":\"a.b\"}",
        "{\"regex\":\"a+\"}",
        "{\"regex\":\"(a\"}",
        "{\"regex\":\"a)\"}",
        "{\"regex\":\"a{0}\"}",
        "{\"regex\":\"a{99}\"}",
        "{\"regex\":\"a{2\"}",
        "{\"regex\":\"\\\\w+\"}",
        "{\"regex\":\"a\\\\\"}",
        "{\"regex\":\"a\\\\*\"}",
        "{\"regex\":\"a#\"}",
        "{\"regex\":\"\u00e9?\"}",
        "{\"regex\":\"a$b\"}",
        "{\"regex\":\"^$\"}",
        "{\"regex\":\"((((((((((a))))))))))\"}",
        "{\"regex\":\"(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)\"}",
        ("{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":[{\"or\":[{"
         "\"equals\":\"a\"}]}]}]}]}]}]}]}]}]}")};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_match(odd[i], NULL);
}

static void genai_providers_are_taken_over(void **state)
{
    (void)state;
    assert_import(
        "[{\"id\":\"azure\",\"api_pattern\":\"(https?://)?(?:[^.]*\\\\.)?azure\\\\.com(/|$)\","
        "\"fallback_model_providers\":[\"openai\",3],\"models\":["
        "{\"id\":\"m\",\"match\":{\"equals\":\"M\"},\"context_window\":9,\"prices\":{\"input_mtok\":1}}]},"
        "{\"api_pattern\":\"x\",\"models\":[]},{\"id\":\"azure\",\"models\":[]},"
        "{\"id\":\"odd\",\"api_pattern\":\"https://(?=x)\",\"models\":[]}]",
        HEAD
        "\"genai-prices (MIT)\",\"providers\":[\n{\"id\":\"azure\",\"urls\":["
        "\"https://*.azure.com/*\",\"https://*.azure.com\",\"https://azure.com/*\",\"https://azure.com\","
        "\"http://*.azure.com/*\",\"http://*.azure.com\",\"http://azure.com/*\",\"http://azure.com\"],"
        "\"names\":[\"azure_ai\"],\"also\":[\"openai\"],\"models\":[\n"
        "{\"id\":\"m\",\"context_window\":9,\"prices\":[{\"input\":1,\"output\":1}]}]},\n"
        "{\"id\":\"odd\",\"models\":[]}]}\n",
        "/: left out: a provider without an id of its own\n"
        "azure/: left out: a provider without an id of its own\n"
        "odd/: 'api_pattern' is not understood: known by its name alone\n");
}

/* ---- LiteLLM ---- */

#define OUT_LITELLM(MODELS)                                                                 \
    HEAD "\"LiteLLM (MIT)\",\"providers\":[\n{\"id\":\"openai\",\"urls\":[\"https://api.op" \
         "enai.com*\"],\"names\":[\"text-completion-openai\"],\"models\":[" MODELS "]}"
#define LITELLM(REST)                                                                                 \
    "{\"sample_spec\":{\"litellm_provider\":\"one of\"},\"m\":{\"litellm_provider\":\"openai\"," REST \
    "}}"

static void litellm_becomes_ours(void **state)
{
    (void)state;
    assert_import(
        LITELLM("\"mode\":\"chat\",\"max_input_tokens\":128000,\"max_output_tokens\":16384,"
                "\"input_cost_per_token\":2.5e-06,\"output_cost_per_token\":1e-05,"
                "\"cache_read_input_token_cost\":1.25e-06,\"cache_creation_input_token_cost\":3e-6,"
                "\"cache_creation_input_token_cost_above_1hr\":5e-6,"
                "\"input_cost_per_audio_token\":4e-5,\"output_cost_per_audio_token\":8e-5,"
                "\"output_cost_per_reasoning_token\":9e-06,"
                "\"input_cost_per_token_above_200k_tokens\":5e-06,"
                "\"cache_creation_input_token_cost_above_1hr_above_200k_tokens\":1e-05,"
                "\"input_cost_per_token_flex\":1.25e-06,\"output_cost_per_token_flex\":5.5e-06,"
                "\"input_cost_per_token_priority\":4.25e-06,"
                "\"output_cost_per_token_batches\":5e-06,"
                "\"input_cost_per_token_above_200k_tokens_priority\":1e-05,"
                "\"search_context_cost_per_query\":{\"low\":0.03,\"high\":0.05,\"odd\":\"x\"}"),
        OUT_LITELLM("\n{\"id\":\"m\",\"context_window\":128000,\"max_output_tokens\":16384,"
                    "\"prices\":[{\"input\":2.5,\"cached_input\":1.25,\"cache_write\":3,"
                    "\"cache_write_1h\":5,\"audio_input\":40,\"output\":10,\"reasoning\":9,"
                    "\"audio_output\":80,\"tiers\":[{\"above\":200000,\"input\":5,\"cached_input\":"
                    "1.25,\"cache_write\":3,\"cache_write_1h\":10,\"audio_input\":40,\"output\":10,"
                    "\"reasoning\":9,\"audio_output\":80}],\"service_tiers\":{\"flex\":0.55,"
                    "\"priority\":1.7,\"batch\":0.5},\"web_search\":0.05}]}") "]}\n",
        "");
    assert_import(LITELLM("\"input_cost_per_pixel\":1e-08"), NOTHING,
                  "openai/m: 'input_cost_per_pixel' is not charged by this version\n"
                  "openai/m: left out: no price for input tokens\n");
    assert_import(
        LITELLM("\"input_cost_per_token\":1e-6,\"output_cost_per_token\":\"x\","
                "\"input_cost_per_token_above_xk_tokens\":1,\"cost_note\":null"),
        OUT_LITELLM("\n{\"id\":\"m\",\"prices\":[{\"input\":1,\"output\":1}]}") "]}\n",
        "openai/m: 'output_cost_per_token' is no number\n"
        "openai/m: 'input_cost_per_token_above_xk_tokens' is not charged by this version\n");
}

static void litellm_names_become_ours(void **state)
{
    (void)state;
#define COSTS "\"input_cost_per_token\":1e-06,\"output_cost_per_token\":2e-06"
    assert_import(
        "{\"a\":{\"litellm_provider\":\"openai\"," COSTS "},"
        "\"new/b\":{\"litellm_provider\":\"new\"," COSTS "},"
        "\"openai/a\":{\"litellm_provider\":\"openai\"," COSTS "},"
        "\"x/c\":{\"litellm_provider\":\"openai\"," COSTS "},"
        "\"gemini/g\":{\"litellm_provider\":\"gemini\"," COSTS "},"
        "\"vertex_ai/h\":{\"litellm_provider\":\"vertex_ai\"," COSTS "},"
        "\"nobody\":{" COSTS "}}",
        OUT_LITELLM(
            "\n{\"id\":\"a\",\"prices\":[{\"input\":1,\"output\":2}]},"
            "\n{\"id\":\"x/c\",\"prices\":[{\"input\":1,\"output\":2}]}") ",\n"
                                                                          "{\"id\":\"new\",\"models\":[\n{\"id\":\"b\",\"prices\":[{\"input\":1,\"output\":2}]}]},\n"
                                                                          "{\"id\":\"google\",\"urls\":[\"https://*googleapis.com*\"],\"names\":[\"gemini\",\"vertex_ai\","
                                                                          "\"google-vertex\"],\"models\":[\n{\"id\":\"g\",\"prices\":[{\"input\":1,\"output\":2}]},\n"
                                                                          "{\"id\":\"h\",\"prices\":[{\"input\":1,\"output\":2}]}]}]}\n",
        "openai/a: left out: the second of that name\n"
        "/nobody: left out: it has no provider\n");
}

/* ---- models.dev ---- */

#define MODELS_DEV(MODELS) "{\"xai\":{\"api\":\"https://API.x.ai/v1\",\"models\":{" MODELS "}}}"
#define OUT_MODELS_DEV(MODELS)                                                                \
    HEAD "\"models.dev (MIT)\",\"providers\":[\n{\"id\":\"x-ai\",\"urls\":[\"https://api.x.a" \
         "i/v1*\"],\"names\":[\"xai\",\"grok\"],\"models\":[" MODELS "]}"

static void models_dev_becomes_ours(void **state)
{
    (void)state;
    assert_import(
        MODELS_DEV(
            "\"a\":{\"cost\":{\"input\":3,\"output\":15,\"cache_read\":0.3,\"cache_write\":3.75,"
            "\"reasoning\":14,\"input_audio\":4,\"output_audio\":5,\"context_over_200k\":{"
            "\"input\":6,\"output\":22.5,\"cache_read\":0.6}},\"limit\":{\"context\":200000,"
            "\"output\":64000}},"
            "\"b\":{\"cost\":{\"input\":5,\"output\":30,\"tiers\":[{\"input\":10,\"output\":45,"
            "\"tier\":{\"type\":\"context\",\"size\":272000}}],\"context_over_200k\":{"
            "\"input\":10}}},\"c\":{}"),
        OUT_MODELS_DEV(
            "\n{\"id\":\"a\",\"context_window\":200000,\"max_output_tokens\":64000,\"prices\":[{"
            "\"input\":3,\"cached_input\":0.3,\"cache_write\":3.75,\"audio_input\":4,\"output\":15,"
            "\"reasoning\":14,\"audio_output\":5,\"tiers\":[{\"above\":200000,\"input\":6,"
            "\"cached_input\":0.6,\"cache_write\":3.75,\"audio_input\":4,\"output\":22.5,"
            "\"reasoning\":14,\"audio_output\":5}]}]},"
            "\n{\"id\":\"b\",\"prices\":[{\"input\":5,\"output\":30,\"tiers\":[{\"above\":272000,"
            "\"input\":10,\"output\":45}]}]}") "]}\n",
        "x-ai/c: left out: it has no prices\n");
    assert_import(
        MODELS_DEV("\"a\":{\"cost\":{\"input\":\"x\"}},\"b\":{\"cost\":{\"input\":1,\"tiers\":3}},"
                   "\"c\":{\"cost\":{\"input\":1,\"tiers\":[{\"input\":2}]}},"
                   "\"d\":{\"cost\":{\"input\":1,\"tiers\":[{\"input\":-2,\"tier\":{\"type\":"
                   "\"context\",\"size\":5}}]}},\"e\":{\"cost\":{\"input\":0,\"output\":0}}"),
        NOTHING,
        "x-ai/a: left out: no price can be read from 'input'\n"
        "x-ai/b: left out: no array is 'tiers'\n"
        "x-ai/c: left out: not understood is 'tiers'\n"
        "x-ai/d: left out: no price can be read from 'input'\n"
        "x-ai/e: left out: every price is 0, which may mean that it is not known\n");
    assert_import(MODELS_DEV("\"a\x7f\":{\"cost\":{\"input\":1}}"), NOTHING,
                  "x-ai/a\x7f: left out: its name is no text\n");
    /* two of theirs that are one of ours; a URL with our digit sign */
    assert_import(
        "{\"google\":{\"models\":{}},\"google-vertex\":{\"api\":\"https://#\",\"models\":{"
        "\"m\":{\"cost\":{\"input\":1,\"output\":1}}}},\"GOOGLE\":{\"models\":{}}}",
        HEAD "\"models.dev (MIT)\",\"providers\":[\n{\"id\":\"google\",\"urls\":["
             "\"https://*googleapis.com*\"],\"names\":[\"gemini\",\"vertex_ai\",\"google-vertex\"],"
             "\"models\":[]},\n{\"id\":\"google-vertex\",\"models\":[\n"
             "{\"id\":\"m\",\"prices\":[{\"input\":1,\"output\":1}]}]}]}\n",
        "GOOGLE/: left out: a provider without an id of its own\n");
}

int test_price_import(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(genai_prices_become_ours),
        cmocka_unit_test(genai_tiers_become_steps),
        cmocka_unit_test(genai_prices_in_time),
        cmocka_unit_test(what_cannot_be_charged_is_left_out),
        cmocka_unit_test(clauses_are_taken_over),
        cmocka_unit_test(genai_providers_are_taken_over),
        cmocka_unit_test(litellm_becomes_ours),
        cmocka_unit_test(litellm_names_become_ours),
        cmocka_unit_test(models_dev_becomes_ours),
    };
    return cmocka_run_group_tests_name("llm/price_import", tests, NULL, NULL);
}
