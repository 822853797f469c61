/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/span.h"
#include "dp/user/vnet.h"
#include "inner.h"

#define LIMIT_MS 5000
#define DEVICE_BUFFER (4 * 1024 * 1024)

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct dp_key rig_key(const char *cipher, const char *auth, enum dp_key_format format, unsigned seed)
{
    struct dp_key key = {.format = format, .cipher = cipher, .auth = auth};
    struct rand_seeded r;
    rand_seeded_init(&r, seed);
    rand_fill(&r.source, &key.tx, sizeof(key.tx));
    rand_fill(&r.source, &key.rx, sizeof(key.rx));
    return key;
}

struct dp_key rig_mirrored(const struct dp_key *key)
{
    struct dp_key other = *key;
    other.tx = key->rx;
    other.rx = key->tx;
    return other;
}

void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->s.config = (struct dp_config){.mode = DP_MODE_MULTIPOINT, .workers = 1, .max_peers = 64};
    rig->c.config = (struct dp_config){.mode = DP_MODE_P2P, .workers = 1};
    rig->s.peer = (struct dp_peer){.id = 5, .tx_id = 5, .replay_window = 64}; /* small: not announced */
    rig->c.peer = rig->s.peer;
    rig->key = rig_key("AES-256-GCM", "SHA1", DP_FORMAT_AEAD, 1);
    rig->mtu = 1500;
}

