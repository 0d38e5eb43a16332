/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 and hex. The algorithm is fetched from OpenSSL once in a process: since version 3 a fetch
 * by name walks the providers under a lock and costs several times the digest of a key.
 */
#include "crypto/digest.h"

#include "base/assert.h"

#include <openssl/evp.h>
#include <pthread.h>

static EVP_MD *sha256_md; /* written once, then read by all threads; lives as long as the process */

static void fetch_sha256(void)
{
    sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void sha256(struct span s, uint8_t out[SHA256_SIZE])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_sha256);
    /* An OpenSSL without SHA-256, or without memory for 200 bytes, cannot run this program. */
    ASSERT(sha256_md != NULL);
    /* One shot: about 110 ns for a key. A context kept per thread would save 40 of them. */
    int done = EVP_Digest(s.ptr, s.len, out, NULL, sha256_md, NULL);
    ASSERT(done == 1);
}

char *hex_format(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
    return out;
}

/* The value of one hex digit, or -1. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_parse(struct span text, uint8_t *out, size_t size)
{
    /* Not 2 * size: that could wrap. */
    if (text.len % 2 != 0 || text.len / 2 != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text.ptr[2 * i]);
        int low = hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
