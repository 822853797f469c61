/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/span.h"
#include "dp/user/lane.h"
#include "inner.h"
#include "rig.h"
#include "wire/data_pkt.h"

/* Peers: addresses, keys, timers, routes between them, and what control hears. */

static struct rig rig;
static uint8_t packet[RIG_PACKET_MAX];

static size_t from_client(unsigned fill)
{
    return rig_udp4(packet, RIG_CLIENT_ADDRESS, RIG_SERVER_ADDRESS, 50, fill);
}

static size_t from_server(unsigned fill)
{
    return rig_udp4(packet, RIG_SERVER_ADDRESS, RIG_CLIENT_ADDRESS, 50, fill);
}

static void carry_both(unsigned fill)
{
    size_t len = from_client(fill);
    rig_carry(&rig, &rig.c, &rig.s, packet, len);
    len = from_server(fill + 1);
    rig_carry(&rig, &rig.s, &rig.c, packet, len);
}

/* The client goes on from another socket. */
static void client_moves(void)
{
    int fd = rig_udp(&rig.c.address);
    cr_assert_eq(dp_listener_add(rig.c.dp, &fd, 1, false, NULL, NULL, &rig.c.peer.path.listener), 0);
    cr_assert_eq(dp_peer_move(rig.c.dp, 5, &rig.c.peer.path), 0);
}

Test(peers, float_when_they_may)
{
    rig_init(&rig);
    rig.s.peer.may_float = true;
    rig_start(&rig);
    carry_both(1);
    client_moves();
    carry_both(3);
    struct dp_event e = rig_event(&rig.s, DP_EV_FLOATED);
    cr_assert_eq(e.peer, 5);
    cr_assert(addr_equal(&e.path.remote, &rig.c.address));
    client_moves();
    carry_both(5);
    rig_event(&rig.s, DP_EV_FLOATED);
    rig_stop(&rig);
}

Test(peers, stay_where_they_are_otherwise)
{
    rig_init(&rig);
    rig_start(&rig);
    carry_both(1);
    client_moves();
    size_t len = from_client(3);
    rig_send(&rig, &rig.c, packet, len);
    rig_await_drops(&rig.s, DP_DROP_ADDRESS, 1);
    rig_stop(&rig);
}

Test(peers, a_float_onto_another_peer_is_controls_business)
{
    rig_init(&rig);
    rig.s.peer.may_float = true;
    rig_start(&rig);
    int fd = rig_udp(&rig.c.address);
    struct dp_peer other = rig.s.peer;
    other.id = 6;
    other.path.remote = rig.c.address;
    cr_assert_eq(dp_peer_new(rig.s.dp, &other), 0);
    cr_assert_eq(dp_listener_add(rig.c.dp, &fd, 1, false, NULL, NULL, &rig.c.peer.path.listener), 0);
    cr_assert_eq(dp_peer_move(rig.c.dp, 5, &rig.c.peer.path), 0);
    size_t len = from_client(3);
    rig_send(&rig, &rig.c, packet, len);
    struct dp_event e = rig_event(&rig.s, DP_EV_FLOAT_CONFLICT);
    cr_assert_eq(e.peer, 5);
    cr_assert_eq(e.other, 6);
    rig_await_drops(&rig.s, DP_DROP_ADDRESS, 1);
    rig_stop(&rig);
}

/* ------------------------------------------------------------------ keys */

Test(peers, rekey_without_a_gap)
{
    rig_init(&rig);
    rig_start(&rig);
    carry_both(1);
    for (unsigned n = 1; n < 6; n++) {
        struct dp_key next = rig_key(n & 1 ? "CHACHA20-POLY1305" : "AES-128-GCM", NULL, DP_FORMAT_AEAD, 100 + n);
        next.key_id = (uint8_t)n;
        struct dp_key mirrored = rig_mirrored(&next);
        cr_assert_eq(dp_key_new(rig.s.dp, 5, DP_KEY_SECONDARY, &mirrored), 0);
        cr_assert_eq(dp_key_new(rig.c.dp, 5, DP_KEY_SECONDARY, &next), 0);
        carry_both(10 * n);
        cr_assert_eq(dp_key_swap(rig.c.dp, 5), 0);
        carry_both(10 * n + 2); /* the client uses the new key, the server still the old one */
        cr_assert_eq(dp_key_swap(rig.s.dp, 5), 0);
        carry_both(10 * n + 4);
        cr_assert_eq(dp_key_del(rig.s.dp, 5, DP_KEY_SECONDARY), 0);
        cr_assert_eq(dp_key_del(rig.c.dp, 5, DP_KEY_SECONDARY), 0);
        carry_both(10 * n + 6);
    }
    rig_stop(&rig);
}

