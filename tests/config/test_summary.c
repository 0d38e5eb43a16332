/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What `weir check` tells of a good file, and the warnings that a snapshot carries. */
#include "fixture.h"

int test_summary(void);

/* The caller frees it. */
static char *summary(struct snapshot *snapshot)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_summary(snapshot, out);
    fclose(out);
    return text;
}

static void a_whole_summary(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state,
        "admin: {token: \"${WEIR_TEST_NOT_SET:-operators}\"}\n"
        "providers: {up: {kind: openai, base_url: https://llm.example/v1,\n"
        "                 api_key: \"${WEIR_TEST_NOT_SET:-k}\"}, sim: {kind: simulated}}\n"
        "models:\n"
        "  m: {targets: [{provider: up, model: x}, {provider: sim, model: z, weight: 3}],\n"
        "      fallback: n, price: {input: 2.5, cached_input: 1.25, output: 10, per_request: 0.01}}\n"
        "  n: {targets: [{provider: sim, model: y}], max_output_tokens: 100,\n"
        "      retries: {attempts: 1}}\n"
        "tenants:\n"
        "  acme:\n"
        "    limits: {requests_per_minute: 60, concurrent: 5}\n"
        "    budgets: [{name: month, window: month, usd: 20k, status: 429},\n"
        "              {name: ever, window: total, usd: 3, uncertain: release, max_hold: 100%}]\n"
        "    models: [m]\n"
        "    keys:\n"
        "      - {id: k1, sha256: " DIGEST_A ", expires: 2027-01-01, limits: {concurrent: 2}}\n"
        "      - {id: k2, sha256: " DIGEST_B ", budgets: [{name: day, window: day, usd: 0.5}]}\n"
        "  zoo: {limits: {concurrent: 1}}\n");
    char *text = summary(s);
    assert_string_equal(
        text,
        "2 providers, 2 models, 2 tenants, 2 keys\n"
        "\n"
        "listen: 127.0.0.1:8080\n"
        "admin: 127.0.0.1:9090\n"
        "ledger: ./state, durability default, receipts for 400 days\n"
        "\n"
        "providers\n"
        "  up: openai, https://llm.example/v1\n"
        "  sim: simulated, inside this program\n"
        "\n"
        "models\n"
        "  m: up, x (weight 1) or sim, z (weight 3); 2 tries, then n; output at most 4096 tokens; USD per million tokens: input 2.50, cached input "
        "1.25, cache write 2.50, output 10.00; USD per request: 0.01\n"
        "  n: sim, y; 1 try; output at most 100 tokens; no price\n"
        "\n"
        "tenants\n"
        "  acme: m; 60 requests a minute; 5 at once\n"
        "    budget month: 20000.00 USD a month; one request holds at most 2000.00; 429 when spent\n"
        "    budget ever: 3.00 USD in all; one request holds at most 3.00; 402 when spent; releases "
        "what is uncertain\n"
        "    key k1; expires 2027-01-01; 2 at once\n"
        "    key k2\n"
        "      budget day: 0.50 USD a day; one request holds at most 0.05; 402 when spent\n"
        "  zoo: all models; 1 at once\n"
        "\n"
        "what budgets hold\n"
        "  Budgets live in memory in this version: their windows begin anew at a restart, after a "
        "crash and after power loss.\n"
        "  Receipts of what was spent outlive all three, in the ledger: see `weir spend`.\n"
        "  Each gateway counts for itself: N of them may spend N times a limit.\n"
        "  A provider that bills more than the limit it was sent is recorded in full.\n"
        "\n"
        "overshoot bound, by budget\n"
        "  tenant acme, month: 0.00 USD while this process lives; up to 20000.00 more after each "
        "restart\n"
        "  tenant acme, ever: not bounded (uncertain: release) while this process lives; up to 3.00 "
        "more after each restart\n"
        "  key k2, day: 0.00 USD while this process lives; up to 0.50 more after each restart\n"
        "\n"
        "unsafe for production\n"
        "  warning: budgets do not outlive a restart\n"
        "  warning: provider 'sim' is simulated: its answers mean nothing\n");
    free(text);
    snapshot_unref(&s);
}

static void nothing_to_serve_is_summed_up_too(void **state)
{
    struct snapshot *s = fixture_load_good(
        *state,
        "admin: off\nlisten: [127.0.0.1:1, '[::1]:2']\nproviders: {}\nmodels: {}\ntenants: {a/b: {}}\n");
    char *text = summary(s);
    assert_ptr_equal(strstr(text, "0 providers, 0 models, 2 tenants, 0 keys\n\n"
                                  "listen: 127.0.0.1:1 [::1]:2\nadmin: off\n"),
                     text);
    assert_non_null(strstr(text, "\n  a: all models\n  a/b: all models\n"));
    free(text);
    snapshot_unref(&s);
}

/* Compares the warnings but the one about a generated token, which most files have. */
static void assert_warnings(struct fixture *fixture, const char *yaml, const char *expected)
{
    struct snapshot *s = fixture_load_good(fixture, yaml);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; i < s->warning_count; i++)
        if (strstr(s->warnings[i], "generated") == NULL)
            fprintf(out, "%s\n", s->warnings[i]);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    snapshot_unref(&s);
}

