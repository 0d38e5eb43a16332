/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the access log. Private to telemetry. */
#ifndef TELEMETRY_ACCESS_LINE_H
#define TELEMETRY_ACCESS_LINE_H

#include "base/buf.h"
#include "llm/receipt.h"

/* Appends the receipt as a JSON object and a line end. */
void access_line_append(struct buf *out, const struct receipt *receipt);

#endif