Test(peers, refused_keys)
{
    rig_init(&rig);
    rig_start(&rig);
    struct dp_key key = rig_key("AES-256-GCM", NULL, DP_FORMAT_AEAD, 9);
    cr_assert_eq(dp_key_new(rig.s.dp, 7, DP_KEY_PRIMARY, &key), ERR_NOT_FOUND);
    key.cipher = "NO-SUCH-CIPHER";
    cr_assert_eq(dp_key_new(rig.s.dp, 5, DP_KEY_PRIMARY, &key), ERR_UNSUPPORTED);
    key.cipher = "AES-256-CBC";
    cr_assert_eq(dp_key_new(rig.s.dp, 5, DP_KEY_PRIMARY, &key), ERR_UNSUPPORTED, "not in this format");
    key.cipher = "AES-256-GCM";
    memset(&key.tx, 0, sizeof(key.tx));
    cr_assert_eq(dp_key_new(rig.s.dp, 5, DP_KEY_PRIMARY, &key), ERR_CRYPTO, "a key of zeros");
    carry_both(1);
    rig_stop(&rig);
}

/* ------------------------------------------------------------------ life */

Test(peers, gone_is_said_once_and_the_id_is_free_again)
{
    rig_init(&rig);
    rig_start(&rig);
    carry_both(1);
    cr_assert_eq(dp_peer_new(rig.s.dp, &rig.s.peer), -EEXIST);
    cr_assert_eq(dp_peer_del(rig.s.dp, 5), 0);
    cr_assert_eq(dp_peer_del(rig.s.dp, 5), ERR_NOT_FOUND);
    struct dp_event e = rig_event(&rig.s, DP_EV_PEER_GONE);
    cr_assert_eq(e.peer, 5);
    cr_assert_eq(e.stats.tunnel_rx_packets, 1);
    cr_assert_eq(e.stats.tunnel_tx_packets, 1);
    cr_assert_eq(e.stats.tunnel_rx_bytes, 78);
    cr_assert_eq(e.stats.link_rx_bytes, 78 + 24);
    size_t len = from_client(3);
    rig_send(&rig, &rig.c, packet, len);
    rig_await_drops(&rig.s, DP_DROP_UNKNOWN_PEER, 1);
    len = from_server(4);
    rig_send(&rig, &rig.s, packet, len);
    rig_await_drops(&rig.s, DP_DROP_NO_ROUTE, 1);
    struct dp_key key = rig_key("AES-256-GCM", NULL, DP_FORMAT_AEAD, 50); /* packet ids begin again */
    struct dp_key mirrored = rig_mirrored(&key);
    cr_assert_eq(dp_key_new(rig.c.dp, 5, DP_KEY_PRIMARY, &key), 0);
    cr_assert_eq(dp_peer_new(rig.s.dp, &rig.s.peer), 0);
    cr_assert_eq(dp_key_new(rig.s.dp, 5, DP_KEY_PRIMARY, &mirrored), 0);
    rig_route(&rig, RIG_CLIENT_ADDRESS "/32", 5);
    carry_both(5);
    rig_stop(&rig);
}

Test(peers, silence_is_broken_and_noticed)
{
    rig_init(&rig);
    rig.c.peer.keepalive_interval_s = 1;
    rig.s.peer.keepalive_timeout_s = 3;
    rig_start(&rig);
    struct dp_peer_stats stats;
    for (unsigned i = 0; i < 500; i++) { /* pings arrive, but not at the device */
        cr_assert_eq(dp_peer_stats(rig.s.dp, 5, &stats), 0);
        if (stats.link_rx_packets >= 2) {
            break;
        }
        (void)poll(NULL, 0, 10);
    }
    cr_assert_geq(stats.link_rx_packets, 2);
    cr_assert_eq(stats.tunnel_rx_packets, 0);
    rig_drain(&rig.s);
    cr_assert_eq(rig.s.event_count, 0);
    struct dp_peer quiet = rig.c.peer;
    quiet.keepalive_interval_s = 0;
    cr_assert_eq(dp_peer_set(rig.c.dp, &quiet, DP_SET_KEEPALIVE), 0);
    struct dp_event e = rig_event(&rig.s, DP_EV_PEER_TIMEOUT);
    cr_assert_eq(e.peer, 5);
    cr_assert_eq(e.reason, DP_GONE_TIMEOUT);
    rig_stop(&rig);
}

