/* SPDX-License-Identifier: MIT */
#include "server/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/cert_hook.h"
#include "auth/cert.h"
#include "auth/peer.h"
#include "auth/user_check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"
#include "hooks/env.h"
#include "hooks/event.h"
#include "hooks/plugins.h"
#include "server/ccd.h"
#include "server/context.h"
#include "server/held_config.h"
#include "server/hook_env.h"
#include "server/instance.h"
#include "server/instance_session.h"
#include "wire/peer_info.h"

#define FINGERPRINT_SIZE 32

/* What TLS learnt lives in @peer, which a pool thread may be writing; what others ask for is copied from it while
 * the session is at rest. Two owners: the session's holder and TLS. */
struct login {
    struct instance_session *session;
    unsigned owners;
    struct held_config *held; /* certificate checks read it */
    struct auth_peer *peer;
    struct cert_hook *cert_hook;
    struct user_check *user_check;
    uint8_t key_id;          /* under judgement */
    uint64_t key_count;      /* KID of the management interface */
    bool too_long;
    struct event_request *metadata_request; /* tls-crypt-v2-verify has not answered */
    struct event_request *final_request;    /* plugins have not said their last word */
    struct event_request *response_request; /* client-crresponse has not answered */
    bool verdict_waits;      /* for that answer, and is positive */
    struct secret username;  /* as received, with NUL; empty when absent; only while a check runs */
    struct secret password;

    char common_name[AUTH_COMMON_NAME_MAX + 1];      /* of the certificate */
    char user_common_name[USER_NAME_MAX + 1];        /* username-as-common-name */
    uint8_t fingerprint[FINGERPRINT_SIZE];
    struct x509_st *leaf;
    bool has_certificate;
    bool known;              /* the four above are filled */
    struct env certificate;  /* for hooks; empty when nobody could ask */
};

struct login *login_new(struct instance_session *session)
{
    struct login *login = mem_zalloc(sizeof(*login));
    login->session = session;
    login->owners = 2;
    login->held = held_config_ref(session->owner->server->live);
    login->peer = auth_peer_new(session->owner->tag);
    return login;
}

void *login_tls_user(struct login *login)
{
    return login->peer;
}

static void unref(struct login *login)
{
    if (--login->owners == 0) {
        auth_peer_free(login->peer);
        env_free(&login->certificate);
        cert_unref(login->leaf);
        held_config_unref(login->held);
        free(login);
    }
}

static void forget_credentials(struct login *login)
{
    secret_free(&login->username);
    secret_free(&login->password);
}

static void cancel_checks(struct login *login)
{
    login->verdict_waits = false;
    if (login->response_request) {
        event_cancel(login->response_request);
        login->response_request = NULL;
    }
    if (login->final_request) {
        event_cancel(login->final_request);
        login->final_request = NULL;
    }
    cert_hook_cancel(login->cert_hook);
    user_check_cancel(login->user_check);
    login->cert_hook = NULL;
    login->user_check = NULL;
    forget_credentials(login);
}

void login_end(struct login *login)
{
    if (!login) {
        return;
    }
    if (login->metadata_request) {
        event_cancel(login->metadata_request);
        login->metadata_request = NULL;
    }
    cancel_checks(login);
}

void login_free(struct login *login)
{
    if (login) {
        login_end(login);
        unref(login);
    }
}

void login_tls_released(void *login)
{
    unref(login);
}

/* ------------------------------------------------------------------ verdict */

/* ccd-exclusive, about the name that the client has from now on. */
static bool has_ccd_file(const struct login *login)
{
    const struct instance *instance = login->session->owner;
    const struct config *config = held_config_get(instance->server->live);
    const char *name = login_common_name(login);
    if (!config->ccd_exclusive || !config->client_config_dir ||
        ccd_exists(config->client_config_dir, name)) {
        return true;
    }
    instance_log(instance, LOG_SEV_ERROR, 1,
                 "TLS Auth Error: --client-config-dir authentication failed for common name '%s' file='%s/%s'",
                 name, config->client_config_dir, name);
    return false;
}

