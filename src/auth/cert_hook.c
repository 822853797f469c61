/* SPDX-License-Identifier: MIT */
#include "auth/cert_hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/peer.h"
#include "auth/user_state.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "hooks/env.h"
#include "hooks/event.h"
#include "hooks/exchange_file.h"

struct cert_hook {
    struct cert_hook_request request;
    struct env env;              /* the caller's */
    struct event_request *asked;
    unsigned left;               /* certificates that nobody was asked about; the next one is at depth left - 1 */
    bool in_ask;                 /* an answer that comes now is handled by the loop that asks */
    bool refused;
    char *exported;              /* file with the certificate under judgement, or NULL */
};

static void hook_free(struct cert_hook *hook)
{
    exchange_file_remove(&hook->exported);
    env_free(&hook->env);
    free(hook);
}

static int export_certificate(struct cert_hook *hook, unsigned depth, struct env *env)
{
    const char *dir = hook->request.config->tls_export_cert;
    const char *pem = auth_peer_pem(hook->request.peer, depth);
    if (!dir || !pem) {
        return 0;
    }
    int e = exchange_file_new(dir, "pef", pem, strlen(pem), &hook->exported);
    if (e < 0) {
        log_error("tls-export-cert: cannot create a file in %s: %s; the certificate is refused", dir, strerror(-e));
        return e;
    }
    env_set(env, "peer_cert", hook->exported);
    return 0;
}

/* A program must not take a subject for an option, nor be given control characters. */
static char *subject_argument(const struct auth_peer *peer, unsigned depth)
{
    const char *subject = auth_peer_subject(peer, depth);
    size_t cap = strlen(subject) + 1;
    char *text = mem_zalloc(cap);
    (void)user_clean(subject, text, cap);
    for (char *c = text; *c == '-'; c++) {
        *c = '_';
    }
    return text;
}

static void on_vote(void *arg, const struct event_result *result);

/* Ask about one certificate. */
static void ask(struct cert_hook *hook, unsigned depth)
{
    struct env env = {0};
    char number[16];
    (void)snprintf(number, sizeof(number), "%u", depth);
    env_merge(&env, &hook->env);
    auth_peer_export(hook->request.peer, depth, &env);
    if (export_certificate(hook, depth, &env) < 0) {
        hook->refused = true;
        env_free(&env);
        return;
    }
    char *subject = subject_argument(hook->request.peer, depth);
    struct event event = {.type = EVENT_TLS_VERIFY,
                          .env = &env,
                          .args = {number, subject},
                          .data = auth_peer_pem(hook->request.peer, depth),
                          .has_client = hook->request.has_client,
                          .client_id = hook->request.client_id};
    struct event_asker asker = {.done = on_vote, .arg = hook};
    hook->in_ask = true;
    hook->asked = event_ask(hook->request.bus, &event, &asker);
    hook->in_ask = false;
    free(subject);
    env_free(&env);
}

/* Go on until an answer is awaited or all is said. Return: @hook, or NULL when it is gone. */
static struct cert_hook *proceed(struct cert_hook *hook)
{
    while (hook->left && !hook->refused) {
        ask(hook, --hook->left);
        if (hook->asked) {
            return hook;
        }
    }
    struct cert_hook_result result = {.accepted = !hook->refused, .depth = hook->left};
    struct cert_hook_request request = hook->request;
    hook_free(hook);
    request.done(request.arg, &result);
    return NULL;
}

static void on_vote(void *arg, const struct event_result *result)
{
    struct cert_hook *hook = arg;
    hook->asked = NULL;
    hook->refused = !result->accepted;
    exchange_file_remove(&hook->exported);
    if (!hook->in_ask) {
        (void)proceed(hook);
    }
}

struct cert_hook *cert_hook_start(const struct cert_hook_request *request)
{
    if (!request->config->tls_verify && !request->config->plugin.count) {
        request->done(request->arg, &(struct cert_hook_result){.accepted = true});
        return NULL;
    }
    struct cert_hook *hook = mem_zalloc(sizeof(*hook));
    hook->request = *request;
    hook->request.env = NULL;
    hook->left = auth_peer_depth(request->peer);
    env_merge(&hook->env, request->env);
    return proceed(hook);
}

void cert_hook_cancel(struct cert_hook *hook)
{
    if (hook) {
        if (hook->asked) {
            event_cancel(hook->asked);
        }
        hook_free(hook);
    }
}
