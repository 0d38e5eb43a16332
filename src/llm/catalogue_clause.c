/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Clauses: which models an entry is about. Texts are in lower case on both sides. */
#include "catalogue_private.h"

const char *const clause_names[CLAUSE_KINDS] = {[CLAUSE_EQUALS] = "equals",
                                                [CLAUSE_STARTS_WITH] = "starts_with",
                                                [CLAUSE_ENDS_WITH] = "ends_with",
                                                [CLAUSE_CONTAINS] = "contains",
                                                [CLAUSE_LIKE] = "like",
                                                [CLAUSE_OR] = "or",
                                                [CLAUSE_AND] = "and",
                                                [CLAUSE_NOT] = "not"};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The last star takes a byte more each time what follows it does not fit: linear for one star, and
 * never worse than the product of the lengths. */
bool clause_like(struct span pattern, struct span text)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = pattern.len; /* none yet */
    size_t taken = 0;
    while (t < text.len) {
        char wanted = p < pattern.len ? pattern.ptr[p] : '\0';
        if (p < pattern.len && wanted == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.len &&
                   (wanted == '#' ? is_digit(text.ptr[t]) : wanted == text.ptr[t])) {
            p++;
            t++;
        } else if (star < pattern.len) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

static bool any_matches(const struct clause *clause, struct span lower)
{
    for (; clause != NULL; clause = clause->next)
        if (clause_matches(clause, lower))
            return true;
    return false;
}

static bool all_match(const struct clause *clause, struct span lower)
{
    for (; clause != NULL; clause = clause->next)
        if (!clause_matches(clause, lower))
            return false;
    return true;
}

bool clause_matches(const struct clause *clause, struct span lower)
{
    switch (clause->kind) {
    case CLAUSE_EQUALS:
        return span_equal(lower, clause->text);
    case CLAUSE_STARTS_WITH:
        return span_starts_with(lower, clause->text);
    case CLAUSE_ENDS_WITH:
        return span_ends_with(lower, clause->text);
    case CLAUSE_CONTAINS:
        return span_search(lower, clause->text) < lower.len;
    case CLAUSE_LIKE:
        return clause_like(clause->text, lower);
    case CLAUSE_OR:
        return any_matches(clause->first, lower);
    case CLAUSE_AND:
        return all_match(clause->first, lower);
    case CLAUSE_NOT:
        return !clause_matches(clause->first, lower);
    case CLAUSE_KINDS:
        break;
    }
    return false;
}

bool clause_names_exactly(const struct clause *clause, struct span lower)
{
    if (clause->kind == CLAUSE_EQUALS)
        return span_equal(lower, clause->text);
    if (clause->kind != CLAUSE_OR)
        return false;
    for (const struct clause *part = clause->first; part != NULL; part = part->next)
        if (clause_names_exactly(part, lower))
            return true;
    return false;
}

struct clause *clause_new(struct arena *arena, enum clause_kind kind, struct span text)
{
    struct clause *clause = ARENA_NEW(arena, struct clause);
    if (clause != NULL)
        *clause = (struct clause){.kind = kind, .text = catalogue_lower(arena, text)};
    return clause;
}
