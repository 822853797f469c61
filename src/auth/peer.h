/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_PEER_H
#define VPND_AUTH_PEER_H

/*
 * What the certificate checks of one session learnt: the tls_user of its struct session. TLS fills it from the
 * thread that runs the session; read it only while the session is at rest (in its event callback), or after its end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTH_CHAIN_MAX 16        /* certificates */
#define AUTH_COMMON_NAME_MAX 64  /* bytes, without NUL */

struct auth_peer;
struct env; /* hooks/env.h */
struct x509_st;

/** auth_peer_new - nothing known yet. @log_tag: copied; the client prefix of log lines, or NULL. */
struct auth_peer *auth_peer_new(const char *log_tag);

/** auth_peer_free - NULL is fine. */
void auth_peer_free(struct auth_peer *peer);

/** auth_peer_has_certificate - the latest handshake brought a certificate, and it passed. */
bool auth_peer_has_certificate(const struct auth_peer *peer);

/** auth_peer_common_name - the field that x509-username-field names, cleaned; "" without a certificate. */
const char *auth_peer_common_name(const struct auth_peer *peer);

/** auth_peer_subject - subject of the certificate at @depth as one line, "" if there is none. */
const char *auth_peer_subject(const struct auth_peer *peer, unsigned depth);

/** auth_peer_depth - number of certificates of the accepted chain, 0 for none. */
unsigned auth_peer_depth(const struct auth_peer *peer);

/** auth_peer_fingerprint - SHA-256 of the certificate at @depth, 32 bytes, or NULL. */
const uint8_t *auth_peer_fingerprint(const struct auth_peer *peer, unsigned depth);

/** auth_peer_expires - UNIX seconds of the leaf's notAfter; 0 if there is none. */
uint64_t auth_peer_expires(const struct auth_peer *peer);

/** auth_peer_leaf - the peer's own certificate, or NULL. Stays the peer's; cert_ref() it to keep it. */
struct x509_st *auth_peer_leaf(const struct auth_peer *peer);

/** auth_peer_same - both have the same chain (by fingerprint) and common name; two without a certificate are the
 *  same, too. For renegotiations, new sessions of one client, and float conflicts. */
bool auth_peer_same(const struct auth_peer *a, const struct auth_peer *b);

/** auth_peer_unchanged - no later handshake of this session brought another chain or name than the first. */
bool auth_peer_unchanged(const struct auth_peer *peer);

/** auth_peer_export - set X509_*, tls_id_*, tls_digest_*, tls_serial_* and common_name (server behaviour spec, 7.3).
 *  Only certificates down to @depth (0: all); the root comes first. */
void auth_peer_export(const struct auth_peer *peer, unsigned depth, struct env *env);

/** auth_peer_pem - PEM text of the certificate at @depth, kept only with tls-export-cert; NULL if there is none. */
const char *auth_peer_pem(const struct auth_peer *peer, unsigned depth);

#endif
