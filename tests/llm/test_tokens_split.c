/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splitters: pieces by hand for each grammar; the block splitter against the one that looks at each
 * character; both against PCRE2 with the grammars' own expressions, and the table of classes against
 * PCRE2's (where that is at hand), on texts by chance.
 */
#include "tokens_support.h"

#include "tokens_block.h"
#include "tokens_class.h"
#include "tokens_split.h"

#ifdef HAVE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

/* ---- by hand ---- */

/* The pieces with bars between them are `barred`. */
static void check_pieces(enum token_grammar grammar, const char *barred)
{
    char text[256];
    char got[256];
    size_t len = 0;
    size_t put = 0;
    for (const char *at = barred; *at != '\0'; at++)
        if (*at != '|')
            text[len++] = *at;
    /* In memory of exactly its size, so that a read past the end is seen. */
    char *exact = malloc(len);
    memcpy(exact, text, len);
    for (const char *at = exact; at < exact + len;) {
        const char *next = split_piece(grammar, at, exact + len);
        if (at > exact)
            got[put++] = '|';
        memcpy(got + put, at, (size_t)(next - at));
        put += (size_t)(next - at);
        at = next;
    }
    got[put] = '\0';
    assert_string_equal(got, barred);
    free(exact);
}

static void pieces_of_cl100k(void **state)
{
    (void)state;
    check_pieces(GRAMMAR_CL100K, "Hello|,| world|!\n\n|a");
    check_pieces(GRAMMAR_CL100K, "don|'t|'s|alad| '|re|'RE|x|'ll|ama");
    check_pieces(GRAMMAR_CL100K, "x|'\xC5\xBF|a");
    check_pieces(GRAMMAR_CL100K, "a|123|45| |6|  | |7");
    check_pieces(GRAMMAR_CL100K, "a| b|  | c|\t\t|\td| \n|  | e");
    check_pieces(GRAMMAR_CL100K, "!a|!!|a| !!|a|!!\n\r\n|  | a");
    check_pieces(GRAMMAR_CL100K, "\xC2\x85"
                                 "a|\xEF\xBB\xBF"
                                 "b|\xC2\xA0"
                                 "c");
    check_pieces(GRAMMAR_CL100K, "ABC\xE4\xB8\xAD"
                                 "DEF|\xCC\x81"
                                 "AB");
    check_pieces(GRAMMAR_CL100K, "a|\n  \n   "); /* \s++$ comes first */
    check_pieces(GRAMMAR_LLAMA3, "a|\n  \n|   ");
    check_pieces(GRAMMAR_QWEN, "a|1|2|3|'ll|b|\n| ");
}

static void pieces_of_o200k(void **state)
{
    (void)state;
    check_pieces(GRAMMAR_O200K, "Hello|,| World|Wide|XML|-request|\n\n|a");
    check_pieces(GRAMMAR_O200K, "don't|'s|ALAD's| '|rex'LL|amab's|'s");
    check_pieces(GRAMMAR_O200K, "x'\xC5\xBF|a'\xC5\xBF|a| '|\xC5\xBF");
    check_pieces(GRAMMAR_O200K, "ABC\xE4\xB8\xAD|DEF|\tghi\xE4\xB8\xAD|DEf");
    check_pieces(GRAMMAR_O200K, "\xCC\x81|AB| \xCC\x81"
                                "ab\xCC\x81|!\xCC\x81|!!\xCC\x81");
    check_pieces(GRAMMAR_O200K, "};\n//\n/|x| /\n/|-!\r\n");
    check_pieces(GRAMMAR_O200K, "1|\n \n|  | a|123|4| |5");
    check_pieces(GRAMMAR_TEKKEN, "don|'t|1|2|3| Word|Word|!/\n/");
}

static void pieces_of_deepseek(void **state)
{
    (void)state;
    check_pieces(GRAMMAR_DEEPSEEK, "a|  |123|456|  | b");
    check_pieces(GRAMMAR_DEEPSEEK, "abc|\xE4\xB8\xAD\xE6\x96\x87|abc| |\xE4\xB8\xAD");
    check_pieces(GRAMMAR_DEEPSEEK, "\xE3\x82\xA2|\xE3\x83\xBB|\xE3\x82\xA2"); /* ア・ア */
    check_pieces(GRAMMAR_DEEPSEEK, "!abc|\xC3\xA9t\xC3\xA9|!!|abc|\xE2\x82\xAC|abc| !!\n\n|x");
    check_pieces(GRAMMAR_DEEPSEEK, "\x01\x02|\x03"
                                   "a|\x01|1");
    check_pieces(GRAMMAR_DEEPSEEK, "a\xCC\x81"
                                   "b|\n\n|  | x|\n| ");
}