Test(peers, inactivity_is_noticed_in_spite_of_pings)
{
    rig_init(&rig);
    rig.c.peer.keepalive_interval_s = 1;
    rig.s.peer.inactive_s = 2;
    rig.s.peer.inactive_bytes = 1000;
    rig_start(&rig);
    carry_both(1); /* less than 1000 bytes */
    struct dp_event e = rig_event(&rig.s, DP_EV_PEER_TIMEOUT);
    cr_assert_eq(e.reason, DP_GONE_INACTIVE);
    rig_stop(&rig);
}

/* ------------------------------------------------------------------ control packets and messages in the tunnel */

Test(peers, control_packets_pass_both_ways)
{
    for (unsigned tcp = 0; tcp < 2; tcp++) {
        rig_init(&rig);
        rig.tcp = tcp;
        rig_start(&rig);
        uint8_t control[1200] = {0x20};
        for (unsigned i = 1; i < sizeof(control); i++) {
            control[i] = (uint8_t)i;
        }
        cr_assert_eq(dp_ctrl_send(rig.c.dp, &rig.c.peer.path, control, sizeof(control)), 0);
        struct dp_event e = rig_event(&rig.s, DP_EV_CTRL);
        cr_assert_eq(e.len, sizeof(control));
        cr_assert_arr_eq(e.data, control, sizeof(control));
        cr_assert_eq(e.peer, 5);
        cr_assert_eq(dp_ctrl_send(rig.s.dp, &e.path, control, 100), 0, "the path of an event can be answered");
        e = rig_event(&rig.c, DP_EV_CTRL);
        cr_assert_eq(e.len, 100);
        carry_both(1);
        rig_stop(&rig);
    }
}

Test(peers, strangers_are_named_none)
{
    rig_init(&rig);
    rig_start(&rig);
    union addr own;
    int fd = rig_udp(&own);
    uint8_t control[20] = {0x38};
    cr_assert_gt(sendto(fd, control, sizeof(control), 0, &rig.s.address.any, addr_size(&rig.s.address)), 0);
    struct dp_event e = rig_event(&rig.s, DP_EV_CTRL);
    cr_assert_eq(e.peer, DP_PEER_ID_NONE);
    cr_assert(addr_equal(&e.path.remote, &own));
    rig_stop(&rig);
    close(fd);
}

Test(peers, occ_messages_reach_control)
{
    rig_init(&rig);
    rig_start(&rig);
    uint8_t message[DATA_PKT_MAGIC_SIZE + 1];
    memcpy(message, data_pkt_occ_magic, DATA_PKT_MAGIC_SIZE);
    message[DATA_PKT_MAGIC_SIZE] = 6;
    cr_assert_eq(dp_payload_send(rig.c.dp, 5, message, sizeof(message)), 0);
    struct dp_event e = rig_event(&rig.s, DP_EV_PAYLOAD);
    cr_assert_eq(e.peer, 5);
    cr_assert_eq(e.len, sizeof(message));
    rig_stop(&rig);
}

Test(peers, large_replay_windows_are_told_among_ourselves)
{
    rig_init(&rig);
    rig.c.peer.replay_window = 0; /* the default, which is large */
    rig.s.peer.tx_ordered = true;
    rig_start(&rig);
    carry_both(1);
    struct dp_peer_stats stats;
    for (unsigned i = 0; i < 500; i++) {
        cr_assert_eq(dp_peer_stats(rig.s.dp, 5, &stats), 0);
        if (stats.link_rx_packets >= 4) {
            break;
        }
        (void)poll(NULL, 0, 10);
    }
    cr_assert_eq(stats.link_rx_packets, 4);
    cr_assert_eq(stats.tunnel_rx_packets, 1);
    rig_drain(&rig.s);
    cr_assert_eq(rig.s.event_count, 0, "not control's business");
    cr_assert_eq(dp_peer_stats(rig.c.dp, 5, &stats), 0);
    cr_assert_eq(stats.link_rx_packets, 1, "a small window is not told");
    carry_both(3);
    rig_stop(&rig);
}

