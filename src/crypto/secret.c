/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing, wiping and making secrets. What a client or an operator presents is compared here and
 * nowhere else, so that no comparison ends early at the first byte that differs.
 */
#include "crypto/secret.h"

#include "crypto/random.h"

#include <openssl/crypto.h>
#include <string.h>

#define KEY_PREFIX      "weir_"
#define KEY_RANDOM_SIZE 32

bool secret_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

bool secret_equal_spans(struct span a, struct span b)
{
    /* Digests have one length, whatever the lengths of what was hashed. */
    uint8_t digest_a[SHA256_SIZE];
    uint8_t digest_b[SHA256_SIZE];
    sha256(a, digest_a);
    sha256(b, digest_b);
    return secret_equal(digest_a, digest_b, SHA256_SIZE);
}

void secret_wipe(void *bytes, size_t size)
{
    /* memset() before free() or return is a store that nobody reads: compilers drop it. */
    OPENSSL_cleanse(bytes, size);
}

/* Base64url without padding (RFC 4648, section 5); returns the end of what it wrote. */
static char *base64url(const uint8_t *bytes, size_t size, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned have = 0; /* bits not yet written */
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | bytes[i];
        for (have += 8; have >= 6; have -= 6)
            *out++ = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        *out++ = alphabet[bits << (6 - have) & 63];
    return out;
}

char *key_generate(char out[KEY_TEXT_SIZE])
{
    /* 256 bits: so many that a plain digest is enough to store them by, without salt or
     * stretching. */
    uint8_t bytes[KEY_RANDOM_SIZE];
    random_bytes(bytes, sizeof(bytes));
    memcpy(out, KEY_PREFIX, strlen(KEY_PREFIX));
    *base64url(bytes, sizeof(bytes), out + strlen(KEY_PREFIX)) = '\0';
    secret_wipe(bytes, sizeof(bytes));
    return out;
}
