/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handling of secrets: comparison in constant time, wiping, and client keys. A client key is
 * "weir_" and 43 characters of base64url (256 random bits); only its SHA-256 is ever stored.
 */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "base/span.h"
#include "crypto/digest.h"

#include <stdbool.h>
#include <stddef.h>

/* Time depends on `size` only. */
bool secret_equal(const void *a, const void *b, size_t size);
/* Also hides the length of `b`: compares digests. */
bool secret_equal_spans(struct span a, struct span b);
/* Not removed by the optimiser. */
void secret_wipe(void *bytes, size_t size);

#define KEY_TEXT_SIZE 49
/* A new random key with its NUL; returns out. Also used for admin tokens. */
char *key_generate(char out[KEY_TEXT_SIZE]);

#endif
