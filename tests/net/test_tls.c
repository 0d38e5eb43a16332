/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* TLS itself: handshakes and their refusal, client certificates, renewal, what makes a context. */
#include "tls_client.h"

#include <openssl/tls1.h>

int test_tls(void);

#define SHORT_MS 60

/* ---- the handshake ---- */

static void answers(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    const unsigned char *protocol;
    unsigned len;
    begin(&service, &client);
    SSL_set_alpn_protos(client.ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    assert_true(tls_client_shake(&client));
    assert_int_equal(SSL_version(client.ssl), TLS1_3_VERSION);
    SSL_get0_alpn_selected(client.ssl, &protocol, &len);
    assert_int_equal(len, 8);
    assert_memory_equal(protocol, "http/1.1", 8);
    for (int i = 0; i < 3; i++) {
        tls_client_send_text(&client, GET);
        tls_client_expect(&client, "\r\n\r\nGET / ");
    }
    assert_int_equal(service.seen[2].sent, 1);
    tls_client_end(&client);
    assert_true(tls_client_read_to_end(&client));
    assert_int_equal(service.refusals, 0);
    end(&service, &client);
}

static void speaks_version_1_2(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    begin(&service, &client);
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    assert_true(tls_client_shake(&client));
    assert_int_equal(SSL_version(client.ssl), TLS1_2_VERSION);
    tls_client_send_text(&client, GET);
    tls_client_expect(&client, "\r\n\r\nGET / ");
    end(&service, &client);
}

static void expect_refused(struct service *service, struct tls_client *client, int reason)
{
    assert_false(tls_client_shake(client));
    assert_int_equal(client->reason, reason);
    raw_client_read_to_end(client->raw);
    assert_false(raw_client_was_reset(client->raw)); /* the alert was to be read */
    assert_int_equal(service->refusals, 1);
    assert_int_equal(service->refused, ERR_MALFORMED_HTTP);
    assert_int_equal(service->count, 0);
    end(service, client);
}

static void refuses_version_1_1(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    begin(&service, &client);
    SSL_set_cipher_list(client.ssl, "ALL:@SECLEVEL=0");
    SSL_set_min_proto_version(client.ssl, TLS1_VERSION);
    SSL_set_max_proto_version(client.ssl, TLS1_1_VERSION);
    expect_refused(&service, &client, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
}

static void refuses_ciphers_without_forward_secrecy(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    begin(&service, &client);
    SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION);
    SSL_set_cipher_list(client.ssl, "AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA");
    expect_refused(&service, &client, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
}

static void refuses_other_protocols(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    begin(&service, &client);
    SSL_set_alpn_protos(client.ssl, (const unsigned char *)"\x02h2", 3);
    expect_refused(&service, &client, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
}

static void takes_byte_by_byte(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    begin(&service, &client);
    client.bytewise = true;
    assert_true(tls_client_shake(&client));
    tls_client_send_text(&client, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    tls_client_send_text(&client, "hello");
    tls_client_expect(&client, "\r\n\r\nPOST /a hello");
    end(&service, &client);
}

static void resumes_sessions(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct tls_client again;
    begin(&service, &client);
    use_tls(&service, &root);
    tls_client_fini(&client);
    tls_client_init(&client, &service);
    tls_client_show(&client, &client_id);
    assert_true(tls_client_shake(&client));
    tls_client_send_text(&client, GET);
    tls_client_expect(&client, "\r\n\r\nGET / "); /* the tickets have come with it */
    tls_client_init(&again, &service);
    tls_client_show(&again, &client_id);
    assert_int_equal(SSL_set_session(again.ssl, SSL_get0_session(client.ssl)), 1);
    assert_true(tls_client_shake(&again));
    assert_true(SSL_session_reused(again.ssl));
    tls_client_send_text(&again, GET);
    tls_client_expect(&again, "\r\n\r\nGET / ");
    tls_client_fini(&again);
    end(&service, &client);
}

static void small_head_timeout(struct service *service)
{
    service->settings.head_timeout_ms = SHORT_MS;
}

static void a_slow_handshake_is_closed(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    service_init_with(&service, small_head_timeout);
    use_tls(&service, NULL);
    struct raw_client *silent = service_connect(&service);
    tls_client_init(&client, &service);
    SSL_do_handshake(client.ssl);
    raw_client_send(client.raw, SPAN("\x16\x03\x01")); /* a record begins, and never ends */
    expect_end_soon(silent);
    expect_end_soon(client.raw);
    assert_int_equal(raw_client_received(silent).len, 0);
    assert_int_equal(service.refusals, 2);
    assert_int_equal(service.refused, ERR_HEAD_TIMEOUT);
    raw_client_free(&silent);
    end(&service, &client);
}

static void a_slow_head_is_answered(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    service_init_with(&service, small_head_timeout);
    use_tls(&service, NULL);
    tls_client_init(&client, &service);
    assert_true(tls_client_shake(&client));
    tls_client_send_text(&client, "GET / HT");
    tls_client_expect(&client, "HTTP/1.1 408 ");
    assert_true(tls_client_read_to_end(&client));
    end(&service, &client);
}

/* ---- who does not speak it ---- */

static void plain_http_is_answered_plainly(void **state)
{
    (void)state;
    struct service service;
    service_init(&service);
    use_tls(&service, NULL);
    static const char *const requests[] = {GET, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "D"};
    for (int i = 0; i < 3; i++) {
        struct raw_client *client = service_connect(&service);
        raw_client_send_text(client, requests[i]);
        expect_refusal(client, ERR_MALFORMED_HTTP);
        raw_client_free(&client);
    }
    assert_int_equal(service.refusals, 3);
    await_no_connections(&service);
    service_fini(&service);
}

static void garbage_is_closed(void **state)
{
    (void)state;
    struct service service;
    char garbage[150000]; /* more than is read at once */
    memset(garbage, 1, sizeof(garbage));
    service_init(&service);
    use_tls(&service, NULL);
    struct raw_client *client = service_connect(&service);
    raw_client_send(client, span_make(garbage, sizeof(garbage)));
    raw_client_shut(client);
    expect_end_soon(client);
    assert_false(raw_client_was_reset(client));
    assert_int_equal(service.refusals, 1);
    raw_client_free(&client);
    await_no_connections(&service);
    service_fini(&service);
}

static void tls_on_a_plain_port_is_refused(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    service_init(&service);
    tls_client_init(&client, &service);
    assert_false(tls_client_shake(&client));
    assert_int_equal(client.reason, SSL_R_WRONG_VERSION_NUMBER); /* "HTTP/1.1 400" */
    raw_client_read_to_end(client.raw);
    assert_false(raw_client_was_reset(client.raw));
    assert_int_equal(service.refused, ERR_MALFORMED_HTTP);
    end(&service, &client);
}

static void no_room_is_told_by_closing(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    struct tls_client more;
    begin(&service, &client);
    service.settings.max_connections = 1;
    server_set(service.server, &service.settings);
    assert_true(tls_client_shake(&client));
    tls_client_init(&more, &service);
    assert_false(tls_client_shake(&more));
    assert_int_equal(service.refused, ERR_OVERLOADED);
    tls_client_fini(&more);
    end(&service, &client);
}

/* ---- client certificates, and contexts ---- */

static void connect_as(struct service *service, struct tls_client *client,
                       const struct identity *identity)
{
    service_init(service);
    use_tls(service, &root);
    tls_client_init(client, service);
    if (identity != NULL)
        tls_client_show(client, identity);
}

static void a_trusted_client_is_served(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    connect_as(&service, &client, &client_id);
    assert_true(tls_client_shake(&client));
    tls_client_send_text(&client, GET);
    tls_client_expect(&client, "\r\n\r\nGET / ");
    end(&service, &client);
}

/* With 1.3 the client's own handshake is over before it hears of it. */
static void expect_stranger(const struct identity *identity, int version, int reason)
{
    struct service service;
    struct tls_client client;
    connect_as(&service, &client, identity);
    SSL_set_max_proto_version(client.ssl, version);
    if (tls_client_shake(&client)) {
        tls_client_send_text(&client, GET);
        assert_false(tls_client_read_to_end(&client));
    }
    assert_true(client.failed);
    assert_int_equal(client.reason, reason);
    assert_int_equal(service.refusals, 1);
    assert_int_equal(service.count, 0);
    end(&service, &client);
}

static void strangers_are_refused(void **state)
{
    (void)state;
    expect_stranger(NULL, TLS1_2_VERSION, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
    expect_stranger(NULL, TLS1_3_VERSION, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED);
    expect_stranger(&stranger, TLS1_2_VERSION, SSL_R_TLSV1_ALERT_UNKNOWN_CA);
    expect_stranger(&stranger, TLS1_3_VERSION, SSL_R_TLSV1_ALERT_UNKNOWN_CA);
}

static void expect_peer(struct tls_client *client, const struct identity *identity)
{
    X509 *cert = SSL_get1_peer_certificate(client->ssl);
    assert_int_equal(X509_cmp(cert, identity->cert), 0);
    X509_free(cert);
}

static void a_renewed_certificate_is_for_new_connections(void **state)
{
    (void)state;
    struct service service;
    struct tls_client old;
    struct tls_client new;
    struct identity renewed;
    begin(&service, &old);
    assert_true(tls_client_shake(&old));
    identity_init(&renewed, "server", &root, 60);
    struct tls_context *context = identity_context(&renewed, NULL);
    server_set_tls(service.server, context);
    tls_context_unref(&context);
    tls_client_init(&new, &service);
    assert_true(tls_client_shake(&new));
    expect_peer(&old, &server_id);
    expect_peer(&new, &renewed);
    tls_client_send_text(&old, GET);
    tls_client_expect(&old, "\r\n\r\nGET / ");
    identity_fini(&renewed);
    tls_client_fini(&new);
    end(&service, &old);
}

static void contexts_know_their_days(void **state)
{
    (void)state;
    struct tls_context *context = identity_context(&server_id, NULL);
    int64_t day_ns = 86400 * NS_PER_S;
    int64_t now_ns = clock_wall_ns();
    assert_true(llabs(tls_context_begins_wall_ns(context) + day_ns - now_ns) < 3600 * NS_PER_S);
    assert_true(llabs(tls_context_ends_wall_ns(context) - 30 * day_ns - now_ns) < 3600 * NS_PER_S);
    tls_context_unref(&context);
    assert_null(context);
    tls_context_unref(&context);
}

static void expect_bad(const char *cert, const char *key, const char *client_ca, enum tls_part part,
                       const char *why)
{
    enum tls_part got_part;
    const char *got_why = "";
    struct tls_pem pem = {.cert = span_from_string(cert),
                          .key = span_from_string(key),
                          .client_ca = span_from_string(client_ca)};
    assert_null(tls_context_new(&pem, &got_part, &got_why));
    assert_int_equal(got_part, part);
    assert_string_equal(got_why, why);
}

static void bad_parts_are_named(void **state)
{
    (void)state;
    const char *cert = server_id.cert_pem;
    const char *key = server_id.key_pem;
    char text[4096];
    expect_bad("", key, "", TLS_CERT, "no certificate in PEM");
    expect_bad(key, key, "", TLS_CERT, "no certificate in PEM");
    snprintf(text, sizeof(text), "%.100s\n", cert);
    expect_bad(text, key, "", TLS_CERT, "a certificate that cannot be read");
    snprintf(text, sizeof(text), "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
             cert);
    expect_bad(text, key, "", TLS_CERT, "a certificate that cannot be read");
    expect_bad(cert, cert, "", TLS_KEY, "no private key in PEM without a passphrase");
    expect_bad(cert, stranger.key_pem, "", TLS_KEY, "the key of another certificate");
    expect_bad(cert, key, "x", TLS_CLIENT_CA, "no certificate in PEM");
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, server_id.key, EVP_aes_128_cbc(), "pass", 4, NULL, NULL);
    write_pem(text, sizeof(text), bio);
    expect_bad(cert, text, "", TLS_KEY, "no private key in PEM without a passphrase");
}

static void the_whole_chain_is_sent(void **state)
{
    (void)state;
    struct service service;
    struct tls_client client;
    enum tls_part part;
    const char *why;
    char chain[6144];
    char both[6144];
    snprintf(chain, sizeof(chain), "%s%s%s", server_id.key_pem, server_id.cert_pem, root.cert_pem);
    snprintf(both, sizeof(both), "%s%s", stranger.cert_pem, root.cert_pem);
    struct tls_pem pem = {span_from_string(chain), span_from_string(chain), span_from_string(both)};
    begin(&service, &client);
    tls_client_fini(&client);
    struct tls_context *context = tls_context_new(&pem, &part, &why);
    assert_non_null(context);
    server_set_tls(service.server, context);
    tls_context_unref(&context);
    tls_client_init(&client, &service);
    tls_client_show(&client, &client_id); /* of the second authority */
    assert_true(tls_client_shake(&client));
    assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(client.ssl)), 2);
    tls_client_send_text(&client, GET);
    tls_client_expect(&client, "\r\n\r\nGET / ");
    end(&service, &client);
}

int test_tls(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(speaks_version_1_2),
        cmocka_unit_test(refuses_version_1_1),
        cmocka_unit_test(refuses_ciphers_without_forward_secrecy),
        cmocka_unit_test(refuses_other_protocols),
        cmocka_unit_test(takes_byte_by_byte),
        cmocka_unit_test(resumes_sessions),
        cmocka_unit_test(a_slow_handshake_is_closed),
        cmocka_unit_test(a_slow_head_is_answered),
        cmocka_unit_test(plain_http_is_answered_plainly),
        cmocka_unit_test(garbage_is_closed),
        cmocka_unit_test(tls_on_a_plain_port_is_refused),
        cmocka_unit_test(no_room_is_told_by_closing),
        cmocka_unit_test(a_trusted_client_is_served),
        cmocka_unit_test(strangers_are_refused),
        cmocka_unit_test(a_renewed_certificate_is_for_new_connections),
        cmocka_unit_test(contexts_know_their_days),
        cmocka_unit_test(bad_parts_are_named),
        cmocka_unit_test(the_whole_chain_is_sent),
    };
    return cmocka_run_group_tests_name("net/tls", tests, make_identities, drop_identities);
}