static void conclude(struct login *login, bool accepted, const char *reason)
{
    struct instance_session *session = login->session;
    const struct config *config = session->owner->server->config;
    forget_credentials(login);
    if (login->metadata_request && accepted) {
        login->verdict_waits = true;
        return;
    }
    if (accepted && config->username_as_common_name && user_state_username(session->owner->user)) {
        (void)user_clean(user_state_username(session->owner->user), login->user_common_name,
                         sizeof(login->user_common_name));
    }
    accepted = accepted && has_ccd_file(login);
    instance_session_verdict(session, login->key_id, accepted ? SESSION_AUTH_OK : SESSION_AUTH_FAILED, reason);
}

static void on_final_answer(void *arg, const struct event_result *result)
{
    struct login *login = arg;
    login->final_request = NULL;
    conclude(login, result->accepted, result->reason);
}

/* Plugins have the last word on a key exchange (TLS_FINAL). */
static void ask_final(struct login *login)
{
    struct instance *instance = login->session->owner;
    struct env env = {0};
    hook_env_client(instance, &env);
    struct event event = {
        .type = EVENT_TLS_FINAL, .env = &env, .has_client = true, .client_id = instance->entry.client_id};
    struct event_asker asker = {.done = on_final_answer, .arg = login};
    login->owners++;
    struct event_request *request = event_ask(instance->server->bus, &event, &asker);
    if (request) {
        login->final_request = request;
    }
    unref(login);
    env_free(&env);
}

static void on_user_checked(void *arg, const struct user_check_result *result)
{
    struct login *login = arg;
    login->user_check = NULL;
    if (result->accepted && plugins_want(login->session->owner->server->plugins, EVENT_TLS_FINAL)) {
        ask_final(login);
        return;
    }
    conclude(login, result->accepted, result->reason);
}

static void on_metadata_answer(void *arg, const struct event_result *result)
{
    struct login *login = arg;
    struct instance *instance = login->session->owner;
    login->metadata_request = NULL;
    if (result->accepted) {
        if (login->verdict_waits) {
            login->verdict_waits = false;
            conclude(login, true, NULL);
        }
        return;
    }
    instance_log(instance, LOG_SEV_ERROR, 1, "TLS CRYPT V2 VERIFY SCRIPT ERROR");
    if (login->session == instance->candidate) {
        instance_session_drop_candidate(instance);
    } else {
        instance_close(instance, "tls-error");
    }
}

void login_check_metadata(struct login *login, const void *metadata, size_t len)
{
    struct server *server = login->session->owner->server;
    if (!len || !held_config_get(login->held)->tls_crypt_v2_verify) {
        return;
    }
    struct event event = {.type = EVENT_TLS_CRYPT_V2_VERIFY, .data = metadata, .data_len = len};
    struct event_asker asker = {.done = on_metadata_answer, .arg = login};
    struct event_request *request = event_ask(server->bus, &event, &asker);
    if (request) {
        login->metadata_request = request;
    }
}

/* Longest wait for a login (control channel session, 9.3). */
static unsigned pending_limit(const struct config *config)
{
    unsigned half = config->reneg_sec / 2;
    return half > config->hand_window ? half : config->hand_window;
}

static void on_user_pending(void *arg, unsigned timeout_s, const char *info_pre)
{
    struct login *login = arg;
    struct instance_session *session = login->session;
    unsigned limit = pending_limit(held_config_get(session->owner->server->live));
    char text[64];
    timeout_s = timeout_s < limit ? timeout_s : limit;
    instance_defer(session->owner, timeout_s);
    if (session->peer.proto & PEER_INFO_PROTO_AUTH_PENDING_KW) {
        (void)snprintf(text, sizeof(text), "AUTH_PENDING,timeout %u", timeout_s);
    } else {
        (void)snprintf(text, sizeof(text), "AUTH_PENDING");
    }
    instance_session_send(session, text);
    if (info_pre) {
        instance_session_send(session, info_pre);
    }
}

