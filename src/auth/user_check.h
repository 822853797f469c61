/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_USER_CHECK_H
#define VPND_AUTH_USER_CHECK_H

/*
 * Is this user allowed in? Tokens, then everybody who listens to EVENT_USER_PASS (script, plug-ins, management, PAM);
 * all who vote must accept (server behaviour spec, 8; control channel session spec, 12). Thread: loop.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rand.h"

struct config;
struct env;
struct event_bus;
struct user_check;
struct user_policy;
struct user_state;

#define USER_NAME_MAX 127     /* bytes, without NUL */
#define USER_TOKEN_MAX 96

/* ------------------------------------------------------------------ per configuration */

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

/* ------------------------------------------------------------------ per client */

/** user_state_new - what one client was admitted with, over all its sessions and renegotiations. */
struct user_state *user_state_new(void);

/** user_state_free - wipe and release; NULL is fine. */
void user_state_free(struct user_state *state);

/** user_state_username - the name in force (cleaned, perhaps overridden); NULL before a success or without users. */
const char *user_state_username(const struct user_state *state);

/** user_state_override - `override-username NAME`: the peer goes on with its own name, everybody else sees @name;
 *  a new token is made for it. Return: 0, ERR_LIMIT (too long), ERR_BAD_STATE (no user was checked). */
int user_state_override(struct user_state *state, const struct user_policy *policy, const char *name, uint64_t unix_s);

/** user_state_token - token to push now, renewed to @unix_s; NULL when tokens are off or nobody logged in. Valid until
 *  the next call on @state. */
const char *user_state_token(struct user_state *state, const struct user_policy *policy, uint64_t unix_s);

/** user_policy_token_renewal - seconds after which a fresh token is pushed in a running session, 0 never. */
unsigned user_policy_token_renewal(const struct user_policy *policy);

/** user_state_export - set username (and session_id, session_state with tokens) for hooks. */
void user_state_export(const struct user_state *state, struct env *env);

/* ------------------------------------------------------------------ one check */

struct user_check_result {
    bool accepted;
    const char *reason;   /* refused: text for AUTH_FAILED, or NULL; valid during the callback */
    bool drop_silently;   /* refused: credentials were required and none came: no key-method answer, no AUTH_FAILED */
};

struct user_check_request {
    struct user_policy *policy;
    struct user_state *state;   /* must outlive the check */
    struct event_bus *bus;
    const struct env *env;      /* facts about certificate, address and peer-info; copied where needed */
    const char *username;       /* as received; NULL when absent */
    const char *password;
    bool too_long;              /* credentials exceeded the limit */
    const char *common_name;    /* of the certificate, "" if none */
    const char *iv_sso;         /* the peer's IV_SSO, NULL if none: pending methods that it can do */
    uint64_t unix_s;
    uint64_t client_id;         /* for management */
    uint64_t key_id;
    void (*done)(void *arg, const struct user_check_result *result); /* exactly once unless cancelled */
    /** the login waits: send these texts (AUTH_PENDING ..., then INFO_PRE,... unless NULL) and extend the deadline */
    void (*pending)(void *arg, unsigned timeout_s, const char *info_pre);
    void *arg;
};

/**
 * user_check_start - judge one key exchange; @request and its texts are copied as needed
 * Return: handle for user_check_cancel(), or NULL when @done was called already.
 */
struct user_check *user_check_start(const struct user_check_request *request);

/** user_check_cancel - no callback comes any more (also when the deadline passed); NULL is fine. */
void user_check_cancel(struct user_check *check);

/** user_clean - copy @in to @out with control characters replaced by '_' (server behaviour spec, 7.6).
 *  Return: false when it does not fit @cap. */
bool user_clean(const char *in, char *out, size_t cap);

#endif
