/* SPDX-License-Identifier: MIT */
#include "client/link.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/handshake_report.h"
#include "client/mtu_test.h"
#include "client/peer_check.h"
#include "client/push_request.h"
#include "client/udp_refusal.h"
#include "node/occ_answer.h"
#include "session/wrap.h"
#include "wire/data_pkt.h"

#define TICK_MS 1000u
#define DROPPED_LINES_PER_S 3u

struct link {
    struct link_request request;
    const struct config *config; /* in force: pushed options included once data flows */
    struct settings *settings;
    struct session_open open;
    struct transport *transport;
    struct session_driver *driver;
    struct udp_refusal *refusal;   /* asked until the server answers; NULL: not asked */
    bool port_refused;             /* it said that nothing listens there */
    struct loop_timer *poll_timer; /* connect-timeout: until the first packet */
    struct push_request *push;
    struct loop_timer *tick_timer;
    union addr *accepted;
    size_t accepted_count;

    bool started;
    bool active;
    bool first_key_ready;
    bool data_running;
    bool peer_exists;
    bool over;               /* failed was called */
    uint64_t active_since;
    unsigned dropped_this_second;
    unsigned first_sndbuf;          /* as configured */
    unsigned first_rcvbuf;
    const char *first_bind_dev;

    struct peer_check check;
    bool login_awaited;      /* the certificate of @check's key is accepted, the login is being asked for */
    char *peer_info;
    char *peer_options;
    struct data_negotiated negotiated;
    struct data_keys keys;
    struct dp_peer peer;
    struct mtu_test *mtu_test; /* with `mtu-test` */
};

/* ------------------------------------------------------------------ ends */

static void over(struct link *l, enum restart_reason reason)
{
    if (l->over) {
        return;
    }
    l->over = true;
    loop_timer_stop(l->poll_timer);
    push_request_stop(l->push);
    loop_timer_stop(l->tick_timer);
    l->request.callbacks.failed(l->request.callbacks.arg, reason);
}

static const union addr *remote_of(const struct link *l)
{
    const struct dp_path *path = l->driver ? session_driver_path(l->driver) : transport_path(l->transport);
    return path ? &path->remote : &l->request.transport.remote;
}

static void poll_timeout(void *arg)
{
    struct link *l = arg;
    if (!l->request.quiet) {
        log_error("Server poll timeout, restarting");
    }
    over(l, RESTART_SERVER_POLL);
}

/* ------------------------------------------------------------------ asking for options */

static void on_push_silence(void *arg)
{
    over(arg, RESTART_NO_PUSH_REPLY);
}

void link_pull(struct link *l)
{
    push_request_start(l->push, l->driver, l->active_since, l->config);
}

void link_pull_wait(struct link *l, unsigned seconds)
{
    push_request_wait(l->push, seconds, l->active_since, l->config);
}

void link_pulled(struct link *l)
{
    push_request_stop(l->push);
}

/* ------------------------------------------------------------------ session events */

static void accept_certificate(struct link *l)
{
    session_driver_accept_certificate(l->driver, l->check.key_id);
}

/* The server is who it should be: now the login has to be known. */
static void on_certificate_accepted(void *arg, uint8_t key_id)
{
    struct link *l = arg;
    (void)key_id;
    l->login_awaited = l->request.callbacks.login(l->request.callbacks.arg);
    if (!l->login_awaited) {
        accept_certificate(l);
    }
}

void link_login_known(struct link *l)
{
    if (l->login_awaited && !l->over) {
        l->login_awaited = false;
        accept_certificate(l);
    }
}

static void on_exchange_accepted(void *arg, uint8_t key_id)
{
    struct link *l = arg;
    session_driver_authorize(l->driver, key_id, SESSION_AUTH_OK);
}

static void on_refused(void *arg)
{
    over(arg, RESTART_TLS_ERROR);
}

static void on_key_exchange(struct link *l, const struct session_event *event)
{
    if (event->first) {
        free(l->peer_info);
        free(l->peer_options);
        l->peer_info = mem_strdup(event->peer_info ? event->peer_info : "");
        l->peer_options = mem_strdup(event->options_string ? event->options_string : "");
    }
    peer_check_exchange(&l->check, event, remote_of(l));
}

