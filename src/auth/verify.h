/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_VERIFY_H
#define VPND_AUTH_VERIFY_H

/*
 * The checks of a peer's chain, in the order of the server behaviour spec, section 8. A policy is immutable but for
 * its CRL, which has a lock; checks run in whatever thread runs the session.
 */
#include <stdbool.h>

struct config;
struct crl;
struct verify_policy;
struct ssl_ctx_st;
struct x509_st;

/**
 * verify_policy_new - from the configuration
 * @config: must outlive it;  @crl: NULL for none, stays the caller's
 */
struct verify_policy *verify_policy_new(const struct config *config, bool server, struct crl *crl);

/** verify_policy_free - NULL is fine. */
void verify_policy_free(struct verify_policy *policy);

/** verify_policy_install - set verify mode and callbacks of @ctx; every SSL of it has to come from session/tls.h with a
 *  struct auth_peer as its user. */
void verify_policy_install(const struct verify_policy *policy, struct ssl_ctx_st *ctx);

/** verify_certificate - the tls_verify_fn of tls_context_new(); @arg is the policy, @user the struct auth_peer. */
int verify_certificate(void *arg, void *user, int depth, struct x509_st *cert, int error);

#endif
