/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions of price lists, which say things such as "gpt-5.6-luna and a date", written
 * out as patterns of '*' and '#'. No regular expression is ever run: a price file is loaded at each
 * reload, and what compiles them may take any time over them. A run of a class becomes '*', which is
 * wider; what this cannot write out is refused.
 *
 *   ^a(b|c)?\d{2}$   →   a##  ab##  ac##
 */
#include "price_import_private.h"

#define PATTERNS_MAX 64
#define DEPTH_MAX    8
#define REPEATS_MAX  32
#define END          '\1' /* marks that a pattern ends where the text does; so does the next */
#define START        '\2'

struct patterns {
    struct span items[PATTERNS_MAX];
    size_t count;
};

struct parser {
    struct arena *arena;
    struct span text;
    size_t at;
    bool failed;
};

static bool parse_alternatives(struct parser *parser, struct patterns *out, int depth);

static char peek(const struct parser *parser)
{
    return parser->at < parser->text.len ? parser->text.ptr[parser->at] : '\0';
}

static bool take(struct parser *parser, char c)
{
    if (peek(parser) != c || c == '\0')
        return false;
    parser->at++;
    return true;
}

static void add(struct parser *parser, struct patterns *patterns, struct span text)
{
    if (patterns->count == PATTERNS_MAX)
        parser->failed = true;
    else
        patterns->items[patterns->count++] = text;
}

/* Each of `left` followed by each of `right`. */
static void cross(struct parser *parser, struct patterns *left, const struct patterns *right)
{
    struct patterns joined = {.count = 0};
    for (size_t i = 0; i < left->count; i++)
        for (size_t j = 0; j < right->count; j++) {
            const struct span parts[] = {left->items[i], right->items[j]};
            add(parser, &joined, arena_join(parser->arena, parts, 2));
        }
    *left = joined;
}

/* An atom: what it may be once, and what many of it are. */
struct atom {
    struct patterns once;
    struct span many; /* empty: it cannot be repeated */
};

/* One character of several has no pattern; a run of them has. */
static void must_repeat(struct parser *parser, struct atom *atom)
{
    parser->failed |= peek(parser) != '+' && peek(parser) != '*';
    atom->many = SPAN("*");
}

/* "[tT]" is t, since names have no case here; "[13]" is 1 or 3; "[a-z]" and "[^.]" must repeat. */
static void parse_class(struct parser *parser, struct atom *atom)
{
    struct span members = span_from(parser->text, parser->at);
    members.len = span_find(members, ']');
    parser->at += members.len;
    parser->failed |= members.len == 0 || !take(parser, ']');
    if (span_find(members, '-') < members.len || span_find(members, '^') < members.len ||
        peek(parser) == '+' || peek(parser) == '*') {
        must_repeat(parser, atom);
        return;
    }
    for (size_t i = 0; i < members.len; i++) {
        struct span member = span_make(members.ptr + i, 1);
        bool repeated = i > 0 && span_equal_nocase(member, span_make(member.ptr - 1, 1));
        parser->failed |= *member.ptr == '*' || *member.ptr == '#' || *member.ptr == '\\';
        if (!repeated)
            add(parser, &atom->once, member);
    }
}

static void parse_group(struct parser *parser, struct atom *atom, int depth)
{
    if (take(parser, '?') && !take(parser, ':'))
        parser->failed = true; /* a look-ahead, a name */
    parser->failed |= !parse_alternatives(parser, &atom->once, depth + 1) || !take(parser, ')');
}

static void parse_escape(struct parser *parser, struct atom *atom)
{
    char c = peek(parser);
    if (take(parser, 'd')) {
        add(parser, &atom->once, SPAN("#"));
        atom->many = SPAN("*");
        return;
    }
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    parser->failed |= c == '\0' || is_letter || c == '*' || c == '#';
    add(parser, &atom->once, span_make(parser->text.ptr + parser->at, 1));
    parser->at++;
}

