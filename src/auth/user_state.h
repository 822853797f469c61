/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_USER_STATE_H
#define VPND_AUTH_USER_STATE_H

/*
 * Rules for users of a configuration, and who a client is: the name it was admitted with and the token that stands
 * for its password from then on (control channel session spec, 12.1 and 12.2). Thread: loop.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rand.h"

struct config;
struct env;
struct user_policy;
struct user_state;

#define USER_NAME_MAX 127 /* bytes, without NUL */

/**
 * user_policy_new - token key and rules; the key comes from auth-gen-token-secret or @rand
 * @config: must outlive it
 * @voters: listeners other than the script check users (PAM, plug-ins, management-client-auth)
 * Return: 0 and *out, or ERR_CONFIG (one line logged).
 */
int user_policy_new(const struct config *config, bool voters, const struct rand_source *rand, struct user_policy **out);

/** user_policy_free - wipe and release; NULL is fine. */
void user_policy_free(struct user_policy *policy);

/** user_policy_active - user names and passwords are looked at at all. */
bool user_policy_active(const struct user_policy *policy);

/** user_policy_token_renewal - seconds after which a fresh token is pushed in a running session, 0 never. */
unsigned user_policy_token_renewal(const struct user_policy *policy);

/** user_state_new - what one client was admitted with, over all its sessions and renegotiations. */
struct user_state *user_state_new(void);

/** user_state_free - wipe and release; NULL is fine. */
void user_state_free(struct user_state *state);

/** user_state_username - the name in force (cleaned, perhaps overridden); NULL before a success or without users. */
const char *user_state_username(const struct user_state *state);

/** user_state_override - `override-username NAME`: the peer goes on with its own name or @name, everybody else sees
 *  @name; tokens are made for it. Return: 0, ERR_LIMIT (too long), ERR_BAD_STATE (no user was checked). */
int user_state_override(struct user_state *state, const char *name);

/** user_state_token - token to push now, renewed to @unix_s; NULL when tokens are off or nobody logged in. Valid until
 *  the next call on @state. */
const char *user_state_token(struct user_state *state, const struct user_policy *policy, uint64_t unix_s);

/** user_state_export - set username (and session_id, session_state with tokens) for hooks. */
void user_state_export(const struct user_state *state, struct env *env);

/** user_clean - copy @in to @out with control characters replaced by '_' (server behaviour spec, 7.6).
 *  Return: false when it does not fit @cap. */
bool user_clean(const char *in, char *out, size_t cap);

#endif