static void on_active(struct link *l, const struct session_event *event)
{
    if (event->tls_description) {
        log_usual("Control Channel: %s", event->tls_description);
    }
    if (!event->first) {
        l->request.callbacks.renewed(l->request.callbacks.arg);
        return;
    }
    l->active = true;
    l->active_since = clock_read().mono_ms;
    if (!l->config->disable_occ) {
        char *expected = settings_expected_options(l->settings);
        handshake_report_options(expected, l->peer_options ? l->peer_options : "");
        free(expected);
    }
    l->request.callbacks.active(l->request.callbacks.arg);
}

static void install_key(struct link *l, struct session *session, uint8_t key_id)
{
    int e = data_keys_install(&l->keys, session, settings_session(l->settings)->role, &l->negotiated, key_id);
    if (e) {
        log_error("TLS Error: cannot install data channel key %u: %s", key_id, err_str(e));
        over(l, RESTART_TLS_ERROR);
    }
}

static void on_keys_ready(struct link *l, struct session *session, const struct session_event *event)
{
    if (l->data_running) {
        install_key(l, session, event->key_id);
    } else if (event->first) {
        l->first_key_ready = true;
    }
}

static void on_failed(struct link *l, const struct session_event *event)
{
    const struct session_config *config = settings_session(l->settings);
    bool wrapped = !wrap_config_plain(config->wrap);
    if (!l->request.quiet || l->started) {
        struct session_event told = *event;
        if (l->port_refused && told.hint == SESSION_HINT_NO_REPLY) {
            told.hint = SESSION_HINT_NONE; /* a better one was given already */
        }
        handshake_report_failure(&told, remote_of(l), config->hand_window_s, link_is_tcp(l), wrapped);
    }
    if (event->type == SESSION_EV_FAILED || link_is_tcp(l)) {
        over(l, RESTART_TLS_ERROR);
    }
}

static void on_started(struct link *l, struct session *session)
{
    char text[ADDR_TEXT_MAX];
    uint8_t own[SESSION_ID_SIZE];
    uint8_t peer[SESSION_ID_SIZE];
    session_ids(session, own, peer);
    log_info("TLS: Initial packet from %s, sid=%08x %08x", addr_format_log(remote_of(l), text), be32_load(peer),
             be32_load(peer + 4));
    l->started = true;
    udp_refusal_free(l->refusal);
    l->refusal = NULL;
    loop_timer_stop(l->poll_timer);
    l->request.callbacks.started(l->request.callbacks.arg);
}

static void on_event(void *arg, struct session_driver *driver, struct session *session,
                     const struct session_event *event)
{
    (void)driver;
    struct link *l = arg;
    if (l->over) {
        return;
    }
    switch (event->type) {
    case SESSION_EV_STARTED:
        on_started(l, session);
        break;
    case SESSION_EV_CERTIFICATE:
        l->login_awaited = false;
        peer_check_certificate(&l->check, event, remote_of(l));
        break;
    case SESSION_EV_KEY_EXCHANGE:
        on_key_exchange(l, event);
        break;
    case SESSION_EV_ACTIVE:
        on_active(l, event);
        break;
    case SESSION_EV_KEYS_READY:
        on_keys_ready(l, session, event);
        break;
    case SESSION_EV_SEND_SWITCH:
        (void)data_keys_switch(&l->keys, event->key_id);
        break;
    case SESSION_EV_KEY_EXPIRED:
        (void)data_keys_expire(&l->keys, event->key_id);
        if (l->data_running && !l->keys.has_primary && !l->keys.has_secondary) {
            log_error("TLS Error: the last data channel key expired and no renegotiation succeeded");
            over(l, RESTART_TLS_ERROR);
        }
        break;
    case SESSION_EV_MESSAGE:
        l->request.callbacks.message(l->request.callbacks.arg, event->text);
        break;
    case SESSION_EV_RENEG_FAILED:
    case SESSION_EV_FAILED:
        on_failed(l, event);
        break;
    }
}

