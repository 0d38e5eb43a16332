/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Our own credentials do not reach clients, also when a provider's error message repeats them. */
#ifndef GATEWAY_REDACT_H
#define GATEWAY_REDACT_H

#include "base/buf.h"

/* Puts "[redacted]" in place of each occurrence of `secret` in the contents, which never grow: of
 * one that is shorter than these words, as many of their letters as it has. Texts of less than
 * REDACT_MIN bytes are placeholders, such as "none", and may stand. */
#define REDACT_MIN 8
void redact(struct buf *text, struct span secret);

#endif
