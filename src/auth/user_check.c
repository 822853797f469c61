/* SPDX-License-Identifier: MIT */
#include "auth/user_check.h"

#include <stdlib.h>
#include <string.h>

#include "auth/challenge.h"
#include "auth/peer.h"
#include "auth/user_record.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"
#include "hooks/env.h"
#include "hooks/event.h"
#include "wire/cmd.h"

#define PASSWORD_MAX 4096
#define REASON_TOO_LONG "Username or password is too long. Maximum length is 128 bytes"
#define REASON_EXPIRED "SESSION: token expired"

struct user_check {
    struct user_check_request request; /* texts of the caller are gone after the start, but for @tag and @iv_sso */
    struct event_request *asked;
    char *tag;
    char *iv_sso;
    char *reason;                      /* ours, goes before that of a listener */
    bool has_token;
    struct user_token token;
    char username[USER_NAME_MAX + 1];
};

static void check_free(struct user_check *check)
{
    free(check->tag);
    free(check->iv_sso);
    free(check->reason);
    free(check);
}

#define say(check, severity, ...) log_write(severity, 1, (check)->tag, __VA_ARGS__)

/* ------------------------------------------------------------------ verdict */

static void finish(struct user_check *check, bool accepted, const char *reason)
{
    const struct user_check_request *request = &check->request;
    if (accepted) {
        const struct config *config = user_policy_config(request->policy);
        user_state_admit(request->state, request->policy, check->username, check->has_token ? &check->token : NULL,
                         request->unix_s);
        say(check, LOG_SEV_INFO, "TLS: Username/%s authentication succeeded for username '%s'%s",
            check->has_token ? "auth-token" : "Password", check->username,
            config->username_as_common_name ? " [CN SET]" : "");
    } else {
        say(check, LOG_SEV_ERROR, "TLS Auth Error: Auth Username/Password verification failed for peer");
    }
    struct user_check_result result = {.accepted = accepted,
                                       .reason = accepted ? NULL : check->reason ? check->reason : reason};
    request->done(request->arg, &result);
    check_free(check);
}

static void on_voted(void *arg, const struct event_result *result)
{
    struct user_check *check = arg;
    check->asked = NULL;
    if (result->accepted && !result->voters) {
        say(check, LOG_SEV_ERROR, "TLS Auth Error: nothing is left that checks user names and passwords");
    }
    finish(check, result->accepted && result->voters, result->reason);
}

static bool on_pending(void *arg, unsigned timeout_s, const char *method, const char *extra)
{
    struct user_check *check = arg;
    const struct user_check_request *request = &check->request;
    if (method && !challenge_method_supported(check->iv_sso, method)) {
        free(check->reason);
        check->reason =
            mem_printf("Authentication failed, required pending auth method '%s' not supported", method);
        return false;
    }
    char *info = extra && *extra ? mem_printf("INFO_PRE,%s", extra) : NULL;
    if (info && strlen(info) >= CMD_MAX) {
        say(check, LOG_SEV_ERROR, "the text for a login that waits is too long for the peer; it is left out");
        free(info);
        info = NULL;
    }
    request->pending(request->arg, timeout_s, info);
    free(info);
    return true;
}

/* ------------------------------------------------------------------ before anybody is asked */

/* Rules that need no opinion. */
static bool name_is_allowed(struct user_check *check)
{
    const struct config *config = user_policy_config(check->request.policy);
    if (!check->username[0] && !config->auth_user_pass_optional) {
        say(check, LOG_SEV_ERROR, "TLS Auth Error: peer provided a blank username");
        return false;
    }
    if (config->username_as_common_name && strlen(check->username) > AUTH_COMMON_NAME_MAX) {
        say(check, LOG_SEV_ERROR,
            "TLS Auth Error: --username-as-common name specified and username is longer than the maximum permitted "
            "Common Name length of %d characters",
            AUTH_COMMON_NAME_MAX);
        return false;
    }
    return true;
}

