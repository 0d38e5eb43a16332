/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Every vector of the reference data: the ids, the count, the count in parts. */
#include "support.h"

#include "llm/tokens.h"
#include "wire/json.h"

#include <inttypes.h>

#define VECTORS SHARED_DATA "/tokens/vectors.jsonl"

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

struct vector {
    struct span encoding;
    struct span mode;
    struct span text;
    struct span ids; /* an array */
};

/* By the walk: the tree ends strings at a NUL, and there are some. */
static struct vector read_vector(struct span line, struct arena *arena)
{
    struct vector vector = {SPAN_NONE, SPAN_NONE, SPAN_NONE, SPAN_NONE};
    struct span key;
    struct span value;
    enum json_type type;
    for (size_t at = 0; json_walk(line, &at, &key, &value, &type);) {
        if (span_equal(key, SPAN("encoding")))
            vector.encoding = json_decode_string(value, arena);
        else if (span_equal(key, SPAN("mode")))
            vector.mode = json_decode_string(value, arena);
        else if (span_equal(key, SPAN("text")))
            vector.text = json_decode_string(value, arena);
        else if (span_equal(key, SPAN("ids")))
            vector.ids = value;
    }
    assert_non_null(vector.text.ptr);
    return vector;
}

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

static void check_vector(const struct vector *vector, struct token_cache *cache)
{
    enum encoding encoding;
    assert_true(encoding_find(vector->encoding, &encoding));
    const struct tokenizer *tokenizer = tokenizer_builtin(encoding);
    size_t room = vector->text.len + 1;
    uint32_t *ids = memory_array(room, sizeof(ids[0]));
    size_t count = tokens_encode(tokenizer, vector->text, ids, room);
    check_ids(vector, ids, count);
    assert_int_equal(tokens_count(tokenizer, cache, vector->text), count);
    assert_int_equal(tokens_count(tokenizer, NULL, vector->text), count);
    free(ids);
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
    struct span rest = span_make(text, len);
    struct arena arena;
    int count = 0;
    arena_init(&arena, 8 << 20);
    while (rest.len > 0) {
        struct span line;
        rest = span_cut(rest, '\n', &line);
        struct vector vector = read_vector(line, &arena);
        if (span_equal(vector.mode, SPAN("ordinary"))) {
            check_vector(&vector, cache);
            count++;
        }
        arena_reset(&arena);
    }
    print_message("%d vectors\n", count);
    assert_true(count > 1000);
    token_cache_free(&cache);
    arena_fini(&arena);
    free(text);
}

int test_tokens_vectors(void);

int test_tokens_vectors(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors)};
    return cmocka_run_group_tests_name("llm/tokens_vectors", tests, NULL, NULL);
}
