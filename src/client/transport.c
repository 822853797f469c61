/* SPDX-License-Identifier: MIT */
#include "client/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define PROXY_READ_SIZE 4096

struct transport {
    struct loop *loop;
    struct dp *dp;
    struct transport_request request;
    struct transport_callbacks callbacks;
    struct loop_timer *report; /* callbacks come from here, in a later turn */
    uv_poll_t *poll;           /* on @fd while connecting and talking to a proxy */
    int fd;                    /* ours until it is handed to the data plane; -1 none */
    int twin;                  /* duplicate of the data plane's socket, for its options; -1 none */
    bool connected;
    bool is_ready;
    bool has_failed;
    enum proxy_refusal refusal;
    enum restart_reason reason;
    struct dp_path path;
    union addr outer;          /* server, proxy or relay */
    char bind_dev[32];
};

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void stop_polling(struct transport *t)
{
    if (t->poll) {
        uv_poll_stop(t->poll);
        uv_close((uv_handle_t *)t->poll, free_handle);
        t->poll = NULL;
    }
}

static void close_fd(struct transport *t)
{
    stop_polling(t);
    if (t->fd >= 0) {
        close(t->fd);
        t->fd = -1;
    }
}

static void fail(struct transport *t, enum restart_reason reason)
{
    close_fd(t);
    t->has_failed = true;
    t->reason = reason;
    if (t->request.proxy) {
        t->refusal = proxy_refusal(t->request.proxy);
    }
    loop_timer_after(t->report, 0);
}

static enum restart_reason proxy_reason(const struct transport *t)
{
    return t->request.proxy_is_http ? RESTART_HTTP_PROXY : RESTART_SOCKS;
}

static void report(void *arg)
{
    struct transport *t = arg;
    if (t->has_failed) {
        t->callbacks.failed(t->callbacks.arg, t->reason);
    } else if (t->is_ready) {
        t->callbacks.ready(t->callbacks.arg, &t->path);
    }
}

static void log_link(const struct transport *t)
{
    if (t->request.quiet) {
        return;
    }
    char text[ADDR_TEXT_MAX];
    if (t->request.bind) {
        log_info("%s link local (bound): %s", t->request.family_text, addr_format_log(&t->request.local, text));
    } else {
        log_info("%s link local: (not bound)", t->request.family_text);
    }
    log_info("%s link remote: %s", t->request.family_text, addr_format_log(&t->path.remote, text));
}

static void log_buffers(const struct transport *t, const struct sock_buffers *sizes)
{
    char text[80];
    if (t->request.quiet) {
        return;
    }
    log_usual("Socket Buffers: %s", sock_buffers_format(sizes, text));
}

static const union addr *bind_address(const struct transport *t)
{
    return t->request.bind ? &t->request.local : NULL;
}

static void become_ready(struct transport *t)
{
    t->is_ready = true;
    log_link(t);
    loop_timer_after(t->report, 0);
}

static void announce(const struct transport *t, const union addr *peer, bool tcp)
{
    if (t->request.opening) {
        t->request.opening(t->request.opening_arg, peer, tcp);
    }
}

/* A UDP socket; @relay: datagrams go through this SOCKS relay. */
static void open_udp(struct transport *t, const union addr *relay)
{
    struct sock_buffers sizes;
    const union addr *peer = relay ? relay : &t->request.remote;
    if (peer->any.sa_family != AF_UNSPEC && sock_udp_route(peer, &t->request.socket) == -ENETUNREACH) {
        if (!t->request.quiet) {
            log_error("Network unreachable, restarting");
        }
        fail(t, RESTART_NETWORK_UNREACHABLE);
        return;
    }
    announce(t, peer, false);
    int fd = sock_udp_open(bind_address(t), peer->any.sa_family, &t->request.socket, &sizes);
    if (fd < 0) {
        char text[ADDR_TEXT_MAX];
        if (t->request.bind) {
            log_error("TCP/UDP: Socket bind failed on local address %s: %s", addr_format_log(&t->request.local, text),
                      err_str(fd));
        } else {
            log_error("UDP: cannot make a socket: %s", err_str(fd));
        }
        fail(t, RESTART_CONNECTION_FAILED);
        return;
    }
    log_buffers(t, &sizes);
    t->twin = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    uint32_t listener = 0;
    int e = dp_listener_add(t->dp, &fd, 1, false, relay, relay ? &t->request.remote : NULL, &listener);
    if (e) {
        log_error("UDP: the data plane does not take the socket: %s", err_str(e));
        fail(t, RESTART_CONNECTION_FAILED);
        return;
    }
    t->path = (struct dp_path){.listener = listener, .conn = DP_NO_CONN, .remote = t->request.remote};
    t->outer = *peer;
    become_ready(t);
}

