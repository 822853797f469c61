/* SPDX-License-Identifier: MIT */
#include "server/instance.h"

#include <stdlib.h>
#include <string.h>

#include "auth/user_state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "config/config.h"
#include "dp/dp.h"
#include "node/loop.h"
#include "node/session_driver.h"
#include "node/settings.h"
#include "server/activate.h"
#include "server/connect.h"
#include "server/context.h"
#include "server/held_config.h"
#include "server/instance_session.h"
#include "server/login.h"
#include "server/metrics.h"
#include "server/pool.h"
#include "server/real_address.h"
#include "wire/cmd.h"
#include "wire/peer_info.h"

#define LINGER_MS 5000
#define DAWDLE_MS 5000 /* an honest handshake is over by then */
#define FULL_MS 500    /* until a full server looks for room again */

#define NO INSTANCE_STATES /* not allowed: the step is ignored */

/* State and step to the next state. */
static const enum instance_state next_state[INSTANCE_STATES][INSTANCE_STEPS] = {
    /*                       KEY_EXCHANGE    KEYS_READY        ADMITTED            LEAVE             CLOSE */
    [INSTANCE_HANDSHAKE] = {INSTANCE_LOGIN,  NO,               NO,                 INSTANCE_LEAVING, INSTANCE_GONE},
    [INSTANCE_LOGIN]     = {INSTANCE_LOGIN,  INSTANCE_CONNECT, NO,                 INSTANCE_LEAVING, INSTANCE_GONE},
    [INSTANCE_CONNECT]   = {NO,              NO,               INSTANCE_CONNECTED, INSTANCE_LEAVING, INSTANCE_GONE},
    [INSTANCE_CONNECTED] = {NO,              NO,               NO,                 INSTANCE_LEAVING, INSTANCE_GONE},
    [INSTANCE_LEAVING]   = {NO,              NO,               NO,                 NO,               INSTANCE_GONE},
    [INSTANCE_GONE]      = {NO,              NO,               NO,                 NO,               NO},
};

bool instance_advance(struct instance *instance, enum instance_step step)
{
    enum instance_state next = next_state[instance->state][step];
    if (next == NO) {
        return false;
    }
    instance->state = next;
    return true;
}

const char *instance_name(const struct instance *instance)
{
    return instance->cn && *instance->cn ? instance->cn : "UNDEF";
}

void instance_retag(struct instance *instance)
{
    char address[REAL_ADDRESS_MAX];
    real_address_log(instance, address);
    free(instance->tag);
    instance->tag = instance->cn && *instance->cn ? mem_printf("%s/%s", instance->cn, address) : mem_strdup(address);
}

void instance_traffic(const struct instance *instance, uint64_t *in, uint64_t *out)
{
    struct dp_peer_stats stats = instance->final_stats;
    if (instance->has_peer && instance->state != INSTANCE_GONE) {
        (void)dp_peer_stats(instance->server->dp, instance->entry.id, &stats); /* gone in between: what we had */
    }
    *in = stats.link_rx_bytes + instance->control.in;
    *out = stats.link_tx_bytes + instance->control.out;
}

static void on_timer(void *arg)
{
    struct instance *instance = arg;
    switch (instance->state) {
    case INSTANCE_HANDSHAKE:
        instance_log(instance, LOG_SEV_ERROR, 1, "TLS Error: no packet came within %u seconds",
                     held_config_get(instance->server->live)->hand_window);
        instance_close(instance, "tls-error");
        break;
    case INSTANCE_LOGIN:
    case INSTANCE_CONNECT:
        instance_log(instance, LOG_SEV_ERROR, 1, "TLS Auth Error: the answer of a deferred check did not come in time");
        login_end(instance->current->login);
        instance_refuse(instance->current, NULL);
        break;
    case INSTANCE_CONNECTED:
        instance_log(instance, LOG_SEV_INFO, 1, "Session timeout, exiting");
        instance_close(instance, "session-timeout");
        break;
    case INSTANCE_LEAVING:
        instance_close(instance, instance->close_reason);
        break;
    case INSTANCE_GONE:
    case INSTANCE_STATES:
        break;
    }
}

void instance_defer(struct instance *instance, unsigned seconds)
{
    if (instance->state == INSTANCE_LOGIN || instance->state == INSTANCE_CONNECT) {
        loop_timer_after(instance->timer, 1000ULL * seconds);
    }
}

/* Strangers that hold a place without proving who they are, and those who were refused and are still told so. */
static bool may_be_evicted(const struct instance *instance, uint64_t now_ms)
{
    return (instance->state == INSTANCE_HANDSHAKE && now_ms - instance->began_ms >= DAWDLE_MS) ||
           (instance->state == INSTANCE_LEAVING && !instance->has_peer);
}

static void evict(struct instance *instance)
{
    if (instance->state == INSTANCE_HANDSHAKE && admission_may_log(&instance->server->admission)) {
        instance_log(instance, LOG_SEV_WARN, 1,
                     "TLS Error: the handshake is not over after %u seconds and the server is full: it makes room",
                     DAWDLE_MS / 1000);
    }
    instance_close(instance, "");
    instance_gone(instance, NULL); /* the data plane never knew it */
}

