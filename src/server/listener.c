/* SPDX-License-Identifier: MIT */
#include "server/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "dp/dp.h"
#include "node/loop.h"
#include "server/context.h"
#include "server/instance.h"
#include "server/port_share.h"
#include "sys/sock.h"

#define ACCEPTS_PER_TURN 64
#define BACKLOG 256
#define PAUSE_MS 1000 /* when nothing more can be accepted */
#define RESERVE 64    /* descriptors that connections never get: for scripts, files of clients, logs and sockets */

struct listener {
    struct list link;
    struct server *server;
    bool tcp;
    union addr local;
    uint32_t id;                /* UDP: of the data plane */
    int fd;                     /* TCP */
    struct loop_watch *watch;   /* TCP; NULL while it pauses */
    struct loop_timer *pause;   /* TCP */
};

static struct sock_options socket_options(const struct config *config)
{
    struct sock_options options = SOCK_OPTIONS_INIT;
    options.sndbuf = (int)config->sndbuf;
    options.rcvbuf = (int)config->rcvbuf;
    options.mark = config->mark;
    options.bind_dev = config->bind_dev;
    options.v6only = config->bind_ipv6only;
    options.pktinfo = config->multihome;
    switch (config->mtu_disc) {
    case CONFIG_MTU_DISC_NO:
        options.mtu_disc = 0;
        break;
    case CONFIG_MTU_DISC_MAYBE:
        options.mtu_disc = 1;
        break;
    case CONFIG_MTU_DISC_YES:
        options.mtu_disc = 2;
        break;
    case CONFIG_MTU_DISC_UNSET:
        break;
    }
    return options;
}

/* ------------------------------------------------------------------ TCP */

static void take_connection(struct listener *listener, int fd, const union addr *peer)
{
    struct server *server = listener->server;
    struct dp_path path = {.remote = *peer};
    char text[ADDR_TEXT_MAX];
    int rc = dp_conn_add(server->dp, fd, NULL, 0, &path.conn);
    if (rc < 0) {
        log_error("TCP connection from %s cannot be served: %s", addr_format(peer, text), err_str(rc));
        return;
    }
    if (!instance_new(server, &path, listener->local.any.sa_family == AF_INET6)) {
        dp_conn_del(server->dp, path.conn);
    }
}

/* port-share has seen that the connection is ours. */
static void on_ours(void *arg, int fd, const union addr *peer)
{
    struct listener *listener = arg;
    if (listener->server->stopping) {
        close(fd);
    } else {
        take_connection(listener, fd, peer);
    }
}

static void on_connectable(void *arg);

static void on_pause_over(void *arg)
{
    struct listener *listener = arg;
    if (loop_watch_new(listener->server->loop, listener->fd, on_connectable, listener, &listener->watch) < 0) {
        listener->watch = NULL;
        loop_timer_after(listener->pause, PAUSE_MS);
    }
}

/* The connection stays in the queue of the kernel, which would call again at once. */
static void pause_listener(struct listener *listener, int error)
{
    if (admission_may_log(&listener->server->admission)) {
        log_warn("TCP: accept failed: %s; trying again in %u ms", err_str(error), PAUSE_MS);
    }
    loop_watch_free(listener->watch);
    listener->watch = NULL;
    loop_timer_after(listener->pause, PAUSE_MS);
}

/* The kernel gives the lowest free number: whoever connects in masses must not take the last ones. */
static bool in_reserve(int fd)
{
    struct rlimit files = {.rlim_cur = RLIM_INFINITY};
    (void)getrlimit(RLIMIT_NOFILE, &files); /* cannot fail */
    rlim_t reserve = files.rlim_cur / 4 < RESERVE ? files.rlim_cur / 4 : RESERVE;
    return (rlim_t)fd >= files.rlim_cur - reserve;
}

/* Return: the next connection, -EAGAIN when none waits, another -errno. */
static int next_connection(struct listener *listener, const struct sock_options *options, union addr *peer)
{
    int fd = sock_tcp_accept(listener->fd, options, peer);
    if (fd >= 0 && in_reserve(fd)) {
        close(fd);
        return -EMFILE;
    }
    return fd;
}

static void on_connectable(void *arg)
{
    struct listener *listener = arg;
    struct server *server = listener->server;
    struct sock_options options = socket_options(server->config);
    for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
        union addr peer;
        char text[ADDR_TEXT_MAX];
        int fd = next_connection(listener, &options, &peer);
        if (fd < 0) {
            if (fd != -EAGAIN) {
                pause_listener(listener, fd);
            }
            return;
        }
        if (server->stopping || !admission_fresh(&server->admission, &peer)) {
            log_debug("MULTI: Connection attempt from %s ignored", addr_format(&peer, text));
            close(fd);
        } else if (server->port_share) {
            port_share_take(server->port_share, fd, &peer, on_ours, listener);
        } else {
            take_connection(listener, fd, &peer);
        }
    }
}

static int open_tcp(struct listener *listener, const struct sock_options *options)
{
    int fd = sock_tcp_listen(&listener->local, options, BACKLOG);
    if (fd < 0) {
        return fd;
    }
    int rc = loop_watch_new(listener->server->loop, fd, on_connectable, listener, &listener->watch);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    listener->fd = fd;
    listener->pause = loop_timer_new(listener->server->loop, on_pause_over, listener);
    return 0;
}

/* ------------------------------------------------------------------ UDP */

