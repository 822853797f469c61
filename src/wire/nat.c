/* SPDX-License-Identifier: MIT */
#include "wire/nat.h"

#include "wire/csum.h"
#include "wire/ip.h"

#define SOURCE_AT 12
#define DESTINATION_AT 16

/* New address, or false when @rule does not touch the address at @at. */
static bool translate(const struct nat_rule *rule, enum nat_direction direction, unsigned at, uint32_t address,
                      uint32_t *to)
{
    bool outward = direction == NAT_TO_TUNNEL;
    /* What leaves has its source changed by snat; the answer coming back has it as its destination. */
    bool on_source = (rule->kind == NAT_SOURCE) == outward;
    uint32_t match = outward ? rule->network : rule->alias;
    uint32_t instead = outward ? rule->alias : rule->network;
    if (on_source != (at == SOURCE_AT) || (address & rule->mask) != match) {
        return false;
    }
    *to = (address & ~rule->mask) | instead;
    return true;
}

/* Offset of the checksum field that covers the addresses, 0 when there is none in this packet. */
static unsigned l4_check_field(const uint8_t *ip, const struct ip_packet *p)
{
    uint32_t l4_len = p->len - p->header_len;
    if (!p->first_fragment) {
        return 0;
    }
    if (p->proto == IP_PROTO_TCP && l4_len >= IP_TCP_HEADER) {
        return p->header_len + 16u;
    }
    bool udp = p->proto == IP_PROTO_UDP && l4_len >= IP_UDP_HEADER;
    return udp && csum_load16(ip + p->header_len + 6) != 0 ? p->header_len + 6u : 0;
}

static void rewrite(uint8_t *ip, const struct ip_packet *p, unsigned at, uint32_t address)
{
    uint32_t from;
    uint32_t to;
    memcpy(&from, ip + at, 4);
    be32_store(ip + at, address);
    memcpy(&to, ip + at, 4);
    csum_store16(ip + 10, csum_update32(csum_load16(ip + 10), from, to));
    unsigned field = l4_check_field(ip, p);
    if (field) {
        uint16_t check = csum_update32(csum_load16(ip + field), from, to);
        csum_store16(ip + field, p->proto == IP_PROTO_UDP && check == 0 ? 0xFFFF : check);
    }
}

bool nat_apply(const struct nat_rule *rules, size_t count, enum nat_direction direction, uint8_t *ip, size_t len)
{
    struct ip_packet p;
    bool changed = false;
    if (ip_version(ip, len) != 4 || ip_packet_parse(ip, len, &p) != 0) {
        return false;
    }
    for (unsigned at = SOURCE_AT; at <= DESTINATION_AT; at += 4) {
        uint32_t to;
        for (size_t i = 0; i < count; i++) {
            if (translate(&rules[i], direction, at, be32_load(ip + at), &to)) {
                rewrite(ip, &p, at, to);
                changed = true;
                break;
            }
        }
    }
    return changed;
}
