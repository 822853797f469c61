/* SPDX-License-Identifier: MIT */
#include "server/events.h"

#include "base/err.h"
#include "base/secret.h"
#include "config/config.h"
#include "dp/dp.h"
#include "node/loop.h"
#include "node/occ_answer.h"
#include "node/session_driver.h"
#include "node/settings.h"
#include "server/context.h"
#include "server/instance.h"
#include "server/listener.h"
#include "server/login.h"
#include "server/routing.h"
#include "session/cookie.h"
#include "wire/data_pkt.h"
#include "wire/opcode.h"

/* ------------------------------------------------------------------ control packets */

/* A packet that no session knows: from a stranger (@instance NULL) or from a client that may have started anew. */
static void judge_stranger(struct server *server, struct instance *instance, const struct dp_event *event)
{
    struct cookie_verdict verdict;
    bool tcp = event->path.conn != DP_NO_CONN;
    if (event->len == 0 || !opcode_is_control(opcode_of(event->data[0]))) {
        return; /* data of a client that is gone */
    }
    admission_judge(&server->admission, tcp, &event->path.remote, event->data, event->len, &verdict);
    if (verdict.action == COOKIE_REPLY) {
        (void)dp_ctrl_send(server->dp, &event->path, verdict.reply, verdict.reply_len); /* lost: the client repeats */
    } else if (verdict.action == COOKIE_ACCEPT) {
        if (!instance && server->stopping) {
            char text[ADDR_TEXT_MAX];
            if (admission_may_log(&server->admission)) {
                log_info("MULTI: Connection attempt from %s ignored while server is shutting down",
                         addr_format(&event->path.remote, text));
            }
        } else if (!instance && admission_fresh(&server->admission, &event->path.remote)) {
            instance = instance_new(server, &event->path, listeners_ipv6(server, event->path.listener));
        }
        if (instance && instance_open_session(instance, &verdict, event->data, event->len) == 0 &&
            verdict.open.from_cookie) {
            admission_proven(&server->admission);
        }
        secret_free(&verdict.open.client_key);
    } else if (instance && tcp && !instance->current) {
        instance_close(instance, "tls-error"); /* a connection that begins with anything else is not ours */
    }
}

static void on_ctrl(struct server *server, const struct dp_event *event)
{
    struct instance_entry *entry = instances_at(&server->instances, &event->path);
    if (entry) {
        if (!instance_receive(instance_of(entry), event->data, event->len)) {
            judge_stranger(server, instance_of(entry), event);
        }
    } else if (event->path.conn == DP_NO_CONN) {
        judge_stranger(server, NULL, event);
    }
}

static void on_conn_closed(struct server *server, const struct dp_event *event)
{
    struct instance_entry *entry = instances_at(&server->instances, &event->path);
    if (!entry) {
        return;
    }
    struct instance *instance = instance_of(entry);
    if (event->error == ERR_FORMAT) {
        instance_log(
            instance, LOG_SEV_ERROR, 1,
            "WARNING: Bad encapsulated packet length from peer -- this condition could also indicate a possible "
            "active attack on the TCP link -- [Attempting restart...]");
    }
    instance_log(instance, LOG_SEV_INFO, 1, "Connection reset, restarting [%d]", event->error ? -1 : 0);
    instance_close(instance, "connection-reset");
}

/* ------------------------------------------------------------------ peers */

static struct instance *find(struct server *server, uint32_t peer)
{
    struct instance_entry *entry = instances_by_id(&server->instances, peer);
    return entry ? instance_of(entry) : NULL;
}

static void on_timeout(struct instance *instance, const struct dp_event *event)
{
    if (event->reason == DP_GONE_INACTIVE) {
        instance_log(instance, LOG_SEV_INFO, 1, "Inactivity timeout (--inactive), exiting");
        instance_close(instance, "inactive");
        return;
    }
    instance_log(instance, LOG_SEV_INFO, 1, "[%s] Inactivity timeout (--ping-restart), restarting",
                 instance_name(instance));
    instance_close(instance, "ping-restart");
}

