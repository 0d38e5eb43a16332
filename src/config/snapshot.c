/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a snapshot, and looking things up in it. */
#include "config/snapshot.h"

#include "crypto/secret.h"

#include <stdlib.h>
#include <string.h>

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    ref_take(&snapshot->ref);
    return snapshot;
}

void snapshot_unref(struct snapshot **address)
{
    struct snapshot *snapshot = *address;
    *address = NULL;
    if (snapshot == NULL || !ref_drop(&snapshot->ref))
        return;
    if (snapshot->on_last != NULL)
        snapshot->on_last(snapshot);
    else
        snapshot_free(snapshot);
}

void snapshot_free(struct snapshot *snapshot)
{
    /* The token is in the arena, which is ours. */
    if (snapshot->admin_token != NULL)
        secret_wipe((char *)(uintptr_t)snapshot->admin_token, strlen(snapshot->admin_token));
    table_fini(&snapshot->models_by_name);
    table_fini(&snapshot->keys_by_digest);
    arena_fini(&snapshot->arena);
    free(snapshot);
}

bool model_is_priced(const struct model *model)
{
    for (size_t i = 0; i < model->target_count; i++)
        if (model->targets[i].prices.count > 0)
            return true;
    return false;
}

const struct model *snapshot_model(const struct snapshot *snapshot, struct span name)
{
    return table_get(&snapshot->models_by_name, name);
}

const struct key *snapshot_key(const struct snapshot *snapshot, const uint8_t digest[SHA256_SIZE])
{
    const struct key *key =
        table_get(&snapshot->keys_by_digest, span_make((const char *)digest, SHA256_SIZE));
    return key != NULL && secret_equal(key->digest, digest, SHA256_SIZE) ? key : NULL;
}
