/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What a budget is about, and how it stands for those who only look. */
#include "budget_private.h"
#include "policy/subjects.h"

#include "base/assert.h"

/* Of a client that names no user, session or tag. */
#define NONE SPAN("none")

const char *budget_per_name(enum budget_per per)
{
    static const char *const names[] = {"tenant", "key", "user", "session"};
    return names[per];
}

static struct span or_none(struct span given)
{
    return given.len > 0 ? given : NONE;
}

struct span budget_subject(enum budget_per per, const struct budget_facts *facts)
{
    switch (per) {
    case BUDGET_PER_TENANT:
        return SPAN_NONE;
    case BUDGET_PER_KEY:
        return or_none(facts->key);
    case BUDGET_PER_USER:
        return or_none(facts->user);
    case BUDGET_PER_SESSION:
        return or_none(facts->session);
    }
    UNREACHABLE();
}

/* The value of a tag in "name=value,name=value". */
static struct span tag_value(struct span tags, struct span name)
{
    while (tags.len > 0) {
        struct span tag, found;
        tags = span_cut(tags, ',', &tag);
        struct span value = span_cut(tag, '=', &found);
        if (span_equal(found, name))
            return or_none(value);
    }
    return NONE;
}

bool budget_matches(const struct budget *budget, const struct budget_facts *facts)
{
    if (budget->match_model.len > 0 && !span_equal(budget->match_model, facts->model))
        return false;
    for (size_t i = 0; i < budget->match_tag_count; i++)
        if (!span_equal(tag_value(facts->tags, budget->match_tags[i].name),
                        budget->match_tags[i].value))
            return false;
    return true;
}

/* ---- looking ---- */

static void look_at_nothing(const struct budget *budget, int64_t wall_ns, struct budget_view *view)
{
    int64_t id = window_at(&budget->window, wall_ns);
    *view = (struct budget_view){.window_id = id,
                                 .reset_wall_ns = window_end(&budget->window, id),
                                 .limit_nusd = budget->limit_nusd,
                                 .tokens.limit = budget->limit_tokens};
}

struct worst_spend {
    const struct budget *budget;
    int64_t wall_ns;
    struct budget_view *view;
};

static void look_at_subject(struct budget_cell *cell, void *argument)
{
    const struct worst_spend *worst = argument;
    struct budget_view view;
    budget_cell_look(cell, &worst->budget->window, worst->wall_ns, &view);
    if (view.spent_nusd > worst->view->spent_nusd ||
        (view.spent_nusd == worst->view->spent_nusd &&
         view.tokens.spent > worst->view->tokens.spent))
        *worst->view = view;
}

/* With a reference; NULL: it has spent nothing yet. */
static struct budget_cell *find_cell(const struct budget *budget, const struct budget_facts *facts)
{
    if (budget->subjects == NULL)
        return budget_cell_ref(budget->cell);
    return budget_subjects_find(budget->subjects, budget_subject(budget->per, facts));
}

void budget_look(const struct budget *budget, const struct budget_facts *facts, int64_t wall_ns,
                 struct budget_view *view)
{
    look_at_nothing(budget, wall_ns, view);
    if (budget->subjects != NULL && facts == NULL) {
        struct worst_spend worst = {budget, wall_ns, view};
        budget_subjects_walk(budget->subjects, look_at_subject, &worst);
        return;
    }
    struct budget_cell *cell = find_cell(budget, facts);
    if (cell != NULL)
        budget_cell_look(cell, &budget->window, wall_ns, view);
    budget_cell_unref(&cell);
}

struct worst_state {
    const struct budget *budget;
    struct ladder_now now;
    struct ladder_view *view;
};

static void look_at_state(struct budget_cell *cell, void *argument)
{
    const struct worst_state *worst = argument;
    struct ladder_view view;
    budget_cell_ladder(cell, &worst->budget->window, &worst->budget->ladder, worst->now, &view);
    if (view.state > worst->view->state)
        *worst->view = view;
}

void budget_ladder_look(const struct budget *budget, const struct budget_facts *facts,
                        struct ladder_now now, struct ladder_view *view)
{
    *view = (struct ladder_view){.state = LADDER_CLOSED};
    struct worst_state worst = {budget, now, view};
    if (budget->subjects != NULL && facts == NULL) {
        budget_subjects_walk(budget->subjects, look_at_state, &worst);
        return;
    }
    struct budget_cell *cell = find_cell(budget, facts);
    if (cell != NULL)
        look_at_state(cell, &worst);
    budget_cell_unref(&cell);
}