/* The TCP connection leads to the server: it belongs to the data plane now. */
static void hand_over_tcp(struct transport *t, const uint8_t *initial, size_t len)
{
    stop_polling(t);
    int fd = t->fd;
    t->fd = -1;
    t->twin = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    uint32_t conn = DP_NO_CONN;
    int e = dp_conn_add(t->dp, fd, initial, len, &conn);
    if (e) {
        log_error("TCP: the data plane does not take the connection: %s", err_str(e));
        fail(t, RESTART_CONNECTION_FAILED);
        return;
    }
    const union addr *peer = t->request.proxy ? &t->request.proxy_address : &t->request.remote;
    t->path = (struct dp_path){.conn = conn, .remote = *peer};
    t->outer = *peer;
    become_ready(t);
}

static void start_tcp(struct transport *t);

/* The dialogue is over: TCP goes on through this connection, UDP through the relay it named. */
static void proxy_finished(struct transport *t)
{
    size_t len;
    const uint8_t *rest = proxy_leftover(t->request.proxy, &len);
    if (t->request.tcp) {
        hand_over_tcp(t, rest, len);
        return;
    }
    union addr relay = *proxy_relay(t->request.proxy);
    struct ip_addr ip = addr_to_ip(&relay);
    if (ip4_to_u32(&ip) == 0) {
        struct ip_addr own = addr_to_ip(&t->request.proxy_address);
        relay = addr_from_ip(&own, addr_port(&relay));
    }
    open_udp(t, &relay);
}

static void send_to_proxy(struct transport *t)
{
    size_t len;
    const uint8_t *out = proxy_output(t->request.proxy, &len);
    ssize_t n = send(t->fd, out, len, MSG_NOSIGNAL);
    if (n > 0) {
        proxy_sent(t->request.proxy, (size_t)n);
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        log_error("TCP: cannot write to the proxy: %s", strerror(errno));
        fail(t, proxy_reason(t));
    }
}

