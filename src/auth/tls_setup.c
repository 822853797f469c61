/* SPDX-License-Identifier: MIT */
#include "auth/tls_setup.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "auth/cert.h"
#include "auth/crl.h"
#include "auth/external_key.h"
#include "auth/tls_files.h"
#include "auth/tls_names.h"
#include "auth/verify.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "crypto/provider.h"
#include "session/tls.h"

#define DEFAULT_CIPHERS "DEFAULT:!EXP:!LOW:!MEDIUM:!kDH:!kECDH:!DSS:!PSK:!SRP:!kRSA"
#define LIST_MAX 4096
#define REASON_MAX 256
#define DAY 86400u

/* An expiry date and the last warning given about it. */
struct expiry {
    uint64_t when;          /* UNIX seconds; 0 unknown */
    unsigned announced_days; /* 0: nothing yet */
};

struct tls_setup {
    const struct config *config;
    bool server;
    SSL_CTX *ctx;
    struct crl *crl;
    struct verify_policy *policy;
    struct tls_context *context;
    struct expiry certificate;
    struct expiry list;
};

static int refused(const char *format, const char *value)
{
    char reason[REASON_MAX];
    provider_error(reason, sizeof(reason));
    log_error("%s: %s%s%s", format, value, reason[0] ? ": " : "", reason);
    return ERR_CONFIG;
}

/* ------------------------------------------------------------------ versions */

static int library_version(enum config_tls_version version)
{
    static const int versions[] = {[CONFIG_TLS_UNSET] = 0,
                                   [CONFIG_TLS_1_0] = TLS1_VERSION,
                                   [CONFIG_TLS_1_1] = TLS1_1_VERSION,
                                   [CONFIG_TLS_1_2] = TLS1_2_VERSION,
                                   [CONFIG_TLS_1_3] = TLS1_3_VERSION};
    return versions[version];
}

static int set_versions(const struct config *config, SSL_CTX *ctx)
{
    int low = library_version(config->tls_version_min.version);
    int high = library_version(config->tls_version_max);
    if (config->tls_version_min.or_highest && (low == 0 || low > TLS1_3_VERSION)) {
        low = TLS1_3_VERSION;
    }
    if (high && low > high) {
        low = high;
    }
    if (SSL_CTX_set_min_proto_version(ctx, low ? low : TLS1_2_VERSION) != 1) {
        return refused("tls-version-min", "the TLS library refuses this version");
    }
    if (high && SSL_CTX_set_max_proto_version(ctx, high) != 1) {
        return refused("tls-version-max", "the TLS library refuses this version");
    }
    return 0;
}

/* ------------------------------------------------------------------ ciphers and groups */

static void set_profile(const struct config *config, SSL_CTX *ctx)
{
    static const int levels[] = {[CONFIG_PROFILE_INSECURE] = 0,
                                 [CONFIG_PROFILE_LEGACY] = 1,
                                 [CONFIG_PROFILE_PREFERRED] = 2,
                                 [CONFIG_PROFILE_SUITEB] = 3};
    SSL_CTX_set_security_level(ctx, levels[config->tls_cert_profile]);
    if (config->tls_cert_profile == CONFIG_PROFILE_SUITEB) {
        (void)SSL_CTX_set_cipher_list(ctx, "SUITEB128");
    }
}

static int set_ciphers(const struct config *config, SSL_CTX *ctx)
{
    if (!config->tls_cipher) {
        bool suite_b = config->tls_cert_profile == CONFIG_PROFILE_SUITEB;
        return suite_b || SSL_CTX_set_cipher_list(ctx, DEFAULT_CIPHERS) == 1
                   ? 0
                   : refused("Failed to set default TLS cipher list", DEFAULT_CIPHERS);
    }
    struct buf list = BUF_INIT(LIST_MAX);
    int err = tls_names_ciphers(config->tls_cipher, &list);
    if (err || SSL_CTX_set_cipher_list(ctx, buf_str(&list)) != 1) {
        err = refused("Failed to set restricted TLS cipher list", config->tls_cipher);
    }
    buf_free(&list, false);
    return err;
}

