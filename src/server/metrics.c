/* SPDX-License-Identifier: MIT */
#include "server/metrics.h"

#include <stdlib.h>

#include "auth/tls_setup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "config/config.h"
#include "dp/dp.h"
#include "mgmt/metrics.h"
#include "node/loop.h"
#include "node/traffic_report.h"
#include "server/context.h"
#include "server/instance.h"
#include "server/instance_session.h"
#include "server/pool.h"
#include "wire/peer_info.h"

static const char *const state_names[INSTANCE_STATES] = {
    [INSTANCE_HANDSHAKE] = "handshake", [INSTANCE_LOGIN] = "login",     [INSTANCE_CONNECT] = "connecting",
    [INSTANCE_CONNECTED] = "connected", [INSTANCE_LEAVING] = "leaving", [INSTANCE_GONE] = "gone",
};

static const char *const stranger_names[] = {
    [COOKIE_REASON_NONE] = "served",
    [COOKIE_REASON_FORMAT] = "noise",
    [COOKIE_REASON_WRAP] = "control_key",
    [COOKIE_REASON_WKC] = "client_key",
    [COOKIE_REASON_KEY_AGE] = "client_key_age",
    [COOKIE_REASON_NO_COOKIE_SUPPORT] = "no_cookie_support",
    [COOKIE_REASON_BAD_COOKIE] = "cookie",
    [COOKIE_REASON_RATE] = "rate",
};
#define STRANGERS (sizeof(stranger_names) / sizeof(stranger_names[0]))

/* What a report borrows until the next one. */
struct server_metrics {
    struct metrics *endpoint;
    uint64_t started_unix_s;
    struct metrics_count states[INSTANCE_STATES];
    struct metrics_count drops[DP_DROP_COUNT];
    struct metrics_count strangers[STRANGERS];
};

/* ------------------------------------------------------------------ the report */

static uint64_t key_age(const struct instance *instance, uint64_t mono_ms)
{
    return instance->keys.has_primary ? (mono_ms - instance->keys.since_ms) / 1000 : 0;
}

static void fill_clients(struct server *server, struct metrics_report *out)
{
    struct server_metrics *m = server->metrics;
    uint64_t now = clock_read().mono_ms;
    for (int i = 0; i < INSTANCE_STATES; i++) {
        m->states[i] = (struct metrics_count){state_names[i], 0};
    }
    list_for (at, next, &server->instances.all) {
        const struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        uint64_t age = key_age(instance, now);
        m->states[instance->state].value++;
        out->oldest_key_s = age > out->oldest_key_s ? age : out->oldest_key_s;
    }
    out->client_states = m->states;
    out->client_state_count = INSTANCE_GONE;
    out->clients_max = server->instances.max;
    out->routes = server->routing.count;
    if (server->pool) {
        out->pool_size = pool_size(server->pool);
        out->pool_used = pool_used(server->pool);
    }
}

static void report(void *arg, struct metrics_report *out)
{
    struct server *server = arg;
    struct server_metrics *m = server->metrics;
    struct tls_setup_expiry expiry;
    tls_setup_expiry(server->settings.setup, &expiry);
    out->server = true;
    out->version = VERSION;
    out->started_unix_s = m->started_unix_s;
    out->handshakes = &server->handshakes;
    out->bus = server->bus;
    out->certificate_unix_s = expiry.certificate ? (int64_t)expiry.certificate : METRICS_UNKNOWN;
    out->crl_unix_s = expiry.crl ? (int64_t)expiry.crl : METRICS_UNKNOWN;
    for (size_t i = 0; i < STRANGERS; i++) {
        m->strangers[i] = (struct metrics_count){stranger_names[i], server->admission.dropped[i]};
    }
    out->strangers = m->strangers + 1; /* those who were served were not dropped */
    out->stranger_count = STRANGERS - 1;
    traffic_report(server->dp, server->metrics->drops, out);
    fill_clients(server, out);
}

/* ------------------------------------------------------------------ single clients */

static void software_of(const struct instance *instance, char *out, size_t cap)
{
    struct span value;
    out[0] = '\0';
    if (instance->current && instance->current->peer_info &&
        (peer_info_find(instance->current->peer_info, "IV_GUI_VER", &value) ||
         peer_info_find(instance->current->peer_info, "IV_VER", &value))) {
        (void)peer_info_sanitise(value, out, cap);
    }
}