static const char *text_of(const struct secret *secret)
{
    return secret->len ? (const char *)secret->data : NULL;
}

static void check_user(struct login *login)
{
    struct instance_session *session = login->session;
    struct instance *instance = session->owner;
    char sso[PEER_INFO_LINE_MAX + 1] = "";
    struct span value;
    struct env env = {0};
    if (peer_info_find(session->peer_info, "IV_SSO", &value)) {
        peer_info_sanitise(value, sso, sizeof(sso));
    }
    hook_env_client(instance, &env);
    auth_peer_export(login->peer, 0, &env);
    struct user_check_request request = {
        .policy = instance->server->users,
        .state = instance->user,
        .bus = instance->server->bus,
        .env = &env,
        .username = text_of(&login->username),
        .password = text_of(&login->password),
        .too_long = login->too_long,
        .tag = instance->tag,
        .iv_sso = sso[0] ? sso : NULL,
        .unix_s = clock_read().unix_s,
        .client_id = instance->entry.client_id,
        .key_id = login->key_count,
        .done = on_user_checked,
        .pending = on_user_pending,
        .arg = login,
    };
    login->owners++; /* done may end everything before the call returns */
    struct user_check *check = user_check_start(&request);
    if (check) {
        login->user_check = check;
    }
    unref(login);
    env_free(&env);
}

static void on_cert_checked(void *arg, const struct cert_hook_result *result)
{
    struct login *login = arg;
    login->cert_hook = NULL;
    if (result->accepted) {
        check_user(login);
        return;
    }
    instance_log(login->session->owner, LOG_SEV_ERROR, 1, "VERIFY SCRIPT ERROR: depth=%u, %s", result->depth,
                 auth_peer_subject(login->peer, result->depth));
    conclude(login, false, NULL);
}

/* ------------------------------------------------------------------ identity */

static bool hooks_may_ask(const struct config *config)
{
    return config->client_connect || config->client_disconnect || config->learn_address || config->client_crresponse ||
           config->management.address || config->plugin.count > 0;
}

static void learn_identity(struct login *login)
{
    const uint8_t *fingerprint = auth_peer_fingerprint(login->peer, 0);
    login->has_certificate = fingerprint != NULL;
    if (fingerprint) {
        memcpy(login->fingerprint, fingerprint, FINGERPRINT_SIZE);
    }
    cert_unref(login->leaf);
    login->leaf = fingerprint ? cert_ref(auth_peer_leaf(login->peer)) : NULL;
    (void)user_clean(auth_peer_common_name(login->peer), login->common_name, sizeof(login->common_name));
    env_free(&login->certificate);
    if (hooks_may_ask(held_config_get(login->held))) {
        auth_peer_export(login->peer, 0, &login->certificate);
    }
    login->known = true;
}

struct x509_st *login_certificate(const struct login *login)
{
    return login->known ? login->leaf : NULL;
}

static bool same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

bool login_same_identity(const struct login *a, const struct login *b)
{
    return same_text(login_username(a), login_username(b)) && a->known && b->known &&
           a->has_certificate == b->has_certificate &&
           (!a->has_certificate || memcmp(a->fingerprint, b->fingerprint, FINGERPRINT_SIZE) == 0) &&
           strcmp(login_common_name(a), login_common_name(b)) == 0;
}

/* Name and certificate are locked for the life of the client. */
static bool identity_is_locked(struct login *login, const struct session_event *event)
{
    struct instance *instance = login->session->owner;
    if (event->first) {
        learn_identity(login);
        const struct login *before = instance->candidate == login->session ? instance->current->login : NULL;
        if (!before || (before->has_certificate == login->has_certificate &&
                        memcmp(before->fingerprint, login->fingerprint, FINGERPRINT_SIZE) == 0 &&
                        strcmp(before->common_name, login->common_name) == 0)) {
            return true;
        }
        instance_log(instance, LOG_SEV_ERROR, 1,
                     "TLS Auth Error: TLS object CN attempted to change from '%s' to '%s' -- tunnel disabled",
                     before->common_name, login->common_name);
        return false;
    }
    if (!auth_peer_unchanged(login->peer)) {
        instance_log(instance, LOG_SEV_ERROR, 1,
                     "TLS Auth Error: TLS object CN attempted to change from '%s' to '%s' -- tunnel disabled",
                     login->common_name, auth_peer_common_name(login->peer));
        return false;
    }
    return true;
}

