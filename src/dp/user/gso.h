/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_GSO_H
#define VPND_DP_USER_GSO_H

#include "dp/user/vnet.h"
#include "wire/ip.h"

/*
 * Split what a device with IFF_VNET_HDR delivers: one ordinary packet, one whose L4 checksum is still to be
 * completed, or a TCP/UDP super-packet. Two steps: gso_parse() looks (routing can be decided on the result), then
 * gso_emit() writes the finished packets. Nothing is allocated. Any worker.
 */

/** A parsed read. Points into the caller's buffer. */
struct gso_plan {
    const uint8_t *data;   /* packet without the vnet header; tap: Ethernet header first */
    uint32_t len;
    uint16_t l3_offset;    /* 0, or Ethernet header and tags */
    uint16_t l4_offset;    /* only when @ip is valid */
    uint16_t headers;      /* bytes repeated in front of each segment's payload (segments > 1) */
    uint16_t mss;          /* payload bytes of each segment but the last */
    uint16_t segments;     /* >= 1 */
    uint8_t gso;           /* enum vnet_gso without the ECN bit; VNET_GSO_NONE: one packet, copied */
    uint16_t csum_start;   /* partial checksum of a packet that is not segmented; 0 none */
    uint16_t csum_offset;
    bool is_ip;            /* @ip was parsed; otherwise carry the packet as it is */
    struct ip_packet ip;   /* offsets from data + l3_offset */
};

/**
 * gso_parse - check one read
 * @read: vnet header and packet
 * @tap:  Ethernet frames
 * The kernel's header length is not used; headers are parsed.
 * Return: 0; ERR_TRUNCATED or ERR_FORMAT: drop it (DP_DROP_INNER).
 */
int gso_parse(const uint8_t *read, size_t len, bool tap, struct gso_plan *plan);

/** gso_longest - bytes of the longest packet of a plan, from its IP header on (Ethernet header not counted). */
static inline uint32_t gso_longest(const struct gso_plan *plan)
{
    uint32_t first = plan->segments > 1 ? (uint32_t)plan->headers + plan->mss : plan->len;
    return first - plan->l3_offset;
}

/**
 * gso_shorten - cut a TCP packet, or every segment of a super-packet, into segments of at most @longest bytes from the
 * IP header on, as the sender could have done itself
 * Only where the checksum is ours to write, so that corruption never gets a fresh one, and never a SYN, RST or URG.
 * Return: false when the plan must stay as it is.
 */
bool gso_shorten(struct gso_plan *plan, uint32_t longest);

/** One finished packet in the arena. */
struct gso_segment {
    uint8_t *data;
    uint32_t len;
};

/** Room kept around each packet: packets lie one after the other as headroom, packet, tailroom, without gaps, so
 *  that sealed records are contiguous when the rooms are exactly the record's overhead. */
struct gso_layout {
    uint16_t headroom;
    uint16_t tailroom;
};

/** gso_arena_size - bytes that gso_emit() will use for @count packets from number @first on. */
size_t gso_arena_size(const struct gso_plan *plan, const struct gso_layout *layout, unsigned first, unsigned count);

/**
 * gso_emit - write packets @first .. @first + @count - 1 of a plan (in turns when there are many: a small MSS can give
 * hundreds)
 * @count: at most plan->segments - @first
 * @arena: gso_arena_size() bytes, not overlapping the read buffer
 * @out:   @count entries
 *
 * TCP: sequence numbers advance, FIN and PSH only on the last, CWR only on the first; IPv4 ids count up; checksums
 * are complete. Return: bytes of @arena used.
 */
size_t gso_emit(const struct gso_plan *plan, const struct gso_layout *layout, unsigned first, unsigned count,
                uint8_t *arena, struct gso_segment *out);

#endif
