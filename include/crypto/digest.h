/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Message digests, through OpenSSL. Any thread. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE 65

void sha256(struct span s, uint8_t out[SHA256_SIZE]);

/* Lower-case hex and a NUL: 2 * size + 1 bytes. Returns out. */
char *hex_format(const uint8_t *bytes, size_t size, char *out);
/* Either case; false when the length is not 2 * size or a digit is wrong. */
bool hex_parse(struct span text, uint8_t *out, size_t size);

#endif
