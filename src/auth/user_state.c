/* SPDX-License-Identifier: MIT */
#include "auth/user_state.h"

#include <stdlib.h>
#include <string.h>

#include "auth/auth_token.h"
#include "auth/user_record.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"
#include "crypto/keyfile.h"
#include "hooks/env.h"

#define KEY_FILE_MAX 65536

struct user_policy {
    const struct config *config;
    const struct rand_source *rand;
    struct secret token_key; /* empty: no tokens */
    unsigned renewal;        /* seconds, 0 unlimited */
    bool active;
};

struct user_state {
    char *username;          /* that the peer logged in with; NULL before */
    char *override;          /* that everybody else sees, or NULL */
    bool has_token;          /* @token has an identity */
    struct auth_token token;
    const char *announced;   /* session_state for hooks, NULL without tokens */
    uint8_t announced_id[AUTH_TOKEN_ID_SIZE];
    char text[AUTH_TOKEN_LEN + 1];
};

/* ------------------------------------------------------------------ policy */

static int read_token_key(const struct config_file *file, struct user_policy *policy)
{
    struct buf text = BUF_INIT(KEY_FILE_MAX);
    struct keyfile_slot slot;
    int e = config_file_read(file, &text);
    if (e) {
        log_error("auth-gen-token-secret: cannot read '%s': %s", file->path, err_str(e));
    } else {
        e = keyfile_server_parse(buf_str(&text), text.len, KEYFILE_LABEL_AUTH_TOKEN, &slot);
        if (e) {
            log_error("auth-gen-token-secret: '%s' holds no key of this kind; make one with --genkey auth-token",
                      file->path);
        } else {
            policy->token_key = secret_from(slot.hmac, AUTH_TOKEN_KEY_SIZE);
        }
        secret_wipe(&slot, sizeof(slot));
    }
    buf_free(&text, true);
    return e ? ERR_CONFIG : 0;
}

int user_policy_new(const struct config *config, bool voters, const struct rand_source *rand, struct user_policy **out)
{
    const struct config_auth_gen_token *tokens = &config->auth_gen_token;
    struct user_policy *policy = mem_zalloc(sizeof(*policy));
    policy->config = config;
    policy->rand = rand;
    policy->active = voters || config->auth_user_pass_verify.command;
    policy->renewal = tokens->renewal ? tokens->renewal : config->reneg_sec;
    if (tokens->enabled) {
        if (config_file_given(&config->auth_gen_token_secret)) {
            if (read_token_key(&config->auth_gen_token_secret, policy) < 0) {
                user_policy_free(policy);
                return ERR_CONFIG;
            }
        } else {
            policy->token_key = secret_alloc(AUTH_TOKEN_KEY_SIZE);
            rand_fill(rand, policy->token_key.data, AUTH_TOKEN_KEY_SIZE);
        }
    }
    *out = policy;
    return 0;
}

void user_policy_free(struct user_policy *policy)
{
    if (policy) {
        secret_free(&policy->token_key);
        free(policy);
    }
}

bool user_policy_active(const struct user_policy *policy)
{
    return policy->active;
}

unsigned user_policy_token_renewal(const struct user_policy *policy)
{
    unsigned reneg = policy->config->reneg_sec;
    return policy->token_key.len && policy->renewal && (!reneg || policy->renewal < reneg) ? policy->renewal : 0;
}

const struct config *user_policy_config(const struct user_policy *policy)
{
    return policy->config;
}

bool user_policy_judge_token(const struct user_policy *policy, const struct user_state *state, const char *password,
                             const char *username, uint64_t unix_s, struct user_token *out)
{
    if (!policy->token_key.len || !auth_token_is_one(password)) {
        return false;
    }
    *out = (struct user_token){0};
    out->state = auth_token_check(policy->token_key.data, password, username, unix_s,
                                  policy->config->auth_gen_token.lifetime, policy->renewal, &out->empty_user,
                                  &out->facts);
    if (out->state != AUTH_TOKEN_INVALID && state->has_token &&
        memcmp(out->facts.id, state->token.id, AUTH_TOKEN_ID_SIZE) != 0) {
        out->state = AUTH_TOKEN_INVALID; /* of another session */
    }
    return true;
}

