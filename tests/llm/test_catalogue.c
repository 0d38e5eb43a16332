/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Price files: what they may say and where they are wrong, who is found in them, and writing them. */
#include "llm/catalogue.h"

#include "base/clock.h"
#include "support.h"

int test_catalogue(void);

#define FILE_OF(PROVIDERS) "{\"format\":\"weir-prices-1\",\"providers\":[" PROVIDERS "]}"
#define MODEL_OF(REST)     FILE_OF("{\"id\":\"p\",\"models\":[{\"id\":\"m\"," REST "}]}")
#define PRICE_OF(REST)     MODEL_OF("\"prices\":[{" REST "}]")
#define CLAUSE_OF(CLAUSE)  MODEL_OF("\"match\":" CLAUSE ",\"prices\":[{\"input\":1,\"output\":2}]")

static struct catalogue *good(const char *text)
{
    struct catalogue_fault fault;
    struct catalogue *catalogue = catalogue_new(span_from_string(text), &fault);
    if (catalogue == NULL)
        fail_msg("%zu:%zu: %s\n%s", fault.line, fault.column, fault.what, text);
    return catalogue;
}

/* In `marked` a ~ stands before what is wrong. */
static void assert_bad(const char *marked, const char *what)
{
    struct catalogue_fault fault = {0};
    char *text = memory_string(marked, strlen(marked));
    char *mark = strchr(text, '~');
    size_t line = 1;
    size_t column = 1;
    for (const char *c = text; c < mark; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    memmove(mark, mark + 1, strlen(mark));
    struct catalogue *catalogue = catalogue_new(span_from_string(text), &fault);
    if (strcmp(fault.what, what) != 0 || fault.line != line || fault.column != column)
        print_error("of %s: %zu:%zu: %s\n", text, fault.line, fault.column, fault.what);
    assert_null(catalogue);
    assert_string_equal(fault.what, what);
    assert_int_equal(fault.line, line);
    assert_int_equal(fault.column, column);
    free(text);
}

/* ---- what is wrong ---- */

#define RATE "must be US dollars per million tokens, at most 1000000 with at most 6 decimals"

#define BAD_PRICE(REST) MODEL_OF("\"prices\":[~{" REST "}]")

static void faults_have_a_place(void **state)
{
    (void)state;
    assert_bad("~", "unexpected end");
    assert_bad("{\"format\":\"weir-prices-1\",\n \"providers\":[~,]}", "unexpected character");
    assert_bad("~[]", "the file must be an object");
    assert_bad("~{\"providers\":[]}", "'format' is missing in the file");
    assert_bad("{\"format\":~\"weir-prices-2\",\"providers\":[]}",
               "'format' must be \"weir-prices-1\"");
    assert_bad("{\"format\":\"weir-prices-1\",\n\n  \"~modles\":[]}",
               "unknown key 'modles' in the file");
    assert_bad("{\"format\":\"weir-prices-1\",\"source\":~3,\"providers\":[]}",
               "'source' must be a string");
    assert_bad("{\"format\":\"weir-prices-1\",\"source\":~\"\",\"providers\":[]}",
               "'source' must be text without control characters");
    assert_bad(FILE_OF("~3"), "a provider must be an object");
    assert_bad(FILE_OF("~{\"models\":[]}"), "'id' is missing in a provider");
    assert_bad(FILE_OF("~{\"id\":\"p\"}"), "'models' is missing in a provider");
    assert_bad(FILE_OF("{\"id\":\"p\",\"models\":~{}}"), "'models' must be an array");
    assert_bad(FILE_OF("{\"id\":\"p\",\"urls\":~\"x\",\"models\":[]}"),
               "'urls' must be an array of strings");
    assert_bad(FILE_OF("{\"id\":\"p\",\"names\":[~1],\"models\":[]}"), "'names' must be a string");
    assert_bad(FILE_OF("{\"id\":\"p\",\"also\":[~\"\\n\"],\"models\":[]}"),
               "'also' must be text without control characters");
    assert_bad(FILE_OF("{\"id\":\"p\",\"models\":[]},{\"id\":~\"P\",\"models\":[]}"),
               "the provider 'P' is there twice");
    assert_bad(MODEL_OF("\"prices\":[{\"input\":1,\"output\":1}"
                        "]},~{\"id\":\"m\",\"prices\":[{"
                        "\"input\":1,\"output\":1}]"),
               "the model 'm' is there twice");
}

static void prices_are_checked(void **state)
{
    (void)state;
    assert_bad(MODEL_OF("\"context_window\":~0"), "'context_window' must be from 1 to 100000000");
    assert_bad(MODEL_OF("\"max_output_tokens\":~\"5\""),
               "'max_output_tokens' must be from 1 to 100000000");
    assert_bad(MODEL_OF("\"prices\":~{}"), "'prices' must be an array");
    assert_bad(MODEL_OF("\"prices\":~[]"), "'prices' must not be empty");
    assert_bad(MODEL_OF("\"prices\":[~1]"), "a price must be an object");
    assert_bad(BAD_PRICE("\"input\":1"), "a price must have 'input' and 'output'");
    assert_bad(PRICE_OF("\"input\":1,\"~outptu\":2"), "unknown key 'outptu' in a price");
    assert_bad(PRICE_OF("\"input\":~true"), "input must be a number");
    assert_bad(PRICE_OF("\"input\":~-1"), "'input' " RATE);
    assert_bad(PRICE_OF("\"input\":~1e3"), "'input' " RATE);
    assert_bad(PRICE_OF("\"input\":~\"1.0000001\""), "'input' " RATE);
    assert_bad(PRICE_OF("\"input\":~1000000.000001"), "'input' " RATE);
    assert_bad(PRICE_OF("\"per_request\":~1000.000000001"),
               "'per_request' must be US dollars, at most 1000 with at most 9 decimals");
    assert_bad(PRICE_OF("\"web_search\":~[]"), "web_search must be a number");
    assert_bad(PRICE_OF("\"service_tiers\":{\"flex\":~0}"),
               "a service tier must be what it costs beside the standard one, above 0 to 100 with "
               "at most 3 decimals");
    assert_bad(PRICE_OF("\"service_tiers\":{\"~fast\":1}"),
               "unknown key 'fast' in 'service_tiers'");
    assert_bad(PRICE_OF("\"tiers\":~1"), "'tiers' must be an array");
    assert_bad(PRICE_OF("\"tiers\":[~{\"input\":1,\"output\":1}]"),
               "'above' must be there, and rise from tier to tier");
    assert_bad(PRICE_OF("\"tiers\":[~{\"above\":5,\"input\":1}]"),
               "a tier must have 'input' and 'output'");
#define STEP(ABOVE) "{\"above\":" ABOVE ",\"input\":1,\"output\":1}"
    assert_bad(PRICE_OF("\"tiers\":[" STEP("5") ",~" STEP("5") "]"),
               "'above' must be there, and rise from tier to tier");
    assert_bad(PRICE_OF("\"tiers\":[" STEP("5") "," STEP("6") "," STEP("7") ",~" STEP("8") "]"),
               "'tiers' must have at most 3 entries");
}

static void times_are_checked(void **state)
{
    static const char *const days[] = {"\"2026-7-30\"",   "\"2026-02-30\"", "\"1969-01-01\"",
                                       "\"2026-13-01\"",  "\"2026-00-01\"", "\"2026-01-00\"",
                                       "\"2026-01-01Z\"", "\"2026/01/01\"", "\"2201-01-01\""};
    static const char *const hours[] = {"\"00:30\"",       "\"24:00-01:00\"", "\"00:60-01:00\"",
                                        "\"01:00-01:00\"", "\"01:00 02:00\"", "\"1:00-02:00\"",
                                        "\"01:00-02-00\"", "\"01:00-02:00Z\""};
    struct catalogue_fault fault;
    char text[300];
    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        snprintf(text, sizeof text, PRICE_OF("\"input\":1,\"output\":1},{\"from\":%s"), days[i]);
        assert_null(catalogue_new(span_from_string(text), &fault));
        assert_non_null(strstr(fault.what, "'from' must be a day"));
    }
    for (size_t i = 0; i < sizeof hours / sizeof hours[0]; i++) {
        snprintf(text, sizeof text, PRICE_OF("\"input\":1,\"output\":1},{\"daily\":%s"), hours[i]);
        assert_null(catalogue_new(span_from_string(text), &fault));
        assert_non_null(strstr(fault.what, "'daily' must be two different times"));
    }
    assert_bad(BAD_PRICE("\"from\":\"2026-01-01\",\"input\":1,\"output\":1"),
               "the first price must hold always: no 'from', no 'daily'");
    assert_bad(PRICE_OF("\"from\":~5"), "'from' must be a string");
    char *many = memory_new(4096);
    size_t used =
        (size_t)sprintf(many, "{\"format\":\"weir-prices-1\",\"providers\":[{\"id\":\"p\","
                              "\"models\":[{\"id\":\"m\",\"prices\":[");
    for (int i = 0; i < 17; i++)
        used += (size_t)sprintf(many + used, "%s{\"input\":1,\"output\":1}", i > 0 ? "," : "");
    sprintf(many + used, "]}]}]}");
    assert_null(catalogue_new(span_from_string(many), &fault));
    assert_string_equal(fault.what, "'prices' must have at most 16 entries");
    free(many);
}

