/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_MSS_H
#define VPND_WIRE_MSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * mss_clamp - lower the MSS option of a TCP SYN (data channel spec, 13.2)
 * @ip:  IP packet (tap: after the Ethernet header and tags), complete checksums
 * @mss: limit for IPv4; IPv6 gets 20 less
 *
 * Anything but an unfragmented TCP SYN with a larger MSS is left alone. The checksum is updated incrementally.
 * Any thread. Return: true when the packet was changed.
 */
bool mss_clamp(uint8_t *ip, size_t len, unsigned mss);

#endif
