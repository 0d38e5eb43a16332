/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of GET /v1/models and /v1/models/{id}: the models this key may use. */
#ifndef GATEWAY_MODELS_LIST_H
#define GATEWAY_MODELS_LIST_H

#include "base/buf.h"
#include "config/snapshot.h"

#include <stdbool.h>

/* With an empty `id` the list; else that model's object. False when the key may not use it. */
bool models_list_write(const struct snapshot *snapshot, const struct key *key, struct span id,
                       struct buf *out);

#endif
