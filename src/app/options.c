/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines. */
#include "options.h"

#include "config/load.h"
#include "ledger.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec *find(const struct option_spec *specs, size_t count,
                                      const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(specs[i].name, name) == 0 ||
            (specs[i].alias != NULL && strcmp(specs[i].alias, name) == 0))
            return &specs[i];
    return NULL;
}

bool options_read(int argc, char **argv, int first, const struct option_spec *specs, size_t count)
{
    for (int i = first; i < argc; i += 2) {
        const struct option_spec *spec = find(specs, count, argv[i]);
        if (spec == NULL) {
            fprintf(stderr, "weir %s: unknown option '%s'\n", argv[0], argv[i]);
            return false;
        }
        if (i + 1 >= argc) {
            fprintf(stderr, "weir %s: '%s' takes a value\n", argv[0], argv[i]);
            return false;
        }
        if (*spec->value != NULL) {
            fprintf(stderr, "weir %s: '%s' is given twice\n", argv[0], argv[i]);
            return false;
        }
        *spec->value = argv[i + 1];
    }
    return true;
}

const char *options_find_config(const char *command, const char *given)
{
    const char *path = config_find(given);
    if (path == NULL)
        fprintf(stderr,
                "weir %s: no configuration: give -c FILE, or write ./weir.yaml or "
                "/etc/weir/weir.yaml\n",
                command);
    return path;
}

int options_ledger(const char *command, const char *config, char **state_dir, char *path,
                   size_t size)
{
    struct problems problems = {0};
    const char *file = options_find_config(command, config);
    if (file == NULL)
        return 2;
    *state_dir = config_state_dir(file, &problems);
    if (*state_dir == NULL)
        problems_print(&problems, stderr);
    problems_fini(&problems);
    bool fine = *state_dir != NULL && ledger_database_path(*state_dir, path, size);
    if (*state_dir != NULL && !fine)
        fprintf(stderr, "weir %s: 'state_dir' is too long a path\n", command);
    return fine ? 0 : 1;
}

const char *options_config(int argc, char **argv)
{
    const char *given = NULL;
    const struct option_spec specs[] = {{"--config", "-c", &given}};
    if (!options_read(argc, argv, 1, specs, 1))
        return NULL;
    return options_find_config(argv[0], given);
}
