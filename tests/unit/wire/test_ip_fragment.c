/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/rand.h"
#include "base/span.h"
#include "wire/csum.h"
#include "wire/ip.h"
#include "wire/ip_fragment.h"

static size_t packet(uint8_t *p, size_t payload, unsigned flags)
{
    memset(p, 0, 20);
    p[0] = 0x45;
    p[1] = 0xB8;
    be16_store(p + 2, (uint16_t)(20 + payload));
    be16_store(p + 4, 0x1234);
    be16_store(p + 6, (uint16_t)flags);
    p[8] = 64;
    p[9] = IP_PROTO_UDP;
    be32_store(p + 12, 0x0A080001);
    be32_store(p + 16, 0x0A080002);
    csum_ip4_header(p, 20);
    for (size_t i = 0; i < payload; i++) {
        p[20 + i] = (uint8_t)(i * 7);
    }
    return 20 + payload;
}

/* Cut, check every fragment, and put the payload together again. */
static void check(size_t payload, size_t mtu, unsigned flags)
{
    uint8_t p[4096];
    uint8_t out[4096];
    uint8_t whole[4096];
    size_t len = packet(p, payload, flags);
    size_t offset = 0;
    cr_assert(ip_fragment_allowed(p, len));
    for (size_t n; (n = ip_fragment_write(p, len, offset, mtu, out)) != 0; offset += n - 20) {
        struct ip_packet ip;
        cr_assert_leq(n, mtu);
        cr_assert_eq(ip_packet_parse(out, n, &ip), 0);
        cr_assert_eq(ip.len, n);
        cr_assert_eq(csum_fold16(csum_partial(out, 20)), 0xFFFF, "header checksum");
        unsigned field = be16_load(out + 6);
        bool last = offset + n - 20 == payload;
        cr_assert_eq(field & 0x1FFF, (flags & 0x1FFF) + offset / 8);
        cr_assert_eq((field & 0x2000) != 0, !last || (flags & 0x2000));
        cr_assert(last || (n - 20) % 8 == 0);
        cr_assert_eq(memcmp(out + 8, p + 8, 2), 0);
        cr_assert_eq(be16_load(out + 4), 0x1234);
        cr_assert_eq(out[1], 0xB8);
        memcpy(whole + offset, out + 20, n - 20);
    }
    cr_assert_eq(offset, payload);
    cr_assert_arr_eq(whole, p + 20, payload);
}

Test(ip_fragment, every_length_and_mtu)
{
    for (size_t mtu = 28; mtu < 200; mtu++) {
        for (size_t payload = 1; payload < 400; payload += 3) {
            check(payload, mtu, 0);
        }
    }
    check(1480, 1344, 0);
    check(2000, 576, 0x2000);      /* the first fragment of something longer */
    check(2000, 576, 0x2000 | 50); /* one from the middle */
    check(2000, 576, 100);         /* the last one */
}

Test(ip_fragment, what_may_not_be_cut)
{
    uint8_t p[200];
    size_t len = packet(p, 100, 0x4000);
    cr_assert_not(ip_fragment_allowed(p, len), "don't fragment");
    len = packet(p, 100, 0);
    cr_assert_not(ip_fragment_allowed(p, len - 1), "cut off");
    cr_assert_not(ip_fragment_allowed(p, 0));
    p[0] = 0x46;
    cr_assert_not(ip_fragment_allowed(p, len), "options");
    p[0] = 0x65;
    cr_assert_not(ip_fragment_allowed(p, len), "IPv6");
    uint8_t out[200];
    len = packet(p, 100, 0);
    cr_assert_eq(ip_fragment_write(p, len, 0, 27, out), 0u, "no room");
    cr_assert_eq(ip_fragment_write(p, len, 100, 60, out), 0u, "the end");
}
