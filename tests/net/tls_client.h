/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of TLS, for the tests of net: OpenSSL between memory and a raw_client, so that
 * every byte on the wire is the test's to delay, cut or look at.
 */
#ifndef TESTS_NET_TLS_CLIENT_H
#define TESTS_NET_TLS_CLIENT_H

#include "service.h"

#include "net/tls.h"
#include "support/identity.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/* `client_ca`: NULL: clients need no certificate. */
static inline struct tls_context *identity_context(const struct identity *server,
                                                   const struct identity *client_ca)
{
    enum tls_part part;
    const char *why;
    struct tls_pem pem = {.cert = span_from_string(server->cert_pem),
                          .key = span_from_string(server->key_pem)};
    if (client_ca != NULL)
        pem.client_ca = span_from_string(client_ca->cert_pem);
    struct tls_context *context = tls_context_new(&pem, &part, &why);
    assert_non_null(context);
    return context;
}

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

/* ---- the client ---- */

struct tls_client {
    SSL_CTX *context;
    SSL *ssl;
    struct loop *loop;
    struct raw_client *raw;
    struct buf plain; /* received and not taken yet */
    bool bytewise;
    bool failed;
    int reason; /* OpenSSL's, once failed */
};

/* What may be changed before the first byte leaves. */
static inline void tls_client_init(struct tls_client *client, struct service *service)
{
    *client = (struct tls_client){.loop = service->loop, .raw = service_connect(service)};
    client->context = SSL_CTX_new(TLS_client_method());
    buf_init(&client->plain, SIZE_MAX / 2, 0);
    client->ssl = SSL_new(client->context);
    SSL_set_bio(client->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client->ssl);
}

static inline void tls_client_fini(struct tls_client *client)
{
    buf_fini(&client->plain);
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    raw_client_free(&client->raw);
}

static inline void tls_client_show(struct tls_client *client, const struct identity *identity)
{
    assert_int_equal(SSL_use_certificate(client->ssl, identity->cert), 1);
    assert_int_equal(SSL_use_PrivateKey(client->ssl, identity->key), 1);
}

/* What OpenSSL has written, to the wire. */
static inline void tls_client_flush(struct tls_client *client)
{
    char *bytes;
    BIO *out = SSL_get_wbio(client->ssl);
    long len = BIO_get_mem_data(out, &bytes);
    struct span span = span_make(bytes, (size_t)len);
    if (client->bytewise)
        raw_client_send_bytewise(client->raw, span);
    else
        raw_client_send(client->raw, span);
    (void)BIO_reset(out);
}

static inline void tls_client_judge(struct tls_client *client, int result)
{
    int error = SSL_get_error(client->ssl, result);
    if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) {
        client->reason = ERR_GET_REASON(ERR_peek_error());
        client->failed = true;
        ERR_clear_error();
    }
}

static inline void tls_client_pull(struct tls_client *client)
{
    raw_client_poll(client->raw);
    struct span received = raw_client_received(client->raw);
    if (received.len > 0)
        BIO_write(SSL_get_rbio(client->ssl), received.ptr, (int)received.len);
    raw_client_consume(client->raw, received.len);
}

/* From the wire into `plain`, and what that makes OpenSSL say back. */
static inline void tls_client_poll(struct tls_client *client)
{
    char bytes[16384];
    size_t len;
    tls_client_pull(client);
    ERR_clear_error();
    while (!client->failed && SSL_read_ex(client->ssl, bytes, sizeof(bytes), &len) == 1)
        buf_append(&client->plain, span_make(bytes, len));
    if (!client->failed)
        tls_client_judge(client, 0);
}

