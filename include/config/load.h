/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a YAML file to a snapshot. All problems are reported at once, each with file, line and
 * column; nothing is half applied: with any error there is no snapshot, and no cell has changed.
 * Main thread only.
 */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "base/buf.h"
#include "config/snapshot.h"
#include "policy/cells.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct problem {
    char *file;
    size_t line;   /* from 1; 0: the file as a whole */
    size_t column; /* from 1 */
    char *message; /* "unknown key 'modles'; did you mean 'models'?" */
};

struct problems {
    struct problem *items;
    size_t count;
};

void problems_fini(struct problems *problems);
/* One "file:line:column: message" a line. */
void problems_write(const struct problems *problems, struct buf *out);
void problems_print(const struct problems *problems, FILE *out);

struct load_settings {
    const char *path;
    struct cells *cells;
    /* "http://127.0.0.1:PORT/v1" for providers of kind simulated; NULL: such a provider gets an
     * address that refuses (for `weir check`). */
    const char *simulated_base_url;
};

/* NULL with at least one problem, in line order and at most a hundred, or a snapshot (one
 * reference) with none. *problems is overwritten; the caller ends it. After
 * upstream_global_init(). */
struct snapshot *config_load(const struct load_settings *settings, struct problems *problems);

/* Whether a configuration file names a provider of kind simulated: the caller then starts one
 * before it loads. False when it cannot be read or is not YAML. */
bool config_wants_simulator(const char *path);

/* The file's `state_dir`, or the default, to be freed. The rest of the file is not looked at, so that
 * who asks the ledger needs none of the secrets in it. NULL with problems, as above. */
char *config_state_dir(const char *path, struct problems *problems);

/* The path to use: `given`, else ./weir.yaml, else /etc/weir/weir.yaml; NULL when none is there. */
const char *config_find(const char *given);

/* What `weir check` prints of a good file: tenants, budgets, prices, the overshoot bound in each
 * failure mode, what is unsafe for production. */
void config_summary(const struct snapshot *snapshot, FILE *out);

#endif
