/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_TLS_H
#define VPND_SESSION_TLS_H

/*
 * One TLS connection over memory: bytes of the control channel in, bytes out, records of application data. The
 * owner of certificates builds an SSL_CTX (protocol versions, ciphers, groups, keys, CAs, verify mode) and wraps
 * it here; what the protocol forbids (tickets, resumption, renegotiation, compression) is switched off here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct x509_st;    /* OpenSSL's X509 */
struct ssl_st;     /* OpenSSL's SSL */

struct tls_context;
struct tls;

#define TLS_RECORD_MAX 16384
#define TLS_OUTPUT_MAX (128 * 1024) /* more unacknowledged output than this is a peer playing games */
#define TLS_TEXT_MAX 384

/**
 * tls_verify_fn - the owner's word on one certificate of the peer's chain
 * @arg:   of tls_context_new();  @user: of the session (session_open.tls_user)
 * @depth: 0 is the peer itself;  @cert: borrowed
 * @error: X509_V_OK or what the library holds against it
 *
 * May be called more than once for a depth, first with an error and then, when that was forgiven, without.
 * Return: X509_V_OK to accept, else the X509_V_ERR_* code that ends the handshake and chooses the TLS alert.
 * Thread: the one that runs the session.
 */
typedef int (*tls_verify_fn)(void *arg, void *user, int depth, struct x509_st *cert, int error);

/**
 * tls_context_new - wrap an SSL_CTX
 * @ctx:    a reference is taken, so that the caller may free its own; unchanged afterwards
 * @verify: NULL: the library's opinion counts
 * The verify mode set in @ctx (whether a peer certificate is required) stays.
 * Return: free with tls_context_free() when no session uses it any more. Thread: control thread.
 */
struct tls_context *tls_context_new(struct ssl_ctx_st *ctx, tls_verify_fn verify, void *arg);

/** tls_context_library - the SSL_CTX inside, borrowed. */
struct ssl_ctx_st *tls_context_library(const struct tls_context *context);

/** tls_context_free - NULL is fine. */
void tls_context_free(struct tls_context *context);

/** Why a connection ended. */
enum tls_failure {
    TLS_FAILURE_NONE,
    TLS_FAILURE_ALERT_IN,  /* the peer sent a fatal alert */
    TLS_FAILURE_CERT_TIME, /* a certificate is expired or not yet valid, by our clock or the peer's */
    TLS_FAILURE_LOCAL,     /* our library or the verify callback refused */
    TLS_FAILURE_CLOSED,    /* the peer closed the connection in an orderly way */
    TLS_FAILURE_FLOOD,     /* TLS_OUTPUT_MAX */
};

/** tls_new - a connection that has exchanged nothing. Return: NULL when the library fails. */
struct tls *tls_new(const struct tls_context *context, bool server, void *user);

/** tls_user_of - the @user of tls_new() that belongs to @ssl, for callbacks that the owner of the SSL_CTX has set. */
void *tls_user_of(const struct ssl_st *ssl);

/** tls_free - wipe and release; NULL is fine. */
void tls_free(struct tls *t);

/** tls_input - bytes from the peer, in order. Return: 0, or ERR_LIMIT when far too much is unread. */
int tls_input(struct tls *t, const uint8_t *data, size_t len);

/** tls_output - up to @cap bytes for the peer; also after a failure (the alert). Return: bytes written. */
size_t tls_output(struct tls *t, uint8_t *out, size_t cap);

/** tls_output_pending - bytes that tls_output() has to give. */
size_t tls_output_pending(const struct tls *t);

/** tls_input_pending - bytes given to tls_input() that were not used yet. */
size_t tls_input_pending(const struct tls *t);

/** tls_handshake - go on with the handshake as far as the input allows. Return: 0, or ERR_AUTH when it failed. */
int tls_handshake(struct tls *t);

/** tls_established - the handshake is complete on our side. */
bool tls_established(const struct tls *t);

/**
 * tls_read - application data of one record (a record is never joined with the next)
 * @out: TLS_RECORD_MAX bytes
 * Return: bytes, 0 when no complete record is there, ERR_AUTH when the connection failed or was closed.
 */
int tls_read(struct tls *t, uint8_t *out);

/** tls_write - one record of application data (at most TLS_RECORD_MAX). Return: 0, ERR_BAD_STATE, ERR_AUTH. */
int tls_write(struct tls *t, const void *data, size_t len);

/** tls_failure - why it failed, and text for the log ("error:0A000086:SSL routines::certificate verify failed"). */
enum tls_failure tls_failure(const struct tls *t, const char **text);

/** tls_export - RFC 5705 / RFC 8446 7.5 exporter without context. Return: 0, ERR_BAD_STATE, ERR_CRYPTO. */
int tls_export(struct tls *t, const char *label, void *out, size_t len);

/** tls_describe - "TLSv1.3, cipher TLSv1.3 TLS_AES_256_GCM_SHA384, peer certificate: 2048 bit RSA, ..." */
const char *tls_describe(struct tls *t, char out[TLS_TEXT_MAX]);

#endif
