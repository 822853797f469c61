/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hooks/event.h"
#include "mgmt/metrics.h"

#define LABEL_MAX 512

const char *metrics_failure_name(enum metrics_failure failure)
{
    static const char *const names[METRICS_FAILURE_COUNT] = {
        [METRICS_FAILURE_TIMEOUT] = "timeout",       [METRICS_FAILURE_WRAP] = "control_key",
        [METRICS_FAILURE_STALLED] = "stalled",       [METRICS_FAILURE_TLS] = "tls",
        [METRICS_FAILURE_ALERT] = "peer_alert",      [METRICS_FAILURE_CERT_TIME] = "certificate_time",
        [METRICS_FAILURE_KEY_METHOD] = "key_method", [METRICS_FAILURE_LOGIN] = "login",
        [METRICS_FAILURE_CONNECT] = "connect",       [METRICS_FAILURE_FULL] = "full",
    };
    return names[failure];
}

/* The text under construction; the first error sticks. */
struct page {
    struct buf *out;
    int err;
};

#define put(page, ...) ((page)->err = (page)->err ? (page)->err : buf_printf((page)->out, __VA_ARGS__))

static void head(struct page *p, const char *name, const char *type, const char *help)
{
    put(p, "# HELP vpnd_%s %s\n# TYPE vpnd_%s %s\n", name, help, name, type);
}

static void value(struct page *p, const char *name, const char *type, const char *help, uint64_t number)
{
    head(p, name, type, help);
    put(p, "vpnd_%s %" PRIu64 "\n", name, number);
}

static void counts(struct page *p, const char *name, const char *type, const char *help, const char *label,
                   const struct metrics_count *list, size_t n)
{
    if (n == 0) {
        return;
    }
    head(p, name, type, help);
    for (size_t i = 0; i < n; i++) {
        put(p, "vpnd_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, list[i].name, list[i].value);
    }
}

/* Backslash, quote and line end are escaped in a label's value. */
static const char *label(const char *text, char out[LABEL_MAX])
{
    size_t n = 0;
    for (const char *at = text; *at && n + 3 < LABEL_MAX; at++) {
        if (*at == '\\' || *at == '"') {
            out[n++] = '\\';
        }
        out[n++] = (unsigned char)*at < 0x20 || *at == 0x7f ? '_' : *at;
    }
    out[n] = '\0';
    return out;
}

/* @labels: "hook=\"up\"," or "" */
static void histogram(struct page *p, const char *name, const char *labels, const struct histogram *h)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        sum += h->counts[i];
        put(p, "vpnd_%s_bucket{%sle=\"%g\"} %" PRIu64 "\n", name, labels, (double)histogram_bound_ms(i) / 1000.0, sum);
    }
    put(p, "vpnd_%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, h->count);
    size_t n = strlen(labels);
    const char *open = n ? "{" : "";
    const char *close = n ? "}" : "";
    int bare = n ? (int)n - 1 : 0;
    put(p, "vpnd_%s_sum%s%.*s%s %.3f\n", name, open, bare, labels, close, (double)h->sum_ms / 1000.0);
    put(p, "vpnd_%s_count%s%.*s%s %" PRIu64 "\n", name, open, bare, labels, close, h->count);
}

/* ------------------------------------------------------------------ sections */

static void process(struct page *p, const struct metrics_report *r)
{
    char text[LABEL_MAX];
    struct timespec cpu = {0};
    head(p, "build_info", "gauge", "Version of the program, as a label.");
    put(p, "vpnd_build_info{version=\"%s\",mode=\"%s\"} 1\n", label(r->version, text), r->server ? "server" : "client");
    value(p, "start_time_seconds", "gauge", "When the process started, as Unix time.", r->started_unix_s);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    head(p, "cpu_seconds_total", "counter", "Processor time of the whole process.");
    put(p, "vpnd_cpu_seconds_total %lld.%03ld\n", (long long)cpu.tv_sec, cpu.tv_nsec / 1000000);
}