/* ------------------------------------------------------------------ between peers */

/* A second client without a device: the test reads its datagrams. */
static int second(union addr *address, struct dp_key *key)
{
    int fd = rig_udp(address);
    struct dp_peer other = rig.s.peer;
    other.id = 6;
    other.tx_id = 6;
    other.path.remote = *address;
    *key = rig_key("none", "none", DP_FORMAT_CBC, 3);
    cr_assert_eq(dp_peer_new(rig.s.dp, &other), 0);
    cr_assert_eq(dp_key_new(rig.s.dp, 6, DP_KEY_PRIMARY, key), 0);
    rig_route(&rig, "10.8.0.6/32", 6);
    return fd;
}

#define PLAIN_HEAD 8 /* header and packet id of `cipher none` */

static size_t receive_plain(int fd, uint8_t *out)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    cr_assert_eq(poll(&p, 1, 5000), 1);
    ssize_t n = recv(fd, out, RIG_PACKET_MAX, 0);
    cr_assert_gt(n, PLAIN_HEAD);
    memmove(out, out + PLAIN_HEAD, (size_t)n - PLAIN_HEAD);
    return (size_t)n - PLAIN_HEAD;
}

Test(peers, client_to_client)
{
    static uint8_t got[RIG_PACKET_MAX];
    for (unsigned on = 0; on < 2; on++) {
        union addr address;
        struct dp_key key;
        rig_init(&rig);
        rig.s.config.client_to_client = on;
        rig_start(&rig);
        int fd = second(&address, &key);
        size_t len = rig_udp4(packet, RIG_CLIENT_ADDRESS, "10.8.0.6", 40, 1);
        rig_send(&rig, &rig.c, packet, len);
        if (on) {
            cr_assert_eq(receive_plain(fd, got), len);
            cr_assert_arr_eq(got, packet, len);
        } else {
            rig_expect(&rig, &rig.s, packet, len); /* the kernel decides */
        }
        carry_both(4);
        rig_stop(&rig);
        close(fd);
    }
}

Test(peers, multicast_goes_to_all)
{
    static uint8_t got[RIG_PACKET_MAX];
    union addr address;
    struct dp_key key;
    rig_init(&rig);
    rig.s.config.client_to_client = true;
    rig_start(&rig);
    int fd = second(&address, &key);
    size_t len = rig_udp4(packet, RIG_SERVER_ADDRESS, "224.0.0.251", 40, 1);
    rig_send(&rig, &rig.s, packet, len);
    rig_expect(&rig, &rig.c, packet, len);
    cr_assert_eq(receive_plain(fd, got), len);
    len = rig_udp4(packet, RIG_CLIENT_ADDRESS, "224.0.0.251", 40, 1);
    rig_send(&rig, &rig.c, packet, len);
    rig_expect(&rig, &rig.s, packet, len);
    cr_assert_eq(receive_plain(fd, got), len, "and to the other peer, not to the sender");
    carry_both(2);
    rig_stop(&rig);
    close(fd);
}

/* ------------------------------------------------------------------ changes to packets */

static size_t syn(const char *from, const char *to, unsigned mss)
{
    struct inner p = {.version = 4, .ttl = 64, .flags = 0x02, .tcp_options = 4};
    struct ip_addr a;
    struct ip_addr b;
    size_t len = inner_build(&p, packet);
    ip_parse(from, &a);
    ip_parse(to, &b);
    memcpy(packet + 12, a.bytes, 4);
    memcpy(packet + 16, b.bytes, 4);
    packet[40] = 2;
    packet[41] = 4;
    be16_store(packet + 42, (uint16_t)mss);
    inner_finish(&p, packet, len);
    return len;
}

static void expect_mss(struct rig_end *from, struct rig_end *to, unsigned sent, unsigned want)
{
    static uint8_t got[RIG_PACKET_MAX];
    bool up = from == &rig.c;
    size_t len = syn(up ? RIG_CLIENT_ADDRESS : RIG_SERVER_ADDRESS, up ? RIG_SERVER_ADDRESS : RIG_CLIENT_ADDRESS, sent);
    rig_send(&rig, from, packet, len);
    cr_assert_eq(rig_receive(&rig, to, got), len);
    len = syn(up ? RIG_CLIENT_ADDRESS : RIG_SERVER_ADDRESS, up ? RIG_SERVER_ADDRESS : RIG_CLIENT_ADDRESS, want);
    cr_assert_arr_eq(got, packet, len);
}

