/* SPDX-License-Identifier: MIT */
/*
 * A tunnel with keys from the command line, made of nothing but dp.h: to measure and stress the data plane without
 * the control channel. One end listens, the other is told where; both derive the same keys from one word.
 *
 *   dp_tunnel --dev tun0 --local 192.0.2.1:1194 [--remote 192.0.2.2:1194] [--role 0|1] [--tap] [--tcp]
 *             [--multipoint --route 10.9.0.2/32] [--workers N] [--cipher NAME] [--format aead|epoch|cbc]
 *             [--auth SHA1] [--engine openssl] [--no-offload] [--no-vnet] [--mtu N] [--mssfix N] [--fragment N]
 *             [--framing N] [--word TEXT] [--ordered]
 *
 * The device must be configured by the caller (the name is printed). Ends on SIGTERM or SIGINT with the counters.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/siphash.h"
#include "dp/dp.h"

#define SOCKET_BUFFER (8 * 1024 * 1024)

struct settings {
    struct dp_config config;
    struct dp_peer peer;
    const char *device;
    const char *local;
    const char *remote;
    const char *cipher;
    const char *auth;
    const char *word;
    const char *route;
    unsigned role;
    unsigned mtu;
    bool tcp;
    bool no_vnet;
    enum dp_key_format format;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static void fail(const char *what, int err)
{
    (void)fprintf(stderr, "dp_tunnel: %s: %s\n", what, err_str(err));
    exit(1);
}

static union addr parse_addr(const char *text)
{
    char host[ADDR_TEXT_MAX];
    const char *colon = strrchr(text, ':');
    struct ip_addr ip;
    (void)snprintf(host, sizeof(host), "%.*s", (int)(colon ? colon - text : 0), text);
    if (!colon || ip_parse(host, &ip)) {
        fail(text, ERR_FORMAT);
    }
    return addr_from_ip(&ip, (uint16_t)atoi(colon + 1));
}

static void open_device(const struct settings *s, struct dp_device *device)
{
    unsigned queues = s->config.workers ? s->config.workers : 1;
    *device = (struct dp_device){.queues = queues, .vnet_header = !s->no_vnet, .mtu = s->mtu};
    for (unsigned i = 0; i < queues; i++) {
        int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        struct ifreq request = {0};
        (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", s->device);
        unsigned flags = (s->config.device == DP_DEVICE_TAP ? IFF_TAP : IFF_TUN) | IFF_NO_PI |
                         (s->no_vnet ? 0u : IFF_VNET_HDR) | (queues > 1 ? IFF_MULTI_QUEUE : 0u);
        request.ifr_flags = (short)flags;
        if (fd < 0 || ioctl(fd, TUNSETIFF, &request)) {
            fail("/dev/net/tun", -errno);
        }
        device->fds[i] = fd;
    }
}

static void large_buffers(int fd)
{
    int size = SOCKET_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size))) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size))) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
}

static int udp_socket(const union addr *local, bool reuse)
{
    int fd = socket(local->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0 || (reuse && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on))) ||
        bind(fd, &local->any, addr_size(local))) {
        fail("UDP socket", -errno);
    }
    large_buffers(fd);
    return fd;
}

static int tcp_socket(const struct settings *s, const union addr *local)
{
    int fd = socket(local->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(fd, &local->any, addr_size(local))) {
        fail("TCP socket", -errno);
    }
    if (s->remote) {
        union addr remote = parse_addr(s->remote);
        for (unsigned i = 0; connect(fd, &remote.any, addr_size(&remote)); i++) {
            if (i == 100) {
                fail(s->remote, -errno);
            }
            (void)poll(NULL, 0, 50);
        }
    } else {
        int listener = fd;
        if (listen(listener, 1) || (fd = accept(listener, NULL, NULL)) < 0) {
            fail("listen", -errno);
        }
        (void)close(listener);
    }
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

static void open_transport(struct dp *dp, struct settings *s)
{
    union addr local = parse_addr(s->local);
    int err;
    if (s->tcp) {
        err = dp_conn_add(dp, tcp_socket(s, &local), NULL, 0, &s->peer.path.conn);
    } else {
        int fds[DP_TUN_QUEUES_MAX];
        unsigned count = s->config.workers > 1 ? s->config.workers : 1;
        for (unsigned i = 0; i < count; i++) {
            fds[i] = udp_socket(&local, count > 1);
        }
        err = dp_listener_add(dp, fds, count, false, NULL, NULL, &s->peer.path.listener);
        if (s->remote) {
            s->peer.path.remote = parse_addr(s->remote);
        } else { /* unknown until the other end floats to us */
            s->peer.path.remote = local;
            addr_set_port(&s->peer.path.remote, 9);
        }
    }
    if (err) {
        fail("transport", err);
    }
}

static void half_key(const char *word, unsigned direction, struct dp_key_half *half)
{
    uint8_t *bytes = (uint8_t *)half;
    for (size_t i = 0; i < sizeof(*half); i += 8) {
        uint8_t key[16] = {(uint8_t)i, (uint8_t)direction};
        uint64_t v = siphash(key, word, strlen(word));
        memcpy(bytes + i, &v, 8);
    }
}

