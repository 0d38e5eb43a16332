/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Bad files, and exactly what is said about each. */
#include "fixture.h"

int test_load_bad(void);

struct bad {
    const char *yaml;
    const char *problems;
};

static void run(void **state, const struct bad *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_bad(*state, table[i].yaml, table[i].problems);
}
#define RUN(TABLE) run(state, TABLE, sizeof(TABLE) / sizeof((TABLE)[0]))

#define KEY_RULE "letters, digits or . _ - @ : +\n"
#define DURATION "must be a duration such as 250ms, 30s or 10m, from 1ms to 24h\n"
#define ADDRESS  "must be an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080"
#define MAPPING  "must be a mapping of names to values\n"

static void the_ledger_is_checked(void **state)
{
    const struct bad table[] = {
        {"ledger: strict\n" REST, "1:9: 'ledger' " MAPPING},
        {"ledger: {durability: strickt}\n" REST,
         "1:22: 'durability' cannot be 'strickt' (it can be: default, strict); did you mean "
         "'strict'?\n"},
        {"ledger: {retention: 23h}\n" REST,
         "1:21: 'retention' must be a duration such as 250ms, 30s or 10m, from 1d to 36500d\n"},
        {"ledger: {must_exist: maybe}\n" REST, "1:22: 'must_exist' must be true or false\n"},
        {"ledger: {retentoin: 30d}\n" REST,
         "1:10: unknown key 'retentoin' in 'ledger'; did you mean 'retention'?\n"},
    };
    RUN(table);
}

