/* SPDX-License-Identifier: MIT */
#include "auth/verify.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

#include "auth/cert.h"
#include "auth/crl.h"
#include "auth/peer_record.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "session/tls.h"

#define EKU_SERVER "TLS Web Server Authentication"
#define EKU_CLIENT "TLS Web Client Authentication"
#define VERB_HANDSHAKE 2

struct verify_policy {
    const struct config *config;
    struct crl *crl;
    bool server;
    bool fingerprint_only; /* no authority is configured: the fingerprint alone decides */
};

/* One certificate under examination. */
struct exam {
    const struct verify_policy *policy;
    const struct config *config;
    struct auth_peer *peer;
    const char *tag;
    unsigned depth;
    X509 *cert;
    const char *subject;
};

#define note(exam, ...) log_write(LOG_SEV_USUAL, VERB_HANDSHAKE, (exam)->tag, __VA_ARGS__)
#define refuse(exam, ...) log_write(LOG_SEV_WARN, 1, (exam)->tag, __VA_ARGS__)

struct verify_policy *verify_policy_new(const struct config *config, bool server, struct crl *crl)
{
    struct verify_policy *policy = mem_zalloc(sizeof(*policy));
    policy->config = config;
    policy->crl = crl;
    policy->server = server;
    policy->fingerprint_only = config->peer_fingerprint.count > 0 && !config_file_given(&config->ca) &&
                               !config->capath && !config_file_given(&config->pkcs12);
    return policy;
}

void verify_policy_free(struct verify_policy *policy)
{
    free(policy);
}

/* ------------------------------------------------------------------ single checks */

static const char *serial_or_question(char *serial)
{
    return serial ? serial : "?";
}

/* What the library holds against the chain. Return: X509_V_OK when it is forgiven. */
static int judge_library_error(const struct exam *e, int error)
{
    if (error == X509_V_ERR_UNABLE_TO_GET_CRL) {
        refuse(e, "VERIFY WARNING: depth=%u, unable to get certificate CRL: %s", e->depth, e->subject);
        return X509_V_OK;
    }
    char *serial = cert_serial_decimal(e->cert);
    refuse(e, "VERIFY ERROR: depth=%u, error=%s: %s, serial=%s", e->depth, X509_verify_cert_error_string(error),
           e->subject, serial_or_question(serial));
    free(serial);
    return error;
}

static bool name_is_readable(const struct exam *e)
{
    char name[AUTH_COMMON_NAME_MAX + 1];
    const char *bad = cert_username(e->cert, &e->config->x509_username_field, name, sizeof(name));
    if (bad && e->depth == 0) {
        refuse(e, "VERIFY ERROR: could not extract %s from X509 subject string ('%s') -- note that the field length is "
                  "limited to %u characters",
               bad, e->subject, AUTH_COMMON_NAME_MAX);
        return false;
    }
    if (e->depth == 0) {
        peer_record_name(e->peer, name);
    }
    return true;
}

static bool hash_refused(const struct exam *e, const uint8_t *digest, size_t len)
{
    char text[DIGEST_TEXT_MAX];
    refuse(e, "TLS Error: --tls-verify/--peer-fingerprint certificate hash verification failed. (got certificate "
              "fingerprint: %s)",
           digest_format(digest, len, text));
    return false;
}

static bool listed(const struct config_fingerprint_list *list, const uint8_t *digest, size_t len)
{
    bool found = false;
    for (size_t i = 0; i < list->count; i++) {
        found = found || secret_equal(list->items[i].digest, digest, len);
    }
    return found;
}

static bool fingerprint_matches(const struct exam *e)
{
    uint8_t digest[DIGEST_SHA256_SIZE] = {0};
    if (e->depth == 0 && e->config->peer_fingerprint.count) {
        return (cert_fingerprint(e->cert, true, digest) == 0 &&
                listed(&e->config->peer_fingerprint, digest, DIGEST_SHA256_SIZE)) ||
               hash_refused(e, digest, DIGEST_SHA256_SIZE);
    }
    if (e->depth == 1 && e->config->verify_hash.hashes.count) {
        size_t len = e->config->verify_hash.sha256 ? DIGEST_SHA256_SIZE : DIGEST_SHA1_SIZE;
        return (cert_fingerprint(e->cert, e->config->verify_hash.sha256, digest) == 0 &&
                listed(&e->config->verify_hash.hashes, digest, len)) ||
               hash_refused(e, digest, len);
    }
    return true;
}

