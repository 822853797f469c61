/* SPDX-License-Identifier: MIT */
#include "wire/icmp.h"

#include <string.h>

#include "wire/csum.h"
#include "wire/ip.h"

#define ICMP_HEADER 8
#define ANSWER_TTL 64
#define V4_UNREACHABLE 3
#define V4_FRAGMENTATION_NEEDED 4
#define V6_UNREACHABLE 1
#define V6_TOO_BIG 2
#define V6_NO_ROUTE 0
#define V4_QUOTE_MAX (576 - IP_V4_HEADER - ICMP_HEADER) /* RFC 1812 4.3.2.3 */

/* Which ICMP types report errors; others (echo) may be answered with an error. */
static bool is_error_report(const uint8_t *ip, const struct ip_packet *p)
{
    if (p->len <= p->header_len || !p->first_fragment) {
        return false;
    }
    unsigned type = ip[p->header_len];
    if (p->proto == IP_PROTO_ICMP) {
        return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    }
    return p->proto == IP_PROTO_ICMP6 && type < 128;
}

static bool may_answer4(const uint8_t *ip, const struct ip_packet *p)
{
    uint32_t from = be32_load(ip + 12);
    uint32_t to = be32_load(ip + 16);
    bool bad_source = from >> 28 >= 14 || from >> 24 == 0 || from >> 24 == 127;
    return p->first_fragment && !bad_source && to >> 28 != 14 && to != 0xFFFFFFFFu && !is_error_report(ip, p);
}

/* @to_group: packet too big is the one error that may answer a multicast packet (RFC 4443 2.4 e.3). */
static bool may_answer6(const uint8_t *ip, const struct ip_packet *p, bool to_group)
{
    static const uint8_t zero[16];
    bool bad_source = ip[8] == 0xFF || memcmp(ip + 8, zero, 16) == 0;
    return p->first_fragment && !bad_source && (to_group || ip[24] != 0xFF) && !is_error_report(ip, p);
}

static size_t answer4(const uint8_t *ip, const struct ip_packet *p, const struct ip_addr *from, unsigned mtu,
                      uint8_t *out)
{
    size_t quote = p->len < V4_QUOTE_MAX ? p->len : V4_QUOTE_MAX;
    size_t len = IP_V4_HEADER + ICMP_HEADER + quote;
    uint8_t *icmp = out + IP_V4_HEADER;
    memset(out, 0, IP_V4_HEADER + ICMP_HEADER);
    out[0] = 0x45;
    out[1] = 0xC0; /* internetwork control, as routers send their errors */
    be16_store(out + 2, (uint16_t)len);
    out[8] = ANSWER_TTL;
    out[9] = IP_PROTO_ICMP;
    memcpy(out + 12, from && ip_len(from) == 4 ? from->bytes : ip + 16, 4);
    memcpy(out + 16, ip + 12, 4);
    csum_ip4_header(out, IP_V4_HEADER);
    icmp[0] = V4_UNREACHABLE;
    icmp[1] = V4_FRAGMENTATION_NEEDED;
    be16_store(icmp + 6, (uint16_t)(mtu > UINT16_MAX ? UINT16_MAX : mtu));
    memcpy(icmp + ICMP_HEADER, ip, quote);
    csum_store16(icmp + 2, csum_finish(csum_partial(icmp, ICMP_HEADER + quote)));
    return len;
}

static size_t answer6(const uint8_t *ip, const struct ip_packet *p, const uint8_t *from, unsigned type, unsigned mtu,
                      uint8_t *out)
{
    size_t room = ICMP_ANSWER_MAX - IP_V6_HEADER - ICMP_HEADER;
    size_t quote = p->len < room ? p->len : room;
    uint32_t icmp_len = (uint32_t)(ICMP_HEADER + quote);
    uint8_t *icmp = out + IP_V6_HEADER;
    memset(out, 0, IP_V6_HEADER + ICMP_HEADER);
    out[0] = 0x60;
    be16_store(out + 4, (uint16_t)icmp_len);
    out[6] = IP_PROTO_ICMP6;
    out[7] = ANSWER_TTL;
    memcpy(out + 8, from, 16);
    memcpy(out + 24, ip + 8, 16);
    icmp[0] = (uint8_t)type;
    be32_store(icmp + 4, mtu);
    memcpy(icmp + ICMP_HEADER, ip, quote);
    uint64_t sum = csum_add(csum_pseudo6(out, IP_PROTO_ICMP6, icmp_len), csum_partial(icmp, icmp_len));
    csum_store16(icmp + 2, csum_finish(sum));
    return IP_V6_HEADER + icmp_len;
}

size_t icmp_too_big(const uint8_t *ip, size_t len, const struct ip_addr *from, unsigned mtu,
                    uint8_t out[ICMP_ANSWER_MAX])
{
    struct ip_packet p;
    if (ip_packet_parse(ip, len, &p) != 0) {
        return 0;
    }
    if (p.version == 4) {
        return may_answer4(ip, &p) ? answer4(ip, &p, from, mtu, out) : 0;
    }
    const uint8_t *source = from && ip_len(from) == 16 ? from->bytes : ip + 24;
    /* Nobody speaks from a multicast address: without one of our own there is no answer to such packets. */
    if (source[0] == 0xFF || !may_answer6(ip, &p, true)) {
        return 0;
    }
    return answer6(ip, &p, source, V6_TOO_BIG, mtu, out);
}

size_t icmp_unreachable6(const uint8_t *ip, size_t len, const struct ip_addr *from, uint8_t out[ICMP_ANSWER_MAX])
{
    static const uint8_t link_local[16] = {0xFE, 0x80, [15] = 8};
    struct ip_packet p;
    if (ip_packet_parse(ip, len, &p) != 0 || p.version != 6 || !may_answer6(ip, &p, false)) {
        return 0;
    }
    return answer6(ip, &p, from && ip_len(from) == 16 ? from->bytes : link_local, V6_UNREACHABLE, V6_NO_ROUTE, out);
}
