/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* weir check: validates a configuration and says what it means. */
#include "app.h"
#include "options.h"

#include "config/load.h"
#include "policy/cells.h"
#include "upstream/client.h"

#include <stdio.h>

int cmd_check(int argc, char **argv)
{
    const char *path = options_config(argc, argv);
    if (path == NULL)
        return 2;
    upstream_global_init();
    struct cells *cells = cells_new();
    struct problems problems = {0};
    struct load_settings settings = {.path = path, .cells = cells};
    struct snapshot *snapshot = config_load(&settings, &problems);
    if (snapshot == NULL)
        problems_print(&problems, stderr);
    else
        config_summary(snapshot, stdout);
    int code = snapshot != NULL ? 0 : 1;
    problems_fini(&problems);
    snapshot_unref(&snapshot);
    cells_free(&cells);
    return code;
}