static void clauses_are_checked(void **state)
{
    (void)state;
    assert_bad(CLAUSE_OF("~3"), "a clause must be an object with one member");
    assert_bad(CLAUSE_OF("~{}"), "a clause must be an object with one member");
    assert_bad(CLAUSE_OF("~{\"equals\":\"a\",\"like\":\"b\"}"),
               "a clause must be an object with one member");
    assert_bad(CLAUSE_OF("{\"~regex\":\"a\"}"), "unknown clause 'regex'");
    assert_bad(CLAUSE_OF("{\"equals\":~1}"), "what a clause compares with must be a string");
    assert_bad(CLAUSE_OF("{\"or\":~{}}"), "'or' and 'and' must hold arrays of clauses");
    assert_bad(CLAUSE_OF("{\"and\":~[]}"), "'or' and 'and' must not be empty");
    assert_bad(CLAUSE_OF("{\"and\":[{\"or\":~[]}]}"), "'or' and 'and' must not be empty");
    assert_bad(CLAUSE_OF("{\"not\":~[]}"), "a clause must be an object with one member");
}

/* ---- who is found ---- */

static void assert_matches(const char *clause, const char *model, bool expected)
{
    char text[400];
    snprintf(text, sizeof text, CLAUSE_OF("%s"), clause);
    struct catalogue *catalogue = good(text);
    const struct catalogue_entry *entry =
        catalogue_find(catalogue, SPAN("P"), SPAN(""), span_from_string(model));
    if ((entry != NULL) != expected)
        fail_msg("%s and %s", clause, model);
    catalogue_free(&catalogue);
}