static void each_client(void *arg, metrics_client_fn fn, void *fn_arg)
{
    struct server *server = arg;
    uint64_t now = clock_read().mono_ms;
    list_for (at, next, &server->instances.all) {
        const struct instance *instance = instance_of(container_of(at, struct instance_entry, link));
        const struct instance_addresses *a = &instance->addresses;
        bool placed = instance->state == INSTANCE_CONNECTED;
        char real[ADDR_TEXT_MAX];
        char local4[ADDR_TEXT_MAX] = "";
        char local6[ADDR_TEXT_MAX] = "";
        char software[PEER_INFO_LINE_MAX + 1];
        struct dp_peer_stats stats = {0};
        if (instance->state == INSTANCE_GONE) {
            continue;
        }
        if (instance->has_peer) {
            (void)dp_peer_stats(server->dp, instance->entry.id, &stats); /* gone in between: zero */
        }
        software_of(instance, software, sizeof(software));
        struct metrics_client client = {
            .common_name = instance->cn ? instance->cn : "",
            .username = instance->username ? instance->username : "",
            .real_address = addr_format(&instance->entry.path.remote, real),
            .transport = instance->tcp ? "tcp" : "udp",
            .state = state_names[instance->state],
            .virtual4 = placed && a->local4.family ? ip_format(&a->local4, local4) : "",
            .virtual6 = placed && a->local6.family ? ip_format(&a->local6, local6) : "",
            .cipher = placed ? instance->negotiated.outcome.cipher : "",
            .software = software,
            .client_id = instance->entry.client_id,
            .peer_id = instance->entry.id,
            .since_unix_s = instance->connected_unix_s,
            .key_age_s = key_age(instance, now),
            .rx_bytes = stats.link_rx_bytes,
            .tx_bytes = stats.link_tx_bytes,
            .rx_packets = stats.link_rx_packets,
            .tx_packets = stats.link_tx_packets,
        };
        fn(fn_arg, &client);
    }
}

/* ------------------------------------------------------------------ life */

int server_metrics_open(struct server *server)
{
    struct server_metrics *m = mem_zalloc(sizeof(*m));
    struct metrics_source source = {.report = report, .each_client = each_client, .arg = server};
    m->started_unix_s = clock_read().unix_s;
    server->metrics = m;
    return metrics_new(loop_uv(server->loop), &server->config->metrics, &source, &m->endpoint);
}

void server_metrics_close(struct server *server)
{
    if (server->metrics) {
        metrics_free(server->metrics->endpoint);
        free(server->metrics);
        server->metrics = NULL;
    }
}

/* ------------------------------------------------------------------ measuring points */

void server_metrics_handshake_failed(struct server *server, enum session_hint hint)
{
    static const enum metrics_failure failures[] = {
        [SESSION_HINT_NONE] = METRICS_FAILURE_STALLED,
        [SESSION_HINT_NO_REPLY] = METRICS_FAILURE_TIMEOUT,
        [SESSION_HINT_BAD_WRAP] = METRICS_FAILURE_WRAP,
        [SESSION_HINT_TLS_ALERT_IN] = METRICS_FAILURE_ALERT,
        [SESSION_HINT_TLS_ERROR] = METRICS_FAILURE_TLS,
        [SESSION_HINT_CERT_TIME] = METRICS_FAILURE_CERT_TIME,
        [SESSION_HINT_KEY_METHOD] = METRICS_FAILURE_KEY_METHOD,
        [SESSION_HINT_STALLED] = METRICS_FAILURE_STALLED,
    };
    server->handshakes.failed[failures[hint]]++;
}

void server_metrics_refused(const struct instance_session *session)
{
    const struct instance *instance = session->owner;
    bool login = instance->state == INSTANCE_HANDSHAKE || instance->state == INSTANCE_LOGIN ||
                 session == instance->candidate;
    instance->server->handshakes.failed[login ? METRICS_FAILURE_LOGIN : METRICS_FAILURE_CONNECT]++;
}

void server_metrics_keys(const struct instance_session *session)
{
    struct metrics_handshakes *h = &session->owner->server->handshakes;
    h->completed++;
    histogram_add(&h->duration, clock_read().mono_ms - session->started_ms);
}