static void settings_are_checked(void **state)
{
    const struct bad table[] = {
        {"listen: 8080\n" REST, "1:9: 'listen' " ADDRESS ", or a list\n"},
        {"listen: weir.example:8080\n" REST, "1:9: 'listen' " ADDRESS ", or a list\n"},
        {"listen: [127.0.0.1:1, 127.0.0.1:65536, [x], 127.0.0.1:1]\n" REST,
         "1:23: 'listen' " ADDRESS ", or a list\n1:40: 'listen' " ADDRESS ", or a list\n"
         "1:45: 'listen' has the address 127.0.0.1:1 twice\n"},
        {"listen: []\n" REST, "1:9: 'listen' must not be empty\n"},
        {"listen: {address: x}\n" REST, "1:19: 'address' " ADDRESS "\n"},
        {"listen: {}\n" REST, "1:9: 'address' is missing in 'listen'\n"},
        {"admin: 127.0.0.1:9090\n" REST, "1:8: 'admin' " MAPPING},
        {"admin: {listen: x}\n" REST, "1:17: 'listen' " ADDRESS "\n"},
        {"admin: {listen: [x]}\n" REST, "1:17: 'listen' must be a single value\n"},
        {"admin: {listen: 127.0.0.1:8080}\n" REST,
         "1:17: 'admin' and the gateway listen on the same address, 127.0.0.1:8080\n"},
        {"admin: {hosts: x}\n" REST, "1:16: 'hosts' must be a list\n"},
        {"admin: {hosts: [a/b, '', [c], 'd e']}\n" REST,
         "1:17: 'hosts' must hold host names\n1:22: 'hosts' must hold host names\n"
         "1:26: 'hosts' must hold host names\n1:31: 'hosts' must hold host names\n"},
        {"admin: {listen: 0.0.0.0:9090}\n" REST,
         "1:17: 'admin' listens off loopback (0.0.0.0:9090) and so needs a 'token' of yours\n"},
        {"admin: {listen: 0.0.0.0:9090, token: \"${WEIR_TEST_NOT_SET:-}\"}\n" REST,
         "1:17: 'admin' listens off loopback (0.0.0.0:9090) and so needs a 'token' of yours\n"},
        {"admin: {token: a b}\n" REST,
         "1:16: 'token' holds spaces or other characters that a header cannot carry\n"},
        {"state_dir: ''\n" REST, "1:12: 'state_dir' must not be empty\n"},
        {"state_dir: \"a\\nb\"\n" REST, "1:12: 'state_dir' must not hold control characters\n"},
        {"workers: 257\n" REST, "1:10: 'workers' must be a whole number, from 0 to 256\n"},
        {"workers: -1\n" REST, "1:10: 'workers' must be a whole number, from 0 to 256\n"},
        {"workers: 010\n" REST, "1:10: 'workers' must be a whole number, from 0 to 256\n"},
        {"timeouts: 5s\n" REST, "1:11: 'timeouts' " MAPPING},
        {"timeouts: {idle: 5}\n" REST, "1:18: 'idle' " DURATION},
        {"timeouts: {idle: 0s}\n" REST, "1:18: 'idle' " DURATION},
        {"timeouts: {idle: 1.5s}\n" REST, "1:18: 'idle' " DURATION},
        {"timeouts: {idle: 25h}\n" REST, "1:18: 'idle' " DURATION},
        {"timeouts: {idle: 9223372036854775807d}\n" REST, "1:18: 'idle' " DURATION},
        {"timeouts: {idel: 5s}\n" REST,
         "1:12: unknown key 'idel' in 'timeouts'; did you mean 'idle'?\n"},
        {"drain: forever\n" REST, "1:8: 'drain' " DURATION},
        {"max_body: 1000\n" REST,
         "1:11: 'max_body' must be a size such as 64KiB or 32MiB, from 1KiB to 1GiB\n"},
        {"max_body: 2GiB\n" REST,
         "1:11: 'max_body' must be a size such as 64KiB or 32MiB, from 1KiB to 1GiB\n"},
        {"max_body: 1MB\n" REST,
         "1:11: 'max_body' must be a size such as 64KiB or 32MiB, from 1KiB to 1GiB\n"},
        {"memory: 1000k\n" REST,
         "1:9: 'memory' must be a size such as 64KiB or 32MiB, from 1MiB to 1024GiB\n"},
        {"max_connections: 0\n" REST,
         "1:18: 'max_connections' must be a whole number, from 1 to 1000000\n"},
        {"egress: {proxy: proxy:3128}\n" REST,
         "1:17: 'proxy' must be a URL such as http://proxy:3128\n"},
        {"egress: {proxy: 'http://u:secret@/'}\n" REST,
         "1:17: 'proxy' must be a URL such as http://proxy:3128\n"},
        {"egress: {ca_file: /no/such/file.pem}\n" REST,
         "1:19: 'ca_file' cannot be read: '/no/such/file.pem'\n"},
        {"log: {format: text}\n" REST, "1:15: 'format' cannot be 'text' (it can be: json)\n"},
        {"log: {content: fulll}\n" REST,
         "1:16: 'content' cannot be 'fulll' (it can be: off); did you mean 'full'?\n"},
        {"response_headers: won\n" REST,
         "1:19: 'response_headers' cannot be 'won' (it can be: own, off); did you mean 'own'?\n"},
        {"modles: {}\n" REST, "1:1: unknown key 'modles'; did you mean 'models'?\n"},
        {"zzzzzzzzzzzzz: {}\n" REST, "1:1: unknown key 'zzzzzzzzzzzzz'\n"},
        {"- a\n", "1:1: the file must be a mapping of names to values\n"},
        {"listen: 127.0.0.1:1\n", "1:1: 'models' is missing\n1:1: 'providers' is missing\n"
                                  "1:1: 'tenants' is missing\n"},
        {"providers:\nmodels: {}\ntenants: {}\n", "1:1: 'providers' is missing\n"},
    };
    RUN(table);
}