/* The server is full. Those who knock at a server full of clients do not make it look at all of them each time. */
static bool make_room(struct server *server)
{
    uint64_t now = clock_read().mono_ms;
    if (now < server->full_until_ms) {
        return false;
    }
    list_for (at, next, &server->instances.all) { /* the oldest first */
        struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        if (may_be_evicted(instance, now)) {
            evict(instance);
            return true;
        }
    }
    server->full_until_ms = now + FULL_MS;
    return false;
}

struct instance *instance_new(struct server *server, const struct dp_path *path, bool socket_ipv6)
{
    struct instance *instance = mem_zalloc(sizeof(*instance));
    if (instances_add(&server->instances, &instance->entry, path) < 0 &&
        (!make_room(server) || instances_add(&server->instances, &instance->entry, path) < 0)) {
        char text[ADDR_TEXT_MAX];
        if (admission_may_log(&server->admission)) {
            log_write(LOG_SEV_WARN, 1, addr_format(&path->remote, text),
                      "MULTI: new incoming connection would exceed maximum number of clients (%u)",
                      server->instances.max);
        }
        server->handshakes.failed[METRICS_FAILURE_FULL]++;
        free(instance);
        return NULL;
    }
    instance->server = server;
    instance->began_ms = clock_read().mono_ms;
    instance->tcp = path->conn != DP_NO_CONN;
    instance->socket_ipv6 = socket_ipv6;
    instance->connected_unix_s = clock_read().unix_s;
    instance->user = user_state_new();
    list_init(&instance->departing_link);
    list_init(&instance->routes);
    data_keys_init(&instance->keys, server->dp, instance->entry.id);
    instance->timer = loop_timer_new(server->loop, on_timer, instance);
    instance_retag(instance);
    if (instance->tcp) {
        char text[ADDR_TEXT_MAX];
        instance_log(instance, LOG_SEV_USUAL, 3, "TCP connection established with %s",
                     addr_format_log(&path->remote, text));
        loop_timer_after(instance->timer, 1000ULL * held_config_get(server->live)->hand_window);
    }
    return instance;
}

/* Where a new session of this client belongs; NULL: it may not start anew now. */
static struct instance_session **slot_for_session(struct instance *instance)
{
    if (instance->state == INSTANCE_LEAVING || instance->state == INSTANCE_GONE) {
        return NULL;
    }
    if (!instance->current) {
        return &instance->current;
    }
    if (instance->server->config->single_session || instance->state == INSTANCE_CONNECT) {
        return NULL; /* while hooks run: the packet will be repeated */
    }
    /* A client that starts anew before it was let in replaces its own attempt; later it has to prove itself. */
    return instance->state == INSTANCE_CONNECTED ? &instance->candidate : &instance->current;
}

int instance_open_session(struct instance *instance, const struct cookie_verdict *verdict, const uint8_t *packet,
                          size_t len)
{
    struct instance_session **slot = slot_for_session(instance);
    if (!slot) {
        return ERR_BAD_STATE;
    }
    bool candidate = slot == &instance->candidate;
    instance_session_free(*slot);
    *slot = NULL;
    *slot = instance_session_new(instance, verdict, packet, len);
    if (!*slot) {
        if (!candidate) {
            instance_close(instance, "tls-error"); /* nothing would ever end it */
        }
        return ERR_BAD_STATE;
    }
    if (!candidate) {
        instance->state = INSTANCE_HANDSHAKE;
        loop_timer_stop(instance->timer);
    }
    login_check_metadata((*slot)->login, verdict->metadata, verdict->metadata_len); /* may end all this */
    return 0;
}

bool instance_receive(struct instance *instance, const uint8_t *packet, size_t len)
{
    if (len < 1 + SESSION_ID_SIZE) {
        return true; /* noise: nobody will know it */
    }
    struct instance_session *sessions[] = {instance->current, instance->candidate};
    for (size_t i = 0; i < 2; i++) {
        if (sessions[i] && sessions[i]->driver && memcmp(sessions[i]->peer_id, packet + 1, SESSION_ID_SIZE) == 0) {
            (void)session_driver_receive(sessions[i]->driver, packet, len); /* a full queue: the peer repeats */
            return true;
        }
    }
    return false;
}

void instance_move(struct instance *instance, const struct dp_path *path)
{
    char from[ADDR_TEXT_MAX];
    char to[ADDR_TEXT_MAX];
    addr_format_log(&instance->entry.path.remote, from);
    addr_format_log(&path->remote, to);
    instance_log(instance, LOG_SEV_USUAL, 3, "peer %u (%s) floated from %s to %s", instance->entry.id,
                 instance_name(instance), from, to);
    instances_move(&instance->server->instances, &instance->entry, path);
    if (instance->current && instance->current->driver) {
        session_driver_set_path(instance->current->driver, path);
    }
    instance_session_drop_candidate(instance);
    instance_retag(instance);
}