static void on_dropped(void *arg, struct session_driver *driver, int error)
{
    (void)driver;
    struct link *l = arg;
    if (l->over) {
        return;
    }
    if (l->dropped_this_second++ < DROPPED_LINES_PER_S) {
        handshake_report_dropped(error, remote_of(l));
    }
    if (link_is_tcp(l) && (error == ERR_AUTH || error == ERR_REPLAY)) {
        over(l, RESTART_TLS_ERROR);
    }
}

/* ------------------------------------------------------------------ transport */

/* The session goes on trying: the server may be about to start. */
static void on_port_refused(void *arg)
{
    struct link *l = arg;
    char text[ADDR_TEXT_MAX];
    if (l->over) {
        return;
    }
    log_error("read %s [ECONNREFUSED]: Connection refused", l->request.transport.family_text);
    log_error("Hint for %s: the host there says that nothing listens on this port for UDP; is the server up, the port"
              " right, and is it not for TCP?",
              addr_format_log(remote_of(l), text));
    l->port_refused = true;
    udp_refusal_free(l->refusal);
    l->refusal = NULL;
}

static void listen_for_refusal(struct link *l)
{
    const struct transport_request *to = &l->request.transport;
    bool direct = !to->tcp && !to->proxy_address.any.sa_family && to->remote.any.sa_family != AF_UNSPEC;
    if (direct && !l->request.quiet) {
        l->refusal = udp_refusal_watch(l->request.loop, &to->remote, &to->socket, on_port_refused, l);
    }
}

static void on_ready(void *arg, const struct dp_path *path)
{
    struct link *l = arg;
    struct session_driver_open how = {
        .loop = l->request.loop,
        .dp = l->request.dp,
        .settings = l->settings,
        .open = &l->open,
        .path = *path,
        .peer = DP_PEER_ID_NONE,
        .event = on_event,
        .dropped = on_dropped,
        .arg = l,
        .released = l->request.released,
        .released_arg = l->request.released_arg,
    };
    int e = session_driver_new(&how, &l->driver);
    if (e) {
        log_error("TLS Error: cannot start a session: %s", err_str(e));
        over(l, RESTART_INITIALISATION);
        return;
    }
    listen_for_refusal(l);
}

static void on_transport_failed(void *arg, enum restart_reason reason)
{
    over(arg, reason);
}

/* ------------------------------------------------------------------ every second */

static void tick(void *arg)
{
    struct link *l = arg;
    l->dropped_this_second = 0;
}

/* ------------------------------------------------------------------ life */

struct link *link_new(const struct link_request *request)
{
    struct link *l = mem_zalloc(sizeof(*l));
    l->request = *request;
    l->config = request->config;
    l->first_sndbuf = request->config->sndbuf;
    l->first_rcvbuf = request->config->rcvbuf;
    l->first_bind_dev = request->config->bind_dev;
    l->settings = settings_ref(request->settings);
    l->check = (struct peer_check){
        .events = request->events,
        .config = request->config,
        .env = request->env,
        .peer = request->peer,
        .certificate_accepted = on_certificate_accepted,
        .exchange_accepted = on_exchange_accepted,
        .refused = on_refused,
        .arg = l,
    };
    l->open = *request->open;
    l->accepted_count = request->accepted_count;
    l->accepted = mem_array(request->accepted_count + 1, sizeof(*l->accepted));
    if (request->accepted_count) {
        memcpy(l->accepted, request->accepted, request->accepted_count * sizeof(*l->accepted));
    }
    l->poll_timer = loop_timer_new(request->loop, poll_timeout, l);
    l->push = push_request_new(request->loop, on_push_silence, l);
    l->tick_timer = loop_timer_new(request->loop, tick, l);
    loop_timer_every(l->tick_timer, TICK_MS);
    bool somewhere = request->transport.remote.any.sa_family != AF_UNSPEC || request->transport.proxy;
    if (request->config->connect_timeout && somewhere) {
        loop_timer_after(l->poll_timer, 1000u * (uint64_t)request->config->connect_timeout);
    }
    struct transport_callbacks callbacks = {.ready = on_ready, .failed = on_transport_failed, .arg = l};
    l->transport = transport_start(request->loop, request->dp, &l->request.transport, &callbacks);
    l->request.transport.proxy = NULL;
    return l;
}

