/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "wire/csum.h"
#include "wire/ip.h"
#include "wire/nat.h"

static const struct nat_rule rules[] = {
    {NAT_SOURCE, 0xC0A80000, 0xFFFF0000, 0x0A410000},      /* 192.168/16 appears as 10.65/16 */
    {NAT_DESTINATION, 0x0A010000, 0xFFFFFF00, 0xAC100100}, /* 10.1.0/24 really is 172.16.1/24 */
    {NAT_SOURCE, 0xC0A80100, 0xFFFFFF00, 0x0B000000},      /* shadowed by the first */
};

static size_t packet(uint8_t *p, uint8_t proto, uint32_t from, uint32_t to)
{
    size_t len = 20 + 40;
    memset(p, 0, len);
    p[0] = 0x45;
    be16_store(p + 2, (uint16_t)len);
    p[9] = proto;
    be32_store(p + 12, from);
    be32_store(p + 16, to);
    csum_ip4_header(p, 20);
    unsigned field = proto == IP_PROTO_TCP ? 16 : 6;
    if (proto == IP_PROTO_TCP) {
        p[32] = 0x50;
    } else {
        be16_store(p + 24, 40);
    }
    csum_store16(p + 20 + field, csum_finish(csum_add(csum_pseudo4(p, proto, 40), csum_partial(p + 20, 40))));
    return len;
}

static void check(uint8_t *p, size_t len, uint32_t from, uint32_t to)
{
    struct ip_packet ip;
    cr_assert_eq(ip_packet_parse(p, len, &ip), 0);
    cr_assert_eq(be32_load(p + 12), from, "source %08x", be32_load(p + 12));
    cr_assert_eq(be32_load(p + 16), to, "destination %08x", be32_load(p + 16));
    cr_assert_eq(csum_fold16(csum_partial(p, 20)), 0xFFFF);
    cr_assert(ip_l4_verify(p, &ip));
}

Test(nat, both_ways_with_right_checksums)
{
    uint8_t p[64];
    static const uint8_t protocols[] = {IP_PROTO_TCP, IP_PROTO_UDP};
    for (unsigned i = 0; i < 2; i++) {
        size_t len = packet(p, protocols[i], 0xC0A80105, 0x0A010007);
        cr_assert(nat_apply(rules, 3, NAT_TO_TUNNEL, p, len));
        check(p, len, 0x0A410105, 0xAC100107);
        len = packet(p, protocols[i], 0xAC100107, 0x0A410105);
        cr_assert(nat_apply(rules, 3, NAT_FROM_TUNNEL, p, len));
        check(p, len, 0x0A010007, 0xC0A80105);
    }
}

Test(nat, what_matches_nothing_is_left_alone)
{
    uint8_t p[64];
    uint8_t copy[64];
    size_t len = packet(p, IP_PROTO_UDP, 0x08080808, 0x08080404);
    memcpy(copy, p, len);
    cr_assert_not(nat_apply(rules, 3, NAT_TO_TUNNEL, p, len));
    cr_assert_not(nat_apply(rules, 0, NAT_TO_TUNNEL, p, len));
    cr_assert_not(nat_apply(rules, 3, NAT_TO_TUNNEL, p, 10));
    cr_assert_arr_eq(p, copy, len);
    p[0] = 0x60;
    cr_assert_not(nat_apply(rules, 3, NAT_TO_TUNNEL, p, len));
}

Test(nat, absent_udp_checksum_stays_absent)
{
    uint8_t p[64];
    size_t len = packet(p, IP_PROTO_UDP, 0xC0A80105, 0x08080808);
    be16_store(p + 26, 0);
    cr_assert(nat_apply(rules, 3, NAT_TO_TUNNEL, p, len));
    cr_assert_eq(be16_load(p + 26), 0);
}