static void clauses_match(void **state)
{
    (void)state;
    assert_matches("{\"equals\":\"GPT-4o\"}", "gpt-4O", true);
    assert_matches("{\"equals\":\"gpt-4o\"}", "gpt-4o-mini", false);
    assert_matches("{\"starts_with\":\"gpt-\"}", "gpt-4o", true);
    assert_matches("{\"ends_with\":\"-mini\"}", "gpt-4o-mini", true);
    assert_matches("{\"ends_with\":\"-mini\"}", "gpt-4o-mini-", false);
    assert_matches("{\"contains\":\"claude\"}", "us.anthropic.claude-3", true);
    assert_matches("{\"or\":[{\"equals\":\"a\"},{\"equals\":\"b\"}]}", "b", true);
    assert_matches("{\"or\":[{\"equals\":\"a\"},{\"equals\":\"b\"}]}", "c", false);
    assert_matches("{\"and\":[{\"starts_with\":\"a\"},{\"not\":{\"contains\":\"-tts\"}}]}", "a-b",
                   true);
    assert_matches("{\"and\":[{\"starts_with\":\"a\"},{\"not\":{\"contains\":\"-tts\"}}]}", "a-tts",
                   false);
    assert_matches("{\"like\":\"a-####-##\"}", "a-2026-07", true);
    assert_matches("{\"like\":\"a-####-##\"}", "a-2026-0x", false);
    assert_matches("{\"like\":\"a-####-##\"}", "a-2026-071", false);
    assert_matches("{\"like\":\"*b*cd\"}", "xbxcxbcd", true);
    assert_matches("{\"like\":\"*b*cd\"}", "xbxcxbcde", false);
    assert_matches("{\"like\":\"a*\"}", "a", true);
    assert_matches("{\"like\":\"a#*\"}", "a", false);
    assert_matches("{\"like\":\"*\"}", "", false); /* no name is no model */
}

#define AT(ID) "\"id\":\"" ID "\",\"prices\":[{\"input\":1,\"output\":1}]"

static const char house[] = FILE_OF(
    "{\"id\":\"openai\",\"urls\":[\"https://API.openai.com*\"],\"names\":[\"oai\"],\"models\":["
    "{\"match\":{\"starts_with\":\"gpt\"}," AT("wide") "},{" AT(
        "gpt-4o") "}]},"
                  "{\"id\":\"azure\",\"urls\":[\"https://*.azure.com*\"],\"also\":[\"nobody\",\"openai\"],"
                  "\"models\":[{" AT("own") "}]},"
                                            "{\"id\":\"empty\",\"models\":[]}");