#define NO_KEY "there is no key: every request is refused (401)\n"
#define ONE_KEY                                                                                 \
    "tenants: {t: {budgets: [{name: b, window: day, usd: 1}], keys: [{id: k, sha256: " DIGEST_A \
    "}]}}\n"
#define UNPRICED "models: {m: {targets: [{provider: p, model: x}]}}\n"

static void what_is_unsafe_is_told(void **state)
{
    static const char *const table[][2] = {
        {REST, NO_KEY},
        {PROVIDERS MODELS ONE_KEY, ""},
        {"listen: 0.0.0.0:80\n" PROVIDERS MODELS ONE_KEY,
         "clients off this machine are served without TLS: their keys and prompts cross the network "
         "in clear\n"},
        {"listen: [127.0.0.1:80, '[::]:80']\n" PROVIDERS MODELS ONE_KEY,
         "clients off this machine are served without TLS: their keys and prompts cross the network "
         "in clear\n"},
        {"listen: [127.9.9.9:80, '[::1]:80', 'localhost:81']\n" PROVIDERS MODELS ONE_KEY, ""},
        {"admin: {listen: 10.0.0.1:9090, token: secret}\n" PROVIDERS MODELS ONE_KEY,
         "the admin listener 10.0.0.1:9090 is off loopback and has no TLS: its token crosses the "
         "network in clear\n"
         "the admin token is written in the file: use ${NAME} or file:PATH\n"},
        {"providers: {p: {kind: openai, base_url: http://10.0.0.1/v1}}\n" MODELS ONE_KEY,
         "provider 'p' is reached over plain http: prompts cross the network in clear\n"},
        {"providers: {p: {kind: openai, base_url: http://localhost, api_key: \"${NO_SUCH:-k}\"}}\n" MODELS
             ONE_KEY,
         ""},
        {"providers: {p: {kind: openai, base_url: 'http://[::1]:80/'}}\n" MODELS ONE_KEY, ""},
        {"providers: {p: {kind: openai, base_url: http://llm, api_key: \"${NO_SUCH:-k}\"}}\n" MODELS
             ONE_KEY,
         "provider 'p' is reached over plain http: prompts and your API key cross the network in "
         "clear\n"},
        {"providers: {p: {kind: openai}}\n" MODELS ONE_KEY,
         "provider 'p' is used without an api_key\n"},
        {"providers: {p: {kind: openai, api_key: sk-1}}\n" MODELS ONE_KEY,
         "the api_key of provider 'p' is written in the file: use ${NAME} or file:PATH\n"},
        {"providers: {p: {kind: simulated}}\n" MODELS ONE_KEY,
         "provider 'p' is simulated: its answers mean nothing\n"},
        {PROVIDERS MODELS
         "tenants: {t: {budgets: [{name: b, window: day, usd: 1}], keys: [{id: q, sha256: "
         "af52d2c665747823297d8486a2de8fff4dabb0df134c6c4b02df337022eaf3a1}]}}\n",
         "key 'q' is the quick start's, which everybody knows\n"},
        {PROVIDERS MODELS "tenants: {t: {keys: [{id: k, sha256: " DIGEST_A "}]}}\n",
         "no money budget lies over 1 of 1 keys: nothing holds their spend\n"},
        {PROVIDERS UNPRICED ONE_KEY,
         "model 'm' has no price: it is refused (400) to those under a money budget, 1 of 1 keys "
         "(the first: 'k', tenant 't')\n"},
        {PROVIDERS UNPRICED "tenants: {t: {keys: [{id: k, sha256: " DIGEST_A "}]}}\n",
         "no money budget lies over 1 of 1 keys: nothing holds their spend\n"
         "model 'm' has no price: its spend counts as 0 for those under no budget, 1 of 1 keys\n"},
        {PROVIDERS "models:\n  m: {targets: [{provider: p, model: x}]}\n"
                   "  n: {targets: [{provider: p, model: x}], price: {input: 0, output: 0}}\n"
                   "tenants: {t: {models: [n], budgets: [{name: b, window: day, usd: 1}],\n"
                   "  keys: [{id: k, sha256: " DIGEST_A "}]}}\n",
         ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_warnings(*state, table[i][0], table[i][1]);
}

static void a_generated_token_is_told(void **state)
{
    struct snapshot *s = fixture_load_good(*state, "state_dir: /var/lib/weir\n" REST);
    assert_string_equal(s->warnings[0], "the admin listener has no token of yours: one is "
                                        "generated into /var/lib/weir/admin.token");
    snapshot_unref(&s);
}

int test_summary(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_whole_summary),
        FIXTURE_TEST(nothing_to_serve_is_summed_up_too),
        FIXTURE_TEST(what_is_unsafe_is_told),
        FIXTURE_TEST(a_generated_token_is_told),
    };
    return cmocka_run_group_tests_name("config/summary", tests, NULL, NULL);
}
