/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <lz4.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/span.h"
#include "dp/user/vnet.h"
#include "inner.h"
#include "rig.h"

/* What a tunnel between two data planes carries, in every format. */

static struct rig rig;

static void both_ways(unsigned payload, unsigned fill)
{
    static uint8_t packet[RIG_PACKET_MAX];
    size_t len = rig_udp4(packet, RIG_CLIENT_ADDRESS, RIG_SERVER_ADDRESS, payload, fill);
    rig_carry(&rig, &rig.c, &rig.s, packet, len);
    len = rig_udp4(packet, RIG_SERVER_ADDRESS, RIG_CLIENT_ADDRESS, payload, fill + 1);
    rig_carry(&rig, &rig.s, &rig.c, packet, len);
    if (payload >= 8) {
        len = rig_udp6(packet, "fd08::2", "fd08::1", payload, fill + 2);
        rig_carry(&rig, &rig.c, &rig.s, packet, len);
        len = rig_udp6(packet, "fd08::1", "fd08::2", payload, fill + 3);
        rig_carry(&rig, &rig.s, &rig.c, packet, len);
    }
}

/* Many packets of several flows at once: all arrive, in order. */
static void burst(struct rig_end *from, struct rig_end *to, unsigned count)
{
    static uint8_t packet[RIG_PACKET_MAX];
    const char *source = from == &rig.c ? RIG_CLIENT_ADDRESS : RIG_SERVER_ADDRESS;
    const char *target = from == &rig.c ? RIG_SERVER_ADDRESS : RIG_CLIENT_ADDRESS;
    for (unsigned i = 0; i < count; i++) {
        size_t len = rig_udp4(packet, source, target, 100 + i * 7 % 1300, i);
        rig_send(&rig, from, packet, len);
    }
    for (unsigned i = 0; i < count; i++) {
        size_t len = rig_udp4(packet, source, target, 100 + i * 7 % 1300, i);
        rig_expect(&rig, to, packet, len);
    }
}

static void check_tunnel(void)
{
    rig_start(&rig);
    static const unsigned sizes[] = {1, 2, 8, 64, 100, 333, 1000, 1372, 1400, 1452};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        both_ways(sizes[i], i);
    }
    burst(&rig.c, &rig.s, 60);
    burst(&rig.s, &rig.c, 60);
    struct dp_stats stats;
    dp_stats(rig.s.dp, &stats);
    for (unsigned i = 0; i < DP_DROP_COUNT; i++) {
        cr_assert_eq(stats.drops[i], 0, "%s", dp_drop_name(i));
    }
    rig_stop(&rig);
}

Test(tunnel, aead_formats)
{
    static const char *const ciphers[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM", "CHACHA20-POLY1305"};
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned epoch = 0; epoch < 2; epoch++) {
            rig_init(&rig);
            rig.tcp = i & 1;
            rig.key = rig_key(ciphers[i], NULL, epoch ? DP_FORMAT_EPOCH : DP_FORMAT_AEAD, i);
            check_tunnel();
        }
    }
}

Test(tunnel, openssl_engine)
{
    rig_init(&rig);
    rig.s.config.crypto_engine = "openssl";
    check_tunnel();
}

Test(tunnel, hmac_formats)
{
    static const struct {
        const char *cipher;
        const char *auth;
    } all[] = {{"AES-256-CBC", "SHA1"}, {"AES-128-CBC", "none"}, {"AES-256-CFB", "SHA256"},
               {"AES-256-OFB", "SHA512"}, {"none", "SHA256"}, {"none", "none"}};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        rig_init(&rig);
        rig.tcp = i & 1;
        rig.key = rig_key(all[i].cipher, all[i].auth, DP_FORMAT_CBC, i);
        check_tunnel();
    }
}