static void add_peer(struct dp *dp, struct settings *s)
{
    struct dp_key key = {.format = s->format, .cipher = s->cipher, .auth = s->auth};
    half_key(s->word, s->role, &key.tx);
    half_key(s->word, !s->role, &key.rx);
    s->peer.may_float = !s->tcp;
    int err = dp_peer_new(dp, &s->peer);
    if (!err) {
        err = dp_key_new(dp, s->peer.id, DP_KEY_PRIMARY, &key);
    }
    if (!err && s->route) {
        struct dp_route route = {0};
        err = prefix_parse(s->route, &route.net);
        err = err ? err : dp_route_add(dp, &route, s->peer.id);
    }
    if (err) {
        fail("peer", err);
    }
}

static void on_event(const struct dp_event *event, void *arg)
{
    (void)arg;
    (void)printf("event %u peer %u error %d mtu %u\n", event->type, event->peer, event->error, event->mtu);
    (void)fflush(stdout);
}

static void print_stats(struct dp *dp)
{
    struct dp_stats stats;
    dp_stats(dp, &stats);
    (void)printf("device read %llu packets %llu bytes, written %llu packets %llu bytes; link in %llu out %llu; "
                 "system calls %llu\n",
                 (unsigned long long)stats.device_rx_packets, (unsigned long long)stats.device_rx_bytes,
                 (unsigned long long)stats.device_tx_packets, (unsigned long long)stats.device_tx_bytes,
                 (unsigned long long)stats.link_rx_bytes, (unsigned long long)stats.link_tx_bytes,
                 (unsigned long long)stats.syscalls);
    for (unsigned i = 0; i < DP_DROP_COUNT; i++) {
        if (stats.drops[i]) {
            (void)printf("dropped %s: %llu\n", dp_drop_name(i), (unsigned long long)stats.drops[i]);
        }
    }
}

static void read_options(int argc, char **argv, struct settings *s)
{
    static const struct option options[] = {
        {"dev", 1, NULL, 'd'},      {"local", 1, NULL, 'l'},    {"remote", 1, NULL, 'r'},  {"role", 1, NULL, 'o'},
        {"tap", 0, NULL, 'a'},      {"tcp", 0, NULL, 't'},      {"workers", 1, NULL, 'w'}, {"cipher", 1, NULL, 'c'},
        {"engine", 1, NULL, 'e'},   {"no-vnet", 0, NULL, 'v'},  {"mtu", 1, NULL, 'm'},     {"no-offload", 0, NULL, 'n'},
        {"mssfix", 1, NULL, 's'},   {"fragment", 1, NULL, 'f'}, {"framing", 1, NULL, 'g'}, {"multipoint", 0, NULL, 'p'},
        {"route", 1, NULL, 'u'},    {"word", 1, NULL, 'W'},     {"format", 1, NULL, 'F'},  {"auth", 1, NULL, 'A'},
        {"ordered", 0, NULL, 'O'},  {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'd': s->device = optarg; break;
        case 'l': s->local = optarg; break;
        case 'r': s->remote = optarg; break;
        case 'o': s->role = (unsigned)atoi(optarg) & 1; break;
        case 'a': s->config.device = DP_DEVICE_TAP; break;
        case 't': s->tcp = true; break;
        case 'w': s->config.workers = (unsigned)atoi(optarg); break;
        case 'c': s->cipher = optarg; break;
        case 'e': s->config.crypto_engine = optarg; break;
        case 'v': s->no_vnet = true; break;
        case 'm': s->mtu = (unsigned)atoi(optarg); break;
        case 'n': s->config.no_offload = true; break;
        case 's': s->peer.mssfix = (unsigned)atoi(optarg); break;
        case 'f': s->peer.fragment = (unsigned)atoi(optarg); break;
        case 'g': s->peer.framing = (enum dp_framing)atoi(optarg); break;
        case 'p': s->config.mode = DP_MODE_MULTIPOINT; break;
        case 'u': s->route = optarg; break;
        case 'W': s->word = optarg; break;
        case 'F': s->format = *optarg == 'e' ? DP_FORMAT_EPOCH : *optarg == 'c' ? DP_FORMAT_CBC : DP_FORMAT_AEAD; break;
        case 'A': s->auth = optarg; break;
        case 'O': s->peer.tx_ordered = true; break;
        default: exit(2);
        }
    }
    if (!s->local) {
        (void)fprintf(stderr, "dp_tunnel: --local ADDRESS:PORT is needed\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct settings s = {.device = "tun%d", .cipher = "AES-256-GCM", .auth = "SHA1", .word = "vpnd", .mtu = 1500};
    s.config.float_any = true;
    s.peer = (struct dp_peer){.mssfix = 1492, .mssfix_mode = DP_MSSFIX_MTU, .keepalive_interval_s = 1};
    read_options(argc, argv, &s);
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    struct dp *dp = NULL;
    int err = dp_open(&s.config, &dp);
    if (err) {
        fail("dp_open", err);
    }
    open_transport(dp, &s);
    add_peer(dp, &s);
    struct dp_device device;
    open_device(&s, &device);
    err = dp_device_attach(dp, &device);
    if (err) {
        fail("device", err);
    }
    char line[400];
    (void)dp_describe(dp, line, sizeof(line));
    (void)printf("%s\n", line);
    (void)fflush(stdout);
    while (!ended) {
        struct pollfd p = {.fd = dp_fd(dp), .events = POLLIN};
        if (poll(&p, 1, -1) > 0) {
            (void)dp_drain(dp, on_event, NULL, 64);
        }
    }
    print_stats(dp);
    dp_close(dp);
    return 0;
}
