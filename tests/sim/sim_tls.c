/* SPDX-License-Identifier: MIT */
#include "sim_tls.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/rand.h"

static struct tls_context *contexts[SIM_TLS_VERSIONS][2];
static struct rand_seeded generator;

static void need(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "sim: %s failed\n", what);
        exit(1);
    }
}

static int seeded_bytes(unsigned char *out, int n)
{
    rand_fill(&generator.source, out, (size_t)n);
    return 1;
}

static int seeded_status(void)
{
    return 1;
}

void sim_tls_seed(uint64_t seed)
{
    static const RAND_METHOD METHOD = {.bytes = seeded_bytes, .pseudorand = seeded_bytes, .status = seeded_status};
    rand_seeded_init(&generator, seed);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    need(RAND_set_rand_method(&METHOD), "RAND_set_rand_method");
#pragma GCC diagnostic pop
}

static X509 *certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, long serial)
{
    X509 *cert = X509_new();
    need(cert != NULL, "X509_new");
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * 3650);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    X509_set_pubkey(cert, key);
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer ? issuer : cert, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints,
                                              issuer ? "CA:FALSE" : "critical,CA:TRUE");
    need(ext && X509_add_ext(cert, ext, -1), "basic constraints");
    X509_EXTENSION_free(ext);
    need(X509_sign(cert, issuer_key, EVP_sha256()) > 0, "X509_sign");
    return cert;
}

void sim_tls_setup(void)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    need(ca_key != NULL, "EVP_EC_gen");
    X509 *ca = certificate(ca_key, "sim-ca", NULL, ca_key, 1);
    for (int server = 0; server < 2; server++) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        need(key != NULL, "EVP_EC_gen");
        X509 *cert = certificate(key, server ? "sim-server" : "sim-client", ca, ca_key, 2 + server);
        for (int version = 0; version < SIM_TLS_VERSIONS; version++) {
            SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
            need(ctx != NULL, "SSL_CTX_new");
            int protocol = version == SIM_TLS_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
            need(SSL_CTX_set_min_proto_version(ctx, protocol) && SSL_CTX_set_max_proto_version(ctx, protocol) &&
                     SSL_CTX_use_certificate(ctx, cert) && SSL_CTX_use_PrivateKey(ctx, key) &&
                     X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca),
                 "context");
            SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
            contexts[version][server] = tls_context_new(ctx, NULL, NULL);
            SSL_CTX_free(ctx);
        }
        X509_free(cert);
        EVP_PKEY_free(key);
    }
    X509_free(ca);
    EVP_PKEY_free(ca_key);
}

void sim_tls_teardown(void)
{
    for (int version = 0; version < SIM_TLS_VERSIONS; version++) {
        tls_context_free(contexts[version][0]);
        tls_context_free(contexts[version][1]);
    }
}

const struct tls_context *sim_tls_context(enum sim_tls_version version, int server)
{
    return contexts[version][server];
}