int rig_udp(union addr *address)
{
    struct ip_addr loopback;
    ip_parse("127.0.0.1", &loopback);
    *address = addr_from_ip(&loopback, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(*address);
    cr_assert(fd >= 0 && bind(fd, &address->any, addr_size(address)) == 0 &&
              getsockname(fd, &address->any, &len) == 0);
    return fd;
}

static void attach(const struct rig *rig, struct rig_end *end)
{
    int fds[2];
    int size = DEVICE_BUFFER;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    for (unsigned i = 0; i < 2; i++) {
        (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    struct dp_device device = {
        .fds = {fds[0]}, .queues = 1, .vnet_header = rig->vnet, .mtu = rig->mtu, .mac = {2, 0, 0, 0, 0, 0xEE}};
    ip_parse(end == &rig->s ? RIG_SERVER_ADDRESS : RIG_CLIENT_ADDRESS, &device.local4);
    end->device = fds[1];
    cr_assert_eq(dp_device_attach(end->dp, &device), 0);
}

static void listen_udp(struct rig_end *end)
{
    int fd = rig_udp(&end->address);
    cr_assert_eq(dp_listener_add(end->dp, &fd, 1, false, NULL, NULL, &end->peer.path.listener), 0);
}

/* A connected pair; the data planes take their ends over. */
static void connect_tcp(struct rig *rig)
{
    union addr address;
    struct ip_addr loopback;
    socklen_t len = sizeof(address);
    ip_parse("127.0.0.1", &loopback);
    address = addr_from_ip(&loopback, 0);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(listener, &address.any, addr_size(&address)) == 0 && listen(listener, 1) == 0);
    cr_assert(getsockname(listener, &address.any, &len) == 0 &&
              connect(client, &address.any, addr_size(&address)) == 0);
    int server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    cr_assert_geq(server, 0);
    close(listener);
    cr_assert_eq(fcntl(client, F_SETFL, O_NONBLOCK), 0);
    cr_assert_eq(dp_conn_add(rig->s.dp, server, NULL, 0, &rig->s.peer.path.conn), 0);
    cr_assert_eq(dp_conn_add(rig->c.dp, client, NULL, 0, &rig->c.peer.path.conn), 0);
}

void rig_start(struct rig *rig)
{
    cr_assert_eq(dp_open(&rig->s.config, &rig->s.dp), 0);
    cr_assert_eq(dp_open(&rig->c.config, &rig->c.dp), 0);
    if (rig->tcp) {
        connect_tcp(rig);
    } else {
        listen_udp(&rig->s);
        listen_udp(&rig->c);
        rig->s.peer.path.remote = rig->c.address;
        rig->c.peer.path.remote = rig->s.address;
    }
    struct dp_key mirrored = rig_mirrored(&rig->key);
    cr_assert_eq(dp_peer_new(rig->s.dp, &rig->s.peer), 0);
    cr_assert_eq(dp_peer_new(rig->c.dp, &rig->c.peer), 0);
    cr_assert_eq(dp_key_new(rig->s.dp, rig->s.peer.id, DP_KEY_PRIMARY, &mirrored), 0);
    cr_assert_eq(dp_key_new(rig->c.dp, rig->c.peer.id, DP_KEY_PRIMARY, &rig->key), 0);
    if (rig->s.config.mode == DP_MODE_MULTIPOINT && rig->s.config.device == DP_DEVICE_TUN) {
        rig_route(rig, RIG_CLIENT_ADDRESS "/32", rig->s.peer.id);
        rig_route(rig, "fd08::2/128", rig->s.peer.id);
    }
    attach(rig, &rig->s);
    attach(rig, &rig->c);
}

void rig_stop(struct rig *rig)
{
    dp_close(rig->s.dp);
    dp_close(rig->c.dp);
    close(rig->s.device);
    close(rig->c.device);
}

void rig_route(struct rig *rig, const char *network, uint32_t peer)
{
    struct dp_route route = {0};
    cr_assert_eq(prefix_parse(network, &route.net), 0);
    cr_assert_eq(dp_route_add(rig->s.dp, &route, peer), 0);
}

/* ------------------------------------------------------------------ packets */

void rig_send(struct rig *rig, struct rig_end *end, const uint8_t *packet, size_t len)
{
    static const uint8_t none[VNET_HEADER_SIZE];
    struct iovec iov[2] = {{(void *)(uintptr_t)none, sizeof(none)}, {(void *)(uintptr_t)packet, len}};
    struct pollfd p = {.fd = end->device, .events = POLLOUT};
    cr_assert_eq(poll(&p, 1, LIMIT_MS), 1, "the device is full");
    cr_assert_gt(writev(end->device, rig->vnet ? iov : iov + 1, rig->vnet ? 2 : 1), 0);
}

size_t rig_receive(struct rig *rig, struct rig_end *end, uint8_t *out)
{
    uint8_t vnet[VNET_HEADER_SIZE];
    struct iovec iov[2] = {{vnet, sizeof(vnet)}, {out, RIG_PACKET_MAX}};
    struct pollfd p = {.fd = end->device, .events = POLLIN};
    cr_assert_eq(poll(&p, 1, LIMIT_MS), 1, "no packet at the %s", end == &rig->s ? "server" : "client");
    ssize_t n = readv(end->device, rig->vnet ? iov : iov + 1, rig->vnet ? 2 : 1);
    cr_assert_gt(n, 0);
    return (size_t)n - (rig->vnet ? sizeof(vnet) : 0);
}

void rig_expect(struct rig *rig, struct rig_end *end, const uint8_t *packet, size_t len)
{
    static uint8_t got[RIG_PACKET_MAX];
    size_t n = rig_receive(rig, end, got);
    cr_assert_eq(n, len, "got %zu bytes instead of %zu", n, len);
    cr_assert_arr_eq(got, packet, len);
}

void rig_carry(struct rig *rig, struct rig_end *from, struct rig_end *to, const uint8_t *packet, size_t len)
{
    rig_send(rig, from, packet, len);
    rig_expect(rig, to, packet, len);
}

static size_t addressed(struct inner *p, uint8_t *out, const char *from, const char *to, unsigned fill)
{
    struct ip_addr a;
    struct ip_addr b;
    cr_assert(ip_parse(from, &a) == 0 && ip_parse(to, &b) == 0);
    p->fill = (uint8_t)fill;
    p->id = (uint16_t)fill;
    size_t len = inner_build(p, out);
    memcpy(out + (p->version == 4 ? 12 : 8), a.bytes, p->version == 4 ? 4 : 16);
    memcpy(out + (p->version == 4 ? 16 : 24), b.bytes, p->version == 4 ? 4 : 16);
    inner_finish(p, out, len);
    return len;
}

size_t rig_udp4(uint8_t *out, const char *from, const char *to, unsigned payload, unsigned fill)
{
    struct inner p = {.version = 4, .udp = true, .ttl = 64, .payload = payload};
    return addressed(&p, out, from, to, fill);
}

size_t rig_udp6(uint8_t *out, const char *from, const char *to, unsigned payload, unsigned fill)
{
    struct inner p = {.version = 6, .udp = true, .ttl = 64, .payload = payload};
    return addressed(&p, out, from, to, fill);
}

/* ------------------------------------------------------------------ events and counters */

static void keep(const struct dp_event *event, void *arg)
{
    struct rig_end *end = arg;
    static uint8_t data[64][DP_CTRL_PACKET_MAX];
    unsigned at = end->event_count++;
    cr_assert_lt(at, 64);
    end->events[at] = *event;
    if (event->len) {
        memcpy(data[at], event->data, event->len);
        end->events[at].data = data[at];
    }
}

void rig_drain(struct rig_end *end)
{
    while (dp_drain(end->dp, keep, end, 64)) {
    }
}

struct dp_event rig_event(struct rig_end *end, enum dp_event_type type)
{
    uint64_t until = now_ms() + LIMIT_MS;
    for (;;) {
        rig_drain(end);
        for (unsigned i = 0; i < end->event_count; i++) {
            if (end->events[i].type == type) {
                struct dp_event found = end->events[i];
                end->events[i].type = (enum dp_event_type)-1;
                return found;
            }
        }
        struct pollfd p = {.fd = dp_fd(end->dp), .events = POLLIN};
        uint64_t now = now_ms();
        cr_assert(now < until && poll(&p, 1, (int)(until - now)) == 1, "no event of type %u", type);
    }
}

uint64_t rig_drops(const struct rig_end *end, enum dp_drop reason)
{
    struct dp_stats stats;
    dp_stats(end->dp, &stats);
    return stats.drops[reason];
}

void rig_await_drops(struct rig_end *end, enum dp_drop reason, uint64_t n)
{
    uint64_t until = now_ms() + LIMIT_MS;
    while (rig_drops(end, reason) < n) {
        struct dp_stats stats;
        dp_stats(end->dp, &stats);
        cr_assert_lt(now_ms(), until, "%lu drops for '%s' instead of %lu", (unsigned long)stats.drops[reason],
                     dp_drop_name(reason), (unsigned long)n);
        (void)poll(NULL, 0, 2);
    }
}