static void parse_literal(struct parser *parser, struct atom *atom)
{
    static const char end = END;
    static const char start = START;
    const char *here = parser->text.ptr + parser->at++;
    switch (*here) {
    case '$':
        here = &end;
        break;
    case '^':
        here = &start;
        break;
    case '*':
    case '+':
    case '?':
    case '{':
    case '}':
    case '#':
        parser->failed = true;
        break;
    default:
        break;
    }
    add(parser, &atom->once, span_make(here, 1));
}

static void parse_atom(struct parser *parser, struct atom *atom, int depth)
{
    if (take(parser, '('))
        parse_group(parser, atom, depth);
    else if (take(parser, '['))
        parse_class(parser, atom);
    else if (take(parser, '\\'))
        parse_escape(parser, atom);
    else if (take(parser, '.'))
        must_repeat(parser, atom);
    else
        parse_literal(parser, atom);
}

/* {n}, n times what it is once. */
static void repeat(struct parser *parser, struct atom *atom)
{
    int64_t times = 0;
    while (peek(parser) >= '0' && peek(parser) <= '9' && times <= REPEATS_MAX)
        times = times * 10 + (parser->text.ptr[parser->at++] - '0');
    parser->failed |= times < 1 || times > REPEATS_MAX || !take(parser, '}');
    struct patterns once = atom->once;
    for (int64_t i = 1; i < times && !parser->failed; i++)
        cross(parser, &atom->once, &once);
}

static void parse_quantifier(struct parser *parser, struct atom *atom)
{
    if (take(parser, '?')) {
        add(parser, &atom->once, SPAN(""));
    } else if (take(parser, '{')) {
        repeat(parser, atom);
    } else if (peek(parser) == '+' || peek(parser) == '*') {
        parser->at++;
        parser->failed |= atom->many.len == 0;
        atom->once.count = 0;
        add(parser, &atom->once, atom->many);
    }
}

static void parse_sequence(struct parser *parser, struct patterns *out, int depth)
{
    out->count = 0;
    add(parser, out, SPAN(""));
    while (!parser->failed && parser->at < parser->text.len && peek(parser) != '|' &&
           peek(parser) != ')') {
        struct atom atom = {.once = {.count = 0}};
        parse_atom(parser, &atom, depth);
        if (!parser->failed)
            parse_quantifier(parser, &atom);
        if (!parser->failed)
            cross(parser, out, &atom.once);
    }
}

static bool parse_alternatives(struct parser *parser, struct patterns *out, int depth)
{
    if (depth > DEPTH_MAX)
        return false;
    do {
        struct patterns sequence;
        parse_sequence(parser, &sequence, depth);
        for (size_t i = 0; i < sequence.count; i++)
            add(parser, out, sequence.items[i]);
    } while (!parser->failed && take(parser, '|'));
    return !parser->failed;
}

/* Anchors at the ends become the absence of a star there; elsewhere they match nothing. */
static bool finish(struct importing *importing, struct span text, bool anchored, struct words *out)
{
    bool starts = text.len > 0 && text.ptr[0] == START;
    bool ends = text.len > 0 && text.ptr[text.len - 1] == END;
    text = span_from(text, starts);
    text.len -= ends;
    if (span_find(text, END) < text.len || span_find(text, START) < text.len)
        return false;
    const struct span parts[] = {starts || anchored ? SPAN("") : SPAN("*"), text,
                                 ends ? SPAN("") : SPAN("*")};
    struct span joined = arena_join(&importing->scratch, parts, 3);
    words_add(out, &importing->catalogue->arena,
              catalogue_lower(&importing->catalogue->arena, joined));
    return true;
}

/* Characters of several bytes would be taken apart. */
static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || (unsigned char)text.ptr[i] > 0x7e)
            return false;
    return true;
}

bool import_pattern(struct importing *importing, struct span regex, bool anchored,
                    struct words *out)
{
    struct parser parser = {.arena = &importing->scratch, .text = regex};
    struct patterns patterns = {.count = 0};
    if (!is_ascii(regex) || !parse_alternatives(&parser, &patterns, 0) || parser.at < regex.len)
        return false;
    for (size_t i = 0; i < patterns.count; i++)
        if (!finish(importing, patterns.items[i], anchored, out))
            return false;
    return true;
}
