/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_LOGIN_H
#define VPND_SERVER_LOGIN_H

/*
 * The checks of one session: certificate (while TLS runs, in the thread pool), then name, user and password after
 * each key exchange (spec: server behaviour, 8; control channel session, 12). Its verdict goes to the session.
 * Loop thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct env;
struct instance_session;
struct login;
struct session_event;
struct x509_st;

/** login_new - the object to hand to TLS as tls_user. */
struct login *login_new(struct instance_session *session);

/** login_tls_user - what session_open.tls_user has to be. */
void *login_tls_user(struct login *login);

/** login_end - running checks are cancelled, no verdict comes any more; what was learnt stays readable. */
void login_end(struct login *login);

/** login_free - login_end(), and the owner's interest is over. NULL is fine. */
void login_free(struct login *login);

/** login_tls_released - TLS does not use it any more (struct session_driver_open, released); @login: struct login. */
void login_tls_released(void *login);

/** login_check_metadata - ask tls-crypt-v2-verify about the metadata of the client's key; a refusal ends the session
 *  without a word, until then no verdict is given. */
void login_check_metadata(struct login *login, const void *metadata, size_t len);

/** login_check - begin to judge a key exchange (SESSION_EV_KEY_EXCHANGE); login_verdict() follows, maybe at once. */
void login_check(struct login *login, const struct session_event *event);

/** login_response - CR_RESPONSE of a login that waits: @text is its base64 argument. */
void login_response(struct login *login, const char *text);

/** login_common_name - name of the peer: certificate, or user with username-as-common-name; "" if none. */
const char *login_common_name(const struct login *login);

/** login_username - locked or replaced user name; NULL if none. */
const char *login_username(const struct login *login);

/** login_same_identity - both have the same certificate, or none, and are the same user (for float conflicts). */
bool login_same_identity(const struct login *a, const struct login *b);

/** login_certificate - the peer's certificate, the login's; NULL if none or not yet checked. */
struct x509_st *login_certificate(const struct login *login);

/** login_override_username - `override-username`: tokens and hooks see @name from now on. Return: 0, ERR_BAD_STATE
 *  when no user and password are checked, ERR_LIMIT (too long). */
int login_override_username(struct login *login, const char *name);

/** login_token - auth-token to push now, NULL for none. */
const char *login_token(const struct login *login);

/** login_export - variables about certificate, user and peer for hooks. */
void login_export(const struct login *login, struct env *env);

#endif