/* The message for a refused peer; free with free(). Peers that do not know TEMP get its text: for them it is final. */
static char *refusal(const struct instance_session *session, const char *reason)
{
    char clean[SESSION_MESSAGE_MAX - sizeof("AUTH_FAILED,") + 1];
    if (reason && !(session->peer.proto & PEER_INFO_PROTO_AUTH_FAIL_TEMP)) {
        struct cmd_auth_failed parsed = cmd_auth_failed_parse(reason);
        reason = parsed.kind == CMD_AUTH_FAILED_TEMP ? parsed.text : reason;
    }
    if (!reason || !*reason) {
        return mem_strdup("AUTH_FAILED");
    }
    (void)user_clean(reason, clean, sizeof(clean)); /* what is too long is cut */
    return mem_printf("AUTH_FAILED,%s", clean);
}

void instance_refuse(struct instance_session *session, const char *reason)
{
    struct instance *instance = session->owner;
    char *text = refusal(session, reason);
    if (instance->state != INSTANCE_LEAVING && instance->state != INSTANCE_GONE && session->driver) {
        bool candidate = session == instance->candidate;
        server_metrics_refused(session);
        instance_session_send(session, text); /* may be the end of a candidate */
        if (candidate && instance->candidate) {
            instance_session_linger(session);
        } else if (!candidate) {
            instance_leave(instance, "delayed-exit");
        }
    }
    free(text);
}

void instance_leave(struct instance *instance, const char *word)
{
    if (!instance_advance(instance, INSTANCE_STEP_LEAVE)) {
        return; /* under way already: the end is not put off */
    }
    instance->close_reason = word;
    connect_cancel(instance);
    instance_session_drop_candidate(instance);
    if (instance->current && instance->current->driver) {
        session_driver_close(instance->current->driver); /* no renegotiation, with all its checks, any more */
    }
    instance_log(instance, LOG_SEV_USUAL, 3, "Delayed exit in 5 seconds");
    loop_timer_after(instance->timer, LINGER_MS);
}

/* "SIGTERM[soft,delayed-exit] received, client-instance exiting" and its kind. */
static void log_end(const struct instance *instance, const char *word)
{
    static const char *const exits[] = {"delayed-exit", "remote-exit", "inactive", "session-timeout", "kill"};
    for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
        if (strcmp(word, exits[i]) == 0) {
            instance_log(instance, LOG_SEV_INFO, 1, "SIGTERM[soft,%s] received, client-instance exiting", word);
            return;
        }
    }
    instance_log(instance, LOG_SEV_INFO, 1, "SIGUSR1[soft,%s] received, client-instance restarting", word);
}

void instance_close(struct instance *instance, const char *word)
{
    struct server *server = instance->server;
    if (!instance_advance(instance, INSTANCE_STEP_CLOSE)) {
        return;
    }
    if (*word) {
        log_end(instance, word);
    }
    connect_cancel(instance);
    instance_session_drop_candidate(instance);
    activate_undo(instance);
    if (instance->current) {
        instance_session_stop(instance->current);
    }
    loop_timer_stop(instance->timer);
    if (instance->tcp) {
        dp_conn_del(server->dp, instance->entry.path.conn);
    }
    instances_hide(&server->instances, &instance->entry);
    list_push(&server->departing, &instance->departing_link);
    if (instance->has_peer) {
        (void)dp_peer_del(server->dp, instance->entry.id); /* instance_gone() follows with the event */
    } else {
        loop_timer_after(server->reaper, 0); /* callers may still look at it */
    }
}

void instance_reap(void *arg)
{
    struct server *server = arg;
    list_for (at, next, &server->departing) {
        struct instance *instance = container_of(at, struct instance, departing_link);
        if (!instance->has_peer) {
            instance_gone(instance, NULL);
        }
    }
}

void instance_gone(struct instance *instance, const struct dp_peer_stats *stats)
{
    struct server *server = instance->server;
    if (instance->state != INSTANCE_GONE) {
        instance->has_peer = false;
        instance_close(instance, "ping-restart");
        return;
    }
    if (stats) {
        instance->final_stats = *stats;
    }
    activate_farewell(instance);
    list_remove(&instance->departing_link);
    instances_remove(&server->instances, &instance->entry);
    instance_session_free(instance->current);
    loop_timer_free(instance->timer);
    config_client_free(instance->options);
    held_config_unref(instance->held);
    free(instance->cn);
    free(instance->username);
    user_state_free(instance->user);
    free(instance->tag);
    free(instance);
    connect_resume(server);
}

void instance_admitted(struct instance *instance)
{
    if (!instance_advance(instance, INSTANCE_STEP_ADMITTED)) {
        return;
    }
    unsigned limit = instance->options->session_timeout;
    loop_timer_stop(instance->timer);
    if (limit) {
        loop_timer_after(instance->timer, 1000ULL * limit);
    }
}