Test(tunnel, data_v1)
{
    for (unsigned i = 0; i < 4; i++) {
        rig_init(&rig);
        rig.tcp = i & 1;
        rig.s.peer.data_v1 = rig.c.peer.data_v1 = true;
        rig.s.peer.tx_id = rig.c.peer.tx_id = DP_PEER_ID_NONE;
        rig.key = rig_key(i & 2 ? "AES-256-CBC" : "AES-256-GCM", "SHA1", i & 2 ? DP_FORMAT_CBC : DP_FORMAT_AEAD, i);
        check_tunnel();
    }
}

Test(tunnel, every_framing)
{
    for (unsigned framing = DP_FRAMING_LZO_STUB; framing <= DP_FRAMING_LZ4_V2; framing++) {
        for (unsigned pack = 0; pack < 2; pack++) {
            rig_init(&rig);
            rig.tcp = framing & 1;
            rig.s.peer.framing = rig.c.peer.framing = (enum dp_framing)framing;
            rig.s.peer.compress_tx = pack;
            check_tunnel();
        }
    }
}

Test(tunnel, fragments)
{
    static const unsigned sizes[] = {200, 576, 1000, 1400};
    for (unsigned i = 0; i < 4; i++) {
        rig_init(&rig);
        rig.s.peer.fragment = rig.c.peer.fragment = sizes[i];
        rig.s.peer.framing = rig.c.peer.framing = i & 1 ? DP_FRAMING_LZ4 : DP_FRAMING_NONE;
        rig.s.peer.compress_tx = i == 3;
        rig.key = rig_key(i & 1 ? "AES-256-CBC" : "AES-256-GCM", "SHA1", i & 1 ? DP_FORMAT_CBC : DP_FORMAT_AEAD, i);
        check_tunnel();
    }
}

Test(tunnel, vnet_headers)
{
    for (unsigned tcp = 0; tcp < 2; tcp++) {
        rig_init(&rig);
        rig.vnet = true;
        rig.tcp = tcp;
        check_tunnel();
    }
}

Test(tunnel, several_workers_keep_the_order)
{
    rig_init(&rig);
    rig.s.config.workers = 3;
    rig.s.peer.tx_ordered = rig.c.peer.tx_ordered = true;
    rig.c.peer.replay_window = rig.s.peer.replay_window = 64;
    check_tunnel();
}

Test(tunnel, jumbo_packets)
{
    for (unsigned tcp = 0; tcp < 2; tcp++) {
        rig_init(&rig);
        rig.tcp = tcp;
        rig.mtu = 60000;
        rig_start(&rig);
        both_ways(59000, 1);
        both_ways(9000, 2);
        both_ways(30000, 3);
        rig_stop(&rig);
    }
}

/* ------------------------------------------------------------------ TCP and UDP super-packets from the device */

static void super_packet(bool udp, unsigned mss, unsigned payload)
{
    static uint8_t read[RIG_PACKET_MAX];
    static uint8_t got[RIG_PACKET_MAX];
    struct inner p = {.version = 4, .udp = udp, .ttl = 64, .flags = 0x18, .seq = 77, .payload = payload, .fill = 9};
    struct ip_addr from;
    struct ip_addr to;
    ip_parse(RIG_CLIENT_ADDRESS, &from);
    ip_parse(RIG_SERVER_ADDRESS, &to);
    uint8_t *packet = read + VNET_HEADER_SIZE;
    size_t len = inner_build(&p, packet);
    memcpy(packet + 12, from.bytes, 4);
    memcpy(packet + 16, to.bytes, 4);
    inner_finish(&p, packet, len);
    struct vnet_header vnet = {.flags = VNET_NEEDS_CSUM, .gso_type = udp ? VNET_GSO_UDP_L4 : VNET_GSO_TCP4,
                               .gso_size = (uint16_t)mss, .csum_start = 20, .csum_offset = udp ? 6 : 16};
    memcpy(read, &vnet, sizeof(vnet));
    cr_assert_gt(write(rig.c.device, read, VNET_HEADER_SIZE + len), 0);
    size_t header = inner_header_len(&p);
    for (size_t at = 0; at < payload;) {
        size_t n = rig_receive(&rig, &rig.s, got);
        size_t want = payload - at < mss ? payload - at : mss;
        cr_assert_eq(n, header + want);
        cr_assert_arr_eq(got + header, packet + header + at, want);
        struct inner single = p;
        single.payload = (unsigned)want;
        uint8_t headers[64];
        memcpy(headers, got, header);
        inner_finish(&single, got, n);
        cr_assert_arr_eq(got, headers, header, "its checksums were right");
        at += want;
    }
}

