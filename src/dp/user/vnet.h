/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_VNET_H
#define VPND_DP_USER_VNET_H

#include <stdint.h>

/** The 10 bytes in front of each packet of a device opened with IFF_VNET_HDR (virtio spec 5.1.6; native order). */
struct vnet_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t header_len;  /* a hint; never to be trusted when read */
    uint16_t gso_size;    /* payload bytes of each segment but the last */
    uint16_t csum_start;
    uint16_t csum_offset; /* from csum_start */
};

#define VNET_HEADER_SIZE 10

_Static_assert(sizeof(struct vnet_header) == VNET_HEADER_SIZE, "virtio_net_hdr is 10 bytes");

#define VNET_NEEDS_CSUM 1 /* flags: the checksum field holds the pseudo-header sum only */

enum vnet_gso {
    VNET_GSO_NONE = 0,
    VNET_GSO_TCP4 = 1,
    VNET_GSO_TCP6 = 4,
    VNET_GSO_UDP_L4 = 5,
    VNET_GSO_ECN = 0x80, /* bit: the first TCP segment has CWR */
};

#endif
