/* SPDX-License-Identifier: MIT */
#include "server/instance_session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "config/config.h"
#include "node/loop.h"
#include "node/session_driver.h"
#include "node/settings.h"
#include "server/activate.h"
#include "server/connect.h"
#include "server/context.h"
#include "server/held_config.h"
#include "server/instance.h"
#include "server/login.h"
#include "server/messages.h"
#include "server/metrics.h"
#include "session/cookie.h"
#include "wire/occ.h"
#include "wire/peer_info.h"

#define LINGER_MS 5000
#define LOGGED_INFO_LINES 64

static bool is_candidate(const struct instance_session *session)
{
    return session == session->owner->candidate;
}

/* ------------------------------------------------------------------ key exchange */

static void log_peer_info(const struct instance *instance, const char *peer_info)
{
    struct span rest = {(const uint8_t *)peer_info, strlen(peer_info)};
    struct peer_info_line line;
    for (unsigned i = 0; i < LOGGED_INFO_LINES && peer_info_next(&rest, &line); i++) {
        char value[PEER_INFO_LINE_MAX + 1];
        peer_info_sanitise(line.value, value, sizeof(value));
        instance_log(instance, LOG_SEV_INFO, 1, "peer info: %.*s=%s", (int)line.name.len, (const char *)line.name.data,
                     value);
    }
}

static void log_difference(void *arg, const struct occ_difference *d)
{
    const struct instance *instance = arg;
    switch (d->kind) {
    case OCC_INCONSISTENT:
        instance_log(instance, LOG_SEV_WARN, 3, "WARNING: '%.*s' is used inconsistently, local='%.*s', remote='%.*s'",
                     (int)strcspn((const char *)d->local.data, " ,"), (const char *)d->local.data, (int)d->local.len,
                     (const char *)d->local.data, (int)d->remote.len, (const char *)d->remote.data);
        if (occ_is_device_kind(d)) {
            instance_log(instance, LOG_SEV_WARN, 1, "%s", OCC_DEVICE_KIND_HINT);
        }
        break;
    case OCC_ONLY_LOCAL:
        instance_log(instance, LOG_SEV_WARN, 3,
                     "WARNING: '%.*s' is present in local config but missing in remote config", (int)d->local.len,
                     (const char *)d->local.data);
        break;
    case OCC_ONLY_REMOTE:
        instance_log(instance, LOG_SEV_WARN, 3,
                     "WARNING: '%.*s' is present in remote config but missing in local config", (int)d->remote.len,
                     (const char *)d->remote.data);
        break;
    case OCC_VERSION:
        break;
    }
}

static void check_options(struct instance *instance, const char *received)
{
    struct server *server = instance->server;
    bool v6 = instance->entry.path.remote.any.sa_family == AF_INET6;
    char *expected = settings_expected_options(server->settings.by_transport[instance->tcp][v6]);
    if (expected && received && *received) {
        occ_compare(expected, received, log_difference, instance);
    }
    free(expected);
}

static void on_key_exchange(struct instance_session *session, const struct session_event *event)
{
    struct instance *instance = session->owner;
    if (event->first) {
        free(session->peer_info);
        session->peer_info = mem_strdup(event->peer_info ? event->peer_info : "");
        negotiate_peer_parse(event->peer_info, event->options_string, &session->peer);
        log_peer_info(instance, session->peer_info);
        check_options(instance, event->options_string);
        session->push_asked = session->push_asked || (session->peer.proto & PEER_INFO_PROTO_REQUEST_PUSH);
        if (!is_candidate(session)) {
            (void)instance_advance(instance, INSTANCE_STEP_KEY_EXCHANGE); /* ignored once it is leaving */
            instance_defer(instance, held_config_get(instance->server->live)->hand_window);
        }
    }
    login_check(session->login, event);
}

void instance_session_verdict(struct instance_session *session, uint8_t key_id, enum session_verdict verdict,
                              const char *reason)
{
    session_driver_authorize(session->driver, key_id, verdict);
    if (verdict == SESSION_AUTH_FAILED) {
        instance_refuse(session, reason);
    }
}

/* ------------------------------------------------------------------ keys */

/* A candidate that proved itself takes over: same client, same addresses, new session and keys. */
static void promote(struct instance *instance)
{
    struct instance_session *old = instance->current;
    instance->current = instance->candidate;
    instance->candidate = NULL;
    instance_session_free(old);
    session_driver_set_peer(instance->current->driver, instance->entry.id);
    instance_log(instance, LOG_SEV_USUAL, 3, "TLS: a new session of the same client replaces the old one");
}

/* Once: what tools take for the moment at which a client is known. */
static void report_initiated(struct instance_session *session)
{
    struct instance *instance = session->owner;
    char text[ADDR_TEXT_MAX];
    if (!session->initiated && !is_candidate(session)) {
        session->initiated = true;
        instance_log(instance, LOG_SEV_INFO, 1, "[%s] Peer Connection Initiated with %s",
                     login_common_name(session->login), addr_format_log(&instance->entry.path.remote, text));
    }
}

