/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* `tls`: where it may stand, what is wrong with its files, and what there is to be warned of. */
#include "fixture.h"
#include "support/identity.h"

int test_tls(void);

#define TLS "tls: {cert: cert.pem, key: key.pem}"

/* cert.pem and key.pem, of a certificate that ends in so many days. */
static void write_identity(struct fixture *fixture, struct identity *identity, int days)
{
    identity_init(identity, "server", NULL, days);
    fixture_write(fixture, "cert.pem", identity->cert_pem);
    fixture_write(fixture, "key.pem", identity->key_pem);
}

static void expect_tls(struct fixture *fixture, const char *yaml, const char *wanted)
{
    struct snapshot *s = fixture_load_good(fixture, yaml);
    char text[256] = "";
    for (size_t i = 0; i < s->listen_count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, "%s%s ", s->listen[i].text,
                 s->listen[i].tls != NULL ? "+" : "-");
    }
    assert_string_equal(text, wanted);
    snapshot_unref(&s);
}

static void addresses_have_it_or_not(void **state)
{
    struct identity identity;
    struct fixture *fixture = *state;
    write_identity(fixture, &identity, 30);
    expect_tls(fixture, "listen: {address: 127.0.0.1:1, " TLS "}\n" REST, "127.0.0.1:1+ ");
    expect_tls(fixture, "listen: {address: 127.0.0.1:1}\n" REST, "127.0.0.1:1- ");
    expect_tls(fixture, "listen: [127.0.0.1:1, {address: '[::1]:2', " TLS "}]\n" REST,
               "127.0.0.1:1- [::1]:2+ ");
    expect_tls(fixture, "listen: {address: 127.0.0.1:1, tls: off}\n" REST, "127.0.0.1:1- ");
    expect_tls(fixture, "listen: {address: 127.0.0.1:1, tls: null}\n" REST, "127.0.0.1:1- ");
    identity_fini(&identity);
}

static void one_may_do_for_all(void **state)
{
    struct identity identity;
    struct fixture *fixture = *state;
    write_identity(fixture, &identity, 30);
    expect_tls(fixture, TLS "\n" REST, "127.0.0.1:8080+ ");
    expect_tls(
        fixture,
        "listen: [127.0.0.1:1, {address: 127.0.0.1:2}, {address: 127.0.0.1:3, tls: off}]\n" TLS
        "\n" REST,
        "127.0.0.1:1+ 127.0.0.1:2+ 127.0.0.1:3- ");
    expect_tls(fixture, "listen: 127.0.0.1:1\ntls: off\n" REST, "127.0.0.1:1- ");
    identity_fini(&identity);
}

static void its_files_are_watched(void **state)
{
    struct identity identity;
    struct fixture *fixture = *state;
    char wanted[160];
    write_identity(fixture, &identity, 30);
    snprintf(wanted, sizeof(wanted), "%s/cert.pem", fixture->directory);
    struct snapshot *s = fixture_load_good(
        fixture, "listen: {address: 127.0.0.1:1, tls: {cert: cert.pem, key: key.pem, "
                 "client_ca: cert.pem}}\n" REST);
    assert_int_equal(s->file_count, 3); /* with the file itself */
    assert_string_equal(s->files[1], wanted);
    snapshot_unref(&s);
    identity_fini(&identity);
}

/* `format` takes the directory once. */
static void assert_bad_here(struct fixture *fixture, const char *yaml, const char *format)
{
    char expected[512];
    size_t before = (size_t)(strchr(format, '%') - format);
    snprintf(expected, sizeof(expected), "%.*s%s%s", (int)before, format, fixture->directory,
             format + before + 1);
    assert_bad(fixture, yaml, expected);
}

static void what_is_wrong_is_told(void **state)
{
    struct identity identity;
    struct identity other;
    struct fixture *fixture = *state;
    write_identity(fixture, &identity, 30);
    identity_init(&other, "other", NULL, 30);
    fixture_write(fixture, "other.pem", other.key_pem);
    fixture_write(fixture, "empty.pem", "");
    assert_bad_here(fixture, "tls: {cert: none.pem, key: key.pem}\n" REST,
                    "1:13: 'cert' cannot be read from '%/none.pem': No such file or directory\n");
    assert_bad_here(fixture, "tls: {cert: ., key: key.pem}\n" REST,
                    "1:13: 'cert' cannot be read from '%/.': Is a directory\n");
    assert_bad_here(fixture, "tls: {cert: key.pem, key: key.pem}\n" REST,
                    "1:13: 'cert' cannot be used: '%/key.pem' holds no certificate in PEM\n");
    assert_bad_here(
        fixture, "tls: {cert: cert.pem, key: other.pem}\n" REST,
        "1:28: 'key' cannot be used: '%/other.pem' holds the key of another certificate\n");
    assert_bad_here(fixture,
                    "listen: {address: 127.0.0.1:1, tls: {cert: cert.pem, key: key.pem, client_ca: "
                    "key.pem}}\n" REST,
                    "1:79: 'client_ca' cannot be used: '%/key.pem' holds no certificate in PEM\n");
    /* Not taken for none, which would let everybody in. */
    assert_bad_here(fixture, "tls: {cert: cert.pem, key: key.pem, client_ca: empty.pem}\n" REST,
                    "1:48: 'client_ca' is empty in '%/empty.pem'\n");
    identity_fini(&identity);
    identity_fini(&other);
}

