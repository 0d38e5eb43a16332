/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What a request's head says about what it is for: tags and the prompt's name. Untrusted: for reports
 * only. */
#ifndef GATEWAY_LABELS_H
#define GATEWAY_LABELS_H

#include "base/arena.h"
#include "llm/receipt.h"
#include "wire/headers.h"

#define LABELS_MAX_TAGS 16

/* Fills receipt->tags from x-weir-tags and its aliases, and receipt->prompt from x-weir-prompt. What
 * is no name (a comma, an equals sign, quotes, anything but visible ASCII and inner spaces) becomes
 * '_'; of two tags of one name the first stays; what finds no room is left out whole. The scratch
 * arena gets what it lends back. */
void labels_read(const struct headers *headers, struct arena *scratch, struct receipt *receipt);

#endif
