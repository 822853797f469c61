/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_CERT_H
#define VPND_AUTH_CERT_H

/* Facts about one certificate. Pure functions over an X509 (server behaviour spec, 7.3 and 8); any thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config_types.h"

struct env;
struct x509_st;

#define CERT_SERIAL_HEX_MAX 192

/** cert_subject - "C=DE, O=Org, CN=name", control characters escaped; free with free(). NULL when it is malformed. */
char *cert_subject(const struct x509_st *cert);

/**
 * cert_username - the common name by x509-username-field
 * @fields: names; several are joined with '_'. "ext:subjectAltName" and "ext:issuerAltName" mean the last mail
 *          address, "serialNumber" the certificate's serial as 0x<HEX>
 * @out:    receives at most 64 bytes and a NUL, control characters replaced by '_'
 * Return: NULL, or the field that is absent, too long or has a NUL byte inside.
 */
const char *cert_username(const struct x509_st *cert, const struct config_text_list *fields, char *out, size_t cap);

/** cert_serial_decimal - free with free(); NULL when memory or the number is broken. */
char *cert_serial_decimal(const struct x509_st *cert);

/** cert_serial_hex - "0a:1b:..", at most 64 bytes of it. Return: @out. */
const char *cert_serial_hex(const struct x509_st *cert, char out[CERT_SERIAL_HEX_MAX]);

/** cert_fingerprint - SHA-1 (@sha256 false, 20 bytes) or SHA-256 of the whole certificate. Return: 0, ERR_CRYPTO. */
int cert_fingerprint(const struct x509_st *cert, bool sha256, uint8_t *out);

/** cert_is_type - fit for TLS as client or server by purpose or nsCertType (ns-cert-type). */
bool cert_is_type(struct x509_st *cert, enum config_peer_kind kind);

/** cert_has_key_usage - remote-cert-ku: the extension exists and, if values are listed, holds all bits of one.
 *  @found: receives the bits that it has, 0 when it is absent. */
bool cert_has_key_usage(struct x509_st *cert, const struct config_key_usage *wanted, uint32_t *found);

/** cert_has_extended_key_usage - some usage equals @wanted by long name or dotted OID; logs each at verb 4 with
 *  @tag. */
bool cert_has_extended_key_usage(struct x509_st *cert, const char *wanted, const char *tag);

/** cert_export - set X509_DEPTH_FIELD for the subject, or for the attributes of @track if there are any. */
void cert_export(struct x509_st *cert, unsigned depth, const struct config_x509_track_list *track, struct env *env);

/** cert_pem - PEM text; free with free(). NULL when the library fails. */
char *cert_pem(struct x509_st *cert);

/** cert_not_after - UNIX seconds. */
uint64_t cert_not_after(const struct x509_st *cert);

/** cert_ref - another owner of the certificate; any thread. Return: @cert. */
struct x509_st *cert_ref(struct x509_st *cert);

/** cert_unref - an owner less. NULL is fine. */
void cert_unref(struct x509_st *cert);

#endif