void link_free(struct link *l)
{
    if (!l) {
        return;
    }
    peer_check_cancel(&l->check);
    udp_refusal_free(l->refusal);
    if (!l->driver && l->request.released) {
        l->request.released(l->request.released_arg);
    }
    session_driver_free(l->driver);
    mtu_test_free(l->mtu_test);
    if (l->peer_exists) {
        data_keys_clear(&l->keys);
        (void)dp_peer_del(l->request.dp, l->peer.id);
    }
    transport_free(l->transport);
    loop_timer_free(l->poll_timer);
    push_request_free(l->push);
    loop_timer_free(l->tick_timer);
    settings_unref(l->settings);
    free(l->accepted);
    free(l->peer_info);
    free(l->peer_options);
    free(l);
}

/* ------------------------------------------------------------------ data plane events */

static bool sender_accepted(struct link *l, const union addr *from)
{
    if (link_is_tcp(l) || l->config->float_ || l->accepted_count == 0) {
        return true;
    }
    for (size_t i = 0; i < l->accepted_count; i++) {
        if (addr_equal(&l->accepted[i], from)) {
            return true;
        }
    }
    if (l->dropped_this_second++ < DROPPED_LINES_PER_S) {
        char a[ADDR_TEXT_MAX];
        char b[ADDR_TEXT_MAX];
        log_warn("TCP/UDP: Incoming packet rejected from %s[%d], expected peer address: %s (allow this incoming source"
                 " address/port by removing --remote or adding --float)",
                 addr_format_log(from, a), from->any.sa_family, addr_format_log(remote_of(l), b));
    }
    return false;
}

static void control_packet(struct link *l, const struct dp_event *event)
{
    if (!l->driver || !sender_accepted(l, &event->path.remote)) {
        return;
    }
    const struct dp_path *path = session_driver_path(l->driver);
    if (!link_is_tcp(l) && !l->active && !addr_equal(&path->remote, &event->path.remote)) {
        session_driver_set_path(l->driver, &event->path);
    }
    (void)session_driver_receive(l->driver, event->data, event->len);
}

static void moved(struct link *l, const struct dp_path *path)
{
    session_driver_set_path(l->driver, path);
    l->peer.path = *path;
    l->request.callbacks.moved(l->request.callbacks.arg, &path->remote);
}

static void payload(struct link *l, const struct dp_event *event)
{
    if (!data_pkt_is_occ(event->data, event->len)) {
        return;
    }
    if (event->data[DATA_PKT_MAGIC_SIZE] == DATA_PKT_OCC_EXIT) {
        log_info("OCC exit message received by peer");
        over(l, RESTART_REMOTE_EXIT);
        return;
    }
    if (l->mtu_test) {
        mtu_test_payload(l->mtu_test, event->data, event->len);
    }
    occ_answer(l->request.dp, l->peer.id, l->settings, event->data, event->len);
}

static void peer_event(struct link *l, const struct dp_event *event)
{
    switch (event->type) {
    case DP_EV_PEER_TIMEOUT:
        if (event->reason == DP_GONE_INACTIVE) {
            log_info("Inactivity timeout (--inactive), exiting");
            over(l, RESTART_INACTIVE);
        } else if (l->config->ping_exit) {
            log_info("Inactivity timeout (--ping-exit), exiting");
            over(l, RESTART_PING_EXIT);
        } else {
            log_info("Inactivity timeout (--ping-restart), restarting");
            over(l, RESTART_PING_RESTART);
        }
        break;
    case DP_EV_FLOATED:
        moved(l, &event->path);
        break;
    case DP_EV_KEY_EXHAUSTED:
        session_driver_renegotiate(l->driver);
        break;
    case DP_EV_PAYLOAD:
        payload(l, event);
        break;
    case DP_EV_DECRYPT_ERROR:
        log_error("Fatal decryption error (process_incoming_link), restarting");
        over(l, RESTART_DECRYPTION_ERROR);
        break;
    case DP_EV_PATH_MTU: /* the data plane has adapted itself */
        log_info("path MTU %u, inner %u", event->mtu, event->inner);
        break;
    default:
        break;
    }
}