static void assert_found(const struct catalogue *catalogue, const char *provider, const char *url,
                         const char *model, const char *expected)
{
    char got[100] = "none";
    const struct catalogue_entry *entry = catalogue_find(
        catalogue, span_from_string(provider), span_from_string(url), span_from_string(model));
    if (entry != NULL)
        snprintf(got, sizeof got, "%.*s/%.*s", SPAN_ARG(entry->provider), SPAN_ARG(entry->model));
    assert_string_equal(got, expected);
}

static void providers_are_known_by_url_or_name(void **state)
{
    (void)state;
    struct catalogue *c = good(house);
    assert_found(c, "mine", "https://api.OpenAI.com/v1", "gpt-4o", "openai/gpt-4o");
    assert_found(c, "mine", "https://api.openai.com/v1", "gpt-5", "openai/wide");
    assert_found(c, "mine", "https://x.azure.com", "own", "azure/own");
    assert_found(c, "mine", "https://x.azure.com", "gpt-4o", "openai/gpt-4o");
    assert_found(c, "mine", "https://x.azure.com", "llama", "none");
    assert_found(c, "OpenAI", "http://127.0.0.1:8000/v1", "gpt-4o", "openai/gpt-4o");
    assert_found(c, "oai", "", "gpt-4o", "openai/gpt-4o");
    assert_found(c, "mine", "http://127.0.0.1:8000/v1", "gpt-4o", "none");
    assert_found(c, "openai", "https://x.azure.com", "own", "azure/own"); /* the URL goes first */
    assert_found(c, "empty", "", "gpt-4o", "none");
    char name[1200];
    memset(name, 'g', sizeof name);
    name[1199] = '\0';
    assert_found(c, "openai", "", name, "none");
    assert_found(c, "openai", name, "gpt-4o", "openai/gpt-4o");
    assert_found(c, "openai", "", "", "none");

    const struct catalogue_entry *entry = catalogue_find_id(c, SPAN("oai"), SPAN("wide"));
    assert_span_equal(entry->model, "wide");
    entry = catalogue_find_id(c, SPAN("openai"), SPAN("gpt-9"));
    assert_span_equal(entry->model, "wide");
    assert_null(catalogue_find_id(c, SPAN("nobody"), SPAN("wide")));
    assert_null(catalogue_find_id(c, SPAN("empty"), SPAN("wide")));
    catalogue_free(&c);
    assert_null(c);
    catalogue_free(&c);
}

/* ---- when a price holds ---- */

static int64_t at(int year, int month, int day, int hour, int minute)
{
    int64_t days = civil_to_days((struct civil){year, month, day});
    return (days * 86400 + hour * 3600 + minute * 60) * NS_PER_S;
}

static int64_t input_at(const struct catalogue *catalogue, int64_t wall_ns)
{
    return price_schedule_at(&catalogue_first(catalogue)->prices, wall_ns)->rates.input_pusd;
}

static void prices_change_in_time(void **state)
{
    (void)state;
    struct catalogue *c = good(MODEL_OF(
        "\"prices\":[{\"input\":1,\"output\":1},{\"from\":\"2026-07-30\",\"input\":2,\"output\":1},"
        "{\"from\":\"2027-01-01\",\"daily\":\"22:00-06:30\",\"input\":3,\"output\":1}]"));
    assert_int_equal(input_at(c, INT64_MIN), 1000000);
    assert_int_equal(input_at(c, at(2026, 7, 29, 23, 59)), 1000000);
    assert_int_equal(input_at(c, at(2026, 7, 30, 0, 0) - 1), 1000000);
    assert_int_equal(input_at(c, at(2026, 7, 30, 0, 0)), 2000000);
    assert_int_equal(input_at(c, at(2026, 12, 31, 23, 0)), 2000000);
    assert_int_equal(input_at(c, at(2027, 1, 1, 0, 0)), 3000000);
    assert_int_equal(input_at(c, at(2027, 1, 1, 6, 30) - 1), 3000000);
    assert_int_equal(input_at(c, at(2027, 1, 1, 6, 30)), 2000000);
    assert_int_equal(input_at(c, at(2027, 1, 1, 21, 59)), 2000000);
    assert_int_equal(input_at(c, at(2027, 1, 1, 22, 0)), 3000000);
    catalogue_free(&c);

    /* DeepSeek's: dear by day, from half past midnight */
    c = good(MODEL_OF("\"prices\":[{\"input\":0.135,\"output\":0.55},{\"daily\":\"00:30-16:30\","
                      "\"input\":0.27,\"output\":1.1}]"));
    assert_int_equal(input_at(c, at(2026, 7, 30, 0, 29)), 135000);
    assert_int_equal(input_at(c, at(2026, 7, 30, 0, 30)), 270000);
    assert_int_equal(input_at(c, at(2026, 7, 30, 16, 30) - 1), 270000);
    assert_int_equal(input_at(c, at(2026, 7, 30, 16, 30)), 135000);
    assert_int_equal(input_at(c, at(1969, 12, 31, 12, 0) + 1), 270000);
    assert_int_equal(input_at(c, at(1969, 12, 31, 23, 59) + 1), 135000);
    catalogue_free(&c);
    assert_null(price_schedule_at(&(struct price_schedule){NULL, 0}, 0));
}

