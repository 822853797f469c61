/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_GRO_H
#define VPND_DP_USER_GRO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "dp/user/vnet.h"

/*
 * Coalesce decrypted packets into super-packets for one writev() each. Payload is never copied: the first packet's
 * headers are rewritten in place and the payloads of the others follow as further iovecs. Every merged packet had a
 * right checksum before, and splitting the result by the rules of TSO and USO gives back exactly the same bytes.
 */
#define GRO_PACKETS_MAX 64

/** One decrypted packet; tap: Ethernet frame. Writable. */
struct gro_packet {
    uint8_t *data;
    uint32_t len;
};

/** What the device accepts. */
struct gro_config {
    bool tap;
    bool tso4;
    bool tso6;
    bool uso;       /* both families */
};

/** One write to the device: iov[0] is the vnet header, then the packet. */
struct gro_frame {
    struct vnet_header header;
    uint16_t iov_first;  /* index into gro_batch.iov */
    uint16_t iov_count;
    uint16_t packets;    /* how many were merged */
    uint32_t len;        /* bytes without the vnet header */
};

/** Output; one for each worker, reused. */
struct gro_batch {
    unsigned frames;
    struct gro_frame frame[GRO_PACKETS_MAX];
    struct iovec iov[2 * GRO_PACKETS_MAX];
};

/**
 * gro_merge - coalesce @count packets (at most GRO_PACKETS_MAX)
 * @batch: filled; valid as long as the packets are not changed
 *
 * Order within a flow is kept; frames come in the order of their first packets. What is no unfragmented TCP or UDP
 * packet with a right checksum is passed on alone and untouched.
 * Any worker. Return: number of frames.
 */
unsigned gro_merge(const struct gro_config *config, const struct gro_packet *packets, unsigned count,
                   struct gro_batch *batch);

#endif
