/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read, check, build: in this order, so that a file with any problem has touched nothing.
 *
 *   bytes --text.c--> guarded bytes --read.c, expand.c--> tree of nodes --schema.c, check_*.c-->
 *   drafts and settings in a new snapshot --build.c--> routes, then cells, then the snapshot in use
 *
 * Every stage reports into one list and goes on where it can. The tree and all that only the checks
 * need lie in a scratch arena that ends with the load; what stays lies in the snapshot's own.
 */
#include "config/load.h"

#include "base/clock.h"
#include "base/memory.h"
#include "build.h"
#include "check.h"
#include "read.h"
#include "report.h"

#include <string.h>
#include <unistd.h>

/* What read.c lets through takes far less; the arenas' caps are not what bounds it. */
#define ARENA_CAP ((size_t)4 << 30)

/* Empty, with one reference. */
static struct snapshot *new_snapshot(void)
{
    struct snapshot *snapshot = MEMORY_NEW(struct snapshot);
    ref_init(&snapshot->ref);
    arena_init(&snapshot->arena, ARENA_CAP);
    table_init(&snapshot->models_by_name);
    table_init(&snapshot->keys_by_digest);
    snapshot->loaded_wall_ns = clock_wall_ns();
    return snapshot;
}

struct snapshot *config_load(const struct load_settings *settings, struct problems *problems)
{
    struct report report;
    struct arena scratch;
    struct check check;
    struct snapshot *snapshot = new_snapshot();
    report_init(&report, settings->path);
    arena_init(&scratch, ARENA_CAP);
    check_init(&check, settings, snapshot, &scratch, &report);

    const struct node *root = read_file(settings->path, &scratch, &report);
    if (root != NULL)
        check_file(&check, root);
    if (report_is_empty(&report))
        build_routes(&check);
    if (report_is_empty(&report))
        build_snapshot(&check);
    else
        snapshot_unref(&snapshot);

    check_fini(&check);
    arena_fini(&scratch);
    report_finish(&report, problems);
    return snapshot;
}

bool config_wants_simulator(const char *path)
{
    struct report report;
    struct problems problems;
    struct arena scratch;
    bool wants = false;
    report_init(&report, path);
    arena_init(&scratch, ARENA_CAP);
    const struct node *root = read_file(path, &scratch, &report);
    const struct node *providers = root != NULL ? node_get(root, "providers") : NULL;
    bool is_map = providers != NULL && providers->type == NODE_MAP;
    const struct entry *entry = is_map ? providers->first : NULL;
    for (; entry != NULL; entry = entry->next) {
        const struct node *kind = node_get(entry->value, "kind");
        wants |= kind != NULL && span_equal(kind->text, SPAN("simulated"));
    }
    wants &= report_is_empty(&report);
    arena_fini(&scratch);
    report_finish(&report, &problems);
    problems_fini(&problems);
    return wants;
}

char *config_state_dir(const char *path, struct problems *problems)
{
    struct report report;
    struct arena scratch;
    char *state_dir = NULL;
    report_init(&report, path);
    arena_init(&scratch, ARENA_CAP);
    const struct node *root = read_file(path, &scratch, &report);
    const struct node *node = root != NULL ? node_get(root, "state_dir") : NULL;
    if (node != NULL && !node_is_null(node) && node->type != NODE_SCALAR)
        report_add(&report, node->at, "'state_dir' must be a single value");
    else if (node != NULL && !node_is_null(node) && !node->bad)
        state_dir = memory_string(node->text.ptr, node->text.len);
    else if (root != NULL && (node == NULL || !node->bad))
        state_dir = memory_string(CHECK_STATE_DIR, strlen(CHECK_STATE_DIR));
    arena_fini(&scratch);
    report_finish(&report, problems);
    return state_dir;
}

const char *config_find(const char *given)
{
    static const char *const places[] = {"./weir.yaml", "/etc/weir/weir.yaml"};
    if (given != NULL)
        return given;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (access(places[i], F_OK) == 0)
            return places[i];
    return NULL;
}