void login_check(struct login *login, const struct session_event *event)
{
    struct instance *instance = login->session->owner;
    struct env env = {0};

    cancel_checks(login); /* a newer key exchange replaces a check that is under way */
    login->key_id = event->key_id;
    login->key_count++;
    login->too_long = event->credentials_too_long;
    if (!identity_is_locked(login, event)) {
        conclude(login, false, NULL);
        return;
    }
    if (event->username) {
        login->username = secret_from(event->username, strlen(event->username) + 1);
    }
    if (event->password) {
        login->password = secret_from(event->password, strlen(event->password) + 1);
    }
    hook_env_stranger(instance, &env);
    login->owners++;
    struct cert_hook *hook = cert_hook_start(&(struct cert_hook_request){.bus = instance->server->bus,
                                                                         .config = held_config_get(login->held),
                                                                         .peer = login->peer,
                                                                         .has_client = true,
                                                                         .client_id = instance->entry.client_id,
                                                                         .env = &env,
                                                                         .done = on_cert_checked,
                                                                         .arg = login});
    if (hook) {
        login->cert_hook = hook;
    }
    unref(login);
    env_free(&env);
}

static void on_response_judged(void *arg, const struct event_result *result)
{
    struct login *login = arg;
    login->response_request = NULL;
    if (!result->accepted) {
        cancel_checks(login);
        conclude(login, false, result->reason);
    }
}

void login_response(struct login *login, const char *text)
{
    struct instance *instance = login->session->owner;
    struct env env = {0};
    if (!login->user_check || login->response_request) {
        return; /* nobody asked, or the last answer is being looked at */
    }
    char username[USER_NAME_MAX + 1] = "";
    (void)user_clean(login->username.len ? (const char *)login->username.data : "", username, sizeof(username));
    hook_env_client(instance, &env);
    hook_env_address(instance, &env);
    struct event event = {
        .type = EVENT_CR_RESPONSE,
        .env = &env,
        .text = text,
        .username = username,
        .has_client = true,
        .client_id = instance->entry.client_id,
        .key_id = login->key_count,
    };
    struct event_asker asker = {.done = on_response_judged, .arg = login};
    login->owners++;
    struct event_request *request = event_ask(instance->server->bus, &event, &asker);
    if (request) {
        login->response_request = request;
    }
    unref(login);
    env_free(&env);
}

/* ------------------------------------------------------------------ questions */

const char *login_common_name(const struct login *login)
{
    return login->user_common_name[0] ? login->user_common_name : login->common_name;
}

const char *login_username(const struct login *login)
{
    return user_state_username(login->session->owner->user);
}

int login_override_username(struct login *login, const char *name)
{
    struct instance *instance = login->session->owner;
    return user_state_override(instance->user, name);
}

const char *login_token(const struct login *login)
{
    struct instance *instance = login->session->owner;
    return user_state_token(instance->user, instance->server->users, clock_read().unix_s);
}

void login_export(const struct login *login, struct env *env)
{
    struct span rest = {(const uint8_t *)login->session->peer_info,
                        login->session->peer_info ? strlen(login->session->peer_info) : 0};
    struct peer_info_line line;
    env_merge(env, &login->certificate);
    while (peer_info_next(&rest, &line)) {
        char name[PEER_INFO_LINE_MAX + 1];
        char value[PEER_INFO_LINE_MAX + 1];
        if (line.name.len < sizeof(name) && peer_info_exported(line.name)) {
            memcpy(name, line.name.data, line.name.len);
            name[line.name.len] = '\0';
            peer_info_sanitise(line.value, value, sizeof(value));
            env_set(env, name, value);
        }
    }
    user_state_export(login->session->owner->user, env);
}
