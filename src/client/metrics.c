/* SPDX-License-Identifier: MIT */
#include "client/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/tls_setup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "client/state.h"
#include "mgmt/metrics.h"
#include "node/traffic_report.h"

#define STATE_MAX 32

struct client_metrics {
    struct metrics *endpoint;
    struct event_listener listener;
    uint64_t started_unix_s;
    char state[STATE_MAX];
    uint64_t reconnects;
    uint64_t attempt_ms; /* when the attempt under way began; 0: none, or its keys are there */
    struct metrics_handshakes handshakes;
    struct metrics_count drops[DP_DROP_COUNT];
    char remote[ADDR_TEXT_MAX];
};

/* ------------------------------------------------------------------ counting */

static enum metrics_failure failure_of(const char *reason)
{
    static const struct {
        const char *start; /* of the texts in restart.c */
        enum metrics_failure failure;
    } known[] = {
        {"auth", METRICS_FAILURE_LOGIN},        {"server_poll", METRICS_FAILURE_TIMEOUT},
        {"tls-error", METRICS_FAILURE_TLS},     {"no-push-reply", METRICS_FAILURE_STALLED},
        {"process-push", METRICS_FAILURE_CONNECT}, {"Offending", METRICS_FAILURE_CONNECT},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp(reason, known[i].start, strlen(known[i].start)) == 0) {
            return known[i].failure;
        }
    }
    return METRICS_FAILURE_TIMEOUT;
}

static void count_state(struct client_metrics *m, const char *state, const char *detail)
{
    uint64_t now = clock_read().mono_ms;
    if (strcmp(state, "WAIT") == 0 || strcmp(state, "TCP_CONNECT") == 0) {
        m->handshakes.started++;
        m->attempt_ms = now;
    } else if (m->attempt_ms && (strcmp(state, "GET_CONFIG") == 0 || strcmp(state, "ASSIGN_IP") == 0)) {
        m->handshakes.completed++;
        histogram_add(&m->handshakes.duration, now - m->attempt_ms);
        m->attempt_ms = 0;
    } else if (strcmp(state, "RECONNECTING") == 0) {
        m->reconnects++;
        if (m->attempt_ms || strncmp(detail, "auth", 4) == 0) {
            m->handshakes.failed[failure_of(detail)]++;
        }
        m->attempt_ms = 0;
    }
}

static enum event_vote handle(void *arg, const struct event *event, struct event_request *request)
{
    struct client_metrics *m = arg;
    (void)request;
    if (event->type == EVENT_STATE) {
        (void)snprintf(m->state, sizeof(m->state), "%s", event->text);
        count_state(m, event->text, event->args[0] ? event->args[0] : "");
    }
    return EVENT_ABSTAIN;
}

/* ------------------------------------------------------------------ the report */

static void fill_link(struct client *c, struct metrics_report *out)
{
    struct client_metrics *m = c->metrics;
    m->remote[0] = '\0';
    if (c->attempt && c->attempt->link) {
        const union addr *remote = link_remote(c->attempt->link);
        if (remote->any.sa_family != AF_UNSPEC) {
            addr_format(remote, m->remote);
        }
        uint64_t since = link_key_since_ms(c->attempt->link);
        out->oldest_key_s = since ? (clock_read().mono_ms - since) / 1000 : 0;
    }
    const char *local4 = env_get(&c->env, "ifconfig_local");
    const char *local6 = env_get(&c->env, "ifconfig_ipv6_local");
    bool up = strcmp(m->state, "CONNECTED") == 0;
    out->remote = m->remote;
    out->tunnel4 = up && local4 ? local4 : "";
    out->tunnel6 = up && local6 ? local6 : "";
}

static void report(void *arg, struct metrics_report *out)
{
    struct client *c = arg;
    struct client_metrics *m = c->metrics;
    struct tls_setup_expiry expiry = {0};
    if (c->tls) {
        tls_setup_expiry(c->tls, &expiry);
    }
    out->version = VERSION;
    out->started_unix_s = m->started_unix_s;
    out->handshakes = &m->handshakes;
    out->bus = c->events;
    out->certificate_unix_s = expiry.certificate ? (int64_t)expiry.certificate : METRICS_UNKNOWN;
    out->crl_unix_s = expiry.crl ? (int64_t)expiry.crl : METRICS_UNKNOWN;
    out->state = m->state;
    out->reconnects = m->reconnects;
    if (c->dp) {
        traffic_report(c->dp, c->metrics->drops, out);
    }
    fill_link(c, out);
}

/* ------------------------------------------------------------------ life */

int client_metrics_open(struct client *c)
{
    struct client_metrics *m = mem_zalloc(sizeof(*m));
    struct metrics_source source = {.report = report, .arg = c};
    m->started_unix_s = clock_read().unix_s;
    m->listener = (struct event_listener){.name = "metrics", .handle = handle, .arg = m};
    event_listen(c->events, &m->listener);
    c->metrics = m;
    return metrics_new(loop_uv(c->loop), &c->config->metrics, &source, &m->endpoint);
}

void client_metrics_close(struct client *c)
{
    if (c->metrics) {
        metrics_free(c->metrics->endpoint);
        event_unlisten(c->events, &c->metrics->listener);
        free(c->metrics);
        c->metrics = NULL;
    }
}
