/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* The client's key in the head of a request. */
#ifndef GATEWAY_CREDENTIALS_H
#define GATEWAY_CREDENTIALS_H

#include "base/err.h"
#include "base/span.h"
#include "wire/headers.h"

/* From Authorization: Bearer, x-api-key, api-key and x-goog-api-key; a client may repeat one key in
 * several of them. ERR_NONE, KEY_MISSING, KEY_AMBIGUOUS (different keys, or two Authorization
 * fields). Borrowed from the head. */
enum err credentials_find(const struct headers *headers, struct span *key);

#endif
