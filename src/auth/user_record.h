/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_USER_RECORD_H
#define VPND_AUTH_USER_RECORD_H

/* What the check of a user reads and writes of policy and state. For user_check.c only; thread: loop. */
#include <stdbool.h>
#include <stdint.h>

#include "auth/auth_token.h"
#include "auth/user_state.h"

/** What became of the token that a peer sent in place of a password. */
struct user_token {
    enum auth_token_state state;
    bool empty_user;         /* made for nobody, presented with a name */
    struct auth_token facts; /* unless INVALID */
};

/** user_policy_config - the configuration. */
const struct config *user_policy_config(const struct user_policy *policy);

/** user_policy_judge_token - look at @password. Return: false when it is no token or tokens are off. */
bool user_policy_judge_token(const struct user_policy *policy, const struct user_state *state, const char *password,
                             const char *username, uint64_t unix_s, struct user_token *out);

/** user_state_name_fits - nobody logged in yet, or it was this @username (or the name that replaced it). */
bool user_state_name_fits(const struct user_state *state, const char *username);

/** user_state_announce - what hooks are told about the token in the check that begins: session_id, session_state.
 *  @token: NULL when the peer sent a password. No effect with tokens off. */
void user_state_announce(struct user_state *state, const struct user_policy *policy, const struct user_token *token);

/** user_state_admit - the check succeeded: lock the name, begin or go on with a token. */
void user_state_admit(struct user_state *state, const struct user_policy *policy, const char *username,
                      const struct user_token *token, uint64_t unix_s);

#endif