static void providers_are_checked(void **state)
{
    const struct bad table[] = {
        {"providers: [p]\n" MODELS TENANTS,
         "1:12: 'providers' must be a mapping of names to providers\n"},
        {"providers: {p: openai}\n" MODELS TENANTS, "1:16: provider 'p' " MAPPING},
        {"providers: {p: {}}\n" MODELS TENANTS, "1:16: 'kind' is missing in provider 'p'\n"},
        {"providers: {p: {kind: opnai}}\n" MODELS TENANTS,
         "1:23: 'kind' cannot be 'opnai' (it can be: openai, simulated); did you mean 'openai'?\n"},
        {"providers: {p: {kind: openai, base_url: ftp://x/}}\n" MODELS TENANTS,
         "1:41: 'base_url' must be an http or https URL without user, query or fragment, such as "
         "https://api.openai.com/v1\n"},
        {"providers: {p: {kind: openai, base_url: 'https://me:secret@x/'}}\n" MODELS TENANTS,
         "1:41: 'base_url' must be an http or https URL without user, query or fragment, such as "
         "https://api.openai.com/v1\n"},
        {"providers: {p: {kind: openai, http2: maybe}}\n" MODELS TENANTS,
         "1:38: 'http2' must be true or false\n"},
        {"providers: {p: {kind: openai, api_key: [sk]}}\n" MODELS TENANTS,
         "1:40: 'api_key' must be a single value\n"},
        {"providers: {p: {kind: openai, api_key: \"sk\\r\\nX: y\"}}\n" MODELS TENANTS,
         "1:40: 'api_key' holds spaces or other characters that a header cannot carry\n"},
        {"providers: {p: {kind: openai, max_tokens_field: tokens}}\n" MODELS TENANTS,
         "1:49: 'max_tokens_field' cannot be 'tokens' (it can be: max_completion_tokens, "
         "max_tokens)\n"},
        {"providers: {p: {kind: openai, on_client_gone: cancle}}\n" MODELS TENANTS,
         "1:47: 'on_client_gone' cannot be 'cancle' (it can be: cancel, drain); did you mean "
         "'cancel'?\n"},
        {"providers: {p: {kind: openai, 'a b': 1}}\n" MODELS TENANTS,
         "1:31: unknown key 'a b' in provider 'p'\n"},
        {"providers: {p: {kind: simulated, base_url: http://x, api_key: k, http2: true}}\n" MODELS
             TENANTS,
         "1:34: 'base_url' has no meaning with kind simulated\n"
         "1:54: 'api_key' has no meaning with kind simulated\n"
         "1:66: 'http2' has no meaning with kind simulated\n"},
        {"providers: {p: {kind: openai}, 'x y': {kind: openai}}\n" MODELS TENANTS,
         "1:32: a provider's name must be 1 to 95 " KEY_RULE},
    };
    RUN(table);
}

#define MODEL(TEXT) \
    PROVIDERS "models: {m: {targets: [{provider: p, model: x}], " TEXT "}}\n" TENANTS
#define PRICE(TEXT) MODEL("price: {" TEXT "}")
#define USD_MILLION "must be US dollars per million tokens, such as 2.50, at most 1000000\n"