static void traffic(struct page *p, const struct metrics_traffic *t)
{
    value(p, "link_receive_bytes_total", "counter", "Encrypted bytes from peers.", t->link_rx_bytes);
    value(p, "link_transmit_bytes_total", "counter", "Encrypted bytes to peers.", t->link_tx_bytes);
    value(p, "device_read_bytes_total", "counter", "Bytes read from the tunnel device.", t->device_rx_bytes);
    value(p, "device_read_packets_total", "counter", "Packets read from the tunnel device.", t->device_rx_packets);
    value(p, "device_written_bytes_total", "counter", "Bytes written to the tunnel device.", t->device_tx_bytes);
    value(p, "device_written_packets_total", "counter", "Packets written to the tunnel device.", t->device_tx_packets);
    value(p, "data_path_syscalls_total", "counter", "System calls of the data path.", t->syscalls);
    counts(p, "dropped_packets_total", "counter", "Packets that were dropped, by reason.", "reason", t->drops,
           t->drop_count);
}

static void workers(struct page *p, const struct metrics_report *r)
{
    if (r->worker_count == 0) {
        return;
    }
    head(p, "worker_cpu_seconds_total", "counter", "Processor time of one thread of the data path.");
    for (size_t i = 0; i < r->worker_count; i++) {
        put(p, "vpnd_worker_cpu_seconds_total{worker=\"%zu\"} %.3f\n", i, (double)r->workers[i].cpu_ns / 1e9);
    }
    head(p, "worker_link_bytes_total", "counter", "Encrypted bytes that one thread received and sent.");
    for (size_t i = 0; i < r->worker_count; i++) {
        put(p, "vpnd_worker_link_bytes_total{worker=\"%zu\",direction=\"receive\"} %" PRIu64 "\n", i,
            r->workers[i].link_rx_bytes);
        put(p, "vpnd_worker_link_bytes_total{worker=\"%zu\",direction=\"transmit\"} %" PRIu64 "\n", i,
            r->workers[i].link_tx_bytes);
    }
}

static void handshakes(struct page *p, const struct metrics_handshakes *h)
{
    if (!h) {
        return;
    }
    value(p, "handshakes_started_total", "counter", "Handshakes that began.", h->started);
    value(p, "handshakes_completed_total", "counter", "Handshakes that led to keys.", h->completed);
    value(p, "renegotiations_total", "counter", "Renewals of keys.", h->renegotiated);
    head(p, "handshake_failures_total", "counter", "Handshakes and logins that came to nothing, by reason.");
    for (int i = 0; i < METRICS_FAILURE_COUNT; i++) {
        put(p, "vpnd_handshake_failures_total{reason=\"%s\"} %" PRIu64 "\n",
            metrics_failure_name((enum metrics_failure)i), h->failed[i]);
    }
    head(p, "handshake_duration_seconds", "histogram", "From the first packet to the first keys.");
    histogram(p, "handshake_duration_seconds", "", &h->duration);
}

static void hooks(struct page *p, const struct event_bus *bus)
{
    bool any = false;
    char labels[64];
    for (int i = 0; bus && i < EVENT_TYPE_COUNT; i++) {
        const struct histogram *h = event_bus_latency(bus, (enum event_type)i);
        if (h->count == 0) {
            continue;
        }
        if (!any) {
            head(p, "hook_duration_seconds", "histogram", "How long scripts, plug-ins and management took to answer.");
            any = true;
        }
        snprintf(labels, sizeof(labels), "hook=\"%s\",", event_type_name((enum event_type)i));
        histogram(p, "hook_duration_seconds", labels, h);
    }
    if (any) {
        head(p, "hook_rejections_total", "counter", "Answers that were a refusal.");
    }
    for (int i = 0; any && i < EVENT_TYPE_COUNT; i++) {
        if (event_bus_latency(bus, (enum event_type)i)->count) {
            put(p, "vpnd_hook_rejections_total{hook=\"%s\"} %" PRIu64 "\n", event_type_name((enum event_type)i),
                event_bus_rejections(bus, (enum event_type)i));
        }
    }
}

static void until(struct page *p, const char *name, const char *help, int64_t unix_s)
{
    if (unix_s != METRICS_UNKNOWN) {
        head(p, name, "gauge", help);
        put(p, "vpnd_%s %" PRId64 "\n", name, unix_s);
    }
}