static int set_suites(const struct config *config, SSL_CTX *ctx)
{
    if (!config->tls_ciphersuites) {
        return 0;
    }
    struct buf list = BUF_INIT(LIST_MAX);
    int err = tls_names_suites(config->tls_ciphersuites, &list);
    if (err || SSL_CTX_set_ciphersuites(ctx, buf_str(&list)) != 1) {
        err = refused("Failed to set restricted TLS 1.3 cipher list", config->tls_ciphersuites);
    }
    buf_free(&list, false);
    return err;
}

static int set_groups(const struct config *config, SSL_CTX *ctx)
{
    const char *wanted = config->tls_groups ? config->tls_groups : config->ecdh_curve;
    if (!wanted) {
        return 0;
    }
    struct buf list = BUF_INIT(LIST_MAX);
    int err = tls_names_groups(wanted, &list);
    if (err || SSL_CTX_set1_groups_list(ctx, buf_str(&list)) != 1) {
        err = refused("Failed to set allowed TLS group list", wanted);
    }
    buf_free(&list, false);
    return err;
}

/* ------------------------------------------------------------------ together */

static int new_context(const struct config *config, bool server, SSL_CTX **out)
{
    SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (!ctx) {
        return refused("TLS", "the TLS library cannot start");
    }
    if (server) {
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    }
    set_profile(config, ctx);
    int err = set_versions(config, ctx);
    err = err ? err : set_ciphers(config, ctx);
    err = err ? err : set_suites(config, ctx);
    err = err ? err : set_groups(config, ctx);
    if (err) {
        SSL_CTX_free(ctx);
        return err;
    }
    *out = ctx;
    return 0;
}

/* Who cannot make PSS signatures can neither do TLS 1.3 with an RSA key nor be offered them in TLS 1.2. */
static int limit_to_external(const struct external_key *key, SSL_CTX *ctx)
{
    const X509 *cert = key ? SSL_CTX_get0_certificate(ctx) : NULL;
    if (!cert || key->pss || !EVP_PKEY_is_a(X509_get0_pubkey(cert), "RSA")) {
        return 0;
    }
    if (SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set1_sigalgs_list(ctx, "RSA+SHA512:RSA+SHA384:RSA+SHA256:ECDSA+SHA512:ECDSA+SHA384:ECDSA+SHA256") != 1) {
        return refused("management-external-key", "the TLS library refuses to do without PSS");
    }
    return 0;
}

int tls_setup_new(const struct tls_setup_request *request, struct tls_setup **out)
{
    struct tls_setup *setup = mem_zalloc(sizeof(*setup));
    setup->config = request->config;
    setup->server = request->server;
    struct tls_files_own files = {request->passphrase, request->certificate, request->external};
    int err = new_context(request->config, request->server, &setup->ctx);
    err = err ? err : tls_files_load(request->config, setup->ctx, &files);
    err = err ? err : limit_to_external(request->external, setup->ctx);
    err = err ? err : crl_new(&request->config->crl_verify, &setup->crl);
    if (err) {
        ERR_clear_error();
        tls_setup_free(setup);
        return err;
    }
    setup->policy = verify_policy_new(request->config, request->server, setup->crl);
    verify_policy_install(setup->policy, setup->ctx);
    setup->context = tls_context_new(setup->ctx, verify_certificate, setup->policy);
    const X509 *own = SSL_CTX_get0_certificate(setup->ctx);
    setup->certificate.when = own ? cert_not_after(own) : 0;
    SSL_CTX_set_app_data(setup->ctx, setup);
    *out = setup;
    return 0;
}

struct tls_context *tls_setup_context(const struct tls_setup *setup)
{
    return setup->context;
}

void tls_setup_free(struct tls_setup *setup)
{
    if (setup) {
        tls_context_free(setup->context);
        SSL_CTX_free(setup->ctx);
        verify_policy_free(setup->policy);
        crl_free(setup->crl);
        free(setup);
    }
}

void tls_setup_release(struct tls_context *context)
{
    if (context) {
        tls_setup_free(SSL_CTX_get_app_data(tls_context_library(context)));
    }
}

/* ------------------------------------------------------------------ expiry */

