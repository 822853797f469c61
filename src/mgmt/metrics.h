/* SPDX-License-Identifier: MIT */
#ifndef VPND_MGMT_METRICS_H
#define VPND_MGMT_METRICS_H

/*
 * `metrics`: a read-only HTTP endpoint. /metrics is Prometheus text, /status the same and every client as JSON. All
 * numbers come from a report that client or server fills on demand; nothing can be changed through it.
 *
 * Thread: the loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/histogram.h"
#include "config/config.h"

struct event_bus;
struct metrics;

/** A number with a name: a drop reason, a state. */
struct metrics_count {
    const char *name;
    uint64_t value;
};

/** Why a handshake or a login came to nothing. */
enum metrics_failure {
    METRICS_FAILURE_TIMEOUT,     /* nothing came back */
    METRICS_FAILURE_WRAP,        /* wrong tls-auth or tls-crypt key */
    METRICS_FAILURE_STALLED,     /* began and stopped */
    METRICS_FAILURE_TLS,         /* our TLS library refused: certificate, version, cipher */
    METRICS_FAILURE_ALERT,       /* the peer's did */
    METRICS_FAILURE_CERT_TIME,   /* expired, or a wrong clock */
    METRICS_FAILURE_KEY_METHOD,
    METRICS_FAILURE_LOGIN,       /* user, password, hook or management refused */
    METRICS_FAILURE_CONNECT,     /* no address, client-config-dir, client-connect, cipher */
    METRICS_FAILURE_FULL,        /* max-clients */
    METRICS_FAILURE_COUNT
};

/** metrics_failure_name - stable lower-case word for labels. */
const char *metrics_failure_name(enum metrics_failure failure);

/** Counters that the owner keeps while it runs. Zero-initialise. */
struct metrics_handshakes {
    uint64_t started;
    uint64_t completed;
    uint64_t renegotiated;
    uint64_t failed[METRICS_FAILURE_COUNT];
    struct histogram duration; /* first packet to first keys */
};

#define METRICS_UNKNOWN INT64_MAX

/** Traffic of the whole process. */
struct metrics_traffic {
    uint64_t link_rx_bytes; /* encrypted, from peers */
    uint64_t link_tx_bytes;
    uint64_t device_rx_bytes; /* read from tun or tap */
    uint64_t device_rx_packets;
    uint64_t device_tx_bytes; /* written to it */
    uint64_t device_tx_packets;
    uint64_t syscalls;        /* of the data path */
    const struct metrics_count *drops;
    size_t drop_count;
};

/** One thread of the data path. */
struct metrics_worker {
    uint64_t cpu_ns;
    uint64_t link_rx_bytes;
    uint64_t link_tx_bytes;
};

#define METRICS_WORKERS_MAX 64

/** Everything but the single clients. Texts and arrays are borrowed until the next report. */
struct metrics_report {
    bool server;
    const char *version;              /* "0.1.0" */
    uint64_t started_unix_s;
    struct metrics_traffic traffic;
    struct metrics_worker workers[METRICS_WORKERS_MAX];
    size_t worker_count;
    const struct metrics_handshakes *handshakes;
    const struct event_bus *bus;      /* its hooks' times; may be NULL */
    int64_t certificate_unix_s;       /* our certificate's end; METRICS_UNKNOWN */
    int64_t crl_unix_s;               /* the CRL's next update; METRICS_UNKNOWN: none */
    uint64_t oldest_key_s;            /* age of the oldest key that sends */

    /* server */
    const struct metrics_count *client_states;
    size_t client_state_count;
    uint64_t clients_max;
    uint64_t pool_size;               /* 0: no pool */
    uint64_t pool_used;
    uint64_t routes;
    const struct metrics_count *strangers; /* packets without a session, by what became of them */
    size_t stranger_count;

    /* client */
    const char *state;                /* "CONNECTED" and its kind */
    uint64_t reconnects;
    const char *remote;               /* "192.0.2.1:1194", "" */
    const char *tunnel4;
    const char *tunnel6;
};

/** One client of a server. Texts are borrowed during the call, "" where nothing is known. */
struct metrics_client {
    const char *common_name;
    const char *username;
    const char *real_address;
    const char *transport;   /* "udp", "tcp" */
    const char *state;       /* "handshake", "login", "connecting", "connected", "leaving" */
    const char *virtual4;
    const char *virtual6;
    const char *cipher;
    const char *software;    /* what it says that it is, "" */
    uint64_t client_id;
    uint32_t peer_id;
    uint64_t since_unix_s;
    uint64_t key_age_s;
    uint64_t rx_bytes;       /* from the client */
    uint64_t tx_bytes;
    uint64_t rx_packets;
    uint64_t tx_packets;
};

typedef void (*metrics_client_fn)(void *fn_arg, const struct metrics_client *client);

/** Where numbers come from. */
struct metrics_source {
    void (*report)(void *arg, struct metrics_report *out); /* @out is zeroed */
    void (*each_client)(void *arg, metrics_client_fn fn, void *fn_arg); /* NULL: a client */
    void *arg;
};

/**
 * metrics_new - start the endpoint that `metrics` describes
 * @source: copied
 * Return: 0 and *out (NULL when the configuration has none), or ERR_CONFIG after one log line.
 */
int metrics_new(uv_loop_t *loop, const struct config_endpoint *where, const struct metrics_source *source,
                struct metrics **out);

/** metrics_free - close it. NULL is fine. */
void metrics_free(struct metrics *metrics);

/* ------------------------------------------------------------------ the two formats, pure but for the clock */

/** metrics_format_text - Prometheus text format 0.0.4; @clients: a series for each connected client as well.
 *  Return: 0 or ERR_LIMIT. */
int metrics_format_text(const struct metrics_source *source, bool clients, struct buf *out);

/** metrics_format_json - one JSON object. Return: 0 or ERR_LIMIT. */
int metrics_format_json(const struct metrics_source *source, struct buf *out);

#endif
