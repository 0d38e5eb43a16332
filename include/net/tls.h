/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server needs to speak TLS: a certificate with its key, and those it trusts to vouch for
 * clients. Immutable and counted, so that a renewed certificate is a new context: connections keep
 * the one they began with. TLS 1.2 and 1.3 with forward secrecy only, no compression, no
 * renegotiation, no early data; HTTP/1.1 is what is negotiated.
 *
 * Sessions are resumed by tickets, whose keys are the context's: they end with it, and so does the
 * trust in a client whose authority was taken out. Any thread.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/span.h"

#include <stdint.h>

struct tls_context;

/* PEM. */
struct tls_pem {
    struct span cert; /* the server's, then those that lead to its root */
    struct span key;  /* of the first certificate, without a passphrase */
    struct span
        client_ca; /* empty: clients need no certificate; else each must show one of these */
};

enum tls_part { TLS_CERT, TLS_KEY, TLS_CLIENT_CA };

/* One reference. NULL when a part cannot be used: *part and *why (static text, to follow "it holds")
 * say which one and how. Borrows the PEM for the call. */
struct tls_context *tls_context_new(const struct tls_pem *pem, enum tls_part *part,
                                    const char **why);
struct tls_context *tls_context_ref(struct tls_context *context);
/* Accepts a NULL context. */
void tls_context_unref(struct tls_context **address);

/* The server's certificate is valid from, and until, wall-clock nanoseconds. */
int64_t tls_context_begins_wall_ns(const struct tls_context *context);
int64_t tls_context_ends_wall_ns(const struct tls_context *context);

#endif
