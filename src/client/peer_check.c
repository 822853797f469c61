/* SPDX-License-Identifier: MIT */
#include "client/peer_check.h"

#include "auth/cert_hook.h"
#include "auth/peer.h"
#include "base/log.h"
#include "hooks/env.h"
#include "hooks/event.h"

static void refuse(struct peer_check *check)
{
    log_error("TLS Error: TLS handshake failed");
    check->refused(check->arg);
}

static void export_remote(const union addr *remote, struct env *env)
{
    char text[ADDR_TEXT_MAX];
    struct ip_addr ip = addr_to_ip(remote);
    env_set(env, ip.family == AF_INET6 ? "untrusted_ip6" : "untrusted_ip", ip_format(&ip, text));
    env_setf(env, "untrusted_port", "%u", addr_port(remote));
}

/* ------------------------------------------------------------------ certificate */

static void on_certificate_answer(void *arg, const struct cert_hook_result *result)
{
    struct peer_check *check = arg;
    check->certificate = NULL;
    if (result->accepted) {
        check->certificate_accepted(check->arg, check->key_id);
        return;
    }
    log_error("VERIFY SCRIPT ERROR: depth=%u, %s", result->depth, auth_peer_subject(check->peer, result->depth));
    refuse(check);
}

void peer_check_certificate(struct peer_check *check, const struct session_event *event, const union addr *remote)
{
    struct env env = {0};
    cert_hook_cancel(check->certificate);
    check->certificate = NULL;
    check->key_id = event->key_id;
    if (!event->first && !auth_peer_unchanged(check->peer)) {
        log_error("TLS Error: the server's certificate changed during the connection (now '%s')",
                  auth_peer_common_name(check->peer));
        refuse(check);
        return;
    }
    env_merge(&env, check->env);
    export_remote(remote, &env);
    check->certificate = cert_hook_start(&(struct cert_hook_request){.bus = check->events,
                                                                     .config = check->config,
                                                                     .peer = check->peer,
                                                                     .env = &env,
                                                                     .done = on_certificate_answer,
                                                                     .arg = check});
    env_free(&env);
}

/* ------------------------------------------------------------------ key exchange */

static void on_exchange_answer(void *arg, const struct event_result *result)
{
    struct peer_check *check = arg;
    check->exchange = NULL;
    if (result->accepted) {
        check->exchange_accepted(check->arg, check->key_id);
    } else {
        refuse(check);
    }
}

static void cancel_exchange(struct peer_check *check)
{
    if (check->exchange) {
        event_cancel(check->exchange);
        check->exchange = NULL;
    }
}

void peer_check_exchange(struct peer_check *check, const struct session_event *event, const union addr *remote)
{
    struct env env = {0};
    struct event final = {.type = EVENT_TLS_FINAL, .env = &env};
    struct event_asker asker = {.done = on_exchange_answer, .arg = check};
    cancel_exchange(check);
    check->key_id = event->key_id;
    env_merge(&env, check->env);
    export_remote(remote, &env);
    auth_peer_export(check->peer, 0, &env);
    struct event_request *request = event_ask(check->events, &final, &asker);
    if (request) {
        check->exchange = request;
    }
    env_free(&env);
}

void peer_check_cancel(struct peer_check *check)
{
    cert_hook_cancel(check->certificate);
    check->certificate = NULL;
    cancel_exchange(check);
}