static void on_floated(struct server *server, struct instance *instance, const struct dp_event *event)
{
    struct instance_entry *other = instances_at(&server->instances, &event->path);
    if (other && instance_of(other) != instance) {
        instance_close(instance_of(other), ""); /* it had no proven identity: the data plane would have known it */
    }
    instance_move(instance, &event->path);
}

static void on_float_conflict(struct server *server, struct instance *instance, const struct dp_event *event)
{
    struct instance *other = find(server, event->other);
    char text[ADDR_TEXT_MAX];
    if (!other || other == instance || !other->current || !instance->current) {
        return;
    }
    addr_format_log(&event->path.remote, text);
    if (!login_same_identity(instance->current->login, other->current->login)) {
        instance_log(instance, LOG_SEV_WARN, 1, "Disallow float to an address taken by another client %s", text);
        return;
    }
    instance_log(instance, LOG_SEV_USUAL, 3,
                 "closing instance %s due to float collision with %s using the same certificate", other->tag,
                 instance->tag);
    instance_close(other, "");
    if (dp_peer_move(server->dp, instance->entry.id, &event->path) == 0) {
        instance_move(instance, &event->path);
    }
}

static void on_payload(struct server *server, struct instance *instance, const struct dp_event *event)
{
    if (!data_pkt_is_occ(event->data, event->len)) {
        return;
    }
    if (event->data[DATA_PKT_MAGIC_SIZE] == DATA_PKT_OCC_EXIT) {
        instance_log(instance, LOG_SEV_INFO, 1, "OCC exit message received by peer");
        instance_close(instance, "remote-exit");
        return;
    }
    bool v6 = instance->entry.path.remote.any.sa_family == AF_INET6;
    occ_answer(server->dp, event->peer, server->settings.by_transport[instance->tcp][v6], event->data, event->len);
}

static void on_decrypt_error(struct instance *instance)
{
    instance_log(instance, LOG_SEV_ERROR, 1, "Authenticate/Decrypt packet error: packet HMAC authentication failed");
    instance_log(instance, LOG_SEV_ERROR, 1, "Fatal decryption error (process_incoming_link), restarting");
    instance_close(instance, "decryption-error");
}

static void on_device_error(struct server *server, const struct dp_event *event)
{
    log_error("the tunnel device went away: %s", err_str(event->error));
    loop_raise(server->loop, LOOP_SIGNAL_TERM, LOOP_SOURCE_SOFT, "tun-error");
}

void events_handle(const struct dp_event *event, void *arg)
{
    struct server *server = arg;
    struct instance *instance = find(server, event->peer);
    switch (event->type) {
    case DP_EV_CTRL:
        on_ctrl(server, event);
        return;
    case DP_EV_CONN_CLOSED:
        on_conn_closed(server, event);
        return;
    case DP_EV_DEVICE_ERROR:
        on_device_error(server, event);
        return;
    case DP_EV_FORGOTTEN:
        routing_device_forgot(server, event);
        return;
    default:
        break;
    }
    if (!instance) {
        return;
    }
    if (event->type == DP_EV_PEER_GONE) {
        instance_gone(instance, &event->stats);
        return;
    }
    if (instance->state == INSTANCE_GONE) {
        return;
    }
    switch (event->type) {
    case DP_EV_PEER_TIMEOUT:
        on_timeout(instance, event);
        break;
    case DP_EV_FLOATED:
        on_floated(server, instance, event);
        break;
    case DP_EV_FLOAT_CONFLICT:
        on_float_conflict(server, instance, event);
        break;
    case DP_EV_KEY_EXHAUSTED:
        session_driver_renegotiate(instance->current->driver);
        break;
    case DP_EV_PAYLOAD:
        on_payload(server, instance, event);
        break;
    case DP_EV_LEARNT:
        routing_device_learnt(server, event);
        break;
    case DP_EV_DECRYPT_ERROR:
        on_decrypt_error(instance);
        break;
    case DP_EV_PATH_MTU: /* the data plane has adapted itself */
        instance_log(instance, LOG_SEV_INFO, 1, "path MTU %u, inner %u", event->mtu, event->inner);
        break;
    default:
        break;
    }
}