static void on_keys_ready(struct instance_session *session, struct session *raw, const struct session_event *event)
{
    struct instance *instance = session->owner;
    if (event->first) {
        session->keys_ready = true;
        report_initiated(session);
        server_metrics_keys(session);
    } else {
        instance->server->handshakes.renegotiated++;
    }
    if (is_candidate(session)) {
        if (instance->state != INSTANCE_CONNECTED) {
            return;
        }
        promote(instance);
        data_keys_clear(&instance->keys);
        activate_restart(instance, raw, event->key_id);
    } else if (instance->state == INSTANCE_CONNECTED) {
        activate_renewed(instance, raw, event->key_id);
    } else if (instance_advance(instance, INSTANCE_STEP_KEYS_READY)) {
        connect_begin(instance);
    }
}

static void on_active(struct instance_session *session, const struct session_event *event)
{
    instance_log(session->owner, LOG_SEV_INFO, 1, "Control Channel: %s",
                 event->tls_description ? event->tls_description : "");
    if (event->first) {
        report_initiated(session);
    }
}

/* ------------------------------------------------------------------ failures */

static const char *hint_text(enum session_hint hint)
{
    switch (hint) {
    case SESSION_HINT_NO_REPLY:
        return "the client's packets stopped at once: does anything between block our answers?";
    case SESSION_HINT_BAD_WRAP:
        return "packets came with a wrong HMAC: compare tls-auth/tls-crypt keys and key-direction of both ends";
    case SESSION_HINT_TLS_ALERT_IN:
        return "the client refused our certificate or parameters: see its log";
    case SESSION_HINT_CERT_TIME:
        return "a certificate is expired or not yet valid: check the clocks of both ends and the certificate's dates";
    case SESSION_HINT_KEY_METHOD:
        return "TLS worked, but the key exchange inside did not: is the client very old?";
    case SESSION_HINT_STALLED:
        return "the handshake began and then stopped: packet loss, or large packets do not arrive (MTU)";
    case SESSION_HINT_TLS_ERROR:
        return "the client's certificate or TLS offer was refused here: a VERIFY ERROR line says why; check ca,"
               " crl-verify and remote-cert-tls of this server, or whose certificate the client has";
    case SESSION_HINT_NONE:
        break;
    }
    return NULL;
}

static void log_failure(const struct instance *instance, const struct session_event *event)
{
    unsigned window = held_config_get(instance->server->live)->hand_window;
    if (event->hint == SESSION_HINT_TLS_ALERT_IN || event->hint == SESSION_HINT_TLS_ERROR ||
        event->hint == SESSION_HINT_CERT_TIME) {
        instance_log(instance, LOG_SEV_ERROR, 1, "OpenSSL: %s", event->text ? event->text : "unknown error");
        instance_log(instance, LOG_SEV_ERROR, 1, "TLS_ERROR: BIO read tls_read_plaintext error");
        instance_log(instance, LOG_SEV_ERROR, 1, "TLS Error: TLS object -> incoming plaintext read error");
    } else if (event->hint == SESSION_HINT_KEY_METHOD) {
        instance_log(instance, LOG_SEV_ERROR, 1, "TLS Error: %s", event->text ? event->text : "key exchange failed");
    } else {
        instance_log(
            instance, LOG_SEV_ERROR, 1,
            "TLS Error: TLS key negotiation failed to occur within %u seconds (check your network connectivity)",
            window);
    }
    instance_log(instance, LOG_SEV_ERROR, 1, "TLS Error: TLS handshake failed");
    const char *hint = hint_text(event->hint);
    if (hint) {
        instance_log(instance, LOG_SEV_ERROR, 1, "Hint: %s", hint);
    }
}

static void on_failed(struct instance_session *session, const struct session_event *event)
{
    struct instance *instance = session->owner;
    log_failure(instance, event);
    server_metrics_handshake_failed(instance->server, event->hint);
    if (is_candidate(session)) {
        instance_session_drop_candidate(instance);
    } else {
        instance_close(instance, "tls-error");
    }
}

/* ------------------------------------------------------------------ events */

