/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_IP_H
#define VPND_WIRE_IP_H

#include "base/err.h"
#include "base/span.h"

enum ip_protocol { IP_PROTO_ICMP = 1, IP_PROTO_TCP = 6, IP_PROTO_UDP = 17, IP_PROTO_ICMP6 = 58 };

#define IP_V4_HEADER 20
#define IP_V6_HEADER 40
#define IP_TCP_HEADER 20
#define IP_UDP_HEADER 8

/** TCP flag bits (byte 13 of the header). */
enum ip_tcp_flag {
    IP_TCP_FIN = 0x01,
    IP_TCP_SYN = 0x02,
    IP_TCP_RST = 0x04,
    IP_TCP_PSH = 0x08,
    IP_TCP_ACK = 0x10,
    IP_TCP_URG = 0x20,
    IP_TCP_ECE = 0x40,
    IP_TCP_CWR = 0x80,
};

/** An IP packet, as far as it was parsed. Offsets count from the first byte of the IP header. */
struct ip_packet {
    uint8_t version;         /* 4 or 6 */
    uint8_t proto;           /* L4 protocol, after IPv6 extension headers */
    bool fragment;           /* any fragment (more-fragments set or offset not 0, or an IPv6 fragment header) */
    bool first_fragment;     /* offset 0: the L4 header is here */
    bool extensions;         /* IPv6: extension headers between IP and L4 header */
    uint16_t header_len;     /* up to the L4 header */
    uint16_t l4_header_len;  /* TCP with options, UDP 8; 0 for others, fragments, or when it is cut off */
    uint32_t len;            /* of the packet by its own header; never more than the bytes given */
};

/**
 * ip_packet_parse - IPv4 or IPv6 header (with extension headers) and the TCP or UDP header
 * @len: bytes available; trailing bytes beyond the header's length are padding
 *
 * A broken L4 header is no error (l4_header_len is 0 then): the packet can still be routed.
 * Any thread. Return: 0; ERR_TRUNCATED (shorter than its headers say); ERR_FORMAT (version, header length, a chain
 * of extension headers that does not end).
 */
int ip_packet_parse(const uint8_t *data, size_t len, struct ip_packet *out);

/** ip_version - upper half of the first byte; 0 when empty. */
static inline unsigned ip_version(const uint8_t *data, size_t len)
{
    return len ? data[0] >> 4 : 0;
}

/** ip_routable - the cheap check before a route lookup: a known version with a whole fixed header, and not longer by
 *  its own account than it is. */
static inline bool ip_routable(const uint8_t *data, size_t len)
{
    unsigned v = ip_version(data, len);
    if (v == 4 && len >= IP_V4_HEADER) {
        size_t header = (data[0] & 0x0Fu) * 4u;
        size_t total = (size_t)data[2] << 8 | data[3];
        return header >= IP_V4_HEADER && header <= total && total <= len;
    }
    return v == 6 && len >= IP_V6_HEADER && ((size_t)data[4] << 8 | data[5]) + IP_V6_HEADER <= len;
}

/** ip_l4_partial - sum of pseudo-header for the L4 part of a parsed packet (see csum.h). */
uint64_t ip_l4_pseudo(const uint8_t *data, const struct ip_packet *packet);

/** ip_l4_verify - whether the TCP or UDP checksum of a whole (unfragmented) packet is right. A UDP checksum of
 *  zero is "absent" and gives false. */
bool ip_l4_verify(const uint8_t *data, const struct ip_packet *packet);

/** ip_tos - TOS or traffic class byte; 0 for anything else. */
uint8_t ip_tos(const uint8_t *data, size_t len);

#endif