static bool type_matches(const struct exam *e)
{
    enum config_peer_kind kind = e->config->ns_cert_type;
    const char *word = kind == CONFIG_PEER_CLIENT ? "CLIENT" : "SERVER";
    if (kind == CONFIG_PEER_ANY) {
        return true;
    }
    if (cert_is_type(e->cert, kind)) {
        note(e, "VERIFY OK: nsCertType=%s", word);
        return true;
    }
    refuse(e, "VERIFY nsCertType ERROR: %s, require nsCertType=%s", e->subject, word);
    return false;
}

static bool key_usage_matches(const struct exam *e)
{
    static const struct config_key_usage present = {.required = true};
    const struct config_key_usage *wanted = &e->config->remote_cert_ku;
    uint32_t found;
    if (!wanted->required && e->config->remote_cert_tls == CONFIG_PEER_ANY) {
        return true;
    }
    if (wanted->count) {
        note(e, "Validating certificate key usage");
    }
    if (cert_has_key_usage(e->cert, wanted->required ? wanted : &present, &found)) {
        note(e, "VERIFY KU OK");
        return true;
    }
    if (wanted->count) {
        refuse(e, "ERROR: Certificate has key usage %04x, expected one of those of remote-cert-ku", found);
    }
    refuse(e, "VERIFY KU ERROR");
    return false;
}

static bool extended_usage_is(const struct exam *e, const char *wanted)
{
    note(e, "Validating certificate extended key usage");
    if (cert_has_extended_key_usage(e->cert, wanted, e->tag)) {
        note(e, "VERIFY EKU OK");
        return true;
    }
    refuse(e, "VERIFY EKU ERROR");
    return false;
}

static bool extended_usage_matches(const struct exam *e)
{
    const char *explicit_usage = e->config->remote_cert_eku;
    enum config_peer_kind kind = e->config->remote_cert_tls;
    const char *implied = kind == CONFIG_PEER_ANY ? NULL : kind == CONFIG_PEER_SERVER ? EKU_SERVER : EKU_CLIENT;
    if (explicit_usage && implied && strcmp(explicit_usage, implied) == 0) {
        implied = NULL;
    }
    return (!explicit_usage || extended_usage_is(e, explicit_usage)) && (!implied || extended_usage_is(e, implied));
}

static bool name_matches(const struct exam *e)
{
    const struct config_verify_name *wanted = &e->config->verify_x509_name;
    char name[AUTH_COMMON_NAME_MAX + 1];
    if (!wanted->name) {
        return true;
    }
    (void)cert_username(e->cert, &e->config->x509_username_field, name, sizeof(name));
    bool fits = wanted->check == CONFIG_NAME_SUBJECT ? strcmp(e->subject, wanted->name) == 0
                : wanted->check == CONFIG_NAME_EXACT ? strcmp(name, wanted->name) == 0
                                                     : strncmp(name, wanted->name, strlen(wanted->name)) == 0;
    if (fits) {
        note(e, "VERIFY X509NAME OK: %s", e->subject);
    } else {
        refuse(e, "VERIFY X509NAME ERROR: %s, must be %s", e->subject, wanted->name);
    }
    return fits;
}

static bool not_revoked_by_directory(const struct exam *e)
{
    const struct crl *crl = e->policy->crl;
    if (!crl || !crl_is_directory(crl) || !crl_directory_revokes(crl, e->cert)) {
        return true;
    }
    char *serial = cert_serial_decimal(e->cert);
    refuse(e, "VERIFY CRL: depth=%u, %s, serial=%s is revoked", e->depth, e->subject, serial_or_question(serial));
    free(serial);
    return false;
}