static void on_event(void *arg, struct session_driver *driver, struct session *raw, const struct session_event *event)
{
    struct instance_session *session = arg;
    struct instance *instance = session->owner;
    char text[ADDR_TEXT_MAX];
    (void)driver;
    switch (event->type) {
    case SESSION_EV_STARTED:
        instance_log(instance, LOG_SEV_USUAL, instance->tcp ? 3 : 4, "TLS: Initial packet from %s",
                     addr_format_log(&instance->entry.path.remote, text));
        break;
    case SESSION_EV_CERTIFICATE:
        break; /* a client's affair */
    case SESSION_EV_KEY_EXCHANGE:
        on_key_exchange(session, event);
        break;
    case SESSION_EV_ACTIVE:
        on_active(session, event);
        break;
    case SESSION_EV_KEYS_READY:
        on_keys_ready(session, raw, event);
        break;
    case SESSION_EV_SEND_SWITCH:
        if (!is_candidate(session)) {
            (void)data_keys_switch(&instance->keys, event->key_id); /* not installed any more: nothing to switch */
        }
        break;
    case SESSION_EV_KEY_EXPIRED:
        if (!is_candidate(session)) {
            (void)data_keys_expire(&instance->keys, event->key_id);
        }
        break;
    case SESSION_EV_MESSAGE:
        messages_handle(session, event->text);
        break;
    case SESSION_EV_RENEG_FAILED:
        log_failure(instance, event);
        if (instance->tcp) {
            instance_close(instance, "tls-error");
        }
        break;
    case SESSION_EV_FAILED:
        on_failed(session, event);
        break;
    }
}

static void on_dropped(void *arg, struct session_driver *driver, int error)
{
    const struct instance_session *session = arg;
    char text[ADDR_TEXT_MAX];
    (void)driver;
    if (error == ERR_AUTH && admission_may_log(&session->owner->server->admission)) {
        instance_log(session->owner, LOG_SEV_ERROR, 1, "TLS Error: incoming packet authentication failed from %s",
                     addr_format_log(&session->owner->entry.path.remote, text));
    } else if (error == ERR_REPLAY && !session->owner->server->config->mute_replay_warnings &&
               admission_may_log(&session->owner->server->admission)) {
        instance_log(session->owner, LOG_SEV_WARN, 4, "TLS Error: control packet replayed, dropped");
    }
}

/* ------------------------------------------------------------------ life */

struct instance_session *instance_session_new(struct instance *owner, const struct cookie_verdict *verdict,
                                              const uint8_t *packet, size_t len)
{
    struct server *server = owner->server;
    bool v6 = owner->entry.path.remote.any.sa_family == AF_INET6;
    struct instance_session *session = mem_zalloc(sizeof(*session));

    session->owner = owner;
    session->started_ms = clock_read().mono_ms;
    server->handshakes.started++;
    session->login = login_new(session);
    struct session_open open = verdict->open;
    open.tls_user = login_tls_user(session->login);
    struct session_driver_open how = {
        .loop = server->loop,
        .dp = server->dp,
        .settings = server->settings.by_transport[owner->tcp][v6],
        .open = &open,
        .path = owner->entry.path,
        .traffic = &owner->control,
        .peer = DP_PEER_ID_NONE,
        .event = on_event,
        .dropped = on_dropped,
        .released = login_tls_released,
        .released_arg = session->login,
        .arg = session,
    };
    memcpy(session->peer_id, packet + 1, SESSION_ID_SIZE);
    int rc = session_driver_new(&how, &session->driver);
    if (rc < 0) {
        instance_log(owner, LOG_SEV_ERROR, 1, "TLS Error: cannot open a session: %s", err_str(rc));
        login_tls_released(session->login);
        instance_session_free(session);
        return NULL;
    }
    (void)session_driver_receive(session->driver, packet, len); /* an empty queue has room */
    return session;
}

void instance_session_stop(struct instance_session *session)
{
    login_end(session->login);
    session_driver_free(session->driver);
    session->driver = NULL;
    loop_timer_free(session->linger);
    session->linger = NULL;
}

void instance_session_free(struct instance_session *session)
{
    if (session) {
        instance_session_stop(session);
        login_free(session->login);
        free(session->peer_info);
        free(session);
    }
}

void instance_session_drop_candidate(struct instance *instance)
{
    struct instance_session *session = instance->candidate;
    instance->candidate = NULL;
    instance_session_free(session);
}

static void on_linger(void *arg)
{
    struct instance_session *session = arg;
    instance_session_drop_candidate(session->owner);
}

void instance_session_linger(struct instance_session *session)
{
    if (!session->linger) {
        session->linger = loop_timer_new(session->owner->server->loop, on_linger, session);
        loop_timer_after(session->linger, LINGER_MS);
    }
}

/* A token is a password: the log shows only that there was one. */
static void mask_token(char *text)
{
    static const char mark[] = ",auth-token ";
    char *at = strstr(text, mark);
    if (at) {
        char *value = at + sizeof(mark) - 1;
        size_t n = strcspn(value, ",");
        size_t keep = n < 3 ? n : 3;
        memset(value, '*', keep);
        memmove(value + keep, value + n, strlen(value + n) + 1);
    }
}

void instance_session_send(struct instance_session *session, const char *text)
{
    if (session->driver) {
        char *shown = mem_strdup(text);
        mask_token(shown);
        instance_log(session->owner, LOG_SEV_INFO, 1, "SENT CONTROL [%s]: '%s' (status=1)",
                     instance_name(session->owner), shown);
        free(shown);
        session_driver_message(session->driver, text);
    }
}
