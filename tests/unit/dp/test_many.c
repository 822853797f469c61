/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/span.h"
#include "rig.h"
#include "wire/data_pkt.h"

/*
 * A server with so many peers that packets of the device are read ahead; this test is all of them:
 *
 *   test --device--> [server dp] --UDP--> test
 */
#define PEERS 600u
#define HEADER 8u /* opcode and peer id, packet id: `cipher none` */
#define LIMIT_MS 5000

static struct dp *server;
static int device[2];
static int udp;

static void address_of(char out[64], unsigned version, uint32_t peer)
{
    (void)snprintf(out, 64, version == 4 ? "10.8.%u.%u" : "fd08::%x:%x", peer >> 8, peer & 0xFF);
}

static void lead(const char *address, const char *bits, uint32_t peer)
{
    char network[80];
    struct dp_route route = {0};
    (void)snprintf(network, sizeof(network), "%s/%s", address, bits);
    cr_assert_eq(prefix_parse(network, &route.net), 0);
    cr_assert_eq(dp_route_add(server, &route, peer), 0);
}

static void add_peer(uint32_t id, uint32_t listener, const union addr *own)
{
    struct dp_peer peer = {.id = id, .tx_id = id, .path = {.listener = listener, .remote = *own}};
    struct dp_key key = {.format = DP_FORMAT_CBC, .cipher = "none", .auth = "none"};
    char address[64];
    cr_assert_eq(dp_peer_new(server, &peer), 0);
    cr_assert_eq(dp_key_new(server, id, DP_KEY_PRIMARY, &key), 0);
    address_of(address, 4, id);
    lead(address, "32", id);
    address_of(address, 6, id);
    lead(address, "128", id);
}

static void begin(void)
{
    struct dp_config config = {.mode = DP_MODE_MULTIPOINT, .workers = 1, .max_peers = PEERS};
    union addr address;
    union addr own;
    uint32_t listener;
    int size = 4 * 1024 * 1024;
    int fd = rig_udp(&address);
    udp = rig_udp(&own);
    (void)setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    cr_assert_eq(dp_open(&config, &server), 0);
    cr_assert_eq(dp_listener_add(server, &fd, 1, false, NULL, NULL, &listener), 0);
    for (uint32_t i = 0; i < PEERS; i++) {
        add_peer(i, listener, &own);
    }
    lead("10.9.0.0", "16", 7);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, device), 0);
    for (unsigned i = 0; i < 2; i++) {
        (void)setsockopt(device[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    }
}

static void attach(void)
{
    struct dp_device d = {.fds = {device[0]}, .queues = 1, .mtu = 9000};
    cr_assert_eq(dp_device_attach(server, &d), 0);
}

static void end(void)
{
    dp_close(server);
    close(device[1]);
    close(udp);
}

/* A packet for @to of a size that goes with @i: most are short, some are longer than what is read ahead. */
static size_t packet_to(uint8_t *out, const char *to, unsigned i)
{
    unsigned payload = i % 11 == 5 ? 4000 : i % 5 == 2 ? 1400 : i % 90;
    return strchr(to, ':') ? rig_udp6(out, "fd00::1", to, payload, i) : rig_udp4(out, RIG_SERVER_ADDRESS, to, payload, i);
}

static void queue(const char *to, unsigned i)
{
    static uint8_t packet[RIG_PACKET_MAX];
    size_t len = packet_to(packet, to, i);
    cr_assert_eq(send(device[1], packet, len, 0), (ssize_t)len, "the device is full");
}

/* The next datagram is this packet, for this peer. */
static void expect(const char *to, unsigned i, uint32_t peer)
{
    static uint8_t packet[RIG_PACKET_MAX];
    static uint8_t got[RIG_PACKET_MAX];
    size_t len = packet_to(packet, to, i);
    struct pollfd p = {.fd = udp, .events = POLLIN};
    cr_assert_eq(poll(&p, 1, LIMIT_MS), 1, "packet %u did not arrive", i);
    ssize_t n = recv(udp, got, sizeof(got), 0);
    cr_assert_eq(n, (ssize_t)(len + HEADER), "packet %u: %zd bytes", i, n);
    cr_assert_eq(be32_load(got) & 0xFFFFFF, peer, "packet %u went to another peer", i);
    cr_assert_arr_eq(got + HEADER, packet, len);
}

Test(many, packets_read_ahead_reach_their_peers_in_order)
{
    char to[64];
    begin();
    for (unsigned i = 0; i < 400; i++) { /* they wait before the worker looks for the first time */
        address_of(to, i % 3 ? 4 : 6, i * 7 % PEERS);
        queue(to, i);
    }
    attach();
    for (unsigned i = 0; i < 400; i++) {
        address_of(to, i % 3 ? 4 : 6, i * 7 % PEERS);
        expect(to, i, i * 7 % PEERS);
    }
    end();
}

Test(many, addresses_without_a_route_of_their_own)
{
    char to[64];
    begin();
    for (unsigned i = 0; i < 200; i++) {
        address_of(to, 4, i);
        queue(i % 4 == 1 ? "10.9.1.1" : i % 4 == 2 ? "10.10.1.1" : to, i);
    }
    cr_assert_eq(send(device[1], "", 1, 0), 1); /* no packet at all */
    attach();
    for (unsigned i = 0; i < 200; i++) {
        address_of(to, 4, i);
        if (i % 4 != 2) {
            expect(i % 4 == 1 ? "10.9.1.1" : to, i, i % 4 == 1 ? 7 : i);
        }
    }
    end();
}

/* ------------------------------------------------------------------ every peer once a second */

static void keep_alive(uint32_t interval, uint32_t timeout)
{
    for (uint32_t i = 0; i < PEERS; i++) {
        struct dp_peer settings = {.id = i, .keepalive_interval_s = interval, .keepalive_timeout_s = timeout};
        cr_assert_eq(dp_peer_set(server, &settings, DP_SET_KEEPALIVE), 0);
    }
}

Test(many, each_peer_gets_its_ping)
{
    static bool heard[PEERS];
    begin();
    keep_alive(1, 0);
    attach();
    for (unsigned missing = PEERS; missing;) {
        uint8_t got[200];
        struct pollfd p = {.fd = udp, .events = POLLIN};
        cr_assert_eq(poll(&p, 1, LIMIT_MS), 1, "%u peers got no ping", missing);
        cr_assert_eq(recv(udp, got, sizeof(got), 0), (ssize_t)(HEADER + DATA_PKT_MAGIC_SIZE));
        uint32_t peer = be32_load(got) & 0xFFFFFF;
        missing -= !heard[peer];
        heard[peer] = true;
    }
    end();
}

static void count_timeout(const struct dp_event *event, void *arg)
{
    bool *gone = arg;
    if (event->type == DP_EV_PEER_TIMEOUT) {
        cr_assert_not(gone[event->peer], "told once");
        gone[event->peer] = true;
    }
}

Test(many, each_silent_peer_is_told)
{
    static bool gone[PEERS];
    unsigned missing = PEERS;
    begin();
    keep_alive(0, 1);
    attach();
    while (missing) {
        struct pollfd p = {.fd = dp_fd(server), .events = POLLIN};
        cr_assert_eq(poll(&p, 1, LIMIT_MS), 1, "%u peers are still there", missing);
        (void)dp_drain(server, count_timeout, gone, 64);
        missing = 0;
        for (unsigned i = 0; i < PEERS; i++) {
            missing += !gone[i];
        }
    }
    end();
}
