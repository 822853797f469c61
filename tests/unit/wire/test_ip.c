/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "wire/csum.h"
#include "wire/ip.h"

static size_t udp4(uint8_t *out, unsigned payload)
{
    size_t len = 28 + payload;
    memset(out, 0, len);
    out[0] = 0x45;
    out[1] = 0xB8;
    be16_store(out + 2, (uint16_t)len);
    out[8] = 64;
    out[9] = IP_PROTO_UDP;
    be32_store(out + 12, 0x0A000001);
    be32_store(out + 16, 0x0A000002);
    be16_store(out + 24, (uint16_t)(8 + payload));
    csum_ip4_header(out, 20);
    uint64_t sum = csum_add(csum_pseudo4(out, IP_PROTO_UDP, 8 + payload), csum_partial(out + 20, 8 + payload));
    csum_store16(out + 26, csum_finish(sum));
    return len;
}

Test(ip, udp_over_ipv4_and_its_checksum)
{
    uint8_t p[128];
    struct ip_packet ip;
    size_t len = udp4(p, 31);
    cr_assert_eq(ip_packet_parse(p, sizeof(p), &ip), 0, "bytes behind the packet are padding");
    cr_assert_eq(ip.len, len);
    cr_assert_eq(ip.header_len, 20);
    cr_assert_eq(ip.l4_header_len, 8);
    cr_assert(ip_l4_verify(p, &ip));
    cr_assert_eq(ip_tos(p, len), 0xB8);
    p[40] ^= 1;
    cr_assert_not(ip_l4_verify(p, &ip));
    be16_store(p + 26, 0);
    cr_assert_not(ip_l4_verify(p, &ip), "absent is not right");
}

Test(ip, ipv4_lengths_must_fit)
{
    uint8_t p[128];
    struct ip_packet ip;
    size_t len = udp4(p, 10);
    for (size_t cut = 0; cut < len; cut++) {
        cr_assert_neq(ip_packet_parse(p, cut, &ip), 0, "at %zu", cut);
    }
    p[0] = 0x44;
    cr_assert_eq(ip_packet_parse(p, len, &ip), ERR_FORMAT);
    p[0] = 0x4F;
    cr_assert_eq(ip_packet_parse(p, len, &ip), ERR_FORMAT, "header longer than the packet");
    p[0] = 0x15;
    cr_assert_eq(ip_packet_parse(p, len, &ip), ERR_FORMAT);
    cr_assert_not(ip_routable(p, len));
    p[0] = 0x45;
    cr_assert(ip_routable(p, len));
    cr_assert_not(ip_routable(p, len - 1), "shorter than it says");
    for (unsigned ihl = 0; ihl < 5; ihl++) {
        p[0] = (uint8_t)(0x40 | ihl);
        cr_assert_not(ip_routable(p, len));
    }
    p[0] = 0x4F;
    cr_assert_not(ip_routable(p, len), "header longer than the packet");
    p[0] = 0x45;
    be16_store(p + 6, 0x2000);
    cr_assert_eq(ip_packet_parse(p, len, &ip), 0);
    cr_assert(ip.fragment && ip.first_fragment);
    cr_assert_eq(ip.l4_header_len, 0);
    be16_store(p + 6, 0x0001);
    cr_assert_eq(ip_packet_parse(p, len, &ip), 0);
    cr_assert(ip.fragment && !ip.first_fragment);
}

Test(ip, ipv6_extension_headers)
{
    uint8_t p[40 + 8 + 16 + 12 + 20] = {0x60};
    struct ip_packet ip;
    be16_store(p + 4, sizeof(p) - 40);
    p[6] = 0;                   /* hop by hop, 8 bytes */
    p[40] = 60;                 /* then destination options, 16 bytes */
    p[48] = 51;
    p[49] = 1;
    p[64] = IP_PROTO_TCP;       /* then authentication, 12 bytes */
    p[65] = 1;
    p[76 + 12] = 0x50;
    cr_assert(ip_routable(p, sizeof(p)));
    cr_assert_not(ip_routable(p, sizeof(p) - 1), "shorter than it says");
    cr_assert_eq(ip_packet_parse(p, sizeof(p), &ip), 0);
    cr_assert(ip.extensions);
    cr_assert_eq(ip.proto, IP_PROTO_TCP);
    cr_assert_eq(ip.header_len, 76);
    cr_assert_eq(ip.l4_header_len, 20);
    p[49] = 200;
    cr_assert_eq(ip_packet_parse(p, sizeof(p), &ip), ERR_FORMAT);
    p[49] = 1;
    p[40] = 44;                 /* a fragment header, not the first fragment */
    be16_store(p + 50, 0x0008);
    cr_assert_eq(ip_packet_parse(p, sizeof(p), &ip), 0);
    cr_assert(ip.fragment && !ip.first_fragment);
    cr_assert_eq(ip.l4_header_len, 0);
}

Test(ip, endless_extension_chain_is_refused)
{
    uint8_t p[40 + 16 * 8] = {0x60};
    struct ip_packet ip;
    be16_store(p + 4, sizeof(p) - 40);
    p[6] = 60;
    for (unsigned i = 0; i < 16; i++) {
        p[40 + 8 * i] = 60;
    }
    cr_assert_eq(ip_packet_parse(p, sizeof(p), &ip), ERR_FORMAT);
}

Test(ip, broken_tcp_header_is_still_routable)
{
    uint8_t p[40] = {0x45};
    struct ip_packet ip;
    be16_store(p + 2, sizeof(p));
    p[9] = IP_PROTO_TCP;
    p[32] = 0x40;
    cr_assert_eq(ip_packet_parse(p, sizeof(p), &ip), 0);
    cr_assert_eq(ip.l4_header_len, 0);
    p[32] = 0x60;
    cr_assert_eq(ip_packet_parse(p, sizeof(p), &ip), 0);
    cr_assert_eq(ip.l4_header_len, 0, "options beyond the packet");
}

Test(ip, traffic_class_of_ipv6)
{
    uint8_t p[40] = {0x6A, 0xB0};
    cr_assert_eq(ip_tos(p, 40), 0xAB);
    cr_assert_eq(ip_tos(p, 39), 0);
}
