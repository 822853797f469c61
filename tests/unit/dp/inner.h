/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_DP_INNER_H
#define VPND_TESTS_DP_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Inner packets for the offload tests, built the slow and obvious way. */
#define INNER_MAX 65600

struct inner {
    unsigned version;     /* 4, 6 */
    bool udp;
    unsigned tags;        /* VLAN tags; only with tap */
    bool tap;
    unsigned flow;        /* decides addresses and ports */
    uint8_t tos;
    uint8_t ttl;
    uint16_t id;          /* IPv4 */
    uint16_t frag;        /* IPv4 flags and offset field */
    unsigned extension;   /* IPv6: bytes of a destination options header, multiple of 8 */
    uint32_t seq;
    uint32_t ack;
    uint8_t flags;
    uint16_t window;
    unsigned tcp_options; /* bytes, multiple of 4 */
    unsigned payload;
    uint8_t fill;         /* payload byte i is fill + 7 * i, mixed with seq */
};

/** inner_build - write the whole packet with right checksums. Return: length. */
size_t inner_build(const struct inner *p, uint8_t *out);

/** inner_header_len - everything in front of the payload. */
size_t inner_header_len(const struct inner *p);

/** inner_l4 - offset of the TCP or UDP header. */
size_t inner_l4(const struct inner *p);

/** inner_l3 - offset of the IP header. */
size_t inner_l3(const struct inner *p);

/** inner_checksum - RFC 1071, a word at a time. */
uint16_t inner_checksum(const uint8_t *data, size_t len, uint32_t sum);

/** inner_finish - recompute lengths and checksums of a packet whose headers were changed. */
void inner_finish(const struct inner *p, uint8_t *packet, size_t len);

#endif
