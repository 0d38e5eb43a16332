/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* weir run: the gateway. */
#include "app.h"
#include "options.h"
#include "process.h"

#include "config/snapshot.h"
#include "crypto/digest.h"

#include <stdio.h>

/* The published key of config/quickstart.yaml: shown in the banner where it is in force. */
#define QUICKSTART_KEY "weir_quickstart"

static const char *banner_key(const struct snapshot *snapshot)
{
    uint8_t digest[SHA256_SIZE];
    sha256(SPAN(QUICKSTART_KEY), digest);
    return snapshot_key(snapshot, digest) != NULL ? QUICKSTART_KEY : "$WEIR_KEY";
}

static void print_banner(const struct process *process)
{
    const struct snapshot *snapshot = process_snapshot(process);
    const char *address = snapshot->listen[0].text;
    const char *scheme = snapshot->listen[0].tls != NULL ? "https" : "http";
    printf("Weir %s\n\n  base URL   %s://%s/v1\n", WEIR_VERSION, scheme, address);
    if (snapshot->admin_listen != NULL)
        printf("  metrics    http://%s/metrics\n", snapshot->admin_listen);
    if (snapshot->admin_listen != NULL && snapshot->admin_token == NULL)
        printf("  admin      token in %s/admin.token\n", snapshot->state_dir);
    if (snapshot->model_count > 0)
        printf("\nTry it:\n\n"
               "  curl -i %s://%s/v1/chat/completions \\\n"
               "    -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \\\n"
               "    -d '{\"model\": \"%.*s\", \"messages\": [{\"role\": \"user\", \"content\": "
               "\"Hello!\"}]}'\n\n",
               scheme, address, banner_key(snapshot), SPAN_ARG(snapshot->models[0]->name));
    fflush(stdout);
}

int cmd_run(int argc, char **argv)
{
    const char *path = options_config(argc, argv);
    if (path == NULL)
        return 2;
    struct process *process = process_open(path);
    if (process == NULL)
        return 1;
    print_banner(process);
    process_run(process);
    process_close(&process);
    return 0;
}
