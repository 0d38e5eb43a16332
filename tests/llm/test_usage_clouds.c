/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Usage of Bedrock's and Gemini's answers and streams. */
#include "usage_support.h"

/* ---- Bedrock ---- */

static void bedrock(void **state)
{
    (void)state;
    /* recorded: 2 + 1322 + 5 = 1329 */
    GOOD(BEDROCK, U(.input = 1324, .cached_input = 1322, .output = 5),
         "{\"usage\":{\"cacheReadInputTokenCount\":1322,\"cacheReadInputTokens\":1322,"
         "\"cacheWriteInputTokens\":0,\"inputTokens\":2,\"outputTokens\":5,"
         "\"serverToolUsage\":{},\"totalTokens\":1329}}");
    GOOD(
        BEDROCK,
        U(.input = 12, .cache_write = 10, .cache_write_1h = 6, .output = 5,
          .service_tier = SERVICE_TIER_FLEX),
        "{\"messageStop\":{}}",
        "{\"usage\":{\"inputTokens\":2,\"outputTokens\":5,\"cacheWriteInputTokens\":10,"
        "\"cacheDetails\":[{\"ttl\":\"5m\",\"inputTokens\":4},{\"ttl\":\"1h\",\"inputTokens\":6}]},"
        "\"serviceTier\":{\"type\":\"flex\"},\"metrics\":{\"latencyMs\":3},\"p\":\"abcd\"}");
    GOOD(BEDROCK, U(.input = 3, .output = 5, .service_tier = SERVICE_TIER_OTHER),
         "{\"usage\":{\"inputTokens\":3,\"outputTokens\":5,\"cacheDetails\":null},"
         "\"serviceTier\":{\"type\":\"reserved\"}}");
    NONE(BEDROCK, ABSENT, "{\"message\":\"m\"}", "{\"inputTokens\":11}");
    static const char *const impossible[] = {
        "{\"usage\":{\"outputTokens\":5}}",
        "{\"usage\":{\"inputTokens\":3,\"outputTokens\":5,\"totalTokens\":4}}",
        "{\"usage\":{\"inputTokens\":3,\"outputTokens\":5,\"cacheReadInputTokens\":-1}}",
        "{\"usage\":{\"inputTokens\":3,\"outputTokens\":5,\"cacheDetails\":{}}}",
        "{\"usage\":{\"inputTokens\":3,\"outputTokens\":5,\"cacheDetails\":[7]}}",
        ("{\"usage\":{\"inputTokens\":3,\"outputTokens\":5,\"cacheDetails\":[{\"ttl\":\"1h\","
         "\"inputTokens\":6}]}}"),
        ("{\"usage\":{\"inputTokens\":3,\"outputTokens\":5,\"cacheDetails\":[{\"ttl\":\"1h\","
         "\"inputTokens\":-6}]}}"),
        ("{\"usage\":{\"inputTokens\":3,\"cacheDetails\":[{\"inputTokens\":9007199254740992},"
         "{\"inputTokens\":1}]}}"),
    };
    for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
        NONE(BEDROCK, IMPOSSIBLE, impossible[i]);
}

/* ---- Gemini ---- */

static void gemini_counts_beside(void **state)
{
    (void)state;
    /* recorded: 17 + 119 + 201 + 213 = 550 */
    GOOD(GEMINI, U(.input = 136, .output = 414, .reasoning = 213),
         FINISH("{\"promptTokenCount\":17,\"toolUsePromptTokenCount\":119,"
                "\"candidatesTokenCount\":201,\"thoughtsTokenCount\":213,"
                "\"totalTokenCount\":550}"));
    GOOD(GEMINI,
         U(.input = 1030, .cached_input = 800, .audio_input = 500, .cached_audio = 400,
           .image_input = 60, .output = 40, .audio_output = 10, .image_output = 20,
           .service_tier = SERVICE_TIER_FLEX),
         FINISH("{\"promptTokenCount\":1000,\"cachedContentTokenCount\":800,"
                "\"toolUsePromptTokenCount\":30,\"candidatesTokenCount\":40,"
                "\"promptTokensDetails\":[{\"modality\":\"AUDIO\",\"tokenCount\":500},"
                "{\"modality\":\"IMAGE\",\"tokenCount\":250},{\"modality\":\"VIDEO\","
                "\"tokenCount\":100},{\"modality\":\"TEXT\",\"tokenCount\":150}],"
                "\"toolUsePromptTokensDetails\":[{\"modality\":\"IMAGE\",\"tokenCount\":10}],"
                "\"cacheTokensDetails\":[{\"modality\":\"AUDIO\",\"tokenCount\":400},"
                "{\"modality\":\"IMAGE\",\"tokenCount\":200},{\"modality\":\"TEXT\","
                "\"tokenCount\":200}],\"candidatesTokensDetails\":[{\"modality\":\"AUDIO\","
                "\"tokenCount\":10},{\"modality\":\"IMAGE\",\"tokenCount\":20}],"
                "\"trafficType\":\"ON_DEMAND_FLEX\",\"serviceTier\":\"standard\"}"));
    /* a prompt's list that leaves the cached tokens out */
    GOOD(GEMINI, U(.input = 9, .cached_input = 8, .audio_input = 5, .cached_audio = 5, .output = 1),
         FINISH("{\"promptTokenCount\":9,\"cachedContentTokenCount\":8,\"candidatesTokenCount\":1,"
                "\"promptTokensDetails\":null,\"cacheTokensDetails\":["
                "{\"modality\":\"AUDIO\",\"tokenCount\":5},{\"modality\":\"IMAGE\","
                "\"tokenCount\":3}]}"));
    GOOD(GEMINI, U(.input = 5, .output = 1, .service_tier = SERVICE_TIER_OTHER),
         FINISH("{\"promptTokenCount\":5,\"candidatesTokenCount\":1,"
                "\"trafficType\":\"PROVISIONED_THROUGHPUT\"}"));
}