/* ---- blocks ---- */

/* Where pieces begin, a byte for each of the text's, and one for the end. */
static void mark_pieces(enum token_grammar grammar, struct span text, char *marks)
{
    memset(marks, 0, text.len + 1);
    const char *end = text.ptr + text.len;
    for (const char *at = text.ptr; at < end; at = split_piece(grammar, at, end))
        marks[at - text.ptr] = 1;
    marks[text.len] = 1;
}

/* Each block that begins with a piece says of all bytes up to its last start what split_piece says. */
static void check_blocks(enum token_grammar grammar, struct span text, const char *marks)
{
    for (size_t at = 0; at + BLOCK_SIZE <= text.len; at++) {
        if (marks[at] == 0)
            continue;
        char *exact = malloc(BLOCK_SIZE);
        memcpy(exact, text.ptr + at, BLOCK_SIZE);
        uint64_t starts = block_starts(grammar, exact);
        free(exact);
        assert_true((starts & 1) == 1);
        for (unsigned i = 0; i < 64 && starts >> i != 0; i++)
            if ((starts >> i & 1) != (uint64_t)marks[at + i])
                fail_msg("grammar %d: byte %u of <%.64s>", (int)grammar, i, text.ptr + at);
    }
}

static void blocks_split_as_characters_do(void **state)
{
    (void)state;
    char room[8 * 80];
    char marks[8 * 80 + 1];
    struct chance chance = {5};
    for (int i = 0; i < 20000; i++) {
        struct span text = chance_text(&chance, room, 80);
        enum token_grammar grammar = (enum token_grammar)(i % GRAMMAR_COUNT);
        if (!block_splits(grammar))
            continue;
        mark_pieces(grammar, text, marks);
        check_blocks(grammar, text, marks);
    }
}

/* ---- PCRE2 ---- */

#ifdef HAVE_PCRE2

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define UPPERS      "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWERS      "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define BEFORE      "[^\\r\\n\\p{L}\\p{N}]?"
#define SPACES      "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LIKE_CL100K(DIGITS) \
    CONTRACTION "|" BEFORE "\\p{L}+|\\p{N}" DIGITS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES
#define LIKE_O200K(DIGITS, AFTER)                                                              \
    BEFORE UPPERS "*" LOWERS "+" AFTER "|" BEFORE UPPERS "+" LOWERS "*" AFTER "|\\p{N}" DIGITS \
                  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES

#define STAGES_MAX 3

/* What each stage matches is cut out; the stages after it look at that, and at what is between. */
static const char *const expressions[GRAMMAR_COUNT][STAGES_MAX] = {
    [GRAMMAR_CL100K] = {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+|"
                        " ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++\\z|\\s*[\\r\\n]|\\s+(?!\\S)|\\s"},
    [GRAMMAR_O200K] = {LIKE_O200K("{1,3}", CONTRACTION "?")},
    [GRAMMAR_LLAMA3] = {LIKE_CL100K("{1,3}")},
    [GRAMMAR_QWEN] = {LIKE_CL100K("")},
    [GRAMMAR_TEKKEN] = {LIKE_O200K("", "")},
    [GRAMMAR_DEEPSEEK] =
        {"\\p{N}{1,3}", "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+",
         "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"
         "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*" SPACES},
};

struct oracle {
    pcre2_code *stages[STAGES_MAX];
    pcre2_match_data *match;
};

static pcre2_code *compile(const char *expression)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_UCP, &error, &offset, NULL);
    assert_non_null(code);
    return code;
}

/* Marks where the pieces of text[from..to) begin. */
static void oracle_mark(const struct oracle *oracle, int stage, struct span text, char *marks)
{
    if (stage == STAGES_MAX || oracle->stages[stage] == NULL)
        return;
    size_t at = 0;
    while (at < text.len) {
        int found = pcre2_match(oracle->stages[stage], (PCRE2_SPTR)text.ptr, text.len, at,
                                PCRE2_NO_UTF_CHECK, oracle->match, NULL);
        PCRE2_SIZE *where = pcre2_get_ovector_pointer(oracle->match);
        size_t begin = found > 0 ? where[0] : text.len;
        size_t end = found > 0 ? where[1] : text.len;
        marks[at] = 1;
        if (begin > at)
            oracle_mark(oracle, stage + 1, span_make(text.ptr + at, begin - at), marks + at);
        if (begin < text.len) {
            marks[begin] = 1;
            oracle_mark(oracle, stage + 1, span_make(text.ptr + begin, end - begin), marks + begin);
        }
        at = end;
    }
}

