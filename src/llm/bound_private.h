/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the bound share. */
#ifndef LLM_BOUND_PRIVATE_H
#define LLM_BOUND_PRIVATE_H

#include "base/span.h"

#include <stdint.h>

/* By how many bytes a JSON text that json_scan has passed, or any UTF-8, may grow when its characters
 * are normalised (NFC or NFKC), escapes taken for what they stand for. */
uint64_t bound_text_growth(struct span text);

#endif
