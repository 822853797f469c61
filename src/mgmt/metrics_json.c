/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "hooks/event.h"
#include "mgmt/metrics.h"

#define DAY_S 86400.0

static void number(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

/* Names come from peers: what is no UTF-8 is shown as '?'. */
static json_t *string_value(const char *value)
{
    json_t *string = json_string(value ? value : "");
    if (!string) {
        char *copy = strdup(value);
        for (char *at = copy; at && *at; at++) {
            *at = (unsigned char)*at >= 0x80 ? '?' : *at;
        }
        string = json_string(copy ? copy : "");
        free(copy);
    }
    return string;
}

static void text(json_t *object, const char *name, const char *value)
{
    json_object_set_new(object, name, string_value(value));
}

static json_t *counts(const struct metrics_count *list, size_t n)
{
    json_t *object = json_object();
    for (size_t i = 0; i < n; i++) {
        number(object, list[i].name, list[i].value);
    }
    return object;
}

static json_t *histogram(const struct histogram *h)
{
    json_t *object = json_object();
    json_t *buckets = json_array();
    number(object, "count", h->count);
    json_object_set_new(object, "sum_seconds", json_real((double)h->sum_ms / 1000.0));
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS + 1; i++) {
        json_t *bucket = json_object();
        if (i < HISTOGRAM_BOUNDS) {
            json_object_set_new(bucket, "up_to_seconds", json_real((double)histogram_bound_ms(i) / 1000.0));
        }
        number(bucket, "count", h->counts[i]);
        json_array_append_new(buckets, bucket);
    }
    json_object_set_new(object, "buckets", buckets);
    return object;
}

static json_t *traffic(const struct metrics_traffic *t)
{
    json_t *object = json_object();
    number(object, "link_receive_bytes", t->link_rx_bytes);
    number(object, "link_transmit_bytes", t->link_tx_bytes);
    number(object, "device_read_bytes", t->device_rx_bytes);
    number(object, "device_read_packets", t->device_rx_packets);
    number(object, "device_written_bytes", t->device_tx_bytes);
    number(object, "device_written_packets", t->device_tx_packets);
    json_object_set_new(object, "dropped_packets", counts(t->drops, t->drop_count));
    return object;
}

static json_t *handshakes(const struct metrics_handshakes *h)
{
    json_t *object = json_object();
    json_t *failed = json_object();
    number(object, "started", h->started);
    number(object, "completed", h->completed);
    number(object, "renegotiated", h->renegotiated);
    for (int i = 0; i < METRICS_FAILURE_COUNT; i++) {
        number(failed, metrics_failure_name((enum metrics_failure)i), h->failed[i]);
    }
    json_object_set_new(object, "failed", failed);
    json_object_set_new(object, "duration", histogram(&h->duration));
    return object;
}

static json_t *hooks(const struct event_bus *bus)
{
    json_t *object = json_object();
    for (int i = 0; bus && i < EVENT_TYPE_COUNT; i++) {
        const struct histogram *h = event_bus_latency(bus, (enum event_type)i);
        if (h->count) {
            json_t *one = histogram(h);
            number(one, "rejections", event_bus_rejections(bus, (enum event_type)i));
            json_object_set_new(object, event_type_name((enum event_type)i), one);
        }
    }
    return object;
}

static json_t *workers(const struct metrics_report *r)
{
    json_t *array = json_array();
    for (size_t i = 0; i < r->worker_count; i++) {
        json_t *one = json_object();
        json_object_set_new(one, "cpu_seconds", json_real((double)r->workers[i].cpu_ns / 1e9));
        number(one, "link_receive_bytes", r->workers[i].link_rx_bytes);
        number(one, "link_transmit_bytes", r->workers[i].link_tx_bytes);
        json_array_append_new(array, one);
    }
    return array;
}

static void expiry(json_t *object, const char *name, int64_t unix_s, uint64_t now)
{
    if (unix_s == METRICS_UNKNOWN) {
        return;
    }
    json_t *one = json_object();
    json_object_set_new(one, "until", json_integer(unix_s));
    json_object_set_new(one, "days_left", json_real((double)(unix_s - (int64_t)now) / DAY_S));
    json_object_set_new(object, name, one);
}

/* ------------------------------------------------------------------ single clients */

/* Rows are written as they are visited: a tree of values for thousands of clients would hold up the loop. */
struct rows {
    struct buf *out;
    size_t count;
    int err;
};

static int append(const char *bytes, size_t n, void *arg)
{
    return buf_append(arg, bytes, n) == 0 ? 0 : -1;
}

static bool needs_escape(const char *value)
{
    for (const char *at = value; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            return true;
        }
    }
    return false;
}

