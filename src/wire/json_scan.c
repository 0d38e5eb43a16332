/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict pass: one walk over the text with a state and a stack of open containers, no
 * recursion.
 *
 *   VALUE, FIRST_VALUE --scalar or closed container--> NEXT --,--> VALUE or KEY
 *   KEY, FIRST_KEY     --"key" :--> VALUE                   --end of the root--> END
 *   [ --> FIRST_VALUE    { --> FIRST_KEY
 *
 * Invariants: frames[0..depth) are the open containers, the root first; keys holds the keys of the
 * open objects only; members of the root are noted as offsets and copied to the arena at the end,
 * when their number is known.
 */
#include "wire/json.h"

#include "base/memory.h"
#include "json_keys.h"
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS_INLINE 32

enum want { WANT_VALUE, WANT_FIRST_VALUE, WANT_KEY, WANT_FIRST_KEY, WANT_NEXT, WANT_END };

struct frame {
    bool object;
    size_t keys_from; /* index of its first key */
};

/* A member of the root, as offsets: the two quotes of the key, and the value. */
struct member {
    uint32_t key_open;
    uint32_t key_close;
    uint32_t value;
    uint32_t value_end;
    enum json_type type;
    bool escaped;
};

struct scanner {
    const char *start;
    const char *at;
    const char *end;
    enum want want;
    unsigned depth;
    struct json_where where; /* what is wrong, when something is */
    struct frame frames[JSON_MAX_DEPTH];
    struct member *members; /* inline_members, or malloc'ed */
    size_t member_count;
    size_t member_capacity;
    struct member inline_members[MEMBERS_INLINE];
    struct json_keys keys;
};

static bool fail(struct scanner *scanner, const char *at, const char *what)
{
    scanner->where = (struct json_where){at, what};
    return false;
}

/* ---- members of the root ---- */

/* Whether what is read now is a key or a value of the root itself. */
static bool in_root_object(const struct scanner *scanner)
{
    return scanner->depth == 1 && scanner->frames[0].object;
}

/* Notes a member whose key lies from `at` to `close`; the value's place follows. */
static bool add_member(struct scanner *scanner, const char *close, bool escaped)
{
    if (scanner->member_count == scanner->member_capacity) {
        bool inline_members = scanner->members == scanner->inline_members;
        size_t size = scanner->member_capacity * sizeof(struct member);
        struct member *grown = realloc(inline_members ? NULL : scanner->members, size * 2);
        if (grown == NULL)
            return fail(scanner, scanner->at, "out of memory");
        if (inline_members)
            memcpy(grown, scanner->inline_members, size);
        scanner->members = grown;
        scanner->member_capacity *= 2;
    }
    scanner->members[scanner->member_count++] =
        (struct member){.key_open = (uint32_t)(scanner->at - scanner->start),
                        .key_close = (uint32_t)(close - scanner->start),
                        .escaped = escaped};
    return true;
}

static void note_value(struct scanner *scanner)
{
    struct member *member = &scanner->members[scanner->member_count - 1];
    member->value = (uint32_t)(scanner->at - scanner->start);
    member->type = json_type_of(*scanner->at);
}

/* ---- tokens ---- */

static bool keys_result(struct scanner *scanner, enum json_keys_result result, size_t offset)
{
    if (result == JSON_KEYS_OK)
        return true;
    return fail(scanner, scanner->start + offset,
                result == JSON_KEYS_DUPLICATE ? "duplicate key" : "out of memory");
}

/* A value ends at `at`. */
static bool value_done(struct scanner *scanner, const char *at)
{
    scanner->at = at;
    scanner->want = scanner->depth > 0 ? WANT_NEXT : WANT_END;
    if (in_root_object(scanner))
        scanner->members[scanner->member_count - 1].value_end = (uint32_t)(at - scanner->start);
    return true;
}

/* The keys of the outer objects stay below on the stack of keys. */
static bool open_container(struct scanner *scanner, bool object)
{
    if (scanner->depth == JSON_MAX_DEPTH)
        return fail(scanner, scanner->at, "nested too deeply");
    scanner->frames[scanner->depth++] =
        (struct frame){.object = object, .keys_from = scanner->keys.count};
    scanner->want = object ? WANT_FIRST_KEY : WANT_FIRST_VALUE;
    scanner->at++;
    return true;
}

static bool close_container(struct scanner *scanner)
{
    const struct frame *frame = &scanner->frames[scanner->depth - 1];
    if (frame->object) {
        size_t offset = 0;
        enum json_keys_result result = json_keys_end(&scanner->keys, frame->keys_from, &offset);
        if (!keys_result(scanner, result, offset))
            return false;
    }
    scanner->depth--;
    return value_done(scanner, scanner->at + 1);
}

/* What may follow a literal, "truex", is for the next step to refuse. */
static bool scan_literal(struct scanner *scanner, struct span literal)
{
    size_t left = (size_t)(scanner->end - scanner->at);
    if (left < literal.len || memcmp(scanner->at, literal.ptr, literal.len) != 0)
        return fail(scanner, scanner->at, "unexpected character");
    return value_done(scanner, scanner->at + literal.len);
}

static bool scan_string(struct scanner *scanner)
{
    bool escaped;
    const char *close = json_string_end(scanner->at + 1, scanner->end, &escaped, &scanner->where);
    return close != NULL && value_done(scanner, close + 1);
}

static bool scan_number(struct scanner *scanner)
{
    const char *stop = json_number_end(scanner->at, scanner->end, &scanner->where);
    return stop != NULL && value_done(scanner, stop);
}

static bool scan_value(struct scanner *scanner)
{
    if (in_root_object(scanner))
        note_value(scanner);
    switch (*scanner->at) {
    case '{':
        return open_container(scanner, true);
    case '[':
        return open_container(scanner, false);
    case '"':
        return scan_string(scanner);
    case 't':
        return scan_literal(scanner, SPAN("true"));
    case 'f':
        return scan_literal(scanner, SPAN("false"));
    case 'n':
        return scan_literal(scanner, SPAN("null"));
    case '-':
    case '0' ... '9':
        return scan_number(scanner);
    default:
        return fail(scanner, scanner->at, "unexpected character");
    }
}

/* A key and its colon. */
static bool scan_key(struct scanner *scanner)
{
    bool escaped;
    size_t offset = 0;
    if (*scanner->at != '"')
        return fail(scanner, scanner->at, "a key is missing");
    const char *raw = scanner->at + 1;
    const char *close = json_string_end(raw, scanner->end, &escaped, &scanner->where);
    if (close == NULL)
        return false;
    enum json_keys_result result =
        json_keys_add(&scanner->keys, scanner->frames[scanner->depth - 1].keys_from,
                      span_make(raw, (size_t)(close - raw)), escaped, &offset);
    if (!keys_result(scanner, result, offset))
        return false;
    if (scanner->depth == 1 && !add_member(scanner, close, escaped))
        return false;
    scanner->at = json_skip_space(close + 1, scanner->end);
    if (scanner->at == scanner->end || *scanner->at != ':')
        return fail(scanner, scanner->at, "a colon is missing");
    scanner->at++;
    scanner->want = WANT_VALUE;
    return true;
}

/* After a value: a comma, or the end of the container. */
static bool scan_next(struct scanner *scanner)
{
    bool object = scanner->frames[scanner->depth - 1].object;
    if (*scanner->at == (object ? '}' : ']'))
        return close_container(scanner);
    if (*scanner->at != ',')
        return fail(scanner, scanner->at, "a comma or bracket is missing");
    scanner->at++;
    scanner->want = object ? WANT_KEY : WANT_VALUE;
    return true;
}

/* One step of the drawing above; there is a byte at `at`, and it is no white space. */
static bool scan_token(struct scanner *scanner)
{
    switch (scanner->want) {
    case WANT_FIRST_VALUE:
        if (*scanner->at == ']')
            return close_container(scanner);
        return scan_value(scanner);
    case WANT_VALUE:
        return scan_value(scanner);
    case WANT_FIRST_KEY:
        if (*scanner->at == '}')
            return close_container(scanner);
        return scan_key(scanner);
    case WANT_KEY:
        return scan_key(scanner);
    case WANT_NEXT:
        return scan_next(scanner);
    case WANT_END:
        break;
    }
    return fail(scanner, scanner->at, "something follows the value");
}

/* ---- the whole ---- */

static bool scan_text(struct scanner *scanner)
{
    for (;;) {
        scanner->at = json_skip_space(scanner->at, scanner->end);
        if (scanner->at == scanner->end)
            break;
        if (!scan_token(scanner))
            return false;
    }
    return scanner->want == WANT_END || fail(scanner, scanner->at, "unexpected end");
}

/* A member as callers see it; false when the arena is full. */
static bool export_member(const struct scanner *scanner, const struct member *from,
                          struct arena *arena, struct json_member *to)
{
    const char *start = scanner->start;
    to->key = span_make(start + from->key_open + 1, from->key_close - from->key_open - 1);
    to->whole = span_make(start + from->key_open, from->value_end - from->key_open);
    to->value = span_make(start + from->value, from->value_end - from->value);
    to->type = from->type;
    if (!from->escaped)
        return true;
    char *decoded = arena_alloc(arena, to->key.len);
    if (decoded != NULL)
        to->key = span_make(decoded, json_unescape(to->key, decoded));
    return decoded != NULL;
}

static bool export_members(struct scanner *scanner, struct arena *arena, struct json_object *out)
{
    if (scanner->member_count == 0)
        return true;
    out->members = arena_array(arena, scanner->member_count, sizeof(out->members[0]));
    bool room = out->members != NULL;
    for (size_t i = 0; i < scanner->member_count && room; i++)
        room = export_member(scanner, &scanner->members[i], arena, &out->members[i]);
    out->count = room ? scanner->member_count : 0;
    return room || fail(scanner, scanner->start, "too many members");
}

static bool scan(struct scanner *scanner, struct span text, struct arena *arena,
                 struct json_object *out)
{
    /* Members and keys are noted in 32 bits. */
    if (text.len > UINT32_MAX)
        return fail(scanner, text.ptr, "too long");
    if (span_starts_with(text, SPAN("\xEF\xBB\xBF")))
        return fail(scanner, text.ptr, "byte order mark");
    if (!scan_text(scanner))
        return false;
    const char *first = json_skip_space(scanner->start, scanner->end);
    const char *last = scanner->end;
    while (json_is_space(last[-1]))
        last--;
    out->text = span_make(first, (size_t)(last - first));
    out->type = json_type_of(*first);
    return export_members(scanner, arena, out);
}

bool json_scan(struct span text, struct arena *arena, struct json_object *out,
               struct json_fault *fault)
{
    /* Set field by field: its inline arrays are two kilobytes that most texts hardly touch. */
    UNINITIALIZED struct scanner scanner;
    if (text.len == 0)
        text = SPAN("");
    scanner.start = scanner.at = text.ptr;
    scanner.end = text.ptr + text.len;
    scanner.want = WANT_VALUE;
    scanner.depth = 0;
    scanner.members = scanner.inline_members;
    scanner.member_count = 0;
    scanner.member_capacity = MEMBERS_INLINE;
    json_keys_init(&scanner.keys, text);

    *out = (struct json_object){0};
    bool valid = scan(&scanner, text, arena, out);
    if (!valid)
        *fault = (struct json_fault){.offset = (size_t)(scanner.where.at - text.ptr),
                                     .what = scanner.where.what};
    if (scanner.members != scanner.inline_members)
        free(scanner.members);
    json_keys_fini(&scanner.keys);
    return valid;
}