static int judge(const struct exam *e)
{
    if (!name_is_readable(e)) {
        return X509_V_ERR_APPLICATION_VERIFICATION;
    }
    if (!fingerprint_matches(e)) {
        return X509_V_ERR_APPLICATION_VERIFICATION;
    }
    if (e->depth == 0 && (!type_matches(e) || !key_usage_matches(e) || !extended_usage_matches(e))) {
        return X509_V_ERR_INVALID_PURPOSE;
    }
    if (e->depth == 0 && !name_matches(e)) {
        return X509_V_ERR_APPLICATION_VERIFICATION;
    }
    if (!not_revoked_by_directory(e)) {
        return X509_V_ERR_CERT_REVOKED;
    }
    bool keep_pem = e->config->tls_export_cert != NULL || e->config->plugin.count > 0;
    if (peer_record_certificate(e->peer, e->depth, e->cert, &e->config->x509_track, keep_pem)) {
        return X509_V_ERR_APPLICATION_VERIFICATION;
    }
    note(e, "VERIFY OK: depth=%u, %s", e->depth, e->subject);
    return X509_V_OK;
}

int verify_certificate(void *arg, void *user, int depth, X509 *cert, int error)
{
    const struct verify_policy *policy = arg;
    if (policy->fingerprint_only && (error != X509_V_OK || depth != 0)) {
        return X509_V_OK;
    }
    struct exam e = {.policy = policy, .config = policy->config, .peer = user, .tag = peer_record_tag(user),
                     .depth = depth < 0 ? 0 : (unsigned)depth, .cert = cert};
    if (e.depth >= AUTH_CHAIN_MAX) {
        refuse(&e, "TLS Error: Convoluted certificate chain detected with depth [%u] greater than %u", e.depth,
               AUTH_CHAIN_MAX);
        return X509_V_ERR_CERT_CHAIN_TOO_LONG;
    }
    char *subject = cert_subject(cert);
    if (!subject) {
        refuse(&e, "VERIFY ERROR: depth=%u, could not extract X509 subject string from certificate", e.depth);
        return X509_V_ERR_APPLICATION_VERIFICATION;
    }
    e.subject = subject;
    int result = error == X509_V_OK ? judge(&e) : judge_library_error(&e, error);
    free(subject);
    return result;
}

/* ------------------------------------------------------------------ around the library's chain check */

/* Replaces the default chain check: the CRLs in force take part in it. Return: as X509_verify_cert(). */
static int verify_chain(X509_STORE_CTX *store, void *arg)
{
    const struct verify_policy *policy = arg;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct auth_peer *peer = tls_user_of(ssl);
    STACK_OF(X509_CRL) *lists = NULL;
    peer_record_begin(peer);
    if (policy->crl && !crl_is_directory(policy->crl)) {
        crl_reload(policy->crl);
        lists = crl_lists(policy->crl);
        if (!lists) {
            log_write(LOG_SEV_WARN, 1, peer_record_tag(peer), "VERIFY ERROR: CRL not loaded: %s",
                      crl_path(policy->crl));
            X509_STORE_CTX_set_error(store, X509_V_ERR_UNABLE_TO_GET_CRL);
            return 0;
        }
        X509_STORE_CTX_set0_crls(store, lists);
        X509_STORE_CTX_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
    int ok = X509_verify_cert(store);
    X509_STORE_CTX_set0_crls(store, NULL);
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
    return ok == 1 && peer_record_accept(peer);
}

/* Called in every handshake before anything of ours is sent; on a server also when no certificate will come. */
static int on_handshake(SSL *ssl, void *arg)
{
    (void)arg;
    if (SSL_is_server(ssl)) {
        peer_record_begin(tls_user_of(ssl));
    }
    return 1;
}

static int verify_mode(const struct verify_policy *policy)
{
    if (policy->server && policy->config->verify_client_cert == CONFIG_CLIENT_CERT_NONE) {
        return SSL_VERIFY_NONE;
    }
    if (policy->server && policy->config->verify_client_cert == CONFIG_CLIENT_CERT_OPTIONAL) {
        return SSL_VERIFY_PEER;
    }
    return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

void verify_policy_install(const struct verify_policy *policy, SSL_CTX *ctx)
{
    SSL_CTX_set_verify(ctx, verify_mode(policy), NULL);
    SSL_CTX_set_verify_depth(ctx, AUTH_CHAIN_MAX);
    SSL_CTX_set_cert_verify_callback(ctx, verify_chain, (void *)(uintptr_t)policy);
    SSL_CTX_set_cert_cb(ctx, on_handshake, NULL);
}