/* ---- writing ---- */

static void what_is_written_is_read_again(void **state)
{
    static const char text[] =
        "{\"format\":\"weir-prices-1\",\"source\":\"by \\\"hand\\\"\",\"providers\":[\n"
        "{\"id\":\"p\",\"urls\":[\"https://p*\"],\"names\":[\"a\",\"b\"],\"also\":[\"q\"],\"models\":[\n"
        "{\"id\":\"m\",\"match\":{\"and\":[{\"starts_with\":\"m\"},{\"not\":{\"like\":\"m-#\"}}]},"
        "\"context_window\":9,\"max_output_tokens\":8,\"prices\":[{\"input\":2.5,\"cached_input\":0.25,"
        "\"output\":10,\"reasoning\":9.000001,\"tiers\":[{\"above\":100,\"input\":5,\"output\":20},"
        "{\"above\":200,\"input\":6,\"cache_write\":7,\"output\":20}],\"service_tiers\":{\"flex\":0.5,"
        "\"priority\":1.755,\"batch\":0.001},\"per_request\":0.00,\"web_search\":0.000000001},"
        "{\"from\":\"2026-07-30\",\"daily\":\"22:00-06:30\",\"input\":0,\"output\":1000000}]},\n"
        "{\"id\":\"N\",\"prices\":[{\"input\":1,\"output\":1}]}]},\n"
        "{\"id\":\"q\",\"models\":[]}]}\n";
    (void)state;
    struct buf out;
    buf_init(&out, 100000, 0);
    struct catalogue *c = good(text);
    assert_true(catalogue_write(c, &out));
    /* a price of 0 is none to be written */
    char *expected = memory_string(text, strlen(text));
    char *zero = strstr(expected, "\"per_request\":0.00,");
    memmove(zero, zero + strlen("\"per_request\":0.00,"),
            strlen(zero + strlen("\"per_request\":0.00,")) + 1);
    assert_span_equal(buf_span(&out), expected);
    assert_span_equal(catalogue_source(c), "by \"hand\"");
    free(expected);
    buf_fini(&out);
    buf_init(&out, 100, 0);
    assert_false(catalogue_write(c, &out));
    buf_fini(&out);
    catalogue_free(&c);
}

static void assert_diff(const char *old, const char *new, const char *expected)
{
    struct buf out;
    struct catalogue *a = good(old);
    struct catalogue *b = good(new);
    buf_init(&out, 10000, 0);
    bool same = catalogue_diff(a, b, &out);
    assert_span_equal(buf_span(&out), expected);
    assert_int_equal(same, strcmp(expected, "0 added, 0 removed, 0 changed\n") == 0);
    buf_fini(&out);
    catalogue_free(&a);
    catalogue_free(&b);
}