static void models_are_checked(void **state)
{
    const struct bad table[] = {
        {PROVIDERS "models: [m]\ntenants: {t: {models: [x]}}\n",
         "2:9: 'models' must be a mapping of names to models\n"},
        {PROVIDERS "models: {m: x}\n" TENANTS, "2:13: model 'm' " MAPPING},
        {PROVIDERS "models: {m: {}}\n" TENANTS, "2:13: 'targets' is missing in model 'm'\n"},
        {PROVIDERS "models: {m: {targets: x}}\n" TENANTS, "2:23: 'targets' must be a list\n"},
        {PROVIDERS "models: {m: {targets: []}}\n" TENANTS, "2:23: 'targets' must not be empty\n"},
        {PROVIDERS "models: {m: {targets: [x]}}\n" TENANTS, "2:24: a target " MAPPING},
        {PROVIDERS "models: {m: {targets: [{model: x}]}}\n" TENANTS,
         "2:24: 'provider' is missing in a target\n"},
        {PROVIDERS "models: {m: {targets: [{provider: P, model: x}]}}\n" TENANTS,
         "2:35: unknown provider 'P'; did you mean 'p'?\n"},
        {PROVIDERS "models: {m: {targets: [{provider: p, model: x, wieght: 1}]}}\n" TENANTS,
         "2:48: unknown key 'wieght' in a target; did you mean 'weight'?\n"},
        {PROVIDERS "models: {'a b': {targets: [{provider: p, model: x}]}}\n" TENANTS,
         "2:10: a model's name must be 1 to 95 visible ASCII characters without quotes\n"},
        {MODEL("aliases: x"), "2:59: 'aliases' must be a list\n"},
        {MODEL("aliases: [[x], m, a, a]"),
         "2:60: 'aliases' must hold names\n2:65: the name 'm' already means the model 'm'\n"
         "2:71: the name 'a' already means the model 'm'\n"},
        {PROVIDERS "models: {m: {targets: [{provider: p, model: x}], aliases: [n]}, "
                   "n: {targets: [{provider: p, model: x}]}}\n" TENANTS,
         "2:60: the name 'n' already means the model 'n'\n"},
        {MODEL("context_window: 0"),
         "2:66: 'context_window' must be a whole number, from 1 to 100000000\n"},
        {MODEL("max_output_tokens: 1.5"),
         "2:69: 'max_output_tokens' must be a whole number, from 1 to 100000000\n"},
        {MODEL("hidden_input: -1"),
         "2:64: 'hidden_input' must be a whole number, from 0 to 100000000\n"},
        {MODEL("context_window: 100, max_output_tokens: 101"),
         "2:10: 'max_output_tokens' (101) of model 'm' is more than its 'context_window' (100)\n"},
        {MODEL("max_output_tokens: 20, min_output_tokens: 21"),
         "2:10: 'min_output_tokens' (21) of model 'm' is more than its 'max_output_tokens' (20)\n"},
        {PRICE(""), "2:57: 'input' is missing in 'price'\n2:57: 'output' is missing in 'price'\n"},
        {PRICE("input: -1, output: 2"), "2:65: 'input' must not be negative\n"},
        {PRICE("input: 0.1234567, output: 2"), "2:65: 'input' must have at most 6 decimals\n"},
        {PRICE("input: 1e3, output: 2"), "2:65: 'input' " USD_MILLION},
        {PRICE("input: 1000000.000001, output: 2"), "2:65: 'input' " USD_MILLION},
        {PRICE("input: 2k, output: 2"), "2:65: 'input' " USD_MILLION},
        {PRICE("input: .5, output: 2"), "2:65: 'input' " USD_MILLION},
        {PRICE("input: [1], output: 2"), "2:65: 'input' must be a single value\n"},
        {PRICE("input: 1, output: 2, per_request: 0.0000000001"),
         "2:92: 'per_request' must have at most 9 decimals\n"},
        {PRICE("input: 1, outptu: 2"),
         "2:68: unknown key 'outptu' in 'price'; did you mean 'output'?\n"},
    };
    RUN(table);
}

#define TENANT(TEXT) PROVIDERS MODELS "tenants: {t: {" TEXT "}}\n"

static void tenants_are_checked(void **state)
{
    static const char path_rule[] =
        "3:11: a tenant's path must be at most 95 letters, digits or . _ - @ : +, with single "
        "slashes between names\n";
    const struct bad table[] = {
        {PROVIDERS MODELS "tenants: [t]\n",
         "3:10: 'tenants' must be a mapping of paths to tenants\n"},
        {PROVIDERS MODELS "tenants: {t: x}\n", "3:14: tenant 't' " MAPPING},
        {PROVIDERS MODELS "tenants: {a//b: {}}\n", path_rule},
        {PROVIDERS MODELS "tenants: {/a: {}}\n", path_rule},
        {PROVIDERS MODELS "tenants: {a/: {}}\n", path_rule},
        {PROVIDERS MODELS "tenants: {'': {}}\n", path_rule},
        {PROVIDERS MODELS "tenants: {'a b': {}}\n", path_rule},
        {PROVIDERS MODELS "tenants: {a/ü: {}}\n", path_rule},
        {TENANT("models: m"), "3:23: 'models' must be a list\n"},
        {TENANT("models: []"), "3:23: 'models' must not be empty; left out, it allows all\n"},
        {TENANT("models: [[m]]"), "3:24: 'models' must hold names\n"},
        {TENANT("modles: [m]"),
         "3:15: unknown key 'modles' in tenant 't'; did you mean 'models'?\n"},
        {PROVIDERS "models: {gpt-4o: {targets: [{provider: p, model: x}]}}\n"
                   "tenants: {t: {models: [gpt4o, claude]}}\n",
         "3:24: unknown model 'gpt4o'; did you mean 'gpt-4o'?\n3:31: unknown model 'claude'\n"},
        {TENANT("limits: 5"), "3:23: 'limits' " MAPPING},
        {TENANT("limits: {requests_per_minute: 0}"),
         "3:45: 'requests_per_minute' must be a whole number, from 1 to 1000000000\n"},
        {TENANT("limits: {concurrent: -1}"),
         "3:36: 'concurrent' must be a whole number, from 1 to 1000000\n"},
        {TENANT("limits: {concurrrent: 1}"),
         "3:24: unknown key 'concurrrent' in 'limits'; did you mean 'concurrent'?\n"},
    };
    RUN(table);
}