static void names_are_checked(void **state)
{
    struct identity identity;
    write_identity(*state, &identity, 30);
    identity_fini(&identity);
    assert_bad(*state, "tls: {cert: cert.pem}\n" REST, "1:6: 'key' is missing in 'tls'\n");
    assert_bad(*state, "tls: {}\n" REST,
               "1:6: 'cert' is missing in 'tls'\n1:6: 'key' is missing in 'tls'\n");
    assert_bad(*state, "tls: yes\n" REST, "1:6: 'tls' must be a mapping of names to values\n");
    assert_bad(*state, "tls: {ceert: x}\n" REST,
               "1:7: unknown key 'ceert' in 'tls'; did you mean 'cert'?\n");
    assert_bad(*state, "listen: {adress: 127.0.0.1:1}\n" REST,
               "1:10: unknown key 'adress' in 'listen'; did you mean 'address'?\n");
    assert_bad(*state, "listen: {tls: off}\n" REST, "1:9: 'address' is missing in 'listen'\n");
    assert_bad(*state, "listen: {address: [x]}\n" REST,
               "1:19: 'address' must be an IP address and a port, such as 127.0.0.1:8080 or "
               "[::1]:8080\n");
    assert_bad(*state, "listen: [127.0.0.1:1, {address: 127.0.0.1:1}]\n" REST,
               "1:33: 'listen' has the address 127.0.0.1:1 twice\n");
}

/* Whether a warning holds the text. */
static bool warns(struct fixture *fixture, const char *yaml, const char *text)
{
    struct snapshot *s = fixture_load_good(fixture, yaml);
    bool found = false;
    for (size_t i = 0; i < s->warning_count; i++)
        found |= strstr(s->warnings[i], text) != NULL;
    snapshot_unref(&s);
    return found;
}

static void days_are_warned_of(void **state)
{
    static const struct {
        int days;
        const char *text; /* NULL: nothing */
    } table[] = {{-1, "' has expired ("}, {2, "' expires soon ("}, {30, NULL}};
    struct fixture *fixture = *state;
    const char *yaml = "listen: {address: 0.0.0.0:1, " TLS "}\n" REST;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct identity identity;
        write_identity(fixture, &identity, table[i].days);
        assert_int_equal(warns(fixture, yaml, "the certificate in '"), table[i].text != NULL);
        if (table[i].text != NULL)
            assert_true(warns(fixture, yaml, table[i].text));
        assert_false(warns(fixture, yaml, "without TLS"));
        identity_fini(&identity);
    }
}

static void one_plain_address_is_enough_for_a_warning(void **state)
{
    struct identity identity;
    struct fixture *fixture = *state;
    write_identity(fixture, &identity, 30);
    assert_true(
        warns(fixture, "listen: [{address: 0.0.0.0:1, " TLS "}, 0.0.0.0:2]\n" REST, "without TLS"));
    assert_false(warns(fixture, "listen: [{address: 0.0.0.0:1, " TLS "}, 127.0.0.1:2]\n" REST,
                       "without TLS"));
    identity_fini(&identity);
}

static void the_summary_says_so(void **state)
{
    struct identity identity;
    struct fixture *fixture = *state;
    char *text = NULL;
    size_t size;
    write_identity(fixture, &identity, 30);
    struct snapshot *s =
        fixture_load_good(fixture, "listen: [{address: 127.0.0.1:1, " TLS "}, 127.0.0.1:2]\n" REST);
    FILE *out = open_memstream(&text, &size);
    config_summary(s, out);
    fclose(out);
    assert_non_null(strstr(text, "\nlisten: 127.0.0.1:1 (TLS) 127.0.0.1:2\n"));
    free(text);
    snapshot_unref(&s);
    identity_fini(&identity);
}

int test_tls(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(addresses_have_it_or_not),
        FIXTURE_TEST(one_may_do_for_all),
        FIXTURE_TEST(its_files_are_watched),
        FIXTURE_TEST(what_is_wrong_is_told),
        FIXTURE_TEST(names_are_checked),
        FIXTURE_TEST(days_are_warned_of),
        FIXTURE_TEST(one_plain_address_is_enough_for_a_warning),
        FIXTURE_TEST(the_summary_says_so),
    };
    return cmocka_run_group_tests_name("config/tls", tests, NULL, NULL);
}