/* Announce once when 30, 14 and 3 days are left, and when it is over. */
static void announce(struct expiry *expiry, uint64_t when, uint64_t now, const char *what, const char *path)
{
    static const unsigned steps[] = {3, 14, 30};
    if (expiry->when != when) {
        *expiry = (struct expiry){.when = when};
    }
    if (when == 0) {
        return;
    }
    if (when <= now) {
        if (expiry->announced_days != 1) {
            expiry->announced_days = 1;
            log_warn("WARNING: %s %s has expired; peers will refuse it or be refused: replace it now", what, path);
        }
        return;
    }
    uint64_t left = (when - now) / DAY;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (left < steps[i]) {
            if (expiry->announced_days != steps[i]) {
                expiry->announced_days = steps[i];
                log_warn("WARNING: %s %s expires in %u days", what, path, (unsigned)left);
            }
            return;
        }
    }
}

void tls_setup_tick(struct tls_setup *setup, uint64_t unix_s)
{
    const struct config *config = setup->config;
    const struct config_file *own = config_file_given(&config->pkcs12) ? &config->pkcs12 : &config->cert;
    announce(&setup->certificate, setup->certificate.when, unix_s, "our certificate", own->path ? own->path : "");
    if (setup->crl && !crl_is_directory(setup->crl)) {
        crl_reload(setup->crl);
        announce(&setup->list, crl_earliest_update(setup->crl), unix_s, "the CRL", crl_path(setup->crl));
    }
}

uint64_t tls_setup_revocations(const struct tls_setup *setup)
{
    return setup->crl ? crl_version(setup->crl) : 0;
}

bool tls_setup_revoked(const struct tls_setup *setup, struct x509_st *cert)
{
    return cert && setup->crl && crl_revokes(setup->crl, cert);
}

void tls_setup_expiry(const struct tls_setup *setup, struct tls_setup_expiry *out)
{
    *out = (struct tls_setup_expiry){.certificate = setup->certificate.when, .crl = setup->list.when};
}

/* ------------------------------------------------------------------ --show-tls, --show-groups */

static int show_list(SSL_CTX *ctx, bool tls13, struct buf *out)
{
    SSL *ssl = SSL_new(ctx);
    STACK_OF(SSL_CIPHER) *all = ssl ? SSL_get1_supported_ciphers(ssl) : NULL;
    int err = 0;
    for (int i = 0; !err && i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
        const char *standard = SSL_CIPHER_standard_name(cipher);
        char name[128];
        if ((SSL_CIPHER_get_protocol_id(cipher) >> 8 == 0x13) != tls13) {
            continue;
        }
        size_t n = 0;
        for (const char *at = standard ? standard : SSL_CIPHER_get_name(cipher); *at && n + 1 < sizeof(name); at++) {
            name[n++] = *at == '_' && !tls13 ? '-' : *at;
        }
        name[n] = '\0';
        err = buf_printf(out, "%s\n", name);
    }
    sk_SSL_CIPHER_free(all);
    SSL_free(ssl);
    return err;
}

int tls_setup_show_ciphers(const struct config *config, struct buf *out)
{
    SSL_CTX *ctx = NULL;
    int err = new_context(config, false, &ctx);
    err = err ? err : buf_printf(out, "Available TLS Ciphers, listed in order of preference:\n\n"
                                      "For TLS 1.3 and newer (--tls-ciphersuites):\n\n");
    err = err ? err : show_list(ctx, true, out);
    err = err ? err : buf_printf(out, "\nFor TLS 1.2 and older (--tls-cipher):\n\n");
    err = err ? err : show_list(ctx, false, out);
    err = err ? err : buf_printf(out, "\nBe aware that that whether a cipher suite in this list can actually work\n"
                                      "depends on the specific setup of both peers. See the man page entries of\n"
                                      "--tls-cipher and --show-tls for more details.\n\n");
    SSL_CTX_free(ctx);
    return err;
}

int tls_setup_show_groups(struct buf *out)
{
    static const char *const groups[] = {"X25519",         "prime256v1",      "secp384r1", "secp521r1",
                                         "X448",           "X25519MLKEM768",  "ffdhe2048", "ffdhe3072",
                                         "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1", "secp256k1"};
    int err = buf_printf(out, "Available Elliptic curves/groups:\n");
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    for (size_t i = 0; ctx && !err && i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (SSL_CTX_set1_groups_list(ctx, groups[i]) == 1) {
            err = buf_printf(out, "%s\n", groups[i]);
        }
    }
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return err;
}
