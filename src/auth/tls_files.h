/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_TLS_FILES_H
#define VPND_AUTH_TLS_FILES_H

/* Certificates and keys from files, directories and inline blocks into an SSL_CTX. Each refusal is one logged line
 * that names the file and the reason. Thread: control. */

struct config;
struct external_key;
struct ssl_ctx_st;

/** Where our own certificate and key come from, besides the configuration. */
struct tls_files_own {
    const char *passphrase;              /* NULL: only what askpass FILE gives */
    const char *certificate;             /* PEM instead of cert, its chain behind it; NULL */
    const struct external_key *external; /* who signs, instead of key; NULL */
};

/**
 * tls_files_load - ca, capath, cert, key, pkcs12, extra-certs, dh
 * Return: 0, ERR_AUTH (pass phrase missing or wrong), ERR_CONFIG.
 */
int tls_files_load(const struct config *config, struct ssl_ctx_st *ctx, const struct tls_files_own *own);

#endif
