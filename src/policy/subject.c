/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The walk from a key up its tenants, and what is asked along the way. Everything here is
 * immutable. */
#include "policy/subject.h"

#include "base/assert.h"

struct subject_walk subject_walk(const struct key *key)
{
    return (struct subject_walk){.key = key, .tenant = key->tenant};
}

const struct allowance *subject_next(struct subject_walk *walk)
{
    if (walk->key != NULL) {
        const struct allowance *of_key = &walk->key->allowance;
        walk->key = NULL;
        return of_key;
    }
    if (walk->tenant == NULL)
        return NULL;
    const struct allowance *of_tenant = &walk->tenant->allowance;
    walk->tenant = walk->tenant->parent;
    return of_tenant;
}

/* Lists are short and looked at once a request: a walk beats a table. */
static bool tenant_may_use(const struct tenant *tenant, struct span model)
{
    if (tenant->models == NULL)
        return true;
    for (size_t i = 0; i < tenant->model_count; i++)
        if (span_equal(tenant->models[i], model))
            return true;
    return false;
}

bool subject_may_use(const struct key *key, struct span model)
{
    for (const struct tenant *tenant = key->tenant; tenant != NULL; tenant = tenant->parent)
        if (!tenant_may_use(tenant, model))
            return false;
    return true;
}

size_t subject_budgets(const struct key *key, const struct budget_facts *facts,
                       const struct budget *path[BUDGET_MAX_PATH])
{
    struct subject_walk walk = subject_walk(key);
    const struct allowance *node;
    size_t count = 0, all = 0;
    while ((node = subject_next(&walk)) != NULL) {
        all += node->budget_count;
        ASSERT(all <= BUDGET_MAX_PATH);
        for (size_t i = 0; i < node->budget_count; i++)
            if (budget_matches(&node->budgets[i], facts))
                path[count++] = &node->budgets[i];
    }
    return count;
}

static bool is_such(const struct budget *budget, enum subject_has what)
{
    switch (what) {
    case SUBJECT_HAS_BUDGET:
        return true;
    case SUBJECT_HAS_LIMIT:
        return !budget->observe;
    case SUBJECT_HAS_MONEY:
        return !budget->observe && budget->limit_nusd != BUDGET_NO_LIMIT;
    case SUBJECT_HAS_TOKENS:
        return !budget->observe && budget->limit_tokens != BUDGET_NO_LIMIT;
    case SUBJECT_HAS_BOUND:
        return !budget->observe && budget->hold == BUDGET_HOLD_BOUND;
    case SUBJECT_HAS_LEARNED:
        return budget->hold == BUDGET_HOLD_LEARNED;
    }
    UNREACHABLE();
}

bool subject_has(const struct key *key, const struct budget_facts *facts, enum subject_has what)
{
    struct subject_walk walk = subject_walk(key);
    const struct allowance *node;
    while ((node = subject_next(&walk)) != NULL)
        for (size_t i = 0; i < node->budget_count; i++)
            if (is_such(&node->budgets[i], what) &&
                (facts == NULL || budget_matches(&node->budgets[i], facts)))
                return true;
    return false;
}

bool subject_has_token_limit(const struct key *key)
{
    struct subject_walk walk = subject_walk(key);
    const struct allowance *node;
    while ((node = subject_next(&walk)) != NULL)
        if (node->tokens != NULL)
            return true;
    return false;
}

int64_t subject_max_input_tokens(const struct key *key)
{
    struct subject_walk walk = subject_walk(key);
    const struct allowance *node;
    int64_t least = 0;
    while ((node = subject_next(&walk)) != NULL)
        if (node->max_input_tokens > 0 && (least == 0 || node->max_input_tokens < least))
            least = node->max_input_tokens;
    return least;
}
