/* SPDX-License-Identifier: MIT */
#include "server/push_reply.h"

#include "base/clock.h"
#include "base/err.h"
#include "config/config.h"
#include "server/context.h"
#include "server/instance.h"
#include "server/instance_session.h"
#include "server/login.h"
#include "server/push.h"
#include "wire/cmd.h"

#define PUSH_GUARD_MS 30000

/* What the configuration, its file and hooks give this client, without routes that lead to itself. */
static void add_configured(struct instance *instance, struct push_list *list)
{
    const struct config_client *options = instance->options;
    for (size_t i = 0; i < options->push.count; i++) {
        const char *text = options->push.items[i].text;
        if (push_list_add(list, text) < 0) {
            instance_log(instance, LOG_SEV_ERROR, 1,
                         "Options error: push \"%s\" cannot be sent (comma, control character or "
                         "too long); it is left out",
                         text);
        }
    }
    for (size_t i = 0; i < options->iroute.count; i++) {
        push_list_drop_route(list, &options->iroute.items[i].prefix);
    }
    for (size_t i = 0; i < options->iroute_ipv6.count; i++) {
        push_list_drop_route(list, &options->iroute_ipv6.items[i].prefix);
    }
}

static void add_addresses(const struct instance *instance, struct push_list *list)
{
    const struct instance_addresses *a = &instance->addresses;
    char one[ADDR_TEXT_MAX];
    char two[ADDR_TEXT_MAX];
    if (a->local6.family && !instance->options->push_ifconfig_ipv6_blocked) {
        push_list_addf(list, "ifconfig-ipv6 %s/%u %s", ip_format(&a->local6, one), a->bits6,
                       a->remote6.family ? ip_format(&a->remote6, two) : "::");
    }
    if (a->pushed4.family && !instance->options->push_ifconfig_blocked) {
        push_list_addf(list, "ifconfig %s %s", ip_format(&a->pushed4, one), ip_format(&a->remote4, two));
    }
}

static void add_negotiated(const struct instance *instance, struct push_list *list)
{
    const struct instance_session *session = instance->current;
    const char *token = login_token(session->login);
    char flags[NEGOTIATE_TEXT_MAX];
    if (session->peer.proto & PEER_INFO_PROTO_DATA_V2) {
        push_list_addf(list, "peer-id %u", instance->entry.id);
    }
    if (token) {
        push_list_addf(list, "auth-token %s", token);
        instance->current->token_sent_ms = clock_read().mono_ms;
    }
    if (instance->negotiated.outcome.push_cipher) {
        push_list_addf(list, "cipher %s", instance->negotiated.outcome.cipher);
    }
    negotiate_flags_option(&session->peer, &instance->negotiated.outcome, flags);
    if (flags[0]) {
        push_list_addf(list, "%s", flags);
    }
    if (instance->negotiated.outcome.push_mtu) {
        push_list_addf(list, "tun-mtu %u", instance->server->config->tun_mtu);
    }
}

static void send_list(struct instance_session *session, const struct push_list *list)
{
    struct cmd_push push;
    size_t at = 0;
    cmd_push_begin(&push, "PUSH_REPLY");
    for (const char *text = push_list_next(list, &at); text; text = push_list_next(list, &at)) {
        int rc = cmd_push_option(&push, text);
        if (rc == 1) {
            instance_session_send(session, push.text);
            cmd_push_next(&push);
            rc = cmd_push_option(&push, text);
        }
        if (rc < 0) {
            instance_log(session->owner, LOG_SEV_ERROR, 1, "Options error: push \"%s\": %s; it is left out", text,
                         err_str(rc));
        }
    }
    cmd_push_end(&push);
    instance_session_send(session, push.text);
}

static void reply(struct instance *instance)
{
    struct push_list list = {0};
    add_configured(instance, &list);
    if (instance->compress_push) {
        push_list_addf(&list, "%s", instance->compress_push);
    }
    add_addresses(instance, &list);
    add_negotiated(instance, &list);
    send_list(instance->current, &list);
    push_list_free(&list);
    instance->current->push_sent_ms = clock_read().mono_ms;
}

void push_reply_requested(struct instance_session *session)
{
    struct instance *instance = session->owner;
    session->push_asked = true;
    if (instance->state != INSTANCE_CONNECTED || session != instance->current) {
        return; /* remembered */
    }
    if (session->push_sent_ms && clock_read().mono_ms - session->push_sent_ms < PUSH_GUARD_MS) {
        return;
    }
    reply(instance);
}

void push_reply_due(struct instance *instance)
{
    if (instance->current->push_asked && !instance->current->push_sent_ms) {
        reply(instance);
    }
}

void push_reply_token(struct instance *instance)
{
    const char *token = login_token(instance->current->login);
    if (token && instance->current->push_sent_ms) {
        struct push_list list = {0};
        push_list_addf(&list, "auth-token %s", token);
        instance->current->token_sent_ms = clock_read().mono_ms;
        send_list(instance->current, &list);
        push_list_free(&list);
    }
}