/* ------------------------------------------------------------------ state */

struct user_state *user_state_new(void)
{
    return mem_zalloc(sizeof(struct user_state));
}

void user_state_free(struct user_state *state)
{
    if (state) {
        free(state->username);
        free(state->override);
        secret_wipe(state, sizeof(*state));
        free(state);
    }
}

const char *user_state_username(const struct user_state *state)
{
    return state->override ? state->override : state->username;
}

int user_state_override(struct user_state *state, const char *name)
{
    char clean[USER_NAME_MAX + 1];
    if (!state->username) {
        return ERR_BAD_STATE;
    }
    if (!user_clean(name, clean, sizeof(clean))) {
        return ERR_LIMIT;
    }
    free(state->override);
    state->override = mem_strdup(clean);
    return 0;
}

bool user_state_name_fits(const struct user_state *state, const char *username)
{
    return !state->username || strcmp(state->username, username) == 0 ||
           (state->override && strcmp(state->override, username) == 0);
}

static const char *state_name(const struct user_token *token)
{
    if (!token) {
        return "Initial";
    }
    switch (token->state) {
    case AUTH_TOKEN_VALID:
        return token->empty_user ? "AuthenticatedEmptyUser" : "Authenticated";
    case AUTH_TOKEN_EXPIRED:
        return token->empty_user ? "ExpiredEmptyUser" : "Expired";
    case AUTH_TOKEN_INVALID:
        break;
    }
    return "Invalid";
}

void user_state_announce(struct user_state *state, const struct user_policy *policy, const struct user_token *token)
{
    if (!policy->token_key.len) {
        return;
    }
    bool presented = token && token->state != AUTH_TOKEN_INVALID;
    if (!state->has_token && !presented) {
        rand_fill(policy->rand, state->token.id, AUTH_TOKEN_ID_SIZE);
    }
    memcpy(state->announced_id, presented ? token->facts.id : state->token.id, AUTH_TOKEN_ID_SIZE);
    state->announced = state_name(token);
}

void user_state_admit(struct user_state *state, const struct user_policy *policy, const char *username,
                      const struct user_token *token, uint64_t unix_s)
{
    bool presented = token && token->state != AUTH_TOKEN_INVALID;
    unsigned lifetime = policy->config->auth_gen_token.lifetime;
    if (!state->username) {
        state->username = mem_strdup(username);
    }
    if (!policy->token_key.len) {
        return;
    }
    if (!state->has_token && presented) {
        state->token = token->facts;
    } else if (!state->has_token) {
        memcpy(state->token.id, state->announced_id, AUTH_TOKEN_ID_SIZE);
        state->token.initial = unix_s;
    }
    if (unix_s < state->token.initial || (lifetime && unix_s - state->token.initial > lifetime)) {
        state->token.initial = unix_s; /* logged in anew, with a password or by external-auth */
    }
    state->has_token = true;
}

const char *user_state_token(struct user_state *state, const struct user_policy *policy, uint64_t unix_s)
{
    if (!state->has_token || !policy->token_key.len) {
        return NULL;
    }
    state->token.renewed = unix_s;
    int e = auth_token_format(policy->token_key.data, &state->token, user_state_username(state), state->text);
    return e < 0 ? NULL : state->text;
}

void user_state_export(const struct user_state *state, struct env *env)
{
    if (user_state_username(state)) {
        env_set(env, "username", user_state_username(state));
    }
    if (state->announced) {
        char id[BASE64_SIZE(AUTH_TOKEN_ID_SIZE)];
        (void)base64_write(state->announced_id, AUTH_TOKEN_ID_SIZE, id, sizeof(id));
        env_set(env, "session_id", id);
        env_set(env, "session_state", state->announced);
    }
}

bool user_clean(const char *in, char *out, size_t cap)
{
    size_t i = 0;
    for (; in[i] && i + 1 < cap; i++) {
        unsigned char c = (unsigned char)in[i];
        out[i] = c < 0x20 || c == 0x7f ? '_' : in[i];
    }
    out[i] = '\0';
    return !in[i];
}
