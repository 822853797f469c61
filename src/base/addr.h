/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_ADDR_H
#define VPND_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** An IPv4 or IPv6 socket address. @any.sa_family is AF_UNSPEC when unset. */
union addr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/** An IPv4 (first 4 bytes of @bytes) or IPv6 address without a port. @family AF_UNSPEC when unset. */
struct ip_addr {
    uint16_t family;
    uint8_t bytes[16];
};

/** A network: address with host bits zero, and its length in bits. */
struct ip_prefix {
    struct ip_addr addr;
    uint8_t bits;
};

#define ADDR_TEXT_MAX 80 /* enough for every addr_format*() result with its NUL */

/** addr_size - length to pass to the socket calls. */
socklen_t addr_size(const union addr *a);

/** addr_from_sockaddr - copy @len bytes of a kernel's sockaddr; a v4-mapped IPv6 address becomes plain IPv4.
 *  Return: 0 or ERR_FORMAT. */
int addr_from_sockaddr(union addr *out, const struct sockaddr *sa, size_t len);

/** addr_port - port in host order. */
uint16_t addr_port(const union addr *a);

/** addr_set_port - change the port (host order). */
void addr_set_port(union addr *a, uint16_t port);

/** addr_equal - same family, address, port (and scope for IPv6). */
bool addr_equal(const union addr *a, const union addr *b);

/** addr_key - canonical bytes for hashing and cookies: family byte 4|6, address, port (big-endian).
 *  Return: bytes written to @out, at most 19. */
size_t addr_key(const union addr *a, uint8_t out[19]);

/** addr_to_ip - the address without the port. */
struct ip_addr addr_to_ip(const union addr *a);

/** addr_from_ip - socket address from an address and a port (host order). */
union addr addr_from_ip(const struct ip_addr *ip, uint16_t port);

/** addr_format - "192.0.2.1:1194" or "[2001:db8::1]:1194" as status files print it. Return: @out. */
const char *addr_format(const union addr *a, char out[ADDR_TEXT_MAX]);

/** addr_format_log - "[AF_INET]192.0.2.1:1194" or "[AF_INET6]2001:db8::1:1194" as log lines print it. */
const char *addr_format_log(const union addr *a, char out[ADDR_TEXT_MAX]);

/** ip_parse - numeric address of either family (no port, no brackets). Return: 0 or ERR_FORMAT. */
int ip_parse(const char *text, struct ip_addr *out);

/** ip_format - numeric text. Return: @out. */
const char *ip_format(const struct ip_addr *ip, char out[ADDR_TEXT_MAX]);

/** ip_equal - same family and bytes. */
bool ip_equal(const struct ip_addr *a, const struct ip_addr *b);

/** ip_len - 4, 16, or 0 when unset. */
size_t ip_len(const struct ip_addr *ip);

/** ip4_from_u32 - IPv4 address from a number in host order. */
struct ip_addr ip4_from_u32(uint32_t v);

/** ip4_to_u32 - IPv4 address as a number in host order; 0 for another family. */
uint32_t ip4_to_u32(const struct ip_addr *ip);

/** ip4_mask_bits - prefix length of a netmask, or -1 when it is not contiguous. */
int ip4_mask_bits(uint32_t mask);

/** ip4_bits_mask - netmask (host order) of a prefix length 0..32. */
uint32_t ip4_bits_mask(unsigned bits);

/** prefix_parse - "ADDR/BITS" of either family; host bits are cleared. Return: 0 or ERR_FORMAT. */
int prefix_parse(const char *text, struct ip_prefix *out);

/** prefix_make - network of @ip with @bits, host bits cleared (bits above the family's length are clamped). */
struct ip_prefix prefix_make(const struct ip_addr *ip, unsigned bits);

/** prefix_contains - whether @ip lies in @net. */
bool prefix_contains(const struct ip_prefix *net, const struct ip_addr *ip);

/** prefix_format - "ADDR/BITS". Return: @out. */
const char *prefix_format(const struct ip_prefix *net, char out[ADDR_TEXT_MAX]);

#endif
