/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_CSUM_H
#define VPND_WIRE_CSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Internet checksums (RFC 1071, 1624). A partial sum is a 64-bit number congruent, modulo 0xFFFF, to the sum of the
 * 16-bit words in *memory* order: it can be added to others with csum_add() and is folded once at the end; results
 * are stored with memcpy(), never byte-swapped. Any thread.
 */

/** csum_add - sum of two partial sums, carry kept. */
static inline uint64_t csum_add(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum + (sum < a);
}

/** csum_fold16 - partial sum folded to 16 bits, not inverted: what a partial (NEEDS_CSUM) checksum field holds. */
static inline uint16_t csum_fold16(uint64_t sum)
{
    sum = (sum & 0xFFFFFFFFu) + (sum >> 32);
    sum = (sum & 0xFFFFFFFFu) + (sum >> 32);
    sum = (sum & 0xFFFFu) + (sum >> 16);
    sum = (sum & 0xFFFFu) + (sum >> 16);
    sum = (sum & 0xFFFFu) + (sum >> 16);
    return (uint16_t)sum;
}

/** csum_finish - the value for a checksum field, memory order. */
static inline uint16_t csum_finish(uint64_t sum)
{
    return (uint16_t)~csum_fold16(sum);
}

/** csum_load16 - a 16-bit word in memory order, as the sums want it. */
static inline uint16_t csum_load16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}

/** csum_store16 - store a word in memory order. */
static inline void csum_store16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, 2);
}

/** csum_partial - partial sum of @len bytes (an odd last byte counts as if a zero followed). */
uint64_t csum_partial(const uint8_t *data, size_t len);

/** csum_copy - copy @len bytes (no overlap) and return their partial sum in one pass. */
uint64_t csum_copy(uint8_t *restrict dst, const uint8_t *restrict src, size_t len);

/** csum_pseudo4 - pseudo-header: addresses of the IPv4 header at @ip, @proto, length of the L4 part. */
uint64_t csum_pseudo4(const uint8_t *ip, uint8_t proto, uint32_t l4_len);

/** csum_pseudo6 - the same for the IPv6 header at @ip; @proto is the L4 protocol, not the next-header byte. */
uint64_t csum_pseudo6(const uint8_t *ip, uint8_t proto, uint32_t l4_len);

/** csum_update16 - checksum field after a 16-bit word changed from @from to @to (all in memory order; RFC 1624). */
static inline uint16_t csum_update16(uint16_t check, uint16_t from, uint16_t to)
{
    return csum_finish((uint64_t)(uint16_t)~check + (uint16_t)~from + to);
}

/** csum_update32 - the same for a 32-bit word. */
static inline uint16_t csum_update32(uint16_t check, uint32_t from, uint32_t to)
{
    return csum_finish((uint64_t)(uint16_t)~check + (uint32_t)~from + to);
}

/** csum_ip4_header - write the header checksum of the IPv4 header at @ip of @header_len bytes. */
void csum_ip4_header(uint8_t *ip, size_t header_len);

#endif
