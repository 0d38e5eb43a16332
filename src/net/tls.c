/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS by OpenSSL, which is seen in this file alone: contexts out of PEM, and streams.
 *
 *   ciphertext in --> [ stream->input | SSL ] --> plain bytes
 *   ciphertext out <-- stream->out <-- [ SSL ] <-- plain bytes
 *
 * A BIO of our own stands at the left: it reads from the bytes at hand and writes to the queue, so
 * that nothing is copied into a buffer between, nothing grows by itself, and a write never waits.
 * OpenSSL's error queue is the thread's: it is emptied before each call that is judged by it.
 */
#include "net/tls.h"

#include "tls_stream.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/ref.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a client may make us say after the handshake without a request: answers to its updates of
 * keys and refusals of renegotiation. Well-behaved ones need some dozen bytes in days. */
#define UNASKED_BYTES ((size_t)16 * 1024)

struct tls_context {
    struct ref ref;
    SSL_CTX *ssl;
    int64_t begins_wall_ns;
    int64_t ends_wall_ns;
};

/* ---- a context's settings ---- */

/* Protocols in the form of ALPN. A client that offers some, but not this one, is refused. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *in, unsigned in_size, void *argument)
{
    static const unsigned char http[] = "\x08http/1.1";
    unsigned char *chosen;
    (void)ssl;
    (void)argument;
    if (SSL_select_next_proto(&chosen, out_size, http, sizeof(http) - 1, in, in_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_policy(SSL_CTX *ssl)
{
    static const unsigned char id[] = "weir"; /* without one, client certificates end resumption */
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS); /* an idle connection holds little */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ssl, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set_session_id_context(ssl, id, sizeof(id) - 1) == 1;
}

/* ---- out of PEM ---- */

/* A key with a passphrase is refused: the default would ask for it at the terminal. */
static int no_passphrase(char *out, int size, int writing, void *argument)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)argument;
    return -1;
}

static BIO *open_pem(struct span pem)
{
    ASSERT(pem.len <= INT_MAX);
    BIO *bio = BIO_new_mem_buf(pem.len > 0 ? pem.ptr : "", (int)pem.len);
    ASSERT(bio != NULL);
    ERR_clear_error();
    return bio;
}

/* The end of a list of PEM objects is told as an error. */
static bool is_end(void)
{
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* OpenSSL's words are too many, and not about this file: "ee key too small". */
static const char *refusal(void)
{
    switch (ERR_GET_REASON(ERR_peek_last_error())) {
    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_CA_KEY_TOO_SMALL:
        return "a key that is too short";
    case SSL_R_CA_MD_TOO_WEAK:
        return "a signature that is too weak";
    default:
        return "what the TLS library refuses";
    }
}

/* Hands each certificate to `take`; NULL when there was at least one and all were taken. */
static const char *each_certificate(struct span pem, bool (*take)(SSL_CTX *ssl, X509 *cert),
                                    SSL_CTX *ssl)
{
    BIO *bio = open_pem(pem);
    const char *why = NULL;
    size_t count = 0;
    while (why == NULL) {
        X509 *cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
        if (cert == NULL)
            break;
        ERR_clear_error();
        if (!take(ssl, cert))
            why = refusal();
        X509_free(cert);
        count++;
    }
    if (why == NULL && !is_end())
        why = "a certificate that cannot be read";
    else if (count == 0)
        why = "no certificate in PEM";
    BIO_free(bio);
    return why;
}

/* The first is the server's own; the others follow it to the client. */
static bool take_cert(SSL_CTX *ssl, X509 *cert)
{
    if (SSL_CTX_get0_certificate(ssl) == NULL)
        return SSL_CTX_use_certificate(ssl, cert) == 1;
    return SSL_CTX_add1_chain_cert(ssl, cert) == 1;
}

/* A name in the list that the client is sent, and a certificate that is trusted. */
static bool take_client_ca(SSL_CTX *ssl, X509 *cert)
{
    return SSL_CTX_add_client_CA(ssl, cert) == 1 &&
           X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), cert) == 1;
}

