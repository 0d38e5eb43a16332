/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a snapshot, its look-ups, and finding the file. */
#include "fixture.h"

int test_snapshot(void);

static struct snapshot *dropped;

static void remember(struct snapshot *snapshot)
{
    dropped = snapshot;
}

static void the_last_drop_frees_or_hands_over(void **state)
{
    struct snapshot *s = fixture_load_good(*state, REST);
    struct snapshot *first = snapshot_ref(s);
    struct snapshot *second = snapshot_ref(s);
    s->on_last = remember;
    dropped = NULL;
    snapshot_unref(&first);
    assert_null(first);
    snapshot_unref(&first); /* nothing more to drop */
    snapshot_unref(&second);
    assert_null(dropped);
    struct snapshot *last = s;
    snapshot_unref(&last);
    assert_ptr_equal(dropped, s);
    assert_string_equal(dropped->providers[0]->name, "p"); /* still whole */
    snapshot_free(dropped);

    s = fixture_load_good(*state, "admin: {token: t}\n" REST);
    snapshot_unref(&s); /* freed here: the leak checker says so */
}

/* An attempt under way may outlive the snapshot whose route it uses. */
static void a_route_outlives_its_snapshot(void **state)
{
    struct snapshot *s = fixture_load_good(*state, REST);
    struct upstream_route *route = upstream_route_ref(s->providers[0]->routes[CALL_CHAT]);
    snapshot_unref(&s);
    upstream_route_unref(&route);
    assert_null(route);
}

static void keys_are_found_by_digest(void **state)
{
    struct snapshot *s =
        fixture_load_good(*state, PROVIDERS MODELS "tenants: {t: {keys: [{id: a, sha256: " DIGEST_A
                                                   "}, {id: b, sha256: " DIGEST_B "}]}}\n");
    uint8_t digest[SHA256_SIZE];
    memset(digest, 0xaa, sizeof(digest));
    assert_ptr_equal(snapshot_key(s, digest), s->keys[0]);
    memset(digest, 0xbb, sizeof(digest));
    assert_ptr_equal(snapshot_key(s, digest), s->keys[1]);
    digest[SHA256_SIZE - 1] ^= 1;
    assert_null(snapshot_key(s, digest));
    snapshot_unref(&s);
}

static void the_simulator_is_wanted_by_kind(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *yaml;
        bool wanted;
    } table[] = {
        {REST, false},
        {"providers: {p: {kind: openai}, s: {kind: simulated}}\n", true},
        {"providers: {s: {kind: \"${WEIR_TEST_NOT_SET:-simulated}\"}}\n", true},
        {"{\"providers\": {\"s\": {\"kind\": \"simulated\"}}}\n", true},
        {"providers: {simulated: {kind: openai}}\n", false},
        {"providers: {s: simulated}\n", false},
        {"providers: [{kind: simulated}]\n", false},
        {"providers: simulated\n", false},
        {"providers: {s: {}}\n", false},
        {"providers: {s: {kind: [simulated]}}\n", false},
        {"models: {}\n", false},
        {"- simulated\n", false},
        {"", false},
        {"providers: {s: {kind: simulated}}\na: [\n", false},
        {"providers: {s: {kind: simulated}, t: {kind: ${WEIR_TEST_NOT_SET}}}\n", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        fixture_write(fixture, "weir.yaml", table[i].yaml);
        assert_int_equal(config_wants_simulator(fixture->path), table[i].wanted);
    }
    assert_false(config_wants_simulator("/no/such/file"));
}

/* `weir check` has no simulator to point at. */
static void a_simulated_provider_needs_no_address(void **state)
{
    struct fixture *fixture = *state;
    fixture_write(fixture, "weir.yaml", "providers: {p: {kind: simulated}}\n" MODELS TENANTS);
    struct load_settings settings = {.path = fixture->path, .cells = fixture->cells};
    struct snapshot *s = config_load(&settings, &fixture->problems);
    assert_non_null(s);
    assert_string_equal(s->providers[0]->base_url, "http://127.0.0.1:1/v1");
    snapshot_unref(&s);
}

static void the_file_is_found(void **state)
{
    struct fixture *fixture = *state;
    char before[256];
    assert_string_equal(config_find("/no/such/file"), "/no/such/file");
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(fixture->directory), 0);
    bool in_etc = access("/etc/weir/weir.yaml", F_OK) == 0;
    const char *absent = config_find(NULL);
    fixture_write(fixture, "weir.yaml", REST);
    const char *present = config_find(NULL);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(absent != NULL, in_etc);
    assert_string_equal(present, "./weir.yaml");
}

int test_snapshot(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(the_last_drop_frees_or_hands_over),
        FIXTURE_TEST(a_route_outlives_its_snapshot),
        FIXTURE_TEST(keys_are_found_by_digest),
        FIXTURE_TEST(the_simulator_is_wanted_by_kind),
        FIXTURE_TEST(a_simulated_provider_needs_no_address),
        FIXTURE_TEST(the_file_is_found),
    };
    return cmocka_run_group_tests_name("config/snapshot", tests, NULL, NULL);
}
