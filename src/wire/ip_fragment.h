/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_IP_FRAGMENT_H
#define VPND_WIRE_IP_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** ip_fragment_allowed - whether a router may fragment @ip (@len bytes): IPv4 without "don't fragment". Packets with
 *  options are not taken on. */
bool ip_fragment_allowed(const uint8_t *ip, size_t len);

/**
 * ip_fragment_write - the fragment of a packet that begins at @offset of its payload (RFC 791 3.2)
 * @ip:     ip_fragment_allowed(); may be a fragment itself
 * @offset: 0, then what the calls before have written together without their headers
 * @mtu:    longest fragment, header included: at least 28
 * @out:    @mtu bytes
 * Any thread. Return: length of the fragment; 0 when @offset is the end.
 */
size_t ip_fragment_write(const uint8_t *ip, size_t len, size_t offset, size_t mtu, uint8_t *out);

#endif
