/* SPDX-License-Identifier: MIT */
#include "wire/mss.h"

#include "wire/csum.h"
#include "wire/ip.h"

#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2
#define OPTION_MSS_SIZE 4

static uint16_t swap16(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}

static bool lower(uint8_t *tcp, size_t at, unsigned mss)
{
    if (be16_load(tcp + at) <= mss) {
        return false;
    }
    uint16_t from = csum_load16(tcp + at);
    be16_store(tcp + at, (uint16_t)mss);
    uint16_t to = csum_load16(tcp + at);
    /* At an odd offset the value straddles two words: its bytes count with swapped weight. */
    bool odd = at & 1;
    uint16_t check = csum_update16(csum_load16(tcp + 16), odd ? swap16(from) : from, odd ? swap16(to) : to);
    csum_store16(tcp + 16, check);
    return true;
}

bool mss_clamp(uint8_t *ip, size_t len, unsigned mss)
{
    struct ip_packet packet;
    if (len < IP_V4_HEADER + IP_TCP_HEADER || ip_packet_parse(ip, len, &packet) != 0 ||
        packet.proto != IP_PROTO_TCP || packet.l4_header_len <= IP_TCP_HEADER) {
        return false;
    }
    uint8_t *tcp = ip + packet.header_len;
    if (!(tcp[13] & IP_TCP_SYN)) {
        return false;
    }
    if (packet.version == 6) {
        mss = mss > 20 ? mss - 20 : 0;
    }
    if (mss == 0) {
        return false;
    }
    size_t end = packet.l4_header_len;
    for (size_t at = IP_TCP_HEADER; at < end && tcp[at] != OPTION_END;) {
        if (tcp[at] == OPTION_NOP) {
            at++;
            continue;
        }
        if (end - at < 2 || tcp[at + 1] < 2 || tcp[at + 1] > end - at) {
            return false;
        }
        if (tcp[at] == OPTION_MSS) {
            return tcp[at + 1] == OPTION_MSS_SIZE && lower(tcp, at + 2, mss);
        }
        at += tcp[at + 1];
    }
    return false;
}
