/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_RX_H
#define VPND_DP_USER_RX_H

/*
 * Packets on their way in: datagrams (or runs of them, by UDP_GRO) are cut into records without copying, opened in
 * batches of one key, and delivered to the device or to another peer.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "dp/user/gro.h"
#include "dp/user/packet.h"
#include "dp/user/udp_io.h"

struct conn;
struct keyslot;
struct listener;
struct path;
struct peer;
struct worker;

#define RX_MESSAGES_MAX 64
#define RX_BUFFER_BYTES 65536u
#define RX_BATCH_MAX GRO_PACKETS_MAX
#define RX_CONTROL_BYTES (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) + 32)

/** Where a datagram came from. */
struct rx_source {
    union addr remote;        /* plain form */
    struct ip_addr local;
    uint32_t ifindex;
};

/** A source address that is its peer's, as found for an earlier packet of the batch. */
struct rx_known {
    const struct peer *peer; /* NULL: none yet */
    uint8_t version;
    uint8_t source[16];
};

struct rx {
    uint8_t *buffers;         /* RX_MESSAGES_MAX of RX_BUFFER_BYTES; only touched pages exist */
    uint8_t *scratch;         /* reassembled and decompressed packets; made when needed */
    size_t scratch_used;
    unsigned messages;        /* to ask for in the next call */
    struct mmsghdr headers[RX_MESSAGES_MAX];
    struct iovec iov[RX_MESSAGES_MAX];
    union addr names[RX_MESSAGES_MAX];
    struct rx_source sources[RX_MESSAGES_MAX];
    _Alignas(struct cmsghdr) uint8_t control[RX_MESSAGES_MAX][RX_CONTROL_BYTES];

    /* the batch */
    const struct listener *listener;  /* NULL: a TCP connection */
    struct conn *conn;
    unsigned count;
    struct packet packets[RX_BATCH_MAX];
    struct peer *peers[RX_BATCH_MAX];
    struct keyslot *keys[RX_BATCH_MAX];
    struct rx_known known;

    /* for the device */
    unsigned out_count;
    struct gro_packet out[RX_BATCH_MAX];
    struct gro_batch merged;
};

/** rx_init - allocate the buffers. */
void rx_init(struct rx *rx);

/** rx_free - release. */
void rx_free(struct rx *rx);

/** rx_udp - receive once from @listener. Return: true when more may be waiting. Worker. */
bool rx_udp(struct worker *w, const struct listener *listener, int fd);

/** rx_record - take one packet from the network into the batch, or tell control about it. @source: index into
 *  rx->sources. Worker. */
void rx_record(struct worker *w, uint8_t *data, size_t len, unsigned source);

/** rx_process - open and deliver the batch; buffers may be reused afterwards. Worker. */
void rx_process(struct worker *w);

/** rx_to_device - queue one packet for the device; it must stay in place until rx_flush_device(). Worker. */
void rx_to_device(struct worker *w, uint8_t *data, size_t len);

/** rx_flush_device - write what is queued. Worker. */
void rx_flush_device(struct worker *w);

#endif