#define BUDGET(TEXT) TENANT("budgets: [{name: b, window: day, usd: 1, " TEXT "}]")
#define SHARE \
    "must be a share of the limit such as 10%, or US dollars such as 0.50, and more than 0\n"

static void budgets_are_checked(void **state)
{
    const struct bad table[] = {
        {TENANT("budgets: {}"), "3:24: 'budgets' must be a list\n"},
        {TENANT("budgets: [x]"), "3:25: a budget " MAPPING},
        {TENANT("budgets: [{}]"), "3:25: 'name' is missing in a budget\n"
                                  "3:25: 'window' is missing in a budget\n"},
        {TENANT("budgets: [{name: 'a;b', window: day, usd: 1}]"),
         "3:32: a budget's name must be 1 to 95 " KEY_RULE},
        {TENANT("budgets: [{name: a, window: dya, usd: 1}]"),
         "3:43: 'window' cannot be 'dya' (it can be: minute, hour, day, week, month, total); did you "
         "mean 'day'?\n"},
        {TENANT("budgets: [{name: a, window: day, usd: -0.01}]"),
         "3:53: 'usd' must not be negative\n"},
        {TENANT("budgets: [{name: a, window: day, usd: 0.0000000001}]"),
         "3:53: 'usd' must have at most 9 decimals\n"},
        {TENANT("budgets: [{name: a, window: day, usd: 9223372036854775807}]"),
         "3:53: 'usd' must be US dollars, such as 25 or 0.50\n"},
        {TENANT("budgets: [{name: a, window: day, usd: lots}]"),
         "3:53: 'usd' must be US dollars, such as 25 or 0.50\n"},
        {TENANT("budgets: [{name: a, window: day, usd: 1}, {name: a, window: month, usd: 2}]"),
         "3:57: the budget 'a' is already on line 3\n"},
        {BUDGET("mode: enforced"),
         "3:62: 'mode' cannot be 'enforced' (it can be: enforce, observe); did you mean 'enforce'?\n"},
        {BUDGET("per: tenants"),
         "3:61: 'per' cannot be 'tenants' (it can be: tenant, key, user, session); did you mean 'tenant'?\n"},
        {BUDGET("hold: x"), "3:62: 'hold' cannot be 'x' (it can be: bound, learned)\n"},
        {BUDGET("uncertain: relase"), "3:67: 'uncertain' cannot be 'relase' (it can be: hold, "
                                      "release); did you mean 'release'?\n"},
        {BUDGET("status: 403"), "3:64: 'status' cannot be '403' (it can be: 402, 429); did you "
                                "mean '402'?\n"},
        {BUDGET("max_hold: 0%"), "3:66: 'max_hold' " SHARE},
        {BUDGET("max_hold: 101%"), "3:66: 'max_hold' " SHARE},
        {BUDGET("max_hold: 0.00001%"), "3:66: 'max_hold' " SHARE},
        {BUDGET("max_hold: '%'"), "3:66: 'max_hold' " SHARE},
        {BUDGET("max_hold: 0"), "3:66: 'max_hold' " SHARE},
        {BUDGET("max_hold: -1"), "3:66: 'max_hold' " SHARE},
        {BUDGET("stpes: []"), "3:56: unknown key 'stpes' in a budget; did you mean 'steps'?\n"},
    };
    RUN(table);
}

#define KEYS(TEXT) TENANT("keys: [" TEXT "]")

