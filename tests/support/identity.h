/* SPDX-FileCopyrightText: The Weir authors */
/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and their keys, made on the spot: none lies in the tree. */
#ifndef SUPPORT_IDENTITY_H
#define SUPPORT_IDENTITY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct identity {
    X509 *cert;
    EVP_PKEY *key;
    char cert_pem[2048];
    char key_pem[1024];
};

static inline void write_pem(char *out, size_t size, BIO *bio)
{
    int len = BIO_read(bio, out, (int)size - 1);
    assert_true(len > 0);
    out[len] = '\0';
    BIO_free(bio);
}

static inline void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* From a day ago until `days` from now. Without an issuer: a root, which may issue others. */
static inline void identity_init(struct identity *made, const char *name,
                                 const struct identity *issuer, int days)
{
    static long serial;
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    const struct identity *signer = issuer != NULL ? issuer : made;
    made->cert = cert;
    made->key = EVP_EC_gen("P-256");
    assert_non_null(made->key);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -86400L);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * days);
    X509_set_pubkey(cert, made->key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(signer->cert));
    add_extension(cert, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    assert_true(X509_sign(cert, signer->key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    write_pem(made->cert_pem, sizeof(made->cert_pem), bio);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, made->key, NULL, NULL, 0, NULL, NULL);
    write_pem(made->key_pem, sizeof(made->key_pem), bio);
}

static inline void identity_fini(struct identity *identity)
{
    X509_free(identity->cert);
    EVP_PKEY_free(identity->key);
}

#endif
