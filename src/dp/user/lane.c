/* SPDX-License-Identifier: MIT */
#include "dp/user/lane.h"

#include <string.h>

#include "wire/ether.h"
#include "wire/ip.h"

#define IP4_ADDRESSES 12
#define IP6_ADDRESSES 8
#define PORTS_SIZE 4
#define IP4_FRAGMENT 0x3FFFu /* more fragments, or an offset */

static uint64_t mix(uint64_t hash, const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return (hash ^ word) * 0x9E3779B97F4A7C15u;
}

static bool has_ports(uint8_t proto)
{
    return proto == IP_PROTO_TCP || proto == IP_PROTO_UDP;
}

static unsigned lane_of(const uint8_t *addresses, size_t address_bytes, const uint8_t *ports, unsigned lanes)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < address_bytes; i += sizeof(uint32_t)) {
        hash = mix(hash, addresses + i);
    }
    if (ports) {
        hash = mix(hash, ports);
    }
    return 1 + (unsigned)((hash >> 32) % (lanes - 1));
}

unsigned lane_of_packet(const uint8_t *packet, size_t len, bool tap, unsigned lanes)
{
    if (lanes < 2) {
        return 0;
    }
    if (tap) {
        struct ether_frame frame;
        if (ether_parse(packet, len, &frame) || (frame.type != ETHER_IPV4 && frame.type != ETHER_IPV6)) {
            return 0;
        }
        packet += frame.l3_offset;
        len -= frame.l3_offset;
    }
    if (len >= IP_V4_HEADER && packet[0] >> 4 == 4 && has_ports(packet[9])) {
        size_t header = (packet[0] & 0xFu) * 4u;
        bool ports = !(be16_load(packet + 6) & IP4_FRAGMENT) && header >= IP_V4_HEADER && header + PORTS_SIZE <= len;
        return lane_of(packet + IP4_ADDRESSES, 8, ports ? packet + header : NULL, lanes);
    }
    if (len >= IP_V6_HEADER + PORTS_SIZE && packet[0] >> 4 == 6 && has_ports(packet[6])) {
        return lane_of(packet + IP6_ADDRESSES, 32, packet + IP_V6_HEADER, lanes);
    }
    return 0;
}