static inline bool tls_client_is_over(const struct tls_client *client)
{
    return client->failed || raw_client_ended(client->raw) ||
           (SSL_get_shutdown(client->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

static inline bool tls_client_shaken(void *argument)
{
    struct tls_client *client = argument;
    int done = SSL_do_handshake(client->ssl);
    if (done != 1)
        tls_client_judge(client, done);
    tls_client_flush(client);
    bool ended = raw_client_ended(client->raw);
    tls_client_pull(client);
    return done == 1 || client->failed || ended;
}

/* Whether it came about. */
static inline bool tls_client_shake(struct tls_client *client)
{
    ERR_clear_error();
    raw_run_until(client->loop, tls_client_shaken, client, "a handshake");
    return SSL_is_init_finished(client->ssl) && !client->failed;
}

static inline void tls_client_send(struct tls_client *client, struct span bytes)
{
    size_t written;
    assert_int_equal(SSL_write_ex(client->ssl, bytes.ptr, bytes.len, &written), 1);
    assert_int_equal(written, bytes.len);
    tls_client_flush(client);
}

static inline void tls_client_send_text(struct tls_client *client, const char *text)
{
    tls_client_send(client, span_from_string(text));
}

/* close_notify. */
static inline void tls_client_end(struct tls_client *client)
{
    SSL_shutdown(client->ssl);
    tls_client_flush(client);
}

struct tls_wish {
    struct tls_client *client;
    size_t size;
    struct span text;
};

static inline bool tls_client_has_text(void *argument)
{
    const struct tls_wish *wish = argument;
    tls_client_poll(wish->client);
    struct span plain = buf_span(&wish->client->plain);
    return span_search(plain, wish->text) < plain.len;
}

/* Takes it, too, with all before it. */
static inline void tls_client_expect(struct tls_client *client, const char *text)
{
    struct tls_wish wish = {.client = client, .text = span_from_string(text)};
    raw_run_until(client->loop, tls_client_has_text, &wish, text);
    size_t at = span_search(buf_span(&client->plain), wish.text);
    buf_consume(&client->plain, at + wish.text.len);
}

static inline bool tls_client_has_bytes(void *argument)
{
    const struct tls_wish *wish = argument;
    tls_client_poll(wish->client);
    return buf_len(&wish->client->plain) >= wish->size || tls_client_is_over(wish->client);
}

static inline void tls_client_read(struct tls_client *client, size_t size)
{
    struct tls_wish wish = {.client = client, .size = size};
    raw_run_until(client->loop, tls_client_has_bytes, &wish, "bytes");
}

static inline bool tls_client_has_end(void *argument)
{
    struct tls_client *client = argument;
    tls_client_poll(client);
    return raw_client_ended(client->raw);
}

/* Until the socket ends; true when close_notify has come before. */
static inline bool tls_client_read_to_end(struct tls_client *client)
{
    raw_run_until(client->loop, tls_client_has_end, client, "the end");
    return (SSL_get_shutdown(client->ssl) & SSL_RECEIVED_SHUTDOWN) != 0 && !client->failed;
}

/* ---- a server for it ---- */

/* Made once: the authorities, what they issued, and a stranger. */
static struct identity root, server_id, client_id, stranger;

static inline int make_identities(void **state)
{
    (void)state;
    identity_init(&root, "root", NULL, 30);
    identity_init(&server_id, "server", &root, 30);
    identity_init(&client_id, "client", &root, 30);
    identity_init(&stranger, "stranger", NULL, 30);
    return 0;
}

static inline int drop_identities(void **state)
{
    (void)state;
    identity_fini(&root);
    identity_fini(&server_id);
    identity_fini(&client_id);
    identity_fini(&stranger);
    return 0;
}

static inline void use_tls(struct service *service, const struct identity *client_ca)
{
    struct tls_context *context = identity_context(&server_id, client_ca);
    server_set_tls(service->server, context);
    tls_context_unref(&context);
}

static inline void begin(struct service *service, struct tls_client *client)
{
    service_init(service);
    use_tls(service, NULL);
    tls_client_init(client, service);
}

static inline void end(struct service *service, struct tls_client *client)
{
    tls_client_fini(client);
    await_no_connections(service);
    service_fini(service);
}

/* One request is in and its reply held back. */
static inline struct seen *begin_exchange(struct service *service, struct tls_client *client)
{
    begin(service, client);
    service->on_end = hold_reply;
    assert_true(tls_client_shake(client));
    tls_client_send_text(client, GET);
    await(service, &service->seen[0].ends, "the request");
    return &service->seen[0];
}

#endif
