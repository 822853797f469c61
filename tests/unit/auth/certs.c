/* SPDX-License-Identifier: MIT */
#include "certs.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOUR 3600L
#define DAYS_100 (100 * 24 * HOUR)

static void add_subject(X509_NAME *name, const struct test_cert_plan *plan)
{
    char *copy = strdup(plan->subject ? plan->subject : "");
    char *rest = copy;
    for (char *item; (item = strsep(&rest, ","));) {
        char *value = strchr(item, '=');
        if (value) {
            *value++ = '\0';
            cr_assert(X509_NAME_add_entry_by_txt(name, item, MBSTRING_UTF8, (unsigned char *)value, -1, -1, 0));
        }
    }
    if (plan->cn_bytes) {
        X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING, (const unsigned char *)plan->cn_bytes,
                                   plan->cn_len, -1, 0);
    }
    free(copy);
}

static void add_extensions(X509 *cert, X509 *issuer, const struct test_cert_plan *plan)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    const char *all[8] = {plan->ca ? "basicConstraints=critical,CA:TRUE" : "basicConstraints=CA:FALSE"};
    memcpy(all + 1, plan->extensions, sizeof(plan->extensions));
    for (size_t i = 0; i < 7 && all[i]; i++) {
        char *text = strdup(all[i]);
        char *value = strchr(text, '=');
        *value++ = '\0';
        X509_EXTENSION *extension = X509V3_EXT_nconf(NULL, &ctx, text, value);
        cr_assert_not_null(extension, "%s=%s", text, value);
        X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
        free(text);
    }
}

struct test_cert test_cert_make(const struct test_cert *issuer, const struct test_cert_plan *plan)
{
    struct test_cert c = {.cert = X509_new()};
    c.key = plan->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    long serial = plan->serial ? plan->serial : (long)(random() | 1);
    X509_set_version(c.cert, 2);
    ASN1_INTEGER_set_int64(X509_get_serialNumber(c.cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(c.cert), plan->from_s ? plan->from_s : -HOUR);
    X509_gmtime_adj(X509_getm_notAfter(c.cert), plan->until_s ? plan->until_s : DAYS_100);
    add_subject(X509_get_subject_name(c.cert), plan);
    X509 *from = issuer ? issuer->cert : c.cert;
    X509_set_issuer_name(c.cert, X509_get_subject_name(from));
    X509_set_pubkey(c.cert, c.key);
    add_extensions(c.cert, from, plan);
    cr_assert_gt(X509_sign(c.cert, issuer ? issuer->key : c.key, EVP_sha256()), 0);
    return c;
}

void test_cert_free(struct test_cert *c)
{
    X509_free(c->cert);
    EVP_PKEY_free(c->key);
    *c = (struct test_cert){0};
}

static char *take(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)len);
    BIO_free(bio);
    return text;
}

char *test_cert_pem(const struct test_cert *c)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, c->cert);
    return take(bio);
}

char *test_key_pem(const struct test_cert *c, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, c->key, passphrase ? EVP_aes_256_cbc() : NULL, passphrase,
                                  passphrase ? (int)strlen(passphrase) : 0, NULL, NULL);
    return take(bio);
}

char *test_crl_pem(const struct test_cert *issuer, const struct test_cert *revoked, long until_s)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *when = ASN1_TIME_adj(NULL, time(NULL), 0, -2 * HOUR);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert));
    X509_CRL_set1_lastUpdate(crl, when);
    if (revoked) {
        X509_REVOKED *entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->cert));
        X509_REVOKED_set_revocationDate(entry, when);
        X509_CRL_add0_revoked(crl, entry);
    }
    X509_gmtime_adj(when, until_s);
    X509_CRL_set1_nextUpdate(crl, when);
    ASN1_TIME_free(when);
    cr_assert_gt(X509_CRL_sign(crl, issuer->key, EVP_sha256()), 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_CRL(bio, crl);
    X509_CRL_free(crl);
    return take(bio);
}

struct config_file test_inline(char *text)
{
    static char name[] = "[INLINE]";
    return (struct config_file){.path = name, .data = text, .len = strlen(text), .is_inline = true};
}