static void keys_are_checked(void **state)
{
    static const char digest_rule[] =
        "3:38: 'sha256' must be the 64 hexadecimal digits of the key's SHA-256\n";
    static const char date_rule[] = "3:113: 'expires' must be a date such as 2027-01-31\n";
    const struct bad table[] = {
        {TENANT("keys: {}"), "3:21: 'keys' must be a list\n"},
        {KEYS("x"), "3:22: a key " MAPPING},
        {KEYS("{}"), "3:22: 'id' is missing in a key\n3:22: 'sha256' is missing in a key\n"},
        {KEYS("{id: 'a b', sha256: " DIGEST_A "}"), "3:27: a key's id must be 1 to 95 " KEY_RULE},
        {KEYS("{id: a, sha256: aa}"), digest_rule},
        {KEYS("{id: a, sha256: g" DIGEST_A "}"), digest_rule},
        {KEYS("{id: a, sha256: " DIGEST_A ", expires: 2027-02-29}"), date_rule},
        {KEYS("{id: a, sha256: " DIGEST_A ", expires: 2027-13-01}"), date_rule},
        {KEYS("{id: a, sha256: " DIGEST_A ", expires: 2027-1-1}"), date_rule},
        {KEYS("{id: a, sha256: " DIGEST_A ", expires: 3027-01-01}"), date_rule},
        {KEYS("{id: a, sha256: " DIGEST_A ", expires: tomorrow}"), date_rule},
        {KEYS("{id: a, sha256: " DIGEST_A ", user_from: head}"),
         "3:115: 'user_from' cannot be 'head' (it can be: header, body, none); did you mean "
         "'header'?\n"},
        {PROVIDERS MODELS "tenants:\n  t: {keys: [{id: a, sha256: " DIGEST_A "}]}\n"
                          "  u: {keys: [{id: a, sha256: " DIGEST_B "}]}\n",
         "5:19: the key id 'a' is already on line 4\n"},
        {PROVIDERS MODELS "tenants:\n  t: {keys: [{id: a, sha256: " DIGEST_A "}]}\n"
                          "  u: {keys: [{id: b, sha256: " DIGEST_A "}]}\n",
         "5:30: this key is already on line 4\n"},
    };
    RUN(table);
}

/* `count` budgets as list items with `indent`. */
static void append_budgets(char *yaml, size_t size, const char *indent, int count)
{
    for (int i = 0; i < count; i++) {
        size_t len = strlen(yaml);
        snprintf(yaml + len, size - len, "%s- {name: b%d, window: day, usd: 1}\n", indent, i);
    }
}

static void a_key_has_at_most_as_many_budgets_as_a_request_may_pass(void **state)
{
    char yaml[8192];
    snprintf(yaml, sizeof(yaml), "%s%stenants:\n  a:\n    budgets:\n", PROVIDERS, MODELS);
    append_budgets(yaml, sizeof(yaml), "      ", BUDGET_MAX_PATH - 1);
    size_t len = strlen(yaml);
    snprintf(yaml + len, sizeof(yaml) - len,
             "  a/b:\n    keys:\n      - id: k\n        sha256: %s\n        budgets:\n", DIGEST_A);
    append_budgets(yaml, sizeof(yaml), "          ", 1);
    struct snapshot *snapshot = fixture_load_good(*state, yaml);
    const struct budget *path[BUDGET_MAX_PATH];
    assert_int_equal(
        subject_budgets(snapshot->keys[0], &(struct budget_facts){.key = SPAN("k")}, path),
        BUDGET_MAX_PATH);
    snapshot_unref(&snapshot);

    len = strlen(yaml);
    snprintf(yaml + len, sizeof(yaml) - len, "          - {name: more, window: day, usd: 1}\n");
    assert_bad(*state, yaml, "39:9: 33 budgets lie over the key 'k'; at most 32 may\n");
}

static void one_place_has_at_most_so_many_budgets(void **state)
{
    char yaml[8192];
    snprintf(yaml, sizeof(yaml), "%s%stenants:\n  a:\n    budgets:\n", PROVIDERS, MODELS);
    append_budgets(yaml, sizeof(yaml), "      ", BUDGET_MAX_PATH + 1);
    assert_bad(*state, yaml, "6:7: more than 32 budgets in one place\n");
}