static void connection_closed(struct link *l, const struct dp_event *event)
{
    char text[ADDR_TEXT_MAX];
    if (event->error == ERR_FORMAT) {
        log_error("WARNING: Bad encapsulated packet length from peer -- this condition could also indicate a possible active"
                  " attack on the TCP link -- [Attempting restart...]");
    }
    log_error("Connection reset, restarting [%d]%s%s", event->error == 0 ? 0 : -1, event->error ? ": " : "",
              event->error ? err_str(event->error) : "");
    if (!l->started && !l->request.quiet) {
        log_error("Hint for %s: what takes connections there does not answer this client: a web server, the sign-in page"
                  " of this network, or a server with another tls-auth or tls-crypt key?",
                  addr_format_log(remote_of(l), text));
    }
    over(l, RESTART_CONNECTION_RESET);
}

bool link_event(struct link *l, const struct dp_event *event)
{
    if (event->type == DP_EV_CTRL || event->type == DP_EV_CONN_CLOSED) {
        if (!transport_owns(l->transport, &event->path)) {
            return false;
        }
        if (l->over) {
            return true;
        }
        if (event->type == DP_EV_CTRL) {
            control_packet(l, event);
        } else {
            connection_closed(l, event);
        }
        return true;
    }
    if (!l->peer_exists || event->peer != l->peer.id || event->type == DP_EV_PEER_GONE) {
        return false;
    }
    if (!l->over) {
        peer_event(l, event);
    }
    return true;
}

/* ------------------------------------------------------------------ data */

/* Point to point nobody hands out ids: both ends take the same one from the first key. */
static void derive_peer_id(struct link *l, struct session *session)
{
    const struct negotiated *n = &l->negotiated.outcome;
    int id = negotiate_p2p_peer_id(session, n);
    if (id >= 0) {
        l->negotiated.tx_id = (uint32_t)id;
        l->peer.tx_id = (uint32_t)id;
        (void)dp_peer_set(l->request.dp, &l->peer, DP_SET_TX_ID);
    }
    log_info("P2P mode NCP negotiation result: TLS_export=%d, DATA_v2=%d, peer-id %d, cipher=%s",
             n->derivation == SESSION_KEYS_EXPORTER, n->data_v2, id >= 0 ? id : 0, n->cipher);
}

static void first_key(void *arg, struct session_driver *driver, struct session *session)
{
    (void)driver;
    struct link *l = arg;
    if (!l->config->pull) {
        derive_peer_id(l, session);
    }
    if (l->negotiated.outcome.dynamic_crypt) {
        int e = session_enable_dynamic_crypt(session, clock_read());
        if (e) {
            log_error("TLS Error: cannot derive the key for renegotiations: %s", err_str(e));
        }
    }
    if (l->first_key_ready) {
        install_key(l, session, 0);
    }
}

static void fill_peer(struct link *l, struct dp_peer *peer)
{
    struct data_peer_request request = {
        .config = l->config,
        .negotiated = &l->negotiated,
        .tcp = link_is_tcp(l),
    };
    data_peer_fill(&request, peer);
    peer->may_float = l->config->float_ || l->accepted_count == 0;
    peer->path = *session_driver_path(l->driver);
}

static void start_mtu_test(struct link *l)
{
    const struct mtu_test_request request = {.loop = l->request.loop,
                                             .dp = l->request.dp,
                                             .peer = l->peer.id,
                                             .largest = l->config->tun_mtu,
                                             .step_ms = MTU_TEST_STEP_MS};
    if (l->config->mtu_test && !l->over) {
        l->mtu_test = mtu_test_start(&request);
    }
}

