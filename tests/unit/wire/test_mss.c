/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "wire/csum.h"
#include "wire/ip.h"
#include "wire/mss.h"

/* SYN with the given options; complete checksums. */
static size_t syn(uint8_t *p, unsigned version, const uint8_t *options, unsigned options_len)
{
    size_t l3 = version == 4 ? 20 : 40;
    size_t len = l3 + 20 + options_len;
    memset(p, 0, len);
    if (version == 4) {
        p[0] = 0x45;
        be16_store(p + 2, (uint16_t)len);
        p[9] = IP_PROTO_TCP;
        be32_store(p + 12, 0x0A000001);
        csum_ip4_header(p, 20);
    } else {
        p[0] = 0x60;
        be16_store(p + 4, (uint16_t)(len - 40));
        p[6] = IP_PROTO_TCP;
        p[39] = 9;
    }
    uint8_t *tcp = p + l3;
    be16_store(tcp, 1234);
    tcp[12] = (uint8_t)((20 + options_len) / 4 << 4);
    tcp[13] = IP_TCP_SYN;
    memcpy(tcp + 20, options, options_len);
    struct ip_packet ip;
    cr_assert_eq(ip_packet_parse(p, len, &ip), 0);
    csum_store16(tcp + 16, csum_finish(csum_add(ip_l4_pseudo(p, &ip), csum_partial(tcp, len - l3))));
    return len;
}

static void clamps(unsigned version, const uint8_t *options, unsigned options_len, unsigned at, unsigned mss,
                   unsigned expect)
{
    uint8_t p[128];
    size_t len = syn(p, version, options, options_len);
    unsigned l3 = version == 4 ? 20 : 40;
    unsigned before = be16_load(p + l3 + 20 + at);
    cr_assert_eq(mss_clamp(p, len, mss), before != expect);
    cr_assert_eq(be16_load(p + l3 + 20 + at), expect);
    struct ip_packet ip;
    cr_assert_eq(ip_packet_parse(p, len, &ip), 0);
    cr_assert(ip_l4_verify(p, &ip), "checksum follows");
}

Test(mss, lowers_and_keeps_the_checksum_right)
{
    const uint8_t even[] = {2, 4, 0x05, 0xB4, 1, 1, 4, 2};
    const uint8_t odd[] = {1, 2, 4, 0x05, 0xB4, 1, 1, 0};
    for (unsigned version = 4; version <= 6; version += 2) {
        unsigned less = version == 6 ? 20 : 0;
        clamps(version, even, sizeof(even), 2, 1300, 1300 - less);
        clamps(version, odd, sizeof(odd), 3, 1300, 1300 - less);
        clamps(version, odd, sizeof(odd), 3, 200, 200 - less);
        clamps(version, even, sizeof(even), 2, 1500, 1460);
        clamps(version, even, sizeof(even), 2, 0, 1460);
    }
    clamps(4, even, sizeof(even), 2, 1460, 1460);
    clamps(6, even, sizeof(even), 2, 1480, 1460);
}

static void untouched(uint8_t *p, size_t len)
{
    uint8_t copy[128];
    memcpy(copy, p, len);
    cr_assert_not(mss_clamp(p, len, 500));
    cr_assert_arr_eq(p, copy, len);
}

Test(mss, leaves_everything_else_alone)
{
    uint8_t p[128];
    const uint8_t mss[] = {2, 4, 0x05, 0xB4};
    size_t len = syn(p, 4, mss, 4);
    p[20 + 13] = IP_TCP_ACK;
    untouched(p, len);
    len = syn(p, 4, mss, 4);
    p[6] = 0x20; /* a fragment */
    untouched(p, len);
    len = syn(p, 4, mss, 4);
    p[9] = IP_PROTO_UDP;
    untouched(p, len);
    len = syn(p, 4, mss, 4);
    untouched(p, len - 1);
    const uint8_t broken[][4] = {{2, 3, 0x05, 0xB4}, {2, 5, 0x05, 0xB4}, {3, 0, 2, 4}, {3, 1, 2, 4}, {0, 2, 4, 5},
                                 {1, 1, 1, 2}};
    for (unsigned i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        len = syn(p, 4, broken[i], 4);
        untouched(p, len);
    }
}
