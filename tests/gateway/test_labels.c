/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Tags in all forms that clients send them in, and what is left of those that are no tags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "labels.h"

#include <stdio.h>
#include <string.h>

int test_labels(void);

static void read_headers(const struct header *items, size_t count, struct receipt *receipt)
{
    struct headers headers = {items, count};
    struct arena scratch;
    arena_init(&scratch, 1 << 16);
    memset(receipt, 0, sizeof *receipt);
    labels_read(&headers, &scratch, receipt);
    arena_fini(&scratch);
}

static void expect_tags(const char *name, const char *value, const char *expected)
{
    struct header header = {span_from_string(name), span_from_string(value)};
    struct receipt receipt;
    read_headers(&header, 1, &receipt);
    assert_string_equal(receipt.tags, expected);
}

static void every_form_is_read(void **state)
{
    (void)state;
    expect_tags("x-weir-tags", "feature=chat, team = search ,x=", "feature=chat,team=search,x=");
    expect_tags("X-Weir-Tags", "beta", "beta=true");
    expect_tags("x-litellm-tags", "prod,blue green", "prod=true,blue green=true");
    expect_tags("x-portkey-metadata", "{\"_user\":\"anna\",\"env\":\"prod\",\"n\":3,\"b\":true}",
                "_user=anna,env=prod,n=3,b=true");
    expect_tags("cf-aig-metadata", "{\"team\": \"AI \\u00e9\"}", "team=AI __");
    expect_tags("Helicone-Property-Conversation", "support", "Conversation=support");
    expect_tags("x-other", "a=b", "");
}

static void what_is_no_tag_says_nothing(void **state)
{
    (void)state;
    expect_tags("x-weir-tags", ",,=v, =,", "");
    expect_tags("x-portkey-metadata", "{\"a\":", "");
    expect_tags("x-portkey-metadata", "[1]", "");
    expect_tags("x-portkey-metadata", "{\"a\":{\"b\":1},\"c\":null,\"d\":[1],\"e\":\"1\"}", "e=1");
    expect_tags("Helicone-Property-", "v", "");
}

static void text_is_made_plain(void **state)
{
    (void)state;
    expect_tags("cf-aig-metadata", "{\"a,b=c\":\"d,e=\\\"f\\\\\\n\"}", "a_b_c=d_e__f__");
    expect_tags("x-weir-tags", "k=v=w", "k=v_w");
    expect_tags("x-weir-tags", "k=\xc3\xa9", "k=__");
}

static void the_first_of_a_name_stays(void **state)
{
    (void)state;
    const struct header items[] = {{SPAN("x-weir-tags"), SPAN("a=1,b=2,A=3")},
                                   {SPAN("Helicone-Property-b"), SPAN("4")},
                                   {SPAN("x-weir-tags"), SPAN("c=5")}};
    struct receipt receipt;
    read_headers(items, 3, &receipt);
    assert_string_equal(receipt.tags, "a=1,b=2,c=5");
}

static void there_is_an_end_to_them(void **state)
{
    (void)state;
    char many[400] = "", expected[200] = "", tag[16];
    for (int i = 0; i < 20; i++) {
        snprintf(tag, sizeof tag, "%st%d=1", i > 0 ? "," : "", i);
        strcat(many, tag);
        if (i < LABELS_MAX_TAGS)
            strcat(expected, tag);
    }
    expect_tags("x-weir-tags", many, expected);

    char large[5][256], text[900];
    memset(text, 'v', sizeof text);
    struct header items[5];
    for (int i = 0; i < 5; i++) {
        snprintf(large[i], sizeof large[i], "n%d=%.*s", i, 200, text);
        items[i] = (struct header){SPAN("x-weir-tags"), span_from_string(large[i])};
    }
    struct receipt receipt;
    read_headers(items, 5, &receipt);
    assert_int_equal(strlen(receipt.tags), 3 * (3 + 128) + 2); /* a fourth finds no room */
    assert_non_null(strstr(receipt.tags, ",n2="));
    assert_null(strstr(receipt.tags, "n3"));
}

static void the_prompt_is_named(void **state)
{
    (void)state;
    struct header header = {SPAN("x-weir-prompt"), SPAN("greeting@7")};
    struct receipt receipt;
    read_headers(&header, 1, &receipt);
    assert_string_equal(receipt.prompt, "greeting@7");
    read_headers(NULL, 0, &receipt);
    assert_string_equal(receipt.prompt, "");
}

int test_labels(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),      cmocka_unit_test(what_is_no_tag_says_nothing),
        cmocka_unit_test(text_is_made_plain),      cmocka_unit_test(the_first_of_a_name_stays),
        cmocka_unit_test(there_is_an_end_to_them), cmocka_unit_test(the_prompt_is_named),
    };
    return cmocka_run_group_tests_name("gateway/labels", tests, NULL, NULL);
}
