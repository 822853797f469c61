/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_UNIT_AUTH_CERTS_H
#define VPND_TESTS_UNIT_AUTH_CERTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "config/config_types.h"

/** A certificate and its key, made by the test. */
struct test_cert {
    X509 *cert;
    EVP_PKEY *key;
};

/** What to make. Zero values: valid from an hour ago for 100 days, P-256, no extensions. */
struct test_cert_plan {
    const char *subject;    /* "C=DE,O=Org,CN=name": one entry per comma */
    const char *cn_bytes;   /* raw value of one more CN, with */
    int cn_len;             /* its length (may hold a NUL) */
    long from_s;            /* seconds relative to now */
    long until_s;
    long serial;            /* 0: random */
    const char *extensions[6]; /* "keyUsage=digitalSignature" */
    bool ca;
    bool rsa;
};

/** test_cert_make - signed by @issuer, or by itself when NULL. */
struct test_cert test_cert_make(const struct test_cert *issuer, const struct test_cert_plan *plan);

void test_cert_free(struct test_cert *c);

/** PEM of the certificate or key, to be freed; @passphrase NULL: not encrypted. */
char *test_cert_pem(const struct test_cert *c);
char *test_key_pem(const struct test_cert *c, const char *passphrase);

/** PEM of a CRL of @issuer that lists @revoked (NULL: nobody), valid until now + @until_s. */
char *test_crl_pem(const struct test_cert *issuer, const struct test_cert *revoked, long until_s);

/** An inline file option over @text (borrowed). */
struct config_file test_inline(char *text);

#endif
