/* SPDX-License-Identifier: MIT */
#include "session/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/err.h"
#include "base/mem.h"

#define INPUT_MAX (64 * 1024)
#define ALERT_REASON_BASE 1000 /* OpenSSL: reason code of a received alert = 1000 + alert number */

struct tls_context {
    SSL_CTX *ctx;
    tls_verify_fn verify;
    void *verify_arg;
};

struct tls {
    const struct tls_context *context;
    SSL *ssl;
    BIO *in;  /* owned by @ssl, as is @out */
    BIO *out;
    void *user;
    enum tls_failure failure;
    bool certificate_time; /* the verify callback saw an expired or not yet valid certificate and refused */
    char text[TLS_TEXT_MAX];
};

static bool is_time_error(int error)
{
    return error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID ||
           error == X509_V_ERR_CRL_HAS_EXPIRED || error == X509_V_ERR_CRL_NOT_YET_VALID;
}

static int verify_certificate(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *t = SSL_get_app_data(ssl);
    int error = ok ? X509_V_OK : X509_STORE_CTX_get_error(store);
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    if (cert && t->context->verify) {
        error = t->context->verify(t->context->verify_arg, t->user, X509_STORE_CTX_get_error_depth(store), cert, error);
        X509_STORE_CTX_set_error(store, error);
    }
    if (is_time_error(error)) {
        t->certificate_time = true;
    }
    return error == X509_V_OK;
}

struct tls_context *tls_context_new(SSL_CTX *ctx, tls_verify_fn verify, void *arg)
{
    struct tls_context *context = mem_zalloc(sizeof *context);
    SSL_CTX_up_ref(ctx);
    context->ctx = ctx;
    context->verify = verify;
    context->verify_arg = arg;
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, SSL_CTX_get_verify_mode(ctx), verify_certificate);
    return context;
}

SSL_CTX *tls_context_library(const struct tls_context *context)
{
    return context->ctx;
}

void tls_context_free(struct tls_context *context)
{
    if (context) {
        SSL_CTX_free(context->ctx);
        free(context);
    }
}