Test(peers, mss_is_clamped_both_ways)
{
    rig_init(&rig);
    rig.s.peer.mssfix = 1492;
    rig.s.peer.mssfix_mode = DP_MSSFIX_MTU;
    rig_start(&rig);
    expect_mss(&rig.c, &rig.s, 1460, 1400);
    expect_mss(&rig.s, &rig.c, 1460, 1400);
    expect_mss(&rig.s, &rig.c, 1200, 1200);
    struct dp_peer smaller = rig.s.peer;
    smaller.mssfix = 1200;
    smaller.mssfix_mode = DP_MSSFIX_FIXED;
    cr_assert_eq(dp_peer_set(rig.s.dp, &smaller, DP_SET_MSSFIX), 0);
    expect_mss(&rig.s, &rig.c, 1460, 1160);
    smaller.mssfix = 0;
    cr_assert_eq(dp_peer_set(rig.s.dp, &smaller, DP_SET_MSSFIX), 0);
    expect_mss(&rig.c, &rig.s, 1460, 1460);
    rig_stop(&rig);
}

Test(peers, client_nat)
{
    static uint8_t translated[RIG_PACKET_MAX];
    rig_init(&rig);
    rig_start(&rig);
    struct dp_nat rule = {.snat = true, .network = 0xC0A80100, .mask = 0xFFFFFF00, .alias = 0x0A080000};
    cr_assert_eq(dp_set_nat(rig.c.dp, &rule, 1), 0);
    size_t len = rig_udp4(packet, "192.168.1.2", RIG_SERVER_ADDRESS, 30, 1);
    rig_udp4(translated, RIG_CLIENT_ADDRESS, RIG_SERVER_ADDRESS, 30, 1);
    rig_send(&rig, &rig.c, packet, len);
    rig_expect(&rig, &rig.s, translated, len);
    len = rig_udp4(packet, RIG_SERVER_ADDRESS, RIG_CLIENT_ADDRESS, 30, 1);
    rig_udp4(translated, RIG_SERVER_ADDRESS, "192.168.1.2", 30, 1);
    rig_send(&rig, &rig.s, packet, len);
    rig_expect(&rig, &rig.c, translated, len);
    rig_stop(&rig);
}

Test(peers, block_ipv6_answers)
{
    static uint8_t got[RIG_PACKET_MAX];
    rig_init(&rig);
    rig_start(&rig);
    dp_set_block_ipv6(rig.c.dp, true);
    size_t len = rig_udp6(packet, "fd08::2", "fd08::1", 30, 1);
    rig_send(&rig, &rig.c, packet, len);
    cr_assert_gt(rig_receive(&rig, &rig.c, got), 48);
    cr_assert_eq(got[6], 58, "ICMPv6");
    cr_assert_eq(got[40], 1, "destination unreachable");
    rig_await_drops(&rig.c, DP_DROP_BLOCKED, 1);
    dp_set_block_ipv6(rig.c.dp, false);
    dp_set_block_ipv6(rig.s.dp, true);
    rig_send(&rig, &rig.c, packet, len);
    cr_assert_gt(rig_receive(&rig, &rig.c, got), 48);
    cr_assert_eq(got[40], 1, "the server says so through the tunnel");
    rig_await_drops(&rig.s, DP_DROP_BLOCKED, 1);
    rig_stop(&rig);
}

Test(peers, a_packet_to_the_server_itself_does_not_go_round_in_circles)
{
    rig_init(&rig);
    rig_start(&rig);
    size_t len = from_client(1);
    struct inner p = {.version = 4, .udp = true, .payload = 50};
    struct ip_addr outer = addr_to_ip(&rig.s.address);
    memcpy(packet + 16, outer.bytes, 4);
    be16_store(packet + 22, addr_port(&rig.s.address));
    inner_finish(&p, packet, len);
    rig_send(&rig, &rig.c, packet, len);
    rig_await_drops(&rig.c, DP_DROP_RECURSIVE, 1);
    carry_both(2);
    rig_stop(&rig);
}

