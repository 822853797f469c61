/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_ETHER_H
#define VPND_WIRE_ETHER_H

#include "base/err.h"
#include "base/span.h"

#define ETHER_ADDR_SIZE 6
#define ETHER_HEADER_SIZE 14
#define ETHER_TAG_SIZE 4

enum ether_type {
    ETHER_IPV4 = 0x0800,
    ETHER_ARP = 0x0806,
    ETHER_VLAN = 0x8100,
    ETHER_IPV6 = 0x86DD,
    ETHER_QINQ = 0x88A8,
};

/** An Ethernet frame, as far as it was parsed. Destination at offset 0, source at 6. */
struct ether_frame {
    uint16_t type;       /* EtherType after at most two tags, host order */
    uint16_t l3_offset;  /* first byte after Ethernet header and tags */
    bool tagged;         /* the outermost tag is 802.1Q */
    uint16_t vid;        /* its VLAN id, 0..4095; 0 when untagged or priority-tagged */
    uint8_t priority;    /* its PCP bits */
};

/** ether_parse - header and up to two tags. Any thread. Return: 0 or ERR_TRUNCATED. */
int ether_parse(const uint8_t *frame, size_t len, struct ether_frame *out);

/** ether_is_group - destination is broadcast or multicast. */
static inline bool ether_is_group(const uint8_t *mac)
{
    return mac[0] & 1;
}

/**
 * ether_tag_insert - put an 802.1Q tag into a frame, moving the addresses 4 bytes down
 * @frame: has ETHER_TAG_SIZE writable bytes before it; at least 14 bytes long
 * Return: the new start (@frame - 4).
 */
uint8_t *ether_tag_insert(uint8_t *frame, uint16_t vid, uint8_t priority);

/** ether_tag_remove - take the outermost 802.1Q tag out, moving the addresses 4 bytes up.
 *  @frame: tagged (ether_parse()). Return: the new start (@frame + 4). */
uint8_t *ether_tag_remove(uint8_t *frame);

#endif