/* Bytes from the proxy; after the dialogue of UDP ASSOCIATE only its end matters. */
static void read_from_proxy(struct transport *t)
{
    uint8_t data[PROXY_READ_SIZE];
    ssize_t n = recv(t->fd, data, sizeof(data), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        log_error("TCP: the proxy closed the connection%s%s", n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
        fail(t, t->is_ready ? RESTART_CONNECTION_RESET : proxy_reason(t));
        return;
    }
    if (!t->is_ready) {
        (void)proxy_input(t->request.proxy, data, (size_t)n);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void talk_to_proxy(struct transport *t)
{
    switch (proxy_state(t->request.proxy)) {
    case PROXY_SEND:
        uv_poll_start(t->poll, UV_WRITABLE | UV_READABLE, on_poll);
        break;
    case PROXY_WAIT:
        uv_poll_start(t->poll, UV_READABLE, on_poll);
        break;
    case PROXY_DONE:
        proxy_finished(t);
        break;
    case PROXY_RECONNECT:
        close_fd(t);
        t->connected = false;
        start_tcp(t);
        break;
    case PROXY_FAILED:
        fail(t, proxy_reason(t));
        break;
    }
}

static const union addr *tcp_peer(const struct transport *t)
{
    return t->request.proxy ? &t->request.proxy_address : &t->request.remote;
}

static void connect_failed(const struct transport *t, int error)
{
    char text[ADDR_TEXT_MAX];
    if (!t->request.quiet) {
        log_error("TCP: connect to %s failed: %s", addr_format_log(tcp_peer(t), text), err_str(error));
        if (error == -ECONNREFUSED) {
            log_error("Hint for %s: nothing listens there for TCP; is the server up, and is it not for UDP?", text);
        }
    }
}

static void connected(struct transport *t)
{
    char text[ADDR_TEXT_MAX];
    int e = sock_error(t->fd);
    if (e) {
        connect_failed(t, e);
        fail(t, RESTART_CONNECTION_FAILED);
        return;
    }
    t->connected = true;
    if (!t->request.quiet) {
        log_info("TCP connection established with %s", addr_format_log(tcp_peer(t), text));
    }
    if (!t->request.proxy) {
        hand_over_tcp(t, NULL, 0);
        return;
    }
    if (proxy_state(t->request.proxy) == PROXY_RECONNECT) {
        proxy_restart(t->request.proxy);
    }
    talk_to_proxy(t);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct transport *t = poll->data;
    if (!t->connected) {
        connected(t);
        return;
    }
    if (status < 0) {
        log_error("TCP: the proxy closed the connection: %s", uv_strerror(status));
        fail(t, proxy_reason(t));
        return;
    }
    if ((events & UV_WRITABLE) && proxy_state(t->request.proxy) == PROXY_SEND) {
        send_to_proxy(t);
    }
    if ((events & UV_READABLE) && !t->has_failed) {
        read_from_proxy(t);
    }
    if (!t->has_failed && !t->is_ready) {
        talk_to_proxy(t);
    }
}

static void start_tcp(struct transport *t)
{
    char text[ADDR_TEXT_MAX];
    const union addr *peer = tcp_peer(t);
    bool bind_here = t->request.bind && !t->request.proxy;
    struct sock_buffers sizes;
    announce(t, peer, true);
    if (!t->request.quiet) {
        log_info("Attempting to establish TCP connection with %s", addr_format_log(peer, text));
    }
    t->fd = sock_tcp_connect(peer, bind_here ? &t->request.local : NULL, &t->request.socket, &sizes);
    if (t->fd < 0) {
        connect_failed(t, t->fd);
        t->fd = -1;
        fail(t, RESTART_CONNECTION_FAILED);
        return;
    }
    log_buffers(t, &sizes);
    t->poll = mem_zalloc(sizeof(*t->poll));
    t->poll->data = t;
    int e = uv_poll_init(loop_uv(t->loop), t->poll, t->fd);
    if (e) {
        log_error("TCP: cannot watch the connection: %s", uv_strerror(e));
        free(t->poll);
        t->poll = NULL;
        fail(t, RESTART_CONNECTION_FAILED);
        return;
    }
    uv_poll_start(t->poll, UV_WRITABLE, on_poll);
}

struct transport *transport_start(struct loop *loop, struct dp *dp, const struct transport_request *request,
                                  const struct transport_callbacks *callbacks)
{
    struct transport *t = mem_zalloc(sizeof(*t));
    t->loop = loop;
    t->dp = dp;
    t->request = *request;
    t->callbacks = *callbacks;
    t->fd = -1;
    t->twin = -1;
    t->report = loop_timer_new(loop, report, t);
    if (request->socket.bind_dev) {
        strncpy(t->bind_dev, request->socket.bind_dev, sizeof(t->bind_dev) - 1);
        t->request.socket.bind_dev = t->bind_dev;
    }
    if (request->tcp || request->proxy) {
        start_tcp(t);
    } else {
        open_udp(t, NULL);
    }
    return t;
}

void transport_free(struct transport *t)
{
    if (!t) {
        return;
    }
    close_fd(t);
    if (t->twin >= 0) {
        close(t->twin);
    }
    if (t->path.listener) {
        dp_listener_del(t->dp, t->path.listener);
    }
    if (t->path.conn != DP_NO_CONN) {
        dp_conn_del(t->dp, t->path.conn);
    }
    loop_timer_free(t->report);
    proxy_free(t->request.proxy);
    free(t);
}

const struct dp_path *transport_path(const struct transport *t)
{
    return t->is_ready ? &t->path : NULL;
}

const union addr *transport_outer(const struct transport *t)
{
    return t->is_ready ? &t->outer : &t->path.remote;
}

bool transport_local_gone(const struct transport *t)
{
    union addr local;
    if (!t->request.tcp || t->twin < 0 || sock_local_addr(t->twin, &local)) {
        return false;
    }
    addr_set_port(&local, 0);
    int fd = sock_udp_open(&local, local.any.sa_family, &SOCK_OPTIONS_INIT, NULL);
    if (fd >= 0) {
        close(fd);
    }
    return fd == -EADDRNOTAVAIL;
}

bool transport_owns(const struct transport *t, const struct dp_path *path)
{
    if (!t->is_ready) {
        return false;
    }
    return t->path.conn != DP_NO_CONN ? path->conn == t->path.conn
                                      : path->conn == DP_NO_CONN && path->listener == t->path.listener;
}

enum proxy_refusal transport_proxy_refusal(const struct transport *t)
{
    return t->refusal;
}

void transport_set_socket(struct transport *t, unsigned sndbuf, unsigned rcvbuf, const char *bind_dev)
{
    if (t->twin < 0) {
        return;
    }
    if (sndbuf || rcvbuf) {
        struct sock_buffers sizes;
        int e = sock_set_buffers(t->twin, sndbuf ? (int)sndbuf : SOCK_BUFFER_KEEP, rcvbuf ? (int)rcvbuf : SOCK_BUFFER_KEEP,
                                 &sizes);
        if (e) {
            log_warn("NOTE: pushed sndbuf or rcvbuf cannot be set: %s", err_str(e));
        } else {
            log_buffers(t, &sizes);
        }
    }
    int e = bind_dev ? sock_bind_device(t->twin, bind_dev) : 0;
    if (e) {
        log_warn("NOTE: the socket cannot be bound to the interface %s: %s", bind_dev, err_str(e));
    }
}
