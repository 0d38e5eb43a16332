/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: small, strict, the same for all commands. */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct option_spec {
    const char *name;   /* "--listen" */
    const char *alias;  /* "-l", or NULL */
    const char **value; /* set to the argument that follows; every option here takes one */
};

/* Reads argv[first..]. False, with a line on stderr, for anything unknown, repeated or without its value. */
bool options_read(int argc, char **argv, int first, const struct option_spec *specs, size_t count);

/* The configuration's path: `given`, or where it is looked for. NULL after a line on stderr. */
const char *options_find_config(const char *command, const char *given);

/* For commands that ask the ledger: *state_dir of the configuration, to be freed, and its database's
 * path. 0, or the exit code after a line on stderr. */
int options_ledger(const char *command, const char *config, char **state_dir, char *path,
                   size_t size);

/* For commands that take only -c FILE: the configuration's path. NULL after a line on stderr when the call is
 * wrong or no configuration is to be found. */
const char *options_config(int argc, char **argv);

#endif
