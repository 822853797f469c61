/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_CRL_H
#define VPND_AUTH_CRL_H

/*
 * `crl-verify`: a file of CRLs that is read again whenever it changes, or a directory of files named after revoked
 * serial numbers. Any thread: a reader gets a reference to the lists in force.
 */
#include <stdbool.h>
#include <stdint.h>

#include "config/config_types.h"

struct crl;
struct stack_st_X509_CRL;
struct x509_st;

/** crl_new - read it for the first time; @option must outlive it. Return: 0 and *out (NULL when nothing is configured),
 *  or ERR_CONFIG when the file does not exist (logged). An unreadable list refuses everybody until it is mended. */
int crl_new(const struct config_crl_verify *option, struct crl **out);

/** crl_free - NULL is fine. */
void crl_free(struct crl *crl);

/** crl_reload - read the file again if its time or size changed. */
void crl_reload(struct crl *crl);

/** crl_lists - the lists in force with a reference for each, or NULL (directory, or nothing was readable).
 *  Release with sk_X509_CRL_pop_free(). */
struct stack_st_X509_CRL *crl_lists(struct crl *crl);

/** crl_is_directory - the directory form. */
bool crl_is_directory(const struct crl *crl);

/** crl_directory_revokes - a file of the directory names the certificate's serial number. */
bool crl_directory_revokes(const struct crl *crl, const struct x509_st *cert);

/** crl_revokes - the lists in force, or the directory, revoke the certificate. Any thread. */
bool crl_revokes(struct crl *crl, struct x509_st *cert);

/** crl_version - differs after whatever may have changed what is revoked: another file, another entry of the directory.
 *  Return: never 0. Any thread. */
uint64_t crl_version(struct crl *crl);

/** crl_earliest_update - UNIX seconds at which the first list in force expires; 0 when unknown. */
uint64_t crl_earliest_update(struct crl *crl);

/** crl_path - for messages. */
const char *crl_path(const struct crl *crl);

#endif