static void differences_are_told(void **state)
{
    (void)state;
    assert_diff(house, house, "0 added, 0 removed, 0 changed\n");
    assert_diff(PRICE_OF("\"input\":1,\"output\":1"),
                PRICE_OF("\"input\":1.5,\"output\":1,\"reasoning\":2"),
                "~ p/m: input 1 -> 1.5, cached_input 1 -> 1.5, cache_write 1 -> 1.5, "
                "cache_write_1h 1 -> 1.5, audio_input 1 -> 1.5, cached_audio 1 -> 1.5, image_input "
                "1 -> 1.5, reasoning 1 -> 2\n"
                "0 added, 0 removed, 1 changed\n");
    static const char *const beside[] = {",\"tiers\":[{\"above\":5,\"input\":1,\"output\":1}]",
                                         ",\"service_tiers\":{\"flex\":0.5}",
                                         ",\"service_tiers\":{\"priority\":2}",
                                         ",\"service_tiers\":{\"batch\":0.5}",
                                         ",\"per_request\":1.00",
                                         ",\"web_search\":1.00",
                                         "},{\"from\":\"2026-01-01\",\"input\":1,\"output\":1"};
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        char new[300];
        char expected[300];
        snprintf(new, sizeof new, PRICE_OF("\"input\":1,\"output\":1%s"), beside[i]);
        snprintf(expected, sizeof expected,
                 "~ p/m: [{\"input\":1,\"output\":1}] -> [{\"input\":1,\"output\":1%s}]\n"
                 "0 added, 0 removed, 1 changed\n",
                 beside[i]);
        assert_diff(PRICE_OF("\"input\":1,\"output\":1"), new, expected);
    }
    assert_diff(
        PRICE_OF("\"input\":1,\"output\":1,\"tiers\":[" STEP("5") "]"),
        PRICE_OF("\"input\":1,\"output\":1,\"tiers\":[" STEP("6") "]"),
        "~ p/m: [{\"input\":1,\"output\":1,\"tiers\":[" STEP(
            "5") "]}] -> [{\"input\":1,"
                 "\"output\":1,\"tiers\":[" STEP("6") "]}]\n0 added, 0 removed, 1 changed\n");
    assert_diff(house, FILE_OF("{\"id\":\"openai\",\"models\":[{" AT("new") "}]}"),
                "+ openai/new: input 1, output 1\n"
                "- openai/wide: input 1, output 1\n- openai/gpt-4o: input 1, output 1\n"
                "- azure/own: input 1, output 1\n1 added, 3 removed, 0 changed\n");
}

static void rates_are_written_exactly(void **state)
{
    (void)state;
    char text[CATALOGUE_RATE_SIZE];
    assert_string_equal(catalogue_format_rate(0, text), "0");
    assert_string_equal(catalogue_format_rate(1, text), "0.000001");
    assert_string_equal(catalogue_format_rate(2500000, text), "2.5");
    assert_string_equal(catalogue_format_rate(10000000, text), "10");
    assert_string_equal(catalogue_format_rate(CATALOGUE_PUSD_MAX, text), "1000000");
}

static void the_shipped_prices_are_good(void **state)
{
    (void)state;
    struct catalogue_fault fault;
    struct buf out;
    buf_init(&out, CATALOGUE_TEXT_MAX, 0);
    struct catalogue *c = catalogue_new(catalogue_shipped(), &fault);
    assert_non_null(c);
    assert_true(catalogue_write(c, &out)); /* as the import wrote them */
    assert_true(span_equal(buf_span(&out), catalogue_shipped()));
    const struct catalogue_entry *entry =
        catalogue_find(c, SPAN("o"), SPAN("https://api.openai.com/v1"), SPAN("gpt-4o-mini"));
    assert_non_null(entry);
    assert_int_equal(entry->prices.periods[0].price.rates.input_pusd, 150000);
    assert_int_equal(entry->prices.periods[0].price.rates.output_pusd, 600000);
    assert_int_equal(entry->context_window, 128000);
    entry = catalogue_find(c, SPAN("claude"), SPAN("https://api.anthropic.com"),
                           SPAN("claude-3-7-sonnet-20250219"));
    assert_int_equal(entry->prices.periods[0].price.rates.cache_write_1h_pusd, 6000000);
    assert_int_equal(entry->prices.periods[0].price.web_search_nusd, 10000000);
    assert_non_null(
        catalogue_find(c, SPAN("x"), SPAN("https://mine.openai.azure.com"), SPAN("gpt-4o")));
    catalogue_free(&c);
    buf_fini(&out);
}

int test_catalogue(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_have_a_place),
        cmocka_unit_test(prices_are_checked),
        cmocka_unit_test(times_are_checked),
        cmocka_unit_test(clauses_are_checked),
        cmocka_unit_test(clauses_match),
        cmocka_unit_test(providers_are_known_by_url_or_name),
        cmocka_unit_test(prices_change_in_time),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(differences_are_told),
        cmocka_unit_test(rates_are_written_exactly),
        cmocka_unit_test(the_shipped_prices_are_good),
    };
    return cmocka_run_group_tests_name("llm/catalogue", tests, NULL, NULL);
}