static void all_problems_come_at_once_in_the_order_of_lines(void **state)
{
    assert_bad(*state,
               "tenants: {t: {models: [n], limits: {concurrent: x}}}\n"
               "models: {m: {targets: [{provider: q, model: x}]}}\n"
               "workers: many\n"
               "providers: {p: {kind: nothing}}\n"
               "wrokers: 1\n",
               "1:24: unknown model 'n'; did you mean 'm'?\n"
               "1:49: 'concurrent' must be a whole number, from 1 to 1000000\n"
               "2:35: unknown provider 'q'; did you mean 'p'?\n"
               "3:10: 'workers' must be a whole number, from 0 to 256\n"
               "4:23: 'kind' cannot be 'nothing' (it can be: openai, simulated)\n"
               "5:1: unknown key 'wrokers'; did you mean 'workers'?\n");
}

static void at_most_a_hundred_problems_are_shown(void **state)
{
    struct fixture *fixture = *state;
    char yaml[8192] = REST;
    for (int i = 0; i < 250; i++) {
        size_t len = strlen(yaml);
        snprintf(yaml + len, sizeof(yaml) - len, "zzzzzzzz%d: 1\n", i);
    }
    assert_null(fixture_load(fixture, yaml));
    assert_int_equal(fixture->problems.count, 100);
    assert_string_equal(fixture->problems.items[98].message, "unknown key 'zzzzzzzz98'");
    assert_string_equal(fixture->problems.items[99].message, "151 more problems are not shown");
    assert_int_equal(fixture->problems.items[99].line, 0);
}

static void very_many_problems_are_counted(void **state)
{
    struct fixture *fixture = *state;
    char *yaml = NULL;
    size_t size;
    FILE *out = open_memstream(&yaml, &size);
    fputs(REST, out);
    for (int i = 0; i < 20000; i++)
        fprintf(out, "zzzzzzzz%d: 1\n", i);
    fclose(out);
    assert_null(fixture_load(fixture, yaml));
    free(yaml);
    assert_int_equal(fixture->problems.count, 100);
    assert_string_equal(fixture->problems.items[99].message, "19901 more problems are not shown");
}

static void messages_are_clean_and_short(void **state)
{
    struct fixture *fixture = *state;
    char yaml[4096] = REST "\"a\\x07\\nb";
    memset(yaml + strlen(yaml), 'c', 900);
    strcat(yaml, "\": 1\n");
    assert_null(fixture_load(fixture, yaml));
    assert_int_equal(fixture->problems.count, 1);
    const char *message = fixture->problems.items[0].message;
    assert_memory_equal(message, "unknown key 'a??bccc", 20);
    assert_true(strlen(message) < 500);
}

static void problems_print_as_compilers_do(void **state)
{
    struct fixture *fixture = *state;
    char expected[256];
    char *text = NULL;
    size_t size;
    assert_null(fixture_load(fixture, "wrkers: 1\n" REST));
    FILE *out = open_memstream(&text, &size);
    problems_print(&fixture->problems, out);
    fclose(out);
    snprintf(expected, sizeof(expected), "%s:1:1: unknown key 'wrkers'; did you mean 'workers'?\n",
             fixture->path);
    assert_string_equal(text, expected);
    free(text);

    assert_null(fixture_load(fixture, ""));
    out = open_memstream(&text, &size);
    problems_print(&fixture->problems, out);
    fclose(out);
    snprintf(expected, sizeof(expected), "%s: the file is empty\n", fixture->path);
    assert_string_equal(text, expected);
    free(text);
}

int test_load_bad(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(settings_are_checked),
        FIXTURE_TEST(the_ledger_is_checked),
        FIXTURE_TEST(providers_are_checked),
        FIXTURE_TEST(models_are_checked),
        FIXTURE_TEST(tenants_are_checked),
        FIXTURE_TEST(budgets_are_checked),
        FIXTURE_TEST(keys_are_checked),
        FIXTURE_TEST(a_key_has_at_most_as_many_budgets_as_a_request_may_pass),
        FIXTURE_TEST(one_place_has_at_most_so_many_budgets),
        FIXTURE_TEST(all_problems_come_at_once_in_the_order_of_lines),
        FIXTURE_TEST(at_most_a_hundred_problems_are_shown),
        FIXTURE_TEST(very_many_problems_are_counted),
        FIXTURE_TEST(messages_are_clean_and_short),
        FIXTURE_TEST(problems_print_as_compilers_do),
    };
    return cmocka_run_group_tests_name("config/load_bad", tests, NULL, NULL);
}
