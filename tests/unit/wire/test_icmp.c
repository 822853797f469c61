/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "wire/csum.h"
#include "wire/icmp.h"
#include "wire/ip.h"

static size_t packet4(uint8_t *p, size_t len, uint8_t proto)
{
    memset(p, 0, len);
    p[0] = 0x45;
    be16_store(p + 2, (uint16_t)len);
    p[9] = proto;
    be32_store(p + 12, 0x0A080002);
    be32_store(p + 16, 0xC0000201);
    p[20] = 8;
    csum_ip4_header(p, 20);
    return len;
}

static size_t packet6(uint8_t *p, size_t len, uint8_t proto)
{
    memset(p, 0, len);
    p[0] = 0x60;
    be16_store(p + 4, (uint16_t)(len - 40));
    p[6] = proto;
    p[8] = 0xFD;
    p[23] = 2;
    p[24] = 0x20;
    p[39] = 9;
    p[40] = 128;
    return len;
}

Test(icmp, too_big_for_ipv4)
{
    uint8_t p[1500];
    uint8_t out[ICMP_ANSWER_MAX];
    struct ip_packet ip;
    size_t len = packet4(p, sizeof(p), IP_PROTO_UDP);
    size_t n = icmp_too_big(p, len, NULL, 1400, out);
    cr_assert_eq(n, 576);
    cr_assert_eq(ip_packet_parse(out, n, &ip), 0);
    cr_assert_eq(ip.len, n);
    cr_assert_eq(ip.proto, IP_PROTO_ICMP);
    cr_assert_eq(csum_fold16(csum_partial(out, 20)), 0xFFFF);
    cr_assert_eq(csum_fold16(csum_partial(out + 20, n - 20)), 0xFFFF);
    cr_assert_eq(out[20], 3);
    cr_assert_eq(out[21], 4);
    cr_assert_eq(be16_load(out + 26), 1400);
    cr_assert_arr_eq(out + 12, p + 16, 4, "speaks as the destination");
    cr_assert_arr_eq(out + 16, p + 12, 4);
    cr_assert_arr_eq(out + 28, p, 548);
    struct ip_addr from = ip4_from_u32(0x0A080001);
    n = icmp_too_big(p, len, &from, 1400, out);
    cr_assert_eq(be32_load(out + 12), 0x0A080001);
    len = packet4(p, 60, IP_PROTO_TCP);
    cr_assert_eq(icmp_too_big(p, len, &from, 1400, out), 88);
}

Test(icmp, too_big_and_unreachable_for_ipv6)
{
    uint8_t p[1500];
    uint8_t out[ICMP_ANSWER_MAX];
    size_t len = packet6(p, sizeof(p), IP_PROTO_TCP);
    size_t n = icmp_too_big(p, len, NULL, 1380, out);
    cr_assert_eq(n, 1280);
    cr_assert_eq(out[40], 2);
    cr_assert_eq(be32_load(out + 44), 1380);
    uint32_t icmp_len = (uint32_t)n - 40;
    cr_assert_eq(csum_fold16(csum_add(csum_pseudo6(out, 58, icmp_len), csum_partial(out + 40, icmp_len))), 0xFFFF);
    n = icmp_unreachable6(p, len, NULL, out);
    cr_assert_eq(n, 1280);
    cr_assert_eq(out[40], 1);
    cr_assert_eq(out[41], 0);
    cr_assert_eq(out[8], 0xFE);
    cr_assert_arr_eq(out + 24, p + 8, 16);
    cr_assert_arr_eq(out + 48, p, 1280 - 48);
}

Test(icmp, some_packets_are_never_answered)
{
    uint8_t p[200];
    uint8_t out[ICMP_ANSWER_MAX];
    size_t len = packet4(p, sizeof(p), IP_PROTO_ICMP);
    cr_assert_gt(icmp_too_big(p, len, NULL, 100, out), 0, "an echo request");
    p[20] = 3;
    cr_assert_eq(icmp_too_big(p, len, NULL, 100, out), 0, "an ICMP error");
    len = packet4(p, sizeof(p), IP_PROTO_UDP);
    be16_store(p + 6, 1);
    cr_assert_eq(icmp_too_big(p, len, NULL, 100, out), 0, "a later fragment");
    len = packet4(p, sizeof(p), IP_PROTO_UDP);
    p[16] = 224;
    cr_assert_eq(icmp_too_big(p, len, NULL, 100, out), 0, "to a group");
    len = packet4(p, sizeof(p), IP_PROTO_UDP);
    p[12] = 0;
    cr_assert_eq(icmp_too_big(p, len, NULL, 100, out), 0, "from nobody");
    len = packet6(p, sizeof(p), IP_PROTO_ICMP6);
    cr_assert_gt(icmp_unreachable6(p, len, NULL, out), 0);
    p[40] = 1;
    cr_assert_eq(icmp_unreachable6(p, len, NULL, out), 0);
    len = packet6(p, sizeof(p), IP_PROTO_UDP);
    p[24] = 0xFF;
    cr_assert_eq(icmp_unreachable6(p, len, NULL, out), 0);
    cr_assert_eq(icmp_too_big(p, len, NULL, 1280, out), 0, "no address to speak from");
    cr_assert_eq(icmp_unreachable6(p, 39, NULL, out), 0);
    cr_assert_eq(icmp_too_big(p, 0, NULL, 1280, out), 0);
}
