/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_TLS_SETUP_H
#define VPND_AUTH_TLS_SETUP_H

/*
 * From the configuration to a struct tls_context: certificates and keys read once, versions, ciphers, groups, and
 * the checks of the peer's certificate (server behaviour spec, 8). Each refusal is logged as one line that names
 * the file and the reason.
 */
#include <stdbool.h>
#include <stdint.h>

struct buf;
struct config;
struct external_key;
struct tls_context; /* session/tls.h */
struct tls_setup;
struct x509_st;

struct tls_setup_request {
    const struct config *config; /* must outlive the setup */
    bool server;                 /* of TLS */
    const char *passphrase;      /* of the private key or PKCS #12 file; NULL: only what `askpass FILE` gives */
    const char *certificate;     /* PEM, from management; NULL: `cert` */
    const struct external_key *external; /* management-external-key; must outlive the setup; NULL: `key` */
};

/**
 * tls_setup_new - read everything and check it
 * Call while files can still be read: before chroot and the change of user.
 * Return: 0 and *out; ERR_AUTH when the private key needs a pass phrase and there is none, or it is wrong (the line
 * "private key password verification failed" is logged only if one was tried); ERR_CONFIG for everything else
 * (logged). Thread: control.
 */
int tls_setup_new(const struct tls_setup_request *request, struct tls_setup **out);

/** tls_setup_context - for session_config.tls. Owned by @setup. Each session that uses it has a struct auth_peer
 *  (auth/peer.h) as its tls_user. */
struct tls_context *tls_setup_context(const struct tls_setup *setup);

/** tls_setup_free - release; no session may use the context any more. NULL is fine. */
void tls_setup_free(struct tls_setup *setup);

/**
 * tls_setup_release - tls_setup_free() for the owner of @context, for those who only know that
 * @context: of tls_setup_context(). NULL is fine.
 */
void tls_setup_release(struct tls_context *context);

/**
 * tls_setup_tick - reload the CRL when its file changed, and announce certificates and CRLs that expire within 30,
 * 14 or 3 days, once each; call at start and about once an hour
 * Thread: any, one at a time.
 */
void tls_setup_tick(struct tls_setup *setup, uint64_t unix_s);

/** tls_setup_revocations - crl_version(); 0 without crl-verify. Thread: any. */
uint64_t tls_setup_revocations(const struct tls_setup *setup);

/** tls_setup_revoked - whether crl-verify as it is now revokes @cert (NULL: no). Thread: any. */
bool tls_setup_revoked(const struct tls_setup *setup, struct x509_st *cert);

/** When something of ours ends, in UNIX seconds; 0: unknown, or there is none. */
struct tls_setup_expiry {
    uint64_t certificate;
    uint64_t crl; /* next update of the first list that is due */
};

/** tls_setup_expiry - both dates as known now. Thread: as tls_setup_tick(). */
void tls_setup_expiry(const struct tls_setup *setup, struct tls_setup_expiry *out);

/** tls_setup_show_ciphers - append the text of --show-tls. Return: 0 or negative. */
int tls_setup_show_ciphers(const struct config *config, struct buf *out);

/** tls_setup_show_groups - append the text of --show-groups. Return: 0 or negative. */
int tls_setup_show_groups(struct buf *out);

#endif
