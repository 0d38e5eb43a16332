/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors: the ids, and the count with a cache and without. Those of the reference data, too, where
 * that is there. */
#include "tokens_support.h"

#include <inttypes.h>

#define VECTORS SHARED_DATA "/tokens/vectors.jsonl"

static void check_ids(const struct vector *vector, const uint32_t *ids, size_t count)
{
    struct span key;
    struct span value;
    enum json_type type;
    size_t found = 0;
    for (size_t at = 0; json_walk(vector->ids, &at, &key, &value, &type); found++) {
        int64_t id;
        assert_true(json_value_to_i64(value, &id));
        if (found >= count || id != ids[found])
            fail_msg("<%.*s>: not the id %" PRIi64 " at %zu", SPAN_ARG(vector->text), id, found);
    }
    assert_int_equal(found, count);
}

static void check_vector(const struct vector *vector, void *argument)
{
    struct token_cache *cache = argument;
    size_t room = vector->text.len + 1;
    uint32_t *ids = memory_array(room, sizeof(ids[0]));
    size_t count = tokens_encode(vector->tokenizer, vector->text, ids, room);
    check_ids(vector, ids, count);
    /* The second time they come from the cache. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(tokens_count(vector->tokenizer, cache, vector->text), count);
    assert_int_equal(tokens_count(vector->tokenizer, NULL, vector->text), count);
    free(ids);
}

/* No UTF-8 has lone surrogates, which JavaScript has in eight texts of the vectors; an encoder gives
 * U+FFFD for each. (There are no pairs of escapes.) */
static void replace_surrogates(char *text)
{
    while ((text = strstr(text, "\\ud")) != NULL) {
        if (strchr("89abcdef", text[3]) != NULL)
            memcpy(text, "\\ufffd", 6);
        text += 3;
    }
}

static void fixtures(void **state)
{
    (void)state;
    struct token_cache *cache = token_cache_new(0);
    each_fixture(check_vector, cache);
    token_cache_free(&cache);
}

static void vectors(void **state)
{
    (void)state;
    size_t len;
    char *text = read_file(VECTORS, &len);
    if (text == NULL) {
        print_message("no %s here: skipped\n", VECTORS);
        skip();
    }
    replace_surrogates(text);
    struct token_cache *cache = token_cache_new(0);
    int count = each_vector(span_make(text, len), check_vector, cache);
    print_message("%d vectors\n", count);
    assert_true(count > 1000);
    token_cache_free(&cache);
    free(text);
}

int test_tokens_vectors(void);

int test_tokens_vectors(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fixtures), cmocka_unit_test(vectors)};
    return cmocka_run_group_tests_name("llm/tokens_vectors", tests, NULL, NULL);
}