int link_start_data(struct link *l, const struct config *config, const struct data_negotiated *negotiated)
{
    l->config = config;
    l->negotiated = *negotiated;
    l->peer.id = l->request.peer_handle;
    fill_peer(l, &l->peer);
    int e = dp_peer_new(l->request.dp, &l->peer);
    if (e) {
        log_error("The data plane does not take the connection: %s%s", err_str(e),
                  e == ERR_UNSUPPORTED ? " (compression, fragment or cipher that it cannot do)" : "");
        return e;
    }
    l->peer_exists = true;
    data_keys_init(&l->keys, l->request.dp, l->peer.id);
    session_driver_set_peer(l->driver, l->peer.id);
    l->data_running = true;
    session_driver_call(l->driver, first_key, l);
    start_mtu_test(l);
    return l->over ? ERR_CRYPTO : 0;
}

bool link_data_running(const struct link *l)
{
    return l->data_running;
}

void link_set_config(struct link *l, const struct config *config)
{
    l->config = config;
    if (l->data_running) {
        fill_peer(l, &l->peer);
        (void)dp_peer_set(l->request.dp, &l->peer, DP_SET_KEEPALIVE | DP_SET_MSSFIX | DP_SET_INACTIVE);
    }
}

void link_set_socket(struct link *l, const struct config *config)
{
    unsigned sndbuf = config->sndbuf != l->first_sndbuf ? config->sndbuf : 0;
    unsigned rcvbuf = config->rcvbuf != l->first_rcvbuf ? config->rcvbuf : 0;
    const char *device = config->bind_dev && config->bind_dev != l->first_bind_dev ? config->bind_dev : NULL;
    transport_set_socket(l->transport, sndbuf, rcvbuf, device);
}

void link_message(struct link *l, const char *text)
{
    if (l->driver) {
        session_driver_message(l->driver, text);
    }
}

void link_renegotiate(struct link *l)
{
    if (l->driver && l->active) {
        session_driver_renegotiate(l->driver);
    }
}

bool link_send_exit(struct link *l)
{
    if (!l->data_running) {
        return false;
    }
    if (l->negotiated.outcome.cc_exit) {
        session_driver_message(l->driver, "EXIT");
        return true;
    }
    uint8_t message[DATA_PKT_MAGIC_SIZE + 1];
    struct wr w = wr_init(message, sizeof(message));
    data_pkt_occ_write(&w, DATA_PKT_OCC_EXIT);
    (void)dp_payload_send(l->request.dp, l->peer.id, message, wr_len(&w));
    return false;
}

struct session_driver *link_driver(struct link *l)
{
    return l->driver;
}

const union addr *link_remote(const struct link *l)
{
    return remote_of(l);
}

union addr link_outer(const struct link *l)
{
    union addr outer = *transport_outer(l->transport);
    /* a server that moved answers from its new address */
    return !link_is_tcp(l) && !l->request.transport.proxy_is_http && addr_equal(&outer, &l->request.transport.remote)
               ? *remote_of(l)
               : outer;
}

/* Every OpenVPN answers this question, and the packet that asks it is authenticated: the server learns a new address
 * from it. */
void link_probe(struct link *l)
{
    uint8_t message[DATA_PKT_MAGIC_SIZE + 1];
    struct wr w = wr_init(message, sizeof(message));
    data_pkt_occ_write(&w, DATA_PKT_OCC_MTU_REQUEST);
    if (l->data_running) {
        (void)dp_payload_send(l->request.dp, l->peer.id, message, wr_len(&w));
    }
}

uint64_t link_received(const struct link *l)
{
    struct dp_peer_stats s;
    return l->data_running && dp_peer_stats(l->request.dp, l->peer.id, &s) == 0 ? s.link_rx_packets : 0;
}

bool link_local_gone(const struct link *l)
{
    return transport_local_gone(l->transport);
}

const char *link_peer_info(const struct link *l)
{
    return l->peer_info ? l->peer_info : "";
}

const char *link_peer_options(const struct link *l)
{
    return l->peer_options ? l->peer_options : "";
}

uint32_t link_peer_id(const struct link *l)
{
    return l->peer.id;
}

uint64_t link_key_since_ms(const struct link *l)
{
    return l->keys.has_primary ? l->keys.since_ms : 0;
}

bool link_is_tcp(const struct link *l)
{
    return l->request.transport.tcp;
}

enum proxy_refusal link_proxy_refusal(const struct link *l)
{
    return transport_proxy_refusal(l->transport);
}