static bool name_is_unchanged(struct user_check *check)
{
    if (user_state_name_fits(check->request.state, check->username)) {
        return true;
    }
    say(check, LOG_SEV_ERROR, "TLS Auth Error: username attempted to change from '%s' to '%s' -- tunnel disabled",
        user_state_username(check->request.state), check->username);
    return false;
}

static void look_for_token(struct user_check *check, const char *password)
{
    const struct user_check_request *request = &check->request;
    check->has_token = user_policy_judge_token(request->policy, request->state, password, check->username,
                                               request->unix_s, &check->token);
    user_state_announce(request->state, request->policy, check->has_token ? &check->token : NULL);
    if (check->has_token && check->token.empty_user && check->token.state != AUTH_TOKEN_INVALID) {
        check->username[0] = '\0';
    }
}

/* Without external-auth a token is the whole answer. */
static bool token_accepted(struct user_check *check, const char **reason)
{
    if (check->token.state == AUTH_TOKEN_EXPIRED) {
        *reason = REASON_EXPIRED;
        say(check, LOG_SEV_WARN, "--auth-gen-token: auth-token from client expired");
        return false;
    }
    if (check->token.state == AUTH_TOKEN_INVALID || check->token.empty_user) {
        say(check, LOG_SEV_WARN, "--auth-gen-token: HMAC on token from client failed (%s)", check->username);
        return false;
    }
    return true;
}

static struct user_check *ask(struct user_check *check, const struct user_check_request *request, const char *password)
{
    struct env env = {0};
    if (request->env) {
        env_merge(&env, request->env);
    }
    user_state_export(request->state, &env);
    env_set(&env, "username", check->username);
    struct event event = {
        .type = EVENT_USER_PASS,
        .env = &env,
        .username = check->username,
        .password = password,
        .flag = user_state_username(request->state) != NULL,
        .has_client = true,
        .client_id = request->client_id,
        .key_id = request->key_id,
    };
    struct event_asker asker = {.done = on_voted, .pending = on_pending, .arg = check};
    struct event_request *asked = event_ask(request->bus, &event, &asker);
    env_free(&env);
    if (asked) {
        check->asked = asked;
        return check;
    }
    return NULL;
}

static struct user_check *judge(struct user_check *check, const struct user_check_request *request,
                                const char *password)
{
    const char *reason = NULL;
    if (!name_is_allowed(check)) {
        finish(check, false, NULL);
        return NULL;
    }
    look_for_token(check, password);
    if (!name_is_unchanged(check)) {
        finish(check, false, NULL);
        return NULL;
    }
    if (check->has_token && !user_policy_config(request->policy)->auth_gen_token.external_auth) {
        bool accepted = token_accepted(check, &reason);
        finish(check, accepted, reason);
        return NULL;
    }
    return ask(check, request, password);
}

struct user_check *user_check_start(const struct user_check_request *request)
{
    const struct config *config = user_policy_config(request->policy);
    if (!user_policy_active(request->policy)) {
        request->done(request->arg, &(struct user_check_result){.accepted = true});
        return NULL;
    }
    struct user_check *check = mem_zalloc(sizeof(*check));
    check->request = *request;
    check->request.env = NULL;
    check->request.username = check->request.password = NULL;
    check->tag = mem_strdup(request->tag);
    check->iv_sso = mem_strdup(request->iv_sso);
    if ((!request->username || !request->password) && !request->too_long && !config->auth_user_pass_optional) {
        say(check, LOG_SEV_ERROR, "TLS Error: Auth Username/Password was not provided by peer");
        finish(check, false, NULL);
        return NULL;
    }
    char password[PASSWORD_MAX];
    bool fits = user_clean(request->username ? request->username : "", check->username, sizeof(check->username)) &&
                user_clean(request->password ? request->password : "", password, sizeof(password));
    if (request->too_long || !fits) {
        finish(check, false, REASON_TOO_LONG);
        check = NULL;
    } else {
        check = judge(check, request, password);
    }
    secret_wipe(password, sizeof(password));
    return check;
}

void user_check_cancel(struct user_check *check)
{
    if (check) {
        if (check->asked) {
            event_cancel(check->asked);
        }
        check_free(check);
    }
}