struct tls *tls_new(const struct tls_context *context, bool server, void *user)
{
    struct tls *t = mem_zalloc(sizeof *t);
    t->context = context;
    t->user = user;
    ERR_clear_error();
    t->ssl = SSL_new(context->ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (!t->ssl || !t->in || !t->out) {
        BIO_free(t->in);
        BIO_free(t->out);
        SSL_free(t->ssl);
        free(t);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_bio(t->ssl, t->in, t->out);
    SSL_set_app_data(t->ssl, t);
    if (server) {
        SSL_set_accept_state(t->ssl);
    } else {
        SSL_set_connect_state(t->ssl);
    }
    return t;
}

void *tls_user_of(const SSL *ssl)
{
    const struct tls *t = SSL_get_app_data(ssl);
    return t->user;
}

void tls_free(struct tls *t)
{
    if (t) {
        SSL_free(t->ssl);
        free(t);
    }
}

static void fail(struct tls *t, enum tls_failure failure, const char *text)
{
    if (t->failure == TLS_FAILURE_NONE) {
        t->failure = failure;
        snprintf(t->text, sizeof t->text, "%s", text);
    }
}

/* Turn the library's error queue into a reason; the oldest entry is the cause. */
static void fail_library(struct tls *t, int ssl_error)
{
    unsigned long code = ERR_get_error();
    char text[TLS_TEXT_MAX];
    if (code) {
        ERR_error_string_n(code, text, sizeof text);
    } else {
        snprintf(text, sizeof text, "%s", ssl_error == SSL_ERROR_ZERO_RETURN ? "closed by the peer" : "TLS failed");
    }
    ERR_clear_error();
    enum tls_failure failure = ssl_error == SSL_ERROR_ZERO_RETURN ? TLS_FAILURE_CLOSED : TLS_FAILURE_LOCAL;
    int reason = ERR_GET_REASON(code);
    if (code && ERR_GET_LIB(code) == ERR_LIB_SSL && reason >= ALERT_REASON_BASE && reason < ALERT_REASON_BASE + 256) {
        failure = reason - ALERT_REASON_BASE == SSL_AD_CERTIFICATE_EXPIRED ? TLS_FAILURE_CERT_TIME
                                                                            : TLS_FAILURE_ALERT_IN;
    } else if (t->certificate_time) {
        failure = TLS_FAILURE_CERT_TIME;
    }
    fail(t, failure, text);
}

/* A peer can make us answer without reading our answers (key updates): that must not grow memory. */
static int check_output(struct tls *t)
{
    if (BIO_ctrl_pending(t->out) > TLS_OUTPUT_MAX) {
        fail(t, TLS_FAILURE_FLOOD, "the peer makes TLS answer but does not read the answers");
        return ERR_AUTH;
    }
    return 0;
}

int tls_input(struct tls *t, const uint8_t *data, size_t len)
{
    if (t->failure != TLS_FAILURE_NONE || len == 0) {
        return 0;
    }
    if (BIO_ctrl_pending(t->in) + len > INPUT_MAX) {
        return ERR_LIMIT;
    }
    return BIO_write(t->in, data, (int)len) == (int)len ? 0 : ERR_LIMIT;
}

size_t tls_output(struct tls *t, uint8_t *out, size_t cap)
{
    if (cap == 0 || BIO_ctrl_pending(t->out) == 0) {
        return 0;
    }
    int n = BIO_read(t->out, out, cap > INPUT_MAX ? INPUT_MAX : (int)cap);
    return n > 0 ? (size_t)n : 0;
}

size_t tls_output_pending(const struct tls *t)
{
    return BIO_ctrl_pending(t->out);
}

size_t tls_input_pending(const struct tls *t)
{
    return BIO_ctrl_pending(t->in);
}

/* Result of a library call that returned @ret <= 0: 0 when it only wants more input. */
static int judge(struct tls *t, int ret)
{
    int error = SSL_get_error(t->ssl, ret);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        ERR_clear_error();
        return check_output(t);
    }
    fail_library(t, error);
    return ERR_AUTH;
}

int tls_handshake(struct tls *t)
{
    if (t->failure != TLS_FAILURE_NONE) {
        return ERR_AUTH;
    }
    if (SSL_is_init_finished(t->ssl)) {
        return 0;
    }
    ERR_clear_error();
    int ret = SSL_do_handshake(t->ssl);
    return ret == 1 ? check_output(t) : judge(t, ret);
}

bool tls_established(const struct tls *t)
{
    return SSL_is_init_finished(t->ssl) && t->failure == TLS_FAILURE_NONE;
}

int tls_read(struct tls *t, uint8_t *out)
{
    if (t->failure != TLS_FAILURE_NONE) {
        return ERR_AUTH;
    }
    if (!SSL_is_init_finished(t->ssl)) {
        return 0;
    }
    ERR_clear_error();
    int n = SSL_read(t->ssl, out, TLS_RECORD_MAX);
    if (n > 0) {
        return check_output(t) ? ERR_AUTH : n;
    }
    return judge(t, n);
}

int tls_write(struct tls *t, const void *data, size_t len)
{
    if (t->failure != TLS_FAILURE_NONE) {
        return ERR_AUTH;
    }
    if (!SSL_is_init_finished(t->ssl) || len == 0 || len > TLS_RECORD_MAX) {
        return ERR_BAD_STATE;
    }
    ERR_clear_error();
    int n = SSL_write(t->ssl, data, (int)len);
    if (n == (int)len) {
        return check_output(t);
    }
    int err = judge(t, n);
    return err ? err : ERR_BAD_STATE;
}

enum tls_failure tls_failure(const struct tls *t, const char **text)
{
    if (text) {
        *text = t->text;
    }
    return t->failure;
}

int tls_export(struct tls *t, const char *label, void *out, size_t len)
{
    if (!SSL_is_init_finished(t->ssl)) {
        return ERR_BAD_STATE;
    }
    ERR_clear_error();
    int ok = SSL_export_keying_material(t->ssl, out, len, label, strlen(label), NULL, 0, 0);
    ERR_clear_error();
    return ok == 1 ? 0 : ERR_CRYPTO;
}

/* "2048 bits RSA", "256 bits ECprime256v1", "253 bits X25519" */
static void describe_key(EVP_PKEY *key, char *out, size_t cap)
{
    char group[64] = "";
    size_t n = 0;
    const char *type = EVP_PKEY_get0_type_name(key);
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &n) != 1) {
        group[0] = '\0';
    }
    snprintf(out, cap, "%d bits %s%s", EVP_PKEY_get_bits(key), type ? type : "unknown", group);
}

const char *tls_describe(struct tls *t, char out[TLS_TEXT_MAX])
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(t->ssl);
    char certificate[96] = "";
    char temporary[96] = "";
    char signature[64] = "";
    X509 *cert = SSL_get0_peer_certificate(t->ssl);
    EVP_PKEY *key = cert ? X509_get0_pubkey(cert) : NULL;
    if (key) {
        describe_key(key, certificate, sizeof certificate);
        const char *name = OBJ_nid2sn(X509_get_signature_nid(cert));
        snprintf(signature, sizeof signature, "%s", name ? name : "unknown");
    }
    EVP_PKEY *peer = NULL;
    if (SSL_get_peer_tmp_key(t->ssl, &peer) == 1 && peer) {
        describe_key(peer, temporary, sizeof temporary);
        EVP_PKEY_free(peer);
    }
    snprintf(out, TLS_TEXT_MAX, "%s, cipher %s %s%s%s%s%s%s%s", SSL_get_version(t->ssl),
             cipher ? SSL_CIPHER_get_version(cipher) : "", cipher ? SSL_CIPHER_get_name(cipher) : "none",
             key ? ", peer certificate: " : "", certificate, key ? ", signature: " : "", signature,
             temporary[0] ? ", peer temporary key: " : "", temporary);
    ERR_clear_error();
    return out;
}