/* The groups are in the order of enum char_class, after the first, which is for all others. */
#define CLASSES                                                                                \
    "(?:\\z()|([\\p{P}\\p{S}])|(\\p{M})|(\\p{N})|([^\\S\\r\\n])|([\\r\\n])|(\\p{Lu}|\\p{Lt})|" \
    "(\\p{Ll})|(\\p{Lm}|\\p{Lo}))"

struct classifier {
    pcre2_code *code;
    pcre2_match_data *match;
};

static struct classifier classifier_new(void)
{
    pcre2_code *code = compile(CLASSES);
    return (struct classifier){code, pcre2_match_data_create_from_pattern(code, NULL)};
}

static void classifier_free(struct classifier *classifier)
{
    pcre2_match_data_free(classifier->match);
    pcre2_code_free(classifier->code);
}

/* The class of the character that is the text. */
static unsigned class_by_pcre2(const struct classifier *classifier, struct span text)
{
    int groups = pcre2_match(classifier->code, (PCRE2_SPTR)text.ptr, text.len, 0,
                             PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED, classifier->match, NULL);
    return groups > 1 ? (unsigned)groups - 2 : CLASS_OTHER;
}

/* To it U+180E is a space, as it was in Unicode once. */
#define ODD_SPACE 0x180E

/* PCRE2 may know an older Unicode, to which characters of a newer one are nothing. */
static void classes_are_those_of_pcre2(void **state)
{
    (void)state;
    struct classifier classifier = classifier_new();
    int newer = 0;
    for (uint32_t code = 0; code < 0x110000; code++) {
        char text[4];
        if ((code >= 0xD800 && code < 0xE000) || code == ODD_SPACE)
            continue;
        unsigned class = class_by_pcre2(&classifier, span_make(text, put_code(text, code)));
        if (class == class_of(code))
            continue;
        if (class != CLASS_OTHER)
            fail_msg("U+%04X is of class %u, not %u", code, class, class_of(code));
        newer++;
    }
    print_message("%d characters are new to this PCRE2\n", newer);
    assert_true(newer < 15000);
    classifier_free(&classifier);
}

/* No character of the text is new to it. */
static bool all_known(const struct classifier *classifier, struct span text)
{
    for (const char *at = text.ptr; at < text.ptr + text.len;) {
        struct character c = character_at(at);
        if (c.code == ODD_SPACE || SET(class_by_pcre2(classifier, span_make(at, c.len))) != c.set)
            return false;
        at += c.len;
    }
    return true;
}

static void compare_pieces(const struct oracle *oracle, enum token_grammar grammar,
                           struct span text)
{
    char marks[8 * 40 + 1];
    char expected[8 * 40 + 1] = {0};
    oracle_mark(oracle, 0, text, expected);
    mark_pieces(grammar, text, marks);
    for (size_t k = 0; k < text.len; k++)
        if (marks[k] != expected[k])
            fail_msg("grammar %d: byte %zu of <%.*s>", (int)grammar, k, SPAN_ARG(text));
}

static void pieces_are_those_of_pcre2(void **state)
{
    (void)state;
    struct chance chance = {17};
    struct classifier classifier = classifier_new();
    int compared = 0;
    for (enum token_grammar grammar = 0; grammar < GRAMMAR_COUNT; grammar++) {
        struct oracle oracle = {.match = pcre2_match_data_create(1, NULL)};
        for (int stage = 0; stage < STAGES_MAX; stage++)
            if (expressions[grammar][stage] != NULL)
                oracle.stages[stage] = compile(expressions[grammar][stage]);
        for (int i = 0; i < 4000; i++) {
            char room[8 * 40];
            struct span text = chance_text(&chance, room, 1 + chance_below(&chance, 40));
            if (!all_known(&classifier, text))
                continue;
            compare_pieces(&oracle, grammar, text);
            compared++;
        }
        for (int stage = 0; stage < STAGES_MAX; stage++)
            pcre2_code_free(oracle.stages[stage]);
        pcre2_match_data_free(oracle.match);
    }
    assert_true(compared > 12000);
    classifier_free(&classifier);
}

#else

static void classes_are_those_of_pcre2(void **state)
{
    (void)state;
    print_message("no libpcre2-8 here: skipped\n");
    skip();
}

static void pieces_are_those_of_pcre2(void **state)
{
    classes_are_those_of_pcre2(state);
}

#endif

int test_tokens_split(void);

int test_tokens_split(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_cl100k),
        cmocka_unit_test(pieces_of_o200k),
        cmocka_unit_test(pieces_of_deepseek),
        cmocka_unit_test(blocks_split_as_characters_do),
        cmocka_unit_test(classes_are_those_of_pcre2),
        cmocka_unit_test(pieces_are_those_of_pcre2),
    };
    return cmocka_run_group_tests_name("llm/tokens_split", tests, NULL, NULL);
}