Test(peers, the_device_comes_and_goes)
{
    rig_init(&rig);
    rig_start(&rig);
    carry_both(1);
    dp_device_detach(rig.s.dp);
    size_t len = from_client(3);
    rig_send(&rig, &rig.c, packet, len);
    rig_await_drops(&rig.s, DP_DROP_DEVICE, 1);
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
    close(rig.s.device);
    rig.s.device = fds[1];
    struct dp_device device = {.fds = {fds[0]}, .queues = 1, .mtu = 1500};
    cr_assert_eq(dp_device_attach(rig.s.dp, &device), 0);
    carry_both(4);
    rig_stop(&rig);
}

/* A device of three queues: everybody's are read, and what is written comes out of the lane of its flow. */
Test(peers, lanes_of_the_device)
{
    enum { LANES = 3 };
    int ends[LANES];
    struct dp_device device = {.queues = LANES, .mtu = 1500};
    rig_init(&rig);
    rig_start(&rig);
    for (unsigned i = 0; i < LANES; i++) {
        int fds[2];
        cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
        device.fds[i] = fds[0];
        ends[i] = fds[1];
    }
    close(rig.s.device);
    cr_assert_eq(dp_device_attach(rig.s.dp, &device), 0);
    for (unsigned i = 0; i < LANES; i++) {
        rig.s.device = ends[i];
        size_t len = from_server(i);
        rig_carry(&rig, &rig.s, &rig.c, packet, len);
    }
    for (unsigned n = 0; n < 6; n++) {
        size_t len = from_client(n);
        packet[9] = n % 2 ? 1 : 17; /* ICMP in turns with UDP */
        be16_store(packet + 20, (uint16_t)(2000 + n));
        rig_send(&rig, &rig.c, packet, len);
        rig.s.device = ends[lane_of_packet(packet, len, false, LANES)];
        rig_expect(&rig, &rig.s, packet, len);
    }
    for (unsigned i = 0; i < LANES; i++) {
        close(ends[i]);
    }
    rig.s.device = -1;
    rig_stop(&rig);
}

/* A connection of the client to somebody who never reads. Return: the other end. */
static int connect_to_a_wall(uint32_t *conn)
{
    union addr address;
    socklen_t len = sizeof(address);
    int small = 8192;
    int own = rig_udp(&address); /* for the form of a loopback address */
    close(own);
    address.v4.sin_port = 0;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    (void)setsockopt(client, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    cr_assert(bind(listener, &address.any, addr_size(&address)) == 0 && listen(listener, 1) == 0);
    cr_assert(getsockname(listener, &address.any, &len) == 0 &&
              connect(client, &address.any, addr_size(&address)) == 0);
    int wall = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    cr_assert(wall >= 0 && fcntl(client, F_SETFL, O_NONBLOCK) == 0);
    close(listener);
    cr_assert_eq(dp_conn_add(rig.c.dp, client, NULL, 0, conn), 0);
    return wall;
}

/* The device is not read while packets wait for a connection, but that ends with the connection. */
Test(peers, a_full_connection_goes_and_the_device_is_read_again)
{
    rig_init(&rig);
    rig_start(&rig);
    struct dp_path walled = {0};
    int wall = connect_to_a_wall(&walled.conn);
    cr_assert_eq(dp_peer_move(rig.c.dp, 5, &walled), 0);
    size_t len = rig_udp4(packet, RIG_CLIENT_ADDRESS, RIG_SERVER_ADDRESS, 1300, 1);
    struct pollfd device = {.fd = rig.c.device, .events = POLLOUT};
    unsigned sent = 0;
    while (poll(&device, 1, 300) == 1) {
        rig_send(&rig, &rig.c, packet, len);
        cr_assert_lt(++sent, 200000, "the device is read without end");
    }
    cr_assert_eq(dp_peer_move(rig.c.dp, 5, &rig.c.peer.path), 0);
    dp_conn_del(rig.c.dp, walled.conn);
    rig_expect(&rig, &rig.s, packet, len);
    rig_stop(&rig);
    close(wall);
}

Test(peers, a_listener_goes_and_packets_are_counted)
{
    rig_init(&rig);
    rig_start(&rig);
    carry_both(1);
    dp_listener_del(rig.s.dp, rig.s.peer.path.listener);
    size_t len = from_server(2);
    rig_send(&rig, &rig.s, packet, len);
    rig_await_drops(&rig.s, DP_DROP_SEND, 1);
    rig_stop(&rig);
}