Test(tunnel, super_packets_are_cut)
{
    rig_init(&rig);
    rig.vnet = true;
    rig_start(&rig);
    static const unsigned mss[] = {1448, 1000, 536, 100};
    for (unsigned i = 0; i < 4; i++) {
        super_packet(false, mss[i], 20000);
        super_packet(true, mss[i], 5000);
    }
    super_packet(false, 88, 60000); /* hundreds of segments */
    rig_stop(&rig);
}

/* ------------------------------------------------------------------ what is refused */

/* A tunnel whose datagrams pass through the test's hands on their way from client to server. */
static int tap_fd;

static void intercepted(void)
{
    union addr middle;
    rig_start(&rig);
    tap_fd = rig_udp(&middle);
    struct dp_path path = rig.c.peer.path;
    path.remote = middle;
    cr_assert_eq(dp_peer_move(rig.c.dp, rig.c.peer.id, &path), 0);
    path = rig.s.peer.path;
    path.remote = middle;
    cr_assert_eq(dp_peer_move(rig.s.dp, rig.s.peer.id, &path), 0);
}

/* The next datagram of the client, which sends @packet. */
static size_t intercept(const uint8_t *packet, size_t len, uint8_t *record)
{
    struct pollfd p = {.fd = tap_fd, .events = POLLIN};
    rig_send(&rig, &rig.c, packet, len);
    cr_assert_eq(poll(&p, 1, 5000), 1);
    ssize_t n = recv(tap_fd, record, RIG_PACKET_MAX, 0);
    cr_assert_gt(n, 0);
    return (size_t)n;
}

static void inject(const uint8_t *record, size_t len)
{
    cr_assert_eq(sendto(tap_fd, record, len, 0, &rig.s.address.any, addr_size(&rig.s.address)), (ssize_t)len);
}