static void gemini_streams(void **state)
{
    (void)state;
    const char *first = CHUNK("{\"promptTokenCount\":169,\"totalTokenCount\":169}");
    PARTIAL(GEMINI, U(.input = 169), first);
    /* recorded: the prompt shrinks */
    GOOD(GEMINI, U(.input = 79, .output = 12), first,
         FINISH("{\"promptTokenCount\":79,\"candidatesTokenCount\":12,\"totalTokenCount\":91}"));
    GOOD(GEMINI, U(.input = 169), first, "{\"candidates\":[{\"finishReason\":\"SAFETY\"}]}");
    PARTIAL(GEMINI, U(.input = 169), first, "{\"candidates\":[{\"finishReason\":\"\"}]}");
    /* a prompt that was blocked */
    GOOD(GEMINI, U(.input = 4),
         "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":"
         "{\"promptTokenCount\":4,\"totalTokenCount\":4}}");
    /* without alt=sse: one array */
    GOOD(GEMINI, U(.input = 79, .output = 12),
         "[" CHUNK("{\"promptTokenCount\":169}") ",\r\n7," FINISH(
             "{\"promptTokenCount\":79,\"candidatesTokenCount\":12}") "]");
    NONE(OPENAI, ABSENT, "[{\"usage\":{\"prompt_tokens\":1}}]");
    NONE(GEMINI, ABSENT, "{\"error\":{\"code\":404}}");
}

static void gemini_impossible(void **state)
{
    (void)state;
    static const char *const reports[] = {
        FINISH("{\"candidatesTokenCount\":1}"),
        FINISH("{\"promptTokenCount\":5,\"candidatesTokenCount\":1,\"totalTokenCount\":4}"),
        FINISH("{\"promptTokenCount\":5,\"cachedContentTokenCount\":6}"),
        FINISH("{\"promptTokenCount\":5,\"promptTokensDetails\":{}}"),
        FINISH("{\"promptTokenCount\":5,\"promptTokensDetails\":[5]}"),
        FINISH("{\"promptTokenCount\":5,\"promptTokensDetails\":[{\"modality\":\"AUDIO\","
               "\"tokenCount\":-1}]}"),
        FINISH("{\"promptTokenCount\":5,\"promptTokensDetails\":[{\"modality\":\"AUDIO\","
               "\"tokenCount\":6}]}"),
        FINISH("{\"promptTokenCount\":5,\"promptTokensDetails\":[{\"modality\":\"IMAGE\","
               "\"tokenCount\":9007199254740992},{\"modality\":\"IMAGE\",\"tokenCount\":1}]}"),
        FINISH("{\"promptTokenCount\":5,\"promptTokensDetails\":[{\"modality\":\"AUDIO\","
               "\"tokenCount\":9007199254740992},{\"modality\":\"AUDIO\",\"tokenCount\":1}]}"),
        FINISH("{\"promptTokenCount\":5,\"cachedContentTokenCount\":3,\"cacheTokensDetails\":["
               "{\"modality\":\"AUDIO\",\"tokenCount\":4}]}"),
        FINISH("{\"promptTokenCount\":5,\"candidatesTokenCount\":2,\"candidatesTokensDetails\":["
               "{\"modality\":\"IMAGE\",\"tokenCount\":3}]}"),
    };
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
        NONE(GEMINI, IMPOSSIBLE, reports[i]);
}

int test_usage_clouds(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bedrock),
        TEST(gemini_counts_beside),
        TEST(gemini_streams),
        TEST(gemini_impossible),
    };
    return cmocka_run_group_tests_name("llm/usage_clouds", tests, NULL, NULL);
}
