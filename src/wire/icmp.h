/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_ICMP_H
#define VPND_WIRE_ICMP_H

#include "base/addr.h"

/*
 * ICMP errors that answer a packet from the device. Each writes a whole IP packet to @out and quotes as much of the
 * offending one as RFC 792 / RFC 4443 allow. Nothing is produced for packets that must not be answered: ICMP errors,
 * fragments other than the first, multicast or unspecified sources. Any thread.
 * Return: length of the answer, 0 for none.
 */
#define ICMP_ANSWER_MAX 1280

/** icmp_too_big - IPv4 "fragmentation needed" or ICMPv6 "packet too big", by the version of @ip.
 *  @from: our address; unset (AF_UNSPEC): the destination of the offending packet speaks. @mtu: next-hop MTU. */
size_t icmp_too_big(const uint8_t *ip, size_t len, const struct ip_addr *from, unsigned mtu,
                    uint8_t out[ICMP_ANSWER_MAX]);

/** icmp_unreachable6 - ICMPv6 destination unreachable, no route (type 1 code 0): block-ipv6.
 *  @from: our address; unset: fe80::8. */
size_t icmp_unreachable6(const uint8_t *ip, size_t len, const struct ip_addr *from, uint8_t out[ICMP_ANSWER_MAX]);

#endif