Test(tunnel, every_refused_datagram_is_counted)
{
    static uint8_t packet[RIG_PACKET_MAX];
    static uint8_t record[RIG_PACKET_MAX];
    rig_init(&rig);
    intercepted();
    size_t len = rig_udp4(packet, RIG_CLIENT_ADDRESS, RIG_SERVER_ADDRESS, 100, 1);
    size_t n = intercept(packet, len, record);
    record[n - 1] ^= 1;
    inject(record, n);
    rig_await_drops(&rig.s, DP_DROP_AUTH, 1);
    record[n - 1] ^= 1;
    inject(record, n);
    rig_expect(&rig, &rig.s, packet, len);
    inject(record, n);
    rig_await_drops(&rig.s, DP_DROP_REPLAY, 1);
    uint8_t first = record[0];
    record[0] |= 3; /* another key id */
    inject(record, n);
    rig_await_drops(&rig.s, DP_DROP_UNKNOWN_KEY, 1);
    record[0] = first;
    record[3] ^= 1; /* another peer */
    inject(record, n);
    rig_await_drops(&rig.s, DP_DROP_UNKNOWN_PEER, 1);
    record[3] ^= 1;
    inject(record, 3);
    rig_await_drops(&rig.s, DP_DROP_SHORT, 1);
    inject(record, 20);
    rig_await_drops(&rig.s, DP_DROP_SHORT, 2);
    inject(record, 0);
    rig_await_drops(&rig.s, DP_DROP_SHORT, 3);
    static const uint8_t odd[] = {0xFF, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    inject(odd, sizeof(odd));
    rig_await_drops(&rig.s, DP_DROP_SHORT, 4);
    rig_stop(&rig);
    close(tap_fd);
}

Test(tunnel, inner_packets_are_checked)
{
    static uint8_t packet[RIG_PACKET_MAX];
    rig_init(&rig);
    rig_start(&rig);
    size_t len = rig_udp4(packet, "10.8.0.9", RIG_SERVER_ADDRESS, 10, 1);
    rig_send(&rig, &rig.c, packet, len);
    rig_await_drops(&rig.s, DP_DROP_SOURCE, 1);
    len = rig_udp6(packet, "fd08::9", "fd08::1", 10, 1);
    rig_send(&rig, &rig.c, packet, len);
    rig_await_drops(&rig.s, DP_DROP_SOURCE, 2);
    len = rig_udp4(packet, RIG_SERVER_ADDRESS, "10.9.0.1", 10, 1);
    rig_send(&rig, &rig.s, packet, len);
    rig_await_drops(&rig.s, DP_DROP_NO_ROUTE, 1);
    memset(packet, 0x11, 60);
    rig_send(&rig, &rig.s, packet, 60);
    rig_await_drops(&rig.s, DP_DROP_INNER, 1);
    rig_send(&rig, &rig.c, packet, 60);
    rig_await_drops(&rig.c, DP_DROP_INNER, 1);
    cr_assert_eq(dp_payload_send(rig.c.dp, 5, packet, 60), 0);
    rig_await_drops(&rig.s, DP_DROP_INNER, 2);
    both_ways(100, 1);
    rig_stop(&rig);
}

Test(tunnel, without_a_key_nothing_is_sent)
{
    static uint8_t packet[RIG_PACKET_MAX];
    rig_init(&rig);
    rig_start(&rig);
    cr_assert_eq(dp_key_del(rig.c.dp, 5, DP_KEY_PRIMARY), 0);
    size_t len = rig_udp4(packet, RIG_CLIENT_ADDRESS, RIG_SERVER_ADDRESS, 10, 1);
    rig_send(&rig, &rig.c, packet, len);
    rig_await_drops(&rig.c, DP_DROP_NO_KEY, 1);
    cr_assert_eq(dp_key_new(rig.c.dp, 5, DP_KEY_PRIMARY, &rig.key), 0);
    rig_carry(&rig, &rig.c, &rig.s, packet, len);
    rig_stop(&rig);
}

Test(tunnel, framing_is_checked)
{
    static uint8_t bomb[RIG_PACKET_MAX];
    static uint8_t packed[RIG_PACKET_MAX];
    rig_init(&rig);
    rig.s.peer.framing = DP_FRAMING_LZ4_V2;
    rig_start(&rig);
    uint8_t bad[40] = {0x50, 7};
    cr_assert_eq(dp_payload_send(rig.c.dp, 5, bad, sizeof(bad)), 0);
    rig_await_drops(&rig.s, DP_DROP_FRAMING, 1);
    bad[1] = 1;
    memset(bad + 2, 0xFF, sizeof(bad) - 2);
    cr_assert_eq(dp_payload_send(rig.c.dp, 5, bad, sizeof(bad)), 0);
    rig_await_drops(&rig.s, DP_DROP_DECOMPRESS, 1);
    int n = LZ4_compress_default((const char *)bomb, (char *)packed + 2, 60000, 60000);
    packed[0] = 0x50;
    packed[1] = 1;
    cr_assert_lt(n, 1400, "60,000 bytes of zeros");
    cr_assert_eq(dp_payload_send(rig.c.dp, 5, packed, (size_t)n + 2), 0);
    rig_await_drops(&rig.s, DP_DROP_DECOMPRESS, 2);
    rig_stop(&rig);
}

Test(tunnel, a_wrong_fragment_is_counted)
{
    rig_init(&rig);
    rig.s.peer.fragment = 1000;
    rig_start(&rig);
    uint8_t bad[40] = {0, 0, 0, 3};
    cr_assert_eq(dp_payload_send(rig.c.dp, 5, bad, sizeof(bad)), 0);
    rig_await_drops(&rig.s, DP_DROP_FRAGMENT, 1);
    rig_stop(&rig);
}