static void role(struct page *p, const struct metrics_report *r)
{
    if (!r->server) {
        char text[LABEL_MAX];
        value(p, "connected", "gauge", "Whether the tunnel is up.", r->state && strcmp(r->state, "CONNECTED") == 0);
        head(p, "state_info", "gauge", "State of the connection, as a label.");
        put(p, "vpnd_state_info{state=\"%s\"} 1\n", label(r->state ? r->state : "", text));
        value(p, "reconnects_total", "counter", "Connections that were given up.", r->reconnects);
        return;
    }
    counts(p, "clients", "gauge", "Clients, by state.", "state", r->client_states, r->client_state_count);
    value(p, "clients_max", "gauge", "max-clients.", r->clients_max);
    value(p, "routes", "gauge", "Addresses and networks that lead to clients.", r->routes);
    if (r->pool_size) {
        value(p, "pool_addresses", "gauge", "Addresses that the pool has.", r->pool_size);
        value(p, "pool_addresses_used", "gauge", "Addresses of the pool that are in use.", r->pool_used);
    }
    counts(p, "stranger_packets_total", "counter", "Control packets of senders without a session, dropped by reason.",
           "reason", r->strangers, r->stranger_count);
}

/* ------------------------------------------------------------------ single clients */

enum series_kind { SERIES_RECEIVED, SERIES_SENT, SERIES_SINCE, SERIES_KEY_AGE, SERIES_COUNT };

/* All series grow in one walk over the clients; the format wants one behind the other. */
struct series {
    struct buf text[SERIES_COUNT];
    int err;
};

static const struct {
    const char *name;
    const char *type;
    const char *help;
} series_heads[SERIES_COUNT] = {
    [SERIES_RECEIVED] = {"client_receive_bytes_total", "counter", "Encrypted bytes from one client."},
    [SERIES_SENT] = {"client_transmit_bytes_total", "counter", "Encrypted bytes to one client."},
    [SERIES_SINCE] = {"client_connected_since_seconds", "gauge", "When a client connected, as Unix time."},
    [SERIES_KEY_AGE] = {"client_key_age_seconds", "gauge", "Age of a client's newest data channel key."},
};

static void one_client(void *arg, const struct metrics_client *c)
{
    struct series *s = arg;
    char name[LABEL_MAX];
    char user[LABEL_MAX];
    if (strcmp(c->state, "connected") != 0) {
        return;
    }
    char labels[2 * LABEL_MAX + 128];
    const uint64_t values[SERIES_COUNT] = {c->rx_bytes, c->tx_bytes, c->since_unix_s, c->key_age_s};
    snprintf(labels, sizeof(labels), "common_name=\"%s\",username=\"%s\",client_id=\"%" PRIu64
             "\",virtual_address=\"%s\"", label(c->common_name, name), label(c->username, user), c->client_id,
             c->virtual4[0] ? c->virtual4 : c->virtual6);
    for (int i = 0; i < SERIES_COUNT && !s->err; i++) {
        s->err = buf_printf(&s->text[i], "vpnd_%s{%s} %" PRIu64 "\n", series_heads[i].name, labels, values[i]);
    }
}

static void each_client(struct page *p, const struct metrics_source *source)
{
    struct series s = {.err = p->err};
    for (int i = 0; i < SERIES_COUNT; i++) {
        s.text[i].max = p->out->max;
    }
    if (!s.err) {
        source->each_client(source->arg, one_client, &s);
        p->err = s.err;
    }
    for (int i = 0; i < SERIES_COUNT; i++) {
        head(p, series_heads[i].name, series_heads[i].type, series_heads[i].help);
        if (!p->err && s.text[i].len) {
            p->err = buf_append(p->out, s.text[i].data, s.text[i].len);
        }
        buf_free(&s.text[i], false);
    }
}

int metrics_format_text(const struct metrics_source *source, bool clients, struct buf *out)
{
    struct metrics_report r = {.certificate_unix_s = METRICS_UNKNOWN, .crl_unix_s = METRICS_UNKNOWN};
    struct page p = {.out = out};
    source->report(source->arg, &r);
    process(&p, &r);
    role(&p, &r);
    traffic(&p, &r.traffic);
    workers(&p, &r);
    handshakes(&p, r.handshakes);
    hooks(&p, r.bus);
    value(&p, "oldest_key_age_seconds", "gauge", "Age of the oldest data channel key that is in use.", r.oldest_key_s);
    until(&p, "certificate_expiry_timestamp_seconds", "When our certificate ends, as Unix time.", r.certificate_unix_s);
    until(&p, "crl_next_update_timestamp_seconds", "When the revocation list has to be renewed, as Unix time.",
          r.crl_unix_s);
    if (clients && source->each_client) {
        each_client(&p, source);
    }
    return p.err;
}