static const char *use_key(SSL_CTX *ssl, struct span pem)
{
    const char *why = NULL;
    BIO *bio = open_pem(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    if (key == NULL)
        why = "no private key in PEM without a passphrase";
    else if (X509_check_private_key(SSL_CTX_get0_certificate(ssl), key) != 1)
        why = "the key of another certificate";
    else if (SSL_CTX_use_PrivateKey(ssl, key) != 1)
        why = refusal();
    EVP_PKEY_free(key);
    BIO_free(bio);
    return why;
}

static const char *use_client_ca(SSL_CTX *ssl, struct span pem)
{
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return each_certificate(pem, take_client_ca, ssl);
}

static const char *use_pem(SSL_CTX *ssl, const struct tls_pem *pem, enum tls_part *part)
{
    *part = TLS_CERT;
    const char *why = each_certificate(pem->cert, take_cert, ssl);
    if (why == NULL) {
        *part = TLS_KEY;
        why = use_key(ssl, pem->key);
    }
    if (why == NULL && pem->client_ca.len > 0) {
        *part = TLS_CLIENT_CA;
        why = use_client_ca(ssl, pem->client_ca);
    }
    return why;
}

/* ---- a context's life ---- */

static int64_t wall_ns(const ASN1_TIME *time)
{
    struct tm parts;
    int read = ASN1_TIME_to_tm(time, &parts);
    /* Nanoseconds end in the year 2262; a certificate without an end says 9999. */
    int64_t most_s = INT64_MAX / NS_PER_S;
    int64_t seconds = read == 1 ? (int64_t)timegm(&parts) : 0;
    return seconds > most_s ? INT64_MAX : seconds * NS_PER_S;
}

struct tls_context *tls_context_new(const struct tls_pem *pem, enum tls_part *part,
                                    const char **why)
{
    struct tls_context *context = MEMORY_NEW(struct tls_context);
    ref_init(&context->ref);
    context->ssl = SSL_CTX_new(TLS_server_method());
    /* An OpenSSL that does not know its own ciphers cannot run this program. */
    ASSERT(context->ssl != NULL && set_policy(context->ssl));
    *why = use_pem(context->ssl, pem, part);
    ERR_clear_error();
    if (*why != NULL) {
        tls_context_unref(&context);
        return NULL;
    }
    const X509 *cert = SSL_CTX_get0_certificate(context->ssl);
    context->begins_wall_ns = wall_ns(X509_get0_notBefore(cert));
    context->ends_wall_ns = wall_ns(X509_get0_notAfter(cert));
    return context;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    ref_take(&context->ref);
    return context;
}

void tls_context_unref(struct tls_context **address)
{
    struct tls_context *context = *address;
    *address = NULL;
    if (context == NULL || !ref_drop(&context->ref))
        return;
    SSL_CTX_free(context->ssl);
    free(context);
}

int64_t tls_context_begins_wall_ns(const struct tls_context *context)
{
    return context->begins_wall_ns;
}

int64_t tls_context_ends_wall_ns(const struct tls_context *context)
{
    return context->ends_wall_ns;
}

/* ---- the BIO ---- */

struct tls_stream {
    SSL *ssl;
    struct bufq *out;
    struct span input; /* during tls_stream_read() */
    size_t unasked;    /* bytes said since the handshake while reading */
    bool begun;        /* a first byte has come */
    bool ready;        /* the handshake is complete */
    bool reading;      /* inside tls_stream_read(), after the handshake */
    bool over;         /* close_notify was sent, or the stream has failed */
};

static int bio_read(BIO *bio, char *out, int size)
{
    struct tls_stream *stream = BIO_get_data(bio);
    size_t len = stream->input.len < (size_t)size ? stream->input.len : (size_t)size;
    BIO_clear_retry_flags(bio);
    if (len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, stream->input.ptr, len);
    stream->input = span_from(stream->input, len);
    return (int)len;
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
    struct tls_stream *stream = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (stream->reading)
        stream->unasked += (size_t)size;
    if (stream->unasked > UNASKED_BYTES || !bufq_push(stream->out, span_make(bytes, (size_t)size)))
        return -1;
    return size;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method; /* written once, then read by all threads */

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir");
    ASSERT(bio_method != NULL);
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_control);
}

/* ---- a stream ---- */

struct tls_stream *tls_stream_new(struct tls_context *context, struct bufq *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_bio_method);
    struct tls_stream *stream = MEMORY_NEW(struct tls_stream);
    BIO *bio = BIO_new(bio_method);
    stream->out = out;
    stream->ssl = SSL_new(context->ssl);
    if (bio == NULL || stream->ssl == NULL) {
        BIO_free(bio);
        tls_stream_free(&stream);
        return NULL;
    }
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(stream->ssl, bio, bio); /* owns it now */
    SSL_set_accept_state(stream->ssl);
    return stream;
}

void tls_stream_free(struct tls_stream **address)
{
    struct tls_stream *stream = *address;
    *address = NULL;
    if (stream == NULL)
        return;
    SSL_free(stream->ssl);
    free(stream);
}

bool tls_stream_ready(const struct tls_stream *stream)
{
    return stream->ready;
}

/* What a call that did not succeed means. */
static enum tls_event judge(struct tls_stream *stream, int result)
{
    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_MORE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_END;
    default:
        ERR_clear_error(); /* the thread's other users of OpenSSL find none of ours */
        stream->over = true;
        return TLS_FAILED;
    }
}

/* A record begins with a byte of 20 to 24, a method with a capital letter. */
static bool is_plain_http(struct tls_stream *stream)
{
    if (stream->begun || stream->input.len == 0)
        return false;
    stream->begun = true;
    return stream->input.ptr[0] >= 'A' && stream->input.ptr[0] <= 'Z';
}

static enum tls_event read_some(struct tls_stream *stream, char *plain, size_t size, size_t *len)
{
    if (is_plain_http(stream))
        return TLS_PLAIN;
    ERR_clear_error();
    if (!stream->ready) {
        int done = SSL_do_handshake(stream->ssl);
        if (done != 1)
            return judge(stream, done);
        stream->ready = true;
    }
    stream->reading = true;
    int got = SSL_read_ex(stream->ssl, plain, size, len);
    stream->reading = false;
    return got == 1 ? TLS_BYTES : judge(stream, got);
}

enum tls_event tls_stream_read(struct tls_stream *stream, struct span *input, char *plain,
                               size_t size, size_t *len)
{
    stream->input = *input;
    enum tls_event event = read_some(stream, plain, size, len);
    *input = stream->input;
    stream->input = SPAN_NONE;
    return event;
}

bool tls_stream_write(struct tls_stream *stream, struct span plain)
{
    size_t written;
    if (stream->over || !stream->ready)
        return false;
    if (plain.len == 0)
        return true;
    ERR_clear_error();
    /* All of it: the BIO takes everything or fails for good. */
    return SSL_write_ex(stream->ssl, plain.ptr, plain.len, &written) == 1;
}

void tls_stream_end(struct tls_stream *stream)
{
    if (stream->over || !stream->ready)
        return;
    stream->over = true;
    ERR_clear_error();
    SSL_shutdown(stream->ssl);
}
