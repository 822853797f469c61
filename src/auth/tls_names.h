/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_TLS_NAMES_H
#define VPND_AUTH_TLS_NAMES_H

#include "base/buf.h"

/* Names of TLS cipher suites and groups as people write them, in the library's spelling. Any thread. */

/** tls_names_ciphers - a tls-cipher list; IANA names ("TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384", with dashes or
 *  underscores) become OpenSSL's, everything else stays. Return: 0 or ERR_LIMIT. */
int tls_names_ciphers(const char *list, struct buf *out);

/** tls_names_suites - a tls-ciphersuites list (TLS 1.3), dashes become underscores. Return: 0 or ERR_LIMIT. */
int tls_names_suites(const char *list, struct buf *out);

/** tls_names_groups - a tls-groups list; "secp256r1" and its kind become the names that every OpenSSL knows.
 *  Return: 0 or ERR_LIMIT. */
int tls_names_groups(const char *list, struct buf *out);

#endif
