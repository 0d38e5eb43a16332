/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operators' listener: /healthz, /readyz, /metrics, and with the admin token POST /admin/reload.
 * Runs on the main thread's loop. It reads the workers' counters and the snapshot's cells; what it
 * may change it asks of its owner.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "base/buf.h"
#include "config/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin;
struct loop;
struct metrics;

/* How the last reload went. */
struct reload_state {
    bool successful;
    int64_t success_wall_ns; /* of the last good one */
};

struct ledger_state {
    bool ok;     /* the journal can be written */
    int64_t lag; /* its records that the database does not have yet */
};

/* What the owner answers. All on the main thread. */
struct admin_owner {
    /* The snapshot in force; borrowed until the next turn of the loop. */
    const struct snapshot *(*snapshot)(void *argument);
    struct reload_state (*reload_state)(void *argument);
    struct ledger_state (*ledger_state)(void *argument);
    /* False while draining. */
    bool (*ready)(void *argument);
    /* Loads the configuration anew; false with the problems, a line each, in *report. */
    bool (*reload)(void *argument, struct buf *report);
};

struct admin_settings {
    struct loop *loop;
    const char *address;
    const char *token;              /* copied */
    struct metrics *const *metrics; /* of each worker; must outlive the admin */
    size_t worker_count;
    const struct admin_owner *owner;
    void *argument;
};

/* NULL when the address cannot be bound; *error says why. */
struct admin *admin_start(const struct admin_settings *settings, const char **error);
void admin_stop(struct admin **address);
uint16_t admin_port(const struct admin *admin);

/* The token in `path` (a file of its own, mode 0600), generated when there is none: into `out`, of at least
 * KEY_TEXT_SIZE bytes. False with errno when the file can be neither read nor written. */
bool admin_token_load(const char *path, char *out);

#endif