static void row_text(struct rows *rows, const char *name, const char *value)
{
    if (!value || !needs_escape(value)) {
        rows->err = rows->err ? rows->err : buf_printf(rows->out, ",\"%s\":\"%s\"", name, value ? value : "");
        return;
    }
    json_t *string = string_value(value);
    rows->err = rows->err ? rows->err : buf_printf(rows->out, ",\"%s\":", name);
    if (!rows->err && json_dump_callback(string, append, rows->out, JSON_ENCODE_ANY) != 0) {
        rows->err = ERR_LIMIT;
    }
    json_decref(string);
}

static void one_client(void *arg, const struct metrics_client *c)
{
    struct rows *rows = arg;
    if (rows->err) {
        return;
    }
    rows->err = buf_printf(rows->out, "%s{\"client_id\":%" PRIu64 ",\"peer_id\":%" PRIu32, rows->count++ ? "," : "",
                           c->client_id, c->peer_id);
    row_text(rows, "common_name", c->common_name);
    row_text(rows, "username", c->username);
    row_text(rows, "real_address", c->real_address);
    row_text(rows, "transport", c->transport);
    row_text(rows, "state", c->state);
    row_text(rows, "virtual_address", c->virtual4);
    row_text(rows, "virtual_ipv6_address", c->virtual6);
    row_text(rows, "cipher", c->cipher);
    row_text(rows, "software", c->software);
    rows->err = rows->err ? rows->err
                          : buf_printf(rows->out,
                                       ",\"connected_since\":%" PRIu64 ",\"key_age_seconds\":%" PRIu64
                                       ",\"bytes_received\":%" PRIu64 ",\"bytes_sent\":%" PRIu64
                                       ",\"packets_received\":%" PRIu64 ",\"packets_sent\":%" PRIu64 "}",
                                       c->since_unix_s, c->key_age_s, c->rx_bytes, c->tx_bytes, c->rx_packets,
                                       c->tx_packets);
}

/* The object so far ends with a brace, which moves behind the clients. */
static int append_clients(const struct metrics_source *source, struct buf *out)
{
    struct rows rows = {.out = out};
    out->len--;
    rows.err = buf_printf(out, ",\"clients\":[");
    source->each_client(source->arg, one_client, &rows);
    return rows.err ? rows.err : buf_printf(out, "]}");
}

/* ------------------------------------------------------------------ the object */

static void role(json_t *all, const struct metrics_report *r)
{
    if (!r->server) {
        text(all, "state", r->state);
        text(all, "remote", r->remote);
        text(all, "virtual_address", r->tunnel4);
        text(all, "virtual_ipv6_address", r->tunnel6);
        number(all, "reconnects", r->reconnects);
        return;
    }
    json_object_set_new(all, "client_states", counts(r->client_states, r->client_state_count));
    number(all, "clients_max", r->clients_max);
    number(all, "routes", r->routes);
    if (r->pool_size) {
        json_t *pool = json_object();
        number(pool, "addresses", r->pool_size);
        number(pool, "used", r->pool_used);
        json_object_set_new(all, "pool", pool);
    }
    json_object_set_new(all, "stranger_packets", counts(r->strangers, r->stranger_count));
}

int metrics_format_json(const struct metrics_source *source, struct buf *out)
{
    struct metrics_report r = {.certificate_unix_s = METRICS_UNKNOWN, .crl_unix_s = METRICS_UNKNOWN};
    uint64_t now = clock_read().unix_s;
    json_t *all = json_object();
    source->report(source->arg, &r);
    text(all, "program", "vpnd");
    text(all, "version", r.version);
    text(all, "mode", r.server ? "server" : "client");
    number(all, "time", now);
    number(all, "started", r.started_unix_s);
    role(all, &r);
    json_object_set_new(all, "traffic", traffic(&r.traffic));
    json_object_set_new(all, "workers", workers(&r));
    if (r.handshakes) {
        json_object_set_new(all, "handshakes", handshakes(r.handshakes));
    }
    json_object_set_new(all, "hooks", hooks(r.bus));
    number(all, "oldest_key_age_seconds", r.oldest_key_s);
    expiry(all, "certificate", r.certificate_unix_s, now);
    expiry(all, "crl", r.crl_unix_s, now);
    int err = json_dump_callback(all, append, out, JSON_COMPACT | JSON_PRESERVE_ORDER) == 0 ? 0 : ERR_LIMIT;
    json_decref(all);
    if (!err && r.server) {
        err = append_clients(source, out);
    }
    return err ? err : buf_append(out, "\n", 1);
}