static int open_udp(struct listener *listener, const struct sock_options *options)
{
    struct server *server = listener->server;
    int fds[DP_WORKERS_MAX];
    struct sock_buffers sizes;
    char text[80];
    unsigned count = server->workers;
    int rc = sock_udp_group(&listener->local, options, count, fds, &sizes);
    if (rc < 0) {
        return rc;
    }
    log_usual("Socket Buffers: %s", sock_buffers_format(&sizes, text));
    const struct config *config = server->config;
    enum dp_multihome multihome = !config->multihome                 ? DP_MULTIHOME_OFF
                                  : config->multihome_same_interface ? DP_MULTIHOME_INTERFACE
                                                                     : DP_MULTIHOME_ADDRESS;
    return dp_listener_add(server->dp, fds, count, multihome, NULL, NULL, &listener->id);
}

/* ------------------------------------------------------------------ addresses */

/* "[AF_INET][undef]:1194" for any address, else "[AF_INET]192.0.2.1:1194". */
static const char *format_local(const union addr *a, char out[ADDR_TEXT_MAX])
{
    static const uint8_t zero[16];
    struct ip_addr ip = addr_to_ip(a);
    if (memcmp(ip.bytes, zero, ip_len(&ip)) == 0) {
        (void)snprintf(out, ADDR_TEXT_MAX, "[%s][undef]:%u", ip.family == AF_INET6 ? "AF_INET6" : "AF_INET",
                       addr_port(a));
        return out;
    }
    return addr_format_log(a, out);
}

static bool host_has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    bool works = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return works;
}

/* Address to bind; before the loop runs, so the resolver may block. */
static int resolve(const char *host, const char *port, enum config_proto proto, union addr *out)
{
    int family = config_proto_family(proto);
    if (!host && family == AF_UNSPEC) {
        family = host_has_ipv6() ? AF_INET6 : AF_INET; /* dual-stack serves both */
    }
    struct addrinfo hints = {
        .ai_family = family,
        .ai_socktype = config_proto_is_tcp(proto) ? SOCK_STREAM : SOCK_DGRAM,
        .ai_flags = AI_PASSIVE,
    };
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0) {
        log_error("RESOLVE: Cannot resolve local address %s port %s: %s", host ? host : "*", port, gai_strerror(rc));
        return ERR_CONFIG;
    }
    memset(out, 0, sizeof(*out));
    memcpy(out, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    return 0;
}

static int open_one(struct server *server, const struct config_local *local)
{
    const struct config *config = server->config;
    enum config_proto proto = local && local->proto_given ? local->proto : config->proto;
    const char *port = local && local->port ? local->port : config->lport ? config->lport : config->port;
    const char *host = local && local->host && strcmp(local->host, "*") != 0 ? local->host : NULL;
    struct listener *listener = mem_zalloc(sizeof(*listener));
    struct sock_options options = socket_options(config);
    char text[ADDR_TEXT_MAX];

    listener->server = server;
    listener->fd = -1;
    listener->tcp = config_proto_is_tcp(proto);
    int rc = resolve(host, port ? port : "1194", proto, &listener->local);
    if (rc < 0) {
        free(listener);
        return rc;
    }
    int version = listener->local.any.sa_family == AF_INET6 ? 6 : 4;
    rc = listener->tcp ? open_tcp(listener, &options) : open_udp(listener, &options);
    format_local(&listener->local, text);
    if (rc < 0) {
        log_fatal("TCP/UDP: Socket bind failed on local address %s: %s; is another server using it?", text,
                  err_str(rc));
        free(listener);
        return rc;
    }
    if (listener->tcp) {
        log_usual("Listening for incoming TCP connection on %s", text);
    }
    log_usual("%sv%d%s link local (bound): %s", listener->tcp ? "TCP" : "UDP", version, listener->tcp ? "_SERVER" : "",
              text);
    log_usual("%sv%d%s link remote: [AF_UNSPEC]", listener->tcp ? "TCP" : "UDP", version,
              listener->tcp ? "_SERVER" : "");
    list_push(&server->listeners, &listener->link);
    return 0;
}

int listeners_open(struct server *server)
{
    const struct config *config = server->config;
    if (config->local.count == 0) {
        return open_one(server, NULL);
    }
    for (size_t i = 0; i < config->local.count; i++) {
        int rc = open_one(server, &config->local.items[i]);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

bool listeners_ipv6(const struct server *server, uint32_t id)
{
    list_for (at, next, &server->listeners) {
        const struct listener *listener = container_of(at, struct listener, link);
        if (!listener->tcp && listener->id == id) {
            return listener->local.any.sa_family == AF_INET6;
        }
    }
    return false;
}

size_t listeners_ports(const struct server *server, uint16_t *out, size_t max)
{
    size_t n = 0;
    list_for (at, next, &server->listeners) {
        const struct listener *listener = container_of(at, struct listener, link);
        if (n < max) {
            out[n++] = addr_port(&listener->local);
        }
    }
    return n;
}

void listeners_close(struct server *server)
{
    list_for (at, next, &server->listeners) {
        struct listener *listener = container_of(at, struct listener, link);
        list_remove(at);
        if (listener->tcp) {
            if (server->port_share) {
                port_share_forget(server->port_share, listener);
            }
            loop_watch_free(listener->watch);
            loop_timer_free(listener->pause);
            close(listener->fd);
        } else {
            dp_listener_del(server->dp, listener->id);
        }
        free(listener);
    }
}
